"""Layers: raster maps of one variable at one date, stored once under their SHA-256."""

import secrets
import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import CheckConstraint, ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import rasters
from sinks.core import audit, settings
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, today
from sinks.core.errors import Conflict, Invalid, NotFound

# What a layer may hold, with the only unit in which the methods read it.
# The band is one of plausibility: no forest on earth holds more (IPCC 2019 Vol 4 Table 4.7).
VARIABLES = {"agb": ("地上生物量", "Mg/ha", (0.0, 1000.0))}
PHASES = ("on", "off", "mixed", "unknown")


class Layer(Base):
    """One raster and what is known about it. ``stderr_layer_id`` points at its error layer."""

    __tablename__ = "layer"
    __table_args__ = (
        CheckConstraint("phase in ('on','off','mixed','unknown')", name="phase"),
        CheckConstraint("kind in ('value','stderr')", name="kind"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    variable: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str]
    epoch: Mapped[date]
    phase: Mapped[str]
    crs: Mapped[str]
    crs_given: Mapped[bool]  # The file had none; the person said so.
    resolution: Mapped[str]
    nodata: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(unique=True)
    licence: Mapped[str]
    source: Mapped[str]
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    stderr_layer_id: Mapped[int | None] = mapped_column(ForeignKey("layer.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def add(
    session: Session,
    actor: Actor,
    path: Path,
    *,
    name: str,
    variable: str,
    unit: str,
    epoch: date,
    phase: str,
    licence: str,
    source: str,
    crs: str | None = None,
    stderr_path: Path | None = None,
    demonstration: bool = False,
) -> Layer:
    """Check a raster, keep it and write it into the catalogue, with its error layer if given.

    Raises
    ------
    gis_data.rasters.RasterRefused
        Not a GeoTIFF, no CRS and none given, rotated, too large, values out of reason.
    Invalid, Conflict
        No such variable, another unit, the error layer lies on another grid, or already there.
    """
    actor.require(Role.OFFICER, Role.DEVELOPER, Role.COOPERATIVE)
    if variable not in VARIABLES or unit != VARIABLES[variable][1]:
        known = "、".join(f"{key}（{unit_}）" for key, (_, unit_, _) in VARIABLES.items())
        raise Invalid(f"可登记的图层：{known}。现在给的是 {variable}（{unit}）。", code="unit")
    if phase not in PHASES:
        raise Invalid("大小年应为 on、off、mixed 或 unknown。", code="phase")
    if epoch > today(session):
        raise Invalid("图层日期不能在将来：将来的碳汇不能计入。", code="future")
    if not licence.strip() or not source.strip():
        raise Invalid("请写明图层来源和使用许可。", code="licence")
    info = rasters.inspect(path, crs=crs)
    low, high = VARIABLES[variable][2]
    if (
        info.minimum is None
        or info.maximum is None
        or not low <= info.minimum <= info.maximum <= high
    ):
        raise Invalid(
            f"图层的值在 {info.minimum} 到 {info.maximum} 之间，"
            f"{VARIABLES[variable][0]}应在 {low:g} 到 {high:g} {unit} 之间。"
            "请检查单位、比例系数和无值（nodata）设置。",
            code="values",
        )
    stderr = None
    if stderr_path is not None:
        stderr_info = rasters.inspect(stderr_path, crs=crs)
        if grid_of(info) != grid_of(stderr_info):
            raise Invalid("误差图层与数值图层不在同一格网上，不能配对。", code="grid")
        stderr = _keep(
            session, actor, stderr_path, stderr_info, kind="stderr", name=f"{name}·标准误",
            variable=variable, unit=unit, epoch=epoch, phase=phase, licence=licence,
            source=source, crs_given=crs is not None, demonstration=demonstration,
        )  # fmt: skip
    return _keep(
        session, actor, path, info, kind="value", name=name, variable=variable, unit=unit,
        epoch=epoch, phase=phase, licence=licence, source=source, crs_given=crs is not None,
        demonstration=demonstration, stderr=stderr,
    )  # fmt: skip


def _keep(
    session: Session,
    actor: Actor,
    path: Path,
    info: rasters.RasterInfo,
    *,
    kind: str,
    name: str,
    variable: str,
    unit: str,
    epoch: date,
    phase: str,
    licence: str,
    source: str,
    crs_given: bool,
    demonstration: bool,
    stderr: Layer | None = None,
) -> Layer:
    held = session.scalar(select(Layer).where(Layer.sha256 == info.sha256))
    if held is not None:
        raise Conflict(f"这个文件已登记为“{held.name}”。", code="layer_held")
    target = path_of_sha256(info.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        part = target.with_suffix(f".{secrets.token_hex(8)}.part")
        shutil.copyfile(path, part)
        part.replace(target)
    row = Layer(
        name=name.strip()[:100],
        variable=variable,
        kind=kind,
        unit=unit,
        epoch=epoch,
        phase=phase,
        crs=info.crs,
        crs_given=crs_given,
        resolution=f"{abs(info.transform[0]):g} × {abs(info.transform[4]):g}",
        nodata=None if info.nodata is None else repr(info.nodata),
        sha256=info.sha256,
        licence=licence.strip(),
        source=source.strip(),
        demonstration=demonstration,
        stderr_layer_id=stderr.id if stderr else None,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "layer.add", f"layer:{row.id}", {"sha256": info.sha256})
    return row


def path_of_sha256(sha256: str) -> Path:
    """Where the raster of this hash lies."""
    return settings.load().layers_dir / f"{sha256}.tif"


def path_of(layer: Layer) -> Path:
    """The file of a layer, proved to be the one that was registered.

    Raises
    ------
    NotFound
        The file is missing or was changed.
    """
    path = path_of_sha256(layer.sha256)
    if not path.exists() or rasters.sha256_of(path) != layer.sha256:
        raise NotFound(f"图层文件“{layer.name}”缺失或已被改动，请从备份恢复。", code="layer_lost")
    return path


def listing(session: Session, *, variable: str | None = None) -> list[Layer]:
    """Value layers, newest epoch first."""
    query = select(Layer).where(Layer.kind == "value").order_by(Layer.epoch.desc(), Layer.id)
    if variable:
        query = query.where(Layer.variable == variable)
    return list(session.scalars(query))


def get(session: Session, layer_id: int) -> Layer:
    """One layer, or NotFound."""
    row = session.get(Layer, layer_id)
    if row is None:
        raise NotFound("没有这个图层。", code="layer")
    return row


def grid_of(info: rasters.RasterInfo) -> tuple[object, ...]:
    """What two layers must share for their cells to be the same cells."""
    return info.crs, info.width, info.height, info.transform
