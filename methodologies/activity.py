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
from methodologies.base import MethodInputInvalid
from methodologies.farmland_soc_v1_input import LandUse
from methodologies.inputs import Amount, Day, Model, Share, invalid
from methodologies.n2o_v1 import Land
from methodologies.paddy_ch4_v1 import Preseason, Water

# A field really dries only where water leaves it; the days without water are then asked for.
DRAINED = ("single_drainage", "multiple_drainage_awd")
Words = Annotated[str, Field(min_length=1, max_length=200)]


class Record(Model):
    """One record; `slot` tells records of a kind, parcel and year apart that stand side by side."""

    @property
    def slot(self) -> str:
        """Return the name of its place within the year; empty where a year has one record."""
        return ""

    @property
    def dated(self) -> tuple[str, date] | None:
        """Return the day that decides the record's year, with its name; None where it has no day."""
        return None


class Farmed(Record):
    """Conditions that every farmland method asks about, and the yield that must not fall."""

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


class ResidueBurning(Farmed):
    """Dry matter of residues burnt on the field in a year; nought where nothing was."""

    burnt_t_dm_ha: Amount


class SoilManagement(Farmed):
    """How dry farmland was kept in a year; a practice counts on more than 30 % of the area."""

    land_use: LandUse
    tillage: Literal["full", "reduced", "none"] | None
    residue_removed: bool
    animal_manure: bool
    low_residue_crop: bool
    bare_fallow: bool
    nitrogen: bool
    carbon_raising: bool


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
    "residue_burning": ResidueBurning,
    "soil_management": SoilManagement,
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
    if record.dated is not None and record.dated[1].year != year:
        what, day = record.dated
        raise MethodInputInvalid(f"{what} {day} 不在记录的年份 {year} 之内。")
    return record


def choices(kind: str, field: str) -> tuple[str, ...]:
    """Return the words that a field may take, an optional one too; none if it takes no word."""
    found = get_args(KINDS[kind].model_fields[field].annotation)
    inner = [choice for one in found for choice in get_args(one)]
    return tuple(one for one in (*found, *inner) if isinstance(one, str))
