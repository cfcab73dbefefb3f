"""我的待办: what waits for me, first of all pages."""

from pathlib import Path

import streamlit as st

from pages import _jobs, _kit, _session
from pages._land import moment
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.web import todo
from sinks.web.todo import Waiting

HERE = Path(__file__).parent
COLUMNS = 3
# Kind of work -> (Chinese with the count, English, what the button says in both).
WORDS: dict[str, tuple[str, str, str, str]] = {
    "parcel_draft": (
        "块地块草稿待补全、报送",
        "parcel drafts to complete and submit",
        "去补全",
        "Complete",
    ),
    "rights_review": (
        "块地块待审权属材料",
        "parcels whose papers wait for review",
        "去审查",
        "Review",
    ),
    "enrol": ("块地块待入库", "parcels to enrol", "去入库", "Enrol"),
    "overlap": ("块我勾绘的地块与别的地块重叠", "parcels I drew overlap others", "去修正", "Mend"),
    "mark": (
        "块地块存疑，待另一人核实",
        "parcels in doubt, for a second officer",
        "去核实",
        "Look",
    ),
    "attribute_review": (
        "块地块的属性待我复核",
        "parcels with attributes to review",
        "去复核",
        "Review",
    ),
    "expiring": ("项权利一年内到期或已到期", "rights end within a year", "去查看", "Look"),
    "contract_expiring": (
        "份收储合同一年内到期或已到期",
        "contracts end within a year",
        "去查看",
        "Look",
    ),
    "overlap_propose": (
        "个重叠争议待提出处理意见",
        "overlap cases without a proposal",
        "去处理",
        "Propose",
    ),
    "overlap_decide": (
        "个重叠争议待我决定",
        "overlap cases to decide",
        "去决定",
        "Decide",
    ),
    "succession_review": (
        "次拆分或合并待复核权属",
        "splits or merges whose rights wait for review",
        "去复核",
        "Review",
    ),
    "transfer_review": ("笔权属转移待复核", "transfers to review", "去复核", "Review"),
    "transfer_seen": (
        "笔权属转移涉及本单位的合同或项目，待知悉",
        "transfers on land of your contracts or projects",
        "去查看",
        "Look",
    ),
    "enrolment_expiring": (
        "块入库将在 60 天内失效（未签合同、未核算）",
        "enrolments end within 60 days",
        "去查看",
        "Look",
    ),
    "import_staged": (
        "个暂存的文件待核对提交",
        "staged files to look at and commit",
        "去核对",
        "Look",
    ),
    "import_mend": ("行导入时未收，待修正后再导入", "imported rows were refused", "去修正", "Mend"),
    "contract_draft": (
        "块已入库地块可以收储",
        "enrolled parcels can be collected",
        "去起草",
        "Draft",
    ),
    "contract_sign": (
        "份合同待我复核签订",
        "contracts wait for the second clerk",
        "去复核",
        "Sign",
    ),
    "project_publish": ("个项目草稿待公示", "draft projects to publish", "去公示", "Publish"),
    "round_open": (
        "个项目还没有监测期",
        "projects without a round",
        "去开启",
        "Open",
    ),
    "round_measure": ("个监测期待核算", "rounds to measure", "去核算", "Measure"),
    "round_publish": ("个监测期已核算，待公示", "measured rounds to publish", "去公示", "Publish"),
    "finding_answer": ("条核证发现待整改答复", "findings to answer", "去答复", "Answer"),
    "project_validate": ("个项目公示期满，待审定", "projects to validate", "去审定", "Validate"),
    "round_take_up": ("个监测期公示期满，待受理核证", "rounds to take up", "去受理", "Take up"),
    "round_verify": ("个监测期核证中", "rounds under verification", "去核证", "Verify"),
    "project_register": ("个项目待备案", "projects to register", "去备案", "Register"),
    "round_record": ("个监测期待碳汇量备案", "rounds to record", "去备案", "Record"),
    "round_issue": ("个监测期待登记签发", "rounds to issue", "去签发", "Issue"),
    "objection_answer": ("件异议待答复", "objections to answer", "去答复", "Answer"),
    "policy_propose": ("项政策尚未有人提出", "policies nobody has proposed", "去提出", "Propose"),
    "policy_approve": (
        "项政策提议待第二人批准",
        "policies wait for a second person",
        "去批准",
        "Approve",
    ),
    "grant_approve": (
        "项授权待第二位管理员批准",
        "roles wait for a second administrator",
        "去批准",
        "Approve",
    ),
    "case_court": ("个案件待本院办理", "cases wait for this court", "去办理", "Open"),
    "case_appraise": ("个案件委托本机构测算", "cases to appraise", "去测算", "Appraise"),
    "case_lock": ("个案件待本社锁定碳汇量或交付款凭证", "cases to lock or pay", "去办理", "Open"),
    "case_retire": ("个案件待注销或出证", "cases to retire or certify", "去办理", "Open"),
}


def card(item: Waiting, person: Actor) -> None:
    """One kind of work: how much, since when, and the way there."""
    zh, en, go_zh, go_en = WORDS[item.kind]
    with db.transaction(person) as session:
        days = todo.age_days(item, db.today(session))
    since = ""
    if days is not None and item.oldest_at is not None:
        ago = t("今天", "today") if days == 0 else t(f"{days} 天前", f"{days} days ago")
        since = t(
            f"最早 {ago}（{moment(item.oldest_at)}）", f"oldest {ago} ({moment(item.oldest_at)})"
        )
    with st.container(key=f"todo-{item.kind}"):
        _kit.metric_big(str(item.count), t(zh, en), since)
        if st.button(t(go_zh, go_en), key=f"go-{item.kind}", type="primary"):
            st.switch_page(HERE / f"{item.page}.py", query_params=item.query)


def main() -> None:
    """Show the cards, three beside each other."""
    person = _session.page(t("我的待办", "To do"))
    with db.transaction(person) as session:
        found = todo.waiting(session, person)
    if not found:
        _kit.empty(
            t(
                "现在没有等您办理的事项。左侧菜单可以查看地块、项目和台账。",
                "Nothing waits for you. The menu leads to parcels, projects and the ledger.",
            )
        )
    for first in range(0, len(found), COLUMNS):
        for column, item in zip(st.columns(COLUMNS), found[first : first + COLUMNS], strict=False):
            with column:
                card(item, person)
    _jobs.mine(person)


main()
