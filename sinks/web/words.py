"""Words, dates and amounts of the public pages, in Chinese and English.

The screens have theirs in ``pages/_words.py``, which this room may not import (arrows point down);
``tests/web/test_words.py`` holds the two alike.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from gis_data import districts

LANGUAGES = ("zh", "en")
# Dates on papers and pages are those of the office, wherever the database server stands.
OFFICE_TIME = ZoneInfo("Asia/Shanghai")

# code -> (Chinese, English, kind of chip). The kinds are colours in ``static/web.css``.
PROJECT: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "public_notice": ("公示", "Public notice", "amber"),
        "under_validation": ("审定", "Under validation", "blue"),
        "registered": ("项目备案", "Registered", "green"),
        "crediting": ("计入期", "Crediting", "green"),
        "rejected": ("不予备案", "Rejected", "red"),
    }
)
ROUND: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "public_notice": ("公示", "Public notice", "amber"),
        "under_verification": ("核证中", "Under verification", "blue"),
        "findings": ("整改", "Findings", "amber"),
        "verified": ("已核证", "Verified", "green"),
        "recorded": ("碳汇量备案", "Recorded", "green"),
        "issued": ("登记签发", "Issued", "green"),
    }
)
SINK_TYPES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bamboo": ("竹林", "Bamboo forest"),
        "wetland": ("湿地", "Wetland"),
        "farmland": ("农田", "Farmland"),
        "tea": ("茶园", "Tea garden"),
        "other": ("其他林地", "Other forest"),
    }
)
DISTRICTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {found.code: (found.name_zh, found.name_en) for found in districts.DISTRICTS}
)


def word(table: Mapping[str, tuple[str, ...]], code: str, lang: str) -> str:
    """The word of a code. An unknown code is a mistake and fails."""
    return table[code][1 if lang == "en" else 0]


def kilograms(amount_kg: int) -> str:
    """A ledger amount as ``1,000``; the unit stands beside it."""
    return f"{amount_kg:,}"


def tonnes(amount_kg: int) -> str:
    """A ledger amount in tonnes as ``1.000``, exact: three decimals show every kilogram."""
    whole, rest = divmod(amount_kg, 1000)
    return f"{whole:,}.{rest:03d}"


def measured_t(amount_t: float) -> str:
    """A measured quantity in tonnes as ``+3.10``; a plus is removal."""
    shown = _rounded(amount_t, 2)
    return f"{'+' if shown > 0 else ''}{shown:,}"


def mu(area_m2: float, lang: str) -> str:
    """An area as ``12.5 亩``, coarse on purpose: it is for the public."""
    return f"{_rounded(area_m2 * 15 / 10_000, 1):,} {'mu' if lang == 'en' else '亩'}"


def ha(area_m2: float, lang: str) -> str:
    """The same area as ``0.83 公顷``. 1 ha = 15 亩 exactly."""
    return f"{_rounded(area_m2 / 10_000, 2):,} {'ha' if lang == 'en' else '公顷'}"


def day(at: datetime | date) -> str:
    """The office's date of a moment, as ``2026-11-22``."""
    return (at.astimezone(OFFICE_TIME).date() if isinstance(at, datetime) else at).isoformat()


def minute(at: datetime) -> str:
    """The office's time of a moment, as ``2026-11-22 10:32``."""
    return at.astimezone(OFFICE_TIME).strftime("%Y-%m-%d %H:%M")


def _rounded(value: float, decimals: int) -> Decimal:
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    # A small loss must not read as "-0.00".
    return rounded if rounded else abs(rounded)
