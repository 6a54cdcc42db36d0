"""Where the command line writes, and what it shows while a solve runs.

Results go to standard output; progress, warnings and errors go to standard error. Text from the
user's files is never read as markup. Live display is for terminals only: logs get plain lines.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import TextIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from microgrid_opt.errors import Finding
    from microgrid_opt.solve.status import Progress

MIN_WIDTH, MAX_WIDTH = 60, 100
LINE_SECONDS = 5.0
"""Least time between two lines of progress in a log."""


def console(stream: TextIO | None = None) -> Console:
    """Return a console on standard output (or `stream`) that shows text as it is."""
    from rich.console import Console  # noqa: PLC0415

    made = Console(file=stream or sys.stdout, markup=False, emoji=False, highlight=False)
    # Below the least width the terminal wraps the lines itself: numbers stay whole.
    made.width = max(MIN_WIDTH, min(made.width, MAX_WIDTH))
    return made


def table(*columns: str, title: str = "", left: int = 1) -> Table:
    """Return an empty table; the first `left` columns hold words, the others numbers."""
    from rich.table import Table  # noqa: PLC0415

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="dim",
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
    if value is None or value != value:  # noqa: PLR0124
        return "-"
    size = abs(value)
    if size >= 1000 or value == 0 or (size >= 100 and value == int(value)):
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}" if size >= 1e-4 else f"{value:.2e}"
    text = "0" if text in {"-0", "0"} else text
    return f"{text} {unit}" if unit and unit != "1" else text


def change(value: float) -> str:
    """Return a difference with its sign."""
    text = amount(value)
    return f"+{text}" if value > 0 and text != "0" else text


def percent(fraction: float | None) -> str:
    """Return a fraction as per cent."""
    if fraction is None or fraction != fraction:  # noqa: PLR0124
        return "-"
    share = 100.0 * fraction
    return f"{share:.1f} %" if abs(share) >= 0.05 or share == 0 else f"{share:.2g} %"


def duration(seconds: float) -> str:
    """Return a time for reading."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def problems(findings: tuple[Finding, ...]) -> str:
    """Return every finding on its own line, its place in the file first, and how many there are."""
    lines = [str(finding) for finding in findings]
    if len(findings) > 1:
        lines.append(f"{len(findings)} problems; nothing was solved or written.")
    return "\n".join(lines)


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
            from rich.live import Live  # noqa: PLC0415

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
        if self._live is not None:
            self._live.stop()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        if error is None:
            self._close_phase()

    def phase(self, name: str) -> None:
        """Begin a phase of the work: ``reading the park``, ``plan``, …"""
        self._close_phase()
        self._phase, self._progress = name, None
        self._started = self._written = time.monotonic()

    def on_progress(self, progress: Progress) -> None:
        """Take the solver's news."""
        phase = progress.stage.partition(": ")[0]
        if phase != self._phase:
            self.phase(phase)
            self._started -= progress.seconds
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
        if self._phase and (self._live is None or self._live.is_started):
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
        from rich.text import Text  # noqa: PLC0415

        spinner = "|/-\\"[int(time.monotonic() * 8) % 4]
        stop = "  stopping..." if self.interrupted else ""
        text = f"{spinner} {self._phase}: {self._news()}{stop}" if self._phase else ""
        return Text(text, no_wrap=True, overflow="ellipsis")

    def _news(self) -> str:
        parts = [duration(time.monotonic() - self._started)]
        news = self._progress
        if news is not None:
            parts.insert(0, news.stage.partition(": ")[2])
            searching = news.nodes is not None
            if news.objective is not None:
                name = "best" if searching else "objective"
                parts.append(f"{name} {amount(news.objective, self.currency)}")
            if searching and news.bound is not None:
                parts.append(f"bound {amount(news.bound, self.currency)}")
            if searching and news.gap is not None:
                parts.append(f"gap {percent(news.gap)}")
            if not searching and news.iterations is not None:
                parts.append(f"iteration {news.iterations:,}")
        return ", ".join(parts)
