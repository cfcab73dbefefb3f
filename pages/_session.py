"""Who looks at this screen, what they are told when something is refused, and when it is done.

The person is read from the cookie that ``/sign-in`` sets, on every run of every page, so that
signing out in another window, or losing a role, ends it here at the next click.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import streamlit as st
from streamlit import runtime

from gis_data.rasters import RasterRefused
from gis_data.refusals import FileRefused
from gis_data.zonal import ParcelRefused, StderrMissing, TooManyCells
from gis_data.zonal_dask import ClusterRefused
from methodologies.base import MethodError
from pages import _kit
from pages._words import t
from sinks.core import db, people
from sinks.core.actor import ROLE_ZH, Actor, Role
from sinks.core.errors import SinksError

COOKIE = "sinks_session"
SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
PASSWORD = "/password"
# Every refusal a page may meet. Anything else is a fault: it fails loudly and goes to the log.
REFUSALS = (
    SinksError, ClusterRefused, FileRefused, RasterRefused, MethodError, ParcelRefused, StderrMissing, TooManyCells,
)  # fmt: skip
_DONE = "_done"
_TEST_TOKEN = "_test_token"


def actor() -> Actor:
    """The signed-in person, read anew. Nobody signed in: shows the way to sign in and stops."""
    token = _token()
    if token:
        with db.transaction() as session:
            person = people.actor_of_token(session, token)
        if person is not None:
            return person
        said = t("您的登录已结束，请重新登录。", "Your session has ended. Please sign in again.")
    else:
        said = t("请先登录。", "Please sign in first.")
    _kit.style()
    here = urlsplit(st.context.url or "").path or "/"
    way = f"{SIGN_IN}?next={quote(here)}"
    st.title(t("湖州市碳汇登记簿", "Huzhou carbon-sink registry"))
    _kit.facts([(said, _kit.link(t("去登录", "Sign in"), way))])
    # On its own the link waits for a click that everybody makes. The address is ours and quoted.
    st.html(f"<script>location.replace({json.dumps(way)})</script>", unsafe_allow_javascript=True)
    st.stop()


def page(title: str, *roles: Role) -> Actor:
    """Begin a page: the person, their right to be here, the title, and what was just done.

    Stops with a sentence when the person holds none of the roles. An auditor may see every page;
    what they may do is refused by the functions that do it.
    """
    person = actor()
    st.title(title)
    if roles and not person.roles & {*roles, Role.AUDITOR}:
        may = "、".join(ROLE_ZH[role] for role in roles)
        st.error(
            t(
                f"这一页由{may}使用，您的账号没有这个角色。",
                f"This page is for: {', '.join(roles)}. Your account has none of these roles.",
            )
        )
        st.stop()
    _say_what_was_done()
    return person


@contextmanager
def explained() -> Iterator[None]:
    """Show a refusal as a sentence; let everything else fail loudly.

    Goes around the transaction, never inside it: what was refused is rolled back first.
    """
    try:
        yield
    except REFUSALS as error:
        # The message may hold a name somebody typed: its marks are not ours.
        st.error(f"**{t('没有办成。', 'Not done.')}** {plain(str(error))}")


def say_done(text: str) -> None:
    """Say that something is done, and run the page again with what it is now.

    Called after the transaction has ended: what is said to be done is kept.
    """
    st.session_state[_DONE] = text
    st.rerun()


def plain(text: str) -> str:
    """Text that somebody typed, so that Streamlit's markdown shows it as it is."""
    return "".join(f"\\{mark}" if mark in r"\`*_[]$~:<#|" else mark for mark in text)


def _say_what_was_done() -> None:
    if text := st.session_state.pop(_DONE, None):
        st.toast(plain(text), icon=":material/check_circle:", duration="long")


def _token() -> str | None:
    # Streamlit's AppTest runs a page without a server and cannot set cookies. A process that
    # serves browsers has a real Runtime, and then only the cookie counts, whatever else somebody
    # managed to set; under AppTest a stand-in takes its place (isinstance() would be fooled by it).
    if issubclass(type(runtime.get_instance()), runtime.Runtime):
        return st.context.cookies.get(COOKIE)
    return st.session_state.get(_TEST_TOKEN)
