"""`sinks land`: import, list, submit, review, enrol, withdraw, and the rights on a parcel."""

import io
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from sinks.cli import _database, _input, _names, _out, _overlap
from sinks.cli._out import Json
from sinks.cli.land_check import (
    AreaFieldOption,
    CrsOption,
    EncodingOption,
    FileArgument,
    LayerOption,
    SinkType,
    TypeOption,
    examined,
    text_of,
)
from sinks.core.errors import Invalid
from sinks.land import claims, imports, parcels, rights

app = typer.Typer()
rights_app = typer.Typer(help="地块上的权利：录入、列出、撤回", no_args_is_help=True)
app.add_typer(rights_app, name="rights")

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
ParcelArgument = Annotated[str, typer.Argument(metavar="PARCEL", help="地块编码或 id")]
ParcelArguments = Annotated[list[str], typer.Argument(metavar="PARCEL...", help="地块编码或 id")]


@app.command("import")
def import_file(
    file: FileArgument,
    sink_type: TypeOption,
    owner: Annotated[str, typer.Option(metavar="ID", help="权利人的编号或全名")],
    crs: CrsOption = None,
    encoding: EncodingOption = None,
    layer: LayerOption = None,
    area_field: AreaFieldOption = None,
    name_field: Annotated[str | None, typer.Option(help="地块名称的字段")] = None,
    as_json: Json = False,
) -> None:
    """导入一个文件：可用的行成为草稿地块，全部写入或一行不写。同一文件再导入不会重复。"""
    read, report = examined(
        file, sink_type, crs=crs, encoding=encoding, layer=layer, area_field=area_field
    )
    document = report.to_json()
    if read is None or not report.accepted:
        raise _out.fail(document, text_of(document), as_json=as_json)
    name, content = _evidence(file)
    with _database.acting() as (session, actor):
        already = any(row.sha256 == read.sha256 for row in imports.listing(session))
        if not already:
            _overlap.ask(session, document, report)
        row = imports.commit(
            session, actor, report=report, file_name=name, content=content, sha256=read.sha256,
            sink_type=sink_type, owner_id=_names.party_id(session, owner), name_field=name_field,
        )  # fmt: skip
        document |= {"import": row.id, "already_imported": already}
        said = (
            f"这个文件已在第 {row.id} 号导入中，没有再写。"
            if already
            else f"已导入，第 {row.id} 号。"
        )
    _out.give(document, f"{text_of(document)}\n{said}", as_json=as_json)


def _evidence(file: Path) -> tuple[str, bytes]:
    """The file as it is put on file; a bare shapefile with all its parts, zipped."""
    if file.suffix.lower() != ".shp":
        return _input.named_file(file)
    parts = sorted(
        part for part in file.parent.iterdir()
        if part.stem == file.stem and part.suffix.lower() in SHAPEFILE_PARTS
    )  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            # The default date of ZipInfo: the same parts give the same bytes.
            archive.writestr(zipfile.ZipInfo(part.name), _input.file_bytes(part))
    return f"{file.name}.zip", packed.getvalue()


@app.command("list")
def list_parcels(
    sink_type: Annotated[SinkType | None, typer.Option("--type", help="类型")] = None,
    status: Annotated[str | None, typer.Option(help="状态，如 enrolled")] = None,
    search: Annotated[str | None, typer.Option(help="编码、名称或乡镇里的字")] = None,
    as_json: Json = False,
) -> None:
    """列出地块。"""
    if status is not None and status not in list(parcels.Status):
        raise Invalid(f"没有这种状态：{status}。可填 {'、'.join(parcels.Status)}。", code="status")
    with _database.acting() as (session, _):
        rows = parcels.listing(session, sink_type=sink_type, status=status, search=search)
    document = {"parcels": [_shown(row) for row in rows]}
    text = _out.table(
        ("编码", "名称", "乡镇", "状态", "面积", "存疑"),
        [
            (
                row.code, row.name, row.township, parcels.STATUS_ZH[parcels.Status(row.status)],
                _out.mu(row.area_m2), row.open_marks,
            )
            for row in rows
        ],
        empty="没有地块。",
    )  # fmt: skip
    _out.give(document, text, as_json=as_json)


def _shown(row: parcels.ParcelRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "code": row.code,
        "name": row.name,
        "sink_type": row.sink_type,
        "status": row.status,
        "township": row.township,
        "district_code": row.district_code,
        "area_m2": row.area_m2,
        "declared_area_m2": row.declared_area_m2,
        "open_marks": row.open_marks,
        "demonstration": row.demonstration,
    }


@app.command()
def submit(parcel: ParcelArguments, as_json: Json = False) -> None:
    """把草稿报送审查。"""
    with _database.acting() as (session, actor):
        ids = [_names.parcel_id(session, name) for name in parcel]
        for parcel_id in ids:
            parcels.submit(session, actor, parcel_id)
        document = _now(session, ids)
    _out.give(document, _now_text(document), as_json=as_json)


@app.command()
def review(parcel: ParcelArguments, as_json: Json = False) -> None:
    """由另一位林业员审查权属材料。"""
    with _database.acting() as (session, actor):
        ids = [_names.parcel_id(session, name) for name in parcel]
        for parcel_id in ids:
            rights.review(session, actor, parcel_id)
        document = _now(session, ids)
    _out.give(document, _now_text(document), as_json=as_json)


