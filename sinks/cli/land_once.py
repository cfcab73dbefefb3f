"""`sinks land`: splits, merges and transfers; expiry, history and the audit of the whole land."""

import json
from pathlib import Path
from typing import Annotated, Any

import shapely
import typer
from shapely.errors import GEOSException
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.cli import _database, _input, _names, _out
from sinks.cli._options import CertificateKindOption, ParcelArgument, ParcelsArgument, TermToOption
from sinks.cli._out import Json
from sinks.cooperative import land_changes, parcel_history
from sinks.core.actor import Role
from sinks.core.errors import Invalid
from sinks.crediting import enrolment_expiry
from sinks.land import land_audit, parcels, succession, transfers
from sinks.land.parcels import Parcel

app = typer.Typer()
transfer_app = typer.Typer(help="权属转移：录入、复核、退回、知悉", no_args_is_help=True)
app.add_typer(transfer_app, name="transfer")

READS_NAMES = {Role.OFFICER, Role.COOPERATIVE, Role.VERIFIER, Role.AUDITOR}
ReasonOption = Annotated[str, typer.Option(help="原因或依据")]
TransferArgument = Annotated[int, typer.Argument(metavar="TRANSFER", help="转移编号")]


@app.command()
def split(
    parcel: ParcelArgument,
    line: Annotated[Path, typer.Option(metavar="FILE", help="分割线：GeoJSON LineString，经纬度")],
    reason: ReasonOption,
    name: Annotated[list[str] | None, typer.Option(help="各块名称，自西向东，可重复")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只算各块面积，什么也不写")] = False,
    as_json: Json = False,
) -> None:
    """沿一条线拆分地块：原地块退出，各块承接它的占用、合同和权属（待另一位林业员复核）。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        outline = parcels.boundary_of(parcels.present_version(session, parcel_id))
        pieces = succession.cut(outline, _line(line))
        if dry_run:
            areas = [geometry.area_m2(piece) for piece in pieces]
            document: dict[str, Any] = {"pieces": [{"area_m2": area_m2} for area_m2 in areas]}
            said = "\n".join(f"第 {n} 块  {_out.mu(area)}" for n, area in enumerate(areas, 1))
        else:
            row = land_changes.split(
                session, actor, parcel_id, pieces, reason=reason, names=name or ()
            )
            document = _succeeded(session, row)
            said = _succeeded_text(document)
    _out.give(document, said, as_json=as_json)


def _line(path: Path) -> shapely.LineString:
    document = _input.json_object(path)
    if document.get("type") == "FeatureCollection" and len(document.get("features") or []) == 1:
        document = document["features"][0]
    shape = document.get("geometry") if document.get("type") == "Feature" else document
    try:
        line = shapely.from_geojson(json.dumps(shape))
    except GEOSException as error:
        raise Invalid(f"{path} 不是 GeoJSON 的线。", code="line") from error
    if not isinstance(line, shapely.LineString):
        raise Invalid(f"{path} 应是一条 LineString。", code="line")
    return shapely.force_2d(line)


@app.command()
def merge(
    parcel: ParcelsArgument,
    name: Annotated[str, typer.Option(help="合并后的名称")],
    reason: ReasonOption,
    as_json: Json = False,
) -> None:
    """把同类型、同县区、同权利人的几块地合并为一块。"""
    with _database.acting() as (session, actor):
        ids = [_names.parcel_id(session, one) for one in parcel]
        row = land_changes.merge(session, actor, ids, reason=reason, name=name)
        document = _succeeded(session, row)
    _out.give(document, _succeeded_text(document), as_json=as_json)


@app.command("review-succession")
def review_succession(
    succession_id: Annotated[int, typer.Argument(metavar="SUCCESSION", help="拆分或合并的编号")],
    as_json: Json = False,
) -> None:
    """由另一位林业员复核拆分或合并后承接的权属。"""
    with _database.acting() as (session, actor):
        land_changes.review(session, actor, succession_id)
        document = _succeeded(session, session.get_one(succession.Succession, succession_id))
    _out.give(document, f"第 {succession_id} 号已复核。", as_json=as_json)


@app.command()
def successions(as_json: Json = False) -> None:
    """待复核的拆分和合并。"""
    with _database.acting() as (session, _):
        rows = [_succeeded(session, row) for row in succession.awaiting_review(session)]
    text = _out.table(
        ("编号", "办理", "原地块", "新地块"),
        [
            (
                row["succession"], succession.KIND_ZH[succession.Kind(row["kind"])],
                "、".join(one["code"] for one in row["parents"]),
                "、".join(one["code"] for one in row["children"]),
            )
            for row in rows
        ],
        empty="没有待复核的拆分或合并。",
    )  # fmt: skip
    _out.give({"successions": rows}, text, as_json=as_json)


def _succeeded(session: Session, row: succession.Succession) -> dict[str, Any]:
    session.flush()
    sides = {
        side: [
            {"id": one.id, "code": one.code, "status": one.status}
            for one in (
                session.get_one(Parcel, parcel_id)
                for parcel_id in succession.of_side(session, row.id, side)
            )
        ]
        for side in ("parent", "child")
    }
    return {
        "succession": row.id,
        "kind": row.kind,
        "reviewed": row.reviewed_at is not None,
        "parents": sides["parent"],
        "children": sides["child"],
    }


def _succeeded_text(document: dict[str, Any]) -> str:
    lines = [f"第 {document['succession']} 号。"]
    for key, word in (("parents", "原"), ("children", "新")):
        lines += [
            f"{word}  {one['code']}  {parcels.STATUS_ZH[parcels.Status(one['status'])]}"
            for one in document[key]
        ]
    return "\n".join([*lines, "承接的权属待另一位林业员复核：sinks land review-succession。"])


@transfer_app.command("propose")
def propose_transfer(
    right: Annotated[int, typer.Argument(metavar="RIGHT", help="权利编号，见 rights list")],
    party: Annotated[str, typer.Option(metavar="ID", help="新权利人的编号或全名")],
    certificate_kind: CertificateKindOption,
    certificate: Annotated[str, typer.Option(help="新证书或合同的编号")],
    on: Annotated[Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="转移日期")],
    reason: ReasonOption,
    share: Annotated[
        Any, typer.Option(parser=_input.number, metavar="0–1", help="转移的份额；不写为全部")
    ] = None,
    term_to: TermToOption = None,
    as_json: Json = False,
) -> None:
    """录入一项已审权利转给新的权利人。"""
    with _database.acting() as (session, actor):
        row = transfers.propose(
            session, actor, right_id=right, party_id=_names.party_id(session, party),
            certificate_kind=certificate_kind, certificate_no=certificate, transferred_on=on,
            reason=reason, share=share, term_to=term_to,
        )  # fmt: skip
        document = {"transfer": row.id}
    _out.give(document, f"第 {document['transfer']} 号转移已录入，待复核。", as_json=as_json)


@transfer_app.command("list")
def list_transfers(parcel: ParcelArgument, as_json: Json = False) -> None:
    """一块地上的权属转移。"""
    with _database.acting() as (session, actor):
        rows: list[dict[str, Any]] = [
            {
                "id": one.transfer_id,
                "kind": one.kind,
                "from": one.before,
                "to": one.after,
                "share": float(one.share),
                "certificate": one.certificate_no,
                "on": one.transferred_on,
                "accepted": one.accepted,
            }
            for one in transfers.of_parcel(
                session, _names.parcel_id(session, parcel), names=bool(actor.roles & READS_NAMES)
            )
        ]
    said = {None: "待复核", True: "通过", False: "未通过"}
    text = _out.table(
        ("编号", "原权利人", "新权利人", "份额", "证书", "日期", "复核"),
        [
            (row["id"], row["from"], row["to"], row["share"], row["certificate"], row["on"],
             said[row["accepted"]])
            for row in rows
        ],
        empty="没有权属转移。",
    )  # fmt: skip
    _out.give({"transfers": rows}, text, as_json=as_json)


@transfer_app.command("accept")
def accept_transfer(transfer: TransferArgument, as_json: Json = False) -> None:
    """由另一位林业员复核通过：原权利终止，新权利成立，合同和项目一并告知。"""
    with _database.acting() as (session, actor):
        land_changes.accept_transfer(session, actor, transfer)
    _out.give({"transfer": transfer, "accepted": True}, f"第 {transfer} 号转移已通过。",
              as_json=as_json)  # fmt: skip


@transfer_app.command("refuse")
def refuse_transfer(
    transfer: TransferArgument, reason: ReasonOption, as_json: Json = False
) -> None:
    """由另一位林业员退回，写明原因。"""
    with _database.acting() as (session, actor):
        transfers.refuse(session, actor, transfer, reason)
    _out.give({"transfer": transfer, "accepted": False}, f"第 {transfer} 号转移已退回。",
              as_json=as_json)  # fmt: skip


@transfer_app.command("seen")
def take_note(transfer: TransferArgument, as_json: Json = False) -> None:
    """合同或项目一方知悉权利人已变更。"""
    with _database.acting() as (session, actor):
        transfers.take_note(session, actor, transfer)
    _out.give({"transfer": transfer, "seen": True}, "已知悉。", as_json=as_json)


@app.command()
def history(parcel: ParcelArgument, as_json: Json = False) -> None:
    """一块地的全部经过：边界、权属、占用、合同、监测期、签发、争议、拆并。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        events = parcel_history.history(session, parcel_id, names=bool(actor.roles & READS_NAMES))
    rows = [
        {"at": one.at, "on": one.on, "kind": one.kind, "text": one.text, "subject": one.subject}
        for one in events
    ]
    text = "\n".join(f"{one.at:%Y-%m-%d %H:%M}  {one.text}" for one in events)
    _out.give({"parcel": parcel, "events": rows}, text, as_json=as_json)


@app.command()
def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出将失效的，什么也不写")] = False,
    days: Annotated[int, typer.Option(help="与 --dry-run 同用：列出几天内将失效的")] = 60,
    as_json: Json = False,
) -> None:
    """使逾期未签合同、未核算的入库失效，其土地自今日起不再占用。"""
    with _database.acting() as (session, actor):
        found = (
            enrolment_expiry.unproven(session, within_days=days)
            if dry_run
            else enrolment_expiry.expire(session, actor)
        )
    rows = [
        {"id": one.parcel_id, "code": one.code, "name": one.name, "enrolled_on": one.enrolled_on,
         "expires_on": one.expires_on}
        for one in found
    ]  # fmt: skip
    text = _out.table(
        ("编码", "名称", "入库", "失效"),
        [(row["code"], row["name"], row["enrolled_on"], row["expires_on"]) for row in rows],
        empty="没有。",
    )
    _out.give({"dry_run": dry_run, "expired": rows}, text, as_json=as_json)


