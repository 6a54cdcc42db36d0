"""Plugins: where technologies come from, and what is said of those that cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import plugins
from microgrid_opt.errors import InputError
from tests.registry.catalogue import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CLASS = """
from typing import Literal
from microgrid_opt.assets.base import Asset


class Thing(Asset):
    type: Literal["{type}"]

    def build(self, b):
        pass

    def audit(self, a):
        pass
"""


def site(folder: Path, name: str, code: str) -> None:
    """Install a distribution of one module with an entry point into a folder."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{name} = {name}\n")


def validate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "microgrid_opt", *options, "validate", "minimal"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_broken_plugins_are_named_with_their_distributions(tmp_path: Path) -> None:
    """Proves: no plugin is left out in silence, and all that are broken are told at once."""
    site(tmp_path, "torn", "import no_such_library")
    site(tmp_path, "greedy", CLASS.format(type="battery"))
    site(tmp_path, "sound", CLASS.format(type="thing"))
    done = validate(tmp_path)
    assert done.returncode == 2
    greedy, torn, _ = done.stderr.splitlines()
    assert greedy == (
        "The plugin 'greedy' of the distribution 'dist-greedy 2.1' cannot be imported (TypeError: "
        "Asset type 'battery' is already taken by microgrid_opt.assets.battery.Battery). Install the "
        "distribution again, or remove it."
    )
    assert torn.startswith("The plugin 'torn' of the distribution 'dist-torn 2.1' cannot be")
    assert "No module named 'no_such_library'" in torn
    assert "sound" not in done.stderr


def test_an_unused_plugin_changes_nothing(tmp_path: Path) -> None:
    site(tmp_path, "sound", CLASS.format(type="thing"))
    done = validate(tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module", "The module 'no_such_module' cannot be imported (ModuleNotFoundError"),
        ("there/is/none.py", "There is no file 'there/is/none.py' to import."),
        (
            "taken.py",
            "The module 'taken.py' cannot be imported (TypeError: Asset type 'battery' is",
        ),
        ("torn.py", "The module 'torn.py' cannot be imported (ZeroDivisionError"),
        ("json.py", "The file 'json.py' cannot be imported: a module 'json' is loaded already."),
    ],
)
def test_modules_that_cannot_be_had(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.py").write_text(CLASS.format(type="battery"), encoding="utf-8")
    (tmp_path / "torn.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "json.py").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        plugins.use([name])
    assert str(raised.value).startswith(said)
    assert "taken" not in sys.modules
    assert "torn" not in sys.modules
    assert str(tmp_path) not in sys.path


def test_the_type_of_a_file_that_nothing_has_imported_is_taken(tmp_path: Path) -> None:
    """Proves: a module cannot take a type of the package that the park does not have."""
    (tmp_path / "taken.py").write_text(CLASS.format(type="hydro"), encoding="utf-8")
    done = validate(tmp_path, "--import", "taken.py")
    assert done.returncode == 2
    assert "Asset type 'hydro' is already taken by microgrid_opt.assets.hydro.Hydro" in done.stderr


def test_wrong_modules_end_a_command_with_the_code_of_wrong_input(tmp_path: Path) -> None:
    done = validate(tmp_path, "--import", "no_such_module")
    assert done.returncode == 2
    assert done.stderr.startswith("The module 'no_such_module' cannot be imported")
    assert "Traceback" not in done.stderr


def test_a_file_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "counted_here.py"
    path.write_text("import sys\nsys.modules['sys'].counted = getattr(sys, 'counted', 0) + 1\n")
    monkeypatch.setattr(sys, "counted", 0, raising=False)
    plugins.use([str(path), str(path)])
    assert vars(sys)["counted"] == 1
    del sys.modules["counted_here"]


def test_own_technologies_are_not_from_outside() -> None:
    plugins.use([])
    assert plugins.outside(["battery", "pv", "no_such_type"]) == ()
