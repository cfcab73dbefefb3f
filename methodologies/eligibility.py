"""Conditions under which a method may be used at all; each check names its rule and its source.

The later conditions of CCER-14-001-V01 and the list of measures of AR-CM-005-V01 App. 1 were not
read: passing these checks is necessary, not sufficient.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from methodologies import factors
from methodologies.inputs import Amount, Model, Share
from methodologies.remarks import Remarks

CCER14_SOURCE = "CCER-14-001-V01《造林碳汇》第 2 章"
BAMBOO_SOURCE = "AR-CM-005-V01《竹林经营碳汇项目方法学》适用条件"
CCER14_FACTOR_IDS = (
    "elig.ccer14.min_area",
    "elig.ccer14.min_area_pre2020",
    "elig.ccer14.nonforest_years",
    "elig.ccer14.max_shrub_removal",
    "elig.ccer14.economic_forest_excluded",
)
BAMBOO_FACTOR_IDS = (
    "elig.bamboo.min_closure",
    "elig.bamboo.min_area",
    "elig.bamboo.min_height",
    "elig.bamboo.min_dbh",
    "elig.bamboo.max_tree_closure",
)
Row = tuple[str, str, str, bool]  # Code, rule, what was found, whether it holds.
# The smaller minimum area holds for projects started from this year on.
_CCER14_AREA_YEAR = 2020


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: a stable code, the rule in Chinese, what was found, and whether it holds."""

    code: str
    rule: str
    found: str
    passed: bool
    source: str


class Ccer14(Model):
    """What the checks of CCER-14-001-V01 ask of a planting project."""

    forest_category: Annotated[
        Literal[
            "protection",
            "special_purpose",
            "timber",
            "economic",
            "roadside_greening",
            "urban_greening",
        ],
        Field(description="林种；经济林、非林地通道绿化、城镇绿化不适用"),
    ]
    nonforest_years: Annotated[float, Field(ge=0, description="开工前不是森林的年数")]
    tenure_documented: Annotated[bool, Field(description="权属清晰并有证明")]
    smallest_parcel_m2: Annotated[float, Field(gt=0, description="最小连续地块，平方米")]
    start_year: Annotated[int, Field(ge=2000, le=2100, description="开工年份")]
    wetland: Annotated[bool, Field(description="是否湿地")]
    scattered_trees_removed: Annotated[bool, Field(description="是否伐除原有散生木竹")]
    shrub_removal_share: Annotated[Share, Field(description="清除灌木和小径竹的面积比例")] = 0.0


class BambooManagement(Model):
    """What the checks of AR-CM-005-V01 ask of a managed bamboo forest."""

    crown_closure: Annotated[Share, Field(description="竹林郁闭度")]
    tree_closure: Annotated[Share, Field(description="散生乔木郁闭度")] = 0.0
    smallest_parcel_ha: Annotated[float, Field(gt=0, description="最小连续面积，公顷")]
    culm_height_m: Annotated[Amount, Field(description="竹高，米")]
    culm_dbh_cm: Annotated[Amount, Field(description="平均胸径，厘米")]
    wetland: bool
    organic_soil: bool
    law_breached: Annotated[bool, Field(description="违反林业法规或强制性标准")]
    litter_removed: bool
    scattered_trees_removed: bool
    deep_tillage: Annotated[bool, Field(description="深翻垦复")]
    fertiliser_covered: Annotated[bool, Field(description="沟施或穴施并覆土")]
    management_measure: Annotated[bool, Field(description="至少一项科学经营措施")]


def ccer14(given: Ccer14) -> list[Check]:
    """Return the checks of CCER-14-001-V01 that were read."""
    years = factors.number("elig.ccer14.nonforest_years")
    early = given.start_year < _CCER14_AREA_YEAR
    area_m2 = factors.number(f"elig.ccer14.min_area{'_pre2020' if early else ''}")
    removal = factors.number("elig.ccer14.max_shrub_removal")
    rows = (
        (
            "FOREST_CATEGORY",
            "限防护林、特种用途林、用材林；经济林、通道绿化和城镇绿化不适用",
            given.forest_category,
            given.forest_category in ("protection", "special_purpose", "timber"),
        ),
        (
            "NONFOREST_YEARS",
            f"开工前至少 {years:g} 年为不符合森林定义的规划造林地",
            f"{given.nonforest_years:g} 年",
            given.nonforest_years >= years,
        ),
        ("TENURE", "权属清晰，有证明文件", _yes(given.tenure_documented), given.tenure_documented),
        (
            "PARCEL_AREA",
            f"每个地块连续面积不小于 {area_m2:g} 平方米",
            f"{given.smallest_parcel_m2:g} 平方米",
            given.smallest_parcel_m2 >= area_m2,
        ),
        ("WETLAND", "不得为湿地", _yes(given.wetland), not given.wetland),
        (
            "TREES_KEPT",
            "不伐除原有散生木和竹",
            _yes(given.scattered_trees_removed),
            not given.scattered_trees_removed,
        ),
        (
            "SHRUB_REMOVAL",
            f"清除原有灌木和胸径小于 2 cm 的竹不超过面积的 {removal:.0%}",
            f"{given.shrub_removal_share:.0%}",
            given.shrub_removal_share <= removal,
        ),
    )
    return [Check(code, rule, found, ok, CCER14_SOURCE) for code, rule, found, ok in rows]


