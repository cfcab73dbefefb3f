"""What a command prints: one JSON document with ``--json``, else short Chinese text."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from sinks.core.errors import Invalid

Json = Annotated[bool, typer.Option("--json", help="只在标准输出打印一个 JSON 对象")]

M2_PER_MU = 10_000 / 15


def give(document: Any, text: str, *, as_json: bool) -> None:
    """Print the document as JSON, or the text for a person."""
    sys.stdout.write(f"{json_text(document) if as_json else text}\n")


def json_text(document: Any) -> str:
    """One line of JSON; a number that is not finite is a fault and raises ValueError."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, default=_plain)


def indented(document: Any) -> str:
    """JSON over several lines, for a person to read and to edit."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, date):  # datetime is a date
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the output")


def refused(code: str, message: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The shape of a refusal, with the command's own shape around it where it has one."""
    return {**(document or {}), "refused": {"code": code, "message": message}}


def fail(document: Any, text: str, *, as_json: bool) -> typer.Exit:
    """Print an answer that is a refusal and give the exception that ends with status 1."""
    give(document, text, as_json=as_json)
    return typer.Exit(1)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> str:
    """Columns set flush by display width, in which a Chinese character counts two; ``empty`` is
    said when there is no row."""
    cells = [["—" if value is None else str(value) for value in row] for row in rows]
    if not cells:
        return empty
    lines = [list(headers), *cells]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(
        "  ".join(
            text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def mu(area_m2: float) -> str:
    """An area in mu, as people here say it."""
    return f"{area_m2 / M2_PER_MU:,.2f} 亩"


def kg(amount_kg: int) -> str:
    """An amount of the ledger."""
    return f"{amount_kg:,} kg"


def write_file(path: Path, content: bytes) -> None:
    """Write an answer to the file the person named.

    Raises
    ------
    Invalid
        ``out_file``: it cannot be written there.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Invalid(f"不能写入 {path}：{error.strerror}。", code="out_file") from error
