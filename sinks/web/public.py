"""The public pages: no login, no script. What anybody may read, and nothing else.

Every query runs in a transaction that names nobody, so row-level security hides households and
court cases whatever is written here. Names of organisations, counts, total areas and amounts are
shown; never a person, an outline, or a project that is still a draft.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sinks.core import db
from sinks.core.actor import Role
from sinks.core.errors import Invalid, NotFound
from sinks.core.people import Party, PartyKind, Person, RoleGrant
from sinks.crediting import balances, certificates, projects, rounds, serials, signatures
from sinks.crediting.certificates import Answer, Certificate, CertificateBlock, CertificateKind
from sinks.crediting.ledger import Batch, Block, BlockState
from sinks.crediting.projects import Project, ProjectParcel
from sinks.crediting.rounds import MonitoringRound
from sinks.land.parcels import ParcelVersion
from sinks.measurement import runs
from sinks.web import answers, frame, words

TYPED_LENGTH_MAX = 2000
# A certificate with thousands of serials prints well below this.
FILE_BYTES_MAX = 8 * 1024 * 1024
# Why a paper is none of ours, by the code of the check's answer.
REFUSED_EN = {
    "certificate_form": "That is no certificate number. One looks like "
    f"{serials.certificate_number(2026, 1)}.",
    "certificate_check": "The check characters do not fit: a character was mistyped or made up.",
    "no_certificate": "The number is well formed, but the registry has no such certificate.",
    "signature_form": "That is no text signed by the registry, or part of it is missing.",
    "key_unknown": "It is signed by a key that is not the registry's.",
    "signature": "The signature does not fit: the content was altered or forged.",
    "key_revoked": "The key that signed it has been revoked, so the signature proves nothing. "
    "Check the certificate by its number.",
    "another_paper": "The QR code belongs to another certificate than this number.",
    "not_in_ledger": "The signature fits, but the registry has issued no such certificate. "
    "Please tell the registrar at once.",
    "no_signature": "This file is no original of the registry: it bears no signature of it.",
    "altered": "This file is no original of the registry: it has been altered.",
}
KG = (func.upper(Block.units) - func.lower(Block.units)) * Batch.unit_kg


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as the public may read it; ``owner`` is None when it is not an organisation.

    issued_kg counts every unit issued, those in the buffer and those retired included.
    """

    id: int
    code: str
    name: str
    sink_type: str
    district_code: str
    method_id: str
    status: str
    owner: str | None
    filing_no: str | None
    demonstration: bool
    published_on: str | None
    notice_last_day: str | None
    notice_over: bool
    parcels: int
    area_m2: float
    issued_kg: int
    buffer_kg: int
    retired_kg: int


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """A monitoring round since its publication; amounts [tCO2e] are those of its present run.

    stderr_co2_t : one standard deviation of the measured quantity; None if the method gives none
    balance_co2e_t : what the land itself takes up and gives off (ABS), shown and never issued; None
        where the method gives no balance
    """

    id: int
    project: ProjectFacts
    status: str
    period_start: date
    period_end: date
    published_on: str | None
    notice_last_day: str | None
    notice_over: bool
    parcels: int
    filing_no: str | None
    net_co2_t: float
    stderr_co2_t: float | None
    buffer_co2_t: float
    issuable_kg: int
    balance_co2e_t: float | None


@dataclass(frozen=True, slots=True)
class VintageFacts:
    """What was issued of one vintage of a project [kg CO2e]."""

    vintage: int
    issued_kg: int
    buffer_kg: int
    retired_kg: int


def home(request: Request) -> Response:
    """GET /public: one box, and the ways to the lists."""
    with db.transaction() as session:
        demonstration = frame.holds_demonstration(session)
        shown = _projects(session)
        noticed = len(_rounds(session, rounds.Status.PUBLIC_NOTICE, shown=shown)) + sum(
            row.status == projects.Status.PUBLIC_NOTICE for row in shown
        )
    return answers.html(
        request, "public_home.html", demonstration=demonstration, projects=len(shown),
        noticed=noticed, issued_kg=sum(row.issued_kg for row in shown),
        retired_kg=sum(row.retired_kg for row in shown),
    )  # fmt: skip


def project_list(request: Request) -> Response:
    """GET /public/projects?q=&type=&county=: the projects that are or were before the public."""
    typed = request.query_params.get("q", "").strip()[:100]
    sink_type = request.query_params.get("type", "")
    county = request.query_params.get("county", "")
    with db.transaction() as session:
        demonstration = frame.holds_demonstration(session)
        shown = [
            row for row in _projects(session)
            if (not sink_type or row.sink_type == sink_type)
            and (not county or row.district_code == county)
            and typed.casefold() in f"{row.code} {row.name} {row.owner or ''}".casefold()
        ]  # fmt: skip
    return answers.html(
        request, "public_projects.html", demonstration=demonstration, rows=shown, typed=typed,
        sink_type=sink_type, county=county,
    )  # fmt: skip


