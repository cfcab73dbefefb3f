"""What the columns of a table of land mean, and their values in one form.

Foresters, cooperatives and survey offices name the same thing differently; the names here are those
of the national forest tables (林地一张图, 公益林) and those that stand in local sheets. A name is only
ever a suggestion: where two columns could be meant, none is. Codes stay text with their leading zeros,
numbers and dates become one form, and what cannot be read becomes a question, never a guess.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from gis_data import geometry
from gis_data._rows import plain_name
from gis_data.refusals import FileRefused, Question

UNITS_M2 = {"ha": 10_000.0, "mu": geometry.M2_PER_MU, "m2": 1.0}
# Not 顷: it is 100 亩 in old papers and a slip for 公顷 in new ones.
_UNIT_WORDS = {
    **dict.fromkeys(("亩", "mu", "市亩"), "mu"),
    **dict.fromkeys(("公顷", "ha", "hm2"), "ha"),
    **dict.fromkeys(("平方米", "m2", "平米"), "m2"),
}


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    CODE = "code"  # text of digits whose leading zeros count
    AREA = "area"  # m2, from 亩, hectares or m2
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column can hold. ``width`` : digits of the national code, 0 where it has none."""

    title_zh: str
    title_en: str
    kind: Kind
    names: tuple[str, ...]
    width: int = 0


