"""The commands `trade` and `market`: files, exit codes, plain errors, a second run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from microgrid_opt.trading import settleaudit
from tests.cli.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Program

    Run = Callable[..., Any]

GOLDEN = ROOT / "tests" / "trading" / "golden"
W1, W2, W3 = (str(GOLDEN / f"w{number}.yaml") for number in (1, 2, 3))


def test_files_of_a_study(run: Run, tmp_path: Path) -> None:
    """Proves: tables, JSON, each plan as `solve` saves it, and each settlement in three formats; a mode in
    which each plans alone has neither. Sensitivity: `compare` opens what was saved.
    """
    result = run(
        "trade", W1, "--mode", "standalone,joint,clearing", "--share", "nash", "--out", "o"
    )
    assert result.exit_code == 0, result.output
    folder = tmp_path / "o"
    assert {path.name for path in folder.iterdir()} == {
        "members.csv",
        "trades.csv",
        "prices.csv",
        "sharing.csv",
        "coalitions.csv",
        "trade.json",
        "coalitions",
        *(
            name
            for mode in ("joint", "clearing")
            for name in (
                mode,
                f"settlement_{mode}",
                f"settlement_{mode}.xlsx",
                f"settlement_{mode}.html",
            )
        ),
    }
    members = pd.read_csv(folder / "members.csv").set_index(["mode", "member"])
    assert members.loc[("clearing", "c"), "gain"] == pytest.approx(24_478.204082)
    assert members.loc[("joint", "g"), "received"] == 0.0
    told = json.loads((folder / "trade.json").read_text(encoding="utf-8"))
    assert told["modes"]["joint"]["run"]["status"] == "optimal"
    assert told["modes"]["standalone"]["accounts"]["supplier"] == pytest.approx(22_000)
    assert told["sharing"]["game"] == "resized"
    assert run("compare", "o/joint", "o/clearing").exit_code == 0


def test_a_second_run_knows_the_coalitions(program: Program) -> None:
    """Proves: answers are kept below the results; the second run has all seven from there and ends with
    the same shares. Sensitivity: without progress or reports nothing else is written.
    """
    words = (
        "trade",
        W2,
        "--mode",
        "joint",
        "--share",
        "shapley",
        "--out",
        "o",
        "--quiet",
        "--no-report",
    )
    first = program.run(*words)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    kept = sorted((program.folder / "o" / "coalitions").iterdir())
    assert len(kept) == 7
    stamps = [path.stat().st_mtime_ns for path in kept]
    shares = (program.folder / "o" / "sharing.csv").read_bytes()
    assert program.run(*words).returncode == 0
    assert [path.stat().st_mtime_ns for path in kept] == stamps
    assert (program.folder / "o" / "sharing.csv").read_bytes() == shares
    assert not list((program.folder / "o").glob("*.html"))


def test_what_does_not_apply_is_left_out_or_refused(run: Run) -> None:
    """Proves: with all modes a park without prices leaves `contract` out and says so; asked for by name it
    is an error.
    """
    result = run("trade", W2, "--out", "o")
    assert result.exit_code == 0, result.output
    assert "contract: left out: No trade has a price" in result.stdout
    refused = run("trade", W2, "--mode", "contract", "--out", "o")
    assert refused.exit_code == 2
    assert "No trade has a price" in refused.stderr


def test_a_band_of_prices(run: Run) -> None:
    """Proves: with at most 0.35 a kWh the sellers of W2 get 0.05 of the 0.2; with 0.6 at least nobody buys,
    and the note says what that costs.
    """
    result = run("trade", W2, "--mode", "joint_ir", "--price-band", ":0.35", "--out", "o")
    assert result.exit_code == 0, result.output
    assert "0.350000" in result.stdout
    dear = run("trade", W2, "--mode", "joint_ir", "--price-band", "0.6:", "--out", "o")
    assert dear.exit_code == 0, dear.output
    assert "this one costs 12,000.00 CNY more" in dear.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--mode", "both"), "--mode = 'both': is not known"),
        (("--share", "fair"), "--share = 'fair': is not known"),
        (("--game", "cold"), "--game = 'cold': is no game"),
        (("--price-band", "0.5"), "--price-band = '0.5': give two prices"),
        (("--price-band", "2:1"), "the lower first"),
        (("--weight", "g"), "--weight = 'g': give MEMBER=NUMBER"),
        (("--solver-option", "speed=1"), "speed"),
        (("--out", "tiny.yaml"), "is a file"),
        (("--set", "trading.rules.window=week"), "trading.rules.window"),
        (("--share", "nash", "--weight", "x=1"), "is no player"),
    ],
)
def test_wrong_words(run: Run, words: tuple[str, ...], message: str) -> None:
    """Proves: each is told with its key, nothing is written, and the code is 2."""
    result = run("trade", W1, *words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_parks_that_cannot_trade(run: Run) -> None:
    """Proves: no trading section, stages, and members together without a plan each have their own code."""
    alone = run("trade", "tiny.yaml")
    assert alone.exit_code == 2
    assert "has no `trading`" in alone.stderr
    staged = run("trade", "case:pathway_2035")
    assert staged.exit_code == 2
    assert "stages" in staged.stderr
    dark = run("trade", W1, "--mode", "joint", "--set", "trading.rules.buyers=[]", *[
        word
        for change in ("assets.c_grid.import_limit_kw=10",)
        for word in ("--set", change)
    ])  # fmt: skip
    assert dark.exit_code == 3, dark.output


def test_a_failed_audit_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: results are saved, the verdict is told, and the code is 5."""
    from dataclasses import replace

    real = settleaudit.audit_settlement

    def failing(settlement: Any) -> Any:
        checked = real(settlement)
        return replace(checked, checks=(replace(checked.checks[0], error=1e9), *checked.checks[1:]))

    monkeypatch.setattr(settleaudit, "audit_settlement", failing)
    result = run("trade", W1, "--mode", "joint", "--out", "o", "--no-report")
    assert result.exit_code == 5
    assert "The audit FAILED" in result.stderr
    assert "settlement of joint" in result.stderr


