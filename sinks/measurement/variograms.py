"""How the errors of a map correlate: variograms of error layers, and the error of a mean by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import rasters, zonal
from methodologies import map_error
from methodologies.base import MethodError
from methodologies.map_error import CellErrors, Variogram
from sinks.core import audit
from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Invalid


class LayerVariogram(Base):
    """What was said about an error layer; the newest holds. Rows are never changed."""

    __tablename__ = "layer_variogram"
    __table_args__ = (
        CheckConstraint("range_m > 0 AND range_m < 'infinity'", name="range"),
        CheckConstraint("nugget_share >= 0 AND nugget_share <= 1", name="nugget"),
    )

    id: Mapped[Key]
    layer_id: Mapped[int] = mapped_column(ForeignKey("layer.id"), index=True)
    range_m: Mapped[float]
    nugget_share: Mapped[float]
    source: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class Given:
    """A variogram with where it comes from: rho(d) = (1 - nugget_share) exp(-d / range_m)."""

    range_m: float
    nugget_share: float
    source: str

    def model(self) -> Variogram:
        """The variogram as the calculation takes it."""
        return Variogram(self.range_m, self.nugget_share)

    def as_dict(self) -> dict[str, Any]:
        """What a run keeps of it."""
        return {
            "range_m": self.range_m,
            "nugget_share": self.nugget_share,
            "source": self.source,
        }


def parsed(text: str, source: str) -> Given:
    """Read ``RANGE_M,NUGGET_SHARE``.

    Raises
    ------
    Invalid
        ``variogram``: not two numbers, out of their range, or no source said.
    """
    try:
        model = map_error.variogram_of(text)
    except MethodError as error:
        raise Invalid(str(error), code="variogram") from error
    return checked(Given(model.range_m, model.nugget_share, source))


def checked(given: Given) -> Given:
    """The same with its source trimmed, or Invalid (``variogram``)."""
    if not given.source.strip():
        raise Invalid("请写明变差函数的来源：由哪些样地残差、何时拟合。", code="variogram")
    try:
        given.model()
    except MethodError as error:
        raise Invalid(str(error), code="variogram") from error
    return Given(given.range_m, given.nugget_share, given.source.strip()[:300])


def record(session: Session, actor: Actor, error_layer_id: int, given: Given) -> LayerVariogram:
    """Keep a variogram for an error layer. Roles are checked by `sinks.measurement.layers`."""
    given = checked(given)
    row = LayerVariogram(
        layer_id=error_layer_id,
        range_m=given.range_m,
        nugget_share=given.nugget_share,
        source=given.source,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "layer.variogram", f"layer:{error_layer_id}", given.as_dict())
    return row


def newest(session: Session, error_layer_id: int | None) -> LayerVariogram | None:
    """The variogram that holds for an error layer now, or None: fully correlated."""
    if error_layer_id is None:
        return None
    return session.scalar(
        select(LayerVariogram)
        .where(LayerVariogram.layer_id == error_layer_id)
        .order_by(LayerVariogram.id.desc())
        .limit(1)
    )


def given_of(row: LayerVariogram | None) -> Given | None:
    """What the row says."""
    return None if row is None else Given(row.range_m, row.nugget_share, row.source)


def errors_under(
    path: Path,
    stderr_path: Path,
    outlines: Sequence[MultiPolygon],
    areas_ha: Sequence[float],
    *,
    crs: str | None,
) -> list[CellErrors]:
    """The errors of the cells under each outline, weighted so that they add up to its whole area.

    A parcel that lies partly on cells without a value takes its mean for those too, and so its
    errors: the spread of a cell is area x standard deviation x whole area / covered area.
    """
    found = []
    with rasters.opened(path, crs=crs) as layer:
        for outline, area_ha in zip(outlines, areas_ha, strict=True):
            cells = zonal.cells(path, outline, crs=crs, stderr_path=stderr_path)
            assert cells.stderr is not None
            valid = cells.valid
            covered_ha = float(cells.area_ha[valid].sum())
            spread = cells.area_ha[valid] * cells.stderr[valid] * (area_ha / covered_ha)
            found.append((cells.row[valid], cells.col[valid], spread))
        middle = np.concatenate([row for row, _, _ in found])
        width_m, height_m = layer.cell_size_m(float(np.median(middle)))
    return [CellErrors(row, col, spread, width_m, height_m) for row, col, spread in found]


def stderr_of_sum(errors: Sequence[CellErrors], given: Given | None) -> float:
    """Standard error of a sum over the cells of several parcels, to ten digits.

    The transforms behind it differ in their last bits from one processor to another; a run that is
    measured again elsewhere must not.
    """
    model = None if given is None else given.model()
    stderr = map_error.total_variance(map_error.joined(list(errors)), model) ** 0.5
    return float(f"{stderr:.10g}")
