"""What the scripts of all peers share: the case as numbers, a clock, and the answer.

``python PEER.py CASE_FOLDER OUT_FOLDER OPTIONS``: OPTIONS is a JSON object of native HiGHS options;
the last line printed is the answer. Needs numpy only, since it runs beside each peer.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

PLENTY = 1e6
"""Limit of a flow that has none [kW or kg/h], where a tool wants one."""


class Case:
    """The numbers of a case.

    ``flows`` by name: ``ports`` (bus: amount per unit of flow), ``cost``, ``upper`` or ``None``,
    ``size`` or ``None`` with ``share`` (flow <= share x size). ``stores``: names of the flows
    ``charge`` and ``discharge``, content per unit of each, ``loss`` per hour, ``least`` and ``most``
    share of ``size``. ``levels`` are further variables: each of ``peaks`` says flow <= level of the
    period, ``size_rows`` tie sizes and levels. ``sums``: upper limits of weighted energies.
    """

    def __init__(self, folder):
        data = json.loads((Path(folder) / "data.json").read_text(encoding="utf-8"))
        self.series = dict(np.load(Path(folder) / "series.npz"))
        self.steps, self.start, self.offset = data["steps"], data["start"], data["offset"]
        self.buses, self.sizes, self.levels = data["buses"], data["sizes"], data["levels"]
        self.demands = {bus: self.array(power) for bus, power in data["demands"].items()}
        self.flows = {flow["name"]: self.valued(flow) for flow in data["flows"]}
        self.stores = {store["name"]: self.valued(store) for store in data["stores"]}
        self.peaks = [peak | {"period": self.array(peak["period"])} for peak in data["peaks"]]
        self.size_rows = data["size_rows"]
        self.sums = [
            {**one, "terms": {name: self.value(v) for name, v in one["terms"].items()}}
            for one in data["sums"]
        ]
        self.stored = {s[side] for s in self.stores.values() for side in ("charge", "discharge")}
        self.owner = {}
        for name, flow in self.flows.items():
            if flow["size"] is not None:
                self.owner.setdefault(flow["size"], name)
        self.sharing = [
            (flow["size"], self.owner[flow["size"]], name)
            for name, flow in self.flows.items()
            if flow["size"] is not None and self.owner[flow["size"]] != name
        ]
        """Sizes of a second flow: (size, the flow that pays for it, the other flow)."""

    def with_inlets(self):
        """Give stores whose charging takes more than one carrier a bus and a converter before them."""
        for name, store in self.stores.items():
            charge = self.flows[store["charge"]]
            if len(charge["ports"]) == 1:
                continue
            inlet = f"{name}.inlet"
            self.buses.append(inlet)
            converter = {"cost": 0.0, "upper": None, "size": None, "share": 1.0}
            self.flows[f"{name}.compressor"] = converter | {
                "ports": {**charge["ports"], inlet: 1.0}
            }
            charge["ports"] = {inlet: -1.0}
        return self

    def value(self, value):
        """Return a number, or the series that a name stands for."""
        return self.series[value] if isinstance(value, str) else value

    def array(self, value):
        """Return a series."""
        return np.broadcast_to(np.asarray(self.value(value), float), (self.steps,))

    def valued(self, one):
        """Return a flow or a store with its series in place of their names."""
        keys = ("cost", "upper", "share", "inward", "outward", "loss", "least", "most")
        found = {key: self.value(one[key]) for key in keys if key in one}
        if "ports" in one:
            found["ports"] = {bus: self.value(v) for bus, v in one["ports"].items()}
        return {**one, **found}

    def months(self, peak):
        """Yield (level, steps) of each period of a peak."""
        for number, level in enumerate(peak["levels"]):
            here = np.flatnonzero(peak["period"] == number)
            if len(here):
                yield level, here


class Clock:
    """CPU and wall seconds of phases; the HiGHS run itself is taken out of the phase around it."""

    def __init__(self):
        self.phases = {}
        self.wall, self.cpu = time.perf_counter(), 0.0
        self.highs = [0.0, 0.0]

    def lap(self, phase, *, solves=False):
        """End a phase; of one that solves, what is not HiGHS counts as hand-off."""
        now, cpu = time.perf_counter(), time.process_time()
        wall, used = now - self.wall, cpu - self.cpu
        if solves:
            self._add("handoff", wall - self.highs[0], used - self.highs[1])
            wall, used = self.highs
        self._add(phase, wall, used)
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def _add(self, phase, wall, cpu):
        found = self.phases.setdefault(phase, {"wall_seconds": 0.0, "cpu_seconds": 0.0})
        found["wall_seconds"] += wall
        found["cpu_seconds"] += cpu

    def watch_highs(self):
        """Time every run of HiGHS, whichever tool starts it."""
        import highspy

        run = highspy.Highs.run

        def timed(solver, *given, **named):
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return run(solver, *given, **named)
            finally:
                self.highs[0] += time.perf_counter() - wall
                self.highs[1] += time.process_time() - cpu

        highspy.Highs.run = timed


def single(flow):
    """Return (bus, amount) of a flow with one port, else ``None``."""
    return next(iter(flow["ports"].items())) if len(flow["ports"]) == 1 else None


def lead(flow):
    """Return the bus that a flow is counted on: one with -1, else the first that it takes from."""
    ports = flow["ports"].items()
    whole = [bus for bus, value in ports if np.ndim(value) == 0 and value == -1.0]
    return (whole or [bus for bus, value in ports if np.all(np.asarray(value) < 0.0)])[0]


def per_size(flow, scale):
    """Return the limit of scale x flow by size, and its profile: 1 where the share is one number."""
    share = np.asarray(flow["share"]) * scale
    return (float(share), 1.0) if share.ndim == 0 else (1.0, share)


def given():
    """Return case folder, folder for results, options of HiGHS, and further words."""
    folder, out, options, *words = sys.argv[1:]
    Path(out).mkdir(parents=True, exist_ok=True)
    return Path(folder), Path(out), json.loads(options), words


def answer(objective, clock, distribution, **more):
    """Print the answer as the last line."""
    from importlib.metadata import version

    found = {"objective": float(objective), "version": version(distribution)}
    found |= {"phases": clock.phases, **more}
    sys.stdout.flush()
    print("\n" + json.dumps(found), flush=True)
