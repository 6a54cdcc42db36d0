"""The commands `bill` and `tariffs`: a metered file in, tables and files out, plain errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from microgrid_opt.policies.tariffs import tariff_names

if TYPE_CHECKING:
    from pathlib import Path

SIMPLE = """\
name: Simple
currency: USD
timezone: America/Denver
components:
  meter: {type: fixed, price_per_month: 15}
  energy: {type: energy, price_per_kwh: 0.09}
  demand: {type: demand, price_per_kw_month: 9.5, window_minutes: 30}
"""


def write(path: Path, start: str, values: list[float], *, column: str, minutes: int = 60) -> None:
    stamps = pd.date_range(start, periods=len(values), freq=f"{minutes}min")
    texts = [f"{stamp:%Y-%m-%d %H:%M}" for stamp in stamps]
    pd.DataFrame({"time": texts, column: values}).to_csv(path, index=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a tariff of 9 cents and 9.50 a kW, and three metered files."""
    (tmp_path / "simple.yaml").write_text(SIMPLE, encoding="utf-8")
    dear = SIMPLE.replace("0.09", "0.10").replace("name: Simple", "name: Dear")
    (tmp_path / "dear.yaml").write_text(dear, encoding="utf-8")
    hours = [10.0] + [990.0 / 719] * 719
    write(tmp_path / "april.csv", "2026-04-01", hours, column="import_kw")
    quarters = [value / 4 for value in hours for _ in range(4)]
    write(tmp_path / "quarters.csv", "2026-04-01", quarters, column="use [kWh]", minutes=15)
    return tmp_path


def test_bill_by_component_and_month(run: Any, folder: Path) -> None:
    """Proves: 15 + 1000 kWh x 0.09 + 10 kW x 9.50 = 200, in the table and in the JSON."""
    result = run("bill", "april.csv", "--tariff", "simple.yaml", "--out", "bill.json")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
    assert rows["energy"] == ["1,000", "kWh", "90.00"]
    assert rows["demand"] == ["10", "kW", "95.00"]
    assert rows["total"] == ["200.00"]
    (found,) = json.loads((folder / "bill.json").read_text(encoding="utf-8")).values()
    assert found["months"] == ["2026-04"]
    assert found["total"] == pytest.approx(200.0)
    assert found["components"]["demand"] == pytest.approx([95.0])
    assert found["currency"] == "USD"


def test_bill_of_energy_per_quarter_hour(run: Any, folder: Path) -> None:
    """Proves: kWh per 15 minutes are the same bill; the header tells the unit."""
    result = run("bill", "quarters.csv", "--tariff", "simple.yaml", "--out", "bill.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(folder / "bill.csv")
    assert table["amount"].sum() == pytest.approx(200.0)
    assert list(table["component"]) == ["meter", "energy", "demand"]


def test_tariffs_are_compared(run: Any, folder: Path) -> None:
    """Proves: the cheapest comes first; a cent more a kWh is 10 more. Sensitivity: currencies."""
    del folder
    result = run("bill", "april.csv", "--tariff", "dear.yaml", "--tariff", "simple.yaml")
    assert result.exit_code == 0, result.output
    last = [line.split() for line in result.stdout.splitlines() if line][-2:]
    assert last == [["simple.yaml", "200.00", "0.00"], ["dear.yaml", "210.00", "10.00"]]
    mixed = ("bill", "april.csv", "--tariff", "simple.yaml", "--tariff", "china/shandong_2026")
    assert "different currencies" in run(*mixed).stdout


def test_shipped_tariff_with_choices(run: Any, folder: Path) -> None:
    """Proves: the cheapest option is told; a picked one is taken; other days are noted."""
    del folder
    words = ["bill", "april.csv", "--tariff", "china/hubei_2026_01", "--voltage", "10kv"]
    words += ["--transformer-kva", "10", "--power-factor", "0.9", "--holiday", "2026-04-05"]
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "Cheapest basic_charge: by_capacity" in result.stdout
    assert "valid to 2026-01-31" in result.stdout
    assert "容量电价" in result.stdout
    picked = run(*words, "--choose", "basic_charge=by_demand")
    assert "需量电价" in picked.stdout
    assert "容量电价" not in picked.stdout


def test_tariffs_are_listed(run: Any) -> None:
    result = run("tariffs")
    assert result.exit_code == 0, result.output
    joined = "".join(result.stdout.split())
    assert len(tariff_names()) >= 5
    assert "china/hubei_2026_01" in joined


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["april.csv", "--tariff", "china/hubai_2026_01"], "did you mean `china/hubei_2026_01`"),
        (["april.csv", "--tariff", "none.yaml"], "there is no such file"),
        (["april.csv", "--tariff", "china/hubei_2026_01"], "contract.voltage is missing"),
        (
            ["april.csv", "--tariff", "china/hubei_2026_01", "--voltage", "10kv"],
            "contract.power_factor is missing",
        ),
        (["nothing.csv", "--tariff", "simple.yaml"], "there is no such file"),
        (["april.csv", "--tariff", "simple.yaml", "--column", "kw"], "has no column 'kw'"),
        (["april.csv", "--tariff", "simple.yaml", "--time-column", "t"], "has no column 't'"),
        (["april.csv", "--tariff", "simple.yaml", "--choose", "a=b"], "no tariff has this choice"),
        (["april.csv", "--tariff", "simple.yaml", "--choose", "a"], "write CHOICE=OPTION"),
        (["april.csv", "--tariff", "simple.yaml", "--holiday", "x"], "must be a day such as"),
        (["april.csv", "--tariff", "simple.yaml", "--out", "b.xls"], "must end in .csv or .json"),
        (["gap.csv", "--tariff", "simple.yaml"], "no row for 2026-04-01 03:00"),
        (["two.csv", "--tariff", "simple.yaml"], "which column is the import?"),
        (["one.csv", "--tariff", "simple.yaml"], "has one row"),
        (["wrong.csv", "--tariff", "simple.yaml"], "wrong.csv:3"),
        (["april.csv", "--tariff", "bad.yaml"], "bad.yaml:3"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], told: str, run: Any, folder: Path) -> None:
    gap = "time,import_kw\n2026-04-01 00:00,1\n2026-04-01 01:00,1\n2026-04-01 02:00,1\n"
    (folder / "gap.csv").write_text(gap + "2026-04-01 04:00,1\n", encoding="utf-8")
    two = "time,a_kw,b_kw\n2026-04-01 00:00,1,1\n2026-04-01 01:00,1,1\n"
    (folder / "two.csv").write_text(two, encoding="utf-8")
    (folder / "one.csv").write_text("time,a_kw\n2026-04-01 00:00,1\n", encoding="utf-8")
    wrong = "time,a_kw\n2026-04-01 00:00,1\n2026-04-01 01:00,x\n"
    (folder / "wrong.csv").write_text(wrong, encoding="utf-8")
    bad = "currency: USD\ncomponents:\n  energy: {type: energy, prise_per_kwh: 1}\n"
    (folder / "bad.yaml").write_text(bad, encoding="utf-8")
    result = run("bill", *words)
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert "bug" not in result.stderr


