"""Where energy and materials come from and go: graphs of carriers and assets without cycles."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microgrid_opt.report.colours import LOST, TRADED, faded
from microgrid_opt.report.figures import plain, rounded
from microgrid_opt.report.tables import decimals_for, humanised, scaled

if TYPE_CHECKING:
    from microgrid_opt.report.view import View
    from microgrid_opt.results import Results

Bus = tuple[str, str]
Node = tuple[str, ...]
Link = tuple[Node, Node, float, str]
_SMALL = 1e-6
"""Links below this share of the largest one are left out [-]."""
_MARGIN = {"l": 4, "r": 4, "t": 12, "b": 12}
_PAD = 28
"""Room between nodes, for labels of two lines [px]."""
_CHARACTERS = 155
"""What a line over the whole figure holds [characters]."""
_NARROWEST, _LINES = 11, 2
"""Least room for a label [characters], and most lines of it."""
_PASSING = ("conversion", "transfer", "trade")
_TRADES = "trades"
"""What stands for all that members send each other."""
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
    """Nodes and links, of energy by lower heating value [kWh], or of mass [kg]."""

    links: list[Link] = field(default_factory=list)

    def add(self, start: Node, end: Node, amount: float, carrier: str) -> None:
        """Add a link that carries an amount of a carrier."""
        self.links.append((start, end, amount, carrier))

    @property
    def peak(self) -> float:
        """Amount of the largest link."""
        return max((amount for _, _, amount, _ in self.links), default=0.0)

    def kept(self) -> list[Link]:
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
    rows = results.energy.to_dict("records")
    graph, stored = _graph(rows, ("supplied_kwh", "drawn_kwh"), lossy=True)
    for asset, (given, taken) in stored.items():
        graph.add(("asset", asset, "storage", "-1"), ("lost",), taken - given, "")
    for row in results.details.to_dict("records"):
        if row["name"] in _UNUSED and row["unit"] == "kWh":
            source = ("asset", row["asset"], "generation", "1")
            graph.add(source, ("curtailed",), float(row["value"]), "")
    return graph


def material_graph(results: Results) -> Graph:
    """Return the graph of the carriers without heating value, by mass.

    What a converter makes of energy, or takes beside it, begins or ends there.
    """
    carriers = results.carriers
    inert = set(carriers.loc[carriers["energy_kwh_per_unit"] == 0, "carrier"])
    rows = [row for row in results.energy.to_dict("records") if row["carrier"] in inert]
    return _graph(rows, ("supplied", "drawn"), lossy=False)[0]


def _graph(
    rows: list[dict[Any, Any]], columns: tuple[str, str], *, lossy: bool
) -> tuple[Graph, dict[str, list[float]]]:
    """Return the graph of some rows of the energy table, and what each store gave and took."""
    graph = Graph()
    passing: dict[str, _Passing] = {}
    stored: dict[str, list[float]] = {}
    burning = {row["asset"] for row in rows if row["role"] == "conversion" and row["drawn"] > 0}
    for row in rows:
        bus: Bus = (row["place"], row["carrier"])
        asset, role = row["asset"], row["role"]
        for sign, column in zip((1, -1), columns, strict=True):
            amount = float(row[column])
            if amount <= 0:
                continue
            if role in _PASSING or (role == "generation" and asset in burning):
                through = _TRADES if role == "trade" else asset
                both = passing.setdefault(through, _Passing(through))
                side = both.given if sign > 0 else both.taken
                side[bus] = side.get(bus, 0.0) + amount
            else:
                _end(graph, (asset, role), bus, sign, amount)
            if role == "storage":
                stored.setdefault(asset, [0.0, 0.0])[0 if sign > 0 else 1] += amount
    _pass(graph, list(passing.values()), lossy=lossy)
    return graph, stored


def _end(graph: Graph, of: tuple[str, str], bus: Bus, sign: int, amount: float) -> None:
    node: Node = ("asset", *of, str(sign))
    at: Node = ("bus", *bus)
    graph.add(*((node, at) if sign > 0 else (at, node)), amount, bus[1])


def _pass(graph: Graph, passing: list[_Passing], *, lossy: bool) -> None:
    """Add converters and lines, the largest first, each as one node unless it closes a cycle."""
    after: dict[Bus, set[Bus]] = {}
    for one in sorted(passing, key=lambda p: -sum(p.taken.values())):
        cyclic = any(start in _reached(after, end) for start in one.taken for end in one.given)
        inward: Node = ("asset", one.asset, "conversion", "-1" if cyclic else "0")
        outward: Node = ("asset", one.asset, "conversion", "1" if cyclic else "0")
        if not cyclic:
            for start in one.taken:
                after.setdefault(start, set()).update(one.given)
        for bus, amount in one.taken.items():
            graph.add(("bus", *bus), inward, amount, bus[1])
        for bus, amount in one.given.items():
            graph.add(outward, ("bus", *bus), amount, bus[1])
        if not lossy:
            continue
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
    return _figure(view, "Energy flows", energy_graph(view.results).kept(), "kWh")


def materials(view: View) -> dict[str, Any] | None:
    """Return the figure of the materials' graph; ``None`` without such carriers."""
    return _figure(view, "Material flows", material_graph(view.results).kept(), "kg")


