"""What every kind of activity record has: its place within a year, and what has to be alike.

The kinds themselves stand in `methodologies.activity` and `methodologies.wetland_activity`.
"""

from datetime import date
from typing import Any, ClassVar

from methodologies.inputs import Model


class Record(Model):
    """One record; `slot` tells records of a kind, parcel and year apart that stand side by side.

    IS_YEARLY : it speaks of its year; otherwise it holds from its year until it is stated anew
    """

    IS_YEARLY: ClassVar[bool] = True

    @property
    def slot(self) -> str:
        """Return the name of its place within the year; empty where a year has one record."""
        return ""

    @property
    def dated(self) -> tuple[str, date] | None:
        """Return the day that decides the record's year, with its name; None where it has no day."""
        return None

    def fault_of_year(self, year: int) -> str | None:
        """Return why the record can't be of this year; None where it can."""
        if self.dated is not None and self.dated[1].year != year:
            what, day = self.dated
            return f"{what} {day} 不在记录的年份 {year} 之内"
        return None


class Practice(Record):
    """How a parcel was kept in a year; the parcels of a stratum are kept alike."""

    @property
    def way(self) -> dict[str, Any]:
        """Return what has to be alike on all parcels of a stratum."""
        return self.model_dump()


class Harvested(Practice):
    """A practice with what it yielded. The yield is no practice: it may differ between neighbours
    who farm alike, and must not fall."""

    YIELD_FIELD: ClassVar[str]

    @property
    def way(self) -> dict[str, Any]:
        """Return every field but the yield."""
        return self.model_dump(exclude={self.YIELD_FIELD})

    @property
    def harvest_t_ha(self) -> float:
        """Return the yield [t/ha], of whatever the crop is weighed as."""
        return float(getattr(self, self.YIELD_FIELD))
