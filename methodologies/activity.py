"""What is written down about a parcel and a year: the kinds of activity records and their values.

A record says what was done; it holds no factor and no tonne. Nothing has a default: a field left
out would be taken for nought, and nought is an answer that somebody has to give. Amounts are per
hectare of the parcel. Sources of the fields: method text 1.3 (activity record), 2.3-2.5.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from methodologies import inputs
from methodologies.activity_record import Harvested, Practice, Record
from methodologies.base import MethodInputInvalid
from methodologies.biochar_v1 import GASIFICATION, Feedstock
from methodologies.farmland_soc_v1 import FACTOR_IDS
from methodologies.farmland_soc_v1_input import Climate, LandUse, Soil
from methodologies.inputs import Amount, Day, Share, invalid
from methodologies.n2o_v1 import Land
from methodologies.paddy_ch4_v1 import Preseason, Water
from methodologies.wetland_activity import (
    WetlandActivity,
    WetlandBurial,
    WetlandErrors,
    WetlandGas,
    WetlandHerb,
    WetlandLand,
    WetlandWood,
)

# A field really dries only where water leaves it; the days without water are then asked for.
DRAINED = ("single_drainage", "multiple_drainage_awd")
Words = Annotated[str, Field(min_length=1, max_length=200)]


class Farmed(Harvested):
    """Conditions that every farmland method asks about, and the yield."""

    YIELD_FIELD = "yield_t_ha"

    mineral_soil: bool
    yield_t_ha: Annotated[float, Field(gt=0, le=200)]


class PaddySeason(Farmed):
    """One rice season; the year is that of the harvest."""

    crop: Literal["early", "late", "single"]
    water_regime: Water
    preseason: Preseason
    sow_date: Day
    harvest_date: Day
    aeration_days: Annotated[float, Field(ge=0, le=60)] | None
    irrigation_log: bool
    straw_lt30d_t_ha: Amount
    straw_gt30d_t_ha: Amount
    compost_t_ha: Amount
    farmyard_manure_t_ha: Amount
    green_manure_t_ha: Amount
    n_kg_ha: Amount

    @property
    def slot(self) -> str:
        """Return the season."""
        return self.crop

    @model_validator(mode="after")
    def _consistent(self) -> "PaddySeason":
        if not 0 < (self.harvest_date - self.sow_date).days <= 300:
            raise invalid("收获日须晚于播种（移栽）日，且不超过 300 天")
        if (self.water_regime in DRAINED) != (self.aeration_days is not None):
            raise invalid("落干天数在单次晒田、间歇灌溉时须填，其他水分管理不填")
        return self

    @property
    def dated(self) -> tuple[str, date]:
        """Return the day of the harvest."""
        return "收获日", self.harvest_date


class NitrogenYear(Farmed):
    """Nitrogen applied in a year, by origin."""

    synthetic_n_kg_ha: Amount
    urea_share: Share
    organic_n_kg_ha: Amount
    residue_n_kg_ha: Amount
    land: Land


# Share of nitrogen in urea that is sold as such, at least (GB/T 2440-2017, 合格品; recalled).
UREA_N_SHARE_MIN = 0.45


class TeaNitrogen(Harvested):
    """Nitrogen applied to a tea garden in a year, and the urea that it came in.

    Not the nitrogen of farmland: urea is a mass here, since its carbon counts, and the yield is that
    of made tea, since fresh leaves weigh four times as much.
    """

    YIELD_FIELD = "made_tea_t_ha"

    made_tea_t_ha: Annotated[float, Field(gt=0, le=20)]
    synthetic_n_kg_ha: Amount
    urea_t_ha: Amount
    organic_n_kg_ha: Amount

    @model_validator(mode="after")
    def _urea_is_synthetic(self) -> "TeaNitrogen":
        least_kg_ha = self.urea_t_ha * 1000.0 * UREA_N_SHARE_MIN
        if least_kg_ha > self.synthetic_n_kg_ha + 1e-6:
            raise invalid(
                f"尿素 {self.urea_t_ha:g} 吨含氮至少 {least_kg_ha:.0f} 千克，多于化肥氮 "
                f"{self.synthetic_n_kg_ha:g} 千克；尿素的氮须计入化肥氮"
            )
        return self


class ResidueBurning(Farmed):
    """Dry matter of residues burnt on the field in a year; nought where nothing was."""

    burnt_t_dm_ha: Amount


class SoilManagement(Farmed):
    """How dry farmland was kept in a year; a practice counts on more than 30 % of the area.

    imported_t_ha, imported_c_share : manure and compost from elsewhere, and their carbon
    """

    # Fallow and set-aside land yields nothing.
    yield_t_ha: Annotated[float, Field(ge=0, le=200)]
    land_use: LandUse
    tillage: Literal["full", "reduced", "none"] | None
    residue_removed: bool
    animal_manure: bool
    low_residue_crop: bool
    bare_fallow: bool
    nitrogen: bool
    carbon_raising: bool
    imported_t_ha: Amount
    imported_c_share: Share | None

    @model_validator(mode="after")
    def _consistent(self) -> "SoilManagement":
        if self.land_use == "long_term_cultivated" and self.tillage is None:
            raise invalid("长期耕作的旱地须填耕作方式")
        if (self.imported_t_ha > 0.0) != (self.imported_c_share is not None):
            raise invalid("有外运来的有机肥时须填其含碳比例，没有的不填")
        return self


class SoilClass(Record):
    """One class of soil under a parcel, by its share of the area, and how long the owner has
    promised to keep the land under crops [years]."""

    IS_YEARLY = False

    climate: Climate
    soil: Soil
    area_share: Annotated[float, Field(gt=0, le=1)]
    kept_years: Annotated[int, Field(ge=0, le=100)]

    @property
    def slot(self) -> str:
        """Return the class of soil."""
        return self.soil

    @model_validator(mode="after")
    def _known(self) -> "SoilClass":
        # Of some climates the method has a reference stock and no factor of input or tillage.
        needed = {f"soc_ref.{self.climate}.{self.soil}", f"fi.low.{self.climate}"}
        if not needed <= set(FACTOR_IDS):
            raise invalid("方法没有这一气候区的因子，不能据以核算")
        return self


class BiocharBatch(Practice):
    """Char of one batch brought to a parcel in a year; one batch may lie on several parcels.

    delivered_t_dm, production_co2e_t : of the whole batch, wherever it lies; the emissions of making
        and carrying it, None while nobody has given them
    h_corg, c_share : of the laboratory; None where none has measured them
    """

    batch: Words
    feedstock: Feedstock
    process: Literal["pyrolysis", "gasification"]
    temperature_c: Annotated[float, Field(gt=0, le=1500)]
    h_corg: Annotated[float, Field(gt=0, le=3)] | None
    c_share: Share | None
    delivered_t_dm: Annotated[float, Field(gt=0)]
    applied_t_dm_ha: Annotated[float, Field(gt=0)]
    production_co2e_t: Amount | None
    delivery_record: bool
    producer_certificate: bool
    mineral_soil: bool
    paddy: bool
    paddy_ch4_measured: bool

    @property
    def slot(self) -> str:
        """Return the number of the batch."""
        return self.batch

    @model_validator(mode="after")
    def _known(self) -> "BiocharBatch":
        if self.process == "gasification" and self.feedstock not in GASIFICATION:
            raise invalid("该原料没有气化炭的含碳因子")
        return self


class Event(Record):
    """Something done or suffered on a day."""

    on: Day
    note: Words

    @property
    def slot(self) -> str:
        """Return the day."""
        return self.on.isoformat()

    @property
    def dated(self) -> tuple[str, date]:
        """Return the day."""
        return "日期", self.on


class Tending(Event):
    """Tending of a stand or garden (抚育)."""

    work: Literal["weeding", "loosening", "fertilising", "thinning", "shoots", "pruning", "other"]


class Felling(Event):
    """Stems taken; of bamboo the culms, of trees the volume over bark."""

    stems: Annotated[int, Field(ge=0)]
    volume_m3: Amount | None


class Pest(Event):
    """Pest or disease."""

    affected_share: Share


class Fire(Event):
    """Fire on the parcel."""

    burnt_share: Share


KINDS: Mapping[str, type[Record]] = {
    "paddy_season": PaddySeason,
    "nitrogen": NitrogenYear,
    "tea_nitrogen": TeaNitrogen,
    "residue_burning": ResidueBurning,
    "soil_management": SoilManagement,
    "soil_class": SoilClass,
    "biochar_batch": BiocharBatch,
    "wetland_land": WetlandLand,
    "wetland_gas": WetlandGas,
    "wetland_burial": WetlandBurial,
    "wetland_wood": WetlandWood,
    "wetland_herb": WetlandHerb,
    "wetland_activity": WetlandActivity,
    "wetland_errors": WetlandErrors,
    "tending": Tending,
    "felling": Felling,
    "pest": Pest,
    "fire": Fire,
}
YEAR_MIN, YEAR_MAX = 1990, 2100


def parse(kind: str, year: int, values: Mapping[str, Any]) -> Record:
    """Return the checked record of a kind.

    Raises
    ------
    MethodInputInvalid
        There is no such kind, the year is out of range, or a value is missing or wrong.
    """
    if kind not in KINDS:
        raise MethodInputInvalid(f"没有 {kind} 这种记录；可用：{'、'.join(KINDS)}。")
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise MethodInputInvalid(f"年份 {year} 不在 {YEAR_MIN}–{YEAR_MAX} 之间。")
    record = inputs.parse(KINDS[kind], values)
    if fault := record.fault_of_year(year):
        raise MethodInputInvalid(f"{fault}。")
    return record


def value_type(kind: str, field: str) -> type:
    """Return what a field holds where it holds anything: bool, int, float, str or date; str for a
    word out of `choices`."""
    return _bare_type(KINDS[kind].model_fields[field].annotation)


def _bare_type(annotation: Any) -> type:
    if isinstance(annotation, type):
        return annotation
    inner = [one for one in get_args(annotation) if one is not type(None)]
    return str if isinstance(inner[0], str) else _bare_type(inner[0])


def may_be_empty(kind: str, field: str) -> bool:
    """Return whether a field may be left without a value."""
    return type(None) in get_args(KINDS[kind].model_fields[field].annotation)


def least(kind: str, field: str) -> float:
    """Return the least number that a field takes, and nought where it names none."""
    found = [getattr(one, "ge", None) for one in KINDS[kind].model_fields[field].metadata]
    return min((float(one) for one in found if one is not None), default=0.0)


def choices(kind: str, field: str) -> tuple[str, ...]:
    """Return the words that a field may take, an optional one too; none if it takes no word."""
    found = get_args(KINDS[kind].model_fields[field].annotation)
    inner = [choice for one in found for choice in get_args(one)]
    return tuple(one for one in (*found, *inner) if isinstance(one, str))
