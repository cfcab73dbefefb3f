"""Page: what was done on the land year by year, with its evidence; one by one or from a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from methodologies import activity
from pages import _kit, _session, _why_records, _words
from pages._kit import Column
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.core.errors import NotFound
from sinks.crediting import projects
from sinks.land import parcel_list
from sinks.measurement import (
    activity_lineage,
    activity_records,
    activity_table,
    activity_words,
)

READERS = (
    Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
)  # fmt: skip
WRITERS = frozenset({Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER})
# A longer list scrolls by itself, so that the form below stays near.
LIST_ROWS_MAX, LIST_HEIGHT = 6, 520
# The kind that is asked for first, by the type of the land.
FIRST_KIND = {"farmland": "paddy_season", "tea": "tea_nitrogen", "wetland": "wetland_land"}


@dataclass(frozen=True, slots=True)
class Place:
    """A parcel whose records are shown."""

    id: int
    code: str
    name: str
    sink_type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as the list shows it."""

    id: int
    code: str
    year: int
    kind: str
    words: str
    state: str
    evidence: tuple[tuple[int, str, str], ...]


def load(me: Actor) -> tuple[list[Place], list[Shown]]:
    """The parcels that the address or the choice names, and their records with those of the
    parcels that stood before them."""
    asked = st.query_params.get("parcel", "")
    with db.transaction(me) as session:
        if asked.isdigit():
            ids = [int(asked)]
        else:
            project_id = choose_project(session)
            ids = [one.parcel_id for one in projects.members(session, project_id or 0)]
        places = [
            Place(row.id, row.code, row.name, row.sink_type)
            for row in parcel_list.rows(session, ids=ids, simplify_degrees=1.0)
        ]
        if asked.isdigit() and not places:
            raise NotFound(t("没有这个地块。", "There is no such parcel."), code="parcel")
        shown = [place.id for place in places]
        before = activity_lineage.ancestors(session, shown)
        lines = activity_records.listing(session, [*shown, *before])
        return places, [_shown(line) for line in lines]


def choose_project(session: Any) -> int | None:
    """The project whose records are asked for."""
    named = {
        project.id: f"{project.code} {project.name}" for project, _ in projects.listing(session)
    }
    asked = st.query_params.get("project", "")
    first = list(named).index(int(asked)) if asked.isdigit() and int(asked) in named else 0
    if not named:
        return None
    return st.selectbox(
        t("项目", "Project"), list(named), index=first, format_func=named.__getitem__,
        key="records.project",
    )  # fmt: skip


def _shown(line: activity_records.Line) -> Shown:
    row = line.record
    english = _words.lang() == "en"
    words = activity_words.KINDS[row.kind][english]
    if row.values is not None:
        words = activity_words.values_words(row.kind, row.values, english=english, short=True)
    state = "superseded" if line.superseded else "standing" if row.values else "withdrawn"
    return Shown(
        row.id, line.parcel_code, row.year, row.kind, words, state,
        tuple((one.id, one.name, one.sha256) for one in line.evidence),
    )  # fmt: skip


def show_records(rows: Sequence[Shown]) -> None:
    """Every record, those corrected or withdrawn too."""
    if not rows:
        _kit.empty(
            t(
                "还没有活动记录。按地块和年份登记：农田写种植、施肥、秸秆，林地和茶园写抚育、采伐、病虫害、火灾。",
                "No records yet. Write them by parcel and year.",
            )
        )
        return
    chips = {
        "standing": _kit.chip(t("现行", "stands"), _words.GREEN),
        "superseded": _kit.chip(t("已更正", "corrected"), _words.GREY),
        "withdrawn": _kit.chip(t("已撤销", "withdrawn"), _words.GREY),
    }
    bare = sum(row.state == "standing" and not row.evidence for row in rows)
    if bare:
        st.warning(
            t(
                f"{bare} 条记录没有依据材料；监测期公示以前须补交。",
                f"{bare} records have no evidence; it is needed before a round is published.",
            )
        )
    with st.container(height=LIST_HEIGHT if len(rows) > LIST_ROWS_MAX else "content", border=False):
        _table(rows, chips)


def _table(rows: Sequence[Shown], chips: Mapping[str, _kit.Html]) -> None:
    _kit.table(
        [
            {
                "id": row.id,
                "code": row.code,
                "year": str(row.year),
                "words": row.words,
                "evidence": None if row.state == "withdrawn"
                else _why_records.evidence_chip(row.evidence),
                "state": chips[row.state],
            }
            for row in rows
        ],
        [
            Column("id", t("编号", "No."), number=True),
            Column("code", t("地块", "Parcel")),
            Column("year", t("年份", "Year")),
            Column("words", t("记录", "Record"), wraps=True),
            Column("evidence", t("依据", "Evidence")),
            Column("state", t("状态", "State")),
        ],
    )  # fmt: skip


