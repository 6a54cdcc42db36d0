"""Parts of libraries that load when they are first used."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.imports import put_off

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_that_is_put_off_loads_at_its_first_use_and_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: the text of a module runs at its first attribute, once, and others load at once.

    Sensitivity: each of the two leaves a mark of its own in a list when its text runs.
    """
    ran: list[str] = []
    for name in ("late_part", "early_part"):
        text = f"import sys\nsys.ran_parts.append({name!r})\nNUMBER = 7\n"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "ran_parts", ran, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    with put_off("late_part"):
        import early_part  # type: ignore[import-not-found]
        import late_part  # type: ignore[import-not-found]
    assert ran == ["early_part"]
    assert (late_part.NUMBER, early_part.NUMBER, late_part.NUMBER) == (7, 7, 7)
    assert ran == ["early_part", "late_part"]
    assert sys.meta_path == before


def test_a_module_that_is_not_there_is_still_missing() -> None:
    with put_off("no_such_part"), pytest.raises(ModuleNotFoundError, match="no_such_part"):
        import no_such_part  # type: ignore[import-not-found]  # noqa: F401


def test_what_weather_and_model_put_off_is_whole_for_others() -> None:
    """Proves: the statistics of scipy and readers of pvlib work in a process that put them off.

    Sensitivity: they are there, and unread, before their first use.
    """
    code = (
        "import sys\n"
        "from microgrid_opt.weather import solar\n"
        "from microgrid_opt import builder\n"
        "unread = [type(sys.modules[m]).__name__ for m in ('scipy.stats', 'pvlib.iotools')]\n"
        "import pvlib, scipy.stats\n"
        "print(unread, scipy.stats.norm.cdf(0.0), callable(pvlib.iotools.read_epw))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout == "['_LazyModule', '_LazyModule'] 0.5 True\n", result.stderr
