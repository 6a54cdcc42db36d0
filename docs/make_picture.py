"""Make the pictures of the README: solve a shipped case, write its report, photograph it.

    python docs/make_picture.py [case] [--scenario NAME] [--chromium PATH]

Writes ``docs/images/report.png`` (the first page) and ``docs/images/energy.png`` (the energy flows).
Needs Chromium; everything else comes with the package.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"
CASE = "wind_pv_hydrogen"
WIDTH = 1360
VIEWS = {"report": ("overview build", 1180), "energy": ("energy dispatch", 1500)}
"""Picture: sections in it, height [px]."""
_OTHERS = "header, main > section, footer"


def photograph(chromium: str, page: Path, picture: Path, height: int) -> None:
    """Write a picture of the top of a page."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-background-networking",
                "--force-device-scale-factor=1",
                f"--user-data-dir={profile}",
                f"--window-size={WIDTH},{height}",
                "--virtual-time-budget=15000",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )


def only(text: str, sections: str) -> str:
    """Return the page with only the named sections in it; tables are left to the report."""
    kept = ", ".join(f"#{name}" for name in sections.split())
    rule = (
        f"{_OTHERS} {{ display: none; }} {kept} {{ display: block; }} "
        "main > section:first-of-type, #energy { margin-top: 0; } "
        "#energy h3, #energy .scroll, #energy .scroll + .hint { display: none; }"
    )
    return text.replace("</style>", f"{rule}</style>", 1)


def main() -> int:
    """Solve, write, photograph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="?", default=CASE)
    parser.add_argument("--scenario")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    arguments = parser.parse_args()
    sys.path.insert(0, str(IMAGES.parent.parent))

    from microgrid_opt.report.html import render
    from microgrid_opt.study import load, solve

    plan = solve(load(arguments.case, scenario=arguments.scenario))
    plan.audit.require()
    text = render(plan)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (sections, height) in VIEWS.items():
            page = Path(folder) / f"{name}.html"
            page.write_text(only(text, sections), encoding="utf-8")
            photograph(arguments.chromium, page, IMAGES / f"{name}.png", height)
            title = re.sub(r"\s+", " ", plan.results.name)
            sys.stdout.write(f"{IMAGES / name}.png: {title}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