def write(me: Actor, places: Sequence[Place], rows: Sequence[Shown]) -> None:
    """Add one, import many, bring evidence, or withdraw."""
    ways = {
        "form": t("逐条填写", "One by one"),
        "file": t("从表格导入", "From a table"),
        "evidence": t("补交依据", "Bring evidence"),
        "withdraw": t("撤销", "Withdraw"),
    }
    standing = [row for row in rows if row.state == "standing"]
    how = st.segmented_control(
        t("登记", "Write"), list(ways) if standing else ["form", "file"], default="form",
        format_func=ways.__getitem__, key="records.how",
    )  # fmt: skip
    if how == "form":
        record_form(me, places)
    elif how == "file":
        import_form(me, places)
    elif how == "evidence":
        evidence_form(me, standing)
    elif how == "withdraw":
        withdraw_form(me, standing)


def choose_kind(places: Sequence[Place]) -> str:
    """Which kind of record."""
    kinds = list(activity_words.KINDS)
    first = FIRST_KIND.get(places[0].sink_type, "tending")
    return st.selectbox(
        t("记录种类", "Kind"), kinds, index=kinds.index(first), key="records.kind",
        format_func=lambda kind: t(*activity_words.KINDS[kind]),
    )  # fmt: skip


def record_form(me: Actor, places: Sequence[Place]) -> None:
    """One record, every field asked; nothing is taken for nought that nobody has said."""
    kind = choose_kind(places)
    labels = {place.id: f"{place.code} {place.name}" for place in places}
    with st.form(f"record.{kind}"):
        left, right = st.columns(2)
        parcel_id = left.selectbox(
            t("地块", "Parcel"), list(labels), format_func=labels.__getitem__, key="record.parcel"
        )
        year = right.number_input(
            t("年份", "Year"), activity.YEAR_MIN, date.today().year, value=date.today().year,
            step=1, key="record.year",
        )  # fmt: skip
        st.caption(
            t(
                "数量都按每公顷填写（1 公顷 = 15 亩）；没有的填 0，只有注明“可不填”的可以空着。",
                "Amounts are per hectare (1 ha = 15 mu); write 0 for none; only what is marked "
                "optional may stay empty.",
            )
        )
        if not activity.KINDS[kind].IS_YEARLY:
            st.caption(
                t(
                    "自所填年份起一直有效，直到以后某年重新登记。",
                    "It holds from its year until it is stated anew.",
                )
            )
        values: dict[str, Any] = {}
        fields = list(activity.KINDS[kind].model_fields)
        # Two a row, and on a phone still in their order.
        for first in range(0, len(fields), 2):
            for column, field in zip(st.columns(2), fields[first : first + 2], strict=False):
                with column:
                    values[field] = ask(kind, field)
        files = st.file_uploader(
            t("依据材料（发票、农事记录、照片）", "Evidence"), accept_multiple_files=True,
            key=f"record.files.{kind}",
        )  # fmt: skip
        correcting = st.checkbox(
            t("更正已有的记录（两条都保留）", "Corrects the record on file; both are kept"),
            key="record.correcting",
        )
        sent = st.form_submit_button(t("登记", "Store"), type="primary")
    if sent:
        with explained():
            with db.transaction(me) as session:
                row = activity_records.add(
                    session, me, parcel_id=parcel_id, year=int(year), kind=kind, values=values,
                    correcting=correcting,
                )  # fmt: skip
                for file in files:
                    activity_records.add_evidence(
                        session, me, row.id, name=file.name, content=file.getvalue()
                    )
                number = row.id
            say_done(t(f"已登记第 {number} 条记录。", f"Record {number} is stored."))


def ask(kind: str, field: str) -> Any:
    """One field, empty at first; the value as the record takes it, or None while it is empty."""
    wanted = activity.value_type(kind, field)
    title, key = t(*activity_words.FIELDS[field]), f"record.{kind}.{field}"
    if activity.may_be_empty(kind, field):
        title += t("（可不填）", " (optional)")
    choose = t("请选择", "Choose")
    choices = activity.choices(kind, field)
    if wanted is bool:
        said = st.selectbox(
            title, [True, False], index=None, placeholder=choose, key=key,
            format_func=lambda yes: t("是", "yes") if yes else t("否", "no"),
        )  # fmt: skip
        return said
    if choices:
        return st.selectbox(
            title, choices, index=None, placeholder=choose, key=key,
            format_func=lambda code: t(*activity_words.CHOICES[code]),
        )  # fmt: skip
    if wanted is date:
        day = st.date_input(title, value=None, format="YYYY-MM-DD", key=key)
        return day.isoformat() if isinstance(day, date) else None
    if wanted is str:
        return st.text_input(title, max_chars=200, key=key).strip()
    if wanted is int:
        return st.number_input(title, min_value=0, value=None, step=1, key=key)
    return st.number_input(
        title, min_value=activity.least(kind, field), value=None, format="%g", key=key
    )


