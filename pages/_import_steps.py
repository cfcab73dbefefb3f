"""What is done with a whole import: the commit, and the steps of all its parcels."""

from pathlib import Path

import streamlit as st

from pages import _jobs, _kit, _land, _session
from pages._words import t
from sinks.core import db, jobs
from sinks.core.actor import Actor
from sinks.land import bulk, import_jobs, imports
from sinks.land.bulk import Step
from sinks.land.staging import ImportBatch

HERE = Path(__file__).parent
# More parcels than this are written by the worker.
AT_ONCE_MAX = 500
# The meanings a parcel takes over.
MEANINGS = (
    "name", "compartment", "subcompartment", "parcel_no", "township", "certificate_no",
    "declared_area",
)  # fmt: skip
UNITS = {"mu": ("亩", "mu"), "ha": ("公顷", "ha"), "m2": ("平方米", "m²")}
STEPS = {
    Step.SUBMIT: ("全部报送", "Submit all"),
    Step.REVIEW: ("全部审查通过", "Review all"),
    Step.ENROL: ("全部入库", "Enrol all"),
}
STATUS = {
    Step.SUBMIT: ("块草稿待报送", "drafts to submit"),
    Step.REVIEW: ("块待审权属材料", "to review"),
    Step.ENROL: ("块待入库", "to enrol"),
}


def commit(person: Actor, batch: ImportBatch) -> None:
    """Whose land it is, and the button that imports."""
    st.subheader(t("提交", "Commit"))
    rows = batch.counts["rows"]
    choice = _land.choose_party(
        person, "imports.owner", t("权利人（所有行）", "Holder of all rows")
    )
    st.caption(
        t(
            "没有权证号的行记为待补，补录后才能审查。",
            "A missing certificate number has to be entered before the review.",
        )
    )
    if named := batch.mapping.get("holder"):
        st.caption(
            t(
                f"文件的“{named}”列只随行留存：所有行都记在这里选的权利人名下。权利人不同的行请分批导入。",
                f"Names in “{named}” are kept with the rows alone: every row goes to the holder "
                "chosen here. Import rows of different holders apart.",
            )
        )
    count, left = rows.get("taken", 0), rows.get("open", 0)
    if left:
        st.info(
            t(
                f"还有 {left:,} 行的疑问没有答复，答复后才能提交。",
                f"{left:,} rows wait for an answer.",
            )
        )
    pressed = st.button(
        t(f"导入 {count:,} 行为草稿", f"Import {count:,} rows as drafts"), key="imports.commit",
        type="primary", disabled=not count or bool(left),
    )  # fmt: skip
    if not pressed:
        return
    with _session.explained(), st.spinner(t("正在写入……", "Writing …")):
        with db.transaction(person) as session:
            owner_id = choice.settled(session, person)
            if count > AT_ONCE_MAX:
                import_jobs.queue_commit(session, person, batch.id, owner_id)
                said = t("已交后台提交。", "The worker commits it.")
            else:
                accepted = imports.commit(session, person, batch.id, owner_id=owner_id).accepted
                said = t(
                    f"已导入 {accepted} 块地，均为草稿。",
                    f"{accepted} parcels are imported as drafts.",
                )
        _session.say_done(said)


def of_import(person: Actor, import_id: int) -> None:
    """The parcels of an import by the step they wait for, and the buttons for all of them."""
    running = st.session_state.get("imports.job")
    if running is not None and running[0] == import_id and _watch(person, running[1]):
        return
    with db.transaction(person) as session:
        waiting = bulk.waiting(session, import_id)
    columns = st.columns(len(Step))
    for column, step in zip(columns, Step, strict=True):
        with column:
            _kit.metric_big(f"{waiting[step]:,}", t(*STATUS[step]))
            if waiting[step] and _kit.confirm(
                f"imports.{step}.{import_id}", _sentence(step, waiting[step]), t(*STEPS[step])
            ):
                _take(person, import_id, step, waiting[step])
    refused = st.session_state.get("imports.refused")
    if refused and refused[0] == import_id and refused[1]:
        st.warning(t("以下地块没有办成：", "These were not done:"))
        _kit.table(
            refused[1][:200],
            [
                _kit.Column("parcel", t("地块", "Parcel")),
                _kit.Column("message", t("原因", "Why"), wraps=True),
            ],
        )


def _sentence(step: Step, count: int) -> str:
    if step is Step.SUBMIT:
        return t(
            f"将报送 {count:,} 块草稿，由另一位林业员审查。", f"{count:,} drafts will be submitted."
        )
    if step is Step.REVIEW:
        return t(
            f"您将以第二位林业员的身份确认 {count:,} 块地的权属材料已审；不合规定的会逐块列出、不予通过。",
            f"You confirm, as the second officer, the papers of {count:,} parcels.",
        )
    return t(
        f"将 {count:,} 块地入库：自今日起这些土地不能再由别的地块占用；与他人重叠的会逐块列出、不予入库。",
        f"{count:,} parcels will be enrolled: their land is claimed from today.",
    )


def _take(person: Actor, import_id: int, step: Step, count: int) -> None:
    with _session.explained():
        if count > AT_ONCE_MAX:
            with db.transaction(person) as session:
                job = import_jobs.queue_step(session, person, import_id, step)
                st.session_state["imports.job"] = (import_id, job.id)
            _session.say_done(t("已交后台办理。", "The worker is at it."))
        outcome = bulk.take(person, import_id, step).to_json()
        st.session_state["imports.refused"] = (import_id, outcome["refused"])
        _session.say_done(
            t(
                f"{outcome['taken']} 块已办，{len(outcome['refused'])} 块未办。",
                f"{outcome['taken']} done, {len(outcome['refused'])} not.",
            )
        )


def _watch(person: Actor, job_id: int) -> bool:
    """Whether the job is still at it; when it has ended its refusals are held for the table."""
    with db.transaction(person) as session:
        job = jobs.get(session, person, job_id)
        ended, result, error = job.ended_at is not None, job.result, job.error
        import_id = job.arguments["import_id"]
    if not ended:
        _jobs.watch(person, job_id)
        return True
    del st.session_state["imports.job"]
    if error:
        st.error(_session.plain(error))
    if result:
        st.session_state["imports.refused"] = (import_id, result["refused"])
    return False
