"""Way points as GPX 1.1, for the receivers that crews carry into the forest.

Longitude and latitude of EPSG:4490 are written as those of WGS 84, which GPX prescribes: the two
agree within decimetres, a receiver within metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gpx version="1.1" creator="sinks" xmlns="http://www.topografix.com/GPX/1/1">\n'
)


@dataclass(frozen=True, slots=True)
class WayPoint:
    """A place with the name that the receiver shows and a line about it."""

    name: str
    longitude: float
    latitude: float
    about: str = ""


def gpx(points: Sequence[WayPoint], *, title: str) -> bytes:
    """Return the file: its title, and one way point each, in the order given."""
    parts = [HEAD, f"<metadata><name>{escape(title)}</name></metadata>\n"]
    for point in points:
        place = (
            f"lat={quoteattr(f'{point.latitude:.7f}')} lon={quoteattr(f'{point.longitude:.7f}')}"
        )
        parts.append(
            f"<wpt {place}><name>{escape(point.name)}</name>"
            f"<desc>{escape(point.about)}</desc></wpt>\n"
        )
    return "".join([*parts, "</gpx>\n"]).encode()
