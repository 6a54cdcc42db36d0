"""The offline part of a REopt scenario as a park, and everything in it that a park cannot say.

| REopt | here |
|---|---|
| ``Site`` | ``site``; land and roof as the largest size of PV and wind |
| ``ElectricLoad.loads_kw`` | ``load`` |
| ``ElectricTariff`` | ``tariff`` of a ``grid``: energy, monthly demand with ratchets, coincident peaks |
| ``wholesale_rate`` | ``sale`` at a node of the plants that may sell, joined by a one-way ``line`` |
| ``PV``, ``Wind`` with ``production_factor_series`` | ``pv``, ``wind`` |
| ``ElectricStorage`` | ``battery`` with one power for charge and discharge |
| ``Generator`` that runs without an outage | ``generator`` and a ``supply`` of its fuel |
| ``Financial`` | nominal rates, escalation; capital as in `microgrid_opt.bridges.reopt_money` |
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges import folder
from microgrid_opt.bridges.folder import UNLIMITED
from microgrid_opt.bridges.pypsa_park import unique
from microgrid_opt.bridges.reopt_money import Price
from microgrid_opt.bridges.reopt_park import NO_LIMIT, ParkFile
from microgrid_opt.bridges.reopt_scenario import Scenario
from microgrid_opt.bridges.reopt_tariff import HOUR, TariffWriter
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.bridges.reopt_scenario import Block, Told

NODE = "plants"
KG_PER_LB = 0.45359237


class Importer(ParkFile):
    """Writes the park of one scenario."""

    def run(self) -> dict[str, Any]:
        """Return the park as its file says it; what is wrong or lost is told."""
        self._load()
        self._connection()
        for block in self.scenario.blocks("PV"):
            self._plant(block, "sun")
        for block in self.scenario.blocks("Wind"):
            self._plant(block, "air")
        for block in self.scenario.blocks("ElectricStorage"):
            self._storage(block)
        for block in self.scenario.blocks("Generator"):
            self._generator(block)
        return self._park()

    # ------------------------------------------------------------------ load and connection

    def _load(self) -> None:
        block = self.load
        if block.has("path_to_csv") and not block.has("loads_kw"):
            path = self.scenario.path.parent / str(block.values["path_to_csv"])
            try:
                block.values["loads_kw"] = np.loadtxt(path, delimiter=",", ndmin=1).tolist()
            except (OSError, ValueError) as error:
                block.wrong("path_to_csv", f"cannot be read: {error}")
                return
        if block.has("loads_kw"):
            power: Any = self.profile(block, "loads_kw")
            if block.has("annual_kwh"):
                block.lose(
                    "annual_kwh", "scales `loads_kw` in some versions: scale and leave it out."
                )
        elif block.value("doe_reference_name") == "FlatLoad" and block.has("annual_kwh"):
            power = block.number("annual_kwh") / HOUR
        else:
            block.wrong("loads_kw", "is missing: profiles of buildings come with REopt alone.")
            return
        if np.any(np.less(power, 0.0)):
            block.wrong("loads_kw", "is negative in places.")
        self.asset(
            self.words["consumption"], "consumption", power_kw=self.column("load_kw", power, "kW")
        )

    def _connection(self) -> None:
        block = self.scenario.block("ElectricTariff")
        utility, factor = self.scenario.block("ElectricUtility"), None
        key = "emissions_factor_series_lb_CO2_per_kwh"
        if utility.has(key):
            listed = isinstance(utility.values[key], list)
            pounds: Any = self.profile(utility, key) if listed else utility.number(key)
            factor = self.column("grid_co2", pounds * KG_PER_LB, "kg/kWh")
        else:
            self.told.notes.append("CO2 of the grid is looked up by REopt, and not counted here.")
        writer = TariffWriter(block, self.scenario.known["charges"], self.stamps, self.series)
        grid = self.asset(
            self.words["connection"], "connection", tariff=writer.run(), co2_kg_per_kwh=factor
        )
        self.escalation[grid] = self.growth
        if self.sells:
            price = writer.rates("wholesale_price", "wholesale_rate")
            sold = self.asset(
                "wholesale", "sold", node=NODE, carrier="electricity", price_per_kwh=price
            )
            self.escalation[sold] = self.growth
            self.asset(
                "plants line", "joining", node=NODE, to="park", both_ways=False, power_kw=UNLIMITED
            )

    def _node(self, block: Block) -> str | None:
        return NODE if self.sells and block.truth("can_wholesale") else None

    # ------------------------------------------------------------------ plants

    def _plant(self, block: Block, word: str) -> None:
        profile = "production_factor_series"
        if not block.has(profile):
            block.wrong(profile, "is missing: REopt looks it up over the network; give the series.")
            return
        price = block.number("installed_cost_per_kw")
        for region in ("utility", "state"):
            share, rebate = f"{region}_ibi_fraction", f"{region}_rebate_per_kw"
            price = price * (1.0 - block.number(share)) - block.number(rebate)
        terms = Price(
            price,
            credit=block.number("federal_itc_fraction"),
            rebate=block.number("federal_rebate_per_kw"),
            **self.macrs(block),
        )
        most = min(block.number("max_kw"), self.space(block, word))
        size = self.size(block, "kw", terms, most, block.number("om_cost_per_kw"))
        fades = self.terms.mean_output(self.growth, block.number("degradation_fraction"))
        if block.number("existing_kw") and word == "sun" and self.load.truth("loads_kw_is_net"):
            self.load.lose(
                "loads_kw_is_net", "adds what is there already to the load: add it yourself."
            )
        name = str(block.value("name"))
        output = self.profile(block, profile) * fades
        self.asset(
            name,
            word,
            node=self._node(block),
            output_per_kw=self.column(f"{unique(name, set())}_output", output, "1"),
            power_kw=size,
            curtailable=None if block.truth("can_curtail") else False,
        )

    # ------------------------------------------------------------------ storage and engine

    def _storage(self, block: Block) -> None:
        terms = {"credit": block.number("total_itc_fraction"), **self.macrs(block)}
        per_kw, per_kwh = (
            Price(
                block.number(f"installed_cost_per_{unit}"),
                rebate=block.number(f"total_rebate_per_{unit}"),
                replacement=block.number(f"replace_cost_per_{unit}"),
                replacement_year=int(block.number(f"{part}replacement_year")),
                **terms,
            )
            for unit, part in (("kw", "inverter_"), ("kwh", "battery_"))
        )
        inner = math.sqrt(block.number("internal_efficiency_fraction"))
        least, most = block.number("min_duration_hours"), block.number("max_duration_hours")
        free = block.truth("optimize_soc_init_fraction")
        self.asset(
            "storage",
            "storage",
            energy_kwh=self.size(block, "kwh", per_kwh, block.number("max_kwh"), 0.0),
            power_kw=self.size(block, "kw", per_kw, block.number("max_kw"), 0.0),
            min_c_rate_per_hour=1.0 / most if most < 1e5 else None,
            max_c_rate_per_hour=1.0 / least if least else None,
            charge_efficiency=block.number("rectifier_efficiency_fraction") * inner,
            discharge_efficiency=block.number("inverter_efficiency_fraction") * inner,
            min_fraction=block.number("soc_min_fraction"),
            initial_fraction=None if free else block.number("soc_init_fraction"),
            final=None if free else "free",
            shared_power_limit=True,
        )
        self.told.notes.append(
            "REopt's incentive to keep a store full (soc_incentive) is left out."
        )

    def _generator(self, block: Block) -> None:
        if block.truth("only_runs_during_grid_outage"):
            block.lose(
                "only_runs_during_grid_outage", "is true, and a park has no outages: left out."
            )
            return
        full = block.number("electric_efficiency_full_load")
        if block.has("electric_efficiency_half_load"):
            half = "electric_efficiency_half_load"
            if block.number(half) != full:
                block.lose(
                    half, "differs from full load, which needs a curve in kW of a chosen size."
                )
        heat = block.number("fuel_higher_heating_value_kwh_per_gal")
        litres = block.number("fuel_avail_gal")
        year = (
            int(block.number("replacement_year"))
            if block.has("replacement_year")
            else self.terms.years
        )
        price = Price(
            block.number("installed_cost_per_kw"),
            replacement=block.number("replace_cost_per_kw"),
            replacement_year=year,
            **self.macrs(block),
        )
        pounds = block.number("emissions_factor_lb_CO2_per_gal")
        fuel = self.asset(
            "fuel",
            "fuel",
            carrier="fuel",
            price_per_kwh=block.number("fuel_cost_per_gallon") / heat,
            co2_kg_per_kwh=pounds * KG_PER_LB / heat,
            yearly_limit_kwh=litres * heat if litres < NO_LIMIT else None,
        )
        self.escalation[fuel] = self.money.number("generator_fuel_cost_escalation_rate_fraction")
        least, running = block.number("min_turn_down_fraction"), block.number("om_cost_per_kwh")
        if running:
            self.escalation["variable_om"] = self.om_growth
        self.asset(
            "engine",
            "engine",
            node=self._node(block),
            fuel="fuel",
            electric_efficiency=full,
            power_kw=self.size(
                block, "kw", price, block.number("max_kw"), block.number("om_cost_per_kw")
            ),
            variable_om_per_kwh=running or None,
            commitment={"min_load_fraction": least} if least else None,
        )

    # ------------------------------------------------------------------ the park

    def _park(self) -> dict[str, Any]:
        worth = (1.0 - self.terms.tax) * self.terms.worth(0.0)
        places = {
            key: self.site.number(key) for key in ("latitude", "longitude") if self.site.has(key)
        }
        park: dict[str, Any] = {
            "schema": 1,
            "name": self.scenario.path.stem,
            "description": "Imported from REopt. Capital is what REopt calls effective cost (credits, "
            "depreciation, rebates and replacement), before tax; REopt's lifecycle cost is "
            f"{worth:.8g} times the yearly cost.",
            "currency": "USD",
            "site": places | {"timezone": self.zone},
            "horizon": self.horizon,
            "finance": {
                "discount_rate": self.terms.rate,
                "project_years": float(self.terms.years),
                "rates": "nominal",
                "escalation": {key: rate for key, rate in self.escalation.items() if rate},
            },
        }
        if "fuel" in self.assets:
            park["carriers"] = {"fuel": {}}
        if self.sells:
            park["nodes"] = {NODE: {}}
        return park | {"assets": self.assets}


def convert(source: Path, out: Path, *, allow_loss: bool = False) -> tuple[dict[str, Any], Told]:
    """Write the park of a scenario into a new folder: ``park.yaml`` and its series.

    Parameters
    ----------
    source
        JSON file.
    out
        New folder.
    allow_loss
        Whether what a park cannot say may be left out.

    Returns
    -------
    The park, and what there is to say: defaults, notes and, with ``allow_loss``, what was left out.

    Raises
    ------
    InputError
        When the folder is not empty, or with everything that is wrong or has no counterpart.
    """
    folder.check_new(out)
    importer = Importer(Scenario(source))
    park, told = importer.run(), importer.told
    refused = told.wrong if allow_loss else [*told.wrong, *told.lost]
    if refused:
        raise InputError(refused)
    folder.write(out, park, importer.series, importer.stamps)
    return park, told
