"""Designs of a sample: drawn once, kept, recomputed, and what is found where people went elsewhere."""

import hashlib
import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import db, policies
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.crediting import exits, plot_findings, projects, sample_designs, sample_views
from sinks.crediting.sample_designs import Kind, SampleDesign
from sinks.measurement import plots
from sinks.measurement.plots import CulmCount
from tests import world

CULMS = [CulmCount(Decimal("10.0"), 60, age_du=2)]


@pytest.fixture
def project_id(session: Session, people: dict[str, Actor]) -> int:
    """Two strata of 16 ha and 4 ha, no plots yet."""
    wide = world.enrolled(session, people, world.land(0, 0, 400, 400), name="01-001")
    narrow = world.enrolled(session, people, world.land(500, 0, 200, 200), name="01-002")
    world.contracted(session, people, [wide, narrow])
    return projects.create(
        session, people["clerk"], name="抽样项目", method_id="moso-mgmt/1",
        strata={wide: "一类", narrow: "二类"},
    ).id  # fmt: skip


def drawn(
    session: Session,
    actor: Actor,
    project_id: int,
    kind: Kind = Kind.RANDOM,
    counts: dict[str, int] | None = None,
) -> SampleDesign:
    return sample_designs.draw(
        session, actor, project_id, kind=kind, plot_area_m2=400,
        numbers=sample_designs.stated(counts or {"一类": 8, "二类": 4}),
    )  # fmt: skip


def visit(
    session: Session, actor: Actor, project_id: int, point: sample_designs.SamplePoint,
    *, north_m: float = 0.0, on: date | None = None, code: str | None = None,
) -> plots.Plot:  # fmt: skip
    """Measure a drawn plot, so many metres north of its place."""
    plot = plots.add_plot(
        session, actor, project_id=project_id, stratum=point.stratum, code=code or point.code,
        longitude=point.longitude, latitude=point.latitude + north_m / 110_850, area_m2=400,
    )  # fmt: skip
    plots.add_visit(
        session, actor, plot.id, measured_on=on or today(session), phase="on", culms=CULMS
    )
    return plot


@pytest.mark.parametrize("kind", list(Kind))
def test_a_design_is_kept_with_its_seed_and_comes_out_again(
    session: Session, people: dict[str, Actor], project_id: int, kind: Kind
) -> None:
    row = drawn(session, people["clerk"], project_id, kind)
    assert (row.number, row.drawn_on, row.person_id) == (
        1, today(session), people["clerk"].person_id,
    )  # fmt: skip
    assert row.seed == hashlib.sha256(f"{row.design_json}\n{row.nonce}".encode()).hexdigest()
    found = sample_designs.points(session, row.id)
    counts = [sum(point.stratum == name for point in found) for name in ("一类", "二类")]
    assert counts == [8, 4] if kind == Kind.RANDOM else counts[0] >= 8 and counts[1] >= 4
    assert sample_designs.redrawn(session, row.id)
    [line] = sample_views.listing(session, project_id)
    assert [one.drawn for one in line.strata] == counts
    assert line.strata[0].reach_share == pytest.approx((1 - 2 * 14.19 / 400) ** 2, abs=1e-3)
    said = "".join(sample_views.statement(line, project_code="HZ-X"))
    assert row.nonce in said and row.seed in said and "整块落在一个地块之内" in said
    assert ("格网间距" in said) == (kind == Kind.SYSTEMATIC)


