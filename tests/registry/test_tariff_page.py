"""The page of tariffs tells the truth, and every shipped tariff says where it comes from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from microgrid_opt import study, yamlio
from microgrid_opt.cli import app
from microgrid_opt.policies.tariffs import load_tariff, tariff_names
from microgrid_opt.policies.tariffs.components import component_types
from microgrid_opt.policies.tariffs.library import tariff_of
from tests.registry import manual

if TYPE_CHECKING:
    from microgrid_opt.policies.tariffs import Tariff

PAGE = "tariffs.md"
PARK = """\
schema: 1
name: Page
currency: CNY
site: {timezone: Asia/Shanghai}
horizon: {start: 2026-01-05, hours: 24}
finance: {discount_rate: 0, project_years: 10}
"""


@pytest.mark.parametrize("block", manual.blocks(PAGE, "yaml"), ids=lambda block: block.title)
def test_examples_load(block: manual.Block) -> None:
    """Proves: a block that names a file is a tariff; the other one, in a park, can be solved."""
    if block.title:
        assert tariff_of(yamlio.loads(block.text, block.title)).components
        return
    park: Any = yaml.safe_load(PARK + block.text)
    park["assets"]["load"] = {"type": "load", "power_kw": 100}
    plan = study.solve(study.resolve(yamlio.loads(yaml.safe_dump(park), "park.yaml")))
    plan.audit.require()


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = manual.blocks(PAGE, "csv")
    Path(block.title).write_text(block.text, encoding="utf-8")
    lines = [line for block in manual.blocks(PAGE, "sh") for line in block.text.splitlines()]
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}: {done.output}"


def test_page_lists_every_kind_of_component() -> None:
    text = manual.section(PAGE, "Write a tariff")
    assert {name for name in component_types() if f"`{name}`" not in text} == set()


@pytest.fixture(params=tariff_names())
def shipped(request: pytest.FixtureRequest) -> Tariff:
    return load_tariff(request.param, Path())


def test_shipped_tariffs_say_where_they_come_from(shipped: Tariff) -> None:
    assert shipped.name
    assert shipped.description
    assert shipped.source
    assert shipped.year
    assert shipped.currency
    assert shipped.timezone
