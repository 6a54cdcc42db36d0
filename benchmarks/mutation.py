"""How many wrong formulas the cases and tests notice: one operator, sign or number wrong at a time.

    python -m benchmarks.mutation [--sample 150] [--seed 1] [--only assets/battery] [--out FILE.json]

A mutant is a module of `assets`, `formulations` or `policies` with one change in what it writes into the
model: `+` and `-` exchanged, `*` and `/`, `<=` and `>=`, a minus dropped, a number made 10 % larger (0
becomes 1). Checks, figures for tables and messages are left alone; they write no model. Each mutant runs in
a process of its own against, in this order, the tests of its file, those of the technologies that use
it, the reference cases of less than five seconds, and the shipped cases of less than five seconds; the
first that fails kills it. One process at a time.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "microgrid_opt"
FOLDERS = ("assets", "formulations", "policies")
NO_MODEL = (
    *("audit", "summary", "misfits", "notes", "describe", "findings", "label", "unit", "names"),
    *("check", "refuse", "refused", "figures", "measure", "problem", "problems", "audited"),
)
"""Words in the name of a function that writes nothing into the model."""
TESTS = {
    "policies/incentives": ("math/test_finance_terms", "published/test_finance"),
    "policies/areas": ("math/test_areas",),
    "policies/tariffs": (
        *("math/test_tariffs", "math/test_tariff_calendar", "math/test_demand_response"),
        *("published/test_tariffs", "properties/test_bills"),
    ),
    "formulations/commitment": ("math/test_commitment", "properties/test_commitment_simulator"),
    "formulations/replay": ("math/test_commitment", "properties/test_commitment_simulator"),
    "formulations/wear": ("math/test_ageing",),
    "formulations/starts": ("math/test_commitment", "properties/test_commitment_simulator"),
    "formulations/switching": ("math/test_commitment", "properties/test_switching"),
    "formulations/sizing": ("math/test_sizing", "math/test_retirement"),
    "formulations/placing": ("math/test_areas", "math/test_nodes"),
    "formulations/vintages": ("math/test_pathway",),
}
"""Tests of modules whose names do not say them."""
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.LtE,
}
LIMIT_SECONDS = 900
KILLED, SURVIVED, TIME_OUT = "killed", "survived", "no end"


@dataclass(frozen=True)
class Mutant:
    """A change: its file, line and what it does; `number` counts the changes of the file."""

    file: str
    number: int
    line: int
    function: str
    change: str


class Changes(ast.NodeTransformer):
    """Counts the possible changes of a module, and makes one of them.

    Parameters
    ----------
    wanted
        Number of the change that is made; ``None`` to count only.
    """

    def __init__(self, wanted: int | None = None) -> None:
        self.wanted = wanted
        self.found: list[tuple[int, str, str]] = []
        self._functions: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Look into a function that writes a part of the model."""
        words = node.name.split("_")
        decorators = ast.dump(ast.Module(node.decorator_list, []))
        if any(word in words for word in NO_MODEL) or "validator" in decorators:
            return node
        self._functions.append(node.name)
        node.body = [self.visit(one) for one in node.body]
        self._functions.pop()
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Leave errors alone."""
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Leave texts alone."""
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Leave indices alone: another index is another kind of mistake."""
        node.value = self.visit(node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Exchange an operator."""
        self.generic_visit(node)
        swapped = SWAPS.get(type(node.op))
        if swapped is not None and self._here(node, f"{_sign(node.op)} -> {_sign(swapped())}"):
            node.op = swapped()
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Drop a minus."""
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and self._here(node, "minus dropped"):
            return node.operand
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Turn a comparison round."""
        self.generic_visit(node)
        swapped = SWAPS.get(type(node.ops[0]))
        if any(isinstance(one, ast.Constant) and one.value != 0 for one in node.comparators):
            return node  # a word, or how many there are: no rule of the model
        if swapped is not None and self._here(node, f"{_sign(node.ops[0])} -> {_sign(swapped())}"):
            node.ops[0] = swapped()
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Make a number another one."""
        if type(node.value) is not float:
            return node
        other = node.value * 1.1 if node.value else 1.0
        if self._here(node, f"{node.value:g} -> {other:g}"):
            return ast.copy_location(ast.Constant(other), node)
        return node

    def _here(self, node: ast.expr, change: str) -> bool:
        if not self._functions:
            return False
        self.found.append((node.lineno, self._functions[-1], change))
        return self.wanted == len(self.found) - 1


def _sign(node: ast.AST) -> str:
    signs = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "LtE": "<=", "GtE": ">=", "Eq": "=="}
    return signs[type(node).__name__]


@cache
def tree_of(file: str) -> ast.Module:
    """Return the module of a file below the package."""
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


def mutants(only: Sequence[str] = ()) -> list[Mutant]:
    """Return every change there is, in files whose names begin with one of `only`."""
    found = []
    for path in sorted(p for folder in FOLDERS for p in (PACKAGE / folder).rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        if only and not file.startswith(tuple(only)):
            continue
        changes = Changes()
        changes.visit(copy.deepcopy(tree_of(file)))
        found += [Mutant(file, number, *one) for number, one in enumerate(changes.found)]
    return found


def sample(all_of_them: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return some mutants in random order: one of each file, the rest at random."""
    rng = random.Random(seed)
    shuffled = rng.sample(all_of_them, len(all_of_them))
    first: dict[str, Mutant] = {}
    for one in shuffled:
        first.setdefault(one.file, one)
    chosen = [*first.values(), *(one for one in shuffled if first[one.file] is not one)]
    return rng.sample(chosen[:size], min(size, len(chosen)))


# ------------------------------------------------------------------ which tests belong to a file