# Widths of SHENG .. XIAO_BAN: field list of the national public-welfare-forest table; a 小班 may have
# a sub-number, so its width is not asked for.
MEANINGS: dict[str, Meaning] = {
    "name": Meaning(
        "地块名称", "Name", Kind.TEXT,
        ("地块名称", "小班名称", "名称", "地名", "小地名", "name", "plot_name", "parcel_name", "XDM"),
    ),
    "sink_type": Meaning("类型", "Type of land", Kind.TEXT, ("类型", "碳汇类型", "sink_type")),
    "parcel_no": Meaning(
        "地块编号", "Parcel number", Kind.CODE,
        ("地块编号", "地块号", "地块编码", "宗地号", "宗地编号", "宗地代码", "编号", "parcel_no",
         "parcel_id", "DKBM", "ZDDM"),
    ),
    "province": Meaning("省", "Province", Kind.CODE, ("SHENG", "省", "省代码"), 2),
    "city": Meaning("市", "City", Kind.CODE, ("SHI", "市", "市代码", "地级市")),
    "county": Meaning("区县", "County", Kind.CODE, ("XIAN", "县", "区县", "县区", "县代码"), 6),
    "township": Meaning(
        "乡镇", "Township", Kind.CODE,
        ("XIANG", "乡", "镇", "乡镇", "乡镇街道", "乡（镇、街道）", "乡镇（街道）", "township"), 3,
    ),
    "village": Meaning(
        "村", "Village", Kind.CODE, ("CUN", "村", "行政村", "村名", "村（社区）", "village"), 3
    ),
    "forest_farm": Meaning("林场", "Forest farm", Kind.TEXT, ("LIN_CHANG", "林场", "国有林场")),
    "compartment": Meaning(
        "林班", "Compartment", Kind.CODE, ("LIN_BAN", "林班", "林班号", "lbh", "compartment"), 4
    ),
    "subcompartment": Meaning(
        "小班", "Subcompartment", Kind.CODE,
        ("XIAO_BAN", "小班", "小班号", "细班", "细班号", "xbh", "subcompartment"),
    ),
    "land_class": Meaning("地类", "Land class", Kind.CODE, ("DI_LEI", "地类", "地类代码", "DLBM")),
    "origin": Meaning("起源", "Origin", Kind.CODE, ("QI_YUAN", "起源", "林分起源", "origin")),
    "forest_category": Meaning("林种", "Forest category", Kind.CODE, ("LIN_ZHONG", "林种")),
    "species": Meaning(
        "优势树种", "Dominant species", Kind.CODE,
        ("YOU_SHI_SZ", "优势树种", "树种", "优势树种（组）", "主要树种", "species"),
    ),
    "age_group": Meaning("龄组", "Age group", Kind.CODE, ("LING_ZU", "龄组")),
    "canopy_share": Meaning("郁闭度", "Canopy share", Kind.NUMBER, ("YU_BI_DU", "郁闭度")),
    "mean_dbh_cm": Meaning(
        "平均胸径（厘米）", "Mean DBH (cm)", Kind.NUMBER, ("PINGJUN_XJ", "平均胸径", "胸径")
    ),
    "stems_ha": Meaning(
        "每公顷株数", "Stems per ha", Kind.NUMBER, ("MEI_GQ_ZS", "每公顷株数", "公顷株数")
    ),
    "slope_aspect": Meaning("坡向", "Aspect", Kind.CODE, ("PO_XIANG", "坡向")),
    "slope_deg": Meaning("坡度（度）", "Slope (deg)", Kind.NUMBER, ("PO_DU", "坡度")),
    "land_right": Meaning(
        "土地权属", "Land ownership", Kind.CODE,
        ("TDQS", "LD_QS", "权属", "土地权属", "林地权属", "土地所有权"),
    ),
    "forest_right": Meaning(
        "林木权属", "Forest ownership", Kind.CODE, ("LMQS", "林木权属", "林木所有权")
    ),
    "holder": Meaning(
        "权利人", "Holder of the right", Kind.TEXT,
        ("LQ_QLR", "权利人", "林权权利人", "权属人", "承包人", "承包户", "户主", "经营主体", "holder"),
    ),
    "certificate_no": Meaning(
        "权证号", "Certificate", Kind.TEXT,
        ("权证号", "林权证号", "林权证编号", "不动产权证号", "不动产权证书号", "不动产权证", "证书编号",
         "LQZH", "BDCQZH", "certificate_no"),
    ),
    "declared_area": Meaning(
        "申报面积", "Declared area", Kind.AREA,
        ("MIAN_JI", "面积", "申报面积", "小班面积", "证载面积", "登记面积", "承包面积", "亩数", "mianji",
         "area", "mu", "SCMJ", "HTMJ"),
    ),
    "planted_on": Meaning(
        "造林日期", "Planted on", Kind.DATE, ("造林日期", "造林时间", "栽植日期", "planted_on")
    ),
    "term_from": Meaning(
        "期限起", "Term from", Kind.DATE, ("期限起", "承包起", "起始日期", "开始日期", "term_from")
    ),
    "term_to": Meaning(
        "期限止", "Term to", Kind.DATE,
        ("期限止", "承包止", "终止日期", "截止日期", "到期日期", "term_to"),
    ),
    "note": Meaning("备注", "Note", Kind.TEXT, ("备注", "说明", "note", "BEI_ZHU")),
}  # fmt: skip

# MIAN_JI is in hectares in the national tables; the others name their unit.
_AREA_NAMES = ("mianji", "area", "面积", "申报面积", "小班面积", "证载面积", "登记面积", "承包面积")
_AREA_UNITS = {"mianji": "ha", "亩数": "mu", "mu": "mu"} | {
    f"{name}{word}": unit for name in _AREA_NAMES for word, unit in _UNIT_WORDS.items()
}