def project_page(request: Request) -> Response:
    """GET /public/project/{id}: one project, its rounds and what was issued."""
    project_id = answers.whole_number(request, "id")
    with db.transaction() as session:
        shown = _projects(session, project_id)
        if not shown:
            raise NotFound("没有这个项目，或尚未公示。", code="project")
        found = _rounds(session, *words.ROUND, shown=shown)
        vintages = _vintages(session, project_id)
    return answers.html(
        request, "public_project.html", demonstration=shown[0].demonstration, row=shown[0],
        rounds=found, vintages=vintages,
    )  # fmt: skip


def notices(request: Request) -> Response:
    """GET /public/notices: what is before the public now, and how to object."""
    with db.transaction() as session:
        demonstration = frame.holds_demonstration(session)
        shown = _projects(session)
        found = _rounds(session, rounds.Status.PUBLIC_NOTICE, shown=shown)
        offices = _deciding_offices(session)
    return answers.html(
        request, "public_notices.html", demonstration=demonstration, rounds=found,
        projects=[row for row in shown if row.status == projects.Status.PUBLIC_NOTICE],
        offices=offices,
    )  # fmt: skip


def check(request: Request) -> Response:
    """GET /public/check?number=&c=: whether a certificate is one of ours, and its state now.

    c : the signed text of a QR code, as a telephone opens it
    """
    asked = (request.query_params.get(name, "").strip() for name in ("number", "c"))
    typed = " ".join(part for part in asked if part)[:TYPED_LENGTH_MAX]
    if not typed:
        return answers.html(
            request, "public_check.html", answer=None, typed="", demonstration=False
        )
    with db.transaction() as session:
        answer = certificates.check(session, typed)
        facts = _facts(session, answer, answers.language(request))
    return answers.html(request, "public_check.html", answer=answer, typed=typed, **facts)


def keys(request: Request) -> Response:
    """GET /public/key: the public keys, for people."""
    with db.transaction() as session:
        rows = signatures.published(session)
    return answers.html(request, "public_key.html", rows=rows, demonstration=False)


def keys_file(_request: Request) -> Response:
    """GET /public/key.json: the public keys, for programs that check without this registry."""
    with db.transaction() as session:
        rows = signatures.published(session)
    return JSONResponse({"keys": rows}, headers={"Cache-Control": "no-store"})


def check_file(request: Request, form: FormData) -> Response:
    """POST /public/check: whether a PDF is, byte for byte, one that was issued."""
    sent = form.get("file")
    content = sent.file.read() if isinstance(sent, UploadFile) else b""
    if not content:
        raise Invalid("没有收到文件，请选择证书的 PDF 文件。", code="no_file")
    with db.transaction() as session:
        answer = certificates.check_file(session, content)
        facts = _facts(session, answer, answers.language(request), from_file=True)
    return answers.html(request, "public_check.html", answer=answer, typed=answer.number, **facts)


def _facts(
    session: Session, answer: Answer, lang: str, *, from_file: bool = False
) -> dict[str, Any]:
    """What the check page says of an answer besides the answer itself."""
    if not answer.genuine:
        return {
            "demonstration": False,
            "sentence": answer.reason if lang == "zh" else _refused_en(answer),
            "usable": False, "from_file": from_file,
        }  # fmt: skip
    public = answer.public or {}
    usable = (
        answer.kind == CertificateKind.HOLDING
        and answer.held_kg == answer.amount_kg
        and not answer.ended
    )
    return {
        "demonstration": bool(public.get("demonstration")),
        "sentence": sentence(answer, _retired_on(session, answer.number), lang),
        "usable": usable,
        "from_file": from_file,
        "holder": _organisation(session, public.get("holder")),
    }


def _refused_en(answer: Answer) -> str:
    return REFUSED_EN[answer.code or "certificate_form"]


def sentence(answer: Answer, retired_on: list[date], lang: str) -> str:
    """A genuine certificate in one or two plain sentences, with the ledger's present state.

    retired_on : the dates on which serials of it were retired, oldest first
    """
    lines = (answer.public or {})["lines"]
    vintages = "、".join(str(year) for year in sorted({line["vintage"] for line in lines}))
    types = {line["sink_type"] for line in lines}
    counties = {line["district_code"] for line in lines}
    kinds = "、".join(sorted(words.word(words.SINK_TYPES, code, lang) for code in types))
    places = "、".join(sorted(words.word(words.DISTRICTS, code, lang) for code in counties))
    state = _state(answer, retired_on, lang)
    if lang == "en":
        text = (
            f"Genuine. Vintage {vintages}, {kinds}, {places}, {answer.amount_kg:,} kg CO2e. {state}"
        )
        return text.replace("、", ", ")
    return f"证书真实。{vintages} 年份，{kinds}，{places}，{answer.amount_kg:,} kg CO2e。{state}"


