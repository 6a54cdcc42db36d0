"""The pages on reference cases: every case is in the table, every key in the migration tables exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

from microgrid_opt.assets.base import asset_types
from microgrid_opt.bench import reference_names
from microgrid_opt.cli.schema import json_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
THEIRS = {"p_nom", "bus0", "max_hours", "inflow", "mu", "fix", "fixed_losses_absolute"}
"""Words of other tools that stand in the right-hand column as well."""
OURS = {"caps", "cost", "false", "true", "co2"}
"""Tables, effects and values that are no keys."""


def rows(page: str) -> list[list[str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_table_names_every_case() -> None:
    cells = [row[0].strip("`") for row in rows("reference-cases.md")]
    assert [cell for cell in cells if cell in reference_names()] == list(reference_names())


def test_migration_tables_name_keys_that_exist() -> None:
    schema = json.dumps(json_schema())
    known = set(re.findall(r'"([a-z][a-z0-9_]*)"', schema)) | set(asset_types()) | THEIRS | OURS
    words = {
        part.strip('"')
        for row in rows("migration.md")
        for code in re.findall(r"`([^`]+)`", row[1])
        for part in re.split(r"[:.=\s]+", code)
    }
    keys = {word for word in words if re.fullmatch(r"[a-z][a-z0-9_]*", word)}
    assert len(keys) > 80
    assert keys <= known


def test_no_module_knows_a_case() -> None:
    package = DOCS.parent / "microgrid_opt"
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [name for name in reference_names() if name in text], path