def test_daylight_saving_needs_offsets(run: Any, folder: Path) -> None:
    """Proves: a doubled hour is refused without offsets, and priced with them: 49 hours, 4.41 USD."""
    stamps = pd.date_range("2026-10-31", periods=49, freq="h", tz="America/Denver")
    for name, form in (("naive.csv", "%Y-%m-%d %H:%M"), ("zoned.csv", "%Y-%m-%d %H:%M%z")):
        texts = [stamp.strftime(form) for stamp in stamps]
        pd.DataFrame({"time": texts, "kw": [1.0] * 49}).rename(columns={"kw": "use_kw"}).to_csv(
            folder / name, index=False
        )
    assert "is ambiguous" in run("bill", "naive.csv", "--tariff", "simple.yaml").stderr
    result = run("bill", "zoned.csv", "--tariff", "simple.yaml", "--out", "b.json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads((folder / "b.json").read_text(encoding="utf-8")).values()
    assert sum(found["components"]["energy"]) == pytest.approx(49 * 0.09)
    assert found["months"] == ["2026-10", "2026-11"]


PLANNED = """\
schema: 1
name: Planned
currency: CNY
horizon: {start: 2025-03-03, hours: 4}
finance: {discount_rate: 0, project_years: 10}
assets:
  load: {type: load, power_kw: 100}
  grid:
    type: grid
    label: Village
    tariff:
      components:
        day_energy: {type: energy, price_per_kwh: 1.0}
        peak: {type: demand, label: 需量电价, price_per_kw_month: 2}
  pv:
    type: pv
    power_kw: {max_kw: 60, capex_per_kw: 876, lifetime_years: 10}
    output_per_kw: 0.5
"""


def test_bill_of_a_plan(run: Any, tmp_path: Path) -> None:
    """Proves: 400 kWh and 100 kW become 280 kWh and 70 kW: a bill of 600 becomes 420; the cost shows
    the sum once, and its components stand in the table of the bill with their labels.
    """
    (tmp_path / "planned.yaml").write_text(PLANNED, encoding="utf-8")
    result = run("solve", "planned.yaml", "--no-report")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line]
    first = next(n for n, line in enumerate(lines) if line.startswith("Cost over 4 h"))
    cost = [line.split() for line in lines[first + 1 : first + 4]]
    assert cost[0] == ["Bill,", "Village", "600.0", "420.0", "-180.0"]
    assert [row[0] for row in cost] == ["Bill,", "Investment", "Total"]
    start = lines.index(next(line for line in lines if line.startswith("Bill, Village over 4 h")))
    rows = [line.split() for line in lines[start + 1 : start + 4]]
    assert rows == [
        ["Day", "energy", "400", "280", "-120"],
        ["需量电价", "200", "140", "-60"],
        ["Total", "600", "420", "-180"],
    ]
    assert "tables/bill.parquet" in result.stdout
    assert "prices of the year" not in result.stdout
    bill = pd.read_parquet(tmp_path / "results" / "planned" / "tables" / "bill.parquet")
    assert bill["amount"].sum() == pytest.approx(420)


def test_bill_of_a_plan_with_value_added_tax(run: Any, tmp_path: Path) -> None:
    """Proves: the cost counts a tax of 10 % that the bill does not have, and the bill says so."""
    vat = "vat: {fraction: 0.1, added_to: [grid]}}"
    text = PLANNED.replace("project_years: 10}", f"project_years: 10, {vat}")
    (tmp_path / "planned.yaml").write_text(text, encoding="utf-8")
    result = run("solve", "planned.yaml", "--no-report")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.split() == ["Bill,", "Village", "660.0", "462.0", "-198.0"] for line in lines)
    assert any(line.split() == ["Total", "600", "420", "-180"] for line in lines)
    assert "prices of the year" in result.stdout


def test_plain_prices_have_no_table_of_a_bill(run: Any) -> None:
    result = run("solve", "tiny.yaml", "--no-report")
    assert "Energy import" in result.stdout
    assert "Bill," not in result.stdout
