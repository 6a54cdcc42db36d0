"""Where the command line writes, and what it shows while a solve runs.

Results go to standard output; progress, warnings and errors go to standard error. Text from the
user's files is never read as markup. Live display is for terminals only: logs get plain lines.
"""

from __future__ import annotations

import math
import os
import shlex
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from microgrid_opt.errors import InputError, MicrogridError, NoPlanError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType
    from typing import TextIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from microgrid_opt.solve.status import Progress

MIN_WIDTH, MAX_WIDTH = 60, 100
LINE_SECONDS = 5.0
"""Least time between two lines of progress in a log."""
PHASE_SECONDS = 1.0
"""Phases shorter than this end without a line."""
ROUNDING = 1e-9
"""Per cent below which a difference is rounding and shown as none."""
SOLVING = "solving"
"""The phase until the solver says what it is working on."""


def console(stream: TextIO | None = None) -> Console:
    """Return a console on standard output (or `stream`) that shows text as it is."""
    from rich.console import Console

    made = Console(file=stream or sys.stdout, markup=False, emoji=False, highlight=False)
    # Below the least width the terminal wraps the lines itself: numbers stay whole.
    made.width = max(MIN_WIDTH, min(made.width, MAX_WIDTH))
    return made


def table(*columns: str, left: int = 1) -> Table:
    """Return an empty table; the first `left` columns hold words, the others numbers.

    The first column's head says what the table is about.
    """
    from rich.table import Table

    made = Table(
        header_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    for number, name in enumerate(columns):
        if number < left:
            made.add_column(name, overflow="fold")
        else:
            made.add_column(name, justify="right", no_wrap=True)
    return made


def amount(value: float | None, unit: str = "") -> str:
    """Return a number for reading: thousands apart, about four digits, unit behind it."""
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size >= 1000 or value == 0 or (size >= 100 and value == int(value)):
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}" if size >= 1e-4 else f"{value:.2e}"
    text = "0" if text in {"-0", "0"} else text
    return f"{text} {unit}" if unit and unit != "1" else text


def aligned(values: Sequence[float], *, sign: bool = False) -> list[str]:
    """Return numbers of one column with the same number of decimals, four digits in the largest.

    A number that is not zero but would read so is shown as ``<1`` (or the column's last decimal).
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = 0 if largest < 1e-9 else max(0, min(6, 3 - math.floor(math.log10(largest))))
    if all(value == round(value) for value in values if math.isfinite(value)):
        decimals = 0
    step = 10.0**-decimals
    found = []
    for value in values:
        if not math.isfinite(value):
            found.append("-")
        elif abs(value) < step / 2 and abs(value) > 1e-9 * largest:
            found.append(f"{'-' if value < 0 else ''}<{step:.{decimals}f}")
        else:
            plus = "+" if sign and value >= step / 2 else ""
            found.append(plus + f"{value if abs(value) >= step / 2 else 0.0:,.{decimals}f}")
    return found


def percent(fraction: float | None, *, sign: bool = False) -> str:
    """Return a fraction as per cent."""
    if fraction is None or not math.isfinite(fraction):
        return "-"
    share = 100.0 * fraction
    if abs(share) < ROUNDING:
        share = 0.0
    digits = ".1f" if abs(share) >= 0.05 or share == 0 else ".2g"
    return f"{share:{'+' if sign and share else ''}{digits}} %"


def duration(seconds: float) -> str:
    """Return a time for reading."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def told(error: BaseException) -> str:
    """Return an error for the terminal: every finding on a line, its place in the file first."""
    if isinstance(error, InputError):
        lines = [str(finding) for finding in error.findings]
        count = len(lines)
        return "\n".join([*lines, f"{count} problems; nothing was written."][: count + (count > 1)])
    if isinstance(error, MicrogridError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped before a plan was ready; nothing was written."
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}"
    again = [word for word in sys.argv[1:] if word != "--debug"]
    return (
        f"This is a bug of microgrid-opt: {type(error).__name__}: {error}\n"
        f"For the whole traceback run: {shlex.join(['microgrid-opt', '--debug', *again])}"
    )


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error; 1 is left for bugs and for disks that refuse to write."""
    if isinstance(error, MicrogridError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return NoPlanError.exit_code
    return InputError.exit_code if isinstance(error, OSError) else MicrogridError.exit_code


class Watching:
    """What the user sees while work goes on, and the first Ctrl-C.

    On a terminal one line is kept up to date; elsewhere a line is written now and then. While the
    solver runs, Ctrl-C makes it stop with the best plan that it holds; a second one ends the
    program. Use it as a context manager.

    Parameters
    ----------
    quiet
        Show nothing.
    stream
        Where to write; standard error by default.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._live: Any = None
        self._phase = ""
        self._started = self._written = time.monotonic()
        self._progress: Progress | None = None
        self._handler: Any = None
        self.currency = ""
        self.interrupted = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._interrupt)
        if not self._quiet and self._stream.isatty() and os.environ.get("TERM") != "dumb":
            from rich.live import Live

            self._live = Live(
                get_renderable=self._line,
                console=console(self._stream),
                transient=True,
                refresh_per_second=8,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._close_phase()
        if self._live is not None:
            self._live.stop()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)

    def phase(self, name: str) -> None:
        """Begin a phase of the work, for instance ``reading the park``."""
        self._close_phase()
        self._phase, self._progress = name, None
        self._started = self._written = time.monotonic()

    def on_progress(self, progress: Progress) -> None:
        """Take the solver's news."""
        phase = progress.stage.partition(": ")[0]
        if self._phase == SOLVING:
            self._phase = phase
        elif phase != self._phase:
            self.phase(phase)
        self._progress = progress
        if self._live is None and time.monotonic() - self._written >= LINE_SECONDS:
            self._written = time.monotonic()
            self._write(f"{self._phase}: {self._news()}")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.interrupted = True
        if self._live is None and not self._quiet:
            # A handler may not touch a stream that the main thread may be writing to.
            os.write(2, b"Stopping; Ctrl-C again ends the program at once.\n")
        raise KeyboardInterrupt

    def _close_phase(self) -> None:
        seconds = time.monotonic() - self._started
        if self._phase and seconds >= PHASE_SECONDS:
            self._write(f"{self._phase}: {duration(seconds)}")
        self._phase = ""

    def _write(self, line: str) -> None:
        if self._quiet:
            return
        if self._live is not None:
            self._live.console.print(line, style="dim", soft_wrap=True)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def _line(self) -> Text:
        from rich.text import Text

        spinner = "|/-\\"[int(time.monotonic() * 8) % 4]
        stop = "stopping; " if self.interrupted else ""
        text = f"{spinner} {stop}{self._phase}: {self._news()}" if self._phase else ""
        return Text(text, no_wrap=True, overflow="ellipsis")

    def _news(self) -> str:
        """Return where the phase is, what matters most first: a terminal may be narrow."""
        parts = [duration(time.monotonic() - self._started)]
        news = self._progress
        if news is None:
            return parts[0]
        parts.insert(0, news.stage.partition(": ")[2])
        searching = news.nodes is not None
        if searching and news.gap is not None:
            parts.append(f"gap {percent(news.gap)}")
        if not searching and news.iterations is not None:
            parts.append(f"iteration {news.iterations:,}")
        # On its way simplex breaks limits: what it costs there is no cost of any plan.
        if news.objective is not None and not news.stage.endswith("simplex"):
            name = "best" if searching else "objective"
            parts.append(f"{name} {amount(news.objective, self.currency)}")
        if searching and news.bound is not None:
            parts.append(f"bound {amount(news.bound, self.currency)}")
        return ", ".join(parts)
