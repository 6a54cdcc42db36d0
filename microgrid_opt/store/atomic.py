"""A folder, or a file, that is written as a whole or not at all.

Everything goes to a new folder (file) beside the target, is forced to disk, and takes the target's place in
one step. Whoever looks finds the old folder or the new one; after a failure, the old one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_HERE = -100  # AT_FDCWD of <fcntl.h>
_EXCHANGE = 2  # RENAME_EXCHANGE of <linux/fs.h>
_ATTEMPTS = 1000


def replace_folder(
    target: Path, files: Iterable[tuple[str, bytes]], *, require: Callable[[Path], None]
) -> None:
    """Write files to a new folder and put it in the place of ``target``.

    Parameters
    ----------
    target
        Absolute path, links resolved; exists or not. Its parents are made.
    files
        Relative names with forward slashes, and contents; taken one at a time.
    require
        Called with ``target`` right before it is replaced; raises when it may not be.

    Raises
    ------
    OSError
        The system refused (no space, no permission, …): ``target`` is as it was, and nothing else
        is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = _sibling(target)
    try:
        fresh.mkdir()
        for name, data in files:
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, data)
        for folder in (*(path for path in fresh.rglob("*") if path.is_dir()), fresh):
            _sync(folder)
        _place(fresh, target, require)
        _sync(target.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def replace_file(target: Path, data: bytes) -> None:
    """Write a file beside ``target`` and put it in its place; its parents are made.

    Raises
    ------
    OSError
        The system refused: ``target`` is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = _sibling(target)
    try:
        write_file(fresh, data)
        fresh.replace(target)
        _sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file and force it to disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sibling(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(fresh: Path, target: Path, require: Callable[[Path], None]) -> None:
    """Put ``fresh`` in the place of ``target``; what was there ends up in ``fresh``.

    Others may do the same at the same time: then the target comes or goes between two steps, and
    the step is tried again.
    """
    for _ in range(_ATTEMPTS):
        if not target.exists():
            try:
                fresh.rename(target)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} and not target.exists():
                    raise
                continue
            return
        try:
            require(target)
            shutil.copymode(target, fresh)
            if exchange(fresh, target) or _exchange_by_names(fresh, target):
                return
        except FileNotFoundError:
            continue
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(target))


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step (renameat2 of Linux); return False where it cannot."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _exchange_by_names(fresh: Path, target: Path) -> bool:
    """Exchange two folders by renaming; for a moment there is no target."""
    aside = _sibling(target)
    target.rename(aside)
    try:
        fresh.rename(target)
    except BaseException as error:
        if not target.exists():
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)  # another run was faster
        if isinstance(error, OSError):
            return False
        raise
    aside.rename(fresh)
    return True
