"""The appraiser's part of a court case: the site, what stood on it, and the signed loss.

The site may lie on anybody's land and is no parcel: it claims nothing.
"""

from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon
from sqlalchemy.orm import Session

from gis_data import geometry, zonal
from methodologies import factors, moso_stand_v1, statistics
from methodologies.base import CO2_PER_C
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.measurement import layers, plot_runs
from sinks.measurement.runs import canonical
from sinks.restoration import cases, loss
from sinks.restoration.cases import CaseSite, CourtCase, LossAssessment, Status


@dataclass(frozen=True, slots=True)
class StockFigure:
    """Carbon density under a site [t C/ha] with its standard error, and where it is from."""

    delta_c_t_ha: float
    stderr_t_ha: float | None
    agb_t_ha: float
    basis: str
    layer_sha256: str


def draw_site(session: Session, actor: Actor, case_id: int, boundary: MultiPolygon) -> CaseSite:
    """The appraiser draws the damaged site, on whosever land it lies."""
    row = _of_appraiser(session, actor, case_id)
    if row.status != Status.REQUESTED:
        raise Conflict("测算意见已签署，不能再改现场范围。", code="step")
    site = CaseSite(
        case_id=case_id,
        boundary=from_shape(boundary, srid=4490),
        area_m2=geometry.area_m2(boundary),
        person_id=actor.person_id,
    )
    session.add(site)
    cases.note(session, actor, row, "site", {"area_m2": site.area_m2})
    return site


def stock_under(session: Session, site: CaseSite, layer_id: int) -> StockFigure:
    """The carbon density of bamboo under the site, from a biomass layer: C = AGB (1 + R) CF.

    Errors of the map (fully correlated under the site), of R and of CF are added by approach 1.

    Raises
    ------
    Conflict
        Less than 80 % of the site lies on valid cells.
    """
    layer = layers.value_layer(session, layer_id, "agb")
    stderr = layers.stderr_of(session, layer)
    summary = zonal.summaries(
        layers.path_of(layer),
        [to_shape(site.boundary)],
        crs=layers.given_crs(layer),
        stderr_path=layers.path_of(stderr) if stderr else None,
    )[0]
    if summary.mean is None or summary.valid_share < 0.8:
        raise Conflict(
            f"受损地只有 {summary.valid_share:.0%} 落在图层有效像元上，请改用实测数据。",
            code="uncovered",
        )
    carbon_t_ha = summary.mean * moso_stand_v1.co2_t_per_agb_t() / CO2_PER_C
    basis = f"图层“{layer.name}”（{layer.epoch}）"
    return StockFigure(
        carbon_t_ha, _stock_stderr(carbon_t_ha, summary), summary.mean, basis, layer.sha256
    )


def _stock_stderr(carbon_t_ha: float, summary: zonal.ParcelSummary) -> float | None:
    stderr_t_ha = plot_runs.stderr_mean(summary)
    if stderr_t_ha is None or not summary.mean:
        return None
    root_ratio, carbon_fraction = factors.factor("moso.R"), factors.factor("moso.CF")
    return carbon_t_ha * statistics.approach1_product(
        stderr_t_ha / summary.mean,
        root_ratio.stderr / (1 + root_ratio.number),
        carbon_fraction.stderr / carbon_fraction.number,
    )


def sign_assessment(
    session: Session,
    actor: Actor,
    case_id: int,
    *,
    facts: dict[str, Any],
    basis: str,
    layer_sha256: str | None = None,
) -> LossAssessment:
    """The appraiser signs: the loss is computed from ``facts`` (as `loss.assess` takes them) for
    the site on file and kept with every step.

    Raises
    ------
    Conflict
        No site was drawn, or the area is not that of the site.
    """
    row = _of_appraiser(session, actor, case_id)
    site = cases.site_of(session, case_id)
    if site is None:
        raise Conflict("请先勾绘受损地范围。", code="no_site")
    if not basis.strip():
        raise Invalid("请写明存量数据的来源（图层或实测）。", code="basis")
    document = {**facts, "area_m2": site.area_m2}
    result = loss.assess(document)
    cases.move(row, Status.APPRAISED)
    assessment = LossAssessment(
        case_id=case_id,
        site_id=site.id,
        input_json=canonical(document),
        result_json=canonical(result),
        basis=basis.strip(),
        layer_sha256=layer_sha256,
        signed_by_id=actor.person_id,
    )
    session.add(assessment)
    cases.note(session, actor, row, "sign", {"quantity_kg": result["quantity_kg"]})
    return assessment


def _of_appraiser(session: Session, actor: Actor, case_id: int) -> CourtCase:
    actor.require(Role.APPRAISER)
    row = cases.locked(session, case_id)
    if row.appraiser_id != actor.party_id:
        raise NotFound("没有委托给本机构的这个案件。", code="case")
    return row