def _state(answer: Answer, retired_on: list[date], lang: str) -> str:
    parts = {
        "held": answer.held_kg, "reserved": answer.reserved_kg, "retired": answer.retired_kg,
    }  # fmt: skip
    other_kg = answer.amount_kg - sum(parts.values())
    when = " / ".join(sorted({day.isoformat() for day in retired_on}))
    english = lang == "en"
    if answer.retired_kg == answer.amount_kg:
        purpose = (answer.public or {}).get("purpose")
        why = f"（{purpose}）" if purpose else ""
        if english:
            why = f" ({purpose})" if purpose else ""
            return f"Used and retired on {when}{why}. It cannot be used again."
        return f"已使用并于 {when} 注销{why}，不可再用。"
    if answer.kind == CertificateKind.RETIREMENT:
        if english:
            return "The ledger does not agree with this retirement: ask the registrar."
        return "登记簿的记录与这份注销证书不一致，请向登记机构核实。"
    if answer.held_kg == answer.amount_kg:
        if english:
            return "The units are held: not reserved, not retired."
        return "这些碳汇量现为持有状态，未预留、未注销。"
    said = {
        "held": (f"{parts['held']:,} kg 持有", f"{parts['held']:,} kg held"),
        "reserved": (
            f"{parts['reserved']:,} kg 已为案件预留",
            f"{parts['reserved']:,} kg reserved for a case",
        ),
        "retired": (
            f"{parts['retired']:,} kg 已于 {when} 注销、不可再用",
            f"{parts['retired']:,} kg retired on {when} and not usable again",
        ),
    }
    found = [said[state][english] for state, amount_kg in parts.items() if amount_kg]
    if other_kg:
        found.append(
            f"{other_kg:,} kg in another state" if english else f"{other_kg:,} kg 为其他状态"
        )
    return f"Now: {'; '.join(found)}." if english else f"现在其中 {'，'.join(found)}。"


def _retired_on(session: Session, number: str) -> list[date]:
    """The office's dates on which serials of a certificate were retired."""
    spoken_of = (
        select(Block.batch_id, Block.units)
        .join(CertificateBlock, CertificateBlock.block_id == Block.id)
        .join(Certificate, Certificate.id == CertificateBlock.certificate_id)
        .where(Certificate.number == number)
        .subquery()
    )
    query = (
        select(Block.recorded_at)
        .join(spoken_of, spoken_of.c.batch_id == Block.batch_id)
        .where(
            Block.live,
            Block.state == BlockState.RETIRED,
            Block.units.op("&&")(spoken_of.c.units),
        )
    )
    return sorted({at.astimezone(words.OFFICE_TIME).date() for at in session.scalars(query)})


def _organisation(session: Session, name: str | None) -> str | None:
    """The holder's name if it is an organisation's: row-level security shows no household."""
    if not name:
        return None
    query = select(Party.name).where(Party.name == name, Party.kind != PartyKind.HOUSEHOLD)
    return session.scalar(query.limit(1))


def _deciding_offices(session: Session) -> list[str]:
    """The offices that register and record: an objection goes to them."""
    query = (
        select(Party.name)
        .join(Person, Person.party_id == Party.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role.in_((Role.REGISTRAR, Role.AUTHORITY)),
            RoleGrant.in_force,
            RoleGrant.revoked_at.is_(None),
            Person.active,
        )
        .distinct()
        .order_by(Party.name)
    )
    return list(session.scalars(query))


def _projects(session: Session, project_id: int | None = None) -> list[ProjectFacts]:
    """Projects that are or were before the public, newest first."""
    # An outer join: the row of an owner who is a household does not exist for the public.
    query = (
        select(Project, Party.name)
        .outerjoin(Party, (Party.id == Project.owner_id) & (Party.kind != PartyKind.HOUSEHOLD))
        .where(Project.status.in_(words.PROJECT))
        .order_by(Project.id.desc())
    )
    if project_id is not None:
        query = query.where(Project.id == project_id)
    land, amounts, today = _land(session), _amounts(session), db.today(session)
    return [
        _project_facts(project, owner, land.get(project.id, (0, 0.0)), amounts, today)
        for project, owner in session.execute(query)
    ]


