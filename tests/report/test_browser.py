from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.report.html import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from microgrid_opt.study import Plan

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium to open the report: install chromium"
)
OPENED = 3
"""How often a page is opened at most until all its charts are drawn."""
USE_EVERYTHING = """
<script>
addEventListener("load", () => setTimeout(() => {
  let steps = 0;
  for (const select of document.querySelectorAll("select")) {
    for (let i = 0; i < Math.min(select.options.length, 6); i++, steps++) {
      select.selectedIndex = i;
      select.dispatchEvent(new Event("change"));
    }
  }
  for (const button of document.querySelectorAll("button")) { button.click(); steps++; }
  dispatchEvent(new Event("beforeprint"));
  dispatchEvent(new Event("afterprint"));
  document.body.dataset.steps = steps;
}, 2000));
</script>
</body>
"""


def opened(text: str, folder: Path) -> tuple[str, str]:
    """Return the page as the browser made it, and what the browser complained about.

    On a busy machine the browser may end before it has shown what is drawn when it is seen: then a page
    without complaints is opened again.
    """
    page = folder / "report.html"
    page.write_text(text, encoding="utf-8")
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--enable-logging=stderr", "--window-size=1300,12000", "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    for _ in range(OPENED):
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        dom, log = done.stdout.decode(), done.stderr.decode(errors="replace")
        complaints = [line for line in log.splitlines() if "CONSOLE" in line]
        if complaints or all(charts(dom).values()):
            break
    return dom, "\n".join(complaints)


def charts(dom: str) -> dict[str, bool]:
    """Return every chart that is not hidden, and whether something is drawn in it."""
    found = {}
    for match in re.finditer(r'<div class="chart[^>]*>', dom):
        if " hidden" not in match[0]:
            name = re.search(r'id="([^"]+)"', match[0])
            assert name is not None
            following = dom[match.end() : match.end() + 600]
            found[name[1]] = "js-plotly-plot" in match[0] and "main-svg" in following
    return found


def test_a_year_is_drawn_without_a_word_on_the_console(year: Plan, tmp_path: Path) -> None:
    dom, complaints = opened(render(year), tmp_path)
    assert complaints == ""
    drawn = charts(dom)
    assert {"dispatch-chart", "heat-chart", "month-chart", "peak-chart", "figure-0"} <= set(drawn)
    assert all(drawn.values()), drawn
    for heading in ("What to build", "Cost", "Energy", "Dispatch", "Patterns", "Certificate"):
        assert f"<h2>{heading}</h2>" in dom
    assert "沿江低碳产业园" in dom


@pytest.mark.slow
def test_every_button_and_choice_works(year: Plan, tmp_path: Path) -> None:
    """Proves: all spans, balances and series draw, and so does printing. The page's policy forbids
    foreign scripts, so it is taken out for the one that presses the buttons."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", render(year), count=1)
    dom, complaints = opened(text.replace("</body>", USE_EVERYTHING), tmp_path)
    assert complaints == ""
    steps = re.search(r'data-steps="(\d+)"', dom)
    assert steps is not None
    assert int(steps[1]) >= 20
    assert all(charts(dom).values())


@pytest.mark.slow
def test_plans_without_time_or_electricity_open_too(
    small_plan: Callable[..., Plan],
    heat_plan: Callable[[], Plan],
    member_plan: Callable[[], Plan],
    tmp_path: Path,
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    plans = [
        small_plan(steps=1, name=evil, label=evil),
        small_plan(steps=30, step_hours=24.0),
        small_plan(timezone="Europe/Berlin", start="2025-10-25", prices=False),
        heat_plan(),
        member_plan(),
    ]
    for number, plan in enumerate(plans):
        folder = tmp_path / str(number)
        folder.mkdir()
        dom, complaints = opened(render(plan), folder)
        assert complaints == ""
        assert all(charts(dom).values())
        assert "<img" not in dom


def test_a_bill_is_drawn(billed: Plan, tmp_path: Path) -> None:
    dom, complaints = opened(render(billed), tmp_path)
    assert complaints == ""
    assert "<h2>Bill</h2>" in dom
    assert all(charts(dom).values())


def test_the_policy_stops_a_script_that_slips_in(
    small_plan: Callable[..., Plan], tmp_path: Path
) -> None:
    """Proves: even a script element that got into the page does not run."""
    text = render(small_plan()).replace("</body>", "<script>document.title='taken'</script></body>")
    dom, complaints = opened(text, tmp_path)
    assert "Content Security Policy" in complaints
    assert "<title>Small park</title>" in dom
