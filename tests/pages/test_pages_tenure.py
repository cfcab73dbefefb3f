"""The screens of tenure: constraint layers, what runs out, shapes of the county, the card's new parts."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from pages import _parcel_shapes
from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import (
    attributes,
    base_shapes,
    constraint_layers,
    parcel_list,
    parcel_outlines,
    rights,
)
from tests import pages_help, world
from tests.pages_help import calm, said


@pytest.fixture(scope="module")
def county(who: dict[str, Actor], tmp_path_factory: pytest.TempPathFactory) -> int:
    """A map of nine compartments and one of farmland; the id of the first."""
    ids = []
    for kind, count in (("compartment", 9), ("basic_farmland", 1)):
        path = tmp_path_factory.mktemp("county") / f"{kind}.geojson"
        features = [
            {
                "type": "Feature",
                "properties": {"XIAO_BAN": f"{n:04d}", "LQ_QLR": world.HOUSEHOLD},
                "geometry": json.loads(
                    shapely.to_geojson(world.land(6000 + 200 * n, 6000, 200, 200))
                ),
            }
            for n in range(count)
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        with db.transaction(who["officer"]) as session:
            ids.append(
                constraint_layers.add(
                    session, who["officer"], path, kind=kind, name=f"安吉{kind}", source="县局",
                    as_of=date(2025, 12, 31), licence="内部", district_codes=["330523"],
                ).id
            )  # fmt: skip
    return ids[0]


def opened(who: dict[str, Actor], page: str, login: str, **state: Any) -> AppTest:
    at = pages_help.page_of(page, pages_help.token_of(who, login))
    return calm(pages_help.keep(at, **state).run())


def test_the_matrix_says_not_imported_and_never_nought(who: dict[str, Actor], county: int) -> None:
    at = opened(who, "constraints", "officer")
    text = said(at)
    assert text.count("未导入") >= 7 * 5 - 2 and text.count("2025-12-31") >= 2
    assert "LQ_QLR" in text and world.HOUSEHOLD not in text
    assert at.get("file_uploader")
    assert not opened(who, "constraints", "verifier").get("file_uploader")
    assert "这一页由" in said(opened(who, "constraints", "court"))


def test_a_shape_found_by_its_number_becomes_a_draft(who: dict[str, Actor], county: int) -> None:
    at = opened(who, "parcels", "officer", pick=_parcel_shapes.Pick())
    assert "点图上的一个小班" in said(at)
    calm(at.text_input(key="pick.search").set_value("0004").run())
    assert at.selectbox(key="pick.found.0004").options == ["0004"]
    with db.transaction(who["officer"]) as session:
        [(shape_id, _)] = base_shapes.search(session, county, "0004")
    at = opened(
        who, "parcels", "officer", pick=_parcel_shapes.Pick(layer_id=county, shape_id=shape_id)
    )
    assert "60.00 亩" in said(at)
    calm(at.button(key="pick.take").click().run())
    assert "已建为草稿" in said(at)
    with db.transaction(who["officer"]) as session:
        [row] = parcel_list.rows(session, search="0004")
    at = opened(who, "parcels", "officer", parcels__choice=row.id)
    text = said(at)
    assert "取自县图" in text and f"/parcel-map/{row.id}.pdf" in text
    assert "不能入库" in text or "未导入，未核查" in text


def test_a_line_across_a_shape_offers_its_two_parts_with_their_areas(
    who: dict[str, Actor], county: int
) -> None:
    with db.transaction(who["officer"]) as session:
        [(shape_id, _)] = base_shapes.search(session, county, "0007")
    line = [
        list(world.TO_4490.transform(world.EAST_M + 7450, world.NORTH_M + y)) for y in (5900, 6300)
    ]
    pick = _parcel_shapes.Pick(layer_id=county, shape_id=shape_id, splitting=True, line=line)
    at = opened(who, "parcels", "officer", pick=pick)
    assert "15.00 亩" in said(at) and "45.00 亩" in said(at)
    calm(at.button(key="pick.take.both").click().run())
    with db.transaction(who["officer"]) as session:
        names = {row.name for row in parcel_list.rows(session, search="0007")}
    assert names == {"0007（西部）", "0007（东部）"}


def test_a_line_that_splits_nothing_is_refused_in_words(who: dict[str, Actor], county: int) -> None:
    with db.transaction(who["officer"]) as session:
        [(shape_id, _)] = base_shapes.search(session, county, "0008")
    pick = _parcel_shapes.Pick(
        layer_id=county, shape_id=shape_id, splitting=True, line=[[119.0, 30.0], [119.1, 30.0]]
    )
    at = opened(who, "parcels", "officer", pick=pick)
    assert "分割线要从图形外画起" in said(at)
    assert "pick.take.both" not in {button.key for button in at.button}


def test_an_attribute_is_accepted_on_the_card_by_the_other_officer_only(
    who: dict[str, Actor], county: int
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = world.draft(session, who, world.land(0, 9000, 200, 200), sink_type="wetland")
        row_id = attributes.record(
            session, who["officer"], parcel_id=parcel_id, kind="land_class",
            value={"code": "1106"}, valid_from=date(2025, 1, 1), document_name="三调.pdf",
            document=b"x",
        ).id  # fmt: skip
    mine = opened(who, "parcels", "officer", parcels__choice=parcel_id)
    assert f"attribute.accept.{row_id}" not in {button.key for button in mine.button}
    theirs = opened(who, "parcels", "officer2", parcels__choice=parcel_id)
    calm(theirs.button(key=f"attribute.accept.{row_id}").click().run())
    with db.transaction(who["officer"]) as session:
        assert attributes.present(session, parcel_id)


def test_collective_land_asks_for_its_consent_on_the_card(
    who: dict[str, Actor], county: int
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel = parcel_outlines.create(
            session, who["officer"], boundary=world.land(900, 9000, 200, 200), sink_type="bamboo",
            name="统管山", source_name="勾绘",
        )  # fmt: skip
        rights.add(
            session, who["officer"], parcel_id=parcel.id, party_id=world.village_id(session),
            kind="land_ownership", certificate_kind="real_estate",
            certificate_no="浙（2023）安吉县不动产权第0012345号",
            unit_no="330521001002JA00012W00000000",
        )  # fmt: skip
        parcel_id = parcel.id
    at = opened(who, "parcels", "officer", parcels__choice=parcel_id)
    assert "森林法第十八条" in said(at) and "330521" in said(at)
    assert at.button(key=f"consent.{parcel_id}.add").disabled


def test_what_runs_out_is_listed_and_names_are_masked_for_who_need_not_read_them(
    who: dict[str, Actor], county: int
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = world.draft(session, who, world.land(0, 12_000, 200, 200))
        household_id = session.execute(
            sa.text("SELECT id FROM party WHERE name = :name"), {"name": world.HOUSEHOLD}
        ).scalar_one()
        rights.add(
            session, who["officer"], parcel_id=parcel_id, party_id=household_id,
            kind="management", certificate_kind="contract", certificate_no="流转-到期",
            term_from=date(2000, 1, 1), term_to=db.today(session) + timedelta(days=20),
        )  # fmt: skip
    officer = said(opened(who, "expiring", "officer"))
    assert "流转-到期" in officer and world.HOUSEHOLD in officer and "还有 20 天" in officer
    authority = said(opened(who, "expiring", "authority"))
    assert "流转-到期" in authority and world.HOUSEHOLD not in authority and "王*" in authority
