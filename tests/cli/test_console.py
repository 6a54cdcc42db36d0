"""Numbers for reading, and what is shown while work goes on."""

from __future__ import annotations

import io
import math
import signal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.cli import console as showing
from microgrid_opt.cli.console import (
    SOLVING,
    Watching,
    aligned,
    amount,
    console,
    duration,
    percent,
    table,
)
from microgrid_opt.solve.status import Progress


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567.8, "CNY", "1,234,568 CNY"),
        (999.96, "kW", "1000 kW"),
        (860.0, "kW", "860 kW"),
        (0.5568, "kg/kWh", "0.5568 kg/kWh"),
        (-73563.0, "CNY", "-73,563 CNY"),
        (-1e-9, "", "-1.00e-09"),
        (0.0, "kW", "0 kW"),
        (math.inf, "CNY/t", "-"),
        (math.nan, "", "-"),
        (None, "kW", "-"),
        (3.0, "1", "3"),
    ],
)
def test_amounts(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([4039209.4, 0.4, 0.0], ["4,039,209", "<1", "0"]),
        ([738.91, 0.0], ["738.9", "0.0"]),
        ([100.0, 60.0], ["100", "60"]),
        ([0.1326, 0.0, 0.7762], ["0.1326", "0.0000", "0.7762"]),
        ([5.0, math.nan], ["5", "-"]),
        ([-2359758.3, -0.2], ["-2,359,758", "-<1"]),
        ([0.0, 0.0], ["0", "0"]),
        ([], []),
    ],
)
def test_columns_have_the_same_decimals(values: list[float], texts: list[str]) -> None:
    assert aligned(values) == texts


def test_differences_have_a_sign() -> None:
    assert aligned([12.5, -12.5, 0.0, 100.0], sign=True) == ["+12.5", "-12.5", "0.0", "+100.0"]


@settings(max_examples=50)
@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5))
def test_no_number_is_off_by_more_than_it_shows(values: list[float]) -> None:
    """Proves: a shown number is the value to the last digit that is shown.

    Sensitivity: the largest number of a column has at least four digits, so that the error is below
    0.05 % of it.
    """
    largest = max(abs(value) for value in values)
    for value, text in zip(values, aligned(values), strict=True):
        if "<" in text:
            assert 0 < abs(value) < float(text.lstrip("-").lstrip("<"))
        else:
            assert abs(float(text.replace(",", "")) - value) <= 0.0005 * largest + 5e-7


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.1234, "12.3 %"),
        (0.0, "0.0 %"),
        (0.0001, "0.01 %"),
        (1.8e-16, "0.0 %"),
        (None, "-"),
        (math.inf, "-"),
    ],
)
def test_shares(fraction: float | None, text: str) -> None:
    assert percent(fraction) == text


def test_times() -> None:
    assert (duration(0.04), duration(59.96), duration(3725)) == ("0.0 s", "60.0 s", "62 min 05 s")


@pytest.mark.parametrize(("columns", "width"), [("20", 60), ("80", 80), ("300", 100)])
def test_the_width_stays_readable(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert console(io.StringIO()).width == width


def test_text_of_the_user_is_not_markup() -> None:
    stream = io.StringIO()
    made = table("Asset [red]", "[bold]")
    made.add_row("PV [link=x]屋顶[/]", ":smile: [/nothing]")
    out = console(stream)
    out.print(made)
    out.print("[blink]")
    assert "PV [link=x]屋顶[/]  :smile: [/nothing]" in stream.getvalue()
    assert "Asset [red]" in stream.getvalue()
    assert "[blink]" in stream.getvalue()


def test_numbers_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = io.StringIO()
    made = table("A very long name of a very long thing", "Reference", "Plan", "Change")
    made.add_row("扬州高新区零碳园区光储氢一体化示范项目", *["123,456,789,012"] * 3)
    console(stream).print(made)
    assert stream.getvalue().count("123,456,789,012") == 3


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(showing, "time", made)
    return made


def progress(stage: str, seconds: float, **news: Any) -> Progress:
    return Progress(stage, seconds, **news)


def test_a_log_gets_plain_lines_now_and_then(clock: Clock) -> None:
    """Proves: without a terminal there are lines, five seconds apart, with bound and gap.

    Sensitivity: 100 events in 25 s give 5 lines, and one when the phase ends.
    """
    stream = io.StringIO()
    with Watching(stream=stream) as watching:
        watching.currency = "CNY"
        watching.phase(SOLVING)
        for step in range(1, 101):
            clock.now = 1000.0 + step / 4
            news = {"objective": 1000.0 + step, "bound": 990.0, "gap": 0.015, "nodes": 7}
            watching.on_progress(progress("plan: branch and bound", step / 4, **news))
    lines = stream.getvalue().splitlines()
    assert lines[0] == ("plan: branch and bound, 5.0 s, gap 1.5 %, best 1,020 CNY, bound 990 CNY")
    assert lines[-1] == "plan: 25.0 s"
    assert len(lines) == 6
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_each_phase_of_more_than_a_second_leaves_a_line(clock: Clock) -> None:
    stream = io.StringIO()
    with Watching(stream=stream) as watching:
        watching.phase("reading the park")
        clock.now += 0.5
        watching.phase(SOLVING)
        clock.now += 2.0
        watching.on_progress(progress("reference plan: simplex", 2.0, iterations=12345))
        clock.now += 6.0
        watching.on_progress(progress("reference plan: simplex", 8.0, iterations=23456))
        watching.on_progress(progress("plan: presolve", 0.0))
        clock.now += 1.5
        watching.phase("saving")
    assert stream.getvalue().splitlines() == [
        "reference plan: simplex, 8.0 s, iteration 23,456",
        "reference plan: 8.0 s",
        "plan: 1.5 s",
    ]


def test_quiet_shows_nothing(clock: Clock) -> None:
    stream = io.StringIO()
    with Watching(quiet=True, stream=stream) as watching:
        watching.phase(SOLVING)
        clock.now += 60.0
        watching.on_progress(progress("plan: simplex", 60.0))
    assert stream.getvalue() == ""


def test_an_error_leaves_no_line_of_an_unfinished_phase(clock: Clock) -> None:
    stream = io.StringIO()

    def fail() -> None:
        with Watching(stream=stream) as watching:
            watching.phase(SOLVING)
            clock.now += 60.0
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with Watching(stream=stream) as watching:
        watching.phase(SOLVING)
        watching.on_progress(progress("plan: interior point", 1.0, objective=5.0, iterations=7))
        assert "plan: interior point, 0.0 s, iteration 7, objective 5" in str(watching._line())
        # What simplex reports on its way breaks limits: no cost of any plan.
        watching.on_progress(progress("plan: simplex", 1.0, objective=5.0, iterations=7))
        assert str(watching._line()).endswith("plan: simplex, 0.0 s, iteration 7")
    assert "\x1b[?25l" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Watching(stream=stream) as watching:
        watching.phase(SOLVING)
    assert stream.getvalue() == ""


def test_ctrl_c_is_noted_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Watching(quiet=True, stream=io.StringIO()) as watching:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert watching.interrupted
    assert signal.getsignal(signal.SIGINT) is before