def _project_facts(
    project: Project,
    owner: str | None,
    land: tuple[int, float],
    amounts: dict[tuple[int, str], int],
    today: date,
) -> ProjectFacts:
    return ProjectFacts(
        id=project.id,
        code=project.code,
        name=project.name,
        sink_type=project.sink_type,
        district_code=project.district_code,
        method_id=project.method_id,
        status=project.status,
        owner=owner,
        filing_no=project.filing_no,
        demonstration=project.demonstration,
        published_on=words.day(project.published_at) if project.published_at else None,
        notice_last_day=_last_day(project),
        notice_over=project.notice_ends_on is not None and today >= project.notice_ends_on,
        parcels=land[0],
        area_m2=land[1],
        issued_kg=sum(kg for (owner_id, _), kg in amounts.items() if owner_id == project.id),
        buffer_kg=amounts.get((project.id, BlockState.BUFFER), 0),
        retired_kg=amounts.get((project.id, BlockState.RETIRED), 0),
    )


def _last_day(row: Project | MonitoringRound) -> str | None:
    """The last day on which one may object; ``notice_ends_on`` is the day after it."""
    if row.published_at is None or row.notice_ends_on is None:
        return None
    last = row.notice_ends_on - timedelta(days=1)
    return max(last.isoformat(), words.day(row.published_at))


def _land(session: Session) -> dict[int, tuple[int, float]]:
    """Project id -> how many parcels, and their area today [m2]."""
    query = (
        select(ProjectParcel.project_id, func.count(), func.sum(ParcelVersion.area_m2))
        .join(
            ParcelVersion,
            (ParcelVersion.parcel_id == ProjectParcel.parcel_id) & ParcelVersion.valid_to.is_(None),
        )
        .where(ProjectParcel.left_at.is_(None))
        .group_by(ProjectParcel.project_id)
    )
    return {project_id: (count, float(area)) for project_id, count, area in session.execute(query)}


def _amounts(session: Session) -> dict[tuple[int, str], int]:
    """(project id, state of the units) -> kg; live blocks tile every batch."""
    query = (
        select(Batch.project_id, Block.state, func.sum(KG))
        .join(Block, Block.batch_id == Batch.id)
        .where(Block.live)
        .group_by(Batch.project_id, Block.state)
    )
    return {(project_id, state): int(kg) for project_id, state, kg in session.execute(query)}


def _vintages(session: Session, project_id: int) -> list[VintageFacts]:
    query = (
        select(
            Batch.vintage,
            func.sum(KG),
            func.coalesce(func.sum(KG).filter(Block.state == BlockState.BUFFER), 0),
            func.coalesce(func.sum(KG).filter(Block.state == BlockState.RETIRED), 0),
        )
        .join(Block, Block.batch_id == Batch.id)
        .where(Block.live, Batch.project_id == project_id)
        .group_by(Batch.vintage)
        .order_by(Batch.vintage)
    )
    return [
        VintageFacts(vintage, int(issued), int(buffer), int(retired))
        for vintage, issued, buffer, retired in session.execute(query)
    ]


def _rounds(session: Session, *statuses: str, shown: list[ProjectFacts]) -> list[RoundFacts]:
    """Published rounds of these projects in one of the states, newest first."""
    by_id = {row.id: row for row in shown}
    query = (
        select(MonitoringRound)
        .where(
            MonitoringRound.status.in_(statuses),
            MonitoringRound.project_id.in_(by_id),
            MonitoringRound.run_id.is_not(None),
        )
        .order_by(MonitoringRound.period_start.desc(), MonitoringRound.id.desc())
    )
    today = db.today(session)
    return [
        _round_facts(session, row, by_id[row.project_id], today) for row in session.scalars(query)
    ]


def _round_facts(
    session: Session, row: MonitoringRound, project: ProjectFacts, today: date
) -> RoundFacts:
    result = runs.get(session, row.run_id or 0).result
    stderr_co2_t = result["stderr_co2_t"]
    return RoundFacts(
        id=row.id,
        project=project,
        status=row.status,
        period_start=row.period_start,
        period_end=row.period_end,
        published_on=words.day(row.published_at) if row.published_at else None,
        notice_last_day=_last_day(row),
        notice_over=row.notice_ends_on is not None and today >= row.notice_ends_on,
        parcels=len(rounds.round_parcels(session, row.id)),
        filing_no=row.filing_no,
        net_co2_t=float(result["net_co2_t"]),
        stderr_co2_t=None if stderr_co2_t is None else float(stderr_co2_t),
        buffer_co2_t=float(result["buffer_co2_t"]),
        issuable_kg=int(result["issuable_kg"]),
        balance_co2e_t=next(
            (term.balance for term in balances.of(result) if term.name == "total"), None
        ),
    )
