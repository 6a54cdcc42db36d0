"""Saving is all or nothing: foreign folders, full disks, interrupts, other runs at the same time."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.errors import InputError, MicrogridError
from microgrid_opt.store import atomic, check_folder, open_plan, save
from microgrid_opt.store.encoding import equal

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.study import Plan

    MakePlan = Callable[..., Plan]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def renamed(make: MakePlan, name: str) -> Plan:
    held = make()
    assert held.reference is not None
    return replace(
        held,
        results=replace(held.results, name=name),
        reference=replace(held.reference, name=name),
    )


@pytest.fixture(params=["exchange", "renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replace folders in one step where the system can, and by renaming as elsewhere."""
    if request.param == "renames":
        monkeypatch.setattr(atomic, "exchange", lambda _one, _other: False)
    return str(request.param)


def test_results_are_replaced_as_a_whole(plan: MakePlan, tmp_path: Path, way: str) -> None:
    target = tmp_path / "run"
    save(plan(), target)
    (target / "report.html").write_text("of the old plan")
    (target / ".DS_Store").write_text("of a desktop")
    save(renamed(plan, "second"), target)
    assert open_plan(target).results.name == "second"
    assert not (target / "report.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"], way


def test_parents_are_made_and_an_empty_folder_is_taken(plan: MakePlan, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o750)
    (tmp_path / "a").chmod(0o750)
    save(plan(), tmp_path / "a")
    save(plan(), tmp_path / "x/y/结果")
    assert open_plan(tmp_path / "x/y/结果").results.name == open_plan(tmp_path / "a").results.name
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