# A .dbf keeps ten bytes of a name: three Chinese characters of UTF-8, five of GBK.
_NAME_BYTES = 10
_EXCEL_EPOCH = date(1899, 12, 30)  # of serials from 61 on; before it Excel has a 29 February 1900
_SERIAL_MIN, _SERIAL_MAX = 10_000, 110_000  # 1927 to 2201: a bare year or a count is none of these
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_DAYS = (
    re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?(?:[T ]\d{2}:\d{2}(?::\d{2})?)?"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)

Value = str | Decimal | float | date | None


@dataclass(frozen=True, slots=True)
class Normalised:
    """The values of one row by their meaning.

    values : text, Decimal, date, or for an area m2; None where the row says nothing or cannot be read
    questions : what could not be read, each once
    """

    values: dict[str, Value]
    questions: list[Question] = field(default_factory=list)


def _known() -> dict[str, set[str]]:
    """Return the meanings each plain name can have, the cut forms of a .dbf among them."""
    known: dict[str, set[str]] = {}
    cut: dict[str, set[str]] = {}
    for meaning, about in MEANINGS.items():
        for name in about.names:
            known.setdefault(plain_name(name), set()).add(meaning)
            for codec in ("utf-8", "gb18030"):
                short = name.encode(codec)[:_NAME_BYTES].decode(codec, "ignore")
                if len(short) >= 3 and short != name:
                    cut.setdefault(plain_name(short), set()).add(meaning)
    for name in _AREA_UNITS:
        known.setdefault(name, set()).add("declared_area")
    for name, meanings in cut.items():
        known.setdefault(name, meanings)
    return known


_KNOWN = _known()


def meanings_of(name: str) -> set[str]:
    """Return what a column of this name can hold; empty where the name says nothing."""
    return _KNOWN.get(plain_name(name), set())


def suggest(fields: Sequence[str]) -> dict[str, str]:
    """Return meaning -> column for the columns whose names tell; a person confirms it.

    The declared area carries its unit behind a colon where the name tells it: ``面积（亩）:mu``. Two
    columns that could hold the same are both left out.
    """
    found: dict[str, list[str]] = {}
    for name in fields:
        meanings = meanings_of(name)
        if len(meanings) == 1:
            found.setdefault(next(iter(meanings)), []).append(name)
    mapping = {meaning: names[0] for meaning, names in found.items() if len(names) == 1}
    if "declared_area" in mapping and (unit := unit_of(mapping["declared_area"])):
        mapping["declared_area"] += f":{unit}"
    return mapping


def unit_of(name: str) -> str | None:
    """Return ``mu``, ``ha`` or ``m2`` where the name of a column of areas tells its unit."""
    return _AREA_UNITS.get(plain_name(name))


def column_of(target: str) -> tuple[str, str | None]:
    """Return column and unit of one side of a mapping: ``面积:mu`` is (面积, mu)."""
    name, _, unit = target.rpartition(":")
    return (name, unit) if name and unit in UNITS_M2 else (target, None)


def declared_area(fields: Sequence[str], named: str | None) -> tuple[str, str] | None:
    """Return the column of the declared area and its unit; None if the file has none that tells.

    Parameters
    ----------
    named : the column, its unit behind a colon where its name does not tell it

    Raises
    ------
    FileRefused
        ``declared_area_field``: no such column, or its unit is not known.
    """
    if named is None:
        told = [(name, unit) for name in fields if (unit := unit_of(name))]
        return told[0] if len(told) == 1 else None  # Two that could be it: none is taken.
    name, unit = (named, None) if named in fields else column_of(named)
    if name not in fields:
        raise FileRefused(
            "declared_area_field", f"没有字段“{name}”。有：{'、'.join(fields)[:200]}。"
        )
    unit = unit or unit_of(name)
    if not unit:
        raise FileRefused(
            "declared_area_field",
            f"字段“{name}”的单位不明。请写明：“{name}:mu”（亩）、“{name}:ha”（公顷）或“{name}:m2”。",
        )
    return name, unit


def refuse_unknown(mapping: Mapping[str, str], fields: Sequence[str]) -> None:
    """Refuse a mapping to a meaning that does not exist or a column that the file does not have.

    Raises
    ------
    FileRefused
        ``column_mapping``, or ``declared_area_field`` where the unit of the area is not known.
    """
    for meaning, target in mapping.items():
        if meaning not in MEANINGS:
            raise FileRefused("column_mapping", f"没有“{meaning[:40]}”这种含义。")
        if meaning == "declared_area":
            declared_area(fields, target)
        elif target not in fields:
            raise FileRefused(
                "column_mapping",
                f"文件没有字段“{target[:40]}”（{MEANINGS[meaning].title_zh}）。"
                f"有：{'、'.join(fields)[:200]}。",
            )


def apply(mapping: Mapping[str, str], attributes: Mapping[str, object]) -> Normalised:
    """Return the values of a row by meaning, in one form.

    Parameters
    ----------
    mapping : meaning -> column, the declared area with its unit (``suggest``)
    attributes : column -> text or number as the file has it
    """
    done = Normalised({})
    for meaning, target in mapping.items():
        kind = MEANINGS[meaning].kind
        name, unit = column_of(target) if kind is Kind.AREA else (target, None)
        value = attributes.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            done.values[meaning] = None
            continue
        try:
            done.values[meaning] = _in_one_form(meaning, name, unit, value, done.questions)
        except ValueError as error:
            done.values[meaning] = None
            done.questions.append(Question(f"unread_{meaning}", f"“{name}”{error}"))
    return done


def _in_one_form(
    meaning: str, name: str, unit: str | None, value: object, questions: list[Question]
) -> Value:
    about = MEANINGS[meaning]
    if about.kind is Kind.AREA:
        return area_m2(value, unit or unit_of(name))
    if about.kind is Kind.NUMBER:
        return number(value)
    if about.kind is Kind.DATE:
        return day(value)
    if about.kind is Kind.TEXT:
        return text(value)
    if not isinstance(value, str) and about.width and len(code(value)) < about.width:
        questions.append(
            Question(
                "code_was_number",
                f"“{name}”存成了数字 {code(value)}，不足 {about.width} 位，前面的 0 可能已丢失。请核对。",
            )
        )
    return code(value)


def text(value: object) -> str:
    """Return the text without blanks around it; a whole number without a decimal point."""
    return value.strip().strip("\u3000\u200b\ufeff") if isinstance(value, str) else code(value)


def code(value: object) -> str:
    """Return a code as text: half-width, without blanks around it, its leading zeros kept."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return unicodedata.normalize("NFKC", str(value)).strip().strip("\u200b\ufeff")


def number(value: object) -> Decimal:
    """Return the number, full-width digits and commas between thousands understood.

    Raises
    ------
    ValueError
        It is none, or its comma may as well be a decimal one.
    """
    written = unicodedata.normalize("NFKC", str(value)).strip().replace(" ", "")
    if _THOUSANDS.fullmatch(written):
        written = written.replace(",", "")
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"写的“{str(value)[:30]}”读不成数。")
    return Decimal(written)


def area_m2(value: object, unit: str | None) -> float:
    """Return an area [m2]; a unit behind the number has to be that of the column.

    Raises
    ------
    ValueError
        No number, below zero, no unit, or two that differ.
    """
    written = unicodedata.normalize("NFKC", str(value)).strip()
    found = re.fullmatch(r"(.*?\d\.?)\s*([^\d\s.,]{1,4}2?)", written)
    behind = _UNIT_WORDS.get(found[2].lower()) if found else None
    if found and behind:
        written = found[1]
        if unit is not None and unit != behind:
            raise ValueError(f"写的“{str(value)[:30]}”与这一列的单位不同。")
        unit = behind
    try:
        amount = number(written)
    except ValueError:
        amount = Decimal(-1)
    if amount < 0:
        raise ValueError(f"写的“{str(value)[:30]}”读不成面积。")
    if unit is None:
        raise ValueError("没有写明单位（亩、公顷或平方米）。")
    return float(amount) * UNITS_M2[unit]


def day(value: object) -> date:
    """Return the day of ``2024.5.1``, ``2024-05-01``, ``2024年5月1日``, ``20240501`` or an Excel serial.

    Raises
    ------
    ValueError
        No day: a year alone, a month alone, or a number that is neither.
    """
    written = unicodedata.normalize("NFKC", code(value)).strip()
    for pattern in _DAYS:
        if found := pattern.fullmatch(written):
            year, month, dom = (int(part) for part in found.groups())
            try:
                return date(year, month, dom)
            except ValueError:
                break
    if written.isdigit() and _SERIAL_MIN <= int(written) <= _SERIAL_MAX:
        return _EXCEL_EPOCH + timedelta(days=int(written))
    raise ValueError(f"写的“{str(value)[:30]}”读不成日期。请写成 2024-05-01。")
