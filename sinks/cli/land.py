"""`sinks land`: import, list, submit, review, enrol, withdraw, and the rights on a parcel."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from gis_data import vectors
from gis_data.check import refused_file
from gis_data.refusals import FileRefused
from sinks.cli import (
    _database,
    _input,
    _names,
    _out,
    land_batches,
    land_once,
    land_overlaps,
    land_tenure,
)
from sinks.cli._options import CertificateKindOption, ParcelArgument, TermToOption
from sinks.cli._out import Json
from sinks.cli.land_check import (
    AreaFieldOption,
    CrsOption,
    EncodingOption,
    FileArgument,
    LayerOption,
    OutlineOption,
    SinkType,
    TypeOption,
    text_of,
)
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.land import (
    bulk,
    claims,
    import_decisions,
    import_reading,
    imports,
    marks,
    overlap_cases,
    parcel_list,
    parcel_search,
    parcels,
    rights,
    staging,
)
from sinks.land.bulk import Step
from sinks.land.imports import LandImport
from sinks.land.parcel_search import Wanted
from sinks.land.staging import ImportBatch, Options

# A page that a program asks for; more come with the next one.
LIST_MAX = 10_000

app = typer.Typer()
rights_app = typer.Typer(help="地块上的权利：录入、列出、撤回", no_args_is_help=True)
app.add_typer(rights_app, name="rights")
app.add_typer(land_tenure.app)
app.add_typer(land_overlaps.overlaps_app, name="overlaps")
app.add_typer(land_overlaps.programmes_app, name="programme-claims")
app.add_typer(land_once.app)
app.add_typer(land_batches.app, name="batch")

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
ParcelsOption = Annotated[
    list[str] | None, typer.Argument(metavar="PARCEL...", help="地块编码或 id")
]
ImportOption = Annotated[
    int | None, typer.Option("--import", metavar="N", help="一个导入的全部地块")
]


@app.command("import")
def import_file(
    file: FileArgument,
    sink_type: TypeOption,
    owner: Annotated[
        str | None, typer.Option(metavar="ID", help="权利人的编号或全名；提交时必填")
    ] = None,
    crs: CrsOption = None,
    encoding: EncodingOption = None,
    layer: LayerOption = None,
    area_field: AreaFieldOption = None,
    outline: OutlineOption = None,
    name_field: Annotated[str | None, typer.Option(help="地块名称的字段")] = None,
    source: Annotated[str, typer.Option(help="来源；用为它存过的字段对应")] = "",
    stage_only: Annotated[
        bool,
        typer.Option("--stage/--commit", help="只暂存，用 sinks land batch 或到网页上核对后再提交"),
    ] = False,
    reason: Annotated[
        str, typer.Option(help="收下存疑行的依据")
    ] = "命令行导入：收为草稿，存疑待核",
    as_json: Json = False,
) -> None:
    """导入一个文件：可用的行成为草稿地块，全部写入或一行不写。同一文件再导入不会重复。"""
    name, content = _evidence(file)
    named = {"name": name_field, "declared_area": area_field}
    options = Options(
        sink_type=sink_type, crs=crs or "", encoding=encoding or "", layer=layer or "",
        source=source, outline=vectors.outline_columns(outline),
        named={key: value for key, value in named.items() if value},
    )  # fmt: skip
    with _database.acting() as (session, actor):
        if not stage_only and owner is None:
            raise Invalid("请用 --owner 写明权利人，或用 --stage 只暂存。", code="owner")
        if earlier := staging.committed(session, hashlib.sha256(content).hexdigest()):
            document = staging.to_json(session, earlier.id)
            document |= {"import": earlier.import_id, "already_imported": True}
            said = f"这个文件已在第 {earlier.import_id} 号导入中，没有再写。"
            _out.give(document, f"{text_of(document)}\n{said}", as_json=as_json)
            return
        try:
            batch = import_reading.stage(
                session, actor, file_name=name, content=content, options=options
            )  # fmt: skip
        except Invalid as refusal:
            document = refused_file(FileRefused(refusal.code, refusal.message)).to_json()
            raise _out.fail(document, text_of(document), as_json=as_json) from refusal
        document = staging.to_json(session, batch.id) | {"batch": batch.id}
        if not document["accepted"]:
            raise _out.fail(document, text_of(document), as_json=as_json)
        said = f"已暂存，批次 {batch.id}。用 sinks land batch 或到网页“导入”核对后提交。"
        if not stage_only:
            assert owner is not None
            row = _committed(session, actor, batch, _names.party_id(session, owner), reason)
            document |= {"import": row.id, "already_imported": False}
            said = f"已导入，第 {row.id} 号。"
    _out.give(document, f"{text_of(document)}\n{said}", as_json=as_json)


def _committed(
    session: Session, actor: Actor, batch: ImportBatch, owner_id: int, reason: str
) -> LandImport:
    """Take every questioned row, as the command line does, and commit."""
    if codes := list(batch.counts["questions"]):
        import_decisions.answer(session, actor, batch.id, codes, take=True, reason=reason)
    return imports.commit(session, actor, batch.id, owner_id=owner_id)


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
    search: Annotated[str | None, typer.Option(help="编码、名称、乡镇、权利人或证号里的字")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX, help="最多列出几块")] = 50,
    after: Annotated[str, typer.Option(metavar="CODE", help="接着上一页：从这个编码之后列起")] = "",
    as_json: Json = False,
) -> None:
    """按编码列出地块，一页一页地列；共有几块、下一页从哪里起都写明。"""
    if status is not None and status not in list(parcels.Status):
        raise Invalid(f"没有这种状态：{status}。可填 {'、'.join(parcels.Status)}。", code="status")
    wanted = Wanted(
        sink_type=sink_type or "", status=status or "",
        search=(search or "").strip()[: parcel_search.SEARCH_CHARS_MAX],
    )  # fmt: skip
    with _database.acting() as (session, _):
        total = sum(parcel_search.counts(session, wanted).values())
        # One more than is shown tells whether there is a next page.
        found = parcel_search.ids(session, wanted, limit=limit + 1, after=after)
        rows = parcel_list.rows(session, ids=found[:limit])
    following = rows[-1].code if len(found) > limit else None
    document = {"parcels": [_shown(row) for row in rows], "total": total, "next": following}
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
    if following:
        text += f"\n共 {total:,} 块，列出 {len(rows)} 块。下一页：--after {following}"
    _out.give(document, text, as_json=as_json)


def _shown(row: parcel_list.ParcelRow) -> dict[str, Any]:
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
def submit(
    parcel: ParcelsOption = None, of_import: ImportOption = None, as_json: Json = False
) -> None:
    """把草稿报送审查；--import 为一个导入的全部草稿。"""
    _step(parcel, of_import, Step.SUBMIT, as_json=as_json)


@app.command()
def review(
    parcel: ParcelsOption = None, of_import: ImportOption = None, as_json: Json = False
) -> None:
    """由另一位林业员审查权属材料；--import 为一个导入的全部地块，不合的逐一列出。"""
    _step(parcel, of_import, Step.REVIEW, as_json=as_json)


@app.command()
def enrol(
    parcel: ParcelsOption = None, of_import: ImportOption = None, as_json: Json = False
) -> None:
    """入库：自今日起，这块地不能再由别的地块占用；因土地被拒的开立重叠争议，一块也不入库；--import 为一个导入的全部地块。"""
    _step(parcel, of_import, Step.ENROL, as_json=as_json)


def _step(
    parcel: list[str] | None, of_import: int | None, step: Step, *, as_json: bool
) -> None:  # fmt: skip
    """Take a step with the parcels named, all or none; or with those of an import, each by itself."""
    if (of_import is None) == (not parcel):
        raise Invalid("请给出地块编码，或用 --import 给出导入编号，二者取一。", code="parcel")
    if of_import is not None:
        _step_of_import(of_import, step, as_json=as_json)
        return
    try:
        with _database.acting() as (session, actor):
            ids = [_names.parcel_id(session, name) for name in parcel or ()]
            for parcel_id in ids:
                bulk.ONE[step](session, actor, parcel_id)
            document = _now(session, ids)
    except claims.NeedsDecision as refusal:
        # The refusal has undone everything; the case is kept by itself.
        with _database.acting() as (session, actor):
            case_id = overlap_cases.open_for(session, actor, refusal.parcel_id).id
        message = f"{refusal.message}已开立第 {case_id} 号重叠争议。"
        document = _out.refused(refusal.code, message, {"overlap_case": case_id})
        raise _out.fail(document, f"未办理（{refusal.code}）：{message}", as_json=as_json) from None
    _out.give(document, _now_text(document), as_json=as_json)


def _step_of_import(import_id: int, step: Step, *, as_json: bool) -> None:
    with _database.acting() as (_, actor):
        pass
    outcome = bulk.take(actor, import_id, step)
    document = {"import": import_id, **outcome.to_json()}
    lines = [f"第 {import_id} 号导入：{bulk.STEP_ZH[step]} {outcome.taken} 块。"]
    if outcome.elsewhere:
        lines.append(f"{outcome.elsewhere} 块不在这一步，没有动。")
    lines += [f"未办 {one.parcel}（{one.code}）：{one.message}" for one in outcome.refused]
    if outcome.refused and not outcome.taken:
        raise _out.fail(document, "\n".join(lines), as_json=as_json)
    _out.give(document, "\n".join(lines), as_json=as_json)


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


@app.command()
def suspend(
    parcel: ParcelArgument,
    reason: Annotated[str, typer.Option(help="原因")],
    as_json: Json = False,
) -> None:
    """暂停：未决之前不计入、不签发。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        parcels.suspend(session, actor, parcel_id, reason)
        document = _now(session, [parcel_id])
    _out.give(document, _now_text(document), as_json=as_json)


