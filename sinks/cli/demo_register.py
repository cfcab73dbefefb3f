"""The demonstration's parcels at every step of their life, with rights and contracts."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.cli import demo_land
from sinks.cli.demo_land import Outline
from sinks.cli.demo_people import MARK, Stage, household_name
from sinks.cooperative import contracts
from sinks.core import people
from sinks.core.actor import Actor
from sinks.core.people import PartyKind
from sinks.land import claims, parcel_outlines, parcels, rights
from sinks.land.parcels import SinkType, Status

HOUSEHOLDS = 40
RIGHTS_FROM, RIGHTS_TO = date(2019, 1, 1), date(2056, 1, 1)
CONTRACT_FROM, CONTRACT_TO = date(2023, 1, 1), date(2053, 1, 1)
# The measured increment of moso stands in Anji is near 0.39 t CO2 a mu and year.
ESTIMATE_KG_MU_YEAR = 390
OVERLAP_M = 25.0
DISTRICT_ZH = {
    "330502": "湖州市吴兴区",
    "330503": "湖州市南浔区",
    "330521": "德清县",
    "330522": "长兴县",
    "330523": "安吉县",
}
D, S, R, E = Status.DRAFT, Status.SUBMITTED, Status.RIGHTS_REVIEWED, Status.ENROLLED
SUSPENDED, WITHDRAWN = Status.SUSPENDED, Status.WITHDRAWN
# How many parcels of a village stand at which step, from its middle outwards; the rest is enrolled.
STEPS = {
    "luocun": ((E, 8), (R, 2)),
    "baishuiwan": ((R, 9),),
    "jianshan": ((S, 8),),
    "laoshikan": ((D, 8),),
    "houwu": ((E, 5), (SUSPENDED, 1), (WITHDRAWN, 1), (S, 1)),
    "hemu": ((E, 7), (R, 2), (S, 3)),
    "tuying": ((E, 5), (D, 3)),
    "digang": ((E, 6), (R, 3), (S, 3)),
    "shangqiang": ((E, 8), (D, 4)),
    "xilong": ((E, 5), (R, 3), (S, 2)),
    "fangyi": ((S, 5), (D, 3)),
}
# Drawn too large, into their neighbours, by village and place in it.
OVERLAPPING = {("luocun", 8), ("luocun", 9), ("laoshikan", 7), ("tuying", 7)}
# Certificates that state another area than the outline has.
DECLARED_SHARE = {
    ("baishuiwan", 1): 1.09,
    ("jianshan", 2): 0.92,
    ("shangqiang", 9): 1.12,
    ("xilong", 6): 1.08,
}
# Whose management right (流转) carries a project where no contract does, by village and from which
# place on; elsewhere the village manages its land itself.
MANAGERS = {
    "hengxiwu": ("developer", 0),
    "dazhuyuan": ("developer", 0),
    "jingxi": ("developer", 0),
    "tongli": ("anji_cooperative", 0),
    "xiayang": ("anji_cooperative", 0),
    "daxi": ("anji_cooperative", 10),
    "yucun": ("anji_cooperative", 8),
    "liujiatang": ("anji_cooperative", 6),
    "laoling": ("deqing_cooperative", 0),
    "xiantan": ("deqing_cooperative", 6),
    "morong": ("nanxun_cooperative", 9),
    "tangjing": ("deqing_cooperative", 8),
}
EXIT_CLAUSE = "提前一年书面通知可退出；已签发的碳汇量不受影响。"


@dataclass(frozen=True, slots=True)
class Land:
    """What was put in the register: parcel ids by village, and parties by village and household."""

    parcel_ids: dict[str, list[int]]
    villages: dict[str, int]
    households: list[int]
    # Parcel id -> the household that holds its use.
    holders: dict[int, int]


def add_land(stage: Stage) -> Land:
    """Draw every parcel, file its rights and take it to its step."""
    villages, households = _add_holders(stage)
    land = Land({}, villages, households, {})
    for number, key in enumerate(demo_land.VILLAGES):
        drawer, reviewer = ("officer1", "officer2") if number % 2 == 0 else ("officer2", "officer1")
        _draw(stage, drawer, key, land)
        _review(stage, reviewer, key, land.parcel_ids[key])
    return land


def _add_holders(stage: Stage) -> tuple[dict[str, int], list[int]]:
    with stage.acting("officer1") as (session, actor):
        villages = {
            key: people.add_party(
                session, actor, kind=PartyKind.VILLAGE,
                name=f"{village.name}股份经济合作社{MARK}",
            ).id
            for key, village in demo_land.VILLAGES.items()
        }  # fmt: skip
        households = [
            people.add_party(
                session, actor, kind=PartyKind.HOUSEHOLD, name=household_name(number)
            ).id
            for number in range(HOUSEHOLDS)
        ]
    return villages, households


def step_of(key: str, place: int) -> Status:
    """The step at which a parcel of a village stands, by its place from the middle."""
    for status, count in STEPS.get(key, ()):
        if place < count:
            return status
        place -= count
    return Status.ENROLLED


def _draw(stage: Stage, drawer: str, key: str, land: Land) -> None:
    land.parcel_ids[key] = []
    with stage.acting(drawer) as (session, actor):
        for place, outline in enumerate(demo_land.outlines(key)):
            boundary = outline.boundary
            if (key, place) in OVERLAPPING:
                boundary = demo_land.widened(boundary, OVERLAP_M)
            share = DECLARED_SHARE.get((key, place))
            parcel = parcel_outlines.create(
                session, actor, boundary=boundary, sink_type=outline.village.sink_type,
                name=outline.name, township=outline.village.township,
                declared_area_m2=outline.declared_area_m2
                if share is None and boundary is outline.boundary
                else round(geometry.area_m2(boundary) * (share or 1.0), 1),
                source_name="演示数据 synthetic", demonstration=True,
            )  # fmt: skip
            land.parcel_ids[key].append(parcel.id)
            status = step_of(key, place)
            if status != Status.DRAFT or place % 2 == 0:
                manager, first = MANAGERS.get(key, ("", 0))
                manager_id = (
                    stage.parties[manager] if manager and place >= first else land.villages[key]
                )
                _file_rights(
                    session, actor, outline, parcel.id, parcel.district_code, land, manager_id
                )
            if status != Status.DRAFT:
                parcels.submit(session, actor, parcel.id)


def _file_rights(
    session: Session,
    actor: Actor,
    outline: Outline,
    parcel_id: int,
    district_code: str,
    land: Land,
    manager_id: int,
) -> None:
    """The collective owns the land, households use forest and tea land, one party manages it."""
    village_id = land.villages[outline.village.key]
    certificate_no = (
        f"浙（2023）{DISTRICT_ZH[district_code]}{MARK}不动产权第{10_000 + parcel_id:07d}号"
    )
    filed = [(village_id, rights.RightKind.LAND_OWNERSHIP, Decimal(1), "real_estate")]
    if outline.village.sink_type in (SinkType.BAMBOO, SinkType.TEA):
        first = land.households[parcel_id % HOUSEHOLDS]
        second = land.households[(parcel_id * 7 + 3) % HOUSEHOLDS]
        land.holders[parcel_id] = first
        if parcel_id % 4 == 0 and second != first:
            filed.append((first, rights.RightKind.LAND_USE, Decimal("0.6"), "real_estate"))
            filed.append((second, rights.RightKind.LAND_USE, Decimal("0.4"), "real_estate"))
        else:
            filed.append((first, rights.RightKind.LAND_USE, Decimal(1), "real_estate"))
    filed.append((manager_id, rights.RightKind.MANAGEMENT, Decimal(1), "contract"))
    for party_id, kind, share, certificate_kind in filed:
        rights.add(
            session, actor, parcel_id=parcel_id, party_id=party_id, kind=kind, share=share,
            certificate_kind=certificate_kind,
            certificate_no=certificate_no
            if certificate_kind == "real_estate"
            else f"流转合同-{parcel_id:05d}{MARK}",
            term_from=RIGHTS_FROM, term_to=RIGHTS_TO,
        )  # fmt: skip


def _review(stage: Stage, reviewer: str, key: str, parcel_ids: list[int]) -> None:
    with stage.acting(reviewer) as (session, actor):
        for place, parcel_id in enumerate(parcel_ids):
            status = step_of(key, place)
            if status in (Status.DRAFT, Status.SUBMITTED):
                continue
            rights.review(session, actor, parcel_id)
            if status == Status.RIGHTS_REVIEWED:
                continue
            claims.enrol(session, actor, parcel_id)
            if status == Status.SUSPENDED:
                parcels.suspend(session, actor, parcel_id, "演示：相邻村反映界线不清，暂停计入")
            elif status == Status.WITHDRAWN:
                claims.withdraw(session, actor, parcel_id, "演示：改作他用，退出")


def add_contracts(stage: Stage, land: Land) -> dict[str, int]:
    """Draft and sign the collection contracts; their ids by key. Two wait for the second clerk."""
    ids = land.parcel_ids
    plan = (
        ("daxi", "clerk1", "clerk2", land.villages["daxi"], ids["daxi"][:9]),
        ("yucun", "clerk1", "clerk2", land.villages["yucun"], ids["yucun"][:8]),
        ("household", "clerk1", "clerk2", land.holders[ids["daxi"][9]], ids["daxi"][9:10]),
        ("henglu", "clerk1", "clerk2", land.villages["henglu"], ids["henglu"]),
        ("liujiatang", "clerk2", "clerk1", land.villages["liujiatang"], ids["liujiatang"][:6]),
        ("shiling", "clerk1", "clerk2", land.villages["shiling"], ids["shiling"]),
        ("luocun", "clerk1", None, land.villages["luocun"], ids["luocun"][:3]),
        ("xiantan", "clerk3", "clerk4", land.villages["xiantan"], ids["xiantan"][:6]),
        ("hemu", "clerk3", "clerk4", land.villages["hemu"], ids["hemu"][:5]),
        ("houwu", "clerk3", None, land.villages["houwu"], ids["houwu"][:2]),
    )
    found = {}
    for number, (key, drafter, signer, counterparty_id, parcel_ids) in enumerate(plan, start=1):
        found[key] = _contract(stage, number, drafter, signer, counterparty_id, parcel_ids)
    return found


def _contract(
    stage: Stage,
    number: int,
    drafter: str,
    signer: str | None,
    counterparty_id: int,
    parcel_ids: list[int],
) -> int:
    with stage.acting(drafter) as (session, actor):
        area_m2 = sum(parcels.present_version(session, one).area_m2 for one in parcel_ids)
        years = CONTRACT_TO.year - CONTRACT_FROM.year
        contract_id = contracts.draft(
            session, actor, number=f"演示收储-{number:03d}", counterparty_id=counterparty_id,
            parcel_ids=parcel_ids, term_from=CONTRACT_FROM, term_to=CONTRACT_TO,
            fee_fen_mu_year=1_500, net_share=Decimal("0.70"),
            estimate_kg=round(area_m2 / geometry.M2_PER_MU * ESTIMATE_KG_MU_YEAR * years),
            exit_clause=EXIT_CLAUSE,
        ).id  # fmt: skip
    if signer:
        with stage.acting(signer) as (session, actor):
            contracts.sign(session, actor, contract_id)
    return contract_id
