"""Signing in and out over HTTP: the cookie, the form's guard, what is refused."""

import pytest
import requests

from sinks.core import db
from sinks.core import people as book
from sinks.core.actor import Actor
from sinks.core.people import LOGIN_TRIES_MAX
from sinks.web.session import COOKIE, local_path
from tests import world
from tests.web.conftest import Browser, Site


def cookie_line(answer: requests.Response, name: str) -> str:
    lines = answer.raw.headers.getlist("set-cookie")
    [line] = [line for line in lines if line.startswith(f"{name}=")]
    return line.lower()


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/sign-out").status_code == 200


def test_the_right_password_opens_a_session_and_leads_home(site: Site) -> None:
    browser = site.browser()
    answer = browser.sign_in("registrar")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    line = cookie_line(answer, COOKIE)
    assert "httponly" in line and "samesite=lax" in line and "path=/" in line
    assert "secure" not in line and "max-age" not in line
    assert is_signed_in(browser)


def test_the_session_cookie_is_secure_where_people_come_by_https(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.browser()
    token = browser.token("/sign-in")
    monkeypatch.setenv("SINKS_PUBLIC_URL", "https://sinks.example.cn")
    fields = {"token": token, "login": "registrar", "password": world.PASSWORD}
    answer = browser.post("/sign-in", data=fields, headers={"Origin": "https://sinks.example.cn"})
    assert answer.status_code == 303
    assert "secure" in cookie_line(answer, COOKIE)


@pytest.mark.parametrize(
    ("login", "password"),
    [("registrar", "not this one at all"), ("nobody", world.PASSWORD), ("x' or '1'='1", "a" * 12),
     ("regi\x00strar", "a" * 12), ("registrar", "a" * 5000), ("", "")],
)  # fmt: skip
def test_a_wrong_sign_in_says_the_same_whatever_was_wrong(
    site: Site, login: str, password: str
) -> None:
    browser = site.browser()
    answer = browser.sign_in(login, password)
    assert answer.status_code == 403
    assert "登录名或密码不对。" in answer.text and world.PASSWORD not in answer.text
    assert COOKIE not in answer.cookies and not is_signed_in(browser)


def test_too_many_failures_lock_the_right_password_out_for_a_while(site: Site) -> None:
    for _ in range(LOGIN_TRIES_MAX):
        assert site.browser().sign_in("verifier", "wrong password").status_code == 403
    browser = site.browser()
    answer = browser.sign_in("verifier")
    assert answer.status_code == 429 and "失败次数过多" in answer.text
    assert not is_signed_in(browser)
    assert is_signed_in(site.browser("registrar2"))  # Nobody else is locked out.


def test_the_session_is_read_anew_with_every_request(site: Site) -> None:
    browser = site.browser("auditor")
    assert is_signed_in(browser) and is_signed_in(browser)
    browser.cookies.set(COOKIE, "a" * 43)
    assert not is_signed_in(browser)


def test_signing_out_ends_the_session_in_every_browser(site: Site) -> None:
    here, there = site.browser("court"), site.browser("court")
    stolen = here.cookies[COOKIE]
    answer = here.sign_out()
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "max-age=0" in cookie_line(answer, COOKIE)
    assert not is_signed_in(there)
    here.cookies.set(COOKIE, stolen)
    assert not is_signed_in(here)


def test_a_link_alone_signs_nobody_out(site: Site) -> None:
    browser = site.browser("court")
    assert "退出登录" in browser.get("/sign-out").text
    assert is_signed_in(browser)


def test_a_session_that_was_planted_beforehand_is_never_taken_over(site: Site) -> None:
    browser = site.browser()
    browser.cookies.set(COOKIE, "planted")
    browser.sign_in("appraiser")
    tokens = {cookie.value for cookie in browser.cookies if cookie.name == COOKIE}
    with db.transaction() as session:
        assert book.actor_of_token(session, "planted") is None
        [opened] = [book.actor_of_token(session, token) for token in tokens - {"planted"}]
        assert opened is not None
    first = site.browser("appraiser").cookies[COOKIE]
    assert first != site.browser("appraiser").cookies[COOKIE]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"},
     {"Origin": "", "Referer": "https://evil.example/sign-in"}],
)  # fmt: skip
def test_a_form_from_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    browser = site.browser()
    answer = browser.sign_in("registrar", **headers)
    assert answer.status_code == 403 and "不是从登记簿的页面提交的" in answer.text
    assert not is_signed_in(browser)
    inside = site.browser("registrar")
    token = inside.token("/sign-out")
    refused = inside.post("/sign-out", data={"token": token}, headers=headers)
    assert refused.status_code == 403 and is_signed_in(inside)


