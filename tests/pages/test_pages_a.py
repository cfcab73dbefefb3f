"""The screens of land, imports, layers, contracts and what waits, run against the database."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from streamlit import runtime
from streamlit.testing.v1 import AppTest

from pages import _kit, _session
from sinks.core import db, people
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.land import claims, parcel_list, parcel_outlines, parcels, rights
from sinks.restoration import cases
from sinks.web import todo, typed
from tests import pages_help, world
from tests.measurement.test_layers import write as write_raster
from tests.pages_help import calm, confirmed, press, said


@pytest.fixture(scope="module")
def tokens(engine: sa.Engine, who: dict[str, Actor]) -> dict[str, str]:
    return {name: pages_help.token_of(who, name) for name in who}


@pytest.fixture
def screen(tokens: dict[str, str]) -> Iterator[object]:
    """Open a page as a person, with what the session holds already."""

    def opened(page: str, login: str | None, **state: object) -> AppTest:
        at = pages_help.page_of(page, tokens[login] if login else None)
        return calm(pages_help.keep(at, **state).run())

    yield opened


def test_nobody_sees_a_page_without_signing_in(screen) -> None:
    at = screen("parcels", None)
    assert "请先登录" in said(at) and "/sign-in" in said(at)
    assert not at.selectbox and not at.button


def test_a_session_that_was_closed_elsewhere_ends_here_at_the_next_click(
    screen, who: dict[str, Actor]
) -> None:
    at = screen("todo", "officer2")
    assert at.title[0].value == "我的待办"
    with db.transaction(who["officer2"]) as session:
        person = session.get_one(people.Person, who["officer2"].person_id)
        token = people.open_session(session, person, "web")
    at.session_state["_test_token"] = token
    calm(at.run())
    assert at.title[0].value == "我的待办"
    with db.transaction(who["officer2"]) as session:
        session.get_one(people.LoginSession, people._token_hash(token)).ended_at = db.now(session)
    calm(at.run())
    assert "您的登录已结束" in said(at)
    assert at.title[0].value != "我的待办"


def test_a_server_reads_the_cookie_and_never_the_token_of_a_test(monkeypatch) -> None:
    # What a serving process holds, instead of the stand-in that AppTest puts in its place.
    served = object.__new__(runtime.Runtime)
    monkeypatch.setattr(runtime.Runtime, "_instance", served)
    monkeypatch.setattr(_session.st, "session_state", {"_test_token": "a token of a test"})
    assert _session._token() is None


def test_a_page_says_whose_it_is_to_everybody_else(screen) -> None:
    at = screen("imports", "court")
    assert "这一页由林业员使用" in said(at)
    assert not at.get("file_uploader")


def test_a_typed_outline_becomes_a_draft_with_its_area_in_mu(screen, who) -> None:
    ring = world.land(3000, 3000, 100, 100).geoms[0].exterior.coords
    at = press(screen("parcels", "officer"), "parcels.type")
    at.text_area(key="sketch.corners").set_value("\n".join(f"{x:.7f}，{y:.7f}" for x, y in ring))
    calm(at.run())
    assert "<b>15.00</b>" in said(at)  # One hectare, on the ellipsoid.
    at.text_input(key="sketch.name").set_value("横山坞 02-003")
    at.text_input(key="sketch.township").set_value("灵峰街道")
    calm(at.number_input(key="sketch.declared").set_value(15.5).run())
    assert "图上面积比申报 -3.2%" in said(at)
    press(at, "sketch.save")
    assert "已保存为草稿" in said(at)
    with db.transaction(who["officer"]) as session:
        found = parcel_list.rows(session, search="横山坞")
    assert [(row.status, row.township) for row in found] == [("draft", "灵峰街道")]
    assert found[0].area_m2 == pytest.approx(10_000, abs=5)
    assert found[0].declared_area_m2 == pytest.approx(15.5 * 10_000 / 15)


def test_corners_in_the_wrong_order_are_refused_in_words(screen) -> None:
    at = press(screen("parcels", "officer"), "parcels.type")
    at.text_area(key="sketch.corners").set_value("30.63, 119.68\n30.64, 119.68\n30.64, 119.69")
    calm(at.run())
    assert "没有办成" in said(at) and "经度和纬度写反了" in said(at)
    assert at.button(key="sketch.save").disabled


def test_an_outline_is_offered_again_to_whoever_comes_back_to_the_page(screen) -> None:
    at = press(screen("parcels", "officer"), "parcels.draw")
    outline = json.loads(json.dumps(world.land(5000, 0, 60, 60).__geo_interface__))
    sketch = at.session_state["sketch"]
    sketch.drawn = outline
    # Another page drops the fields of this one and keeps what the session holds.
    again = screen("parcels", "officer", sketch=sketch)
    assert "上次勾绘的轮廓还在" in said(again)
    assert again.session_state["sketch"].start == outline
    assert not again.button(key="sketch.save").disabled


def test_a_parcel_goes_from_draft_to_the_register_by_two_officers(screen, who) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = parcel_outlines.create(
            session, who["officer"], boundary=world.land(0, 3000, 200, 200), sink_type="bamboo",
            name="02-001", source_name="勾绘",
        ).id  # fmt: skip
    at = screen("parcels", "officer", parcels__choice=parcel_id)
    key = f"right.{parcel_id}"
    at.selectbox(key=f"{key}.party").set_value(0)
    calm(at.run())
    at.text_input(key=f"{key}.name").set_value("张*竹")
    at.text_input(key=f"{key}.number").set_value("123")
    calm(at.text_input(key=f"{key}.share").set_value("1/3").run())
    assert "编号与这种证书常见的写法不同" in said(at)
    press(at, f"{key}.add")
    with db.transaction(who["officer"]) as session:
        ((right, party),) = rights.of_parcel(session, parcel_id)
        assert (party.name, party.kind, right.share) == (
            "张*竹",
            "household",
            Decimal("0.33333333"),
        )
    press(at, f"submit.{parcel_id}")
    assert "须由另一位林业员审查" in said(at)

    second = screen("parcels", "officer2", parcels__choice=parcel_id)
    confirmed(second, f"review.{parcel_id}")
    confirmed(second, f"enrol.{parcel_id}")
    assert "已入库" in said(second)
    with db.transaction(who["officer"]) as session:
        assert parcel_list.rows(session, ids=[parcel_id])[0].status == "enrolled"


def test_land_that_is_taken_is_refused_with_the_parcel_in_the_way(screen, who) -> None:
    with db.transaction(who["officer2"]) as session:
        first = world.enrolled(session, who, world.land(0, 3600, 200, 200), name="02-010")
        second = world.reviewed(session, who, world.land(150, 3600, 200, 200), name="02-011")
        code = parcel_list.rows(session, ids=[first])[0].code
    at = confirmed(screen("parcels", "officer2", parcels__choice=second), f"enrol.{second}")
    assert "没有办成" in said(at) and f"与已入库的 {code}" in said(at)
    with db.transaction(who["officer2"]) as session:
        assert parcel_list.rows(session, ids=[second])[0].status == "rights_reviewed"


def test_a_verifier_reads_the_name_of_a_household_and_the_authority_a_masked_one(
    screen, who
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = parcel_outlines.create(
            session, who["officer"], boundary=world.land(0, 4200, 100, 100), sink_type="bamboo",
            name="02-020", source_name="勾绘",
        ).id  # fmt: skip
        household = session.scalars(
            sa.select(people.Party.id).where(people.Party.name == world.HOUSEHOLD)
        ).one()
        rights.add(
            session, who["officer"], parcel_id=parcel_id, party_id=household, kind="tree_use",
            certificate_kind="contract", certificate_no="合同-1",
        )  # fmt: skip
    assert world.HOUSEHOLD in said(screen("parcels", "verifier", parcels__choice=parcel_id))
    shown = said(screen("parcels", "authority", parcels__choice=parcel_id))
    assert world.HOUSEHOLD not in shown and f"{world.HOUSEHOLD[0]}*" in shown


def test_withdrawing_needs_a_reason(screen, who) -> None:
    with db.transaction(who["officer2"]) as session:
        parcel_id = world.enrolled(session, who, world.land(600, 3600, 100, 100), name="02-030")
    at = confirmed(screen("parcels", "officer", parcels__choice=parcel_id), f"withdraw.{parcel_id}")
    assert "请写明原因" in said(at)
    at.text_input(key=f"leave.why.{parcel_id}").set_value("征收")
    confirmed(at, f"withdraw.{parcel_id}")
    with db.transaction(who["officer"]) as session:
        assert parcel_list.rows(session, ids=[parcel_id])[0].status == "withdrawn"
        assert session.get_one(claims.LandClaim, parcel_id).ends_on is not None


def geojson(*rows: tuple[str, object]) -> bytes:
    features = [
        {"type": "Feature", "properties": {"小班号": name}, "geometry": geometry}
        for name, geometry in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def square(x_m: float, y_m: float) -> object:
    return world.land(x_m, y_m, 120, 120).geoms[0].__geo_interface__


def test_a_file_is_checked_first_and_then_imported_once(screen, who) -> None:
    ring = list(world.land(2000, 5000, 100, 100).geoms[0].exterior.coords)
    crossed = {"type": "Polygon", "coordinates": [[ring[0], ring[2], ring[1], ring[3], ring[0]]]}
    content = geojson(("03-001", square(0, 5000)), ("03-002", square(200, 5000)), ("坏的", crossed))
    at = screen("imports", "officer")
    at.get("file_uploader")[0].set_value(("下街村小班.geojson", content, "application/geo+json"))
    press(calm(at.run()), "imports.read")
    assert "<b>2</b>" in said(at) and "<b>1</b>" in said(at) and "自相交" in said(at)
    assert "03-001、03-002、坏的" in said(at)
    with db.transaction(who["officer"]) as session:
        assert parcel_list.rows(session, search="03-00") == []
        village = world.village_id(session)
    press(at, "imports.commit")
    assert "请选择权利人" in said(at)  # Nobody is the holder of land by default.
    calm(at.selectbox(key="imports.owner.party").set_value(village).run())
    press(at, "imports.commit")
    assert "已导入 2 块地" in said(at) and "块草稿待报送" in said(at)
    with db.transaction(who["officer"]) as session:
        found = parcel_list.rows(session, search="03-00")
        assert [row.name for row in found] == ["03-001", "03-002"]
        waits = {item.kind: item.count for item in todo.waiting(session, who["officer"])}
    assert waits["import_mend"] == 1
    again = screen("imports", "officer")
    again.get("file_uploader")[0].set_value(("改名.geojson", content, "application/geo+json"))
    press(calm(again.run()), "imports.read")
    assert "不会重复导入" in said(again)
    with pytest.raises(KeyError):
        again.button(key="imports.commit")


def test_areas_on_paper_that_were_not_compared_are_told_and_then_compared(screen) -> None:
    rows = json.loads(geojson(("07-001", square(0, 9000))))
    rows["features"][0]["properties"]["面积"] = "30"  # 亩 or what? 120 m x 120 m are 21.6 of them.
    at = screen("imports", "officer")
    content = json.dumps(rows).encode()
    at.get("file_uploader")[0].set_value(("面积.geojson", content, "application/geo+json"))
    press(calm(at.run()), "imports.read")
    assert "申报面积没有核对" in said(at) and "疑问：逐类答复" not in said(at)
    [chosen] = [box for box in at.selectbox if box.label == "申报面积"]
    calm(chosen.set_value("面积").run())
    [source] = [box for box in at.text_input if box.label == "来源" and box.key.endswith(".source")]
    calm(source.set_value("某乡").run())
    press(at, "imports.map.save")
    assert "申报面积没有核对" not in said(at)
    assert "申报面积与图上相差超过 5%" in said(at)


def test_a_file_that_is_no_land_is_refused_in_words(screen) -> None:
    at = screen("imports", "officer")
    at.get("file_uploader")[0].set_value(("表.xlsx", b"PK\x05\x06" + bytes(18), "application/zip"))
    press(calm(at.run()), "imports.read")
    assert "没有办成" in said(at)
    with pytest.raises(KeyError):
        at.button(key="imports.commit")


def test_a_layer_is_added_with_its_unit_and_its_licence(screen, who, tmp_path: Path) -> None:
    at = screen("layers", "officer")
    content = world.biomass(tmp_path / "agb.tif", 55.0, seed=3).read_bytes()
    at.get("file_uploader")[0].set_value(("agb.tif", content, "image/tiff"))
    at.text_input(key="layers.name.0").set_value("竹林生物量 2024")
    at.date_input(key="layers.epoch.0").set_value("2024-12-01")
    at.text_input(key="layers.source.0").set_value("省林业调查院")
    calm(at.run())
    press(at, "layers.add")
    assert "没有办成" in said(at) and "许可" in said(at)
    at.text_input(key="layers.licence.0").set_value("内部使用")
    calm(at.run())
    press(at, "layers.add")
    assert "已登记" in said(at)
    assert "竹林生物量 2024" in said(at) and "Mg/ha" in said(at) and "EPSG:4549" in said(at)


def test_a_layer_of_classes_is_added_with_its_legend_and_looked_at(
    screen, who, tmp_path: Path
) -> None:
    at = screen("layers", "officer")
    calm(at.selectbox(key="layers.variable").set_value("land_cover").run())
    codes = write_raster(tmp_path / "cover.tif", np.full((20, 20), 2, "uint8"))
    at.get("file_uploader")[0].set_value(("cover.tif", codes.read_bytes(), "image/tiff"))
    at.text_input(key="layers.name.0").set_value("覆被 2020")
    at.date_input(key="layers.epoch.0").set_value("2020-07-01")
    at.text_input(key="layers.source.0").set_value("省林业调查院")
    at.text_input(key="layers.licence.0").set_value("内部使用")
    calm(at.text_area(key="layers.legend.0").set_value("1,竹林,bamboo").run())
    press(at, "layers.add")
    assert "图例没有的代码：2" in said(at)
    calm(at.text_area(key="layers.legend.0").set_value("1,竹林,bamboo\n2,茶园,tea").run())
    press(at, "layers.add")
    assert "已登记" in said(at) and "覆被 2020" in said(at)
    names = at.selectbox(key="layers.choice").options
    [place] = [number for number, name in enumerate(names) if name.startswith("覆被 2020")]
    calm(at.selectbox(key="layers.choice").select_index(place).run())
    assert "分辨率" in said(at) and "省林业调查院" in said(at)


def test_a_contract_is_drafted_by_one_clerk_and_signed_by_another(screen, who) -> None:
    with db.transaction(who["officer2"]) as session:
        parcel_id = world.enrolled(session, who, world.land(0, 6000, 400, 400), name="04-001")
        village = world.village_id(session)
    at = screen("contracts", "clerk")
    calm(at.selectbox(key="contracts.party").set_value(village).run())
    at.multiselect(key=f"contracts.parcels.{village}").set_value([parcel_id])
    at.text_input(key="contracts.number.0").set_value("AJ-2026-001")
    at.date_input(key="contracts.from.0").set_value("2026-01-01")
    at.date_input(key="contracts.to.0").set_value("2046-01-01")
    at.text_input(key="contracts.fee.0").set_value("12.505")
    at.text_input(key="contracts.share.0").set_value("70%")
    at.text_input(key="contracts.estimate.0").set_value("1,200.5")
    at.text_area(key="contracts.exit.0").set_value("提前六个月书面通知。")
    calm(at.run())
    press(at, "contracts.draft")
    assert "太细" in said(at)  # Half a fen is no money.
    at.text_input(key="contracts.fee.0").set_value("12.50")
    calm(at.run())
    press(at, "contracts.draft")
    assert "您是起草人" in said(at)
    assert "1,200.5" in said(at) and "sinks-hatched" in said(at)
    with db.transaction(who["clerk"]) as session:
        row = session.scalars(
            sa.select(todo.Contract).where(todo.Contract.number == "AJ-2026-001")
        ).one()
        assert (row.fee_fen_mu_year, row.net_share, row.estimate_kg) == (
            1250, Decimal("0.7"), 1_200_500,
        )  # fmt: skip
        contract_id = row.id
    second = screen("contracts", "clerk2", contracts__choice=contract_id)
    confirmed(second, f"contract.sign.{contract_id}")
    assert "合同 AJ-2026-001 已签订" in said(second)
    with db.transaction(who["clerk"]) as session:
        assert parcel_list.rows(session, ids=[parcel_id])[0].status == "under_contract"


def test_what_waits_is_told_to_those_who_may_do_it(screen, who) -> None:
    with db.transaction(who["officer"]) as session:
        before = {
            name: {item.kind: item.count for item in todo.waiting(session, who[name])}
            for name in ("officer", "officer2")
        }
        parcel_id = world.draft(session, who, world.land(3000, 0, 100, 100), name="05-001")
        parcels.submit(session, who["officer"], parcel_id)
        after = {
            name: {item.kind: item.count for item in todo.waiting(session, who[name])}
            for name in ("officer", "officer2")
        }
    # The officer who drew it does not review it.
    assert after["officer"].get("rights_review") == before["officer"].get("rights_review")
    assert after["officer2"]["rights_review"] == before["officer2"].get("rights_review", 0) + 1
    with db.transaction(who["officer2"]) as session:
        ids = todo.parcel_ids(session, who["officer2"], "rights_review")
    assert parcel_id in ids and len(ids) == after["officer2"]["rights_review"]
    at = screen("todo", "officer2")
    assert f"<b>{after['officer2']['rights_review']}</b>" in said(at) and "待审权属材料" in said(at)


def test_everybody_sees_their_frame_and_what_waits_for_them(screen, who, tmp_path: Path) -> None:
    with db.transaction(who["officer2"]) as session:
        world.policies_in_force(session, who)
        world.recorded_round(session, who, tmp_path)
    with db.transaction(who["court"]) as session:
        cases.open_case(
            session, who["court"], case_no="（2026）浙0591刑初12号", defendant="李某",
            cause="非法占用农用地罪", damage="forest",
        )  # fmt: skip
    found = {}
    for name in who:
        with db.transaction(who[name]) as session:
            waits = todo.waiting(session, who[name])
        at = screen("_router", name)
        found[name] = {item.kind for item in waits}
        assert at.title[0].value == "我的待办"
        assert who[name].party_name in said(at) and "演示数据" in said(at)
        assert [button.key for button in at.button] == [f"go-{item.kind}" for item in waits]
    assert "round_issue" in found["registrar"] and "case_court" in found["court"]
    assert found["auditor"] == set()


def test_what_stands_beside_a_chip_is_escaped_and_a_reason_may_wrap() -> None:
    cell = _kit.beside(_kit.chip("存疑", "#b3261e"), "<b>王</b>")
    assert "<span" in cell and "&lt;b&gt;王" in cell
    shown = _kit.table_html([{"why": "很长的原因"}], [_kit.Column("why", "原因", wraps=True)])
    assert '<td class="w" data-title="原因">很长的原因</td>' in shown


@given(st.integers(1, 999), st.integers(1, 999))
def test_equal_shares_never_exceed_the_whole(part: int, parts: int) -> None:
    if part > parts:
        with pytest.raises(Invalid):
            typed.share(f"{part}/{parts}")
        return
    one = typed.share(f"{part}/{parts}")
    assert one * parts / part <= 1
    assert abs(one - Decimal(part) / parts) < Decimal("0.00000001")


@given(st.integers(0, 10**12))
def test_every_fen_and_every_kilogram_that_is_typed_is_kept(amount: int) -> None:
    assert typed.fen(f"{amount // 100}.{amount % 100:02d}") == amount
    assert typed.kilograms(f"{amount // 1000:,}.{amount % 1000:03d}") == amount


@pytest.mark.parametrize("text", ["12.345", "1e3", "-1", "NaN", "", "12,50.1.1", "∞"])
def test_money_that_is_not_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        typed.fen(text)


@given(
    st.lists(
        st.tuples(st.integers(119_000_000, 121_000_000), st.integers(30_000_000, 31_000_000)),
        min_size=3, max_size=8, unique=True,
    )
)  # fmt: skip
def test_a_typed_outline_keeps_every_corner_and_closes(corners: list[tuple[int, int]]) -> None:
    lines = [f"{x // 10**6}.{x % 10**6:06d}, {y // 10**6}.{y % 10**6:06d}" for x, y in corners]
    (ring,) = typed.outline("\n".join(lines))["coordinates"]
    assert ring[0] == ring[-1]
    assert ring[:-1] == [[x / 10**6, y / 10**6] for x, y in corners]
    assert typed.outline("\n".join([*lines, lines[0]]))["coordinates"] == [ring]


def test_an_empty_line_begins_another_part() -> None:
    part = "119.1,30.1\n119.2,30.1\n119.2,30.2"
    assert typed.outline(part)["type"] == "Polygon"
    assert len(typed.outline(f"{part}\n\n\n{part}")["coordinates"]) == 2


@pytest.mark.parametrize(
    "text", ["", "119.1,30.1\n119.2,30.1", "119.1 30.1 5\n1,1\n2,2", "a,b", "500000,3390000\n" * 3]
)
def test_what_is_no_outline_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        typed.outline(text)
