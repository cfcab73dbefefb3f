"""Colours of raster cells: a ramp for quantities, one colour a class, and the PNG of both."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from branca.utilities import write_png
from numpy.typing import NDArray

from pages._kit import Html

Values = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Scale = tuple[float, float, Sequence[str]]

# From nothing to much, light to dark, so that it also reads in grey.
RAMP = ("#f7f4e9", "#cfe0b4", "#8fbf88", "#4b9471", "#1f6a5a", "#0b3d3a")
# From loss to gain, white where nothing changed.
RAMP_DIFFERENCE = ("#8c3b12", "#d08b4f", "#f3dcc1", "#ffffff", "#c3ddcb", "#58a07e", "#0f5a47")
# Told apart also by those who do not see red and green: Okabe and Ito 2008, and greys after them.
CLASS_COLOURS = (
    "#009e73", "#e69f00", "#56b4e9", "#d55e00", "#0072b2", "#cc79a7", "#f0e442", "#5c5c5c",
    "#a6761d", "#b3b3b3",
)  # fmt: skip


def scale_of(finite: Values) -> Scale | None:
    """Lowest and highest value of the legend and the colours between them."""
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if low < 0 < high:
        end = max(-low, high)
        return -end, end, RAMP_DIFFERENCE
    return low, high, RAMP


def ramp_pixels(values: Values, scale: Scale | None) -> Pixels:
    """The cells as RGBA, one pixel a cell, clear where there is no value."""
    pixels = np.zeros((*values.shape, 4), dtype=np.uint8)
    if scale is not None:
        low, high, ramp = scale
        colours = np.array([_rgb(colour) for colour in ramp], dtype=float)
        inside = np.isfinite(values)
        # One value everywhere: the middle of the ramp.
        place = (values[inside] - low) / (high - low) if high > low else np.full(inside.sum(), 0.5)
        steps = np.linspace(0.0, 1.0, len(ramp))
        for channel in range(3):
            pixels[inside, channel] = np.interp(place, steps, colours[:, channel]).round()
        pixels[inside, 3] = 255
    return pixels


def class_colours(codes: Sequence[int]) -> dict[int, str]:
    """A colour for each class, always the same for the same legend."""
    return {
        code: CLASS_COLOURS[place % len(CLASS_COLOURS)] for place, code in enumerate(sorted(codes))
    }


def class_pixels(values: Values, colours: Mapping[int, str]) -> Pixels:
    """Cells that hold codes of classes as RGBA, clear where there is no value."""
    pixels = np.zeros((*values.shape, 4), dtype=np.uint8)
    for code, colour in colours.items():
        pixels[values == code] = (*_rgb(colour), 255)
    return pixels


def class_legend(entries: Sequence[tuple[str, str]]) -> Html:
    """(word, colour) of each class."""
    items = "".join(
        f'<span class="sinks-key"><i style="border-color:{colour};background:{colour}"></i>'
        f"{html.escape(word)}</span>"
        for word, colour in entries
    )
    return Html(f'<div class="sinks-legend">{items}</div>')


def ramp_legend(title: str, unit: str, scale: Scale | None, note: str = "") -> Html:
    """Title with unit, the colours between lowest and highest, and a note."""
    parts = [f"<b>{html.escape(title)}</b>", f"<span>{html.escape(unit)}</span>"]
    if scale is not None:
        low, high, ramp = scale
        parts.append(
            f'<span class="sinks-ramp">{low:.4g}'
            f'<i style="background:linear-gradient(90deg,{",".join(ramp)})"></i>{high:.4g}</span>'
        )
    if note:
        parts.append(f"<span>{html.escape(note)}</span>")
    return Html(f'<div class="sinks-legend">{" ".join(parts)}</div>')


def picture(pixels: Pixels, *, width_px: int, cell_shape: float, said: str) -> Html:
    """The pixels as an image, so wide on the screen, each cell in its shape on the ground."""
    rows, columns = pixels.shape[:2]
    height_px = max(1, round(width_px * rows / (columns * cell_shape)))
    data = base64.b64encode(write_png(pixels)).decode()
    return Html(
        f'<img alt="{html.escape(said)}" src="data:image/png;base64,{data}" '
        f'style="aspect-ratio:{width_px}/{height_px}">'
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
