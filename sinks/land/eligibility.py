"""Whether a parcel may be enrolled, and whether it may be credited: what maps and attributes say.

Each rule names its source. Where the law forbids, the parcel is barred; where the law leaves it to
those who run the scheme, the registrar's policy decides, and until it is in force nobody goes on; a
map that nobody has imported is said to be unchecked. Slivers within the accuracy of the registry
(narrower than a metre) bar nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import policies
from sinks.core.errors import Conflict
from sinks.land import attributes, constraint_layers
from sinks.land.attributes import LAND_CLASSES, AttributeKind, Wetness
from sinks.land.constraint_layers import CONSTRAINTS, KIND_ZH, ConstraintLayer, LayerKind, Under
from sinks.land.parcels import Parcel, SinkType

FOREST = (SinkType.BAMBOO, SinkType.OTHER)


class Step(StrEnum):
    """What is asked for: to claim the land, or to count a quantity on it."""

    ENROL = "enrol"
    CREDIT = "credit"


class Effect(StrEnum):
    FORBIDS = "forbids"
    POLICY = "policy"


class Verdict(StrEnum):
    """barred: not at this step; undecided: the registrar has yet to decide; unchecked: no map;
    allowed: it lies under the parcel, and is let through; clear: it does not."""

    BARRED = "barred"
    UNDECIDED = "undecided"
    UNCHECKED = "unchecked"
    ALLOWED = "allowed"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of constraint means for some sink types."""

    kind: LayerKind
    sink_types: tuple[SinkType, ...]
    effect: Effect
    step: Step
    source: str


