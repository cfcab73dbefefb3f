"""What the columns of a staged file mean: the table of first values, and the choices that are kept."""

from dataclasses import replace

import streamlit as st

from gis_data import columns
from pages import _import_steps, _kit, _session
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import column_mappings, staging
from sinks.land.staging import ImportBatch, Options


def mapping(person: Actor, batch: ImportBatch) -> Options | None:
    """Which column means what; when it was kept for files of this source, how to read this one."""
    fields: list[str] = batch.reading["fields"]
    if not fields:
        return None
    unread = unread_areas(fields, batch.mapping)
    if unread:
        st.warning(
            _session.plain(
                t(
                    f"“{'”“'.join(unread)}”没有用上，申报面积没有核对。请在“字段对应”里选定申报面积和它的单位，再重新读取。",
                    f"{', '.join(unread)}: not read, so no declared area was compared. Choose the column and its unit below, then read again.",
                )
            )
        )
    with st.expander(t("字段对应", "Meaning of the columns"), expanded=bool(unread)):
        first = batch.reading.get("first", [])
        _kit.table(
            [
                {"field": name, "values": "、".join(str(row.get(name) or "") for row in first[:3])}
                for name in fields
            ],
            [Column("field", t("字段", "Column")), Column("values", t("前几行", "First values"), wraps=True)],
        )  # fmt: skip
        chosen: dict[str, str] = {}
        places = st.columns(3)
        for number, meaning in enumerate(_import_steps.MEANINGS):
            about = columns.MEANINGS[meaning]
            name, unit = columns.column_of(batch.mapping.get(meaning, ""))
            column = places[number % 3].selectbox(
                t(about.title_zh, about.title_en), ["", *fields],
                index=fields.index(name) + 1 if name in fields else 0,
                key=f"imports.map.{batch.id}.{meaning}",
                format_func=lambda one: one or t("（无）", "(none)"),
            )  # fmt: skip
            if column and meaning == "declared_area":
                units = list(_import_steps.UNITS)
                unit = places[number % 3].selectbox(
                    t("面积单位", "Unit of the area"), units,
                    index=units.index(unit or columns.unit_of(column) or "mu"),
                    key=f"imports.map.{batch.id}.unit",
                    format_func=lambda one: t(*_import_steps.UNITS[one]),
                )  # fmt: skip
                column = f"{column}:{unit}"
            if column:
                chosen[meaning] = column
        source = st.text_input(
            t("来源", "Source"), value=batch.source, key=f"imports.map.{batch.id}.source",
            placeholder="安吉县林业局 二类调查",
        )  # fmt: skip
        if st.button(t("存下并按此重新读取", "Keep, and read again"), key="imports.map.save"):
            with _session.explained():
                with db.transaction(person) as session:
                    column_mappings.save(
                        session, person, source=source, fields=fields, mapping=chosen
                    )
                return replace(staging.options_of(batch), source=source, mapping=chosen)
    return None


def unread_areas(fields: list[str], mapping: dict[str, str]) -> list[str]:
    """Columns that by their names hold declared areas, where none of them is read."""
    if "declared_area" in mapping:
        return []
    return [name for name in fields if columns.meanings_of(name) == {"declared_area"}]
