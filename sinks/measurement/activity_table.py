"""Tables of activity records in CSV or XLSX: one line a record, all of one kind.

The headings are the fields of the kind by their names, or as screens name them in Chinese. `parse`
reads and checks and touches nothing; `commit` stores a table that has no errors, all of it or none.
Row numbers are those that a spreadsheet shows: the heading is row 1.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from methodologies import activity
from methodologies.base import MethodInputInvalid
from sinks.core.actor import Actor
from sinks.core.errors import Invalid, SinksError
from sinks.land.parcels import Parcel
from sinks.measurement import activity_records, activity_words
from sinks.measurement.activity_records import ActivityRecord
from sinks.measurement.activity_words import CHOICES, FIELDS, KINDS
from sinks.measurement.office_tables import (
    CellWrong,
    RowError,
    TableRefused,
    day_of,
    lines_of,
    text_of,
)

ERRORS_SHOWN_MAX = 200
PLACE = {"parcel": ("地块编号", "Parcel"), "year": ("年份", "Year")}
YES = frozenset({"是", "有", "yes", "true", "1"})
NO = frozenset({"否", "无", "no", "false", "0"})
DAYS = frozenset({"sow_date", "harvest_date", "on"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    number: int
    parcel_code: str
    year: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordTable:
    """A table as read; nothing of it may be stored while there are errors."""

    kind: str
    rows: list[Row]
    errors: list[RowError]


class RowsRefused(Invalid):
    """Lines that cannot be stored; nothing was.

    errors : each with the row that a spreadsheet shows
    """

    def __init__(self, errors: list[RowError]) -> None:
        said = "；".join(f"第 {one.number} 行：{one.message}" for one in errors[:5])
        super().__init__(
            f"{len(errors)} 行需修正，没有登记任何记录。{said}", code="record_table_errors"
        )
        self.errors = errors


def parse(kind: str, name: str, content: bytes) -> RecordTable:
    """Read a table of records of one kind.

    Raises
    ------
    TableRefused
        Not such a file, too large, a column is missing or unknown, or there is no line.
    """
    if kind not in KINDS:
        raise Invalid(f"没有 {kind} 这种记录；可用：{'、'.join(KINDS)}。", code="record_kind")
    lines = lines_of(name, content)
    columns = _columns(kind, next(lines, []))
    rows: list[Row] = []
    errors: list[RowError] = []
    for number, cells in enumerate(lines, start=2):
        if not any(text_of(cell) for cell in cells):
            continue
        named = {
            column: cells[place] if place < len(cells) else None
            for column, place in columns.items()
        }
        try:
            rows.append(_row(kind, number, named))
        except CellWrong as wrong:
            errors.append(RowError(number, str(wrong)))
        except MethodInputInvalid as wrong:
            errors.append(RowError(number, activity_words.refusal_words(wrong)))
    if not rows and not errors:
        raise TableRefused("表中没有数据行。", code="plot_table_empty")
    return RecordTable(kind, rows, errors)


def commit(
    session: Session, actor: Actor, table: RecordTable, *, correcting: bool = False
) -> list[ActivityRecord]:
    """Store every line of a table without errors, or nothing.

    Raises
    ------
    RowsRefused
        Names each line that cannot be stored and why.
    """
    if table.errors:
        raise RowsRefused(table.errors)
    codes = {row.parcel_code for row in table.rows}
    query = select(Parcel.code, Parcel.id).where(Parcel.code.in_(codes))
    ids = {code: parcel_id for code, parcel_id in session.execute(query)}
    errors: list[RowError] = []
    stored: list[ActivityRecord] = []
    with session.begin_nested():  # All of it, or nothing.
        for row in table.rows:
            if row.parcel_code not in ids:
                errors.append(RowError(row.number, f"没有编号为 {row.parcel_code} 的地块"))
                continue
            try:
                stored.append(
                    activity_records.add(
                        session, actor, parcel_id=ids[row.parcel_code], year=row.year,
                        kind=table.kind, values=row.values, correcting=correcting,
                    )
                )  # fmt: skip
            except SinksError as refusal:
                errors.append(RowError(row.number, refusal.message))
        if errors:
            raise RowsRefused(errors)
    return stored


def template(kind: str) -> bytes:
    """An empty table of a kind as CSV (UTF-8 with mark, as spreadsheets here open it)."""
    out = io.StringIO()
    csv.writer(out).writerow([title for title, _ in _headings(kind).values()])
    return out.getvalue().encode("utf-8-sig")


def _headings(kind: str) -> dict[str, tuple[str, str]]:
    """Column -> its titles, in the order of the kind's fields."""
    return {**PLACE, **{field: FIELDS[field] for field in activity.KINDS[kind].model_fields}}


def _columns(kind: str, head: Sequence[Any]) -> dict[str, int]:
    """Column name -> its place in the lines."""
    known = {
        _folded(title): column
        for column, (title, _) in _headings(kind).items()
        for title in (title, column)
    }
    places: dict[str, int] = {}
    for place, cell in enumerate(head):
        column = known.get(_folded(cell))
        if column is None:
            if text_of(cell):
                raise TableRefused(f"不认识表头“{text_of(cell)}”。", code="record_table_columns")
        elif column in places:
            raise TableRefused(f"表头“{text_of(cell)}”出现两次。", code="record_table_columns")
        else:
            places[column] = place
    if missing := [title for column, (title, _) in _headings(kind).items() if column not in places]:
        raise TableRefused(f"表头缺少：{'、'.join(missing)}。", code="record_table_columns")
    return places


def _folded(cell: Any) -> str:
    return re.sub(r"\s", "", text_of(cell)).lower()


def _row(kind: str, number: int, cells: Mapping[str, Any]) -> Row:
    code, year = text_of(cells["parcel"]), text_of(cells["year"])
    if not code or not re.fullmatch(r"\d{4}", year):
        raise CellWrong("地块编号和四位数的年份都要填写")
    values = typed_values(kind, cells)
    activity.parse(kind, int(year), values)
    return Row(number, code, int(year), values)


def typed_values(kind: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a record from typed text or cells by field; a field not given has no value.

    Raises
    ------
    CellWrong
        A text is not what its field takes.
    """
    return {
        field: _value(kind, field, activity.value_type(kind, field), cells.get(field))
        for field in activity.KINDS[kind].model_fields
    }


def _value(kind: str, field: str, wanted: Any, cell: Any) -> Any:
    """A cell as the field takes it; an empty one is no value, which only some fields allow."""
    title, typed = FIELDS[field][0], text_of(cell)
    if not typed:
        return None
    if wanted is bool:
        if typed.lower() in YES:
            return True
        if typed.lower() in NO:
            return False
        raise CellWrong(f"{title}“{typed}”应写“是”或“否”")
    if field in DAYS:
        return day_of(cell, title).isoformat()
    if choices := activity.choices(kind, field):
        return _chosen(title, typed, choices)
    if wanted is str:
        return typed
    try:
        return int(typed) if wanted is int else float(typed)
    except ValueError as error:
        raise CellWrong(f"{title}“{typed}”不是数字") from error


def _chosen(title: str, typed: str, choices: Sequence[str]) -> str:
    """The code of a choice given by its code or its Chinese word."""
    for code in choices:
        # A sheet's full-width marks have been made plain; the word's are compared alike.
        if typed in (code, text_of(CHOICES[code][0])):
            return code
    raise CellWrong(f"{title}“{typed}”应为：{'、'.join(CHOICES[code][0] for code in choices)}")
