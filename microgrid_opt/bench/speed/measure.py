"""One run in a fresh process of its own: wall and CPU seconds, and the most memory held."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_SECONDS = 0.1
"""How often processes are looked at: the largest sum of their memory counts."""
TOLD = 400
_PROC = Path("/proc")


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Parameters
    ----------
    wall_seconds, cpu_seconds
        From start to end, with all that it started [s].
    peak_mb
        Most resident memory of it and of what it started, at the same time [MB].
    timed_out
        Whether it was ended at the time limit.
    problem
        Its last words when it failed.
    output
        What it printed.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    timed_out: bool
    problem: str
    output: str


def measure(command: Sequence[str], *, limit_seconds: float) -> Measured:
    """Run a command and measure it; at the time limit it is ended with all that it started.

    Parameters
    ----------
    command
        Program and arguments.
    limit_seconds
        Wall time after which it is ended [s].
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            list(command), stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True
        )
        peak, timed_out = 0.0, False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _resident_mb(process.pid), _highest_mb(process.pid))
            if time.perf_counter() - began > limit_seconds and not timed_out:
                timed_out = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(EVERY_SECONDS if time.perf_counter() - began > 1.0 else 0.01)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read().decode(errors="replace")
        said = (err.read().decode(errors="replace").strip() or output.strip())[-TOLD:]
    problem = said if process.returncode and not timed_out else ""
    # The kernel's own maximum counts this process, from which the other one was forked.
    most = peak or usage.ru_maxrss / 1024.0
    return Measured(wall, usage.ru_utime + usage.ru_stime, most, timed_out, problem, output)


def _highest_mb(process: int) -> float:
    """Return the most memory that a process has held since its program began [MB]; 0 where it cannot be seen."""
    try:
        text = (_PROC / str(process) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    highest = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
    return float(highest[0]) / 1024.0 if highest else 0.0


def _resident_mb(session: int) -> float:
    """Return the resident memory of all processes of a session [MB]; 0 where it cannot be seen."""
    pages = 0
    for folder in _PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        after_name = fields.rpartition(")")[2].split()
        if int(after_name[3]) == session:
            pages += int(after_name[21])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
