"""Coalitions in other processes, by Dask, where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.study import Asked
from microgrid_opt.trading.coalitions import Coalitions
from tests.support import problem_of
from tests.trading.games import CHAIN, CHAIN_COSTS, NOBODY_SERVES_D, of_names

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.optional,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Dask's own
]


@pytest.fixture(autouse=True)
def dask() -> Any:
    """Return Dask's library of processes."""
    reason = "distributed is not installed: pip install '.[parallel]'"
    return pytest.importorskip("distributed", reason=reason)


def test_two_processes_give_the_same(tmp_path: Path) -> None:
    """Proves: all costs of the chain, by hand; each solved once, and kept by this process."""
    with Coalitions(problem_of(CHAIN), workers=2, cache=tmp_path, asked=Asked("test")) as game:
        found = game.costs(game.every)
        assert {who: one.cost for who, one in found.items()} == pytest.approx(of_names(CHAIN_COSTS))
        assert len(list(tmp_path.iterdir())) == 7
        assert game.cost("ab").cost == pytest.approx(50)
    with Coalitions(problem_of(CHAIN), cache=tmp_path, asked=Asked("test")) as game:
        assert all(one.cached for one in game.costs(game.every).values())


def test_a_cluster_by_its_address(dask: Any) -> None:
    """Proves: workers that somebody else started solve, and stay when the run is over; mistakes in the
    park come back as such.
    """
    cluster = dask.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster:
        address = cluster.scheduler_address
        with Coalitions(problem_of(CHAIN), scheduler=address, asked=Asked("test")) as game:
            assert game.cost("bc").cost == pytest.approx(CHAIN_COSTS["bc"])
        with (
            Coalitions(problem_of(NOBODY_SERVES_D), scheduler=address) as game,
            pytest.raises(InputError, match="no asset at 'd' supplies"),
        ):
            game.cost("ad")
        assert len(cluster.workers) == 1


def test_no_scheduler_there() -> None:
    with (
        Coalitions(problem_of(CHAIN), scheduler="tcp://127.0.0.1:9") as game,
        pytest.raises(InputError, match="does not answer"),
    ):
        game.cost("a")


def test_lost_workers_are_told(tmp_path: Path) -> None:
    """Proves: when all workers die, what was finished is kept and the rest is told."""
    with Coalitions(problem_of(CHAIN), workers=2, cache=tmp_path, asked=Asked("test")) as game:
        game.costs(["a"])
        pool = game._pool
        assert pool is not None
        for worker in pool._cluster.workers.values():
            worker.process.process.kill()
        with pytest.raises(NoPlanError, match="workers were lost"):
            game.costs(game.every)
    assert len(list(tmp_path.iterdir())) >= 1