def _figure(view: View, title: str, links: list[Link], base: str) -> dict[str, Any] | None:
    if not links:
        return None
    nodes = list(dict.fromkeys(node for start, end, *_ in links for node in (start, end)))
    index = {node: number for number, node in enumerate(nodes)}
    amounts = [amount for _, _, amount, _ in links]
    divisor, unit = scaled(amounts, base)
    scaled_peak = max(amounts) / divisor
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "textfont": {"size": 12},
        "valueformat": f",.{decimals_for([scaled_peak])}f",
        "valuesuffix": f" {unit}",
        "node": {
            "label": _wrapped(_labels(view, nodes, {link[0] for link in links}), nodes, links),
            "color": [_colour(view, node) for node in nodes],
            "pad": _PAD,
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        "link": {
            "source": [index[start] for start, *_ in links],
            "target": [index[end] for _, end, *_ in links],
            "value": [rounded(amount / divisor) for amount in amounts],
            "color": [
                faded(view.carrier_colours.get(carrier, LOST), 0.42) for *_, carrier in links
            ],
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
    }
    starts = len({start for start, *_ in links if start[0] != "bus"})
    ends = len({end for _, end, *_ in links if end[0] != "bus"})
    return {
        "label": title,
        "data": [trace],
        "layout": {"margin": _MARGIN},
        "height": min(140 + 46 * max(starts, ends), 1000),
    }


def _wrapped(labels: list[str], nodes: list[Node], links: list[Link]) -> list[str]:
    """Return labels in one or two lines, so that those of neighbouring columns do not meet.

    Labels stand to the right of their node, those of the last column to the left: the last gap has
    room for half of each.
    """
    columns = _columns(nodes, links)
    last = max(columns.values())
    gap = _CHARACTERS / max(last, 1)
    return [
        _in_two(label, max(_NARROWEST, int(gap / 2 if columns[node] >= last - 1 else gap) - 1))
        for label, node in zip(labels, nodes, strict=True)
    ]


def _in_two(text: str, width: int) -> str:
    for widest in range(width, max(width, len(text)) + 1):
        lines = textwrap.wrap(text, widest, break_long_words=False, break_on_hyphens=False)
        if len(lines) <= _LINES:
            return "<br>".join(plain(line) for line in lines)
    return plain(text)


def _columns(nodes: list[Node], links: list[Link]) -> dict[Node, int]:
    """Return the column of each node: its longest way from a source; ends stand in the last."""
    found = dict.fromkeys(nodes, 0)
    for _ in nodes:
        before = dict(found)
        for start, end, *_rest in links:
            found[end] = max(found[end], found[start] + 1)
        if found == before:
            break
    last = max(found.values())
    giving = {start for start, *_rest in links}
    return {node: column if node in giving else last for node, column in found.items()}


def _labels(view: View, nodes: list[Node], giving: set[Node]) -> list[str]:
    shown = [node[1] for node in nodes if node[0] == "asset"]
    fixed = {
        _TRADES: "Trades",
        "lost": "Losses",
        "ambient": "Surroundings",
        "curtailed": "Curtailed",
    }
    only_taking = set(nodes) - giving
    labels = []
    for node in nodes:
        if node[0] == "bus":
            labels.append(view.balance_label(node[1], node[2]))
        elif node[0] == "asset":
            name = fixed[_TRADES] if node[1] == _TRADES else view.label(node[1])
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
    if node[0] != "asset":
        return LOST
    return TRADED if node[1] == _TRADES else view.colour(node[1])
