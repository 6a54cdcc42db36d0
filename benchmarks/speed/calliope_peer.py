"""A case in Calliope: techs and data tables, and additional math for what these do not have.

Its models are of Pyomo's kernel, which Pyomo's own interfaces to HiGHS do not take: HiGHS reads the
file that `to_lp` writes, and its solution is saved as HiGHS does.
"""

import sys

import numpy as np
from common import Case, Clock, answer, given, lead, per_size, single

clock = Clock()
import calliope  # noqa: E402
import highspy  # noqa: E402
import pandas as pd  # noqa: E402

clock.watch_highs()
clock.lap("import")


def plain(name):
    """Return a name as math expressions can have it."""
    return name.replace(".", "_").replace("[", "_").replace("]", "").replace(" ", "_")


class Model:
    """Definition, tables and additional math of a case."""

    def __init__(self, case):
        self.case = case
        self.steps = pd.date_range(case.start, periods=case.steps, freq="h", name="timesteps")
        self.techs, self.columns, self.linked, self.math = {}, {}, [], {}
        self.port = {}
        for bus, power in case.demands.items():
            tech = f"demand_{plain(bus)}"
            self.techs[tech] = {"base_tech": "demand", "carrier_in": plain(bus)}
            self.column("sink_use_equals", (tech,), power)
        for name, store in case.stores.items():
            self.store(name, store)
        for name, flow in case.flows.items():
            if name not in case.stored:
                self.element(name, flow)
        self.sums()
        self.levels()

    # ------------------------------------------------------------------ techs

    def column(self, parameter, key, values):
        """Remember a series of a parameter, by tech, or by tech, carrier and cost."""
        self.columns.setdefault(parameter, {})[key] = np.array(values)

    def price(self, parameter, tech, carrier, cost, kind="monetary"):
        """Price a flow, by a number or a series; what a tech takes is priced whatever the carrier."""
        if not np.any(cost):
            return
        key, dims = (kind, plain(carrier)), ["costs", "carriers"]
        if parameter == "cost_flow_in":
            key, dims = (kind,), ["costs"]
            if not isinstance(self.techs[tech]["carrier_in"], str):
                sys.exit(f"{tech}: a cost with two inputs is not written here")
        if np.ndim(cost):
            self.column(parameter, (tech, *key), cost)
            return
        spec = self.techs[tech].setdefault(parameter, {"data": [], "index": [], "dims": dims})
        spec["data"].append(float(cost))
        spec["index"].append(list(key))

    def sized(self, tech, carrier, name, scale=1.0, limit=None):
        """Limit a flow by a size or by a number; return the profile that remains."""
        flow, spec = self.case.flows[name], self.techs[tech]
        if flow["size"] is None:
            upper = flow["upper"]
            if upper is None:
                return None
            upper = np.asarray(upper, float) * scale
            spec["flow_cap_max"] = {
                "data": float(upper.max()),
                "index": plain(carrier),
                "dims": "carriers",
            }
            if upper.ndim:
                self.column(limit, (tech,), upper)
            return None
        size = self.case.sizes[flow["size"]]
        factor, profile = per_size(flow, scale)
        for key, value in (("flow_cap_min", size["lower"]), ("flow_cap_max", size["upper"])):
            if value:
                spec[key] = {"data": value * factor, "index": plain(carrier), "dims": "carriers"}
        spec["cost_flow_cap"] = {
            "data": size["cost"] / factor,
            "index": [["monetary", plain(carrier)]],
            "dims": ["costs", "carriers"],
        }
        return profile if np.ndim(profile) else None

    def element(self, name, flow):
        """Add a supply, a demand or a conversion."""
        tech, alone = plain(name), single(flow)
        if alone is None:
            self.conversion(tech, name, flow)
            return
        bus, amount = alone
        source = amount > 0.0
        side = "carrier_out" if source else "carrier_in"
        self.techs[tech] = {"base_tech": "supply" if source else "demand", side: plain(bus)}
        limit = "source_use_max" if source else "sink_use_max"
        profile = self.sized(tech, bus, name, limit=limit)
        if profile is not None:
            self.techs[tech]["source_unit" if source else "sink_unit"] = "per_cap"
            self.column(limit, (tech,), profile)
        self.price("cost_flow_out" if source else "cost_flow_in", tech, bus, flow["cost"])
        self.port[name] = ("flow_out" if source else "flow_in", tech, bus, 1.0)

    def conversion(self, tech, name, flow):
        """Add a conversion; with further ports these are tied by additional math."""
        start = lead(flow)
        scale = -flow["ports"][start]
        others = {bus: value / scale for bus, value in flow["ports"].items() if bus != start}
        made = [bus for bus, value in others.items() if np.all(np.asarray(value) > 0.0)]
        taken = [start, *(bus for bus in others if bus not in made)]
        self.techs[tech] = {
            "base_tech": "conversion",
            "carrier_in": [plain(bus) for bus in taken] if len(taken) > 1 else plain(start),
            "carrier_out": [plain(bus) for bus in made] if len(made) > 1 else plain(made[0]),
        }
        if self.sized(tech, start, name, scale) is not None:
            sys.exit(f"{name}: a profile of a conversion is not written here")
        self.price("cost_flow_in", tech, start, flow["cost"] / scale)
        self.port[name] = ("flow_in", tech, start, scale)
        if len(others) == 1 and np.ndim(others[made[0]]) == 0:
            self.techs[tech]["flow_out_eff"] = float(others[made[0]])
            return
        self.linked.append(tech)
        for bus, ratio in others.items():
            if np.ndim(ratio):
                sys.exit(f"{name}: a ratio that varies is not written here")
            side = "flow_out" if bus in made else "flow_in"
            self.math.setdefault("constraints", {})[f"link_{tech}_{plain(bus)}"] = {
                "foreach": ["nodes", "techs", "timesteps"],
                "where": f"[{tech}] in techs",
                "equations": [
                    {
                        "expression": f"{side}[carriers={plain(bus)}] == "
                        f"{abs(float(ratio))!r} * flow_in[carriers={plain(start)}]"
                    }
                ],
            }

    def store(self, name, store):
        """Add a storage; one capacity serves both flows."""
        tech, charge, discharge = plain(name), store["charge"], store["discharge"]
        sizes = {self.case.flows[flow]["size"] for flow in (charge, discharge)}
        bus, out = (next(iter(self.case.flows[flow]["ports"])) for flow in (charge, discharge))
        if len(sizes) > 1 or (out != bus and sizes != {None}):
            sys.exit(f"{name}: two powers or two carriers of a storage are not written here")
        size = self.case.sizes[store["size"]]
        self.techs[tech] = spec = {
            "base_tech": "storage",
            "carrier_in": plain(bus),
            "carrier_out": plain(out),
            "flow_in_eff": store["inward"],
            "flow_out_eff": 1.0 / store["outward"],
            "storage_loss": store["loss"],
            "cyclic_storage": True,
            "cost_storage_cap": {"data": size["cost"], "index": "monetary", "dims": "costs"},
        }
        bounds = {"storage_cap_min": size["lower"], "storage_cap_max": size["upper"]}
        spec.update({key: value for key, value in bounds.items() if value})
        if store["least"]:
            spec["storage_discharge_depth"] = store["least"]
        self.sized(tech, bus, charge)
        self.price("cost_flow_in", tech, bus, self.case.flows[charge]["cost"])
        self.price("cost_flow_out", tech, out, self.case.flows[discharge]["cost"])
        for row in self.case.size_rows:
            power = next(iter(sizes))
            if set(row["terms"]) == {store["size"], power} and row["lower"] is None:
                ratio = -row["terms"][store["size"]] / row["terms"][power]
                spec["flow_cap_per_storage_cap_max"] = ratio

    # ------------------------------------------------------------------ additional math

    def sums(self):
        """Write sums as cost classes with a limit, as in the documentation's example of a CO2 cap."""
        for one in self.case.sums:
            kind = plain(one["name"])
            for name, factor in one["terms"].items():
                flow, tech, bus, scale = self.port[name]
                self.price(f"cost_{flow}", tech, bus, factor / scale, kind)
            self.math.setdefault("constraints", {})[f"{kind}_limit"] = {
                "equations": [
                    {
                        "expression": f"sum(cost[costs={kind}], over=[nodes, techs]) <= {one['upper']!r}"
                    }
                ]
            }

    def levels(self):
        """Write levels, their cost, peaks and rows as a dimension, parameters and constraints."""
        case, math = self.case, self.math
        if not case.levels:
            return
        text = {"dtype": "string", "ordered": False}
        math["dimensions"] = {"levels": {**text, "iterator": "level"}}
        names = [plain(name) for name in case.levels]
        self.data = {
            "level_cost": {
                "data": [spec["cost"] for spec in case.levels.values()],
                "index": names,
                "dims": "levels",
            }
        }
        math["parameters"] = {"level_cost": {"default": 0}}
        math["variables"] = {
            "level": {"foreach": ["levels"], "bounds": {"min": 0, "max": float("inf")}}
        }
        for number, peak in enumerate(case.peaks):
            flow, tech, bus, scale = self.port[peak["flow"]]
            name = f"peak_{number}"
            math["parameters"][name] = {"default": float("nan")}
            for level, here in case.months(peak):
                marks = np.full(case.steps, np.nan)
                marks[here] = scale
                self.column(name, (plain(level),), marks)
            math.setdefault("constraints", {})[f"{name}_limit"] = {
                "foreach": ["levels", "timesteps"],
                "where": name,
                "equations": [
                    {
                        "expression": f"sum({flow}[techs={tech}, carriers={plain(bus)}], over=nodes) "
                        f"<= {name} * level"
                    }
                ],
            }
        rows = [row for row in case.size_rows if set(row["terms"]) <= set(case.levels)]
        if rows:
            self.rows(rows, text)
        objective = "sum(sum(cost, over=[nodes, techs]) * objective_cost_weights, over=costs)"
        math["objectives"] = {
            "min_cost_optimisation": {
                "equations": [{"expression": f"{objective} + sum(level * level_cost, over=levels)"}]
            }
        }

    def rows(self, rows, text):
        """Write rows over levels: all of them have a lower limit only."""
        math = self.math
        math["dimensions"]["rows"] = {**text, "iterator": "row"}
        math["parameters"] |= {"row_weight": {"default": 0}, "row_lower": {"default": 0}}
        pairs = [
            (plain(row["name"]), plain(level), value)
            for row in rows
            for level, value in row["terms"].items()
        ]
        self.data["row_weight"] = {
            "data": [value for *_, value in pairs],
            "index": [[row, level] for row, level, _ in pairs],
            "dims": ["rows", "levels"],
        }
        self.data["row_lower"] = {
            "data": [row["lower"] for row in rows],
            "index": [plain(row["name"]) for row in rows],
            "dims": "rows",
        }
        math["constraints"]["level_rows"] = {
            "foreach": ["rows"],
            "equations": [{"expression": "sum(row_weight * level, over=levels) >= row_lower"}],
        }

    # ------------------------------------------------------------------ model

    def build(self):
        """Return the model, built."""
        case = self.case
        kinds = ["monetary", *(plain(one["name"]) for one in case.sums)]
        constraints = self.math.setdefault("constraints", {})
        if self.linked:
            constraints["balance_conversion"] = {
                "equations": [
                    {
                        "where": f"NOT [{', '.join(self.linked)}] in techs",
                        "expression": "sum(flow_out_inc_eff, over=carriers) == "
                        "sum(flow_in_inc_eff, over=carriers)",
                    }
                ]
            }
        tables, frames = {}, {}
        for parameter, columns in self.columns.items():
            frame = pd.DataFrame(columns, index=self.steps)
            dims = {1: ["techs"], 2: ["techs", "costs"], 3: ["techs", "costs", "carriers"]}[
                len(next(iter(columns)))
            ]
            if parameter.startswith("peak_"):
                dims = ["levels"]
            frame.columns = pd.MultiIndex.from_tuples(columns, names=dims)
            if len(dims) == 1:
                frame.columns = pd.Index([key[0] for key in columns], name=dims[0])
            frames[parameter] = frame
            tables[parameter] = {
                "data": parameter,
                "rows": "timesteps",
                "columns": dims if len(dims) > 1 else dims[0],
                "add_dims": {"parameters": parameter},
            }
        definition = {
            "config": {
                "init": {"name": "speed", "broadcast_input_data": True, "extra_math": ["further"]},
                "build": {"ensure_feasibility": False},
            },
            "data_definitions": {
                "objective_cost_weights": {
                    "data": [1.0, *[0.0] * (len(kinds) - 1)],
                    "index": kinds,
                    "dims": "costs",
                },
                "cost_depreciation_rate": {
                    "data": 8760 / case.steps,
                    "index": "monetary",
                    "dims": "costs",
                },
                **getattr(self, "data", {}),
            },
            "techs": self.techs,
            "nodes": {"site": {"techs": dict.fromkeys(self.techs)}},
            "data_tables": tables,
        }
        model = calliope.read_dict(
            definition, math_dict={"further": self.math}, data_table_dfs=frames
        )
        model.build()
        return model


def main():
    """Build, solve, save."""
    folder, out, options, _ = given()
    options.pop("io_api", None)
    case = Case(folder).with_inlets()
    clock.lap("load")
    model = Model(case).build()
    clock.lap("build")
    model.backend.to_lp(out / "model.lp")
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.readModel(str(out / "model.lp"))
    highs.run()
    objective = highs.getObjectiveValue() + case.offset
    clock.lap("solve", solves=True)
    highs.writeSolution(str(out / "solution.txt"), 1)
    clock.lap("save")
    answer(objective, clock, "calliope")


if __name__ == "__main__":
    main()
