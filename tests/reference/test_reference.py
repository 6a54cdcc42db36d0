"""Reference cases: every run against what other tools and publications say."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.bench import Comparison, Peer, compare, reference_case, reference_names

if TYPE_CHECKING:
    from collections.abc import Iterator

PEERS = Peer((sys.executable, *os.environ.get("MICROGRID_OPT_PEER_PYTHON", "").split()))


def runs(*, peers: bool) -> Iterator[object]:
    for name in reference_names():
        expected = reference_case(name).expected
        if expected.peer is None if peers else expected.inputs:
            continue
        for run, wanted in expected.runs.items():
            marks = [pytest.mark.slow] if wanted.slow else []
            marks += [pytest.mark.peers] if peers else []
            yield pytest.param(name, run, marks=marks, id=f"{name}-{run}")


def require(found: Comparison) -> None:
    if found.left_out:
        pytest.skip(found.left_out)
    assert found.passed, found.problems


@pytest.mark.parametrize(("name", "run"), list(runs(peers=False)))
def test_case_gives_the_reference(name: str, run: str) -> None:
    """Proves: objective, sizes and totals are those of the reference, and the audit is green."""
    found = compare(reference_case(name), run, PEERS, with_peer=False)
    require(found)


@pytest.mark.parametrize(("name", "run"), list(runs(peers=True)))
def test_tool_gives_the_same_now(name: str, run: str) -> None:
    """Proves: the other tool, where it is installed, finds what we find on its own example."""
    case = reference_case(name)
    assert case.expected.peer is not None
    if PEERS.python_for(case.expected.peer) is None:
        pytest.skip(f"{case.expected.peer.distribution} is not installed")
    found = compare(case, run, PEERS, with_peer=True)
    assert found.peer is not None
    assert not found.peer.problem
    assert not found.notes
    require(found)


@pytest.mark.parametrize("name", reference_names())
def test_case_folder_is_complete(name: str) -> None:
    case = reference_case(name)
    files = {"park.yaml", "README.md"} | ({"peer.py"} if case.expected.peer else set())
    files |= {"make_inputs.py"} if case.expected.inputs else set()
    assert files <= {path.name for path in case.folder.iterdir()}
    assert not set(case.expected.inputs) & {path.name for path in case.folder.iterdir()}
