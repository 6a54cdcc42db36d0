"""The public names, and that rooms of the same name do not shadow them."""

from __future__ import annotations

import inspect

import microgrid_opt


def test_public_functions_survive_their_rooms() -> None:
    """Proves: `solve` and `compare` stay functions after the rooms `solve/` and `compare/` load."""
    plan = microgrid_opt.solve(microgrid_opt.load("minimal"))
    assert plan.results.cost > 0
    from microgrid_opt import compare, solve

    assert inspect.isfunction(solve)
    assert inspect.isfunction(compare)
    assert solve is microgrid_opt.solve


def test_every_public_name_is_there() -> None:
    for name in microgrid_opt.__all__:
        assert getattr(microgrid_opt, name) is not None
    assert len(microgrid_opt.__all__) <= 10
    assert set(microgrid_opt.__all__) <= set(dir(microgrid_opt))