# Articles as read: 森林法 2019, 基本农田保护条例 2011, 湿地保护法 2021, 自然保护区条例 2017. 公益林 and
# 天然林 may be tended but hardly cut, and bamboo management is cutting: whether their growth is the
# project's own is for the registrar. Redline: 自然资发〔2022〕142号 (quoted from memory).
RULES = (
    Rule(
        LayerKind.BASIC_FARMLAND, (SinkType.BAMBOO, SinkType.OTHER, SinkType.WETLAND),
        Effect.FORBIDS, Step.ENROL,
        "基本农田保护条例第十七条：禁止占用基本农田发展林果业和挖塘养鱼；"
        "湿地保护法第三十九条：禁止违法占用耕地建设人工湿地",
    ),
    Rule(
        LayerKind.BASIC_FARMLAND, (SinkType.TEA,), Effect.POLICY, Step.ENROL,
        "基本农田保护条例第十七条（林果业）；既有茶园是否属之由登记机构决定",
    ),
    Rule(
        LayerKind.PUBLIC_WELFARE_FOREST, FOREST, Effect.POLICY, Step.CREDIT,
        "森林法第四十九条、第五十五条第一项：公益林只能进行抚育、更新和低质低效林改造性质的采伐",
    ),
    Rule(
        LayerKind.NATURAL_FOREST, FOREST, Effect.POLICY, Step.CREDIT,
        "森林法第三十二条：天然林全面保护，严格限制采伐",
    ),
    Rule(
        LayerKind.PROTECTED_AREA,
        (SinkType.BAMBOO, SinkType.OTHER, SinkType.TEA, SinkType.FARMLAND),
        Effect.POLICY, Step.CREDIT,
        "自然保护区条例第二十六条：禁止砍伐、开垦等；森林法第五十五条第三项：实验区的竹林除外",
    ),
    Rule(
        LayerKind.ECOLOGICAL_REDLINE,
        (SinkType.BAMBOO, SinkType.OTHER, SinkType.TEA, SinkType.FARMLAND),
        Effect.POLICY, Step.CREDIT,
        "自然资发〔2022〕142号：红线内限于有限人为活动（记忆，待核对原文）；"
        "湿地不在此列：湿地保护法第十四条本来就把重要湿地划入红线",
    ),
)  # fmt: skip
POLICY_KEYS = MappingProxyType(
    {
        LayerKind.PUBLIC_WELFARE_FOREST: "constraint.public_welfare_forest",
        LayerKind.NATURAL_FOREST: "constraint.natural_forest",
        LayerKind.PROTECTED_AREA: "constraint.protected_area",
        LayerKind.ECOLOGICAL_REDLINE: "constraint.ecological_redline",
        LayerKind.BASIC_FARMLAND: "constraint.basic_farmland_tea",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one map or attribute says about one parcel.

    code : of a layer kind, or ``land_class``
    step : at which a barred or undecided parcel is stopped; None where nothing stops it
    """

    parcel_id: int
    code: str
    title: str
    verdict: Verdict
    message: str
    step: Step | None = None
    source: str = ""
    under: Under | None = None


class NotEligible(Conflict):
    """What lies under the parcel, or what it is, keeps it from this step."""


def findings(session: Session, parcel_ids: Sequence[int]) -> dict[int, list[Finding]]:
    """What every kind of constraint and the land class say, by parcel."""
    known = session.execute(
        select(Parcel.id, Parcel.sink_type, Parcel.district_code).where(Parcel.id.in_(parcel_ids))
    ).all()
    ids = [row.id for row in known]
    covered = constraint_layers.coverage(session)
    shared = constraint_layers.under(session, ids)
    held = attributes.present_of(session, ids)
    decided = {key: policies.find(session, key) for key in POLICY_KEYS.values()}
    found: dict[int, list[Finding]] = {}
    for parcel_id, sink_type, district_code in known:
        found[parcel_id] = [
            _constraint(
                parcel_id,
                SinkType(sink_type),
                kind,
                covered.get((kind, district_code)),
                [one for one in shared[parcel_id] if one.kind == kind],
                decided,
            )
            for kind in CONSTRAINTS
        ]
        held_here = held.get(parcel_id, {})
        if sink_type == SinkType.WETLAND:
            found[parcel_id].append(_wetness(parcel_id, held_here))
    return found


def _constraint(
    parcel_id: int,
    sink_type: SinkType,
    kind: LayerKind,
    layer: ConstraintLayer | None,
    shared: list[Under],
    decided: dict[str, policies.Policy | None],
) -> Finding:
    word = KIND_ZH[kind]
    # Two maps of one kind can both reach the parcel at a county line: the larger share speaks.
    most = max(shared, key=lambda one: one.shared_m2, default=None)
    if most is None or not most.deep:
        if layer is None:
            return Finding(
                parcel_id, kind, word, Verdict.UNCHECKED, f"{word}：未导入，未核查。", under=most
            )
        if layer.refused:
            # Any of them could lie here.
            said = f"{word}：“{layer.name}”有 {len(layer.refused)} 个图形未能读入，未能全部核查。"
            return Finding(parcel_id, kind, word, Verdict.UNCHECKED, said, under=most)
        return Finding(parcel_id, kind, word, Verdict.CLEAR, f"{word}：不涉及。", under=most)
    said = f"{word}：占 {most.shared_m2:,.0f} 平方米（{most.share:.1%}），见“{most.layer_name}”"
    rule = next((one for one in RULES if one.kind == kind and sink_type in one.sink_types), None)
    if rule is None:
        return Finding(parcel_id, kind, word, Verdict.ALLOWED, f"{said}。", under=most)
    if rule.effect == Effect.FORBIDS:
        verdict, so = Verdict.BARRED, "，不能入库"
    else:
        policy = decided[POLICY_KEYS[kind]]
        if policy is None:
            verdict, so = Verdict.UNDECIDED, "，登记机构尚未决定是否计入"
        elif policy.value == "allow":
            verdict, so = Verdict.ALLOWED, f"，按登记机构的决定可以计入（{policy.legal_basis}）"
        else:
            verdict, so = Verdict.BARRED, f"，按登记机构的决定不计入（{policy.legal_basis}）"
    step = rule.step if verdict in (Verdict.BARRED, Verdict.UNDECIDED) else None
    return Finding(
        parcel_id, kind, word, verdict, f"{said}{so}。", step=step, source=rule.source, under=most
    )


def _wetness(parcel_id: int, held: dict[AttributeKind, attributes.ParcelAttribute]) -> Finding:
    """Whether land that is to be a wetland sink is of a class that can be one."""
    row = held.get(AttributeKind.LAND_CLASS)
    title = "地类"
    if row is None:
        return Finding(
            parcel_id, "land_class", title, Verdict.UNDECIDED,
            "湿地须有经复核的地类（国土三调）才能计入监测期：水田、坑塘不是湿地。请录入地类。",
            step=Step.CREDIT, source="湿地保护法第二条；浙江省湿地保护条例（2026）所列 13 类",
        )  # fmt: skip
    one = LAND_CLASSES[row.value["code"]]
    if one.wetness != Wetness.WETLAND:
        return Finding(
            parcel_id, "land_class", title, Verdict.BARRED, f"地类是{one.name}：{one.why}",
            step=Step.ENROL, source="湿地保护法第二条",
        )  # fmt: skip
    return Finding(
        parcel_id, "land_class", title, Verdict.ALLOWED, f"地类是{one.name}（{one.code}），属湿地。"
    )


def obstacles(session: Session, parcel_ids: Sequence[int], step: Step) -> dict[int, list[Finding]]:
    """What stops parcels at a step; parcels that nothing stops are left out.

    What stops an enrolment stops a credit as well.
    """
    steps = (Step.ENROL,) if step == Step.ENROL else (Step.ENROL, Step.CREDIT)
    found = {
        parcel_id: [
            one for one in all_of_it
            if one.verdict in (Verdict.BARRED, Verdict.UNDECIDED) and one.step in steps
        ]
        for parcel_id, all_of_it in findings(session, parcel_ids).items()
    }  # fmt: skip
    return {parcel_id: stopped for parcel_id, stopped in found.items() if stopped}


def refuse(session: Session, parcel_id: int, step: Step) -> None:
    """Refuse a parcel at a step, naming everything in the way with its source.

    Raises
    ------
    NotEligible
    """
    stopped = obstacles(session, [parcel_id], step).get(parcel_id)
    if not stopped:
        return
    code = session.scalar(select(Parcel.code).where(Parcel.id == parcel_id))
    reasons = "；".join(f"{one.message.rstrip('。')}（{one.source}）" for one in stopped)
    what = "入库" if step == Step.ENROL else "计入监测期"
    raise NotEligible(
        f"地块 {code} 不能{what}：{reasons}。",
        code="undecided" if all(one.verdict == Verdict.UNDECIDED for one in stopped) else "barred",
    )
