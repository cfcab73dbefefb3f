"""Layers: raster maps of one variable at one date, checked once and kept as cloud-optimised GeoTIFF.

The file that came is known by its SHA-256; what is kept is a tiled copy, proved cell for cell to hold
the same, under the SHA-256 of its own. Every measurement reads the copy and proves it first.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import raster_intake, rasters
from gis_data.raster_intake import Reading, Received
from sinks.core import audit, settings
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.measurement import variables, variograms
from sinks.measurement.variables import Legend, Variable
from sinks.measurement.variograms import Given

PHASES = ("on", "off", "mixed", "unknown")
MAY_ADD = (Role.OFFICER, Role.DEVELOPER, Role.COOPERATIVE)


class Layer(Base):
    """One raster and what is known about it. ``stderr_layer_id`` points at its error layer."""

    __tablename__ = "layer"
    __table_args__ = (
        CheckConstraint("phase in ('on','off','mixed','unknown')", name="phase"),
        CheckConstraint("kind in ('value','stderr')", name="kind"),
        CheckConstraint("(unit IS NULL) <> (legend IS NULL)", name="unit_or_legend"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    variable: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str | None]  # None: the values are codes of ``legend``.
    epoch: Mapped[date]
    phase: Mapped[str]
    crs: Mapped[str]
    crs_given: Mapped[bool]  # The file had none; the person said so.
    resolution: Mapped[str]
    nodata: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(unique=True)  # of the file that came
    cog_sha256: Mapped[str | None]  # of the copy that is kept; None: the file that came is kept
    legend: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    scale: Mapped[float | None]
    scale_offset: Mapped[float | None]
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    valid_share: Mapped[float | None]
    licence: Mapped[str]
    source: Mapped[str]
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    stderr_layer_id: Mapped[int | None] = mapped_column(ForeignKey("layer.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    @property
    def classes(self) -> Legend | None:
        """The legend by code in rising order, or None where the layer holds a quantity."""
        if self.legend is None:
            return None
        return {int(code): (zh, en) for code, (zh, en) in sorted(
            self.legend.items(), key=lambda item: int(item[0])
        )}  # fmt: skip

    @property
    def kept_sha256(self) -> str:
        """Hash of the file in the folder of layers."""
        return self.cog_sha256 or self.sha256


@dataclass(frozen=True, slots=True)
class _Said:
    """What a person says about a raster and its error layer alike."""

    variable: str
    unit: str | None
    epoch: date
    phase: str
    licence: str
    source: str
    crs: str | None
    demonstration: bool


def add(
    session: Session,
    actor: Actor,
    path: Path,
    *,
    name: str,
    variable: str,
    unit: str | None,
    epoch: date,
    phase: str,
    licence: str,
    source: str,
    crs: str | None = None,
    stderr_path: Path | None = None,
    legend: Legend | None = None,
    variogram: Given | None = None,
    demonstration: bool = False,
) -> Layer:
    """Check a raster, keep it and write it into the catalogue, with its error layer if given.

    A layer of classes takes a ``legend`` and neither a unit nor an error layer.

    Raises
    ------
    gis_data.rasters.RasterRefused
        Not a GeoTIFF, no CRS and none given, rotated, south up, too large.
    Invalid, Conflict
        No such variable, another unit, values out of reason, a code without a name, the error layer
        lies on another grid, licence or source not said, or already there.
    """
    actor.require(*MAY_ADD)
    what = variables.variable(variable)
    said = _Said(variable, unit, epoch, phase, licence.strip(), source.strip(), crs, demonstration)
    _refuse_unsaid(session, what, said, legend, stderr_path, variogram)
    folder = settings.load().layers_dir
    folder.mkdir(parents=True, exist_ok=True)
    most = None if legend is None else variables.CLASSES_MAX
    paths = [path] if stderr_path is None else [path, stderr_path]
    with raster_intake.received(paths, folder, crs=crs, codes_most=most) as reading:
        _refuse_bands(reading)
        value, *errors = reading.layers
        variables.refuse_implausible(value.info, what)
        if legend is not None:
            variables.refuse_unknown_codes(value.codes or [], legend)
        stderr = None
        for one in errors:
            if grid_of(value.info) != grid_of(one.info):
                raise Invalid("误差图层与数值图层不在同一格网上，不能配对。", code="grid")
            variables.refuse_implausible(one.info, what, stderr=True)
            stderr = _keep(
                session, actor, one, said, reading.network, kind="stderr", name=f"{name}·标准误"
            )
            if variogram is not None:
                variograms.record(session, actor, stderr.id, variogram)
        return _keep(
            session, actor, value, said, reading.network, kind="value", name=name, legend=legend,
            stderr=stderr,
        )  # fmt: skip


def _refuse_bands(reading: Reading) -> None:
    """Refuse a file of several bands: nobody could later say which was meant."""
    for one in reading.layers:
        if one.info.bands != 1:
            raise Invalid(
                f"影像有 {one.info.bands} 个波段，一个图层只收一个波段。请把要用的波段另存后再交。",
                code="bands",
            )


def _refuse_unsaid(
    session: Session,
    what: Variable,
    said: _Said,
    legend: Legend | None,
    stderr_path: Path | None,
    variogram: Given | None,
) -> None:
    if said.unit != what.unit:
        wanted = f"单位须为 {what.unit}" if what.unit else "是类别，没有单位"
        raise Invalid(f"{what.zh}{wanted}，现在给的是 {said.unit or '空'}。", code="unit")
    if what.is_classes and legend is None:
        raise Invalid(f"{what.zh}是类别图层，请给出图例：每个代码的名称。", code="legend")
    if what.is_classes and stderr_path is not None:
        raise Invalid("类别没有标准误，不能附误差图层。", code="classes")
    if not what.is_classes and legend is not None:
        raise Invalid(f"{what.zh}是数量，不是类别，没有图例。", code="legend")
    if variogram is not None and stderr_path is None:
        raise Invalid("变差函数说的是误差图层的误差；请一并给出误差图层。", code="variogram")
    if said.phase not in PHASES:
        raise Invalid("大小年应为 on、off、mixed 或 unknown。", code="phase")
    if said.epoch > today(session):
        raise Invalid("图层日期不能在将来：将来的碳汇不能计入。", code="future")
    if not said.licence or not said.source:
        raise Invalid("请写明图层来源和使用许可。", code="licence")


def _keep(
    session: Session,
    actor: Actor,
    one: Received,
    said: _Said,
    network: str,
    *,
    kind: str,
    name: str,
    legend: Legend | None = None,
    stderr: Layer | None = None,
) -> Layer:
    info = one.info
    held = session.scalar(select(Layer).where(Layer.sha256 == info.sha256))
    if held is not None:
        raise Conflict(f"这个文件已登记为“{held.name}”。", code="layer_held")
    row = Layer(
        name=name.strip()[:100],
        variable=said.variable,
        kind=kind,
        unit=said.unit,
        epoch=said.epoch,
        phase=said.phase,
        crs=info.crs,
        crs_given=said.crs is not None,
        resolution=f"{abs(info.transform[0]):g} × {abs(info.transform[4]):g}",
        nodata=None if info.nodata is None else repr(info.nodata),
        sha256=info.sha256,
        cog_sha256=_kept(one),
        legend=None if legend is None else {str(code): list(legend[code]) for code in legend},
        scale=info.scale,
        scale_offset=info.offset,
        minimum=info.minimum,
        maximum=info.maximum,
        valid_share=info.valid_share,
        licence=said.licence,
        source=said.source,
        demonstration=said.demonstration,
        stderr_layer_id=stderr.id if stderr else None,
        person_id=actor.person_id,
    )
    taken = Conflict("这个文件刚由别人登记，请刷新后查看。", code="layer_held")
    with refused_in_words(session, {"layer_sha256_key": taken}):
        session.add(row)
    audit.record(
        session, actor, "layer.add", f"layer:{row.id}",
        {"sha256": row.sha256, "cog_sha256": row.cog_sha256,
         "read": {"process": "child", "network": network}},
    )  # fmt: skip
    return row


def _kept(one: Received) -> str:
    """Move the tiled copy into the folder of layers and return its hash."""
    if one.copy_differs is not None:
        raise Invalid(
            f"转成分块影像后与原文件不一致（{one.copy_differs}），没有登记。"
            "请把文件和这句话交给管理员。",
            code="copy_differs",
        )
    os.replace(one.copy, path_of_sha256(one.copy_sha256))
    return one.copy_sha256


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
    path = path_of_sha256(layer.kept_sha256)
    if not path.exists() or rasters.sha256_of(path) != layer.kept_sha256:
        raise NotFound(f"图层文件“{layer.name}”缺失或已被改动，请从备份恢复。", code="layer_lost")
    return path


def given_crs(layer: Layer) -> str | None:
    """The coordinate system to open the layer's file with: None where the file names it."""
    return layer.crs if layer.crs_given else None


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


