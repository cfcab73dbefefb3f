"""The parts every page is made of: chips, tables, cards, bands, the two-step button, the looks.

Everything a person or a database typed is escaped here. ``Html`` marks text that is HTML already
and made by this module (or by ``pages/_maps.py``); nothing else may be marked so.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import streamlit as st

from pages._words import State, t
from sinks.core.bars import Bar, placed

STYLE = Path(__file__).parent / "_kit.css"
WHY_ZH, WHY_EN = "为什么是这个数", "Why this number"


class Html(str):
    """HTML made by our own code from escaped parts."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the row's key, its heading, and how its values stand.

    ``unit`` is written in the heading, so that the values of a column are numbers alone. Text that
    ``wraps`` is read in lines, all other stays on one.
    """

    key: str
    title: str
    unit: str = ""
    number: bool = False
    wraps: bool = False


def style() -> None:
    """Put the looks of all pages in. Once in every run, before anything is shown."""
    st.html(STYLE)


def chip(word: str, colour: str, *, hatched: bool = False) -> Html:
    """A coloured word. ``hatched`` is for what is estimated, not verified."""
    kind = "sinks-chip sinks-hatched" if hatched else "sinks-chip"
    return Html(
        f'<span class="{kind}" style="color:{html.escape(colour)};'
        f'border-color:{html.escape(colour)}">{html.escape(word)}</span>'
    )


def state_chip(table: Mapping[str, State], code: str) -> Html:
    """The chip of a state of one of the life cycles in ``pages/_words.py``."""
    return chip(table[code].word, table[code].colour)


def root_url() -> str:
    """Path before every address of ours: empty, or ``/`` and server.baseUrlPath."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def beside(*parts: str) -> Html:
    """Chips, links and text beside each other in one cell."""
    return Html(" ".join(_cell(part) for part in parts))


def link(text: str, address: str) -> Html:
    """A link to a page of ours, ``/`` first. Addresses of other hosts are refused."""
    if not address.startswith("/") or address.startswith("//"):
        raise ValueError(f"links stay in the house, and {address!r} leads out")
    return Html(
        f'<a href="{html.escape(root_url() + address)}" target="_self">{html.escape(text)}</a>'
    )


def heading(title: str, *chips: Html) -> None:
    """A record's title with its state beside it."""
    st.html(f'<h2 class="sinks-heading">{html.escape(title)} {" ".join(chips)}</h2>')


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """Show rows as a table; numbers stand right, on a phone each row is a card."""
    st.html(table_html(rows, columns))


