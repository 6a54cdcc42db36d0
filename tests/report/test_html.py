from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import Check
from microgrid_opt.report.html import render, write_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from microgrid_opt.results import Run
    from microgrid_opt.study import Plan

SECTIONS = (
    *("overview", "build", "cost", "energy", "dispatch"),
    *("patterns", "co2", "certificate", "assumptions"),
)
NO_TEXT = {"script", "style"}


class Page(HTMLParser):
    """What a reader sees, the scripts, and every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in NO_TEXT:
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.words.append(data)
        elif self._open[-1][0] == "script":
            self.scripts.append((self._open[-1][1], data))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def json(self, name: str) -> Any:
        return json.loads(next(data for attrs, data in self.scripts if attrs.get("id") == name))


def kinds(year: Plan, small: Callable[..., Plan], *others: Callable[[], Plan]) -> list[Plan]:
    """Return plans of every kind that a report must survive."""
    run: Run = year.results.run
    stopped = replace(run, status="time_limit", gap=0.0123, kind="MILP", prices_from="", integers=9)
    nothing = replace(run, status="interrupted", bound=None, gap=None, stages=(), options={})
    return [
        year,
        small(),
        small(steps=1),
        small(steps=3, step_hours=24.0),
        small(price=-0.2, prices=False, reference=True, run=stopped),
        small(run=nothing, reference=True),
        *(other() for other in others),
    ]


def test_every_kind_of_plan_gives_all_sections_and_no_missing_numbers(
    year: Plan,
    small_plan: Callable[..., Plan],
    heat_plan: Callable[[], Plan],
    member_plan: Callable[[], Plan],
    billed: Plan,
) -> None:
    for plan in [*kinds(year, small_plan, heat_plan, member_plan), billed]:
        page = Page(render(plan))
        ids = {attrs.get("id") for _, attrs in page.elements}
        assert set(SECTIONS) <= ids
        assert plan.results.name in page.text
        assert not re.search(r"\b(nan|None|inf|NaN|undefined|nat)\b", page.text)
        figures = [attrs["data-figure"] for _, attrs in page.elements if "data-figure" in attrs]
        assert figures
        assert set(figures) == set(page.json("figures"))


def test_names_of_users_are_text_and_never_markup(small_plan: Callable[..., Plan]) -> None:
    """Proves: markup in names stays text in the page and in the data of the charts.

    Sensitivity: without autoescape the page has an img element; without escaping in JSON the first
    name ends the script element.
    """
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    page = Page(render(small_plan(name=evil, label=f"<!--{evil}")))
    assert evil in page.text
    assert not any(tag == "img" or "onerror" in attrs for tag, attrs in page.elements)
    assert sum(tag == "script" for tag, _ in page.elements) == 4
    flow = page.json("data")["balances"][0]["flows"][1]
    assert flow["label"] == f"<!--{evil}: demand"
    labels = [
        label
        for spec in page.json("figures").values()
        for trace in spec["data"]
        for label in (*trace.get("node", {}).get("label", []), trace.get("name", ""))
    ]
    assert any("&lt;img" in label for label in labels)
    assert not any("<" in label.replace("<br>", "") for label in labels)


def test_the_page_allows_its_own_scripts_and_no_network(year: Plan) -> None:
    text = render(year)
    page = Page(text)
    policy = next(a["content"] for t, a in page.elements if "http-equiv" in a and t == "meta")
    assert policy is not None
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    executed = [data for attrs, data in page.scripts if "type" not in attrs]
    assert {
        base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in executed
    } == allowed
    assert len(executed) == 2
    assert policy.startswith("default-src 'none';")
    loading = {"src", "href", "srcset", "action", "data", "poster"}
    linked = {a[name] for _, a in page.elements for name in loading & set(a)}
    assert linked == {f"#{name}" for name in (*SECTIONS, "bill", "cash")}
    style = next(part for part in re.findall(r"<style>(.*?)</style>", text, flags=re.S))
    assert "url(" not in style
    assert "@import" not in style


def test_the_file_is_small_and_the_same_every_time(year: Plan, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(year, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").stat().st_size < 12e6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_a_write_that_fails_leaves_the_old_report(
    small_plan: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_report(small_plan(), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("gap", "word"),
    [(0.0, "Proven optimal"), (4e-5, "Proven optimal"), (0.00459, "Proven within 0.46 %")],
)
def test_a_plan_with_a_gap_is_proven_within_it(year: Plan, gap: float, word: str) -> None:
    """Proves: what was stopped at the gap that was asked for is not called optimal.

    Sensitivity: a gap that shows as 0.00 % would be one that says nothing.
    """
    results = year.results
    run = replace(results.run, gap=gap, bound=results.run.objective * (1.0 - gap))
    plan = replace(year, results=replace(results, run=run))
    assert word in Page(render(plan)).text


def test_the_headline_says_what_is_saved(year: Plan) -> None:
    """Proves: the cards hold the plan's own numbers, the year's saving and CO2 as percentages."""
    page = Page(render(year)).text
    assert year.reference is not None
    mine, theirs = year.results, year.reference
    assert f"{mine.cost / 1e6:.2f} million CNY/year" in page
    assert f"−{100 * (1 - mine.cost / theirs.cost):.1f} %" in page
    assert f"{mine.co2_kg / 1e3:,.0f} t/year" in page
    share = mine.indicators()["self_sufficiency"].value
    assert f"{100 * share:.1f} %" in page
    assert "Proven optimal" in page
    assert "all 40 independent checks" in page


def test_a_plan_that_costs_more_is_not_painted_green(year: Plan) -> None:
    """Proves: the tone of the first two cards, cost and CO2, follows the sign of the change."""
    assert year.reference is not None
    worse = replace(year, results=year.reference, reference=year.results)
    for plan, tone in ((year, "good"), (worse, "bad")):
        classes = [(a.get("class") or "").split() for _, a in Page(render(plan)).elements]
        assert [c for c in classes if c[:1] == ["card"]][:2] == [["card", tone]] * 2


def test_without_a_reference_the_page_says_why(small_plan: Callable[..., Plan]) -> None:
    page = Page(render(small_plan())).text
    assert page.count("no reference plan to compare with: the existing assets cannot serve") == 3


def test_a_failed_audit_is_the_first_thing_to_read(small_plan: Callable[..., Plan]) -> None:
    bad = (
        Check("park.grid", "the bill", 5.0, 0.01, "EUR"),
        Check("park.x", "cost fee re-derived", np.inf, 0.0, ""),
    )
    page = Page(render(small_plan(failed=bad)))
    assert "Audit FAILED 2 of 42 checks disagree" in page.text
    table = page.text.index("Failed checks")
    assert table < page.text.index("cost fee re-derived") < page.text.index("the bill")
    assert sum("bad" in (a.get("class") or "") and t == "tr" for t, a in page.elements) == 4


def test_a_plan_that_is_not_proven_says_how_far_it_may_be_off(
    small_plan: Callable[..., Plan], year: Plan
) -> None:
    """Proves: a gap of 1.2 % of 2,400 EUR is shown as 1.2 % and 28.8 EUR."""
    run = replace(year.results.run, status="time_limit", gap=0.012, prices_from="", kind="MILP")
    page = Page(render(small_plan(run=run, prices=False))).text
    assert "Stopped: time limit" in page
    assert "cheaper by more than 1.2 % (28.8 EUR)" in page
    assert "this kind of solve gives no duals" in page


def test_assumptions_list_inputs_with_units_and_mark_defaults(year: Plan) -> None:
    page = Page(render(year)).text
    assert "power_kw.capex_per_kw 3,000 CNY/kW Investment in new capacity." in page
    assert "charge_efficiency 0.95" in page
    assert "step_minutes 60 min default" in page
    assert "0.31 to 1.02, mean 0.625 CNY/kWh (time of use" in page
    assert "reduction_fraction" not in page


def test_the_page_tells_scenario_and_sets() -> None:
    """Proves: two plans of one park can be told apart. Sensitivity: without either nothing is said."""

    plain = study.solve(study.load("minimal"))
    assert ">With " not in render(plain)
    changed = study.solve(study.load("minimal", sets=["assets.load.label=Hall"]))
    assert ">With assets.load.label=Hall<" in render(changed)
