"""The columns of a table of plots: where a plot stands, and what each kind of measuring finds.

One line is the living culms of one diameter and age, the living trees of one species and diameter,
the volume of a stand, or the shoots of a tea garden, on one plot, at one date. A line of 0 culms or
trees and nothing else says that the plot had none.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from methodologies.base import MethodInputInvalid
from methodologies.inputs import ModelT, parse
from methodologies.plot_readings import (
    TREE_ROWS_MAX,
    Reading,
    StandVolume,
    TeaShoots,
    TreeGroup,
    Trees,
)
from sinks.core.errors import Invalid
from sinks.measurement.office_tables import CellWrong, TableRefused, text_of
from sinks.measurement.plot_kinds import CULMS, KINDS
from sinks.measurement.plots import CulmCount

# What one line found.
Found = CulmCount | TreeGroup | StandVolume | TeaShoots
COUNT_MAX = 100_000

# Heading (folded) -> column. English as documented, Chinese as offices write it.
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        heading: column
        for column, headings in {
            "plot": ("plot", "样地", "样地号", "样地编号"),
            "stratum": ("stratum", "层", "层号"),
            "lon": ("lon", "longitude", "经度"),
            "lat": ("lat", "latitude", "纬度"),
            "area_m2": ("area_m2", "面积", "样地面积", "面积m2", "面积(m2)", "面积(平方米)"),
            "slope_deg": ("slope_deg", "坡度", "坡度(度)"),
            "date": ("date", "日期", "调查日期"),
            "phase": ("phase", "大小年"),
            "dbh_cm": ("dbh_cm", "dbh", "胸径", "胸径cm", "胸径(cm)"),
            "age_du": ("age_du", "度", "龄级(度)", "竹龄(度)"),
            "age_years": ("age_years", "年龄", "竹龄(年)"),
            "count": ("count", "株数"),
            "species": ("species", "树种"),
            "wood_density_g_cm3": (
                "wood_density_g_cm3", "基本密度", "密度", "基本密度g/cm3", "基本密度(g/cm3)",
                "密度g/cm3", "密度(g/cm3)",
            ),
            "volume_m3_ha": (
                "volume_m3_ha", "蓄积", "蓄积量", "蓄积m3/ha", "蓄积(m3/ha)", "蓄积量m3/ha",
                "蓄积量(m3/ha)", "每公顷蓄积", "每公顷蓄积量",
            ),
            "agb_t_ha": (
                "agb_t_ha", "地上生物量", "地上生物量t/ha", "地上生物量(t/ha)",
                "地上生物量(吨/公顷)",
            ),
            # Without a sign in the cell, 0.3 under "(%)" would be a hundredth of itself.
            "above_plane_share": ("above_plane_share", "修剪面以上比例", "修剪面以上占比"),
        }.items()
        for heading in headings
    }
)  # fmt: skip
PLACE = ("plot", "stratum", "lon", "lat", "area_m2", "slope_deg", "date")
MEASURED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        CULMS: ("phase", "dbh_cm", "age_du", "age_years", "count"),
        Trees.KIND: ("species", "dbh_cm", "wood_density_g_cm3", "count"),
        StandVolume.KIND: ("volume_m3_ha",),
        TeaShoots.KIND: ("agb_t_ha", "above_plane_share"),
    }
)
AGES = ("age_du", "age_years")
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "plot": "样地号", "stratum": "层", "lon": "经度", "lat": "纬度", "area_m2": "样地面积",
        "slope_deg": "坡度", "date": "调查日期", "phase": "大小年", "dbh_cm": "胸径",
        "age_du": "竹龄（度）", "age_years": "竹龄（年）", "count": "株数", "species": "树种",
        "wood_density_g_cm3": "基本密度", "volume_m3_ha": "蓄积", "agb_t_ha": "地上生物量",
        "above_plane_share": "修剪面以上比例",
    }
)  # fmt: skip


def columns_of(head: Sequence[Any]) -> tuple[str, dict[str, int]]:
    """The kind that the headings of a table tell, and column -> its place in the lines.

    Raises
    ------
    TableRefused
        A column is there twice or is missing, or the columns are of several kinds.
    """
    places: dict[str, int] = {}
    for place, cell in enumerate(head):
        column = HEADINGS.get(re.sub(r"\s", "", text_of(cell)).lower())
        if column in places:
            raise TableRefused(f"表头中“{TITLES[column]}”出现两次。", code="plot_table_columns")
        if column:
            places[column] = place
    kind = _kind(places)
    missing = [column for column in (*PLACE, *_needed(kind)) if column not in places]
    if kind == CULMS and not any(column in places for column in AGES):
        missing.append("age_du")
    if missing:
        raise TableRefused(f"表头缺少：{_titled(missing)}。", code="plot_table_columns")
    return kind, places


def _kind(columns: Collection[str]) -> str:
    given = {column for column in columns if column not in PLACE}
    kinds = [kind for kind, measured in MEASURED.items() if given <= set(measured)]
    if not kinds:
        said = "；".join(
            f"{KINDS[kind].zh}：{_titled(mine)}"
            for kind, measured in MEASURED.items()
            if (mine := [column for column in measured if column in given])
        )
        raise TableRefused(
            f"一张表只能写一种测量，表头里有几种的列（{said}）；请分成几张表，或去掉多余的列。",
            code="plot_table_kinds",
        )
    if len(kinds) > 1:
        said = "；或".join(
            f"{KINDS[kind].zh}：{_titled([one for one in MEASURED[kind] if one not in given])}"
            for kind in kinds
        )
        raise TableRefused(
            f"从表头看不出样地怎样测量，缺少：{said}（竹龄按度或按年只要一列）。",
            code="plot_table_columns",
        )
    return kinds[0]


def _titled(columns: Sequence[str]) -> str:
    return "、".join(f"{TITLES[column]}（{column}）" for column in columns)


def _needed(kind: str) -> tuple[str, ...]:
    """The columns of a kind that every line fills in; of the two ages it is either."""
    return tuple(column for column in MEASURED[kind] if column not in AGES)


def empty(kind: str, cells: Mapping[str, Any]) -> list[str]:
    """The titles of the cells that a line leaves empty and must not."""
    needed = ("phase", "count") if kind == CULMS else ("count",)
    return [
        TITLES[column]
        for column in (*PLACE, *(needed if is_bare(kind, cells) else _needed(kind)))
        if not text_of(cells.get(column))
    ]


def is_bare(kind: str, cells: Mapping[str, Any]) -> bool:
    """Whether a line says that the plot had no culms or trees: a count of 0, and nothing of them."""
    if "count" not in MEASURED[kind]:
        return False
    typed = (column for column in MEASURED[kind] if column not in ("count", "phase"))
    return text_of(cells.get("count")) in ("0", "0.0") and not any(
        text_of(cells.get(column)) for column in typed
    )


def found(kind: str, cells: Mapping[str, Any]) -> Found:
    """What a line found.

    Raises
    ------
    CellWrong
        A cell is not what its column takes.
    """
    if kind == CULMS:
        return _culms(cells)
    if kind == Trees.KIND:
        return _trees(cells)
    if kind == StandVolume.KIND:
        return _checked(StandVolume, {"volume_m3_ha": number(cells, "volume_m3_ha")})
    return _checked(
        TeaShoots,
        {
            "agb_t_ha": number(cells, "agb_t_ha"),
            "above_plane_share": _share(cells, "above_plane_share"),
        },
    )


def measured(kind: str, lines: Sequence[Found]) -> tuple[list[CulmCount], Reading | None]:
    """The lines of one visit as `plots` takes them: culms, or the reading that they make.

    No lines are a plot without culms or trees.

    Raises
    ------
    Invalid
        There are too many lines, or not one where a visit has one.
    """
    if kind == CULMS:
        return [line for line in lines if isinstance(line, CulmCount)], None
    if kind == Trees.KIND:
        if len(lines) > TREE_ROWS_MAX:
            raise Invalid(f"一次调查最多 {TREE_ROWS_MAX:,} 行，请按胸径归并。", code="plot_reading")
        return [], Trees(trees=[line for line in lines if isinstance(line, TreeGroup)])
    if len(lines) != 1 or not isinstance(lines[0], Reading):
        raise Invalid(f"每次调查的{KINDS[kind].zh}写一行，且只写一行。", code="plot_reading")
    return [], lines[0]


def typed(kind: str, text: str, *, age: str | None = None) -> list[Found]:
    """What was found, typed or pasted one group a line.

    ``胸径 竹龄 株数``, ``树种 胸径 基本密度 株数``, ``蓄积``, or ``地上生物量 比例``.

    age : of culms ``age_du`` or ``age_years``, the meaning of the second number

    Raises
    ------
    Invalid
        Names the line and what is wrong with it.
    """
    if (kind == CULMS) != (age in AGES):
        raise Invalid("竹株要说明竹龄按“度”还是按“年”，其他测量没有竹龄。", code="age")
    columns = ("dbh_cm", age or "", "count") if kind == CULMS else MEASURED[kind]
    said = "、".join(TITLES[column] for column in columns)
    lines: list[Found] = []
    wrong = []
    for place, line in enumerate(text.splitlines(), start=1):
        parts = [part for part in re.split(r"[\s,;，、；]+", text_of(line)) if part]
        if not parts:
            continue
        if columns[0] == "species" and len(parts) > len(columns):
            # The name of a species may be of several words.
            extra = len(parts) - len(columns) + 1
            parts = [" ".join(parts[:extra]), *parts[extra:]]
        try:
            if len(parts) != len(columns):
                raise CellWrong(f"应依次为{said}，共 {len(columns)} 项")
            lines.append(found(kind, dict(zip(columns, parts, strict=True))))
        except CellWrong as error:
            wrong.append(f"第 {place} 行：{error}")
    if wrong:
        raise Invalid("；".join(wrong[:5]) + "。", code=kind)
    if not lines:
        raise Invalid(f"请逐行填写{KINDS[kind].zh}：{said}。", code=f"no_{kind}")
    return lines


def number(cells: Mapping[str, Any], column: str) -> float:
    """A cell as a finite number."""
    return float(_decimal(cells, column))


def _decimal(cells: Mapping[str, Any], column: str, *, ending: str = "") -> Decimal:
    said = text_of(cells[column])
    plain = said.removesuffix(ending)
    try:
        value = Decimal(plain)
    except InvalidOperation as error:
        raise CellWrong(f"{TITLES[column]}“{said}”不是数字") from error
    # 1e400 is a number to a Decimal, and none to whoever counts with it; 1_0 is a slip.
    if "_" in plain or not value.is_finite() or math.isinf(float(value)):
        raise CellWrong(f"{TITLES[column]}“{said}”不是数字")
    return value


def _share(cells: Mapping[str, Any], column: str) -> float:
    """A share from 0 to 1, or with a sign from 0 % to 100 %."""
    value = _decimal(cells, column, ending="%")
    if text_of(cells[column]).endswith("%"):
        value /= 100
    if not 0 <= value <= 1:
        raise CellWrong(
            f"{TITLES[column]}“{text_of(cells[column])}”应在 0–1 之间，或写百分号，如 30%"
        )
    return float(value)


def _whole(cells: Mapping[str, Any], column: str) -> int:
    value = _decimal(cells, column)
    if not 1 <= value <= COUNT_MAX or value % 1:
        raise CellWrong(f"{TITLES[column]}“{text_of(cells[column])}”应为不小于 1 的整数")
    return int(value)


def _culms(cells: Mapping[str, Any]) -> CulmCount:
    dbh_cm, said = _decimal(cells, "dbh_cm"), text_of(cells["dbh_cm"])
    if not 2 <= dbh_cm < 30:
        raise CellWrong(f"胸径 {said} 厘米不在 2–30 之间")
    if dbh_cm != round(dbh_cm, 1):
        raise CellWrong(f"胸径 {said} 厘米应保留一位小数")
    ages = {column: _whole(cells, column) for column in AGES if text_of(cells.get(column))}
    if len(ages) != 1:
        raise CellWrong("竹龄按“度”或按“年”填一种，不能都填或都不填")
    return CulmCount(dbh_cm=round(dbh_cm, 1), count=_whole(cells, "count"), **ages)


def _trees(cells: Mapping[str, Any]) -> TreeGroup:
    species = text_of(cells["species"])
    # 1,200 pasted with its comma would move every number one place on.
    if any(re.fullmatch(r"[-+.\d]+", word) for word in species.split()):
        raise CellWrong(f"树种“{species}”应为名称，如杉木")
    return _checked(
        TreeGroup,
        {
            "species": species,
            "dbh_cm": number(cells, "dbh_cm"),
            "wood_density_g_cm3": number(cells, "wood_density_g_cm3"),
            "count": _whole(cells, "count"),
        },
    )


def _checked(model: type[ModelT], values: Mapping[str, Any]) -> ModelT:
    """A record of the method, whose bounds are the method's; CellWrong names the column."""
    try:
        return parse(model, values)
    except MethodInputInvalid as error:
        said = re.sub(r"^输入有 \d+ 处不符合要求：(输入：)?", "", str(error))
        said = said.removesuffix("请按 `methods schema` 修改后重试。").removesuffix("。")
        raise CellWrong(re.sub("|".join(TITLES), lambda name: TITLES[name[0]], said)) from error