def table_html(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Html:
    """The table as HTML. A missing value is shown as a dash, never as a blank or a zero."""
    head = "".join(f"<th{_kind(column)}>{_title(column)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_kind(column)}{_named(column)}>{_cell(row.get(column.key))}</td>"
            for column in columns
        )
        + "</tr>"
        for row in rows
    )
    # tabindex: whoever has no mouse scrolls with the arrow keys.
    return Html(
        f'<div class="sinks-scroll" tabindex="0"><table class="sinks-table"><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def bars(rows: Sequence[Bar]) -> None:
    """Show bars under each other on one scale; what runs to the left of its start is red."""
    st.html(bars_html(rows))


def bars_html(rows: Sequence[Bar]) -> Html:
    """The bars as HTML."""
    body = "".join(
        f"<dt>{html.escape(bar.name)}</dt><dd><i class={bar.kind}"
        f' style="margin-left:{bar.left:.2f}%;width:{bar.width:.2f}%"></i>'
        f"<span>{html.escape(bar.words)}</span></dd>"
        for bar in placed(rows)
    )
    return Html(f'<dl class="sinks-bars">{body}</dl>')


def facts(pairs: Sequence[tuple[str, Any]]) -> None:
    """Show a card of (name, value)."""
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{_cell(value)}</dd>" for name, value in pairs)
    st.html(f'<dl class="sinks-facts">{rows}</dl>')


def timeline(events: Sequence[tuple[str, str | None]]) -> None:
    """Show steps as (word, when); a step without a when is still to come."""
    items = "".join(
        f'<li class="{"done" if when else "todo"}"><i>{"●" if when else "○"}</i>'
        f"<b>{html.escape(word)}</b><small>{html.escape(when or t('未到', 'to come'))}</small></li>"
        for word, when in events
    )
    st.html(f'<ol class="sinks-timeline">{items}</ol>')


def band(text: str | None = None) -> None:
    """Show the band that says that the data are not real."""
    said = text or t(
        "演示数据 synthetic · 均为虚构，不作任何凭证",
        "Demonstration data (synthetic): all invented, proof of nothing",
    )
    st.html(f'<div class="sinks-band" role="note">{html.escape(said)}</div>')


def empty(what_to_do: str) -> None:
    """Show an empty place, saying what to do to fill it."""
    st.html(f'<div class="sinks-empty">{html.escape(what_to_do)}</div>')


def metric_big(
    number: str,
    unit: str,
    uncertainty: str | None = None,
    why: str | None = None,
    *,
    title: str = "",
    estimated: bool = False,
) -> bool:
    """Show one number large, its unit with it, its uncertainty below; True if its why was asked.

    ``why`` is the key of the button that asks for it; None shows no button. An estimated number
    stands on hatched grey.
    """
    kind = "sinks-metric sinks-hatched" if estimated else "sinks-metric"
    label = chip(t("预估量（未核证）", "Estimate (not verified)"), "#66736d") if estimated else ""
    st.html(
        f'<div class="{kind}"><small>{html.escape(title)} {label}</small>'
        f"<div><b>{html.escape(number)}</b> <span>{html.escape(unit)}</span></div>"
        f"<small>{html.escape(uncertainty or '')}</small></div>"
    )
    return why is not None and st.button(t(WHY_ZH, WHY_EN), key=why, type="tertiary")


def confirm(key: str, sentence: str, button: str, *, disabled: bool = False) -> bool:
    """A button for what can't be undone: asks once, True in the one run after the second press.

    sentence
        Says what will happen, with the amounts and names in it.
    """
    asked, done = f"{key}.asked", f"{key}.done"
    # Asked again from the start afterwards: the same press never acts twice, and the button stands
    # there still when what was confirmed is refused.
    confirmed = bool(st.session_state.pop(done, False))
    if confirmed or not st.session_state.get(asked):
        st.button(
            button, key=f"{key}.ask", type="primary", disabled=disabled,
            on_click=_set, args=({asked: True},),
        )  # fmt: skip
        return confirmed
    with st.container(border=True, key=f"confirm-{key}"):
        # The sentence holds names people typed, so it is text, not markdown.
        st.html(f'<p class="sinks-sentence" role="alert">{html.escape(sentence)}</p>')
        yes, no = st.columns(2)
        yes.button(
            t(f"确认{button}", f"Yes: {button}"), key=f"{key}.yes", type="primary", width="stretch",
            disabled=disabled, on_click=_set, args=({asked: False, done: True},),
        )  # fmt: skip
        no.button(
            t("不做，返回", "No, go back"), key=f"{key}.no", width="stretch",
            on_click=_set, args=({asked: False},),
        )  # fmt: skip
    return False


def _set(values: dict[str, bool]) -> None:
    for name, value in values.items():
        st.session_state[name] = value


def _kind(column: Column) -> str:
    if column.number:
        return ' class="n"'
    return ' class="w"' if column.wraps else ""


def _named(column: Column) -> str:
    """The heading with its unit, for the card of a row, where no heading stands above."""
    words = f"{column.title}（{column.unit}）" if column.unit else column.title
    return f' data-title="{html.escape(words)}"'


def _title(column: Column) -> str:
    unit = f"<small>{html.escape(column.unit)}</small>" if column.unit else ""
    return f"{html.escape(column.title)}{unit}"


def _cell(value: Any) -> str:
    if isinstance(value, Html):
        return value
    if value is None or value == "":
        return "—"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return html.escape(str(value))
