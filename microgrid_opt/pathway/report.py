"""Reports of a pathway: one page over all stages, and the ordinary report of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.pathway.store import STAGES
from microgrid_opt.report.html import write_report
from microgrid_opt.report.stages import write_page
from microgrid_opt.store import REPORT

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan


def write_reports(plan: PathwayPlan, folder: Path) -> None:
    """Write the page of a saved pathway, and the report of every stage into its folder."""
    links = {year: f"{STAGES}/{year}/{REPORT}" for year in plan.stages}
    for year, stage in plan.stages.items():
        write_report(stage, folder / links[year])
    write_page(plan, links, folder / REPORT)
