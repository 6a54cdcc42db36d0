"""What ``expected.yaml`` of a reference case says: where the reference is from, and what it is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microgrid_opt.fields import Frozen, PositiveFraction, refuse
from microgrid_opt.finance.spec import Booking
from microgrid_opt.keys import Identifier

Figure = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""``asset.name`` of a size, of a series or of a figure of our results."""


class Measure(Frozen):
    """Which figure of our plan stands beside the reference: a sum of the ledger, or a figure.

    A booking that is both in `only` and in `without` does not count.
    """

    effect: Literal["cost", "co2"] = "cost"
    """Effect of the ledger that is summed."""
    only: tuple[Booking, ...] = ()
    """Assets and categories that count (``grid``, ``grid.energy_import``); all when left out."""
    without: tuple[Booking, ...] = ()
    """Assets and categories that the reference leaves out."""
    figure: Figure | None = None
    """Figure that a technology adds to the results, instead of a sum of the ledger."""
    times: float = 1.0
    """What our figure is multiplied with: units, or the length of a year."""
    plus: float = 0.0
    """What is added then, in the unit of the reference: constants that one of the two leaves out."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.figure is not None and (self.only or self.without):
            raise refuse("measure", "`figure` stands instead of `only` and `without`.")
        return self


class ReferenceRun(Frozen):
    """One plan of the park, and what the reference says of it."""

    scenario: str | None = None
    """Scenario of the park file."""
    sets: tuple[str, ...] = ()
    """Changes as the command line takes them: ``assets.pv.power_kw=100``."""
    objective: float
    """The reference."""
    peer_objective: float | None = None
    """What the tool itself finds, where a convention of its own keeps it from `objective`; the README
    says which."""
    measure: Measure | None = None
    """Our figure, where it is another one than that of the case."""
    sizes: dict[Figure, float] = Field(default_factory=dict)
    """Sizes that are unique in the optimum, in our units."""
    totals: dict[Figure, float] = Field(default_factory=dict)
    """Sums over time of series that are unique in the optimum, in kWh or kg."""
    figures: dict[Figure, float] = Field(default_factory=dict)
    """Figures of the technologies that are unique in the optimum."""
    tolerance: PositiveFraction | None = None
    """Allowed relative difference, where it is another one than that of the case."""
    profile: str | None = None
    """Solver profile, where it is another one than that of the case."""
    slow: bool = False
    """Whether it takes more than five seconds."""


class Source(Frozen):
    """Where the reference is from."""

    tool: str
    """Tool or publication."""
    version: str
    """Version of the tool, or date of the publication."""
    solver: str = ""
    """Solver that found the optimum."""
    obtained: str
    """How the numbers were obtained: run, quoted, solved by hand."""
    licence: str
    """Licence of the data that the case shows."""
    place: str
    """Where the example stands."""


class PeerSpec(Frozen):
    """How the other tool is run: ``peer.py`` in the folder of the case has ``solve(run)``."""

    distribution: str
    """Name of the package whose version is reported."""
    modules: tuple[str, ...] = Field(min_length=1)
    """Modules that must be there; if one is missing, the tool is not installed."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 300.0
    """Wall time after which the tool is stopped."""


class Expectation(Frozen):
    """The file ``expected.yaml``."""

    exercises: str
    """What the case exercises, in a few words."""
    source: Source
    """Where the reference is from."""
    quirks: tuple[str, ...] = ()
    """What one has to know to compare."""
    inputs: tuple[str, ...] = ()
    """Files that do not ship; ``make_inputs.py`` writes them from the tool's installed package."""
    measure: Measure = Measure()
    """Our figure that stands beside the reference."""
    tolerance: PositiveFraction = 1e-6
    """Allowed relative difference of the objective."""
    size_tolerance: PositiveFraction = 1e-4
    """Allowed relative difference of sizes, totals and figures."""
    profile: str = "test"
    """Solver profile."""
    runs: dict[Identifier, ReferenceRun] = Field(min_length=1)
    """Plans by name."""
    peer: PeerSpec | None = None
    """How the tool is run, where it can be installed."""

    @model_validator(mode="after")
    def _inputs_have_a_maker(self) -> Self:
        if self.inputs and self.peer is None:
            raise refuse("inputs", "need `peer`: the package that they are made from.")
        return self
