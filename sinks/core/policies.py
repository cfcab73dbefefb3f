"""Policies: every number that a registrar decides, as a dated row with its legal basis.

A fresh registry holds the suggestions of the specifications as proposals, none in force. Two
people put one in force, never backwards in time. Measuring may look at a proposal; issuing only
at what is in force.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted


@dataclass(frozen=True, slots=True)
class Kind:
    """A decision that the registrar has to take.

    suggested
        What the specifications suggest; a proposal, never a default. None where they suggest
        nothing: the registrar finds the value himself.
    """

    key: str
    title_zh: str
    title_en: str
    unit: str
    suggested: Any
    choices: tuple[str, ...] | None
    low: float | None
    high: float | None
    source: str

    def check(self, value: Any) -> None:
        """Refuse a value that this decision cannot have."""
        if self.choices is not None:
            if value not in self.choices:
                raise Invalid(
                    f"{self.title_zh}只能是：{'、'.join(self.choices)}。", code="policy_value"
                )
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Invalid(f"{self.title_zh}应为数字。", code="policy_value")
        elif not (self.low or 0.0) <= value <= (self.high or float("inf")):
            raise Invalid(
                f"{self.title_zh}应在 {self.low} 到 {self.high} 之间。", code="policy_value"
            )


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "deduction.moso-mgmt", "竹林经营不确定性扣减", "Uncertainty deduction, moso", "",
            "ar_tool14", ("ar_tool14", "ar_cm", "gs403"), None, None,
            "AR-TOOL14 v04.2 附录 2 表 1",
        ),
        Kind(
            "buffer_share.moso-mgmt", "竹林经营缓冲池比例", "Buffer share, moso", "份额 0–1",
            0.10, None, 0.0, 0.5, "CCER-14-001 K_RISK 10 %（记忆值，待核对原文）",
        ),
        Kind(
            "bgb_change_mode.moso-mgmt", "地下部分变化量算法", "Below-ground change, moso", "",
            "proportional", ("proportional", "none"), None, None, "规格说明 1.6",
        ),
        Kind(
            "allocation.moso-mgmt", "碳汇量分摊到地块的依据", "Allocation to parcels", "",
            "area", ("area", "map_change"), None, None, "规格说明 4.8",
        ),
        Kind(
            "baseline.moso-mgmt", "竹林经营基准线的最低依据", "Weakest baseline admitted, moso", "",
            "control_plots", ("steady_state", "trend", "control_plots"), None, None,
            "规格说明 1.8、6.6（建议对照样地）",
        ),
        Kind(
            "min_plots_per_stratum", "每层最少样地数", "Plots per stratum, at least", "块",
            3, None, 2, 1000, "规格说明 1.10",
        ),
        Kind(
            "plot_days_max", "样地调查日与图层日期最多相差", "Plot visit from layer date, at most",
            "天", 183, None, 0, 366, "规格说明 1.7（同一季节）",
        ),
        Kind(
            "plot_position_max_m", "样地离抽取位置最多相差", "Plot from its drawn place, at most",
            "m", 10, None, 1, 100, "建议（手持卫星定位在林下的误差；没有外部依据）",
        ),
        Kind(
            "remeasure_share", "盲测复测的样地比例（至少一块）",
            "Share of plots measured a second time, one at least", "份额 0–1",
            0.10, None, 0.01, 1.0, "建议（一成复测；没有外部依据）",
        ),
        Kind(
            "remeasure_tolerance_share", "复测与初测的样地地上生物量最多相差",
            "Second from first measurement of a plot, at most", "份额 0–1",
            0.10, None, 0.01, 0.5, "建议（没有外部依据）",
        ),
        Kind(
            "gwp_set", "全球增温潜势取值", "GWP set", "", "ar6", ("ar5", "ar6"), None, None,
            "IPCC AR6 WG1 表 7.15；AR5 表 8.A.1",
        ),
        Kind(
            "unit_kg", "登记单位", "Registry unit", "kg CO2e", 1000, None, 1, 1000,
            "已公开交易以 1 t、0.01 t 或 10 kg 为单位",
        ),
        Kind(
            "notice_days.project", "项目公示期", "Notice of a project", "工作日",
            7, None, 0, 60, "法律与实践说明 6.1（建议）",
        ),
        Kind(
            "notice_days.round", "监测期公示期", "Notice of a monitoring round", "工作日",
            7, None, 0, 60, "法律与实践说明 6.1（建议）",
        ),
        Kind(
            "valid_share_min", "图层有效覆盖下限", "Least share of a parcel on valid cells",
            "份额 0–1", 0.80, None, 0.5, 1.0, "规格说明 4.1",
        ),
        Kind(
            "consent_publicity_days", "集体同意的公示天数", "Publication of a collective's consent",
            "天", 7, None, 1, 90, "森林法第十八条要求公示而未定天数；法律与实践说明 6.1（建议）",
        ),
        Kind(
            "constraint.public_welfare_forest", "公益林上的竹林和其他林地能否计入",
            "Forest sinks on public-welfare forest", "", "refuse", ("allow", "refuse"), None, None,
            "森林法第四十九条、第五十五条（从严建议）",
        ),
        Kind(
            "constraint.natural_forest", "天然林上的竹林和其他林地能否计入",
            "Forest sinks on natural forest", "", "refuse", ("allow", "refuse"), None, None,
            "森林法第三十二条（从严建议）",
        ),
        Kind(
            "constraint.protected_area", "自然保护地内（湿地除外）能否计入",
            "Sinks, other than wetland, in protected areas", "", "refuse", ("allow", "refuse"),
            None, None, "自然保护区条例第二十六条（从严建议）",
        ),
        Kind(
            "constraint.ecological_redline", "生态保护红线内（湿地除外）能否计入",
            "Sinks, other than wetland, inside the ecological redline", "", "refuse",
            ("allow", "refuse"), None, None, "自然资发〔2022〕142号（记忆，从严建议）",
        ),
        Kind(
            "constraint.basic_farmland_tea", "永久基本农田上的既有茶园能否入库",
            "Tea gardens on permanent basic farmland", "", "refuse", ("allow", "refuse"), None,
            None, "基本农田保护条例第十七条（从严建议）",
        ),
        Kind(
            "enrolment_expiry_days", "未签合同、未核算的入库多久失效",
            "Unproven enrolment expires after", "天", 365, None, 30, 3650,
            "建议（一个监测年度；没有外部依据）",
        ),
        Kind(
            "programme_pools", "其他机制占用的土地，碳库不同可否入库",
            "Land claimed by another programme for another pool", "",
            "refuse", ("refuse", "differ"), None, None,
            "法律与实践说明 3.3：同一地块、同一年份、同一碳库跨机制只计一次",
        ),
        Kind(
            "deduction.forest", "造林、茶园（样地实测）不确定性扣减",
            "Uncertainty deduction, plot-measured forest and tea", "",
            "ar_tool14", ("ar_tool14", "ar_cm", "gs403"), None, None,
            "AR-TOOL14 v04.2 附录 2 表 1；竹茶林方法说明 1.10",
        ),
        Kind(
            "deduction.tier1", "缺省因子法不确定性扣减（减施氮、稻田、土壤碳、生物炭、湿地）",
            "Uncertainty deduction, default factors", "",
            "poe_flat", ("poe_flat", "poe", "flat", "ar_tool14"), None, None,
            "湿地农田方法说明 4.4、O-3：按超越概率扣减且不少于 15 %",
        ),
        Kind(
            "deduction.farmland-soc-measured", "实测土壤碳不确定性扣减",
            "Uncertainty deduction, measured soil carbon", "",
            "poe", ("poe", "ar_tool14", "flat"), None, None, "湿地农田方法说明 4.4、O-3",
        ),
        Kind(
            "deduction.residue-burning", "秸秆禁烧不确定性扣减",
            "Uncertainty deduction, residue burning", "",
            "flat", ("flat",), None, None, "因子没有公布区间，只有固定扣减可用；VM0051",
        ),
        Kind(
            "buffer_share.forest", "造林、茶园缓冲池比例", "Buffer share, forest and tea", "份额 0–1",
            0.10, None, 0.0, 0.5, "CCER-14-001 K_RISK 10 %（记忆值，待核对原文）",
        ),
        Kind(
            "buffer_share.farmland-wetland", "农田、湿地移除的缓冲池比例",
            "Buffer share, removals of farmland and wetland", "份额 0–1",
            0.10, None, 0.0, 0.5, "湿地农田方法说明 1.1（只对移除计，减排不计）；比例比照造林",
        ),
        Kind(
            "baseline.forest", "造林基准线的最低依据", "Weakest baseline admitted, planting", "",
            "control_plots", ("steady_state", "trend", "control_plots"), None, None,
            "比照竹林经营从严建议；CCER-14-001 的基准线规定未读到原文",
        ),
        Kind(
            "baseline.tea", "茶园基准线的最低依据", "Weakest baseline admitted, tea", "",
            "control_plots", ("steady_state", "trend", "control_plots"), None, None,
            "竹茶林方法说明 2.3（同龄常规茶园对照；十五年以上可取零）；从严建议对照样地",
        ),
        Kind(
            "product_pool.moso-aff", "毛竹造林是否计入竹材产品", "Product pool, moso planting", "",
            "off", ("off", "on"), None, None, "竹茶林方法说明 1.9、6.5（默认不计）",
        ),
        Kind(
            "min_volume_m3_ha.forest-aff", "林分方程可用的最小蓄积",
            "Least volume for the stand equations", "m³/ha",
            10.0, None, 0.0, 100.0, "竹茶林方法说明 3.2（截距会虚增小蓄积林分）",
        ),
        Kind(
            "credit_age_max_years.tea", "茶园增长计入的最大园龄", "Greatest age credited, tea", "年",
            25, None, 1, 100, "竹茶林方法说明 2.3（方程拟合范围上限）",
        ),
        Kind(
            "market_leakage_share.moso-mgmt", "少采的竹材由别处补上的比例（市场泄漏）",
            "Harvest made up elsewhere (market leakage)", "份额 0–1",
            None, None, 0.0, 1.0,
            "竹茶林方法说明 1.12：只在项目采伐少于基线时用到；没有文献给出本地比例，由登记机构确定",
        ),
        Kind(
            "pruning_plane_m.tea", "茶园修剪面高度", "Pruning plane, tea", "m",
            0.5, None, 0.1, 2.0, "Shiratori 等 2024（静冈），本地值待测",
        ),
        Kind(
            "baseline_n_cap_kg_ha.tea-n2o", "减施氮肥基线施氮的上限（当地推荐量）",
            "Cap on the baseline nitrogen, tea N2O", "千克氮/公顷·年",
            None, None, 1.0, 2000.0,
            "竹茶林方法说明 2.5：以当地推荐施肥量封顶，多施的不得利；推荐量没有查到，由登记机构确定",
        ),
        Kind(
            "min_record_years.tea-n2o", "减施氮肥基线记录最少年数", "Baseline records, tea N2O", "年",
            3, None, 1, 10, "竹茶林方法说明 2.5",
        ),
        Kind(
            "yield_drop_max_share.tea-n2o", "减施氮肥允许的减产", "Yield drop allowed, tea N2O",
            "份额 0–1", 0.05, None, 0.0, 1.0, "竹茶林方法说明 2.5",
        ),
        Kind(
            "issue_tier1.farmland-soc", "缺省因子的土壤碳能否签发", "Issue Tier 1 soil carbon", "",
            "no", ("no", "yes"), None, None, "湿地农田方法说明 2.1、O-1（建议不签发）",
        ),
        Kind(
            "baseline.farmland-soc-measured", "实测土壤碳的基线", "Baseline of measured soil carbon", "",
            "control", ("control", "zero"), None, None, "湿地农田方法说明 2.2、O-2（建议对照）",
        ),
        Kind(
            "water_draws.paddy-ch4", "稻田水分因子两情景的抽样", "Draws of paddy water factors", "",
            "comonotonic", ("comonotonic", "independent"), None, None,
            "湿地农田方法说明 O-4（同一田块建议同向）",
        ),
        Kind(
            "herb_gain.wetland-balance", "湿地草本长期增量", "Lasting gain of wetland herbs", "",
            "never", ("never", "once_5_years"), None, None, "湿地农田方法说明 3.3、O-5（首版建议不计）",
        ),
    )
}  # fmt: skip


class Policy(Base):
    """A decision with the dates between which it holds: [valid_from, valid_to)."""

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("approved_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint(
            "(approved_by_id is null) = (valid_from is null)", name="dated_when_approved"
        ),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(index=True)
    value: Mapped[Any] = mapped_column(JSONB)
    legal_basis: Mapped[str]
    demonstration: Mapped[bool]
    # Null: the set-up of the registry wrote down the suggestion.
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    recorded_at: Mapped[RecordedAt]


class PolicyMissing(Conflict):
    """The registrar has not decided this yet."""

    def __init__(self, *keys: str) -> None:
        names = "、".join(f"{KINDS[key].title_zh}（{key}）" for key in keys)
        super().__init__(
            f"登记机构尚未决定：{names}。请两人在“设置·政策”中使其生效后再办理。",
            code="policy_missing",
        )
        self.keys = keys


def seed_suggestions(session: Session) -> None:
    """Write the suggestions down as proposals, once."""
    held = set(session.scalars(select(Policy.key)))
    for kind in KINDS.values():
        if kind.key not in held and kind.suggested is not None:
            session.add(
                Policy(
                    key=kind.key,
                    value=kind.suggested,
                    legal_basis=f"建议值，来源：{kind.source}",
                    demonstration=False,
                )
            )


def propose(
    session: Session,
    actor: Actor,
    *,
    key: str,
    value: Any,
    legal_basis: str,
    demonstration: bool = False,
) -> Policy:
    """Propose a value with its legal basis. It binds nobody until a second person approves it."""
    actor.require(Role.REGISTRAR, Role.ADMIN)
    kind = KINDS.get(key)
    if kind is None:
        raise NotFound(f"没有这项政策：{key}。", code="policy_key")
    kind.check(value)
    if not legal_basis.strip():
        raise Invalid("请写明依据（文件名、文号、条款）。", code="legal_basis")
    row = Policy(
        key=key,
        value=value,
        legal_basis=legal_basis.strip(),
        demonstration=demonstration,
        proposed_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "policy.propose", f"policy:{key}", {"value": value, "id": row.id})
    return row


def approve(session: Session, actor: Actor, policy_id: int, *, valid_from: date) -> Policy:
    """Put a proposal in force from a date on; the one before it ends that day.

    Raises
    ------
    NotPermitted
        The proposer himself, or the suggestion of the set-up, which nobody has proposed yet.
    Conflict
        The date lies in the past, or before the value now in force began.
    """
    actor.require(Role.REGISTRAR, Role.ADMIN)
    row = session.get(Policy, policy_id, with_for_update=True, populate_existing=True)
    if row is None or row.approved_by_id:
        raise NotFound("没有等待批准的这项政策。", code="policy")
    if row.proposed_by_id is None:
        raise NotPermitted(
            "这是系统写下的建议值。请先由一人以其名义提出，再由另一人批准。", code="not_proposed"
        )
    if row.proposed_by_id == actor.person_id:
        raise NotPermitted("提出人不能批准自己的提议，须由另一人批准。", code="two_people")
    if valid_from < today(session):
        raise Conflict("政策不能溯及既往，生效日期不得早于今天。", code="backwards")
    before = session.scalar(
        select(Policy)
        .where(Policy.key == row.key, Policy.approved_by_id.is_not(None), Policy.valid_to.is_(None))
        .with_for_update()
    )
    if before is not None and before.valid_from is not None:
        if before.valid_from > valid_from:
            raise Conflict(
                f"已有一项自 {before.valid_from} 起生效的政策，新政策须在其后。", code="backwards"
            )
        before.valid_to = valid_from
    row.approved_by_id, row.valid_from = actor.person_id, valid_from
    session.flush()
    audit.record(
        session, actor, "policy.approve", f"policy:{row.key}",
        {"value": row.value, "id": row.id, "valid_from": valid_from.isoformat()},
    )  # fmt: skip
    return row


def find(session: Session, key: str, on: date | None = None) -> Policy | None:
    """The row in force on a date (today if none is given), or None."""
    day = on or today(session)
    return session.scalar(
        select(Policy)
        .where(
            Policy.key == key,
            Policy.valid_from <= day,
            (Policy.valid_to.is_(None)) | (Policy.valid_to > day),
        )
        .order_by(Policy.valid_from.desc(), Policy.id.desc())
        .limit(1)
    )


def in_force(session: Session, *keys: str, on: date | None = None) -> dict[str, Policy]:
    """The rows in force, by key.

    Raises
    ------
    PolicyMissing
        Names every one that is not decided.
    """
    found = {key: find(session, key, on) for key in keys}
    if missing := [key for key, row in found.items() if row is None]:
        raise PolicyMissing(*missing)
    return {key: row for key, row in found.items() if row is not None}


def value_or_suggestion(session: Session, key: str) -> tuple[Any, bool]:
    """The value to calculate with, and whether it is in force. Never enough for issuing.

    None where nothing is in force and nothing is suggested: the method then refuses by name.
    """
    row = find(session, key)
    return (row.value, True) if row else (KINDS[key].suggested, False)


def listing(session: Session) -> list[Policy]:
    """Every row, newest first within its key."""
    return list(session.scalars(select(Policy).order_by(Policy.key, Policy.id.desc())))


def demonstration_in_force(session: Session) -> bool:
    """Whether any value in force is marked as demonstration: every paper then says so."""
    return any(
        row.demonstration and row.valid_from is not None and row.valid_to is None
        for row in listing(session)
    )
