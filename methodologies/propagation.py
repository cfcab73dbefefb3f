"""Uncertainty of a result from the uncertainty of its factors: first order and Monte Carlo.

A calculation is a function of named values, written so that it takes numbers and arrays alike. Each
factor is one name, however often the function uses it: shared factors are thus drawn once and
counted once (IPCC 2006 GL Vol. 1 Ch. 3; common random numbers). Names of one group move together.

Shapes: a published standard deviation gives a normal distribution cut at 0 (a share also at 1); a
published range lo-hi gives a lognormal about the value with sd_log = ln(hi/lo)/3.92 (a share cut at
1), or, if lo is 0, a normal of sd (hi - lo)/3.92 cut at 0.
"""

import hashlib
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from methodologies import factors
from methodologies.base import FactorMissing, OutOfDomain

DRAWS = 100_000
DRAWS_MIN = 10_000
# Half-width at 90 % in standard deviations as VM0051 writes it.
Z90 = 1.645
# The width of a 95 % interval in standard deviations.
_WIDTH_95_SD = 3.92
_STEP = 1e-5
# Parts of a mass: never above 1, whatever the published range.
_SHARE_UNITS = frozenset(
    {
        "fraction",
        "tC/t dm",
        "t C / t dm",
        "t C / t biochar (dm)",
        "kg N volatilised / kg N",
        "kg N / kg N",
    }
)
# Standard deviations beyond which no draw of a normal falls: a cut there changes nothing.
_BEYOND_ANY_DRAW = 8.0
# Practices whose draws are kept: those of a county's parcels, not of all the world.
_REMEMBERED = 2_048
# Drawn values that are kept, 0.8 MB each: every factor of a method, and of the next one.
_VALUES_KEPT = 64
# Draws calculated at once, so that what comes between them stays near the processor.
_BLOCK = 10_000

Drawn = float | NDArray[np.float64]
Calculation = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one value. sd : standard deviation, of the logarithm if lognormal."""

    value: float
    sd: float = 0.0
    shape: Literal["exact", "normal", "lognormal"] = "exact"
    low: float = -math.inf
    high: float = math.inf

    @property
    def linear_sd(self) -> float:
        """Return the standard deviation to first order."""
        return abs(self.value) * self.sd if self.shape == "lognormal" else self.sd

    def at(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at standard normal deviates, by quantile."""
        if self.shape == "exact" or self.sd == 0.0:
            return np.full_like(z, self.value)
        if self.shape == "lognormal":
            if self.high < math.inf:
                under = special.ndtr(math.log(self.high / self.value) / self.sd)
                z = special.ndtri(special.ndtr(z) * under)
            return np.asarray(self.value * np.exp(self.sd * z))
        nearest = min(self.value - self.low, self.high - self.value) / self.sd
        if nearest > _BEYOND_ANY_DRAW:
            return np.asarray(self.value + self.sd * z)
        low = special.ndtr((self.low - self.value) / self.sd)
        high = special.ndtr((self.high - self.value) / self.sd)
        return np.asarray(
            self.value + self.sd * special.ndtri(low + special.ndtr(z) * (high - low))
        )


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """Value, one standard deviation, and the variance share of each name (summing to 1)."""

    value: float
    stderr: float
    variance_shares: Mapping[str, float]

    @property
    def u90(self) -> float:
        """Return 1.645 standard deviations over |value|; infinite for an uncertain zero."""
        return relative(self.value, Z90 * self.stderr)

    @property
    def u95(self) -> float:
        """Return 1.96 standard deviations over |value|; infinite for an uncertain zero."""
        return relative(self.value, 1.96 * self.stderr)


_IN_UNITS_OF_RESULT = ("mean", "sd", "p2_5", "p5", "p33_3", "p50", "p95", "p97_5")
_SHARES_BELOW = np.array((2.5, 5.0, 100.0 / 3.0, 50.0, 95.0, 97.5)) / 100.0


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the draws gave; percentiles in the unit of the result."""

    mean: float
    sd: float
    p2_5: float
    p5: float
    p33_3: float
    p50: float
    p95: float
    p97_5: float
    draws: int
    seed: int

    @property
    def u90(self) -> float:
        """Return 1.645 sd over |mean|; infinite for an uncertain zero."""
        return relative(self.mean, Z90 * self.sd)

    def times(self, amount: float) -> "Simulated":
        """Return the same draws for so many hectares or tonnes, amount not negative."""
        scaled = {name: getattr(self, name) * amount for name in _IN_UNITS_OF_RESULT}
        return replace(self, **scaled)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON takes them; the seed as text, since it exceeds 2^53."""
        return {**asdict(self), "seed": str(self.seed)}


def relative(value: float, half_width: float) -> float:
    """Return half_width/|value|: 0 if the half-width is 0, infinite if only the value is 0."""
    if half_width == 0.0:
        return 0.0
    return half_width / abs(value) if value != 0.0 else math.inf


def spread(factor_id: str) -> Spread:
    """Return the distribution of a factor; FactorMissing if neither sd nor range is published."""
    found = factors.factor(factor_id)
    high = 1.0 if found.unit in _SHARE_UNITS else math.inf
    if found.uncertainty is not None:
        return Spread(found.number, found.stderr, "normal", 0.0, high)
    if found.value_range is None:
        raise FactorMissing(factor_id, "未公布标准差或范围")
    low_end, high_end = found.value_range
    if low_end <= 0.0:
        return Spread(found.number, (high_end - low_end) / _WIDTH_95_SD, "normal", 0.0, high)
    sd = math.log(high_end / low_end) / _WIDTH_95_SD
    return Spread(found.number, sd, "lognormal", high=high)


