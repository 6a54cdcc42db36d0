"""Parts of libraries that load when they are first used."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.imports import promised, put_off

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


def test_a_promised_function_loads_its_module_with_its_first_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a promise is kept by the module itself, which others find whole, and only when called.

    Sensitivity: the module's text marks when it runs; what derives from a promise fails at once.
    """
    ran: list[str] = []
    package = tmp_path / "kept_package"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\nsys.ran_parts.append('package')\n", "utf-8")
    text = "import sys\nsys.ran_parts.append('part')\ndef double(x, y=0):\n    return 2 * x + y\n"
    (package / "part.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "ran_parts", ran, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    with promised("kept_package", "kept_package.part"):
        from kept_package.part import double  # type: ignore[import-not-found]

        with pytest.raises(TypeError):
            type("Derived", (double,), {})
    assert (ran, sys.meta_path) == ([], before)
    assert not any(name.startswith("kept_package") for name in sys.modules)
    assert (double(3), double(3, y=1)) == (6, 7)
    assert ran == ["package", "part"]
    import kept_package.part  # type: ignore[import-not-found]

    assert kept_package.part.double(1) == 2
    with promised("kept_package.part"):
        from kept_package.part import double as known
    assert known is kept_package.part.double
    for name in ("kept_package", "kept_package.part"):
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("first", ["microgrid_opt.builder", "microgrid_opt.weather.solar"])
def test_what_weather_and_model_put_off_is_whole_for_others(first: str) -> None:
    """Proves: what of scipy, pvlib and pint is put off works in a process that put it off.

    Sensitivity: none of it is read before its first use; then roots, splines and readers are there.
    """
    code = (
        f"import sys, {first}\n"
        "from microgrid_opt import builder, units\n"
        "from microgrid_opt.weather import solar\n"
        "assert units.to_unit('2 MW * h', 'kWh') == 2000.0\n"
        "late = ('scipy.stats', 'scipy.sparse', 'pvlib.iotools', 'pvlib.clearsky')\n"
        "unread = {type(sys.modules[m]).__name__ for m in late}\n"
        "away = [m for m in ('scipy.optimize', 'scipy.interpolate', 'dask') if m in sys.modules]\n"
        "root = solar.irradiance.bisect(lambda x: x - 0.5, 0.0, 2.0)\n"
        "import pvlib, scipy.optimize, scipy.stats\n"
        "print(unread, away, round(root, 9), scipy.stats.norm.cdf(0.0))\n"
        "print(callable(pvlib.iotools.read_epw), callable(scipy.optimize.bisect))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout == "{'_LazyModule'} [] 0.5 0.5\nTrue True\n", result.stderr


def test_weather_loads_behind_a_pyomo_that_waits_for_scipy() -> None:
    """Proves: Pyomo, imported before, loads its parts of scipy whole in the moment scipy comes.

    Sensitivity: its statistics derive classes from what the weather is promised.
    """
    code = "import pyomo.core, microgrid_opt.weather.solar, scipy.stats; print(scipy.stats.norm.cdf(0))"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout == "0.5\n", result.stderr
