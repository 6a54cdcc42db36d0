"""The network as a graph: the way between two nodes, its voltages, losses and lengths."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microgrid_opt.trading.spec import Network, NetworkLine


@dataclass(frozen=True)
class Leg:
    """A line on a way: ``forward`` from its start to its end."""

    line: str
    forward: bool


@dataclass(frozen=True)
class Way:
    """The way from one node to another.

    Parameters
    ----------
    nodes
        Nodes in order, both ends included.
    legs
        Lines in order; none where both ends are the same node.
    arrival
        Share of what enters the way that arrives at the end of each line [-].
    """

    nodes: tuple[str, ...]
    legs: tuple[Leg, ...]
    arrival: tuple[float, ...]

    @property
    def delivered(self) -> float:
        """Share of what enters that arrives at the last node [-]."""
        return self.arrival[-1] if self.arrival else 1.0


class Graph:
    """Nodes and lines; ways take the fewest lines, of these the one with the smallest loss.

    Parameters
    ----------
    network
        As the park describes it.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._neighbours: dict[str, list[tuple[str, Leg]]] = {node: [] for node in network.nodes}
        for key, line in network.lines.items():
            if line.start in self._neighbours and line.end in self._neighbours:
                self._neighbours[line.start].append((line.end, Leg(key, forward=True)))
                self._neighbours[line.end].append((line.start, Leg(key, forward=False)))

    def line(self, leg: Leg) -> NetworkLine:
        """Return the line of a leg."""
        return self.network.lines[leg.line]

    def way(self, start: str, end: str) -> Way | None:
        """Return the way between two nodes, ``None`` where there is none."""
        best: dict[str, tuple[int, float]] = {start: (0, 1.0)}
        before: dict[str, tuple[str, Leg]] = {}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            steps, share = best[here]
            for there, leg in self._neighbours[here]:
                arriving = share * (1.0 - self.line(leg).loss_fraction)
                known = best.get(there)
                if known is None:
                    queue.append(there)
                elif known[0] != steps + 1 or known[1] >= arriving:
                    continue
                best[there] = (steps + 1, arriving)
                before[there] = (here, leg)
        if end not in best:
            return None
        nodes, legs = [end], []
        while nodes[-1] != start:
            here, leg = before[nodes[-1]]
            nodes.append(here)
            legs.append(leg)
        nodes.reverse()
        legs.reverse()
        return Way(tuple(nodes), tuple(legs), self._arrival(legs))

    def _arrival(self, legs: list[Leg]) -> tuple[float, ...]:
        shares = []
        share = 1.0
        for leg in legs:
            share *= 1.0 - self.line(leg).loss_fraction
            shares.append(share)
        return tuple(shares)

    def voltage(self, node: str) -> float | None:
        """Return the voltage of a node [kV]."""
        return self.network.nodes[node].voltage_kv

    def highest_voltage(self, way: Way) -> float | None:
        """Return the highest voltage on a way [kV]; ``None`` when a node's is not known."""
        levels = [self.voltage(node) for node in way.nodes]
        known = [level for level in levels if level is not None]
        return max(known) if len(known) == len(levels) else None

    def length_km(self, way: Way) -> float | None:
        """Return the length of a way [km]; ``None`` when a line's is not known."""
        lengths = [self.line(leg).length_km for leg in way.legs]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else None

    @property
    def is_forest(self) -> bool:
        """Whether there is at most one way between any two nodes."""
        parts = 0
        seen: set[str] = set()
        for node in self._neighbours:
            if node not in seen:
                parts += 1
                seen |= self.reached(node)
        return len(self.network.lines) == len(self._neighbours) - parts

    def reached(self, node: str, *, without: str | None = None) -> set[str]:
        """Return the nodes with a way to ``node``, itself included, when one line is out."""
        seen = {node}
        queue = [node]
        while queue:
            for there, leg in self._neighbours[queue.pop()]:
                if leg.line != without and there not in seen:
                    seen.add(there)
                    queue.append(there)
        return seen

    def beyond(self, line: str) -> set[str]:
        """Return the nodes that a line without meshes connects to the supply, itself left out."""
        supply = self.network.supply_node
        assert supply is not None
        near = self.reached(supply, without=line)
        ends = {self.network.lines[line].start, self.network.lines[line].end} - near
        return set().union(*(self.reached(node, without=line) for node in ends))
