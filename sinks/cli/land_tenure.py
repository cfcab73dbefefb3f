"""`sinks land`: what runs out, the map on paper, consents, constraint layers, county shapes, attributes."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _names, _out
from sinks.cli._options import ParcelArgument, ParcelsArgument
from sinks.cli._out import Json
from sinks.cooperative import expiring
from sinks.core.errors import Invalid
from sinks.land import (
    attributes,
    base_shapes,
    consents,
    constraint_layers,
    eligibility,
    parcel_map,
    parcels,
)

app = typer.Typer()
consent_app = typer.Typer(help="集体同意：录入、列出、撤回", no_args_is_help=True)
constraints_app = typer.Typer(help="管控图层：导入、列出、核查地块", no_args_is_help=True)
shapes_app = typer.Typer(help="县小班、宗地底图：查找、取作地块、分割", no_args_is_help=True)
attribute_app = typer.Typer(help="地块属性：茶园认证、地类、湿地名录", no_args_is_help=True)
app.add_typer(consent_app, name="consent")
app.add_typer(constraints_app, name="constraints")
app.add_typer(shapes_app, name="shapes")
app.add_typer(attribute_app, name="attribute")

Day = Annotated[Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD")]
DayOrNone = Annotated[Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD")]
FilePath = Annotated[Path, typer.Option(metavar="FILE")]


@app.command("expiring")
def list_expiring(
    months: Annotated[int, typer.Option(help="多少个月之内", min=0)] = expiring.MONTHS,
    as_json: Json = False,
) -> None:
    """列出快到期和已到期的权利、收储合同。"""
    with _database.acting() as (session, actor):
        found = expiring.listing(session, actor, months)
    rows: list[dict[str, Any]] = [
        {
            "what": one.what,
            "paper": one.paper,
            "right": one.title,
            "parcels": list(one.parcel_codes),
            "party": one.party_name,
            "term_to": one.term_to,
            "days_left": one.days_left,
        }
        for one in found
    ]
    text = _out.table(
        ("到期日", "还有（天）", "种类", "编号", "地块", "权利人"),
        [
            (
                row["term_to"], row["days_left"], row["right"] or "收储合同", row["paper"],
                "、".join(row["parcels"]), row["party"],
            )
            for row in rows
        ],
        empty=f"{months} 个月内没有到期的权利或合同。",
    )  # fmt: skip
    _out.give({"months": months, "expiring": rows}, text, as_json=as_json)


@app.command("map")
def write_map(
    parcel: ParcelArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.pdf", help="写到哪个文件")],
    as_json: Json = False,
) -> None:
    """把地块图（A4，整比例尺，界址点坐标表）写成 PDF。"""
    with _database.acting() as (session, actor):
        parcel_id = _names.parcel_id(session, parcel)
        content = parcel_map.pdf(session, actor, parcel_id)
    _out.write_file(out, content)
    document = {"parcel": parcel, "out": out, "bytes": len(content)}
    _out.give(document, f"已写入 {out}。", as_json=as_json)


@consent_app.command("record")
def record_consent(
    parcel: ParcelsArgument,
    collective: Annotated[str, typer.Option(metavar="ID", help="作出决议的村集体，编号或全名")],
    body: Annotated[
        consents.Body, typer.Option(help="成员大会 members 或代表会议 representatives")
    ],
    entitled: Annotated[int, typer.Option(help="应到人数")],
    present: Annotated[int, typer.Option(help="到会人数")],
    in_favour: Annotated[int, typer.Option(help="同意人数")],
    meeting_notice_on: Day,
    met_on: Day,
    published_from: Day,
    published_to: Annotated[
        Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="公示结束的次日（不含）")
    ],
    published_where: Annotated[str, typer.Option(help="公示的地点或方式")],
    resolution: FilePath,
    vote: FilePath,
    notice: FilePath,
    as_json: Json = False,
) -> None:
    """录入集体同意（森林法第十八条）：决议、表决记录、公示证明三份文件。"""
    with _database.acting() as (session, actor):
        row = consents.record(
            session, actor, collective_id=_names.party_id(session, collective),
            parcel_ids=[_names.parcel_id(session, one) for one in parcel], body=body,
            entitled_count=entitled, present_count=present, in_favour_count=in_favour,
            meeting_notice_on=meeting_notice_on, met_on=met_on, published_from=published_from,
            published_to=published_to, published_where=published_where,
            resolution=consents.Paper(*_input.named_file(resolution)),
            vote=consents.Paper(*_input.named_file(vote)),
            notice=consents.Paper(*_input.named_file(notice)),
        )  # fmt: skip
        consent_id = row.id
    _out.give({"consent": consent_id}, f"已录入集体同意 {consent_id}。", as_json=as_json)


@consent_app.command("list")
def list_consents(parcel: ParcelArgument, as_json: Json = False) -> None:
    """一块地的集体同意记录。"""
    with _database.acting() as (session, _):
        rows = [
            {
                "id": row.id,
                "collective": party.name,
                "body": row.body,
                "entitled": row.entitled_count,
                "in_favour": row.in_favour_count,
                "met_on": row.met_on,
                "published_from": row.published_from,
                "published_to": row.published_to,
                "retracted": row.retracted_reason,
            }
            for row, party in consents.of_parcel(session, _names.parcel_id(session, parcel))
        ]
    text = _out.table(
        ("编号", "集体", "应到", "同意", "开会", "公示自", "公示至（不含）", "撤回"),
        [
            (
                row["id"], row["collective"], row["entitled"], row["in_favour"], row["met_on"],
                row["published_from"], row["published_to"], row["retracted"],
            )
            for row in rows
        ],
        empty="没有集体同意的记录。",
    )  # fmt: skip
    _out.give({"consents": rows}, text, as_json=as_json)


@consent_app.command("retract")
def retract_consent(
    consent: Annotated[int, typer.Argument(metavar="CONSENT", help="编号，见 consent list")],
    reason: Annotated[str, typer.Option(help="原因")],
    as_json: Json = False,
) -> None:
    """撤回录错的集体同意；记录保留。"""
    with _database.acting() as (session, actor):
        consents.retract(session, actor, consent, reason)
    _out.give({"consent": consent, "retracted": True}, f"{consent} 已撤回。", as_json=as_json)


@constraints_app.command("import")
def import_constraints(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="图层文件")],
    kind: Annotated[constraint_layers.LayerKind, typer.Option(help="种类")],
    name: Annotated[str, typer.Option(help="图层名称")],
    source: Annotated[str, typer.Option(help="来源单位和文件")],
    as_of: Day,
    licence: Annotated[str, typer.Option(help="许可或使用依据")],
    district: Annotated[list[str], typer.Option(help="完整覆盖的区县代码，可重复；330500 为全市")],
    crs: Annotated[str | None, typer.Option(metavar="EPSG:n", help="文件没写坐标系时给出")] = None,
    encoding: Annotated[str | None, typer.Option(help="文字编码")] = None,
    layer: Annotated[str | None, typer.Option(help="文件里的图层名")] = None,
    number_field: Annotated[str | None, typer.Option(help="图形编号的字段")] = None,
    as_json: Json = False,
) -> None:
    """导入一幅管控图层或县小班、宗地底图；同类较新的取代较旧的，旧的保留。"""
    with _database.acting() as (session, actor):
        row = constraint_layers.add(
            session, actor, file, kind=kind, name=name, source=source, as_of=as_of,
            licence=licence, district_codes=district, crs=crs, encoding=encoding, layer=layer,
            shape_no_field=number_field,
        )  # fmt: skip
        document = _layer(row)
    said = f"已导入 {document['shapes']} 个图形"
    if document["refused"]:
        said += f"，{len(document['refused'])} 个未能读入：这些地方仍未核查"
    _out.give(document, f"{said}。图层编号 {document['id']}。", as_json=as_json)


def _layer(row: constraint_layers.ConstraintLayer) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "district_codes": row.district_codes,
        "as_of": row.as_of,
        "source": row.source,
        "licence": row.licence,
        "sha256": row.sha256,
        "shapes": row.shapes,
        "refused": row.refused,
        "fields_left_out": row.fields_left_out,
        "in_force": row.superseded_by_id is None,
    }


@constraints_app.command("list")
def list_constraints(as_json: Json = False) -> None:
    """列出导入过的图层，和哪些区县还没有。"""
    with _database.acting() as (session, _):
        rows = [_layer(row) for row in constraint_layers.listing(session)]
    text = _out.table(
        ("编号", "种类", "名称", "日期", "区县", "图形", "状态"),
        [
            (
                row["id"], constraint_layers.KIND_ZH[constraint_layers.LayerKind(row["kind"])],
                row["name"], row["as_of"], "、".join(row["district_codes"]), row["shapes"],
                "在用" if row["in_force"] else "已被取代",
            )
            for row in rows
        ],
        empty="没有导入任何图层：所有地块都未核查。",
    )  # fmt: skip
    _out.give({"layers": rows}, text, as_json=as_json)


@constraints_app.command("check")
def check_constraints(parcel: ParcelArgument, as_json: Json = False) -> None:
    """一块地占了哪些管控区、能不能入库和计入。"""
    with _database.acting() as (session, _):
        parcel_id = _names.parcel_id(session, parcel)
        found = eligibility.findings(session, [parcel_id])[parcel_id]
    rows = [
        {
            "code": str(one.code),
            "verdict": one.verdict,
            "step": one.step,
            "message": one.message,
            "source": one.source,
            "shared_m2": one.under.shared_m2 if one.under else None,
            "share": one.under.share if one.under else None,
            "shape_ids": list(one.under.shape_ids) if one.under else [],
        }
        for one in found
    ]
    _out.give(
        {"parcel_id": parcel_id, "findings": rows},
        "\n".join(one.message for one in found),
        as_json=as_json,
    )


@shapes_app.command("find")
def find_shapes(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="小班号或宗地号里的字")],
    layer: Annotated[int, typer.Option(help="底图的图层编号，见 constraints list")],
    as_json: Json = False,
) -> None:
    """按编号查找县小班、宗地图形。"""
    with _database.acting() as (session, _):
        found = base_shapes.search(session, layer, number)
    rows = [{"id": shape_id, "shape_no": shape_no} for shape_id, shape_no in found]
    text = _out.table(("编号 id", "小班号或宗地号"), found, empty="没有找到。")
    _out.give({"shapes": rows}, text, as_json=as_json)


@shapes_app.command("take")
def take_shape(
    shape: Annotated[int, typer.Argument(metavar="SHAPE", help="图形 id，见 shapes find")],
    sink_type: Annotated[parcels.SinkType, typer.Option("--type", help="地块类型")],
    name: Annotated[str, typer.Option(help="名称；不填用小班号")] = "",
    township: Annotated[str, typer.Option(help="乡镇（街道）")] = "",
    line: Annotated[
        str | None, typer.Option(help="分割线：[[经度,纬度],...] 的 JSON；两端在图形之外")
    ] = None,
    part: Annotated[str, typer.Option(help="分割后取西部 a 或东部 b")] = "whole",
    as_json: Json = False,
) -> None:
    """把一个县小班或宗地（或分割后的一部分）取作草稿地块。"""
    with _database.acting() as (session, actor):
        parcel = base_shapes.take(
            session, actor, shape, sink_type=sink_type, name=name, township=township, part=part,
            line=base_shapes.line_of(_positions(line)) if line else None,
        )  # fmt: skip
        document = {"id": parcel.id, "code": parcel.code, "status": parcel.status}
    _out.give(document, f"已建草稿 {document['code']}。", as_json=as_json)


def _positions(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(f"分割线不是 JSON：{error}。", code="bad_json") from error


@attribute_app.command("record")
def record_attribute(
    parcel: ParcelArgument,
    kind: Annotated[attributes.AttributeKind, typer.Option(help="种类")],
    value: Annotated[str, typer.Option(help='JSON，如 {"code": "1106"}')],
    valid_from: Day,
    document: FilePath,
    valid_to: DayOrNone = None,
    as_json: Json = False,
) -> None:
    """录入一条属性和它的证明文件，由另一位林业员复核后生效。"""
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise Invalid(f"--value 不是 JSON：{error}。", code="bad_json") from error
    if not isinstance(parsed, dict):
        raise Invalid("--value 应为一个 JSON 对象。", code="bad_json")
    name, content = _input.named_file(document)
    with _database.acting() as (session, actor):
        row = attributes.record(
            session, actor, parcel_id=_names.parcel_id(session, parcel), kind=kind, value=parsed,
            valid_from=valid_from, valid_to=valid_to, document_name=name, document=content,
        )  # fmt: skip
        attribute_id = row.id
    _out.give({"attribute": attribute_id}, f"已录入属性 {attribute_id}。", as_json=as_json)


@attribute_app.command("review")
def review_attribute(
    attribute: Annotated[int, typer.Argument(metavar="ATTRIBUTE", help="编号，见 attribute list")],
    refuse: Annotated[str | None, typer.Option(metavar="REASON", help="不予认可的原因")] = None,
    as_json: Json = False,
) -> None:
    """由另一位林业员复核一条属性；给出 --refuse 则不予认可。"""
    with _database.acting() as (session, actor):
        if refuse is None:
            attributes.review(session, actor, attribute)
        else:
            attributes.refuse(session, actor, attribute, refuse)
    accepted = refuse is None
    _out.give(
        {"attribute": attribute, "accepted": accepted},
        f"{attribute} {'已复核生效' if accepted else '不予认可'}。",
        as_json=as_json,
    )


@attribute_app.command("list")
def list_attributes(parcel: ParcelArgument, as_json: Json = False) -> None:
    """一块地的属性，连同未复核和不予认可的。"""
    with _database.acting() as (session, _):
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "kind": row.kind,
                "value": row.value,
                "valid_from": row.valid_from,
                "valid_to": row.valid_to,
                "accepted": row.reviewed_at is not None,
                "refused": row.refused_reason,
                "taken_over": row.succession_id is not None,
            }
            for row in attributes.of_parcel(session, _names.parcel_id(session, parcel))
        ]
    text = _out.table(
        ("编号", "种类", "内容", "自", "至（不含）", "状态"),
        [
            (
                row["id"], attributes.KIND_ZH[attributes.AttributeKind(row["kind"])],
                attributes.said(attributes.AttributeKind(row["kind"]), row["value"]),
                row["valid_from"], row["valid_to"],
                "已复核" if row["accepted"] else row["refused"] or "待复核",
            )
            for row in rows
        ],
        empty="没有属性。",
    )  # fmt: skip
    _out.give({"attributes": rows}, text, as_json=as_json)
