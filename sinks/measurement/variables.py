"""What a layer may hold: the variables the methods read, each in one unit or as classes.

A band says what can be at all; ``mean_max`` what a mean of a whole layer can be. Both are there to
catch wrong units, forgotten scale factors and nodata read as values, and judge no forest.
"""

from dataclasses import dataclass
from types import MappingProxyType

from gis_data.rasters import RasterInfo
from sinks.core.errors import Invalid

CLASSES_MAX = 64
CODE_MAX = 65_535
# A raster kept in whole numbers is often the quantity times one of these, with the factor left out.
LIKELY_FACTORS = (10, 100, 1_000, 10_000)

# Code of a class -> its name in Chinese and in English.
Legend = dict[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity or a division into classes.

    unit : the only one in which the methods read it; None for classes
    low, high : every value of a layer lies between them, both included
    mean_max : the mean over a whole layer lies below
    band_source : where the band comes from
    legend_example : what a legend may look like, for the form
    """

    zh: str
    en: str
    unit: str | None = None
    low: float = 0.0
    high: float = CODE_MAX
    mean_max: float = CODE_MAX
    band_source: str = ""
    legend_example: str = ""

    @property
    def is_classes(self) -> bool:
        """Whether the values are codes of a legend."""
        return self.unit is None


VARIABLES = MappingProxyType(
    {
        "agb": Variable(
            "地上生物量", "Above-ground biomass", "Mg/ha", 0.0, 1000.0, 360.0,
            "IPCC 2019 Vol. 4 Table 4.7（没有森林更高）；均值为毛竹林均值 60.3 Mg/ha"
            "（Ouyang et al. 2022）的六倍",
        ),
        "canopy_cover": Variable(
            "郁闭度", "Canopy cover", "1", 0.0, 1.0, 1.0, "定义：比例 0 至 1",
        ),
        "canopy_height": Variable(
            "冠层高度", "Canopy height", "m", 0.0, 120.0, 45.0,
            "已知最高的树 115.9 m（Sequoia sempervirens）；均值为防分米误作米",
        ),
        "soc": Variable(
            "土壤有机碳储量（0–30 cm）", "Soil organic carbon, 0-30 cm", "Mg C/ha", 0.0, 600.0, 290.0,
            "IPCC 2019 Vol. 4 Table 2.3：矿质土最高 143 Mg C/ha，均值取其两倍；泥炭土另计至 600",
        ),
        "soc_content": Variable(
            "土壤有机碳含量", "Soil organic carbon content", "g/kg", 0.0, 580.0, 290.0,
            "有机质含碳 58 %（van Bemmelen 1.724），纯有机质为 580 g/kg；均值取其一半",
        ),
        "bulk_density": Variable(
            "土壤容重", "Soil bulk density", "g/cm3", 0.02, 2.2, 2.0,
            "护栏：石英密度 2.65 g/cm3，压实的矿质土仍有孔隙；泥炭可低到百分之几",
        ),
        "coarse_share": Variable(
            "石砾体积比例", "Coarse fragments, share of volume", "1", 0.0, 1.0, 1.0,
            "定义：比例 0 至 1",
        ),
        "soil_class": Variable(
            "土壤类别（IPCC）", "Soil class (IPCC)",
            legend_example="1,高活性黏土,HAC\n2,低活性黏土,LAC\n3,砂质土,SAN\n4,湿地土,WET",
        ),
        "climate_zone": Variable(
            "气候区（IPCC）", "Climate zone (IPCC)",
            legend_example="1,暖温带湿润,warm temperate moist\n2,热带湿润,tropical moist",
        ),
        "land_cover": Variable(
            "土地覆被", "Land cover",
            legend_example="1,竹林,bamboo\n2,乔木林,trees\n3,茶园,tea\n4,耕地,cropland\n5,水面,water",
        ),
        "wetland_class": Variable(
            "湿地类别", "Wetland class",
            legend_example="1,草本沼泽,marsh\n2,湖泊,lake\n3,河流,river\n4,库塘,pond",
        ),
    }
)  # fmt: skip


def variable(key: str) -> Variable:
    """One variable, or Invalid (``variable``) naming those there are."""
    if key not in VARIABLES:
        known = "、".join(f"{name}（{one.zh}）" for name, one in VARIABLES.items())
        raise Invalid(f"没有变量 {key!r}。可登记的有：{known}。", code="variable")
    return VARIABLES[key]


def legend_of(text: str) -> Legend:
    """Read a legend: one line a class, ``code,中文,English``; the English may be left out.

    Raises
    ------
    Invalid
        ``legend``: a line is no class, a code twice, a name missing, too many classes.
    """
    legend: Legend = {}
    for number, line in enumerate(text.replace("，", ",").splitlines(), start=1):
        words = [word.strip() for word in line.split(",")]
        if not any(words):
            continue
        code = words[0]
        if not (code.isascii() and code.isdigit() and int(code) <= CODE_MAX):
            raise Invalid(
                f"图例第 {number} 行：{code[:20]!r} 不是 0 至 {CODE_MAX} 的整数代码。"
                "每行应为：代码,中文名,英文名。",
                code="legend",
            )
        if len(words) not in (2, 3) or not words[1] or max(map(len, words)) > 60:
            raise Invalid(
                f"图例第 {number} 行应为：代码,中文名,英文名（每项不超过 60 字）。", code="legend"
            )
        if int(code) in legend:
            raise Invalid(f"图例里代码 {code} 出现了两次。", code="legend")
        legend[int(code)] = words[1], words[2] if len(words) == 3 and words[2] else words[1]
    if not 1 <= len(legend) <= CLASSES_MAX:
        raise Invalid(f"图例有 {len(legend)} 类，应为 1 至 {CLASSES_MAX} 类。", code="legend")
    return legend


def refuse_implausible(info: RasterInfo, what: Variable, *, stderr: bool = False) -> None:
    """Refuse a raster whose values cannot be what it is said to hold.

    stderr : the raster holds standard errors of the variable: never negative, no larger than the
        band is wide

    Raises
    ------
    Invalid
        ``infinite``, ``empty``, ``scale`` (the values look multiplied), ``values``
    """
    name = f"{what.zh}的标准误" if stderr else what.zh
    if info.infinite:
        raise Invalid(
            f"图层里有 {info.infinite} 个像元是无穷大，不是数值。请改设为无值（nodata）后再交。",
            code="infinite",
        )
    if info.minimum is None or info.maximum is None or info.mean is None:
        raise Invalid(
            "图层里没有一个像元有值（全是 NaN 或 nodata）。请核对波段和无值设置。", code="empty"
        )
    low, high = (0.0, what.high - what.low) if stderr else (what.low, what.high)
    mean_max = high if stderr else what.mean_max
    if low <= info.minimum and info.maximum <= high and info.mean <= mean_max:
        return
    said = f"图层的值在 {info.minimum:g} 到 {info.maximum:g} 之间、平均 {info.mean:g}，"
    band = (
        f"{name}应在 {low:g} 到 {high:g} {what.unit or ''} 之间、平均不超过 {mean_max:g}。".replace(
            " 1 之间", " 之间"
        )
    )
    if factor := _likely_factor(info, low, high, mean_max):
        raise Invalid(
            f"{said}{band}文件没有写比例系数，值像是放大了 {factor} 倍。"
            "请在文件里写明比例系数（scale），或换算成上述单位后再交。",
            code="scale",
        )
    raise Invalid(f"{said}{band}请检查单位、比例系数和无值（nodata）设置。", code="values")


def _likely_factor(info: RasterInfo, low: float, high: float, mean_max: float) -> int | None:
    """The factor by which whole numbers without a scale look multiplied, or None."""
    if (info.scale, info.offset) != (1.0, 0.0) or not info.whole_numbers:
        return None
    assert info.minimum is not None and info.maximum is not None and info.mean is not None
    for factor in LIKELY_FACTORS:
        least, most, mean = info.minimum / factor, info.maximum / factor, info.mean / factor
        if low <= least and most <= high and mean <= mean_max:
            return factor
    return None


def refuse_unknown_codes(values: list[float], legend: Legend) -> None:
    """Refuse a raster of classes with a value that the legend does not name.

    Raises
    ------
    Invalid
        ``legend_code``
    """
    unknown = [value for value in values if value not in legend]
    if unknown:
        listed = "、".join(f"{value:g}" for value in unknown[:10])
        more = "……" if len(unknown) > 10 else ""
        raise Invalid(
            f"图层里有图例没有的代码：{listed}{more}。请补全图例，或核对波段和无值（nodata）设置。",
            code="legend_code",
        )
