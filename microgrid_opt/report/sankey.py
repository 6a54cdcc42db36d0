"""Where the energy comes from and where it goes: a graph of carriers and assets without cycles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microgrid_opt.report.colours import LOST, faded
from microgrid_opt.report.figures import plain, rounded
from microgrid_opt.report.tables import decimals_for, humanised, scaled

if TYPE_CHECKING:
    from microgrid_opt.report.view import View
    from microgrid_opt.results import Results

Bus = tuple[str, str]
Node = tuple[str, ...]
_SMALL = 1e-6
"""Links below this share of the largest one are left out [-]."""
_MARGIN = {"l": 4, "r": 4, "t": 12, "b": 12}
_PASSING = ("conversion", "transfer")
_UNUSED = ("curtailed", "released")
_WORDS = {
    ("storage", 1): "discharge",
    ("storage", -1): "charge",
    ("conversion", 1): "out",
    ("conversion", -1): "in",
    ("transfer", 1): "arrives",
    ("transfer", -1): "sent",
}


@dataclass
class Graph:
    """Nodes and links of energy [kWh], all by lower heating value."""

    links: list[tuple[Node, Node, float, str]] = field(default_factory=list)

    def add(self, start: Node, end: Node, energy_kwh: float, carrier: str) -> None:
        """Add a link that carries energy of a carrier."""
        self.links.append((start, end, energy_kwh, carrier))

    @property
    def peak(self) -> float:
        """Energy of the largest link [kWh]."""
        return max((energy for _, _, energy, _ in self.links), default=0.0)

    def kept(self) -> list[tuple[Node, Node, float, str]]:
        """Return links that are large enough to be seen."""
        return [link for link in self.links if link[2] > _SMALL * self.peak]


@dataclass
class _Passing:
    """What a converter or a line takes and gives."""

    asset: str
    taken: dict[Bus, float] = field(default_factory=dict)
    given: dict[Bus, float] = field(default_factory=dict)


def energy_graph(results: Results) -> Graph:
    """Return the graph of a plan.

    A node stands for a balance, or for an asset in one role. Storage appears twice, where it charges
    and where it discharges, and so does a converter or a line that would close a cycle of balances.
    An engine that burns a carrier passes energy on, though what it makes counts as generation.
    What a converter or a store does not give back goes to losses; what it gives beyond its input
    (a heat pump's ambient heat) comes from the surroundings.
    """
    graph = Graph()
    passing: dict[str, _Passing] = {}
    stored: dict[str, list[float]] = {}
    rows = results.energy.to_dict("records")
    burning = {row["asset"] for row in rows if row["role"] == "conversion" and row["drawn"] > 0}
    for row in rows:
        bus: Bus = (row["place"], row["carrier"])
        asset, role = row["asset"], row["role"]
        for sign, energy in ((1, float(row["supplied_kwh"])), (-1, float(row["drawn_kwh"]))):
            if energy <= 0:
                continue
            if role in _PASSING or (role == "generation" and asset in burning):
                both = passing.setdefault(asset, _Passing(asset))
                side = both.given if sign > 0 else both.taken
                side[bus] = side.get(bus, 0.0) + energy
            else:
                _end(graph, (asset, role), bus, sign, energy)
            if role == "storage":
                stored.setdefault(asset, [0.0, 0.0])[0 if sign > 0 else 1] += energy
    for asset, (given, taken) in stored.items():
        graph.add(("asset", asset, "storage", "-1"), ("lost",), taken - given, "")
    _pass(graph, list(passing.values()))
    for row in results.details.to_dict("records"):
        if row["name"] in _UNUSED and row["unit"] == "kWh":
            source = ("asset", row["asset"], "generation", "1")
            graph.add(source, ("curtailed",), float(row["value"]), "")
    return graph


def _end(graph: Graph, of: tuple[str, str], bus: Bus, sign: int, energy: float) -> None:
    node: Node = ("asset", *of, str(sign))
    at: Node = ("bus", *bus)
    graph.add(*((node, at) if sign > 0 else (at, node)), energy, bus[1])


def _pass(graph: Graph, passing: list[_Passing]) -> None:
    """Add converters and lines, the largest first, each as one node unless it closes a cycle."""
    after: dict[Bus, set[Bus]] = {}
    for one in sorted(passing, key=lambda p: -sum(p.taken.values())):
        cyclic = any(start in _reached(after, end) for start in one.taken for end in one.given)
        inward: Node = ("asset", one.asset, "conversion", "-1" if cyclic else "0")
        outward: Node = ("asset", one.asset, "conversion", "1" if cyclic else "0")
        if not cyclic:
            for start in one.taken:
                after.setdefault(start, set()).update(one.given)
        for bus, energy in one.taken.items():
            graph.add(("bus", *bus), inward, energy, bus[1])
        for bus, energy in one.given.items():
            graph.add(outward, ("bus", *bus), energy, bus[1])
        taken, given = sum(one.taken.values()), sum(one.given.values())
        if given > 0 and taken > given:
            graph.add(inward, ("lost",), taken - given, "")
        elif taken > 0 and given > taken:
            graph.add(("ambient",), outward, given - taken, "")


def _reached(after: dict[Bus, set[Bus]], start: Bus) -> set[Bus]:
    found, todo = {start}, [start]
    while todo:
        for following in after.get(todo.pop(), ()):
            if following not in found:
                found.add(following)
                todo.append(following)
    return found


def sankey(view: View) -> dict[str, Any] | None:
    """Return the figure of the energy graph; ``None`` when nothing flows."""
    links = energy_graph(view.results).kept()
    if not links:
        return None
    nodes = list(dict.fromkeys(node for start, end, *_ in links for node in (start, end)))
    index = {node: number for number, node in enumerate(nodes)}
    energies = [energy for _, _, energy, _ in links]
    divisor, unit = scaled(energies, "kWh")
    scaled_peak = max(energies) / divisor
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "valueformat": f",.{decimals_for([scaled_peak])}f",
        "valuesuffix": f" {unit}",
        "node": {
            "label": [plain(text) for text in _labels(view, nodes, {link[0] for link in links})],
            "color": [_colour(view, node) for node in nodes],
            "pad": 18,
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        "link": {
            "source": [index[start] for start, *_ in links],
            "target": [index[end] for _, end, *_ in links],
            "value": [rounded(energy / divisor) for energy in energies],
            "color": [
                faded(view.carrier_colours.get(carrier, LOST), 0.42) for *_, carrier in links
            ],
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
    }
    starts = len({start for start, *_ in links if start[0] != "bus"})
    ends = len({end for _, end, *_ in links if end[0] != "bus"})
    height = 140 + 42 * max(starts, ends)
    return {
        "label": "Energy flows",
        "data": [trace],
        "layout": {"margin": _MARGIN},
        "height": min(height, 900),
    }


def _labels(view: View, nodes: list[Node], giving: set[Node]) -> list[str]:
    shown = [node[1] for node in nodes if node[0] == "asset"]
    fixed = {"lost": "Losses", "ambient": "Surroundings", "curtailed": "Curtailed"}
    only_taking = set(nodes) - giving
    labels = []
    for node in nodes:
        if node[0] == "bus":
            labels.append(view.balance_label(node[1], node[2]))
        elif node[0] == "asset":
            name = view.label(node[1])
            word = _WORDS.get((node[2], int(node[3])), node[2])
            if node[2] == "conversion" and node in only_taking:
                word = "own use"
            labels.append(f"{name}: {word}" if shown.count(node[1]) > 1 else name)
        else:
            labels.append(fixed.get(node[0], humanised(node[0])))
    return labels


def _colour(view: View, node: Node) -> str:
    if node[0] == "bus":
        return view.carrier_colours[node[2]]
    return view.colour(node[1]) if node[0] == "asset" else LOST
