"""What a person types into a field, taken exactly: outlines, shares, money, tonnes.

Numbers go through ``Decimal`` and ``Fraction``, never through floating point, and a value that
cannot be taken exactly is refused, not rounded.
"""

import re
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from sinks.core.errors import Invalid

SHARE_STEP = Decimal("0.00000001")
CONTRACT_SHARE_STEP = Decimal("0.0001")
# Everything people put between two coordinates: comma, semicolon and their wide forms, or space.
BETWEEN = re.compile(r"[,，;；、\s]+")
NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,15})?")
WIDE = str.maketrans("０１２３４５６７８９．，－／％", "0123456789.,-/%")


def outline(text: str) -> dict[str, Any]:
    """GeoJSON of an outline typed as one corner a line, longitude first; degrees.

    An empty line begins another part. The last corner may repeat the first or not: a list of
    corners means a closed figure.

    Raises
    ------
    Invalid
        A line that is not two numbers, with its number; longitude and latitude in the wrong
        order; a part with fewer than three corners.
    """
    parts: list[list[list[float]]] = [[]]
    for number, line in enumerate(text.strip().splitlines(), start=1):
        if line.strip():
            parts[-1].append(_corner(number, line))
        elif parts[-1]:
            parts.append([])
    polygons = []
    for part in parts:
        ring = part if part and part[0] == part[-1] else [*part, *part[:1]]
        if len(ring) < 4:
            raise Invalid("至少要三个拐点，每行一个：经度, 纬度。", code="corners")
        polygons.append([ring])
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _corner(number: int, line: str) -> list[float]:
    words = [word for word in BETWEEN.split(line.translate(WIDE).strip()) if word]
    if len(words) != 2 or not all(NUMBER.fullmatch(word) for word in words):
        raise Invalid(
            f"第 {number} 行“{line.strip()[:40]}”读不成一个拐点。每行写：经度, 纬度，"
            "十进制度，例如 119.680123, 30.638456。",
            code="corner",
        )
    longitude, latitude = float(words[0]), float(words[1])
    if 20 < longitude < 55 and 70 < latitude < 140:
        raise Invalid(
            f"第 {number} 行看来经度和纬度写反了，请先写经度（约 119–121），再写纬度（约 30–31）。",
            code="corner_swapped",
        )
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise Invalid(
            f"第 {number} 行“{line.strip()[:40]}”不是经纬度。平面坐标请用“导入”页交文件，"
            "并写明坐标系。",
            code="corner_range",
        )
    return [longitude, latitude]


def share(text: str) -> Decimal:
    """A share typed as ``1``, ``0.5``, ``1/3`` or ``50%``, to eight decimals, rounded down.

    Down, so that three thirds never exceed the whole.
    """
    typed = text.translate(WIDE).replace(" ", "")
    if match := re.fullmatch(r"(\d{1,6})/(\d{1,6})", typed):
        if int(match[2]) == 0:
            raise Invalid("份额的分母不能为零。", code="share")
        exact = Fraction(int(match[1]), int(match[2]))
    elif match := re.fullmatch(r"(\d{1,3}(?:\.\d{1,8})?)(%?)", typed):
        exact = Fraction(match[1]) / (100 if match[2] else 1)
    else:
        raise Invalid(f"“{text[:20]}”读不成份额，请写 1、0.5、1/3 或 50%。", code="share")
    value = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(SHARE_STEP, ROUND_DOWN)
    if not 0 < value <= 1:
        raise Invalid("份额应大于 0、不超过 1。", code="share")
    return value


def contract_share(text: str) -> Decimal:
    """A share of net revenue, of four decimals as a contract holds it; a finer one is refused."""
    value = share(text)
    rounded = value.quantize(CONTRACT_SHARE_STEP, ROUND_DOWN)
    if value != rounded:
        raise Invalid(
            f"分成比例“{text[:20]}”太细，最多四位小数，例如 0.6667 或 66.67%。",
            code="share_too_fine",
        )
    return rounded


def fen(text: str) -> int:
    """Money typed in 元, as fen. Refused when it has parts of a fen."""
    return _whole(text, 100, "金额", "元，最多两位小数")


def kilograms(text: str) -> int:
    """An amount typed in tonnes, as kilograms. Refused when it has parts of a kilogram."""
    return _whole(text, 1000, "数量", "吨，最多三位小数")


def _whole(text: str, times: int, name: str, how: str) -> int:
    typed = text.translate(WIDE).replace(",", "").replace(" ", "")
    if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?", typed):
        raise Invalid(f"“{text[:20]}”读不成{name}，请写数字，单位{how}。", code="number")
    exact = Decimal(typed) * times
    if exact != exact.to_integral_value():
        raise Invalid(f"{name}“{text[:20]}”太细，单位{how}。", code="number_too_fine")
    return int(exact)
