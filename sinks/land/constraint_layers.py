"""Maps of the county that land is held against: protected forest and areas, farmland, 小班 and 宗地.

A layer is a file, read as parcels' files are, with its source, date, licence and hash. A newer one of
the same kind over the same districts takes the place of the older for what is checked from then on;
the older is kept. What a layer says about a parcel is measured, never assumed: a county whose layer
nobody has imported is unchecked, which is not nought.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import check, districts, geometry, vectors
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.land.parcels import METRIC_SRID, OVERLAP_WIDTH_M_MAX, SinkType

CITY_CODE = "330500"  # GB/T 2260: Huzhou, all five districts.
LOCK_KEY = 7404


class LayerKind(StrEnum):
    PUBLIC_WELFARE_FOREST = "public_welfare_forest"
    NATURAL_FOREST = "natural_forest"
    PROTECTED_AREA = "protected_area"
    ECOLOGICAL_REDLINE = "ecological_redline"
    BASIC_FARMLAND = "basic_farmland"
    COMPARTMENT = "compartment"
    CADASTRE = "cadastre"


KIND_ZH = {
    LayerKind.PUBLIC_WELFARE_FOREST: "公益林",
    LayerKind.NATURAL_FOREST: "天然林",
    LayerKind.PROTECTED_AREA: "自然保护地",
    LayerKind.ECOLOGICAL_REDLINE: "生态保护红线",
    LayerKind.BASIC_FARMLAND: "永久基本农田",
    LayerKind.COMPARTMENT: "县小班",
    LayerKind.CADASTRE: "宗地",
}
# What binds land; the other two are drawn on and name what lies there.
CONSTRAINTS = tuple(
    kind for kind in LayerKind if kind not in (LayerKind.COMPARTMENT, LayerKind.CADASTRE)
)
BASE_MAPS = (LayerKind.COMPARTMENT, LayerKind.CADASTRE)
# Fields by which the tables of the counties number their shapes.
SHAPE_NO_FIELDS = (
    "小班号", "XIAO_BAN", "XBH", "小班", "宗地代码", "ZDDM", "不动产单元号", "BDCDYH", "图斑编号",
    "TBBH", "编号", "BH", "name", "NAME", "名称",
)  # fmt: skip
# Fields that name people. The maps of a county are not imported for whose land it is, and a name
# that is not stored does not leak.
PERSONAL_FIELDS = frozenset(
    (
        "LQ_QLR", "LMSYQR", "LMSUQR", "LDSYQR", "LDSUQR", "QLR", "QLRMC", "QLRXM", "SYQR", "CBF",
        "CBFMC", "CBFDBXM", "ZJH", "ZJHM", "SFZ", "SFZH", "DH", "LXDH", "OWNER", "HOLDER", "PHONE",
        "权利人", "林权权利人", "林权利人", "所有权人", "使用权人", "承包人", "承包方", "承包方代表", "户主",
        "姓名", "证件号", "证件号码", "身份证", "身份证号", "电话", "联系电话", "手机", "手机号",
    )
)  # fmt: skip


class ConstraintLayer(Base):
    """A map of one kind over one or several districts, as it was on a day."""

    __tablename__ = "constraint_layer"
    __table_args__ = (
        CheckConstraint("superseded_by_id <> id", name="superseded"),
        CheckConstraint(
            "(superseded_by_id is null) = (superseded_at is null)", name="superseded_whole"
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    district_codes: Mapped[list[Any]]
    as_of: Mapped[date]
    source: Mapped[str]
    licence: Mapped[str]
    crs: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    shapes: Mapped[int]
    refused: Mapped[list[Any]]  # row, code, message
    fields: Mapped[list[Any]]
    fields_left_out: Mapped[list[Any]]
    demonstration: Mapped[bool]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    superseded_by_id: Mapped[int | None] = mapped_column(ForeignKey("constraint_layer.id"))
    superseded_at: Mapped[datetime | None]


class ConstraintShape(Base):
    """One shape of a layer, exactly as read."""

    __tablename__ = "constraint_shape"
    __table_args__ = (
        CheckConstraint("st_isvalid(boundary)", name="boundary_valid"),
        Index("constraint_shape_layer_row", "layer_id", "row", unique=True),
    )

    id: Mapped[Key]
    layer_id: Mapped[int] = mapped_column(ForeignKey("constraint_layer.id"))
    row: Mapped[int]
    shape_no: Mapped[str]
    attributes: Mapped[dict[str, Any]]
    boundary: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490, spatial_index=True), nullable=False
    )
    boundary_m: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=METRIC_SRID, spatial_index=True),
        Computed(f"st_transform(boundary, {METRIC_SRID})", persisted=True),
    )
    area_m2: Mapped[float]
    declared_area_m2: Mapped[float | None]
    geometry_sha256: Mapped[str]


@dataclass(frozen=True, slots=True)
class Under:
    """What one layer shares with one parcel.

    shared_m2 : area of the union of its shapes under the parcel, on the ellipsoid [m2]
    share : of the parcel's area
    deep : wider than the accuracy of the registry somewhere
    """

    parcel_id: int
    layer_id: int
    kind: LayerKind
    layer_name: str
    as_of: date
    shared_m2: float
    share: float
    deep: bool
    shape_ids: tuple[int, ...]
    shape_nos: tuple[str, ...]


def add(
    session: Session,
    actor: Actor,
    path: Path,
    *,
    kind: str,
    name: str,
    source: str,
    as_of: date,
    licence: str,
    district_codes: Sequence[str],
    file_name: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    shape_no_field: str | None = None,
    demonstration: bool = False,
) -> ConstraintLayer:
    """Read a map of the county and put it in force for new checks.

    district_codes : whose land the map covers wholly; ``330500`` stands for all five. A parcel
        there that meets no shape is checked and free, so a part of a county must not say so.

    Raises
    ------
    FileRefused
        The file cannot be read.
    Invalid
        Its kind, name, source, date, licence or districts are not given; no shape can be taken.
    Conflict
        The same file is in force already, or a newer map of this kind is.
    """
    actor.require(Role.OFFICER, Role.REGISTRAR)
    codes = _described(session, kind, name, source, as_of, licence, district_codes)
    read = vectors.read(path, crs=crs, encoding=encoding, layer=layer)
    report = _checked(read, shape_no_field)
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    before = _in_force(session, kind, codes)
    _refuse_older(before, read.sha256, as_of)
    filed = documents.file(
        session, actor, kind="constraint_layer", name=file_name or path.name,
        content=path.read_bytes(), subject=f"constraint:{kind}",
    )  # fmt: skip
    row = ConstraintLayer(
        kind=kind,
        name=name.strip()[:100],
        district_codes=codes,
        as_of=as_of,
        source=source.strip()[:200],
        licence=licence.strip()[:200],
        crs=read.crs.name,
        file_name=(file_name or path.name)[:200],
        sha256=read.sha256,
        document_id=filed.id,
        shapes=len(report.accepted),
        refused=[
            {"row": item.row, "code": item.code, "message": item.message} for item in report.refused
        ],
        fields=[field for field in read.fields if not is_personal(field)],
        fields_left_out=[field for field in read.fields if is_personal(field)],
        demonstration=demonstration,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    _add_shapes(session, row.id, report.accepted, shape_no_field)
    _put_in_force(session, actor, row, before)
    return row


def _checked(read: vectors.VectorFile, shape_no_field: str | None) -> check.CheckReport:
    """The shapes that can be taken. Maps reach beyond the city; only their own geometry is judged."""
    if shape_no_field is not None and shape_no_field not in read.fields:
        raise Invalid(
            f"没有字段“{shape_no_field}”。有：{'、'.join(read.fields)[:200]}。",
            code="shape_no_field",
        )
    report = check.check_rows(read, sink_type=SinkType.OTHER, anywhere=True)
    if not report.accepted:
        raise Invalid("文件里没有一个可用的图形。", code="nothing_accepted")
    return report


def _put_in_force(
    session: Session, actor: Actor, row: ConstraintLayer, before: Sequence[ConstraintLayer]
) -> None:
    """The new map takes the place of those it covers wholly."""
    for older in before:
        older.superseded_by_id, older.superseded_at = row.id, now(session)
    session.flush()
    audit.record(
        session, actor, "constraint.import", f"constraint:{row.id}",
        {"kind": row.kind, "sha256": row.sha256, "shapes": row.shapes,
         "refused": len(row.refused), "replaces": [older.id for older in before]},
    )  # fmt: skip


def _described(
    session: Session,
    kind: str,
    name: str,
    source: str,
    as_of: date,
    licence: str,
    district_codes: Sequence[str],
) -> list[str]:
    """The districts, sorted, after looking that everything about the map is said."""
    if kind not in list(LayerKind):
        raise Invalid("请选择图层的种类。", code="layer_kind")
    for said, word in ((name, "名称"), (source, "来源"), (licence, "许可或使用依据")):
        if not said.strip():
            raise Invalid(f"请填写图层的{word}。", code="layer_described")
    if as_of > now(session).date():
        raise Invalid("图层的日期不能晚于今天。", code="as_of")
    known = {one.code for one in districts.DISTRICTS}
    codes = sorted(known if CITY_CODE in district_codes else set(district_codes))
    if not codes or not set(codes) <= known:
        raise Invalid(
            f"请写明图层完整覆盖哪些区县：{'、'.join(sorted(known))}，或全市 {CITY_CODE}。",
            code="districts",
        )
    return codes


def is_personal(field: str) -> bool:
    """Whether a field of a county's table names a person."""
    return field.strip().upper() in PERSONAL_FIELDS


