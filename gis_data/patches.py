"""Moving many vertices from one coordinate system to another, by PROJ on patches.

PROJ takes 0.2 to 0.3 us for a vertex, as long as all the rest of measuring it. A projection is smooth:
over a patch of 0.02 degrees or 2 km a polynomial of degree 3 through 16 of PROJ's own points differs
from it by (half a patch / radius of the earth)^4 of that radius, about 1e-9 m. Four more points of PROJ's prove that for
every patch; where one is off by more than ``TOLERANCE``, as beside a pole or the seam of a datum grid,
the vertices of the patch go through PROJ themselves.

Patches hang on the coordinate system, not on the parcels, so a vertex has one place in whatever company.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gis_data.compiled import compiled

PATCH_DEGREES = 0.02
PATCH_M = 2_000.0
PATCHES_MAX = 20_000_000  # in the box of all vertices
TOLERANCE = 1e-7  # in cells of the layer: a micrometre for cells of 10 m

Floats = NDArray[np.float64]
Transform = Callable[[Floats, Floats], tuple[Floats, Floats]]

_NODES = np.cos((np.arange(4) + 0.5) * np.pi / 4)  # Chebyshev's, on [-1, 1]
_PROOFS = np.array([[-0.95, -0.95], [0.95, -0.3], [-0.3, 0.95], [0.6, 0.4]])
_TO_COEFFICIENTS = np.linalg.inv(np.vander(_NODES, 4, increasing=True))


def moved(xy: Floats, transform: Transform, patch: float) -> Floats:
    """Return the vertices (v, 2) after ``transform(x, y)``, whose result is in cells.

    Parameters
    ----------
    patch : side of a patch in the unit of ``xy``
    """
    if len(xy) == 0 or not np.isfinite(xy).all():
        return _directly(xy, transform)
    first = np.floor(np.array([xy[:, 0].min(), xy[:, 1].min()]) / patch)
    last = np.floor(np.array([xy[:, 0].max(), xy[:, 1].max()]) / patch)
    size = (last - first + 1).astype(np.int64)
    if size[0] * size[1] > PATCHES_MAX:
        return _directly(xy, transform)
    number = np.zeros((size[1], size[0]), dtype=np.int32)
    _mark(xy, patch, first, number)
    used = np.argwhere(number)
    number[used[:, 0], used[:, 1]] = np.arange(len(used))
    lower_left = np.asarray((used[:, ::-1] + first) * patch, dtype=np.float64)
    coefficients, proved = _fitted(lower_left, transform, patch)
    out = np.empty_like(xy)
    _evaluate(xy, patch, first, number, lower_left, coefficients, out)
    if not proved.all():
        which = (np.floor(xy / patch) - first).astype(np.int64)
        doubtful = np.flatnonzero(~proved[number[which[:, 1], which[:, 0]]])
        out[doubtful] = _directly(xy[doubtful], transform)
    return out


def _directly(xy: Floats, transform: Transform) -> Floats:
    x, y = transform(np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1]))
    return np.column_stack([x, y])


def _fitted(
    lower_left: Floats, transform: Transform, patch: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (p, 2, 4, 4) coefficients of powers of x by powers of y, and whether they are proved."""
    half = patch / 2
    nodes = np.stack(np.meshgrid(_NODES, _NODES, indexing="ij"), axis=-1).reshape(-1, 2)
    at = np.concatenate([nodes, _PROOFS])
    places = lower_left[:, None] + half + half * at
    values = _directly(places.reshape(-1, 2), transform).reshape(len(lower_left), len(at), 2)
    grid = values[:, :16].reshape(-1, 4, 4, 2)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=(1, 2)))
    grid = np.where(finite[:, None, None, None], grid, 0.0)
    coefficients = np.einsum("ai,bj,pijk->pkab", _TO_COEFFICIENTS, _TO_COEFFICIENTS, grid)
    powers = _PROOFS[:, :, None] ** np.arange(4)
    again = np.einsum("na,nb,pkab->pnk", powers[:, 0], powers[:, 1], coefficients)
    error = np.abs(again - values[:, 16:])
    proved = finite & (np.where(finite[:, None, None], error, 0.0).max(axis=(1, 2)) <= TOLERANCE)
    return np.ascontiguousarray(coefficients), proved


@compiled
def _mark(xy: Floats, patch: float, first: Floats, number: NDArray[np.int32]) -> None:
    for i in range(len(xy)):
        col = int(np.floor(xy[i, 0] / patch) - first[0])
        row = int(np.floor(xy[i, 1] / patch) - first[1])
        number[row, col] = 1


@compiled
def _evaluate(
    xy: Floats,
    patch: float,
    first: Floats,
    number: NDArray[np.int32],
    lower_left: Floats,
    coefficients: Floats,
    out: Floats,
) -> None:
    half = patch / 2
    for i in range(len(xy)):
        col = int(np.floor(xy[i, 0] / patch) - first[0])
        row = int(np.floor(xy[i, 1] / patch) - first[1])
        which = number[row, col]
        x = (xy[i, 0] - lower_left[which, 0] - half) / half
        y = (xy[i, 1] - lower_left[which, 1] - half) / half
        for k in range(2):
            total = 0.0
            for a in range(3, -1, -1):
                along = (coefficients[which, k, a, 3] * y + coefficients[which, k, a, 2]) * y
                along = (along + coefficients[which, k, a, 1]) * y
                total = total * x + (along + coefficients[which, k, a, 0])
            out[i, k] = total
