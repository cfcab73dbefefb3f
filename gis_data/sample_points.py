"""Places of sample plots inside parcels: drawn at random, or on a grid with a random start.

Every random number is a SHA-256 over the seed and a counter, never a library's generator: whoever
has the seed and the outlines draws the same places again, in any language and in ten years. A plot
is the square of its area about its place, sides along the axes of EPSG:4549; it lies whole within
one outline, and no two squares of a draw share land. Land nearer to a boundary than the half
diagonal of the square can therefore never be drawn: `Frame` says how much is left.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon

from gis_data import geometry

# Half the diagonal of the square, and this: degrees are rounded to a centimetre, and the arcs of
# a buffer are chords.
SLACK_M = 0.05
ARC_SEGMENTS = 32
DEGREE_DIGITS = 7
TRIES_MIN, TRIES_PER_POINT = 10_000, 1_000
GRID_SHRINK = 0.95
Place = tuple[float, float]


class NoRoom(Exception):
    """The stratum is too small, or its parcels too narrow, for so many plots."""

    code = "no_room"


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the middle of a plot may lie, in EPSG:4549; ``parts`` in the order of the outlines."""

    parts: tuple[Polygon, ...]
    reach_m2: float
    land_m2: float
    side_m: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Places in EPSG:4490 (longitude, latitude); ``spacing_m`` is that of the grid, if there is one."""

    places: tuple[Place, ...]
    spacing_m: float | None = None


def frame(outlines_4490: Sequence[MultiPolygon], plot_area_m2: float) -> Frame:
    """Return the land of one stratum in which plots of this area can stand."""
    side_m = math.sqrt(plot_area_m2)
    metric = geometry.metric_crs(anywhere=False)
    land = geometry.to_metric(np.array(outlines_4490, dtype=object), metric)
    inner = shapely.buffer(land, -(side_m / math.sqrt(2.0) + SLACK_M), quad_segs=ARC_SEGMENTS)
    parts = tuple(part for part in shapely.get_parts(inner) if part.area > 0.0)
    for part in parts:
        shapely.prepare(part)
    return Frame(
        parts, math.fsum(part.area for part in parts), float(shapely.area(land).sum()), side_m
    )


def at_random(within: Frame, count: int, *, seed: str, stream: str) -> Drawn:
    """Return ``count`` places, each equally likely anywhere in the frame.

    A place whose square would share land with an earlier one's is drawn again. ``stream`` keeps
    the numbers of one stratum apart from those of another.

    Raises
    ------
    NoRoom
        So many squares were not found to fit.
    """
    _refuse_empty(within, count)
    numbers = _uniforms(seed, stream)
    ends_m2 = np.cumsum([part.area for part in within.parts])
    apart_m = within.side_m * math.sqrt(2.0)
    found: list[Place] = []
    for _ in range(TRIES_MIN + TRIES_PER_POINT * count):
        chosen = int(np.searchsorted(ends_m2, next(numbers) * ends_m2[-1], side="right"))
        part = within.parts[min(chosen, len(within.parts) - 1)]
        place = _within_box(part, next(numbers), next(numbers))
        # The part was chosen by its area; a place beside it is drawn again within the same part.
        while not part.contains(Point(place)):
            place = _within_box(part, next(numbers), next(numbers))
        if all(math.dist(place, other) >= apart_m for other in found):
            found.append(place)
            if len(found) == count:
                return Drawn(_to_4490(found))
    raise NoRoom(f"只放得下 {len(found)} 个互不重叠的样地，放不下 {count} 个。")


def on_a_grid(within: Frame, at_least: int, *, seed: str, stream: str) -> Drawn:
    """Return every place of a square grid with a random start that lies in the frame.

    The spacing is the one that gives ``at_least`` places on average, in whole decimetres, made
    closer by a twentieth at a time until there are so many; none of them is left out. Places run
    from west to east, row by row from the north.

    Raises
    ------
    NoRoom
        The grid would have to be closer than the side of a plot.
    """
    _refuse_empty(within, at_least)
    numbers = _uniforms(seed, stream)
    across, along = next(numbers), next(numbers)
    spacing_m = _decimetres(math.sqrt(within.reach_m2 / at_least))
    while spacing_m >= within.side_m:
        found = _nodes(within, spacing_m, across * spacing_m, along * spacing_m)
        if len(found) >= at_least:
            return Drawn(_to_4490(found), spacing_m)
        spacing_m = _decimetres(spacing_m * GRID_SHRINK)
    raise NoRoom(f"间距缩到样地边长 {within.side_m:.1f} 米仍不足 {at_least} 个样地。")


def chosen(names: Sequence[str], count: int, *, seed: str, stream: str) -> list[str]:
    """Return ``count`` of the names, each equally likely, in their order.

    Those with the smallest numbers: the k-th name has the k-th number of the stream.
    """
    numbers = _uniforms(seed, stream)
    ranked = sorted(range(len(names)), key=[next(numbers) for _ in names].__getitem__)
    return [names[place] for place in sorted(ranked[:count])]


def distance_m(one: Place, other: Place) -> float:
    """Return the distance of two places (EPSG:4490) on the ellipsoid [m]."""
    return float(geometry.GRS80.inv(*one, *other)[2])


def _refuse_empty(within: Frame, count: int) -> None:
    if count < 1:
        raise NoRoom("样地数至少为 1。")
    if not within.parts:
        raise NoRoom(f"地块太窄，放不下边长 {within.side_m:.1f} 米的样地。")


def _uniforms(seed: str, stream: str) -> Iterator[float]:
    """Numbers of [0, 1): the first 53 bits of SHA-256 of "seed/stream/0", "seed/stream/1", ..."""
    counter = 0
    while True:
        digest = hashlib.sha256(f"{seed}/{stream}/{counter}".encode()).digest()
        yield (int.from_bytes(digest[:8], "big") >> 11) / 2**53
        counter += 1


def _within_box(part: Polygon, across: float, along: float) -> Place:
    west, south, east, north = part.bounds
    return west + across * (east - west), south + along * (north - south)


def _nodes(within: Frame, spacing_m: float, east_m: float, north_m: float) -> list[Place]:
    found: list[Place] = []
    for part in within.parts:
        west, south, east, north = part.bounds
        columns = np.arange(
            math.ceil((west - east_m) / spacing_m), math.floor((east - east_m) / spacing_m) + 1
        )
        rows = np.arange(
            math.ceil((south - north_m) / spacing_m), math.floor((north - north_m) / spacing_m) + 1
        )
        x, y = (
            axis.ravel()
            for axis in np.meshgrid(columns * spacing_m + east_m, rows * spacing_m + north_m)
        )
        inside = shapely.contains_xy(part, x, y)
        found += zip(x[inside].tolist(), y[inside].tolist(), strict=True)
    return sorted(found, key=lambda place: (-round(place[1], 1), place[0]))


def _decimetres(length_m: float) -> float:
    return math.floor(length_m * 10.0) / 10.0


def _to_4490(places_m: Sequence[Place]) -> tuple[Place, ...]:
    metric = geometry.metric_crs(anywhere=False)
    points = geometry.to_4490([Point(place) for place in places_m], metric)
    return tuple((round(p.x, DEGREE_DIGITS), round(p.y, DEGREE_DIGITS)) for p in points)