def _in_force(session: Session, kind: str, codes: list[str]) -> list[ConstraintLayer]:
    """The maps of the kind that the new one covers wholly."""
    query = select(ConstraintLayer).where(
        ConstraintLayer.kind == kind, ConstraintLayer.superseded_by_id.is_(None)
    )
    return [row for row in session.scalars(query) if set(row.district_codes) <= set(codes)]


def _refuse_older(before: list[ConstraintLayer], sha256: str, as_of: date) -> None:
    for row in before:
        if row.sha256 == sha256:
            raise Conflict(f"这个文件已作为“{row.name}”在用，没有再写。", code="already_imported")
        if row.as_of > as_of:
            raise Conflict(
                f"在用的“{row.name}”是 {row.as_of} 的，比这份（{as_of}）新，不能被它取代。",
                code="older",
            )


def _add_shapes(
    session: Session, layer_id: int, rows: Sequence[check.CheckedRow], shape_no_field: str | None
) -> None:
    fields = (shape_no_field,) if shape_no_field else SHAPE_NO_FIELDS
    session.execute(
        insert(ConstraintShape),
        [
            {
                "layer_id": layer_id,
                "row": item.row,
                "shape_no": shape_no(item.attributes, fields) or f"第 {item.row + 1} 行",
                "attributes": {
                    field: value for field, value in item.attributes.items()
                    if value not in (None, "") and not is_personal(field)
                },
                "boundary": from_shape(item.boundary_4490, srid=4490),
                "area_m2": item.area_m2,
                "declared_area_m2": item.declared_area_m2,
                "geometry_sha256": item.geometry_sha256,
            }
            for item in rows
        ],
    )  # fmt: skip


