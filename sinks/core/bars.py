"""Bars under each other on one scale, for a screen and for paper: numbers stand beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from one value to another, with what is written beside it."""

    name: str
    start: float
    end: float
    words: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar on its scale. left, width : percent of the whole width; kind : `more` or `less`."""

    name: str
    words: str
    left: float
    width: float
    kind: str


def placed(rows: Sequence[Bar]) -> Iterator[Placed]:
    """Yield the bars on the scale from the least to the greatest of all ends."""
    ends = [end for row in rows for end in (row.start, row.end)]
    low = min(ends, default=0.0)
    scale = 100.0 / ((max(ends, default=0.0) - low) or 1.0)
    for row in rows:
        left, right = sorted((row.start, row.end))
        kind = "less" if row.end < row.start else "more"
        yield Placed(row.name, row.words, (left - low) * scale, (right - left) * scale, kind)
