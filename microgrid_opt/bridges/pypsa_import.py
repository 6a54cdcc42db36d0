"""A PyPSA network as a park with the same optimum, or everything in it that a park cannot say.

Numbers are taken as they stand: MW and MWh of the network are called kW and kWh here, its tonnes kg.
All components stand at one place, where every ``Bus`` is a carrier of its own.

| PyPSA | here |
|---|---|
| ``Bus`` | carrier; the first one of AC, DC or no carrier is ``electricity`` |
| ``Load`` | ``load`` on electricity, else ``demand`` |
| ``Generator`` of given size | ``supply`` with a price, a limit and CO2 |
| ``Generator`` of chosen size with ``p_max_pu`` | ``pv`` or ``wind``; on another bus at a node of its own, with a ``recipe`` and a ``line`` |
| ``Generator`` of chosen size without | ``supply`` and a ``recipe`` that has the size |
| ``Link`` | ``recipe``; ``heat_pump`` where the efficiency varies |
| ``Store``, ``StorageUnit`` | ``store`` |
| ``GlobalConstraint`` of CO2 | ``carbon.cap_t_per_year`` |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges import folder
from microgrid_opt.bridges.folder import UNLIMITED
from microgrid_opt.bridges.pypsa_park import ParkFile, unique
from microgrid_opt.bridges.pypsa_read import read
from microgrid_opt.bridges.pypsa_understood import BUILT_IN
from microgrid_opt.errors import InputError
from microgrid_opt.park import RESERVED_ASSETS, RESERVED_MEMBERS

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.bridges.pypsa_read import Component


class Importer(ParkFile):
    """Writes the park of one network."""

    def run(self) -> dict[str, Any]:
        """Return the park as its file says it.

        Raises
        ------
        InputError
            With every component and attribute that has no counterpart.
        """
        self.check()
        buses = [one for one in self.stored.components if one.kind == "Bus"]
        taken: set[str] = set()
        for bus in buses:
            electric = (
                bus.text("carrier").lower() in self.words["electric_carriers"]
                and "electricity" not in taken
            )
            key = "electricity" if electric else unique(bus.name, {*taken, *BUILT_IN})
            taken.add(key)
            self.carriers[bus.name] = key
        writers = {
            "Load": self._load,
            "Generator": self._generator,
            "Link": self._link,
            "Store": self._store,
            "StorageUnit": self._storage_unit,
            "GlobalConstraint": self._global_constraint,
        }
        for one in self.stored.components:
            if one.kind in writers and self.has_buses(one):
                writers[one.kind](one)
        if self.findings:
            raise InputError(self.findings)
        return self.park()

    # ------------------------------------------------------------------ components

    def _load(self, one: Component) -> None:
        self.must_be(one, "sign", -1.0)
        power, carrier = one.number("p_set", 0.0), self.carriers[one.text("bus")]
        if np.any(np.less(power, 0.0)):
            self.refuse(one, "p_set", "is negative in places: make a Generator of it.")
        key = unique(one.name, {*self.assets, *RESERVED_ASSETS})
        values = self.value(key, power, "kW")
        if carrier == "electricity":
            self.asset(one.name, kind="electric_load", power_kw=values)
        else:
            self.asset(one.name, kind="other_load", carrier=carrier, power_kw=values)

    def _generator(self, one: Component) -> None:
        self.must_be(one, "sign", 1.0)
        carrier = self.carriers[one.text("bus")]
        key = unique(one.name, {*self.assets, *RESERVED_ASSETS})
        share, least = one.number("p_max_pu", 1.0), one.number("p_min_pu", 0.0)
        price = one.number("marginal_cost", 0.0)
        co2 = self.emissions.get(one.text("carrier"), 0.0) / one.number("efficiency", 1.0)
        emitted = self.value(f"{key}_co2", co2, "kg/kWh") if np.any(co2) else None
        if not one.truth("p_nom_extendable"):
            size = self.constant(one, "p_nom", 0.0)
            self.asset(
                one.name,
                kind="given_generator",
                carrier=carrier,
                price_per_kwh=self.value(f"{key}_price", price, "EUR/kWh"),
                limit_kw=self.value(f"{key}_limit", size * share, "kW"),
                min_kw=self.value(f"{key}_min", size * least, "kW") if np.any(least) else None,
                co2_kg_per_kwh=emitted,
            )
            return
        self.must_be(one, "p_min_pu", 0.0)
        if np.all(np.equal(share, 1.0)):
            source = self.source_carrier(f"{one.name} source")
            values = self.value(f"{key}_price", price, "EUR/kWh")
            self.asset(
                f"{one.name} source",
                kind="given_generator",
                carrier=source,
                price_per_kwh=values,
                co2_kg_per_kwh=emitted,
            )
            self.recipe(
                one.name, {source: 1.0}, {carrier: 1.0}, carrier, self.size(one, "p_nom", "kw")
            )
            return
        if emitted is not None:
            self.refuse(one, "carrier", "has CO2, and `p_max_pu` with a chosen size: not both.")
        where = (
            None if carrier == "electricity" else unique(one.name, {*self.nodes, *RESERVED_MEMBERS})
        )
        sunny = any(
            word in one.text("carrier").lower() + one.name.lower()
            for word in self.words["sunny_words"]
        )
        self.asset(
            one.name,
            kind="sunny_profile" if sunny else "other_profile",
            node=where,
            output_per_kw=self.value(f"{key}_output", share, "1"),
            power_kw=self.size(one, "p_nom", "kw"),
            variable_om_per_kwh=self.constant(one, "marginal_cost", 0.0),
        )
        if where is not None:
            self.nodes[where] = {}
            self.recipe(
                f"{one.name} to bus",
                {"electricity": 1.0},
                {carrier: 1.0},
                carrier,
                UNLIMITED,
                where,
            )
            self.asset(
                f"{one.name} line",
                kind="joining",
                node=where,
                to="park",
                carrier=carrier,
                both_ways=False,
                power_kw=UNLIMITED,
            )

    def _link(self, one: Component) -> None:
        start = self.carriers[one.text("bus0")]
        ports: dict[str, Any] = {}
        for attribute in one.values:
            if not re.fullmatch(r"bus[1-9]\d*", attribute) or not one.text(attribute):
                continue
            number = attribute.removeprefix("bus")
            efficiency = one.number("efficiency" + ("" if number == "1" else number), 1.0)
            carrier = self.carriers[one.text(attribute)]
            ports[carrier] = ports.get(carrier, 0.0) + efficiency
        most, back = one.number("p_max_pu", 1.0), -self.constant(one, "p_min_pu", 0.0)
        share = float(np.max(most))
        if share <= 0.0 or np.min(most) < 0.0:
            self.refuse(one, "p_max_pu", "must be above 0.")
            return
        size = self.size(one, "p_nom", "kw", share)
        if any(isinstance(ratio, np.ndarray) for ratio in ports.values()):
            self.constant(one, "p_max_pu", 1.0)
            self._varying_link(one, start, ports, size)
            return
        if start in ports:
            self.refuse(one, "bus0", "is also where it leads: a park counts net amounts.")
            return
        inputs = {start: 1.0} | {carrier: -r for carrier, r in ports.items() if r < 0.0}
        outputs = {carrier: r for carrier, r in ports.items() if r > 0.0}
        if not outputs:
            self.refuse(one, "efficiency", "gives nothing to any bus.")
            return
        cost = self.constant(one, "marginal_cost", 0.0)
        name = unique(one.name, {*self.assets, *RESERVED_ASSETS})
        available = self.value(f"{name}_available", most / share, "1")
        self.recipe(one.name, inputs, outputs, start, size, None, cost, available)
        if back:
            self._way_back(one, inputs, outputs, start, back)

    def _way_back(
        self,
        one: Component,
        inputs: dict[str, float],
        outputs: dict[str, float],
        start: str,
        share: float,
    ) -> None:
        """Add the flow against a link's direction, at the same ratios, as PyPSA has it."""
        if one.truth("p_nom_extendable") or share < 0.0 or len(inputs) > 1:
            why = "must be 0, or below 0 for a link of given size that takes from one bus."
            self.refuse(one, "p_min_pu", why)
            return
        self.must_be(one, "marginal_cost", 0.0)
        size = self.constant(one, "p_nom", 0.0) * share
        self.recipe(f"{one.name} back", outputs, inputs, start, size)

    def _varying_link(self, one: Component, start: str, ports: dict[str, Any], size: Any) -> None:
        self.must_be(one, "p_min_pu", 0.0)
        ((carrier, ratio), *more) = ports.items()
        if more or start != "electricity" or np.any(np.less(ratio, 1.0)):
            self.refuse(
                one,
                "efficiency",
                "varies by snapshot: only from electricity to one bus, at 1 and more.",
            )
            return
        self.must_be(one, "marginal_cost", 0.0)
        key = unique(one.name, {*self.assets, *RESERVED_ASSETS})
        self.asset(
            one.name,
            kind="varying_link",
            heat_carrier=carrier,
            cop=self.value(f"{key}_cop", ratio, "1"),
            size_on="input",
            power_kw=size,
        )

    def _store(self, one: Component) -> None:
        for attribute in ("marginal_cost", "marginal_cost_storage"):
            self.must_be(one, attribute, 0.0)
        self.must_be(one, "sign", 1.0)
        size = self.size(one, "e_nom", "kwh")
        self.asset(
            one.name,
            kind="storage",
            carrier=self.carriers[one.text("bus")],
            energy_kwh=size,
            min_fraction=self.constant(one, "e_min_pu", 0.0),
            max_fraction=self.constant(one, "e_max_pu", 1.0),
            **self._content(one, "e_initial", "e_cyclic", size),
        )

    def _storage_unit(self, one: Component) -> None:
        self.must_be(one, "sign", 1.0)
        self.must_be(one, "p_max_pu", 1.0)
        self.must_be(one, "p_min_pu", -1.0)
        for attribute in ("marginal_cost_storage", "spill_cost"):
            self.must_be(one, attribute, 0.0)
        size, hours = self.size(one, "p_nom", "kw"), self.constant(one, "max_hours", 1.0)
        inflow = one.number("inflow", 0.0)
        key = unique(one.name, {*self.assets, *RESERVED_ASSETS})
        capacity = size if isinstance(size, dict) else size * hours
        self.asset(
            one.name,
            kind="storage",
            carrier=self.carriers[one.text("bus")],
            power_kw=size,
            hours=hours,
            charge_efficiency=self.constant(one, "efficiency_store", 1.0),
            discharge_efficiency=self.constant(one, "efficiency_dispatch", 1.0),
            discharge_cost_per_unit=self.constant(one, "marginal_cost", 0.0),
            inflow_kw=self.value(f"{key}_inflow", inflow, "kW") if np.any(inflow) else None,
            **self._content(one, "state_of_charge_initial", "cyclic_state_of_charge", capacity),
        )

    def _content(self, one: Component, initial: str, cyclic: str, capacity: Any) -> dict[str, Any]:
        """Return losses and start; PyPSA takes the first content as it is after its loss."""
        loss = self.constant(one, "standing_loss", 0.0)
        if self.emissions.get(one.text("carrier")) and self.cap is not None:
            self.refuse(one, "carrier", "has CO2, which PyPSA counts by what is taken out.")
        found: dict[str, Any] = {"self_discharge_per_hour": loss}
        if one.truth(cyclic):
            return found
        start = self.constant(one, initial, 0.0)
        if start and isinstance(capacity, dict):
            self.refuse(one, initial, "is an amount, and the size is chosen.")
        elif start:
            start /= capacity * (1.0 - loss) ** float(self.hours[0])
        return found | {"initial_fraction": start, "final": "free"}

    def _global_constraint(self, one: Component) -> None:
        kind, attribute = (
            one.text("type", "primary_energy"),
            one.text("carrier_attribute", "co2_emissions"),
        )
        if (
            kind != "primary_energy"
            or attribute != "co2_emissions"
            or one.text("sense", "==") != "<="
        ):
            self.refuse(one, "type", "must be primary_energy of co2_emissions with sense <=.")
        if self.cap is not None:
            self.refuse(one, "constant", "is a second limit: a park has one.")
        weights = self.stored.weightings
        if not np.array_equal(weights["objective"], weights["generators"]):
            self.refuse(one, "constant", "counts by other weights than costs do.")
        self.cap = self.constant(one, "constant", 0.0)


def convert(source: Path, out: Path) -> dict[str, Any]:
    """Write the park of a network into a new folder: ``park.yaml`` and its series.

    Raises
    ------
    InputError
        When the folder is not empty, or with everything that a park cannot say.
    """
    folder.check_new(out)
    importer = Importer(read(source))
    park = importer.run()
    folder.write(out, park, importer.series, importer.stamps)
    return park
