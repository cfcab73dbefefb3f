"""Biomass and carbon of trees: volume with expansion factors, stand equations, single trees; version 1.

V is the stand volume over bark [m3/ha], D the diameter at breast height [cm], rho the basic density
[g/cm3], b above-ground biomass [t/ha]. Frozen with the methods that use it.

Sources: CDM AR-TOOL14 v04.2 App. 1 (A1.4, A1.5, R function, defaults); Li Yin et al. 2016 Table 1
(stand equations of Zhejiang, whole tree); Zeng & Tang general model, Zeng 2018 (single trees).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from methodologies import factors
from methodologies.base import CO2_PER_C, OutOfDomain
from methodologies.remarks import Remarks

SPECIES_TABLE = "tree.BEF_ar_cm_001"
STAND_TABLE = "tree.BV"
FACTOR_IDS = (
    "tree.generic_agb",
    "tree.R_function",
    "tree.BEF2_default",
    "tree.R_baseline",
    "tree.CF",
    STAND_TABLE,
    SPECIES_TABLE,
)


@dataclass(frozen=True, slots=True)
class Stock:
    """Carbon of a stand. agb and bgb are None where the equation gives the whole tree only."""

    agb_t_ha: float | None
    bgb_t_ha: float | None
    total_t_ha: float
    c_t_ha: float
    co2_t_ha: float
    root_ratio: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return the numbers as they stand in `intermediate`."""
        # Spelt out: `asdict` copies deeply, which is most of the time of a run with many plots.
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Tree:
    """So many trees of one diameter and density."""

    dbh_cm: float
    wood_density_g_cm3: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Expansion:
    """Density [t/m3], expansion factor, root:shoot ratio (None: by the function), carbon fraction."""

    wood_density_t_m3: float
    bef: float
    root_ratio: float | None
    carbon_fraction: float


def tree_agb_kg(dbh_cm: float, wood_density_g_cm3: float) -> float:
    """Return above-ground dry biomass of one tree [kg]; OutOfDomain unless both are above zero."""
    if not (0.0 < dbh_cm < math.inf and 0.0 < wood_density_g_cm3 < 2.0):
        raise OutOfDomain(
            f"胸径 {dbh_cm} cm、木材密度 {wood_density_g_cm3} g/cm³ 无效；请核对单位。"
        )
    scale, exponent = factors.required("tree.generic_agb")
    return float(scale * wood_density_g_cm3 * dbh_cm**exponent)


def root_ratio(agb_t_ha: float) -> float:
    """Return root:shoot by stand biomass, R = exp(c0 + c1 ln b)/b (AR-TOOL14 App. 1)."""
    if not agb_t_ha > 0.0:
        raise OutOfDomain(f"地上生物量 {agb_t_ha} t/ha 须大于 0 才能推算根茎比。")
    c0, c1 = factors.required("tree.R_function")
    return math.exp(c0 + c1 * math.log(agb_t_ha)) / agb_t_ha


def expansion(
    species: str | None,
    remarks: Remarks,
    *,
    wood_density_t_m3: float | None = None,
    bef: float | None = None,
    ratio: float | None = None,
    carbon_fraction: float | None = None,
) -> Expansion:
    """Return the numbers of a species; what is given takes precedence, defaults are AR-TOOL14's.

    The table of species was recalled, not read: a run that uses it says so.
    """
    row: tuple[float | None, ...] = (None, None, None, None)
    if species is not None:
        remarks.used.add(SPECIES_TABLE)
        table = factors.required(SPECIES_TABLE)
        if species not in table:
            raise OutOfDomain(
                f"树种 {species} 不在参数表中；可用：{'、'.join(table)}，或自行填写参数。"
            )
        row = table[species]
    density = wood_density_t_m3 if wood_density_t_m3 is not None else row[0]
    if density is None:
        raise OutOfDomain("未指定树种时须填写木材密度 wood_density_t_m3。")
    if bef is None:
        bef = row[1] if row[1] is not None else remarks.number("tree.BEF2_default")
    if carbon_fraction is None:
        carbon_fraction = row[3] if row[3] is not None else remarks.number("tree.CF")
    found_ratio = ratio if ratio is not None else row[2]
    if found_ratio is None:
        remarks.used.add("tree.R_function")
    return Expansion(density, bef, found_ratio, carbon_fraction)


def by_volume(volume_m3_ha: float, given: Expansion) -> Stock:
    """Return the stock by AGB = V WD BEF, BGB = AGB R (AR-TOOL14 A1.5); no volume is no stock."""
    agb = volume_m3_ha * given.wood_density_t_m3 * given.bef
    return _stock(agb, given.root_ratio, given.carbon_fraction)


def by_stand_equation(
    volume_m3_ha: float, stand_type: str, volume_min_m3_ha: float, carbon_fraction: float
) -> Stock:
    """Return the stock by B = a V + b, whole tree. Land without trees is 0, not the intercept.

    Raises
    ------
    OutOfDomain
        The type is unknown, or the volume is above 0 and below the least the equation is taken for.
    """
    table = factors.required(STAND_TABLE)
    if stand_type not in table:
        raise OutOfDomain(f"林分类型 {stand_type} 不在方程表中；可用：{'、'.join(table)}。")
    if volume_m3_ha == 0.0:
        return Stock(None, None, 0.0, 0.0, 0.0, None)
    if volume_m3_ha < volume_min_m3_ha:
        raise OutOfDomain(
            f"蓄积 {volume_m3_ha:g} m³/ha 低于 {volume_min_m3_ha:g}：方程截距会虚增生物量；"
            "请改用逐木或蓄积扩展因子法。"
        )
    slope, intercept = table[stand_type]
    total = slope * volume_m3_ha + intercept
    carbon = total * carbon_fraction
    return Stock(None, None, total, carbon, carbon * CO2_PER_C, None)


def by_trees(
    trees: Iterable[Tree], area_ha: float, ratio: float | None, carbon_fraction: float
) -> Stock:
    """Return the stock of a plot tree by tree; its root ratio follows from its stand biomass."""
    kilograms = math.fsum(t.count * tree_agb_kg(t.dbh_cm, t.wood_density_g_cm3) for t in trees)
    return _stock(kilograms / 1000.0 / area_ha, ratio, carbon_fraction)


def _stock(agb_t_ha: float, ratio: float | None, carbon_fraction: float) -> Stock:
    if agb_t_ha == 0.0:
        return Stock(0.0, 0.0, 0.0, 0.0, 0.0, ratio)
    found = root_ratio(agb_t_ha) if ratio is None else ratio
    bgb = agb_t_ha * found
    carbon = (agb_t_ha + bgb) * carbon_fraction
    return Stock(agb_t_ha, bgb, agb_t_ha + bgb, carbon, carbon * CO2_PER_C, found)