@app.command()
def enrol(parcel: ParcelArguments, as_json: Json = False) -> None:
    """入库：自今日起，这块地不能再由别的地块占用。"""
    with _database.acting() as (session, actor):
        ids = [_names.parcel_id(session, name) for name in parcel]
        for parcel_id in ids:
            claims.enrol(session, actor, parcel_id)
        document = _now(session, ids)
    _out.give(document, _now_text(document), as_json=as_json)


@app.command()
def withdraw(
    parcel: ParcelArgument,
    reason: Annotated[str, typer.Option(help="原因")],
    as_json: Json = False,
) -> None:
    """退出登记簿；已计入的仍算占用。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        claims.withdraw(session, actor, parcel_id, reason)
        document = _now(session, [parcel_id])
    _out.give(document, _now_text(document), as_json=as_json)


def _now(session: Session, parcel_ids: list[int]) -> dict[str, Any]:
    """The parcels as they are after the step."""
    session.flush()
    return {
        "parcels": [
            {"id": row.id, "code": row.code, "status": row.status}
            for row in parcels.listing(session, ids=parcel_ids)
        ]
    }


def _now_text(document: dict[str, Any]) -> str:
    return "\n".join(
        f"{row['code']}  {parcels.STATUS_ZH[parcels.Status(row['status'])]}"
        for row in document["parcels"]
    )


@app.command()
def marks(parcel: ParcelArgument, as_json: Json = False) -> None:
    """地块上尚未处理的存疑标记。"""
    with _database.acting() as (session, _):
        rows: list[dict[str, Any]] = [
            {"id": mark.id, "code": mark.code, "message": mark.message}
            for mark in parcels.open_marks(session, _names.parcel_id(session, parcel))
        ]
    text = _out.table(
        ("编号", "代码", "内容"), [tuple(row.values()) for row in rows], empty="没有存疑标记。"
    )
    _out.give({"marks": rows}, text, as_json=as_json)


@app.command("close-mark")
def close_mark(
    mark: Annotated[int, typer.Argument(metavar="MARK", help="标记编号，见 marks")],
    reason: Annotated[str, typer.Option(help="依据")],
    as_json: Json = False,
) -> None:
    """由另一位林业员写明依据，消除一条存疑标记。"""
    with _database.acting() as (session, actor):
        parcels.close_mark(session, actor, mark, reason)
    _out.give({"mark": mark, "closed": True}, f"标记 {mark} 已处理。", as_json=as_json)


@rights_app.command("add")
def add_right(
    parcel: ParcelArgument,
    party: Annotated[str, typer.Option(metavar="ID", help="权利人的编号或全名")],
    kind: Annotated[rights.RightKind, typer.Option(help="权利种类")],
    certificate_kind: Annotated[rights.CertificateKind, typer.Option(help="证书种类")],
    certificate: Annotated[str, typer.Option(help="证书或合同编号")],
    share: Annotated[Any, typer.Option(parser=_input.number, metavar="0–1", help="份额")] = "1",
    term_from: Annotated[
        Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="期限起")
    ] = None,
    term_to: Annotated[
        Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="期限止（不含）")
    ] = None,
    as_json: Json = False,
) -> None:
    """录入一项权利。"""
    with _database.acting() as (session, actor):
        row = rights.add(
            session, actor, parcel_id=_names.parcel_id(session, parcel),
            party_id=_names.party_id(session, party), kind=kind,
            certificate_kind=certificate_kind, certificate_no=certificate, share=share,
            term_from=term_from, term_to=term_to,
        )  # fmt: skip
        right_id = row.id
    unusual = rights.looks_unusual(certificate_kind, certificate)
    said = f"已录入权利 {right_id}。" + ("证书编号不像常见的写法，请核对。" if unusual else "")
    _out.give({"right": right_id, "certificate_unusual": unusual}, said, as_json=as_json)


@rights_app.command("list")
def list_rights(parcel: ParcelArgument, as_json: Json = False) -> None:
    """地块上的权利。"""
    with _database.acting() as (session, _):
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "party_id": party.id,
                "party": party.name,
                "kind": row.kind,
                "share": float(row.share),
                "certificate": row.certificate_no,
                "term_from": row.term_from,
                "term_to": row.term_to,
                "reviewed": row.reviewed_at is not None,
            }
            for row, party in rights.of_parcel(session, _names.parcel_id(session, parcel))
        ]
    text = _out.table(
        ("编号", "权利人", "种类", "份额", "证书", "期限止", "已审"),
        [
            (
                row["id"], row["party"], rights.RIGHT_ZH[rights.RightKind(row["kind"])],
                row["share"], row["certificate"], row["term_to"], "是" if row["reviewed"] else "否",
            )
            for row in rows
        ],
        empty="没有权利。",
    )  # fmt: skip
    _out.give({"rights": rows}, text, as_json=as_json)


@rights_app.command("remove")
def remove_right(
    right: Annotated[int, typer.Argument(metavar="RIGHT", help="权利编号，见 rights list")],
    as_json: Json = False,
) -> None:
    """撤回一项录错而未审的权利。"""
    with _database.acting() as (session, actor):
        rights.remove(session, actor, right)
    _out.give({"right": right, "removed": True}, f"权利 {right} 已撤回。", as_json=as_json)
