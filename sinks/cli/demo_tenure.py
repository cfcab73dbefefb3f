"""The demonstration's county maps, certificates of tea gardens and classes of wetlands: all invented.

One map of compartments to take parcels from, one of public-welfare forest and one of permanent
farmland; the other kinds and districts stay unimported, as they would be at the start.
"""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from shapely import MultiPolygon

from sinks.cli import demo_land
from sinks.cli.demo_people import MARK, Stage
from sinks.cli.demo_register import Land
from sinks.land import attributes, constraint_layers, parcels
from sinks.land.attributes import AttributeKind
from sinks.land.constraint_layers import LayerKind
from sinks.land.parcels import SinkType

AS_OF = date(2025, 12, 31)
CERTIFIED_FROM, CERTIFIED_TO = date(2025, 4, 1), date(2028, 4, 1)
# Where nothing is enrolled: the compartments are there to be taken.
COMPARTMENTS = demo_land.Village(
    "heluxi", "递铺街道", "鹤鹿溪村", SinkType.BAMBOO, 119.600, 30.680, 60, 5.0
)
EVIDENCE = f"{MARK} 证明文件，虚构".encode()


def add(stage: Stage, land: Land) -> None:
    """Import the maps and file the attributes, some of them left for the second officer."""
    _add_maps(stage, land)
    tea, wet = land.parcel_ids["huangdu"], land.parcel_ids["tangjing"]
    certificates = {
        parcel_id: {"number": f"演示-DTC-{number:03d}", "body": f"某认证机构{MARK}"}
        for number, parcel_id in enumerate(tea[:5], start=1)
    }
    classes = {parcel_id: {"code": "1106"} for parcel_id in wet}
    filed = [
        *_file(stage, AttributeKind.TEA_CERTIFICATION, certificates, CERTIFIED_TO),
        *_file(stage, AttributeKind.LAND_CLASS, classes, None),
    ]
    with stage.acting("officer2") as (session, actor):
        for attribute_id in filed[1:-1]:
            attributes.review(session, actor, attribute_id)


def _file(
    stage: Stage, kind: AttributeKind, values: dict[int, dict[str, Any]], valid_to: date | None
) -> list[int]:
    with stage.acting("officer1") as (session, actor):
        return [
            attributes.record(
                session, actor, parcel_id=parcel_id, kind=kind, value=value,
                valid_from=CERTIFIED_FROM, valid_to=valid_to, document_name="演示证明.txt",
                document=EVIDENCE,
            ).id
            for parcel_id, value in values.items()
        ]  # fmt: skip


def _add_maps(stage: Stage, land: Land) -> None:
    compartments = [
        (outline, {"XIAO_BAN": f"{number:04d}", "YOU_SHI_SZ": "毛竹", "QI_YUAN": "天然"})
        for number, outline in enumerate(demo_land.cells(COMPARTMENTS), start=1)
    ]
    with stage.acting("officer1") as (session, _):
        forest, fields = (
            [parcels.boundary_of(parcels.present_version(session, one)) for one in ids]
            for ids in (land.parcel_ids["jianshan"][:5], land.parcel_ids["morong"])
        )
    for kind, name, district_code, shapes in (
        (LayerKind.COMPARTMENT, "安吉县小班", "330523", compartments),
        (LayerKind.PUBLIC_WELFARE_FOREST, "安吉县公益林", "330523", [_about(forest, 40.0)]),
        (LayerKind.BASIC_FARMLAND, "南浔区永久基本农田", "330503", [_about(fields, 60.0)]),
    ):
        _import(stage, kind, f"{name}{MARK}", district_code, shapes)


def _about(outlines: list[MultiPolygon], width_m: float) -> tuple[MultiPolygon, dict[str, Any]]:
    """One shape that reaches somewhat beyond the outlines, as a planner draws a zone."""
    whole = shapely.union_all([demo_land.widened(one, width_m) for one in outlines])
    return MultiPolygon([*shapely.get_parts(whole)]), {"编号": "演示-01"}


def _import(
    stage: Stage,
    kind: LayerKind,
    name: str,
    district_code: str,
    shapes: list[tuple[MultiPolygon, dict[str, Any]]],
) -> None:
    features = [
        {"type": "Feature", "properties": own, "geometry": json.loads(shapely.to_geojson(outline))}
        for outline, own in shapes
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        with stage.acting("officer1") as (session, actor):
            constraint_layers.add(
                session, actor, path, kind=kind, name=name, source="随机生成，虚构",
                as_of=AS_OF, licence="CC0（演示）", district_codes=[district_code],
                demonstration=True,
            )  # fmt: skip
