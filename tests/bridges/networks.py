"""PyPSA networks, built where PyPSA is: NAME FOLDER FILE.nc.

`expansion` is made up; the others are examples of PyPSA's documentation (MIT licence, docs/examples):
chp-fixed-heat-power-ratio, battery-electric-vehicle-charging, chained-hydro-reservoirs, power-to-heat-water-tank,
simple-electricity-market-examples (three zones, one period) and generation-investment-screening-curve.
"""

import json
import sys
import warnings

import pypsa

warnings.simplefilter("ignore")


def backpressure_chp():
    n = pypsa.Network()
    n.add("Bus", ["power", "heat", "gas"])
    n.add("Load", "load", bus="power", p_set=5)
    n.add("Load", "heat", bus="heat", p_set=3)
    n.add("Generator", "gas", bus="gas", marginal_cost=100, p_nom=100)
    sized = {"bus0": "gas", "bus1": "power", "p_nom_extendable": True}
    n.add("Link", "turbine", capital_cost=600, efficiency=0.4, **sized)
    both = {"bus2": "heat", "efficiency": 0.3, "efficiency2": 0.3}
    n.add("Link", "chp", capital_cost=1400, **both, **sized)
    return n


def reservoirs():
    n = pypsa.Network(snapshots=range(4))
    n.add("Bus", ["0 electricity", "1 electricity"])
    n.add("Bus", ["0 reservoir", "1 reservoir"], carrier="reservoir")
    rain = {"p_nom": 1000, "p_max_pu": [0.0, 0.2, 0.7, 0.4], "carrier": "rain"}
    n.add("Generator", "rain", bus="0 reservoir", **rain)
    n.add("Load", "0 load", bus="0 electricity", p_set=20)
    n.add("Load", "1 load", bus="1 electricity", p_set=30)
    sized = {"p_nom_extendable": True}
    river = {"bus0": "0 reservoir", "bus1": "1 reservoir", "efficiency": 0.5}
    n.add("Link", "spillage", **river, **sized)
    both = {"bus1": "0 electricity", "bus2": "1 reservoir", "efficiency": 0.9, "efficiency2": 0.5}
    n.add("Link", "0 turbine", bus0="0 reservoir", capital_cost=1000, **both, **sized)
    ports = {"bus0": "1 reservoir", "bus1": "1 electricity", "efficiency": 0.9}
    n.add("Link", "1 turbine", capital_cost=1000, **ports, **sized)
    for bus in ("0 reservoir", "1 reservoir"):
        n.add("Store", bus, bus=bus, e_cyclic=True, e_nom=10_000)
    return n


def electric_vehicle():
    n = pypsa.Network(snapshots=range(24))
    n.add("Bus", ["place of work", "car battery"])
    sun = [0.2, 0.4, 0.6, 0.75, 0.85, 0.9, 0.85, 0.75, 0.6, 0.4, 0.2, 0.1]
    panel = {"p_nom_extendable": True, "p_max_pu": [0] * 7 + sun + [0] * 5, "capital_cost": 1000}
    n.add("Generator", "PV panel", bus="place of work", **panel)
    driven = [0] * 7 + [9] * 2 + [0] * 8 + [9] * 2 + [0] * 5
    n.add("Load", "driving", bus="car battery", p_set=driven)
    parked = [1.0 if 9 <= hour <= 16 else 0.0 for hour in range(24)]
    ways = {"bus0": "place of work", "bus1": "car battery", "efficiency": 0.9}
    n.add("Link", "charger", p_nom=120, p_max_pu=parked, **ways)
    n.add("Store", "battery", bus="car battery", e_cyclic=True, e_nom=100)
    return n


def markets():
    """Three zones with links both ways."""
    costs = {"Wind": 0, "Hydro": 0, "Coal": 30, "Gas": 60, "Oil": 80}
    plants = {
        "South Africa": {"Coal": 35000, "Wind": 3000, "Gas": 8000, "Oil": 2000},
        "Mozambique": {"Hydro": 1200},
        "Eswatini": {"Hydro": 600},
    }
    n = pypsa.Network()
    n.add("Bus", list(plants))
    for zone, load in (("South Africa", 42000), ("Mozambique", 650), ("Eswatini", 250)):
        n.add("Load", f"{zone} load", bus=zone, p_set=load)
        for kind, power in plants[zone].items():
            name, cost = f"{zone} {kind}", costs[kind]
            n.add("Generator", name, bus=zone, p_nom=power, marginal_cost=cost)
    ways = (
        ("South Africa", "Mozambique", 500),
        ("South Africa", "Eswatini", 250),
        ("Mozambique", "Eswatini", 100),
    )
    for one, other, power in ways:
        both = {"bus0": one, "bus1": other, "p_nom": power, "p_min_pu": -1}
        n.add("Link", f"{one} - {other} link", **both)
    return n