def test_a_link_to_results_stays_a_link(plan: MakePlan, tmp_path: Path) -> None:
    save(plan(), tmp_path / "real")
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    save(renamed(plan, "second"), tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    assert open_plan(tmp_path / "real").results.name == "second"


@pytest.mark.parametrize("manifest", [None, "{}", '{"program": "web", "files": {}}', "not JSON"])
def test_a_folder_of_somebody_else_is_refused(
    plan: MakePlan, tmp_path: Path, manifest: str | None
) -> None:
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter.tex").write_text("years of work")
    if manifest is not None:
        (target / "manifest.json").write_text(manifest)
    before = contents(target)
    with pytest.raises(InputError, match=r"holds something else than results \(chapter\.tex"):
        save(plan(), target)
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_own_files_among_the_results_are_refused_not_lost(plan: MakePlan, tmp_path: Path) -> None:
    target = tmp_path / "run"
    save(plan(), target)
    (target / "tables/notes.txt").write_text("mine")
    before = contents(target)
    with pytest.raises(InputError, match=r"files that are not results \(tables/notes\.txt\)"):
        save(plan(), target)
    assert contents(target) == before


def test_places_that_cannot_be_replaced_are_refused(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        save(plan(), tmp_path / "file")
    with pytest.raises(InputError, match="No folder can be made in"):
        save(plan(), tmp_path / "file/run")
    (tmp_path / "here/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here/deep")
    for place in (".", "..", tmp_path / "here"):
        with pytest.raises(InputError, match="the working directory"):
            check_folder(place)
    assert check_folder("run") == tmp_path / "here/deep/run"
    monkeypatch.setattr(Path, "is_mount", lambda self: self.name == "run")
    with pytest.raises(InputError, match="is a mount point"):
        check_folder("run")


@pytest.mark.parametrize("place", ["parent", "target"])
def test_places_without_permission_are_refused_before_any_work(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    target = tmp_path / "run"
    save(plan(), target)
    closed = tmp_path if place == "parent" else target
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != closed)
    with pytest.raises(InputError, match="or permission"):
        check_folder(target)


def fail_at(step: int, error: BaseException) -> Callable[[Path, bytes], None]:
    real, count = atomic.write_file, [0]

    def write(path: Path, data: bytes) -> None:
        count[0] += 1
        if count[0] == step:
            path.write_bytes(data[: len(data) // 2])
            raise error
        real(path, data)

    return write


def test_a_folder_that_is_replaced_while_one_looks_is_not_read_only(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a folder that another run has renamed between two looks, and put back, may be written to; one
    that refuses each time may not.

    Sensitivity: one look alone calls what is gone for a moment read-only.
    """
    target = tmp_path / "run"
    save(plan(), target)
    refused = [target]

    def access(path: Path, mode: int) -> bool:
        return not (path == target and refused and refused.pop())

    monkeypatch.setattr(os, "access", access)
    assert check_folder(target) == target
    assert not refused
    refused += 10 * [target]
    with pytest.raises(InputError, match="is read-only"):
        check_folder(target)


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        (1, errno.ENOSPC, "No space left"),
        (5, errno.ENOSPC, "No space left"),
        (30, errno.ENOSPC, "No space left"),
        (2, errno.EACCES, "Permission denied"),
        (2, errno.EIO, "error"),
    ],
)
def test_a_failing_disk_changes_nothing(
    plan: MakePlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    code: int,
    words: str,
) -> None:
    """Proves: whichever file the disk fails at, the old results stay and nothing else is left.
    Sensitivity: writing into the folder itself leaves a half-new plan from the second file on.
    """
    old, new = tmp_path / "old", tmp_path / "new"
    save(plan(), old)
    before = contents(old)
    for target in (old, new):
        error = OSError(code, os.strerror(code))
        monkeypatch.setattr(atomic, "write_file", fail_at(step, error))
        with pytest.raises(MicrogridError, match=f"{target}: .*{words}") as caught:
            save(renamed(plan, "second"), target)
        assert not isinstance(caught.value, InputError)
    assert contents(old) == before
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_an_interrupt_leaves_nothing_behind(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(plan(), tmp_path / "run")
    before = contents(tmp_path / "run")
    monkeypatch.setattr(atomic, "write_file", fail_at(7, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        save(plan(), tmp_path / "run")
    assert contents(tmp_path / "run") == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_failing_rename_puts_the_old_results_back(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Proves: without a system call that exchanges folders, a failure between the two renames
    restores the old folder.
    """
    target = tmp_path / "run"
    save(plan(), target)
    before = contents(target)
    real = Path.rename
    calls: list[Any] = []

    def rename(self: Path, other: Path) -> Path:
        calls.append((self, other))
        if len(calls) == 2:
            raise error
        return real(self, other)

    monkeypatch.setattr(atomic, "exchange", lambda _one, _other: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises((MicrogridError, KeyboardInterrupt)):
        save(plan(), target)
    assert len(calls) == 3
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_every_file_is_on_disk_before_the_folder_appears(
    plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: all files and folders are synced before the swap, and the parent after it."""
    synced: list[int] = []
    real_sync, real_place = os.fsync, atomic._place

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        real_sync(handle)

    def place(*args: Any) -> None:
        synced.append(-1)
        real_place(*args)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(atomic, "_place", place)
    save(plan(), tmp_path / "run")
    cut = synced.index(-1)
    found = {path.stat().st_ino for path in (tmp_path / "run").rglob("*")}
    assert set(synced[:cut]) == found | {(tmp_path / "run").stat().st_ino}
    assert synced[cut + 1 :] == [tmp_path.stat().st_ino]


def test_a_folder_that_goes_while_others_replace_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a target that goes while it is looked at, and one that comes and goes while the new
    folder takes its place, are tried again.

    Sensitivity: either raised the system's error, and the run was lost.
    """
    target, rename = tmp_path / "run", Path.rename
    target.mkdir()

    def gone(folder: Path) -> None:
        folder.rmdir()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))

    failures = [OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(target))]

    def taken(self: Path, other: Path) -> Path:
        if failures:
            raise failures.pop()
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", taken)
    atomic.replace_folder(target, [("plan.txt", b"whole")], require=gone)
    assert (target / "plan.txt").read_bytes() == b"whole"
    assert not failures
    assert [one.name for one in tmp_path.iterdir()] == ["run"]


CHILD = """
import pickle, sys
from pathlib import Path
from microgrid_opt.store import atomic
from microgrid_opt.store import save
if sys.argv[4] == "renames":
    atomic.exchange = lambda one, other: False
plan = pickle.loads(Path(sys.argv[1]).read_bytes())
for _ in range(int(sys.argv[3])):
    save(plan, sys.argv[2])
"""


@pytest.mark.slow
def test_runs_into_one_folder_at_once_leave_one_of_them_whole(
    plan: MakePlan, tmp_path: Path, way: str
) -> None:
    """Proves: three processes that save into one folder over and over never fail, every look in
    between finds one whole plan, and the last one stays. Sensitivity: writing in place gives hash
    errors at once.
    """
    names = ("甲", "乙", "丙")
    target = tmp_path / "out/run"
    save(renamed(plan, names[0]), target)
    children = []
    for name in names:
        held = tmp_path / f"{name}.pickle"
        held.write_bytes(pickle.dumps(renamed(plan, name)))
        command = [sys.executable, "-c", CHILD, str(held), str(target), "8", way]
        children.append(
            subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(atomic.__file__).parents[1])
        )
    one_step = way == "exchange" and sys.platform == "linux"
    seen = set()
    while any(child.poll() is None for child in children):
        try:
            found = open_plan(target)
        except InputError as error:
            # Renaming leaves a moment without folder; it never leaves half of one.
            absent = "does not exist" in str(error) or "no manifest" in str(error)
            if one_step or not absent:
                raise
            continue
        assert found.reference is not None
        assert found.results.name == found.reference.name == found.summary["name"]
        seen.add(found.results.name)
    errors = [child.communicate()[1].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], errors
    final = open_plan(target)
    assert seen | {final.results.name} <= set(names)
    assert equal(final.results, renamed(plan, final.results.name).results)
    assert [path.name for path in target.parent.iterdir()] == ["run"]