def shape_no(attributes: dict[str, Any], fields: Sequence[str] = SHAPE_NO_FIELDS) -> str:
    """The number by which a county calls a shape; codes stay text."""
    return next((str(attributes[field]) for field in fields if attributes.get(field)), "")[:100]


def listing(session: Session) -> list[ConstraintLayer]:
    """Every map, those in force first, by kind and the newest first."""
    rows = session.scalars(select(ConstraintLayer).order_by(ConstraintLayer.id.desc()))
    order = {kind: number for number, kind in enumerate(LayerKind)}
    return sorted(
        rows, key=lambda row: (row.superseded_by_id is not None, order[LayerKind(row.kind)])
    )


def get(session: Session, layer_id: int) -> ConstraintLayer:
    """A map by its id, or NotFound."""
    row = session.get(ConstraintLayer, layer_id)
    if row is None:
        raise NotFound("没有这个图层。", code="constraint_layer")
    return row


def coverage(session: Session) -> dict[tuple[LayerKind, str], ConstraintLayer]:
    """The map in force of each kind for each district; what is missing was never imported."""
    query = select(ConstraintLayer).where(ConstraintLayer.superseded_by_id.is_(None))
    found: dict[tuple[LayerKind, str], ConstraintLayer] = {}
    for row in session.scalars(query.order_by(ConstraintLayer.as_of, ConstraintLayer.id)):
        for code in row.district_codes:
            found[LayerKind(row.kind), code] = row
    return found