def import_form(me: Actor, places: Sequence[Place]) -> None:
    """Many records of one kind; nothing is stored while a row is wrong."""
    kind = choose_kind(places)
    st.download_button(
        t("下载空表（CSV）", "Empty table (CSV)"), activity_table.template(kind), f"{kind}.csv",
        "text/csv", key=f"records.template.{kind}",
    )  # fmt: skip
    file = st.file_uploader(
        t("记录表（CSV 或 XLSX，一行一条）", "Table (CSV or XLSX)"), type=["csv", "xlsx"],
        key=f"records.file.{kind}",
    )  # fmt: skip
    evidence = st.file_uploader(
        t("依据材料（归到每一行）", "Evidence for every row"), accept_multiple_files=True,
        key=f"records.evidence.{kind}",
    )  # fmt: skip
    correcting = st.checkbox(
        t("更正已有的记录", "Corrects records on file"), key="records.correcting"
    )
    if file is None:
        return
    table = None
    with explained():
        table = activity_table.parse(kind, file.name, file.getvalue())
    if table is None:
        return
    if table.errors:
        show_errors(table.errors)
        return
    st.success(
        t(f"读到 {len(table.rows)} 条记录，没有发现问题。", f"{len(table.rows)} records read.")
    )
    if st.button(t("全部登记", "Store all"), key="records.commit", type="primary"):
        with explained():
            try:
                with db.transaction(me) as session:
                    stored = activity_table.commit(session, me, table, correcting=correcting)
                    for row in stored:
                        for one in evidence:
                            activity_records.add_evidence(
                                session, me, row.id, name=one.name, content=one.getvalue()
                            )
                    count = len(stored)
            except activity_table.RowsRefused as refusal:
                show_errors(refusal.errors)
                return
            say_done(t(f"已登记 {count} 条记录。", f"{count} records stored."))


def show_errors(errors: Sequence[activity_table.RowError]) -> None:
    """Which rows are wrong, and how."""
    st.error(
        t(
            f"{len(errors)} 行需修正，整表未导入。改好后重新选择文件。",
            f"{len(errors)} rows to mend; nothing was stored.",
        )
    )
    _kit.table(
        [
            {"row": error.number, "what": error.message}
            for error in errors[: activity_table.ERRORS_SHOWN_MAX]
        ],
        [Column("row", t("行", "Row"), number=True), Column("what", t("问题", "Problem"))],
    )


def evidence_form(me: Actor, standing: Sequence[Shown]) -> None:
    """One file as evidence of the records that are chosen."""
    labels = {row.id: f"{row.id} · {row.code} · {row.year} · {_kind(row)}" for row in standing}
    bare = [row.id for row in standing if not row.evidence]
    chosen = st.multiselect(
        t("记录", "Records"), list(labels), default=bare, format_func=labels.__getitem__,
        placeholder=t("请选择", "Choose"), key="records.bare",
    )  # fmt: skip
    file = st.file_uploader(t("依据材料", "Evidence"), key="records.evidence")
    if st.button(
        t("存档", "File"), key="records.file-evidence", type="primary",
        disabled=file is None or not chosen,
    ):  # fmt: skip
        with explained():
            with db.transaction(me) as session:
                for record_id in chosen:
                    activity_records.add_evidence(
                        session, me, record_id, name=file.name, content=file.getvalue()
                    )
            say_done(t(f"已为 {len(chosen)} 条记录存档。", f"Filed for {len(chosen)} records."))


def withdraw_form(me: Actor, standing: Sequence[Shown]) -> None:
    """Say that there was no such thing."""
    labels = {row.id: f"{row.id} · {row.code} · {row.year} · {_kind(row)}" for row in standing}
    record_id = st.selectbox(
        t("记录", "Record"), list(labels), format_func=labels.__getitem__, key="records.withdraw"
    )
    sentence = t(
        f"将撤销第 {record_id} 条记录：并无此事。原记录保留，已冻结在监测期里的不变。",
        f"Record {record_id} is withdrawn: there was no such thing. It is kept on file.",
    )
    if _kit.confirm(f"withdraw.{record_id}", sentence, t("撤销", "Withdraw")):
        with explained():
            with db.transaction(me) as session:
                activity_records.withdraw(session, me, record_id)
            say_done(t("已撤销。", "Withdrawn."))


def _kind(row: Shown) -> str:
    return t(*activity_words.KINDS[row.kind])


def main() -> None:
    """The records of a parcel or a project, and how to add some."""
    me = _session.page(t("活动记录", "Activity records"), *READERS)
    places: list[Place] = []
    rows: list[Shown] = []
    with explained():
        places, rows = load(me)
    if not places:
        _kit.empty(
            t(
                "先在“地块”中选一块地，或在“项目与监测”中建立项目，再登记活动记录。",
                "Choose a parcel, or create a project first.",
            )
        )
        return
    if len(places) == 1:
        place = places[0]
        _kit.heading(f"{place.code} {place.name}")
    show_records(rows)
    if me.roles & WRITERS:
        st.subheader(t("登记活动记录", "Write records"))
        write(me, places, rows)


main()
