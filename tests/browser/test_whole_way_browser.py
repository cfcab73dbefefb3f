"""The main job on real screens: from an outline drawn with the mouse to a court's certificate.

One registry, one story, one test a stage; a stage that fails lets the later ones be skipped. What
the screens say is held against what the core reads from the database, and at the end nobody outside
may have been asked anything, by a browser or by the program.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from shapely import MultiPolygon

from pages import _words
from sinks.cooperative import contracts
from sinks.core import db, people
from sinks.core.actor import Role
from sinks.core.cluster import Cluster
from sinks.land import parcels
from sinks.measurement import layers
from tests import browser_help as screen
from tests import world
from tests.browser_steps import (
    Program,
    Registry,
    Visitor,
    chromium,
    data_folder,
    places,
    printed_password,
    sign_in,
    up,
    visit,
)

pytestmark = pytest.mark.browser

REGISTRY = "湖州市碳汇登记机构"
# Who is added on the screen; everybody else of `world.PEOPLE` through the core.
ON_SCREEN = {
    "admin2": ("第二管理员", REGISTRY, "管理员", Role.ADMIN),
    "registrar": ("登记员甲", REGISTRY, "登记机构", Role.REGISTRAR),
}
CERTIFICATE_NO = "浙（2023）安吉县不动产权第0012345号"
# Two people decide these on the screen; (title, label of the field, what is typed, value).
POLICIES_ON_SCREEN = (
    ("登记单位", "值（kg CO2e）", "10", 10),
    ("竹林经营缓冲池比例", "值（份额 0–1）", "0.1", 0.1),
)
POLICIES = {
    "deduction.moso-mgmt": "ar_tool14", "bgb_change_mode.moso-mgmt": "proportional",
    "allocation.moso-mgmt": "area", "baseline.moso-mgmt": "steady_state",
    "min_plots_per_stratum": 3, "gwp_set": "ar6", "notice_days.project": 0, "notice_days.round": 0,
    "valid_share_min": 0.8,
}  # fmt: skip
# [Mg/ha]: where the stand begins and what it gains in the two years between the layers.
AGB_T_HA, CHANGE_T_HA = 55.0, 8.0
EPOCHS = (date(2023, 1, 1), date(2025, 1, 1))
PLOTS = 16
DECIDED_KG = 30_000
PRICE_FEN_T = 7341
DUTY = "补植毛竹三年，由林业主管部门验收"
DEFENDANT = "李大山"


@dataclass
class Way:
    """The story so far: the program, the people at their browsers, and what has come about."""

    program: Program
    registry: Registry
    browser: Browser
    public: Visitor
    passwords: dict[str, str]
    folder: Path
    visitors: dict[str, Visitor] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    ids: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def at(self, login: str) -> Visitor:
        """This person at the screen; signs in the first time."""
        if login not in self.visitors:
            self.visitors[login] = visit(self.browser, self.program)
            sign_in(self.visitors[login], login, self.passwords[login])
        return self.visitors[login]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def way(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """An empty registry, started as `make run DEMO=0` starts it."""
    with data_folder() as folder:
        program = up(folder)
        registry = Registry(db.connect(Cluster(folder).app_url))
        try:
            yield Way(
                program, registry, browser, visit(browser, program),
                {"admin": printed_password(program, "admin")}, tmp_path_factory.mktemp("way"),
            )  # fmt: skip
        finally:
            registry.engine.dispose()
            program.stop()


def stage(*, after: str | None = None) -> Callable[[Callable[[Way], None]], Callable[[Way], None]]:
    """A stage of the story; skipped when the one before it did not come to its end."""

    def wrap(test: Callable[[Way], None]) -> Callable[[Way], None]:
        @wraps(test)
        def told(way: Way) -> None:
            if after is not None and after not in way.done:
                pytest.skip(f"the stage before did not end: {after}")
            test(way)
            way.done.add(test.__name__)

        return told

    return wrap


@stage()
def test_administrators_bring_in_the_people_and_a_deciding_role_takes_two(way: Way) -> None:
    admin = way.at("admin")
    admin.go("/settings")
    for login, (name, party, role_zh, _) in ON_SCREEN.items():
        form = admin.unfold("添加人员")
        admin.type("登录名", login, within=form)
        admin.type("姓名", name, within=form)
        admin.choose("单位", party)
        admin.press("添加人员")
        admin.told(f"已添加 {name}")
        way.passwords[login] = admin.page.get_by_test_id("stCode").inner_text().strip()
        admin.press("已抄下")
        admin.choose("人员", name)
        admin.choose("角色", role_zh)
        admin.press("授予")
        admin.settle()
    with way.registry.as_("registrar") as (_, registrar):
        assert registrar.roles == frozenset()  # Granted by one; it waits for another.
    second = way.at("admin2")
    second.go("/settings")
    second.decide("批准授权", saying="登记员甲")
    second.told("已批准：登记员甲 登记机构")
    with way.registry.as_("registrar") as (_, registrar):
        assert registrar.roles == {Role.REGISTRAR}
    bring_in_the_others(way)


def bring_in_the_others(way: Way) -> None:
    """Everybody else, through the functions that the page calls."""
    with way.registry.as_("admin") as (session, admin):
        party_ids = {row.name: row.id for row in people.parties(session)}
        for kind, name, _ in world.PEOPLE.values():
            if name not in party_ids and kind != "registry":
                party_ids[name] = people.add_party(session, admin, kind=kind, name=name).id
        grants = []
        for login, (kind, party, role) in world.PEOPLE.items():
            if login == "admin" or login in ON_SCREEN:
                continue
            person = people.add_person(
                session, admin, login=login, name=f"{login}·测试",
                party_id=party_ids[REGISTRY if kind == "registry" else party],
                password=world.PASSWORD,
            )  # fmt: skip
            grants.append(people.grant(session, admin, person.id, role))
            way.passwords[login] = world.PASSWORD
        waiting = [row.id for row in grants if not row.in_force]
    with way.registry.as_("admin2") as (session, admin2):
        for grant_id in waiting:
            people.approve_grant(session, admin2, grant_id)


@stage(after="test_administrators_bring_in_the_people_and_a_deciding_role_takes_two")
def test_land_is_imported_and_drawn_with_the_mouse(way: Way) -> None:
    officer = way.at("officer")
    officer.go("/imports")
    officer.hand_in("小班或图斑文件", two_parcels(way.folder / "下街村小班.geojson"))
    officer.choose("权利人（所有行）", "新的权利人")
    officer.choose("类别", "村集体")
    officer.type("名称或姓名", world.VILLAGE)
    officer.press("导入 2 行为草稿")
    officer.told("已导入 2 块地")
    officer.go("/parcels")
    officer.press("勾绘新地块")
    corners = corners_of(world.land(560, 0, 300, 320))
    screen.draw_polygon(officer.page, places(officer.page, corners))
    shown_mu = officer.page.locator(".sinks-metric b").inner_text()
    officer.type("名称（小班号或小地名）", "02-007")
    officer.type("乡镇（街道）", "天荒坪镇")
    officer.press("保存为草稿")
    officer.told("已保存为草稿")
    with way.registry.as_("officer") as (session, _):
        rows = {row.name: row for row in parcels.listing(session)}
        assert set(rows) == {"01-001", "01-002", "02-007"}
        for name, row in rows.items():
            way.ids[name], way.codes[name] = row.id, row.code
        drawn = rows["02-007"]
    assert shown_mu == _words.mu(drawn.area_m2)
    # A pixel is two metres here; 300 m x 320 m are 9.6 ha.
    assert drawn.area_m2 == pytest.approx(96_000, rel=0.03)
    officer.type("证书或合同编号", CERTIFICATE_NO)
    officer.press("录入权属")
    officer.told("权属已录入")
    for name in ("02-007", "01-001", "01-002"):
        officer.go(f"/parcels?id={way.ids[name]}")
        officer.press("报送审查")
        officer.told(f"{way.codes[name]} 已报送")
    # Who drew it is not offered to review it.
    expect(officer.page.get_by_text("须由另一位林业员审查")).to_be_visible()
    expect(officer.button("审查通过")).to_have_count(0)


def two_parcels(path: Path) -> Path:
    """A file of two parcels, the second of which lies over the first by 100 m x 100 m."""
    outlines = {"01-001": world.land(0, 0, 400, 400), "01-002": world.land(300, 300, 200, 200)}
    rows = [
        {
            "type": "Feature",
            "properties": {"小班号": name, "乡镇": "天荒坪镇", "权证号": CERTIFICATE_NO},
            "geometry": outline.__geo_interface__,
        }
        for name, outline in outlines.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}, ensure_ascii=False))
    return path


def corners_of(outline: MultiPolygon) -> list[tuple[float, float]]:
    return [(x, y) for x, y in outline.geoms[0].exterior.coords[:-1]]


@stage(after="test_land_is_imported_and_drawn_with_the_mouse")
def test_another_officer_reviews_and_enrols_and_land_in_the_way_is_named(way: Way) -> None:
    officer2 = way.at("officer2")
    for name in ("01-001", "02-007", "01-002"):
        officer2.go(f"/parcels?id={way.ids[name]}")
        officer2.decide("审查通过", saying=CERTIFICATE_NO)
        officer2.told("权属材料已审")
        assert officer2.state() == "权属材料已审"
        officer2.decide("入库", saying=way.codes[name])
        if name != "01-002":
            officer2.told(f"{way.codes[name]} 已入库")
            assert officer2.state() == "已入库"
    said = officer2.refused(way.codes["01-001"])
    shared_m2 = float(re.search(r"([\d,]+\.\d) 平方米", said)[1].replace(",", ""))
    assert shared_m2 == pytest.approx(10_000, rel=0.001)
    with way.registry.as_("officer2") as (session, _):
        states = {row.name: row.status for row in parcels.listing(session)}
    assert states == {"01-001": "enrolled", "02-007": "enrolled", "01-002": "rights_reviewed"}


@stage(after="test_another_officer_reviews_and_enrols_and_land_in_the_way_is_named")
def test_a_contract_takes_two_clerks(way: Way) -> None:
    clerk = way.at("clerk")
    clerk.go("/contracts")
    clerk.type("合同编号", "收储-2026-01")
    clerk.day("期限自", date(2023, 1, 1))
    clerk.day("期限至（不含）", date(2043, 1, 1))
    clerk.type("价格（元/亩·年）", "16.93")
    clerk.type("对方分净收益的份额", "80%")
    clerk.type("预估量（吨 CO₂e，整个期限，未核证）", "40")
    clerk.type("退出条款", "任何一方提前一年书面通知可以退出。")
    clerk.press("起草合同")
    clerk.told("已起草")
    expect(clerk.page.get_by_text("您是起草人")).to_be_visible()
    clerk2 = way.at("clerk2")
    clerk2.go("/contracts")
    clerk2.choose("查看合同", "收储-2026-01")
    clerk2.decide("登记签订", saying="2 块")
    clerk2.told("已签订")
    assert clerk2.state() == "已签"
    with way.registry.as_("clerk") as (session, actor):
        [(contract, party)] = contracts.listing(session, party_id=actor.party_id)
        assert (contract.status, party.name) == ("signed", world.VILLAGE)
        assert (contract.fee_fen_mu_year, contract.estimate_kg) == (1693, 40_000)
        members = {one.parcel_id for one in contracts.members(session, contract.id)}
        way.ids["contract"] = contract.id
    assert members == {way.ids["01-001"], way.ids["02-007"]}


@stage(after="test_a_contract_takes_two_clerks")
def test_a_layer_that_does_not_say_where_it_lies_is_refused_until_it_is_told(way: Way) -> None:
    officer = way.at("officer")
    officer.go("/layers")
    for number, epoch in enumerate(EPOCHS):
        crs = None if number == 0 else "EPSG:4549"
        value = AGB_T_HA + number * CHANGE_T_HA
        files = [
            world.biomass(way.folder / f"agb{number}.tif", value, seed=number, crs=crs),
            world.biomass(way.folder / f"se{number}.tif", 9.0, seed=9 + number, noise=0.5, crs=crs),
        ]
        officer.unfold("登记新的图层")
        officer.hand_in("地上生物量", files[0])
        officer.hand_in("标准误图层", files[1])
        officer.type("名称", f"地上生物量 {epoch.year}")
        officer.day("代表日期", epoch)
        officer.choose("大小年", "大年")
        officer.type("来源（谁、用什么做的）", "测试合成")
        officer.type("使用许可", "CC0")
        officer.press("检查并登记")
        if crs is None:
            officer.refused("坐标系")
            officer.type("坐标系（文件没有写明时才填）", "EPSG:4549")
            officer.press("检查并登记")
        officer.told(f"图层“地上生物量 {epoch.year}”已登记")
    shown = {row["名称"]: row for row in officer.rows("误差图层")}
    assert "另行给出" in shown["地上生物量 2023"]["坐标系"]
    assert "另行给出" not in shown["地上生物量 2025"]["坐标系"]
    with way.registry.as_("officer") as (session, _):
        found = {row.epoch: row for row in layers.listing(session, variable="agb")}
        assert set(found) == set(EPOCHS)
        assert all(row.stderr_layer_id for row in found.values())
