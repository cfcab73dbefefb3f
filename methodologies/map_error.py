"""Variance of a total whose cells carry spatially correlated errors.

A cell i adds its spread s_i = area x standard deviation; the variance of the total is the sum over
all pairs of s_i s_j rho(d_ij), with rho(d) = (1 - nugget) exp(-d / range) between different cells and
1 of a cell with itself. ``range_m`` is the e-folding distance, not the practical range (3 x range_m).
Without a variogram rho is 1: nothing less can be defended. A cell under two parcels has one error.

Few cells are summed pair by pair; more by the Fourier transform of their grid, which is the same sum
to rounding. Where the grid around scattered cells is too large for that, pairs of near cells (in the
same or in touching tiles) stay exact and the others are taken from the middles of square blocks, a
sixteenth of a tile wide: they lie at least 16 blocks apart, where rho is smooth or next to nothing.

Sources: the sum, Rolstad et al. 2009 (J. Glaciol. 55:666) and Araza et al. 2022 (RSE 272:112917, for
biomass maps); exponential model with nugget, Cressie 1993 (Statistics for Spatial Data, 2.3.1).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from methodologies.base import MethodInputInvalid, OutOfDomain

PAIRWISE_CELLS_MAX = 1_000
# Cells of the box that is transformed whole; padded to four times as many, some 300 MB at the peak.
BOX_CELLS_MAX = 2_250_000
BLOCKS_IN_TILE = 16
BLOCK_CELLS_MAX = 64  # across; a box of more than 96,000 x 96,000 cells is nobody's project

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
# Itself and the neighbours that come before it, row by row; those after it are their mirror images.
_NEAR_TILES = ((0, 0), (0, -1), (-1, -1), (-1, 0), (-1, 1))


@dataclass(frozen=True, slots=True)
class Variogram:
    """How errors of a map correlate over distance.

    range_m : distance at which the correlation has fallen by e [m]
    nugget_share : part of the variance that no other cell shares, 0..1
    """

    range_m: float
    nugget_share: float

    def __post_init__(self) -> None:
        if not 0.0 < self.range_m < math.inf or not 0.0 <= self.nugget_share <= 1.0:
            raise OutOfDomain(
                f"变差函数的变程 {self.range_m} m 须大于 0，块金比例 {self.nugget_share} 须在 0 至 1 "
                "之间；请核对样地残差的拟合结果。"
            )


def variogram_of(text: str) -> Variogram:
    """Read ``RANGE_M,NUGGET_SHARE``.

    Raises
    ------
    MethodInputInvalid
        Not two numbers.
    OutOfDomain
        A number out of its range.
    """
    try:
        range_m, nugget_share = map(float, text.replace("，", ",").split(","))
    except ValueError as error:
        raise MethodInputInvalid(
            f"变差函数应写成“变程米数,块金比例”，例如 300,0.2；现在是 {text[:40]!r}。"
        ) from error
    return Variogram(range_m, nugget_share)


@dataclass(frozen=True, slots=True)
class CellErrors:
    """The errors of n cells of one grid, each cell as often as it is counted.

    row, col : (n,) place in the grid; spread : (n,) area x standard deviation, e.g. [ha x t/ha = t]
    cell_width_m, cell_height_m : size of a cell of the grid [m]
    """

    row: Indices
    col: Indices
    spread: Floats
    cell_width_m: float
    cell_height_m: float


def total_variance(errors: CellErrors, variogram: Variogram | None) -> float:
    """Return the variance of the sum of all cells, in the square of the unit of the spread.

    Raises
    ------
    OutOfDomain
        A spread is negative or not finite, or the cells lie too far apart.
    """
    _check(errors)
    if variogram is None:
        return math.fsum(errors.spread) ** 2
    cells = _each_once(errors)
    correlated = _correlated_sum(cells, variogram.range_m)
    own = float(np.square(cells.spread).sum())
    return (1.0 - variogram.nugget_share) * correlated + variogram.nugget_share * own


def total_covariance(one: CellErrors, other: CellErrors, variogram: Variogram | None) -> float:
    """Return the covariance of two sums over cells of the same grid: of two parcels, say.

    From the identity 2 cov(A, B) = var(A + B) - var A - var B.
    """
    assert (one.cell_width_m, one.cell_height_m) == (other.cell_width_m, other.cell_height_m)
    whole = joined([one, other])
    apart = total_variance(one, variogram) + total_variance(other, variogram)
    return (total_variance(whole, variogram) - apart) / 2.0


def joined(parts: list[CellErrors]) -> CellErrors:
    """Return the cells of several parcels of one grid together: those of a project."""
    assert len({(part.cell_width_m, part.cell_height_m) for part in parts}) == 1
    return CellErrors(
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.col for part in parts]),
        np.concatenate([part.spread for part in parts]),
        parts[0].cell_width_m,
        parts[0].cell_height_m,
    )


def _check(errors: CellErrors) -> None:
    if not errors.row.shape == errors.col.shape == errors.spread.shape:
        raise OutOfDomain("像元的行、列与误差个数不一致；请用同一网格重新提取。")
    bad = int((~(np.isfinite(errors.spread) & (errors.spread >= 0.0))).sum())
    if bad:
        raise OutOfDomain(f"有 {bad} 个像元的标准差为负或无效；请先剔除无数据像元。")
    if not errors.cell_width_m > 0.0 or not errors.cell_height_m > 0.0:
        raise OutOfDomain("像元的宽和高须大于 0；请核对图层的坐标系。")


def _each_once(errors: CellErrors) -> CellErrors:
    """Return the same cells from row 0 and column 0, sorted, those counted twice added up."""
    if errors.spread.size == 0:
        return errors
    row, col = errors.row - errors.row.min(), errors.col - errors.col.min()
    columns = int(col.max()) + 1
    place, which = np.unique(row * columns + col, return_inverse=True)
    row, col = np.divmod(place, columns)
    spread = np.bincount(which, errors.spread).astype(np.float64)
    return CellErrors(row, col, spread, errors.cell_width_m, errors.cell_height_m)


def _correlated_sum(cells: CellErrors, range_m: float) -> float:
    """Return the sum over all pairs of s_i s_j exp(-d_ij / range)."""
    if cells.spread.size <= PAIRWISE_CELLS_MAX:
        return _pairwise_sum(cells, range_m)
    box_cells = (int(cells.row.max()) + 1) * (int(cells.col.max()) + 1)
    if box_cells <= BOX_CELLS_MAX:
        return _box_sum(cells, range_m)
    block = math.ceil(math.sqrt(box_cells / BOX_CELLS_MAX))
    block = max(BLOCKS_IN_TILE, block)
    if block > BLOCK_CELLS_MAX:
        raise OutOfDomain(f"像元散布在 {box_cells:.2g} 个像元的范围里，太大；请分片计算。")
    blocks = _each_once(
        CellErrors(
            cells.row // block,
            cells.col // block,
            cells.spread,
            cells.cell_width_m * block,
            cells.cell_height_m * block,
        )
    )
    far = _box_sum(blocks, range_m) - _near_sum(blocks, BLOCKS_IN_TILE, range_m)
    return far + _near_sum(cells, BLOCKS_IN_TILE * block, range_m)


def _pairwise_sum(cells: CellErrors, range_m: float) -> float:
    x_m, y_m = cells.col * cells.cell_width_m, cells.row * cells.cell_height_m
    distance_m = np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m)
    return float(cells.spread @ (np.exp(-distance_m / range_m) @ cells.spread))


def _box_sum(cells: CellErrors, range_m: float) -> float:
    rows, columns = int(cells.row.max()) + 1, int(cells.col.max()) + 1
    flat = np.bincount(cells.row * columns + cells.col, cells.spread, minlength=rows * columns)
    size = fft.next_fast_len(2 * rows, real=True), fft.next_fast_len(2 * columns, real=True)
    spectrum = fft.rfft2(flat.reshape(rows, columns), size)
    return _sum_over_lags(np.square(np.abs(spectrum)), size, (0, 0), cells, range_m)


def _near_sum(cells: CellErrors, tile: int, range_m: float) -> float:
    """Return the part of the sum that comes from pairs in the same or in touching tiles."""
    tile_row, tile_col = cells.row // tile, cells.col // tile
    # The cells of a tile lie together; rows of tiles come from the top, tiles from the left.
    order = np.lexsort((tile_col, tile_row))
    ends = np.flatnonzero(np.diff(tile_row[order]) | np.diff(tile_col[order])) + 1
    size = 2 * tile, 2 * tile
    products = {
        near: np.zeros((size[0], size[1] // 2 + 1), dtype=np.complex128) for near in _NEAR_TILES
    }
    spectra: dict[tuple[int, int], NDArray[np.complex128]] = {}
    for members in np.split(order, ends):
        place = int(tile_row[members[0]]), int(tile_col[members[0]])
        inside = cells.row[members] % tile * tile + cells.col[members] % tile
        grid = np.bincount(inside, cells.spread[members], minlength=tile * tile)
        spectra = {key: value for key, value in spectra.items() if key[0] >= place[0] - 1}
        spectra[place] = fft.rfft2(grid.reshape(tile, tile), size)
        for near, product in products.items():
            other = spectra.get((place[0] + near[0], place[1] + near[1]))
            if other is not None:
                product += np.conj(spectra[place]) * other
    return math.fsum(
        (1.0 if near == (0, 0) else 2.0)
        * _sum_over_lags(product, size, (near[0] * tile, near[1] * tile), cells, range_m)
        for near, product in products.items()
    )


def _sum_over_lags(
    product: NDArray[np.complex128] | Floats,
    size: tuple[int, int],
    shift: tuple[int, int],
    cells: CellErrors,
    range_m: float,
) -> float:
    """Return the cross-correlation of a product of spectra, weighted with exp(-distance / range).

    shift : rows and columns from the first box to the second
    """
    at_lag = fft.irfft2(product, size)
    lags = [np.where(np.arange(n) < (n + 1) // 2, np.arange(n), np.arange(n) - n) for n in size]
    down_m = (lags[0] + shift[0]) * cells.cell_height_m
    right_m = (lags[1] + shift[1]) * cells.cell_width_m
    rho = np.exp(-np.hypot(down_m[:, None], right_m) / range_m)
    return float((at_lag * rho).sum())