def test_every_place_lies_in_a_parcel_of_its_stratum(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    row = drawn(session, people["clerk"], project_id)
    land = projects.land_by_stratum(session, project_id)
    for point in sample_designs.points(session, row.id):
        plot = visit(session, people["clerk"], project_id, point)
        inside = [s for s, outline in land if outline.covers(plots.footprint(plot))]
        assert inside == [point.stratum]


def test_a_draw_that_was_tried_says_nothing_of_the_one_that_is_kept(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    """The nonce is drawn in the moment of the draw: trying beforehand tells nobody the sample."""
    with session.begin_nested() as tried:
        first = drawn(session, people["clerk"], project_id)
        places = [point.place for point in sample_designs.points(session, first.id)]
        given = first.design_json
        tried.rollback()
    again = drawn(session, people["clerk"], project_id)
    assert again.design_json == given
    assert [point.place for point in sample_designs.points(session, again.id)] != places


def test_a_sample_is_not_drawn_again_until_it_suits(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    first = drawn(session, people["clerk"], project_id)
    with pytest.raises(Conflict) as refusal:
        drawn(session, people["clerk"], project_id, Kind.SYSTEMATIC)
    assert refusal.value.code == "draw_stands" and "不能挑选" in refusal.value.message
    visit(session, people["clerk"], project_id, sample_designs.points(session, first.id)[0])
    second = drawn(session, people["clerk"], project_id)
    assert [row.number for row in sample_designs.of_project(session, project_id)] == [1, 2]
    codes = {point.code for point in sample_designs.points(session, second.id)}
    assert not codes & {point.code for point in sample_designs.points(session, first.id)}
    assert [line.superseded for line in sample_views.listing(session, project_id)] == [False, False]


def test_plots_visited_before_any_draw_cannot_be_drawn_afterwards(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    world_place = sample_designs.SamplePoint(
        design_id=0, code="P1", stratum="一类", longitude=119.67, latitude=30.63
    )
    visit(session, people["clerk"], project_id, world_place)
    with pytest.raises(Conflict) as refusal:
        drawn(session, people["clerk"], project_id)
    assert refusal.value.code == "visited_before_draw"
    assert "不是系统抽取的样地" in refusal.value.message
    [found, _] = plot_findings.of_project(session, project_id)
    assert (found.code, found.plots) == ("not_drawn", ("P1",))


def test_fewer_plots_than_the_policy_says_and_strata_left_out_are_refused(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    world.policies_in_force(session, people, min_plots_per_stratum=4)
    for counts, code in (
        ({"一类": 8, "二类": 3}, "min_plots"),
        ({"一类": 8}, "strata"),
        ({"一类": 8, "二类": 4, "三类": 4}, "strata"),
        ({"一类": 9_000, "二类": 4}, "too_many_plots"),
    ):
        with pytest.raises(Invalid) as refusal:
            drawn(session, people["clerk"], project_id, counts=counts)
        assert refusal.value.code == code
    with pytest.raises(Conflict) as no_room:
        drawn(session, people["clerk"], project_id, counts={"一类": 8, "二类": 400})
    assert no_room.value.code == "no_room" and "二类" in no_room.value.message
    assert sample_designs.of_project(session, project_id) == []


def test_numbers_for_a_precision_follow_neyman_and_the_minimum(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    """Weights 0.8 and 0.2, s 15 and 20: spread 16 of mean 54, E 5.4; t iterates to 26 plots."""
    numbers = sample_designs.needed(
        session, project_id, mean_t_ha={"一类": 50.0, "二类": 70.0},
        sd_t_ha={"一类": 15.0, "二类": 20.0}, plot_area_m2=400, precision=0.10,
    )  # fmt: skip
    first, second = numbers.plots["一类"], numbers.plots["二类"]
    assert first / second == pytest.approx(0.8 * 15 / (0.2 * 20), rel=0.15)
    assert numbers.basis["n"] <= first + second <= numbers.basis["n"] + 2
    row = sample_designs.draw(
        session, people["officer"], project_id, kind=Kind.RANDOM, plot_area_m2=400, numbers=numbers
    )
    assert len(sample_designs.points(session, row.id)) == first + second
    [line] = sample_views.listing(session, project_id)
    assert "相对精度 10%" in sample_views.statement(line, project_code="x")[2]


def test_another_party_draws_nothing_and_nothing_drawn_is_changed(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    for name in ("verifier", "registrar"):
        with pytest.raises(NotPermitted):
            drawn(session, people[name], project_id)
    row = drawn(session, people["clerk"], project_id)
    for statement in (
        "UPDATE sample_point SET longitude = longitude + 0.001 WHERE design_id = :id",
        "DELETE FROM sample_point WHERE design_id = :id",
        "UPDATE sample_design SET nonce = 'x' WHERE id = :id",
    ):
        with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
            session.execute(text(statement), {"id": row.id})
    forged = text(
        "INSERT INTO sample_design (project_id, number, kind, design_json, nonce, seed, drawn_on,"
        " person_id) SELECT project_id, 9, kind, design_json, 'chosen', seed, drawn_on, person_id"
        " FROM sample_design WHERE id = :id"
    )
    check = "sample_design_seed_check"
    with pytest.raises(sa.exc.IntegrityError, match=check), session.begin_nested():
        session.execute(forged, {"id": row.id})


def test_a_plot_off_its_place_one_too_few_and_one_too_early_are_findings(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    world.policies_in_force(session, people, plot_position_max_m=10)
    row = drawn(session, people["clerk"], project_id)
    places = sample_designs.points(session, row.id)
    assert plot_findings.of_project(session, project_id) == []
    clerk = people["clerk"]
    visit(session, clerk, project_id, places[0], north_m=9.0)
    visit(session, clerk, project_id, places[1], north_m=12.0)
    visit(session, clerk, project_id, places[2], on=today(session) - timedelta(days=30))
    visit(session, clerk, project_id, places[3], code="自选1")
    found = {one.code: one for one in plot_findings.of_project(session, project_id)}
    assert set(found) == {
        "off_position", "before_draw", "not_drawn", "not_visited", "second_missing",
    }  # fmt: skip
    assert found["off_position"].plots == (places[1].code,)
    assert "12.0 米" in found["off_position"].message and "10 米" in found["off_position"].message
    assert found["before_draw"].plots == (places[2].code,)
    assert found["not_drawn"].plots == ("自选1",)
    assert len(found["not_visited"].plots) == 9


def test_the_distance_asked_for_is_the_one_in_force(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    row = drawn(session, people["clerk"], project_id)
    point = sample_designs.points(session, row.id)[0]
    visit(session, people["clerk"], project_id, point, north_m=12.0)
    [off] = [
        one for one in plot_findings.of_project(session, project_id) if one.code == "off_position"
    ]
    assert "政策建议值（尚未生效）" in off.message
    world.policies_in_force(session, people, plot_position_max_m=15)
    assert policies.find(session, "plot_position_max_m") is not None
    codes = [one.code for one in plot_findings.of_project(session, project_id)]
    assert "off_position" not in codes


def test_when_the_land_has_changed_a_sample_nobody_visited_is_followed_by_another(
    session: Session, people: dict[str, Actor]
) -> None:
    ids = [world.enrolled(session, people, world.land(500 * n, 0, 400, 400)) for n in range(2)]
    first, _ = (world.contracted(session, people, [one]) for one in ids)
    project_id = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata=dict.fromkeys(ids, "A")
    ).id
    drawn(session, people["clerk"], project_id, counts={"A": 6})
    session.execute(
        text("UPDATE contract SET term_to = current_date WHERE id = :id"), {"id": first}
    )
    session.expire_all()
    exits.leave(session, people["clerk"], project_id, ids[0], reason="收储合同期满未续")
    again = drawn(session, people["clerk"], project_id, counts={"A": 6})
    assert [one["parcel_id"] for one in again.design["land"]] == ids[1:]
    before, now = sample_views.listing(session, project_id)
    assert before.superseded and not now.superseded
    # The first is kept whole, and comes out again from the land as it was.
    assert sample_designs.redrawn(session, before.id) and len(before.points) == 6
    visit(session, people["clerk"], project_id, sample_designs.points(session, again.id)[0])
    [missing] = [
        one for one in plot_findings.of_project(session, project_id) if one.code == "not_visited"
    ]
    assert missing.message.startswith("第 2 次抽样") and len(missing.plots) == 5


def test_of_two_draws_at_once_one_waits_and_is_then_refused(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["registrar"]) as session:
        parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
        world.contracted(session, people, [parcel_id])
        project_id = projects.create(
            session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
        ).id
    refused: list[str] = []

    def second() -> None:
        try:
            with db.transaction(people["clerk2"]) as other:
                drawn(other, people["clerk2"], project_id, counts={"A": 6})
        except Conflict as refusal:
            refused.append(refusal.code)

    with db.transaction(people["clerk"]) as session:
        drawn(session, people["clerk"], project_id, counts={"A": 6})
        thread = threading.Thread(target=second)
        thread.start()
        world.wait_until_blocked(engine)
    thread.join()
    assert refused == ["draw_stands"]