# ---------------------------------------------------------------------- market

RULES = """\
schema: 1
rule_sets:
  today: {label: As it is}
  local: {buyers: [], set: {trading.trades: {}}}
sweep: {fee_factor: [0, 2]}
"""


def test_market(run: Run, tmp_path: Path) -> None:
    """Proves: W1 gains 24,478.20, with no fee 80 x 37.9 more and with twice the fee as much less; table,
    CSV and JSON agree, and prices are told when asked for.
    """
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    result = run("market", W1, "rules.yaml", "--prices", "--out", "o")
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(tmp_path / "o" / "market.csv").set_index("rules")
    assert frame["welfare"].to_dict() == pytest.approx(
        {
            "today": 24_478.204082,
            "local": 0.0,
            "fee_factor=0.0": 24_478.204082 + 3_032,
            "fee_factor=2.0": 24_478.204082 - 3_032,
        },
        abs=1e-6,
    )
    for word in ("24,478.20", "27,510.20", "21,446.20", "0.599858", "As it is"):
        assert word in result.stdout
    told = json.loads((tmp_path / "o" / "market.json").read_text(encoding="utf-8"))
    assert told["rule_sets"]["today"]["price_ranges"]["deal"] == pytest.approx([0.3, 0.599858])
    assert (tmp_path / "o" / "prices.csv").exists()


def test_wrong_markets(run: Run, tmp_path: Path) -> None:
    """Proves: what is wrong in the rules and what is wrong with the park are told together."""
    (tmp_path / "rules.yaml").write_text("schema: 1\nrule_sets: {a: {fee: 1}}\n", encoding="utf-8")
    both = run("market", "nowhere.yaml", "rules.yaml")
    assert both.exit_code == 2
    assert "rules.yaml:2" in both.stderr
    (tmp_path / "rules.yaml").write_text("schema: 1\nrule_sets: {a: {}}\n", encoding="utf-8")
    flat = run("market", "tiny.yaml", "rules.yaml")
    assert flat.exit_code == 2
    assert "no market to try" in flat.stderr
