"""What is written down about a parcel and a year: the kinds of activity records and their values.

A record says what was done; it holds no factor and no tonne. Nothing has a default: a field left
out would be taken for nought, and nought is an answer that somebody has to give. Amounts are per
hectare of the parcel. Sources of the fields: method text 1.3 (activity record), 2.3-2.5.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from methodologies import inputs
from methodologies.base import MethodInputInvalid
from methodologies.biochar_v1 import GASIFICATION, Feedstock
from methodologies.farmland_soc_v1 import FACTOR_IDS
from methodologies.farmland_soc_v1_input import Climate, LandUse, Soil
from methodologies.inputs import Amount, Day, Model, Share, invalid
from methodologies.n2o_v1 import Land
from methodologies.paddy_ch4_v1 import Preseason, Water
from methodologies.wetland_balance_v1_input import Climate as WetlandClimate

# A field really dries only where water leaves it; the days without water are then asked for.
DRAINED = ("single_drainage", "multiple_drainage_awd")
Words = Annotated[str, Field(min_length=1, max_length=200)]
# Half-width over the term; a term near nought may be known to several times itself.
Assessed = Annotated[float, Field(ge=0, le=10)] | None


class Record(Model):
    """One record; `slot` tells records of a kind, parcel and year apart that stand side by side.

    IS_YEARLY : it speaks of its year; otherwise it holds from its year until it is stated anew
    """

    IS_YEARLY: ClassVar[bool] = True

    @property
    def slot(self) -> str:
        """Return the name of its place within the year; empty where a year has one record."""
        return ""

    @property
    def dated(self) -> tuple[str, date] | None:
        """Return the day that decides the record's year, with its name; None where it has no day."""
        return None

    @property
    def began(self) -> tuple[str, int] | None:
        """Return a year that the record's own can't come before, with its name; None without one."""
        return None


class Practice(Record):
    """How a parcel was kept in a year; the parcels of a stratum are kept alike."""

    @property
    def way(self) -> dict[str, Any]:
        """Return what has to be alike on all parcels of a stratum."""
        return self.model_dump()


class Harvested(Practice):
    """A practice with what it yielded. The yield is no practice: it may differ between neighbours
    who farm alike, and must not fall."""

    YIELD_FIELD: ClassVar[str]

    @property
    def way(self) -> dict[str, Any]:
        """Return every field but the yield."""
        return self.model_dump(exclude={self.YIELD_FIELD})

    @property
    def harvest_t_ha(self) -> float:
        """Return the yield [t/ha], of whatever the crop is weighed as."""
        return float(getattr(self, self.YIELD_FIELD))


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


class OnWetland(Record):
    """Of one class of land within a parcel; several classes of a parcel stand side by side."""

    # Coastal wetland has methods of its own (CCER-14-002 to 004) and no record here.
    land_class: Literal[
        "natural_lake", "river", "reservoir", "pond", "ditch", "marsh", "swamp", "paddy"
    ]

    @property
    def slot(self) -> str:
        """Return the class of land."""
        return self.land_class


class WetlandLand(OnWetland, Practice):
    """What the land is: one class of it, by its share of the parcel.

    flooded_years : of a reservoir, since it was filled; organic_soil : None on mineral soil
    rewetted_in_year, former_use : of a marsh on mineral soil whose soil gains by default factors
    """

    area_share: Annotated[float, Field(gt=0, le=1)]
    climate: WetlandClimate
    origin: Literal["natural", "rewetted", "created"]
    flooded_years: Amount | None
    dam_outlet: bool
    trophic_state: Literal["oligotrophic", "mesotrophic", "eutrophic", "hypereutrophic"] | None
    organic_soil: Literal["rich", "poor"] | None
    aquaculture: bool
    rewetted_in_year: Annotated[int, Field(ge=1900, le=2100)] | None
    former_use: Literal["cultivated", "pond", "paddy"] | None
    soc_ref_t_ha: Annotated[float, Field(gt=0)] | None

    @model_validator(mode="after")
    def _consistent(self) -> "WetlandLand":
        if (self.land_class == "reservoir") != (self.flooded_years is not None):
            raise invalid("水库须填蓄水年数，其他地类不填")
        if (self.rewetted_in_year is None) != (self.former_use is None):
            raise invalid("复湿年份与原用途须同时填写，或都不填")
        if self.soc_ref_t_ha is not None and self.rewetted_in_year is None:
            raise invalid("土壤碳参照储量只用于复湿的土壤，须同时填复湿年份与原用途")
        return self

    @property
    def began(self) -> tuple[str, int] | None:
        """Return the year of the rewetting."""
        return None if self.rewetted_in_year is None else ("复湿年份", self.rewetted_in_year)