@app.command()
def audit(as_json: Json = False) -> None:
    """逐对核对全部占用：没有一块土地被两次占用，退出状态才为 0。"""
    with _database.acting() as (session, _):
        found = land_audit.audit(session)
    document = {
        "ok": found.ok,
        "claims": found.claims,
        "area_m2": found.area_m2,
        "slivers_m2": found.slivers_m2,
        "double_counted": [
            {"code": one.code, "other": one.other_code, "shared_m2": one.shared_m2}
            for one in found.double_counted
        ],
        "without_pieces": found.without_pieces,
        "disputed_with_programmes": found.disputed,
    }
    said = (
        f"占用 {found.claims} 块，{_out.mu(found.area_m2)}；精度以内的窄条 {found.slivers_m2:,.1f} 平方米；"
        f"与其他机制有争议 {found.disputed} 处。"
    )
    if found.ok:
        _out.give(document, f"{said}没有土地被重复占用 ✓", as_json=as_json)
        return
    wrong = [f"{one.code} 与 {one.other_code}" for one in found.double_counted]
    message = f"{said}重复占用：{'、'.join(wrong) or '无'}；没有受约束保护：{'、'.join(found.without_pieces) or '无'}。"
    raise _out.fail(_out.refused("land_counted_twice", message, document), message, as_json=as_json)
