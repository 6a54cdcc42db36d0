"""What `--co2`, `--vary` and `--scale` mean, and what is refused."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.sweep import Axis, axes_of

CAP = "carbon.cap_t_per_year"


def test_values_as_written() -> None:
    """Proves: counts, lists and spans; decimals stay tidy; the cap on CO2 comes last.

    Sensitivity: a count taken as a cap, 0.9000000000000001, values turned to numbers that are words.
    """
    assert axes_of("20") == (Axis("co2", CAP, count=20),)
    assert axes_of("900,600,300") == (Axis("co2", CAP, (900.0, 600.0, 300.0)),)
    assert axes_of("0:300:4") == (Axis("co2", CAP, (0.0, 100.0, 200.0, 300.0)),)
    price, cap = axes_of("5", scale=["assets.grid.price=0.8:1.2:5"])
    assert (price.kind, price.values) == ("scale", (0.8, 0.9, 1.0, 1.1, 1.2))
    assert cap.kind == "co2"
    (tariff,) = axes_of(vary=["assets.grid.tariff=china/a, china/b"])
    assert tariff.values == ("china/a", "china/b")
    (size,) = axes_of(vary=["assets.pv.power_kw.max_kw=0:12:3"])
    assert (size.values, size.points) == ((0.0, 6.0, 12.0), 3)


@pytest.mark.parametrize(
    ("co2", "vary", "scale", "words"),
    [
        (None, [], [], "Nothing to sweep"),
        ("1", [], [], "one point is no sweep"),
        ("600", ["a.b=1"], [], "one point is no sweep"),
        ("600.5", [], [], "one point is no sweep"),
        ("900,300,600", [], [], "put them in order"),
        ("900,900", [], [], "given twice"),
        ("900,many", [], [], "'many' is not a number"),
        ("900,nan", [], [], "not a finite number"),
        ("900,,600", [], [], "'' is not a number"),
        ("900:300:1", [], [], "no number of points"),
        (None, ["assets.pv"], [], "write path.to.key=VALUES"),
        (None, ["=1,2"], [], "write path.to.key=VALUES"),
        (None, ["a.b=1,,2"], [], "a value is missing"),
        (None, [], ["a.b=-1,2"], "a factor is negative"),
        ("5", ["a.b=1,2"], ["c.d=1,2"], "At most 2 parameters"),
        (None, ["a.b=1,2", "a.b=3,4"], [], "given twice"),
        ("900", ["a.b=0:1:900"], [], "810,000 points"),
    ],
)
def test_what_is_refused(co2: str | None, vary: list[str], scale: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        axes_of(co2, vary, scale)
