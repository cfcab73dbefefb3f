"""The public pages: what anybody reads of a story that has households, people and a court in it."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative import balance
from sinks.core import db, documents
from sinks.core.actor import Actor
from sinks.core.people import Party
from sinks.crediting import certificates, ledger, objections, projects, serials
from sinks.crediting.certificates import CertificateKind
from sinks.crediting.ledger import AccountKind, BlockState
from sinks.land import claims, parcels, rights
from sinks.restoration import cases
from sinks.restoration.cases import CourtCase
from sinks.web.answers import CONTENT_POLICY
from tests import world
from tests.web.conftest import Site

DEFENDANT = "欧阳不漏"
PAGES = ("/public", "/public/check", "/public/projects", "/public/notices")


@dataclass(frozen=True)
class Told:
    """What the story left behind. The round issued more than 20,000 kg; 3,000 kg are retired."""

    project_id: int
    noticed_id: int
    draft_id: int
    holding: str
    retirement: str
    amount_kg: int
    last_day: date


def household(session: Session) -> int:
    """The party id of the household, as somebody who is signed in sees it."""
    return session.scalars(select(Party.id).where(Party.name == world.HOUSEHOLD)).one()


def a_project(session: Session, people: dict[str, Actor], x_m: float, name: str) -> int:
    parcel_id = world.draft(session, people, world.land(x_m, 800, 200, 100), name="02-001")
    rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=household(session),
        kind="tree_ownership", certificate_kind="real_estate", certificate_no="浙（2023）第0099887号",
        share=Decimal(1), term_from=date(2020, 1, 1), term_to=date(2050, 1, 1),
    )  # fmt: skip
    rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=people["clerk"].party_id,
        kind="management", certificate_kind="contract", certificate_no=f"流转合同-{parcel_id}",
        term_from=date(2020, 1, 1), term_to=date(2050, 1, 1),
    )  # fmt: skip
    parcels.submit(session, people["officer"], parcel_id)
    rights.review(session, people["officer2"], parcel_id)
    claims.enrol(session, people["officer2"], parcel_id)
    row = projects.create(
        session, people["clerk"], name=name, method_id="moso-mgmt/1", strata={parcel_id: "A"}
    )
    return row.id


@pytest.fixture(scope="module")
def told(
    engine: sa.Engine, people: dict[str, Actor], tmp_path_factory: pytest.TempPathFactory
) -> Told:
    folder = tmp_path_factory.mktemp("layers")
    with db.transaction(people["registrar"]) as session:
        story, _ = world.issued_round(session, people, folder)
        [line] = balance.lines(session, people["clerk"].party_id)
        account_id = line.account_id or 0
        db.act_as(session, people["clerk"])
        paper = certificates.certify_holding(session, people["clerk"], account_id)
        retirement = _retire(session, people, account_id, 300)
        noticed_id = a_project(session, people, 0, "公示中的项目 <b>&")
        projects.publish(session, people["clerk"], noticed_id)
        noticed = session.get_one(projects.Project, noticed_id)
        db.act_as(session, people["court"])
        cases.open_case(
            session, people["court"], case_no="（2026）浙0591刑初12号", defendant=DEFENDANT,
            cause="非法占用农用地罪", damage="forest",
        )  # fmt: skip
        db.act_as(session, people["registrar"])
        # As if five working days had been in force.
        noticed.notice_ends_on = db.today(session) + timedelta(days=8)
        return Told(
            story.project_id, noticed_id, a_project(session, people, 400, "还是草稿的项目"),
            paper.number, retirement, int(paper.public["amount_kg"]),
            db.today(session) + timedelta(days=7),
        )  # fmt: skip


def _retire(session: Session, people: dict[str, Actor], account_id: int, units: int) -> str:
    db.act_as(session, people["registrar"])
    retired = ledger.account(session, AccountKind.RETIRED)
    blocks = ledger.move_units(
        session, people["registrar"], id=uuid4(), from_id=account_id, to_id=retired.id,
        units=units, from_state=BlockState.HELD, to_state=BlockState.RETIRED, reason="测试",
    )  # fmt: skip
    facts = {
        "case_no": "（2026）浙0591刑初12号", "court": "湖州南太湖新区人民法院",
        "defendant_masked": "欧*", "purpose": "替代履行生态环境损害赔偿责任",
        "legal_basis": "", "site_area_m2": 2000.0, "ordered_kg": units * 10,
        "price_fen_t": None, "retired_at": "2026-11-22 11:00", "transfer_id": "x",
    }  # fmt: skip
    return certificates.write(
        session, people["registrar"], kind=CertificateKind.RETIREMENT, blocks=blocks,
        public=facts, private={},
    ).number  # fmt: skip


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_no_page_names_a_household_a_person_or_a_right(
    site: Site, told: Told, people: dict[str, Actor]
) -> None:
    with db.transaction(people["registrar"]) as session:  # The names are there to be leaked.
        assert household(session)
        assert session.scalars(select(CourtCase.defendant)).all() == [DEFENDANT]
    numbers = (told.holding, told.retirement, serials.certificate_number(2031, 9))
    addresses = [*PAGES, f"/public/project/{told.project_id}", f"/public/project/{told.noticed_id}"]
    addresses += [f"/public/check?number={number}" for number in numbers]
    addresses += [f"/public/projects?q={world.HOUSEHOLD}"]
    for address in addresses:
        for lang in ("zh", "en"):
            joint = "&" if "?" in address else "?"
            answer = site.browser().get(f"{address}{joint}lang={lang}")
            assert answer.status_code == 200, address
            shown = answer.text.replace(f'value="{world.HOUSEHOLD}"', "")  # What was asked.
            for hidden in (world.HOUSEHOLD, DEFENDANT, "·测试", "0012345", "0099887", "POLYGON"):
                assert hidden not in shown, (address, hidden)


def test_the_list_shows_amounts_of_the_ledger_and_no_draft(site: Site, told: Told) -> None:
    shown = text_of(site.browser().get("/public/projects").text)
    with db.transaction() as session:
        rows = session.execute(
            sa.text(
                "SELECT b.state, sum((upper(b.units) - lower(b.units)) * t.unit_kg)::bigint"
                " FROM block b JOIN batch t ON t.id = b.batch_id WHERE b.live GROUP BY 1"
            )
        )
        states = {state: amount_kg for state, amount_kg in rows}
        issued_kg = session.scalar(sa.text("SELECT sum(units * unit_kg)::bigint FROM batch"))
    assert states["retired"] == 3000 and issued_kg == sum(states.values())
    assert f"{issued_kg:,} {states['buffer']:,} 3,000" in shown
    assert "还是草稿的项目" not in shown
    # Two squares of 400 m: 32 ha, 480 mu (ellipsoidal, so within a tenth of a per cent).
    area = re.search(r"([\d,.]+) 亩 ([\d,.]+) 公顷 · 2 块", shown)
    assert area and float(area[1]) == pytest.approx(480, rel=2e-3)
    assert float(area[2]) == pytest.approx(32, rel=2e-3)


def test_a_draft_project_has_no_public_page(site: Site, told: Told) -> None:
    for address in (f"/public/project/{told.draft_id}", "/public/project/999", "/public/project/x",
                    "/public/project/99999999999999999999999"):  # fmt: skip
        assert site.browser().get(address).status_code == 404


def test_a_public_address_that_leads_nowhere_says_so_in_both_languages(site: Site) -> None:
    browser = site.browser()
    for path in ("/public/nothing", "/public/project/x", "/public/project/1/2"):
        answer = browser.get(path)
        assert answer.status_code == 404 and "没有这个地址" in answer.text
    english = browser.get("/public/nothing?lang=en")
    assert english.status_code == 404
    assert "There is no such page." in english.text and "没有" not in text_of(english.text)
    assert browser.get("/public/").status_code == 200


def test_the_filter_takes_a_percent_sign_and_a_quote_as_they_are(site: Site, told: Told) -> None:
    browser = site.browser()
    assert "安吉毛竹林经营" in browser.get("/public/projects", params={"q": "毛竹"}).text
    for typed in ("%", "_", "' OR 1=1 --", "\x00"):
        shown = browser.get("/public/projects", params={"q": typed})
        assert shown.status_code == 200 and "没有符合条件的项目" in shown.text
    both = browser.get("/public/projects", params={"type": "bamboo", "county": "330523"}).text
    assert "安吉毛竹林经营" in both
    assert "安吉毛竹林经营" not in browser.get("/public/projects?type=tea").text


def test_what_somebody_typed_is_text_and_never_markup(site: Site, told: Told) -> None:
    assert "公示中的项目 &lt;b&gt;&amp;" in site.browser().get("/public/notices").text
    script = "<script>alert(1)</script>"
    for address in ("/public/check", "/public/projects"):
        answer = site.browser().get(address, params={"number": script, "q": script})
        assert answer.status_code == 200 and "<script" not in answer.text
        assert answer.headers["content-security-policy"] == CONTENT_POLICY


def test_a_notice_names_its_last_day_and_who_hears_an_objection(site: Site, told: Told) -> None:
    shown = text_of(site.browser().get("/public/notices").text)
    assert f"至 {told.last_day} （含当日）" in shown or f"至 {told.last_day}（含当日）" in shown
    assert "湖州市林业主管部门" in shown and "湖州市碳汇登记中心" in shown
    assert "湖州市审计局" not in shown
    assert "公示期已满" not in shown


def test_a_retirement_is_genuine_used_and_dated(site: Site, told: Told) -> None:
    with db.transaction() as session:
        today = db.today(session)
    shown = text_of(site.browser().get(f"/public/check?number={told.retirement}").text)
    assert (
        f"竹林，安吉县，3,000 kg CO2e。已使用并于 {today} 注销（替代履行生态环境损害赔偿责任），不可再用。"
        in shown
    )
    assert "不证明修复义务已履行" in shown and "欧*" in shown
    assert "演示数据 synthetic" in shown


def test_a_holding_says_what_the_ledger_says_now_not_what_the_paper_said(
    site: Site, told: Told
) -> None:
    shown = text_of(site.browser().get(f"/public/check?number={told.holding}").text)
    assert (
        f"{told.amount_kg:,} kg CO2e。现在其中 {told.amount_kg - 3000:,} kg 持有，3,000 kg 已于"
        in shown
    )
    assert "不能作为全部碳汇量可用的凭证" in shown
    english = text_of(site.browser().get(f"/public/check?number={told.holding}&lang=en").text)
    assert f"Now: {told.amount_kg - 3000:,} kg held; 3,000 kg retired on" in english


def test_a_number_is_read_as_people_type_and_scan_it(site: Site, told: Told) -> None:
    scanned = certificates.check_url(told.retirement)
    for typed in (scanned, f" {told.retirement.lower()} ", told.retirement.replace("-", "－")):
        answer = site.browser().get("/public/check", params={"number": typed})
        assert "证书真实" in answer.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [(serials.certificate_number(2031, 9), "登记簿中没有这份证书"), ("HZC-2026-000001-00", "校验码不符"),
     ("hello", "不是证书编号"), ("' OR 1=1 --", "不是证书编号"), ("\x00", "不是证书编号"),
     ("9" * 4000, "不是证书编号")],
)  # fmt: skip
def test_a_forged_number_gets_a_clear_refusal(
    site: Site, told: Told, typed: str, said: str
) -> None:
    answer = site.browser().get("/public/check", params={"number": typed})
    assert answer.status_code == 200
    assert "不是登记簿的证书" in answer.text and said in answer.text and "✗" in answer.text
    assert "证书真实" not in answer.text
    english = site.browser().get("/public/check", params={"number": typed, "lang": "en"}).text
    assert "Not a certificate of this registry." in english and said not in english


def test_one_changed_byte_of_the_paper_is_found(site: Site, told: Told) -> None:
    with db.transaction() as session:
        row = session.scalars(
            select(documents.Document).where(documents.Document.name == f"{told.holding}.pdf")
        ).one()
        content = documents.content_of(row)
    browser = site.browser()
    right = browser.post("/public/check", files={"file": ("a.pdf", content)})
    assert "逐字节一致" in right.text and told.holding in right.text
    changed = bytes([content[0] ^ 1]) + content[1:]
    wrong = browser.post("/public/check", files={"file": ("a.pdf", changed)})
    assert "已被改动" in wrong.text and "证书真实" not in wrong.text
    for nothing in ({"data": {"x": "1"}}, {"files": {"file": ("a.pdf", b"")}}):
        assert browser.post("/public/check", **nothing).status_code == 400
    half = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "4"}
    assert browser.post("/public/check", data=b"oops", headers=half).status_code == 400


def test_pages_bear_no_script_and_safe_headers(site: Site, told: Told) -> None:
    for address in (*PAGES, "/sign-in"):
        answer = site.browser().get(address)
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text and " style=" not in answer.text
        assert not re.findall(r'(?:src|href|action)="(?!/|#|data:)', answer.text)
    style = site.browser().get("/assets/web.css")
    assert style.status_code == 200 and "url(" not in style.text and "@import" not in style.text


def test_the_holder_is_named_only_if_it_is_an_organisation(
    site: Site, told: Told, people: dict[str, Actor], tmp_path: Path
) -> None:
    assert "安吉县两山合作社" in site.browser().get(f"/public/check?number={told.holding}").text
    with db.transaction(people["registrar"]) as session:
        account = ledger.account(session, AccountKind.HOLDING, party_id=household(session))
        [line] = [
            line for line in balance.lines(session, people["clerk"].party_id) if line.account_id
        ]
        ledger.move_units(
            session, people["registrar"], id=uuid4(), from_id=line.account_id or 0,
            to_id=account.id, units=1, from_state=BlockState.HELD, to_state=BlockState.HELD,
            reason="测试",
        )  # fmt: skip
        number = certificates.certify_holding(session, people["registrar"], account.id).number
    shown = site.browser().get(f"/public/check?number={number}").text
    assert "10 kg CO2e" in shown and world.HOUSEHOLD not in shown


def test_anybody_objects_to_a_notice_and_no_public_page_tells_who(
    site: Site, told: Told, people: dict[str, Actor]
) -> None:
    browser = site.browser()
    address = f"/public/object/project/{told.noticed_id}"
    assert f'href="{address}"' in browser.get("/public/notices").text
    fields = {
        "token": browser.token(address), "name": "赵异议", "contact": "13900001111",
        "words": "这块地去年已卖给别人，<b>请核实</b>。",
    }  # fmt: skip
    answer = browser.post(address, data=fields)
    assert answer.status_code == 200 and "异议已收到" in answer.text
    short = browser.post(address, data=fields | {"words": "不行"})
    assert short.status_code == 400 and "请写明异议的理由" in short.text
    foreign = browser.post(address, data=fields, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 400 and "不是从登记簿的页面提交的" in foreign.text
    assert browser.get(f"/public/object/project/{told.draft_id}").status_code == 404
    assert browser.get("/public/object/parcel/1").status_code == 404
    for page in (*PAGES, address):
        assert "赵异议" not in browser.get(page).text
    with db.transaction(people["registrar"]) as session:
        [(row, who)] = objections.listing(session)
        assert row.text == fields["words"] and who is not None and who.name == "赵异议"