def screening():
    """Coal, gas and shedding against a straight load-duration curve."""
    count = 1001
    n = pypsa.Network(snapshots=[step / (count - 1) for step in range(count)])
    n.snapshot_weightings = n.snapshot_weightings / count
    n.add("Bus", "bus")
    n.add("Load", "load", bus="bus", p_set=1000 - 1000 * n.snapshots.to_numpy())
    for name, marginal, capital in (("coal", 2, 15), ("gas", 12, 10), ("load-shedding", 1012, 0)):
        costs = {"marginal_cost": marginal, "capital_cost": capital}
        n.add("Generator", name, bus="bus", p_nom_extendable=True, **costs)
    return n


def heat_pump_tank():
    n = pypsa.Network(snapshots=range(4))
    n.add("Bus", ["power", "heat"])
    wind = {"p_max_pu": [0, 0.2, 0.7, 0.4], "p_nom_extendable": True}
    n.add("Generator", "wind", bus="power", capital_cost=500, **wind)
    n.add("Load", "heat", bus="heat", p_set=20)
    pump = {"efficiency": [2.5, 3, 3.2, 3], "p_nom_extendable": True}
    n.add("Link", "heat_pump", bus0="power", bus1="heat", capital_cost=1000, **pump)
    n.add("Store", "tank", bus="heat", e_cyclic=True, e_nom=100, standing_loss=0.01)
    return n


def expansion():
    """Weights, lengths, a cap of CO2, storage units with inflow, stores with a start, least loads."""
    n = pypsa.Network(
        name="Expansion",
        snapshots=["2030-01-01 00:00", "2030-01-01 03:00", "2030-05-01", "2030-07-01"],
    )
    n.snapshot_weightings["stores"] = [3.0, 2.0, 1.0, 4.0]
    n.snapshot_weightings["objective"] = [30.0, 20.0, 15.0, 44.0]
    n.snapshot_weightings["generators"] = [30.0, 20.0, 15.0, 44.0]
    n.add("Carrier", "gas", co2_emissions=0.2)
    n.add("Carrier", "coal", co2_emissions=0.34)
    n.add("Bus", ["north", "south"])
    n.add("Bus", "H2", carrier="H2")
    n.add("Load", "town", bus="north", p_set=[40, 55, 60, 48])
    n.add("Load", "mill", bus="south", p_set=12)
    n.add("Load", "fuel", bus="H2", p_set=[2, 4, 3, 5])
    costs = {"marginal_cost": 60, "efficiency": 0.5, "p_nom": 80, "p_min_pu": 0.05}
    n.add("Generator", "gas", bus="north", carrier="gas", **costs)
    n.add(
        "Generator",
        "coal",
        bus="south",
        carrier="coal",
        p_nom_extendable=True,
        p_nom_max=30,
        capital_cost=90,
        marginal_cost=[20, 21, 22, 23],
        efficiency=0.4,
    )
    n.add(
        "Generator",
        "solar",
        bus="south",
        p_nom_extendable=True,
        capital_cost=800,
        p_max_pu=[0, 0.3, 0.9, 0.6],
        marginal_cost=0.1,
    )
    n.add(
        "Generator",
        "wind",
        bus="north",
        p_nom_extendable=True,
        p_nom_min=3,
        p_nom_max=50,
        capital_cost=1500,
        p_max_pu=[0.7, 0.3, 0.2, 0.5],
    )
    n.add(
        "Link",
        "there",
        bus0="south",
        bus1="north",
        p_nom_extendable=True,
        capital_cost=20,
        efficiency=0.97,
        p_max_pu=0.9,
    )
    n.add("Link", "back", bus0="north", bus1="south", p_nom=25, efficiency=0.97, marginal_cost=0.5)
    n.add(
        "Link",
        "electrolysis",
        bus0="south",
        bus1="H2",
        bus2="north",
        efficiency=0.7,
        efficiency2=-0.02,
        p_nom_extendable=True,
        capital_cost=30,
    )
    n.add("Store", "cavern", bus="H2", e_nom=50, e_initial=10, standing_loss=0.01, e_min_pu=0.02)
    n.add("Store", "sphere", bus="H2", e_nom_extendable=True, e_cyclic=True, capital_cost=1)
    n.add(
        "StorageUnit",
        "lake",
        bus="north",
        p_nom=10,
        max_hours=6,
        inflow=[4, 3, 2, 5],
        efficiency_store=0.0001,
        efficiency_dispatch=0.9,
        state_of_charge_initial=20,
        marginal_cost=0.2,
    )
    n.add(
        "StorageUnit",
        "battery",
        bus="south",
        p_nom_extendable=True,
        capital_cost=40,
        max_hours=4,
        efficiency_store=0.95,
        efficiency_dispatch=0.95,
        cyclic_state_of_charge=True,
        standing_loss=0.001,
    )
    n.add("GlobalConstraint", "co2", sense="<=", constant=900)
    return n


name, folder, file = sys.argv[1:]
n = globals()[name]()
n.export_to_csv_folder(folder)
n.export_to_netcdf(file)
status, condition = n.optimize(solver_name="highs", log_to_console=False)
sizes = {}
for components in (n.generators, n.links, n.storage_units):
    sizes |= components["p_nom_opt"].to_dict()
sys.stdout.write("ANSWER" + json.dumps([condition, n.objective, sizes]))
