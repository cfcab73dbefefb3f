"""What a command reads: files and typed words, with a refusal that says what is wrong with them."""

import getpass
import json
import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sinks.core.errors import Invalid

BYTES_MAX = 50 * 2**20


def day(text: str) -> date:
    """A date written as 2024-12-01; ValueError (wrong usage) for anything else."""
    return date.fromisoformat(text)


def number(text: str) -> Decimal:
    """A decimal number as it was written; ValueError (wrong usage) for anything else."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} 不是数字") from error


def file_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises
    ------
    Invalid
        ``not_found`` or ``too_large``
    """
    try:
        if path.stat().st_size > BYTES_MAX:
            raise Invalid(f"{path} 超过 {BYTES_MAX // 2**20} MB。", code="too_large")
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"读不到文件 {path}：{error.strerror}。", code="not_found") from error


def named_file(path: Path) -> tuple[str, bytes]:
    """The file's own name and its content, as a document is filed."""
    return path.name, file_bytes(path)


def text_file(path: Path) -> str:
    """The text of a file in UTF-8, or in GB 18030 as spreadsheets here write it.

    Raises
    ------
    Invalid
        ``not_found``, ``too_large``, ``encoding``
    """
    content = file_bytes(path)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(f"{path} 不是 UTF-8 或 GB 18030 编码的文本。", code="encoding")


def json_file(path: Path) -> Any:
    """The JSON document of a file; ``-`` is standard input.

    Raises
    ------
    Invalid
        ``not_found``, ``too_large``, ``bad_json``
    """
    content = sys.stdin.buffer.read(BYTES_MAX) if str(path) == "-" else file_bytes(path)
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_constant=_no_constant,
            object_pairs_hook=_each_key_once,
        )
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path} 不是 UTF-8 的 JSON：{error}。", code="bad_json") from error


def json_object(path: Path) -> dict[str, Any]:
    """The JSON document of a file, which has to be one object of keys and values."""
    document = json_file(path)
    if not isinstance(document, dict):
        raise Invalid(f"{path} 应为一个 JSON 对象（键和值）。", code="bad_json")
    return document


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"键 {'、'.join(twice)} 写了两次，不知取哪一个")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} 不是有限的数")


def secret_line(prompt: str, *, from_stdin: bool) -> str:
    """A password: one line of standard input, or asked on the terminal without showing it."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(prompt)