class WetlandGas(OnWetland, Practice):
    """Gases and dissolved carbon measured in a year; None where it was not measured."""

    ch4_kg_ha: Amount | None
    ch4_campaigns: Annotated[int, Field(ge=1)] | None
    ch4_ebullition: bool | None
    n2o_kg_ha: Amount | None
    doc_mg_l: Amount | None
    water_depth_m: Amount | None

    @model_validator(mode="after")
    def _consistent(self) -> "WetlandGas":
        measured = (self.ch4_kg_ha, self.ch4_campaigns, self.ch4_ebullition)
        if len({value is None for value in measured}) > 1:
            raise invalid("甲烷的实测值、测次和是否含冒泡须同时填写，或都不填")
        if (self.doc_mg_l is None) != (self.water_depth_m is None):
            raise invalid("溶解有机碳与水深须同时填写，或都不填")
        return self


class WetlandBurial(OnWetland, Practice):
    """Carbon buried in sediment, from dated cores (210Pb, 137Cs)."""

    mar_g_cm2_year: Amount
    toc_share: Share
    allochthonous_share: Share | None
    cores: Annotated[int, Field(ge=0)]
    reviewed: bool


class WetlandWood(OnWetland, Practice):
    """Woody biomass of the class of land at two dates so many years apart."""

    wood_agb_t_ha_start: Amount
    wood_agb_t_ha_end: Amount
    wood_years: Annotated[float, Field(gt=0, le=100)]
    root_ratio: Amount | None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None


class WetlandHerb(OnWetland, Practice):
    """A lasting change of a herb stand, as a share of the area of its class of land, below nought
    where it shrank; and its standing stock by quadrats."""

    stand_change_share: Annotated[float, Field(ge=-1, le=1)]
    herb_agb_t_ha: Amount
    herb_bgb_t_ha: Amount
    species: Literal["zizania", "other"]


class WetlandActivity(Record):
    """What the project does on the land, and under which conditions.

    owed_area_share : of the parcel, what fulfils an obligation to restore (占补平衡)
    """

    IS_YEARLY = False

    activity: Literal["restoration", "rewetting", "planting", "water_level", "protection"]
    hydrology_monitored: bool
    required_by_permit: bool
    owed_area_share: Share
    peat_extraction: bool
    drains_other_wetland: bool
    invasive_species: bool


class WetlandErrors(Record):
    """The 95 % uncertainty assessed for each term of the balance, relative to it; None where nobody
    has assessed it."""

    IS_YEARLY = False

    wood_u95_share: Assessed
    herb_u95_share: Assessed
    burial_u95_share: Assessed
    soil_u95_share: Assessed
    ch4_u95_share: Assessed
    n2o_u95_share: Assessed
    flood_co2_u95_share: Assessed


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
    if record.dated is not None and record.dated[1].year != year:
        what, day = record.dated
        raise MethodInputInvalid(f"{what} {day} 不在记录的年份 {year} 之内。")
    if record.began is not None and record.began[1] > year:
        what, first = record.began
        raise MethodInputInvalid(f"{what} {first} 晚于记录的年份 {year}。")
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
