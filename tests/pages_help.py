"""How the tests of the screens open a page, read it and press its buttons."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from sinks.core import db, people
from sinks.core.actor import Actor

PAGES = Path(__file__).parents[1] / "pages"
SECONDS = 90
KINDS = (
    "title", "subheader", "caption", "error", "warning", "info", "success", "toast", "markdown",
)  # fmt: skip


def page_of(page: str, token: str | None = None) -> AppTest:
    """A page that has not run yet, of whoever the token signs in."""
    at = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=SECONDS)
    if token:
        at.session_state["_test_token"] = token
    return at


def token_of(who: dict[str, Actor], login: str) -> str:
    """A session of this person."""
    with db.transaction(who["admin"]) as session:
        person = session.get_one(people.Person, who[login].person_id)
        return people.open_session(session, person, "web")


def keep(at: AppTest, **state: object) -> AppTest:
    """Put into the session what it holds already; ``__`` stands for a dot."""
    for key, value in state.items():
        at.session_state[key.replace("__", ".")] = value
    return at


def calm(at: AppTest) -> AppTest:
    """The page, which has not failed."""
    assert not at.exception, at.exception
    return at


def said(at: AppTest) -> str:
    """Every word that is on the page."""
    shown = [element.body for element in at.get("html")]
    shown += [one.value for kind in KINDS for one in at.get(kind)]
    return "\n".join(str(one) for one in shown).replace("\\", "")


def press(at: AppTest, key: str) -> AppTest:
    return calm(at.button(key=key).click().run())


def confirmed(at: AppTest, key: str) -> AppTest:
    """Press a button that asks once more, and say yes."""
    return press(press(at, f"{key}.ask"), f"{key}.yes")
