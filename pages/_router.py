"""The frame around all pages: looks, language, who is signed in, and the pages open to them."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import streamlit as st

from pages import _kit, _session, _words
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.web import frame

HERE = Path(__file__).parent
# A file of ours: Streamlit fetches an icon named by its name from another host.
ICON = HERE.parent / "static" / "icon.svg"
EVERYBODY = frozenset(Role)
OWNERS = frozenset({Role.COOPERATIVE, Role.DEVELOPER})
# Section -> (file, Chinese, English, icon, who works there). A page missing here can still be
# opened by its address, so every page asks for the role itself (`_session.page`).
PAGES: Mapping[tuple[str, str], tuple[tuple[str, str, str, str, frozenset[Role]], ...]] = (
    MappingProxyType(
        {
            ("", ""): (("todo", "我的待办", "To do", "inbox", EVERYBODY),),
            ("土地", "Land"): (
                (
                    "parcels", "地块", "Parcels", "map",
                    OWNERS | {Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR},
                ),
                ("imports", "导入", "Import", "upload_file", frozenset({Role.OFFICER})),
                (
                    "constraints", "管控图层", "Constraint layers", "layers_clear",
                    frozenset(
                        {
                            Role.OFFICER, Role.REGISTRAR, Role.VERIFIER, Role.AUTHORITY,
                            Role.COOPERATIVE,
                        }
                    ),
                ),
                (
                    "expiring", "到期提醒", "Running out", "event_upcoming",
                    frozenset({Role.OFFICER, Role.COOPERATIVE, Role.AUTHORITY, Role.REGISTRAR}),
                ),
                (
                    "overlaps", "重叠与争议", "Overlaps", "join_inner",
                    frozenset({Role.OFFICER, Role.REGISTRAR, Role.AUTHORITY, Role.VERIFIER}),
                ),
                ("contracts", "收储合同", "Contracts", "contract", frozenset({Role.COOPERATIVE})),
            ),
            ("计量", "Measurement"): (
                (
                    "layers", "图层", "Layers", "layers",
                    OWNERS | {Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR},
                ),
                (
                    "records", "活动记录", "Activity records", "edit_note",
                    OWNERS | {Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR},
                ),
                (
                    "projects", "项目与监测", "Projects", "forest",
                    OWNERS | {Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR},
                ),
                (
                    "verification", "核证", "Verification", "fact_check",
                    OWNERS | {Role.VERIFIER},
                ),
                ("methods", "方法", "Methods", "functions", EVERYBODY),
            ),
            ("登记", "Registry"): (
                (
                    "filing", "公示与备案", "Notice and filing", "approval",
                    OWNERS | {Role.AUTHORITY, Role.REGISTRAR, Role.VERIFIER},
                ),
                (
                    "ledger", "碳汇量台账", "Ledger", "account_balance",
                    OWNERS | {Role.REGISTRAR},
                ),
                (
                    "restoration", "司法修复", "Restoration", "gavel",
                    frozenset(
                        {
                            Role.COURT, Role.PROSECUTOR, Role.APPRAISER, Role.COOPERATIVE,
                            Role.REGISTRAR,
                        }
                    ),
                ),
            ),
            ("系统", "System"): (("settings", "设置", "Settings", "settings", EVERYBODY),),
        }
    )
)  # fmt: skip


def pages_for(person: Actor) -> dict[str, list[st.Page]]:
    """Every page by section; the menu shows those this person works with, or all to an auditor.

    The others stay where they are, so that whoever follows a link reads whose page it is.
    """
    found: dict[str, list[st.Page]] = {}
    for (section_zh, section_en), rows in PAGES.items():
        found[t(section_zh, section_en)] = [
            st.Page(
                HERE / f"{file}.py", title=t(zh, en), icon=f":material/{icon}:", url_path=file,
                default=file == "todo",
                visibility="visible" if roles == EVERYBODY or person.roles & {*roles, Role.AUDITOR}
                else "hidden",
            )
            for file, zh, en, icon, roles in rows
        ]  # fmt: skip
    return found


def chinese_uploads() -> None:
    """Streamlit's field for files speaks English; its words are painted over."""
    if _words.lang() != "zh":
        return
    place = '[data-testid="stFileUploaderDropzone"] '
    button = f'{place}[data-testid="stBaseButton-secondary"] p'
    limit = f'{place}[data-testid="stFileUploaderDropzoneInstructions"] span'
    st.html(
        f"<style>{button}, {limit} {{ font-size: 0; }}"
        f'{button}::after {{ content: "选择文件"; font-size: .95rem; }}'
        f'{limit}::after {{ content: "每个文件不超过 {st.get_option("server.maxUploadSize")} MB";'
        " font-size: .9rem; }</style>"
    )


def who(person: Actor) -> None:
    """Show whose screen this is, the language switch, and the way out, in the sidebar."""
    with st.sidebar:
        roles = "、".join(t(*_words.ROLES[role]) for role in sorted(person.roles))
        _kit.facts(
            [
                (t("登录人", "Signed in"), person.name),
                (t("单位", "Of"), person.party_name),
                (t("角色", "Roles"), roles or t("（尚未授予）", "(none granted)")),
                (t("账号", "Account"), _kit.link(t("退出登录", "Sign out"), _session.SIGN_OUT)),
                (t("密码", "Password"), _kit.link(t("换密码", "Change"), _session.PASSWORD)),
            ]
        )
        st.segmented_control(
            "语言 Language", _words.LANGUAGES, default=_words.lang(), key="lang", required=True,
            format_func=lambda code: {"zh": "中文", "en": "English"}[code],
            label_visibility="collapsed",
        )  # fmt: skip
    keep_language(_words.lang())


def keep_language(chosen: str) -> None:
    """Have the browser remember the language, so that a refreshed page still speaks it."""
    if st.context.cookies.get("lang") != chosen:
        # One of our own two words, and the cookie that the public pages set as well.
        line = f"lang={chosen}; path=/; max-age={365 * 24 * 3600}; samesite=lax"
        st.html(
            f"<script>document.cookie = {json.dumps(line)}</script>", unsafe_allow_javascript=True
        )


def main() -> None:
    """Show the frame, then the page."""
    st.set_page_config(
        page_title="湖州市碳汇登记簿", page_icon=str(ICON), layout="wide",
        initial_sidebar_state="auto",
    )  # fmt: skip
    _kit.style()
    chinese_uploads()
    person = _session.actor()
    with db.transaction(person) as session:
        demonstration = frame.holds_demonstration(session)
    # Expanded: the button for the rest of a long menu would speak English.
    chosen = st.navigation(pages_for(person), expanded=True)
    who(person)
    if demonstration:
        _kit.band()
    chosen.run()


main()