@pytest.mark.parametrize("token", ["", "a" * 32])
def test_a_form_without_its_own_token_is_refused(site: Site, token: str) -> None:
    browser = site.browser()
    browser.token("/sign-in")
    fields = {"token": token, "login": "registrar", "password": world.PASSWORD}
    assert browser.post("/sign-in", data=fields).status_code == 403
    assert site.browser().post("/sign-in", data=fields).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [("/projects?id=3", "/projects?id=3"), ("", "/"), ("https://evil.example/", "/"),
     ("//evil.example", "/"), ("/\\evil.example", "/"), ("/\t/evil.example", "/"),
     ("javascript:alert(1)", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("evil.example", "/"),
     ("/sign-out", "/"), ("/sign-in?next=/sign-in", "/")],
)  # fmt: skip
def test_one_is_led_on_within_the_house_only(site: Site, wanted: str, led_to: str) -> None:
    assert local_path(wanted) == led_to
    answer = site.browser().sign_in("clerk2", next_path=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, led_to)
    assert "x" not in answer.cookies


def test_whoever_is_signed_in_is_led_past_the_form(site: Site) -> None:
    answer = site.browser("clerk").get("/sign-in?next=/projects")
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")


def test_a_form_larger_than_a_form_is_not_read(site: Site) -> None:
    browser = site.browser()
    token = browser.token("/sign-in")
    answer = browser.post("/sign-in", data={"token": token, "password": "a" * 40_000})
    assert answer.status_code == 413 and "未作处理" in answer.text
    endless = browser.post("/sign-in", data=iter([b"token=", b"a" * 100]))
    assert endless.status_code == 413


def test_the_form_speaks_english_and_the_screens_hear_of_it(site: Site) -> None:
    browser = site.browser()
    answer = browser.get("/sign-in?lang=en")
    assert '<html lang="en">' in answer.text and browser.cookies["lang"] == "en"
    assert "Wrong login or password." in browser.sign_in("nobody").text


def replaced(browser: Browser, login: str, old: str, new: str, again: str) -> requests.Response:
    fields = {"token": browser.token("/password"), "login": login, "old": old, "new": new,
              "again": again, "next": "/ledger"}  # fmt: skip
    return browser.post("/password", data=fields)


def test_a_one_time_password_leads_to_ones_own_and_to_no_session_before(
    site: Site, people: dict[str, Actor]
) -> None:
    with db.transaction(people["admin"]) as session:
        book.add_person(
            session, people["admin"], login="newcomer", name="新人",
            party_id=people["clerk"].party_id, password="given by the office",
        )  # fmt: skip
    browser = site.browser()
    answer = browser.sign_in("newcomer", "given by the office")
    assert answer.status_code == 200 and "一次性密码" in answer.text
    assert COOKIE not in browser.cookies and not is_signed_in(browser)
    wrong = replaced(browser, "newcomer", "given by the office", "my own words", "other words")
    assert wrong.status_code == 400 and "两次输入的新密码不同" in wrong.text
    same = replaced(browser, "newcomer", *["given by the office"] * 3)
    assert same.status_code == 400 and "不能与原密码相同" in same.text
    done = replaced(browser, "newcomer", "given by the office", "my own words", "my own words")
    assert (done.status_code, done.headers["location"]) == (303, "/ledger")
    assert is_signed_in(browser)
    assert site.browser().sign_in("newcomer", "given by the office").status_code == 403


def test_changing_ones_password_keeps_this_browser_and_ends_the_others(site: Site) -> None:
    here, there = site.browser("officer2"), site.browser("officer2")
    assert 'value="officer2"' in here.get("/password").text
    done = replaced(here, "officer2", world.PASSWORD, "brand new words", "brand new words")
    assert done.status_code == 303
    assert is_signed_in(here) and not is_signed_in(there)
    guess = replaced(site.browser(), "officer2", "wrong words", "x" * 12, "x" * 12)
    assert guess.status_code == 403 and "登录名或密码不对" in guess.text
    endless = replaced(site.browser(), "officer2", "brand new words", "x" * 300, "x" * 300)
    assert endless.status_code == 400


def test_a_password_form_from_another_site_is_refused(site: Site) -> None:
    browser = site.browser("auditor")
    fields = {"token": browser.token("/password"), "login": "auditor", "old": world.PASSWORD,
              "new": "stolen words", "again": "stolen words"}  # fmt: skip
    answer = browser.post("/password", data=fields, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert site.browser("auditor")