def bamboo_management(given: BambooManagement) -> list[Check]:
    """Return the checks of AR-CM-005-V01 that were read."""
    rows = (*_bamboo_stand(given), *_bamboo_practice(given))
    return [Check(code, rule, found, ok, BAMBOO_SOURCE) for code, rule, found, ok in rows]


def _bamboo_stand(given: BambooManagement) -> Sequence[Row]:
    """Return what the stand must be."""
    closure, area_ha, height_m, dbh_cm, trees = (factors.number(i) for i in BAMBOO_FACTOR_IDS)
    return (
        (
            "CROWN_CLOSURE",
            f"郁闭度不低于 {closure:g}",
            f"{given.crown_closure:g}",
            given.crown_closure >= closure,
        ),
        (
            "TREE_CLOSURE",
            f"散生乔木郁闭度低于 {trees:g}",
            f"{given.tree_closure:g}",
            given.tree_closure < trees,
        ),
        (
            "PARCEL_AREA",
            f"连续面积不小于 {area_ha:g} 公顷（1 亩）",
            f"{given.smallest_parcel_ha:g} 公顷",
            # The text rounds 1 mu up to 0.0667 ha; exactly 1 mu passes.
            round(given.smallest_parcel_ha, 4) >= area_ha,
        ),
        (
            "CULM_HEIGHT",
            f"竹高不低于 {height_m:g} 米",
            f"{given.culm_height_m:g} 米",
            given.culm_height_m >= height_m,
        ),
        (
            "CULM_DBH",
            f"胸径不小于 {dbh_cm:g} 厘米",
            f"{given.culm_dbh_cm:g} 厘米",
            given.culm_dbh_cm >= dbh_cm,
        ),
    )


def _bamboo_practice(given: BambooManagement) -> Sequence[Row]:
    """Return what may be done to it, and on which ground."""
    return (
        (
            "SOIL",
            "不是湿地，不是有机土",
            f"湿地{_yes(given.wetland)}，有机土{_yes(given.organic_soil)}",
            not (given.wetland or given.organic_soil),
        ),
        (
            "LAW",
            "不违反林业法规与强制性技术规范",
            _yes(given.law_breached),
            not given.law_breached,
        ),
        (
            "HARVEST",
            "采伐只运走竹秆竹枝，不清走枯落物，不伐除散生木",
            f"清走枯落物{_yes(given.litter_removed)}，伐除散生木{_yes(given.scattered_trees_removed)}",
            not (given.litter_removed or given.scattered_trees_removed),
        ),
        (
            "SOIL_WORK",
            "带状松土，不得深翻垦复；施肥沟施或穴施并覆土",
            f"深翻{_yes(given.deep_tillage)}，覆土{_yes(given.fertiliser_covered)}",
            not given.deep_tillage and given.fertiliser_covered,
        ),
        (
            "MEASURE",
            "至少采取一项科学经营措施（附录 1，清单未读到）",
            _yes(given.management_measure),
            given.management_measure,
        ),
    )


def apply(checks: Iterable[Check], remarks: Remarks) -> list[dict[str, Any]]:
    """Refuse what fails, naming rule and source; return the checks as they stand in `intermediate`."""
    rows = []
    for check in checks:
        if not check.passed:
            remarks.refuse(
                f"INELIGIBLE_{check.code}",
                f"不符合适用条件“{check.rule}”（{check.source}），现为：{check.found}。"
                "请核对填报，或改用适用的方法。",
            )
        rows.append(
            {
                "code": check.code,
                "rule": check.rule,
                "found": check.found,
                "passed": check.passed,
                "source": check.source,
            }
        )
    return rows


def markdown(checks: Iterable[Check]) -> str:
    """Return the rules as a markdown list, each with its source."""
    return "\n".join(f"- {check.rule}（{check.source}）" for check in checks)


def warn_unread(remarks: Remarks) -> None:
    """Warn that the later conditions of CCER-14-001 were not read."""
    remarks.warn(
        "CONDITIONS_NOT_READ",
        "CCER-14-001-V01 的后续适用条件、精度与风险参数未读到原文；通过以上检查不等于符合该方法学。",
    )


def _yes(value: bool) -> str:
    return "是" if value else "否"
