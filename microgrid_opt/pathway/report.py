"""Reports of a pathway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.pathway.store import STAGES
from microgrid_opt.report.html import write_report
from microgrid_opt.store import REPORT

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan


def write_reports(plan: PathwayPlan, folder: Path) -> None:
    """Write the report of every stage into its folder."""
    for year, stage in plan.stages.items():
        write_report(stage, folder / STAGES / str(year) / REPORT)