def value_layer(session: Session, layer_id: int, variable: str) -> Layer:
    """A layer that holds values of the variable a method reads.

    Raises
    ------
    Invalid
        ``layers``: an error layer, or one of another variable.
    """
    row = get(session, layer_id)
    if row.kind != "value" or row.variable != variable:
        raise Invalid(
            f"图层“{row.name}”不是{variables.variable(variable).zh}图层，不能用在这里。",
            code="layers",
        )
    return row


def stderr_of(session: Session, layer: Layer) -> Layer | None:
    """The error layer of a layer, if it has one."""
    return get(session, layer.stderr_layer_id) if layer.stderr_layer_id else None


def give_variogram(session: Session, actor: Actor, layer_id: int, given: Given) -> None:
    """Record how the errors of a layer correlate; new runs use it, stored runs keep theirs.

    Raises
    ------
    Conflict
        ``no_stderr``: the layer has no error layer.
    """
    actor.require(*MAY_ADD)
    layer = get(session, layer_id)
    error_layer_id = layer.id if layer.kind == "stderr" else layer.stderr_layer_id
    if error_layer_id is None:
        raise Conflict(f"图层“{layer.name}”没有误差图层，没有误差可说。", code="no_stderr")
    variograms.record(session, actor, error_layer_id, given)


def grid_of(info: rasters.RasterInfo) -> tuple[object, ...]:
    """What two layers must share for their cells to be the same cells."""
    return info.crs, info.width, info.height, info.transform
