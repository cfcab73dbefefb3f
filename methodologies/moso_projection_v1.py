"""Ex-ante projection of a bamboo stand by cohorts, and the pool of harvested products; version 1.

A step is one du = 2 years. A projection is never issued: AR-TOOL14 puts no uncertainty control on
ex-ante numbers, so they only plan. Products decay by first order, half-life in years.

Sources: method text 1.8 (cohorts, AR-CM-005 logic); IPCC 2019 Vol. 4 Ch. 12 eq 12.2 (products).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import moso_stand_v1
from methodologies.base import CO2_PER_C
from methodologies.inputs import Amount, Model, Share, invalid
from methodologies.moso_stand_v1 import Culms
from methodologies.remarks import Remarks

YEARS_PER_STEP = 2

PRODUCT_FACTOR_IDS = (
    "hwp.halflife.sawnwood",
    "hwp.halflife.panels",
    "hwp.halflife.paper",
    "hwp.bamboo.halflife",
    "hwp.bamboo.waste_fraction",
)

Dbh = Annotated[float, Field(gt=0, description="胸径，厘米")]
Product = Literal["sawnwood", "panels", "paper", "bamboo"]


class Stand(Model):
    """Culms per hectare by du class (1 du first), with one diameter or one per class."""

    culms_per_ha: Annotated[
        list[Amount], Field(min_length=1, description="1 度起各度株数，株/公顷")
    ]
    dbh_cm: Annotated[list[Dbh] | Dbh, Field(description="胸径，厘米：一个值，或各度各一个")]

    @model_validator(mode="after")
    def _diameters(self) -> "Stand":
        if isinstance(self.dbh_cm, list) and len(self.dbh_cm) != len(self.culms_per_ha):
            raise invalid("dbh_cm 的个数须与 culms_per_ha 相同")
        return self

    def diameters(self) -> list[float]:
        """Return one diameter per class [cm]."""
        if isinstance(self.dbh_cm, list):
            return self.dbh_cm
        return [self.dbh_cm] * len(self.culms_per_ha)


class Projection(Model):
    """A start, what grows in and what is cut each step, and the structure aimed at."""

    initial: Stand
    target: Stand | None = None
    recruits_per_ha: Annotated[list[Amount], Field(description="每步（2 年）新竹，株/公顷")] = (
        Field(default_factory=list)
    )
    harvest_share: Annotated[list[Share], Field(description="1 度起各度每步采伐比例")] = Field(
        default_factory=list
    )
    mortality_share: Annotated[list[Share], Field(description="1 度起各度每步枯损比例")] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _classes(self) -> "Projection":
        classes = len(self.initial.culms_per_ha)
        for name in ("harvest_share", "mortality_share"):
            if len(getattr(self, name)) not in (0, classes):
                raise invalid(f"{name} 须为空或有 {classes} 个值")
        return self


class ProductFlow(Model):
    """Culms that became one kind of product, year by year."""

    product: Product
    culm_biomass_t: Annotated[list[Amount], Field(description="逐年用于该产品的竹秆，吨干物质")]
    waste_share: Annotated[Share, Field(description="加工损耗比例")] | None = None
    share: Annotated[Share, Field(description="进入该产品的比例")] = 1.0
    half_life_years: Annotated[float, Field(gt=0)] | None = None
    stock_before_c_t: Annotated[float, Field(ge=0, description="期初产品碳储量，吨碳")] = 0.0


@dataclass(frozen=True, slots=True)
class CohortStep:
    """The stand after so many steps."""

    step: int
    culms_per_ha: tuple[float, ...]
    agb_t_ha: float


def cohorts(
    initial: Sequence[float],
    dbh_cm: Sequence[float],
    recruits: Sequence[float],
    harvest_share: Sequence[float],
    mortality_share: Sequence[float],
) -> list[CohortStep]:
    """Return the stand at the start and after each step of two years.

    What is not cut in the oldest class leaves the stand, as a culm has no further class to live in.
    """
    found = [_cohort_step(0, initial, dbh_cm)]
    culms = list(initial)
    for step, new in enumerate(recruits, start=1):
        kept = [
            n * (1.0 - h) * (1.0 - m)
            for n, h, m in zip(culms, harvest_share, mortality_share, strict=True)
        ]
        culms = [new, *kept[:-1]]
        found.append(_cohort_step(step, culms, dbh_cm))
    return found


def project(given: Projection) -> dict[str, Any]:
    """Return the projection as it stands in `intermediate`; CO2 per hectare relative to the start."""
    dbh = given.initial.diameters()
    nothing = [0.0] * len(dbh)
    steps = cohorts(
        given.initial.culms_per_ha,
        dbh,
        given.recruits_per_ha,
        given.harvest_share or nothing,
        given.mortality_share or nothing,
    )
    per_agb = moso_stand_v1.co2_t_per_agb_t()
    first = steps[0].agb_t_ha
    target = given.target
    target_agb = None
    if target is not None:
        target_agb = _cohort_step(0, target.culms_per_ha, target.diameters()).agb_t_ha
    return {
        "initial_agb_t_ha": first,
        "target_agb_t_ha": target_agb,
        "target_change_agb_t_ha": None if target_agb is None else target_agb - first,
        "target_change_co2_t_ha": None if target_agb is None else (target_agb - first) * per_agb,
        "steps": [
            {
                "step": row.step,
                "years": row.step * YEARS_PER_STEP,
                "culms_per_ha": list(row.culms_per_ha),
                "agb_t_ha": row.agb_t_ha,
                "co2_t_ha": _capped((row.agb_t_ha - first) * per_agb, target_agb, first, per_agb),
            }
            for row in steps
        ],
    }


def product_stocks_c_t(
    inflow_c_t: Sequence[float], half_life_years: float, stock_before_c_t: float = 0.0
) -> list[float]:
    """Return the product stock [tC] at the end of each year (IPCC 2019 Vol. 4 eq 12.2)."""
    k = math.log(2.0) / half_life_years
    kept = math.exp(-k)
    stocks, stock = [], stock_before_c_t
    for inflow in inflow_c_t:
        stock = kept * stock + (1.0 - kept) / k * inflow
        stocks.append(stock)
    return stocks


def products(flows: Sequence[ProductFlow], remarks: Remarks) -> tuple[float, list[dict[str, Any]]]:
    """Return the change of the product pool [tCO2] over the years given, and its rows.

    A missing waste share counts as all waste, a missing half-life as no storage: with a refusal
    that names the factor.
    """
    carbon_fraction = remarks.number("moso.CF")
    rows, changes = [], []
    for flow in flows:
        half_life: float | None = flow.half_life_years
        if half_life is None:
            bamboo = flow.product == "bamboo"
            name = "hwp.bamboo.halflife" if bamboo else f"hwp.halflife.{flow.product}"
            half_life = remarks.decided(None, name, "half_life_years", None)
        waste = remarks.decided(flow.waste_share, "hwp.bamboo.waste_fraction", "waste_share", 1.0)
        inflows = [t * carbon_fraction * (1.0 - waste) * flow.share for t in flow.culm_biomass_t]
        stocks = (
            [0.0] * len(inflows)
            if half_life is None
            else product_stocks_c_t(inflows, half_life, flow.stock_before_c_t)
        )
        last = stocks[-1] if stocks else flow.stock_before_c_t
        changes.append(0.0 if half_life is None else last - flow.stock_before_c_t)
        rows.append(
            {
                "product": flow.product,
                "half_life_years": half_life,
                "inflow_c_t": inflows,
                "stock_c_t": stocks,
            }
        )
    return math.fsum(changes) * CO2_PER_C, rows


def _cohort_step(step: int, culms: Sequence[float], dbh_cm: Sequence[float]) -> CohortStep:
    rows = [Culms(d, du, n) for du, (d, n) in enumerate(zip(dbh_cm, culms, strict=True), start=1)]
    return CohortStep(step, tuple(culms), moso_stand_v1.stand_agb_t_ha(rows))


def _capped(co2_t_ha: float, target_agb: float | None, first_agb: float, per_agb: float) -> float:
    """Return the cumulative change, stopping at the target structure."""
    if target_agb is None:
        return co2_t_ha
    return min(co2_t_ha, max(0.0, (target_agb - first_agb) * per_agb))
