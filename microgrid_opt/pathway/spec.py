"""How the stages of a park belong together: foresight, last year, budget of CO2."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microgrid_opt.fields import Frozen, Tonnes


class PathwaySpec(Frozen):
    """How the stages under `stages` belong together; may be left out."""

    foresight: Literal["perfect", "myopic"] = "perfect"
    """Whether all stages are planned at once (`perfect`), or one after the other, each without
    knowing the later ones (`myopic`)."""
    end_year: int | None = Field(default=None, ge=1900, le=2300, strict=True)
    """Last calendar year that counts; when left out the last stage lasts as long as the one before
    it, and one year if it is alone."""
    co2_budget_t: Tonnes | None = None
    """Most CO2 over all years together, with perfect foresight only."""
