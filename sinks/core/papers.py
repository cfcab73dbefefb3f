"""Papers: HTML templates printed as PDF with an embedded Chinese font and a QR code.

A missing glyph would print a name wrong, so the set-up installs Noto CJK and a paper without it is
refused. Nothing is fetched: a template that names an address fails.
"""

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import segno
import weasyprint

from sinks.core.errors import Conflict

FONT = "Noto Serif CJK SC"
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


class FetchRefused(Conflict):
    """A paper tried to load something from an address."""


@cache
def environment() -> jinja2.Environment:
    """The templates, with every value escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def pdf(template: str, values: Mapping[str, Any]) -> bytes:
    """A template filled in, as PDF.

    Raises
    ------
    Conflict
        The Chinese font is not installed.
    """
    _require_font()
    return weasyprint.HTML(string=html(template, values), url_fetcher=_fetch_nothing).write_pdf()


def html(template: str, values: Mapping[str, Any]) -> str:
    """A template filled in, as a page that stands by itself."""
    return environment().get_template(template).render(**values, font=FONT)


def qr_svg(text: str) -> str:
    """A QR code as inline SVG."""
    # A long text at the lowest level of correction: larger squares scan better than spare ones.
    level = "m" if len(text) < 120 else "l"
    # 34 mm wide on paper whatever it holds; a square is then 0.35 mm or more.
    return segno.make(text, error=level).svg_inline(dark="#17352f", svgclass="code", omitsize=True)


def _fetch_nothing(url: str, *_: Any, **__: Any) -> dict[str, Any]:
    raise FetchRefused(f"纸面文件不得引用外部地址：{url}", code="fetch")


@cache
def _require_font() -> None:
    found = subprocess.run(["fc-list", FONT], capture_output=True, text=True, check=False).stdout
    if not found.strip():
        raise Conflict(
            f"未安装字体 {FONT}，不能生成证书。请运行 make setup（fonts-noto-cjk）。", code="font"
        )
