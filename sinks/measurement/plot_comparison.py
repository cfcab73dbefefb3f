"""Two measurings of one plot, held against each other by one number."""

from collections.abc import Sequence

from methodologies import moso_stand_v1
from methodologies.plot_readings import Reading
from sinks.measurement.plots import CulmCount


def number(found: Sequence[CulmCount] | Reading, area_m2: float, slope_deg: float) -> float:
    """The number by which what was found on a plot is compared [`plot_kinds.KINDS`.unit].

    area_m2 : along the slope
    """
    if isinstance(found, Reading):
        return found.compared(area_m2, slope_deg)
    return moso_stand_v1.plot_agb_t_ha(
        [
            moso_stand_v1.Culms(
                float(culm.dbh_cm),
                culm.age_du
                if culm.age_du is not None
                else moso_stand_v1.age_du(culm.age_years or 0),
                culm.count,
            )
            for culm in found
        ],
        area_m2,
        slope_deg,
    )


def difference_share(first: float, again: float) -> float:
    """Second less first over the first; over the second where the first found nothing."""
    if first == again:
        return 0.0
    return (again - first) / (first or again)