def exact(factor_id: str) -> Spread:
    """Return a factor that is a reference by definition, or whose spread is not published."""
    return Spread(factors.number(factor_id))


def first_order(
    calculation: Calculation,
    spreads: Mapping[str, Spread],
    groups: Mapping[str, str] | None = None,
) -> FirstOrder:
    """Return value and standard deviation by first-order propagation (IPCC approach 1).

    For products and sums of independent factors this is eq 3.1 and 3.2; a factor used twice enters
    once, with its whole effect. Names of one group are taken as fully correlated.
    """
    values = {name: s.value for name, s in spreads.items()}
    effects: dict[str, float] = {}
    for name, s in spreads.items():
        sd = s.linear_sd
        if sd == 0.0:
            continue
        step = _STEP * sd
        up = calculation({**values, name: s.value + step})
        down = calculation({**values, name: s.value - step})
        group = (groups or {}).get(name, name)
        effects[group] = effects.get(group, 0.0) + float(up - down) / (2.0 * step) * sd
    variance = math.fsum(e * e for e in effects.values())
    shares = {name: e * e / variance for name, e in effects.items()} if variance else {}
    return FirstOrder(float(calculation(values)), math.sqrt(variance), shares)


def simulate(
    calculation: Calculation,
    spreads: Mapping[str, Spread],
    *,
    seed: int,
    draws: int = DRAWS,
    groups: Mapping[str, str] | None = None,
) -> Simulated:
    """Return mean, sd and percentiles of the calculation over draws of its values.

    Every name is drawn once per draw (common random numbers). Each group has a stream of its own,
    from the seed and its name, so that a further name never moves the others.
    """
    if draws < DRAWS_MIN:
        raise OutOfDomain(f"模拟次数 {draws} 太少，至少 {DRAWS_MIN} 次；请增加后重算。")
    drawn: dict[str, Drawn] = {
        name: s.value
        if s.shape == "exact" or s.sd == 0.0
        else _values(seed, (groups or {}).get(name, name), s, draws)
        for name, s in spreads.items()
    }
    result = np.empty(draws)
    for first in range(0, draws, _BLOCK):
        part = slice(first, first + _BLOCK)
        result[part] = calculation(
            {name: v[part] if isinstance(v, np.ndarray) else v for name, v in drawn.items()}
        )
    mean, sd = float(result.mean()), float(result.std(ddof=1))
    p2_5, p5, p33_3, p50, p95, p97_5 = _percentiles(result)
    return Simulated(mean, sd, p2_5, p5, p33_3, p50, p95, p97_5, draws, seed)


@lru_cache(maxsize=_VALUES_KEPT)
def _values(seed: int, group: str, spread_: Spread, draws: int) -> NDArray[np.float64]:
    """Return the values of a name over the draws, to be read only: others read the same array."""
    found = spread_.at(_stream(seed, group).standard_normal(draws))
    found.flags.writeable = False
    return found


def _percentiles(result: NDArray[np.float64]) -> list[float]:
    """Return what np.percentile gives, to the last bit, in half its time."""
    ranked = np.sort(result)
    places = _SHARES_BELOW * (ranked.size - 1)
    below = np.floor(places).astype(np.intp)
    t = places - below
    low, high = ranked[below], ranked[np.minimum(below + 1, ranked.size - 1)]
    step = high - low
    found: list[float] = np.where(t < 0.5, low + step * t, high - step * (1.0 - t)).tolist()
    return found


# By practice, seed, spreads and groups. Only the figures are kept, not the calculation, which may
# hold the land of a whole county.
_kept: dict[tuple[Any, ...], Simulated] = {}
_keeping = threading.Lock()


def simulate_practice(
    calculation: Calculation,
    spreads: Mapping[str, Spread],
    practice: Mapping[str, Any],
    factor_hash: str,
    groups: Mapping[str, str] | None = None,
    *,
    own_draws: bool = False,
) -> Simulated:
    """Return `simulate` of one unit (hectare, tonne) of a practice, drawn once for all its parcels.

    practice : everything the calculation depends on but the factors, whose hash is `factor_hash`;
        `area_ha` and `policy` in it are left out, so that the calculation may not depend on them
    own_draws : False where all that is drawn are published factors: whatever they are off by, they
        are off by for every practice, so all practices share the draws, whose seed is the hash of
        the factors. True where sampling errors of the land itself are drawn: the seed then is the
        hash of the practice as well
    """
    hashed = seed_of(practice, factor_hash)
    seed = hashed if own_draws else seed_of({}, factor_hash)
    key = (hashed, seed, tuple(spreads.items()), tuple((groups or {}).items()))
    if (known := _kept.get(key)) is not None:
        return known
    found = simulate(calculation, spreads, seed=seed, groups=groups)
    with _keeping:
        while len(_kept) >= _REMEMBERED:
            del _kept[next(iter(_kept))]
        _kept[key] = found
    return found


def seed_of(data: Mapping[str, Any], factor_hash: str) -> int:
    """Return the seed: the first 64 bits of SHA-256 over the input and the hash of the factors.

    Area and policy stay out: the same practice gets the same draws, so that results stay in
    proportion to area and a change of policy never changes the luck of the draw.
    """
    practice = {key: value for key, value in data.items() if key not in ("area_ha", "policy")}
    text = json.dumps(
        practice,
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
        default=str,
    )
    digest = hashlib.sha256(f"{text}|{factor_hash}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _stream(seed: int, group: str) -> np.random.Generator:
    words = hashlib.sha256(group.encode()).digest()[:8]
    return np.random.Generator(np.random.PCG64([seed, int.from_bytes(words, "big")]))