@app.command()
def resume(
    parcel: ParcelArgument,
    reason: Annotated[str, typer.Option(help="原因")],
    as_json: Json = False,
) -> None:
    """恢复已暂停的地块，回到暂停前的状态。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        parcels.resume(session, actor, parcel_id, reason)
        document = _now(session, [parcel_id])
    _out.give(document, _now_text(document), as_json=as_json)


def _now(session: Session, parcel_ids: list[int]) -> dict[str, Any]:
    """The parcels as they are after the step."""
    session.flush()
    return {
        "parcels": [
            {"id": row.id, "code": row.code, "status": row.status}
            for row in parcel_list.rows(session, ids=parcel_ids)
        ]
    }


def _now_text(document: dict[str, Any]) -> str:
    return "\n".join(
        f"{row['code']}  {parcels.STATUS_ZH[parcels.Status(row['status'])]}"
        for row in document["parcels"]
    )


@app.command("marks")
def list_marks(parcel: ParcelArgument, as_json: Json = False) -> None:
    """地块上尚未处理的存疑标记。"""
    with _database.acting() as (session, _):
        rows: list[dict[str, Any]] = [
            {"id": mark.id, "code": mark.code, "message": mark.message}
            for mark in marks.open_marks(session, _names.parcel_id(session, parcel))
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
        marks.close_mark(session, actor, mark, reason)
    _out.give({"mark": mark, "closed": True}, f"标记 {mark} 已处理。", as_json=as_json)


@rights_app.command("add")
def add_right(
    parcel: ParcelArgument,
    party: Annotated[str, typer.Option(metavar="ID", help="权利人的编号或全名")],
    kind: Annotated[rights.RightKind, typer.Option(help="权利种类")],
    certificate_kind: CertificateKindOption,
    certificate: Annotated[str, typer.Option(help="证书或合同编号")],
    unit_no: Annotated[str | None, typer.Option(help="不动产单元号，28 位")] = None,
    share: Annotated[Any, typer.Option(parser=_input.number, metavar="0–1", help="份额")] = "1",
    term_from: Annotated[
        Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="期限起")
    ] = None,
    term_to: TermToOption = None,
    as_json: Json = False,
) -> None:
    """录入一项权利。"""
    with _database.acting() as (session, actor):
        row = rights.add(
            session, actor, parcel_id=_names.parcel_id(session, parcel),
            party_id=_names.party_id(session, party), kind=kind,
            certificate_kind=certificate_kind, certificate_no=certificate, unit_no=unit_no,
            share=share,
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
                "certificate_kind": row.certificate_kind,
                "unit_no": row.unit_no,
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