def under(session: Session, parcel_ids: Sequence[int]) -> dict[int, list[Under]]:
    """What every map in force shares with the present outlines of parcels, by parcel."""
    rows = session.execute(
        text(
            """
            WITH met AS (
              SELECT v.parcel_id, v.area_m2 AS parcel_m2, l.id AS layer_id, l.kind, l.name, l.as_of,
                     s.id AS shape_id, s.shape_no,
                     ST_CollectionExtract(ST_Intersection(s.boundary_m, v.boundary_m), 3) AS part
              FROM parcel_version v
                   JOIN LATERAL constraint_shapes_near(v.boundary_m) s
                     ON ST_Intersects(s.boundary_m, v.boundary_m)
                   JOIN constraint_layer l ON l.id = s.layer_id AND l.superseded_by_id IS NULL
              WHERE v.valid_to IS NULL AND v.parcel_id = ANY(:ids))
            SELECT parcel_id, layer_id, kind, name, as_of,
                   ST_Area(ST_Transform(u.whole, 4490)::geography) AS shared_m2, parcel_m2,
                   NOT ST_IsEmpty(ST_Buffer(u.whole, -:half_width)) AS deep, u.ids, u.nos
            FROM (SELECT parcel_id, parcel_m2, layer_id, kind, name, as_of,
                         ST_Union(part) AS whole,
                         array_agg(shape_id ORDER BY ST_Area(part) DESC, shape_id) AS ids,
                         array_agg(shape_no ORDER BY ST_Area(part) DESC, shape_id) AS nos
                  FROM met WHERE ST_Area(part) > :line_m2
                  GROUP BY parcel_id, parcel_m2, layer_id, kind, name, as_of) u
            ORDER BY parcel_id, layer_id
            """
        ),
        {
            "ids": list(parcel_ids),
            "half_width": OVERLAP_WIDTH_M_MAX / 2,
            "line_m2": geometry.AREA_M2_MIN,  # Less is where two shapes touch.
        },
    )
    found: dict[int, list[Under]] = {parcel_id: [] for parcel_id in parcel_ids}
    for row in rows:
        found[row.parcel_id].append(
            Under(
                row.parcel_id, row.layer_id, LayerKind(row.kind), row.name, row.as_of,
                float(row.shared_m2), min(float(row.shared_m2) / float(row.parcel_m2), 1.0),
                bool(row.deep), tuple(row.ids), tuple(row.nos),
            )
        )  # fmt: skip
    return found


def outline(shape: ConstraintShape) -> shapely.MultiPolygon:
    """The outline of a shape as a shapely geometry in EPSG:4490."""
    found = geometry.as_multipolygon(shapely.from_wkb(bytes(shape.boundary.data)))
    assert isinstance(found, shapely.MultiPolygon)
    return found
