"""The mutation check: what it changes, what it leaves alone, which tests it takes."""

from __future__ import annotations

import ast

import pytest

from benchmarks.mutation import Changes, mutants, sample, stages, users

SOURCE = '''
RATE = 0.5

class Plant:
    """A plant."""

    def build(self, b):
        """Write - the rules."""
        flow = b.series("flow", lower=-1.0, upper=2.0 * RATE)
        b.require("limit", lambda t: flow[t + 1] <= flow[t] / 4)
        if self.kind == "store":
            raise ValueError(f"{1.0 - RATE}")

    def audit(self, a):
        return a.total - 1.0
'''


def changed(number: int) -> str:
    tree = Changes(number).visit(ast.parse(SOURCE))
    return ast.unparse(ast.fix_missing_locations(tree))


def test_every_change_is_one_and_in_what_writes_the_model() -> None:
    """Proves: numbers, signs and operators of `build`; no index, message, text, audit or constant of a module.

    Sensitivity: each change alone; the source otherwise stays as it was.
    """
    counted = Changes()
    counted.visit(ast.parse(SOURCE))
    told = {change for _, _, change in counted.found}
    assert told == {"1 -> 1.1", "minus dropped", "2 -> 2.2", "* -> /", "/ -> *", "<= -> >="}
    assert {function for _, function, _ in counted.found} == {"build"}
    plain = ast.unparse(ast.parse(SOURCE))
    for number, (_, _, change) in enumerate(counted.found):
        lines = zip(plain.splitlines(), changed(number).splitlines(), strict=True)
        different = [pair for pair in lines if pair[0] != pair[1]]
        assert len(different) == 1, change
    assert changed(len(counted.found)) == plain


def test_a_zero_becomes_one() -> None:
    source = "def build(b):\n    b.require(0.0)\n"
    tree = Changes(0).visit(ast.parse(source))
    assert "1.0" in ast.unparse(tree)


def test_samples_are_seeded_and_reach_every_file() -> None:
    everything = mutants(("assets/", "policies/carbon"))
    files = {one.file for one in everything}
    first = sample(everything, len(files), seed=3)
    assert {one.file for one in first} == files
    assert first == sample(everything, len(files), seed=3)
    assert first != sample(everything, len(files), seed=4)


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("assets/battery.py", "tests/math/test_battery.py"),
        ("formulations/reservoir.py", "tests/math/test_battery.py"),
        ("policies/tariffs/terms.py", "tests/math/test_tariffs.py"),
    ],
)
def test_tests_of_a_file(file: str, test: str) -> None:
    assert test in [one for _, tests in stages(file) for one in tests]
    assert "battery" in users("formulations/reservoir.py")