@cache
def _imports(file: str) -> frozenset[str]:
    found = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("microgrid_opt."):
            module = str(node.module).removeprefix("microgrid_opt.").replace(".", "/")
            found |= {f"{module}.py", *(f"{module}/{one.name}.py" for one in node.names)}
    return frozenset(found)


@cache
def users(file: str) -> frozenset[str]:
    """Return the technologies that import a file, by whatever way."""
    files = [
        p.relative_to(PACKAGE).as_posix() for f in FOLDERS for p in (PACKAGE / f).rglob("*.py")
    ]
    reached, size = {file}, 0
    while size != len(reached):
        size = len(reached)
        reached |= {one for one in files if _imports(one) & reached}
    return frozenset(Path(one).stem for one in reached if one.startswith("assets/"))


def stages(file: str) -> list[tuple[str, list[str]]]:
    """Return what runs against the mutants of a file, by a name for the table."""
    stem = file.removesuffix(".py")
    own = [f"math/test_{Path(stem).name}"]
    own += [test for start, tests in TESTS.items() if stem.startswith(start) for test in tests]
    own = [test for test in own if (ROOT / "tests" / f"{test}.py").is_file()]
    near = sorted(f"math/test_{one}" for one in users(file))
    near = [t for t in near if t not in own and (ROOT / "tests" / f"{t}.py").is_file()]
    return [
        (name, [f"tests/{test}.py" for test in tests])
        for name, tests in (("own tests", own), ("tests of users", near))
        if tests
    ]


# ------------------------------------------------------------------ running


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with the change in it."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> CodeType:
        """Return the changed code; the file and its lines stay those of the source."""
        return compile(self.tree, self.path, "exec")


class Finder:
    """Finds the changed module before any other finder does."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = "microgrid_opt." + mutant.file.removesuffix(".py").replace("/", ".")
        self.name = self.name.removesuffix(".__init__")
        self.path = str(PACKAGE / mutant.file)
        tree = Changes(mutant.number).visit(copy.deepcopy(tree_of(mutant.file)))
        self.tree = ast.fix_missing_locations(tree)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return where the changed module comes from."""
        if name != self.name:
            return None
        loader = Loader(name, self.path, self.tree)
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


def fails(tests: Sequence[str]) -> bool:
    """Return whether some tests fail, or the fast reference cases where none are given."""
    if not tests:
        return _a_reference_case_fails()
    import pytest

    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow and not peers"]
    return pytest.main([*quiet, *tests]) not in {0, 5}


def _a_reference_case_fails() -> bool:
    from microgrid_opt import bench

    peer = bench.Peer(())
    for name in bench.reference_names():
        case = bench.reference_case(name)
        for run, wanted in case.expected.runs.items():
            if not wanted.slow and bench.compare(case, run, peer, with_peer=False).passed is False:
                return True
    return False


def fate(mutant: Mutant) -> str:
    """Return what kills a mutant."""
    for name, tests in (*stages(mutant.file), ("reference cases", []), ("cases", ["tests/cases"])):
        end = _in_a_child(mutant, tests)
        if end != SURVIVED:
            return name if end == KILLED else end
    return SURVIVED


def _in_a_child(
    mutant: Mutant | None, tests: Sequence[str], limit_seconds: float = LIMIT_SECONDS
) -> str:
    """Run tests in a process of their own, so that nothing of the mutant stays."""
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        code = 1
        try:
            if mutant is not None:
                sys.meta_path.insert(0, Finder(mutant))
            code = int(fails(tests))
        finally:
            os._exit(code)
    until = time.monotonic() + limit_seconds
    while True:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            return KILLED if code else SURVIVED
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIME_OUT
        time.sleep(0.05)


def _preload() -> None:
    """Import what is large and not ours once, for all children."""
    for name in ("numpy", "pandas", "pydantic", "pyomo.environ", "yaml", "pytest"):
        importlib.import_module(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sample, run, print the table; return 1 when the rate is 90 % or less."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--out", type=Path)
    parser.add_argument("--unchecked", action="store_true", help="no run without any change first")
    asked = parser.parse_args(arguments)
    os.chdir(ROOT)
    everything = mutants(asked.only)
    chosen = sample(everything, asked.sample, asked.seed)
    _preload()
    needed = {test for one in chosen for _, tests in stages(one.file) for test in tests}
    every = [*sorted(needed), "tests/cases"]
    if not asked.unchecked and _in_a_child(None, every, limit_seconds=3600) != SURVIVED:
        print("There are failures without any change: nothing can be said.")
        return 2
    fates: dict[Mutant, str] = {}
    for one in chosen:
        fates[one] = fate(one)
        print(f"{one.file}:{one.line} {one.function}: {one.change}: {fates[one]}", flush=True)
        if asked.out:
            rows = [asdict(mutant) | {"fate": end} for mutant, end in fates.items()]
            asked.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for line in table(fates, len(everything)):
        print(line)
    killed = sum(end not in {SURVIVED, TIME_OUT} for end in fates.values())
    return int(killed <= 0.9 * len(fates))


def table(fates: dict[Mutant, str], everything: int) -> Iterator[str]:
    """Yield the lines of the summary."""
    killed = sum(end not in {SURVIVED, TIME_OUT} for end in fates.values())
    yield f"{killed} of {len(fates)} mutants killed ({killed / len(fates):.1%}), of {everything} there are"
    for end, count in Counter(fates.values()).most_common():
        yield f"  {count:4d} {end}"
    for one in (mutant for mutant, end in fates.items() if end == SURVIVED):
        yield f"  survived: {one.file}:{one.line} {one.function}: {one.change}"


if __name__ == "__main__":
    sys.exit(main())
