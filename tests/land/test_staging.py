"""A file in the staging room: seen, answered for, mended, and only then land; all of it or nothing."""

import io
import json
import threading
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import openpyxl
import pytest
import shapely
import sqlalchemy as sa
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from sinks.core import audit, db
from sinks.core.actor import Actor
from sinks.core.audit import AuditEvent
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.land import (
    bulk,
    column_mappings,
    import_decisions,
    import_reading,
    import_views,
    imports,
    marks,
    parcels,
    staging,
)
from sinks.land.bulk import Step
from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel, ParcelVersion
from sinks.land.rights import ParcelRight
from sinks.land.staging import ImportBatch, ImportRow, Options, RowState, State
from tests import world
from tests.land.test_claims import _wait_for_a_waiter

CERTIFICATE = "浙（2024）安吉县不动产权第0001234号"


def feature(outline: Any, **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": json.loads(shapely.to_geojson(outline)),
    }


def collection(*features: dict[str, Any]) -> bytes:
    return json.dumps(
        {"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False
    ).encode()


def squares(count: int, x_m: float = 0.0, **properties: object) -> bytes:
    """Parcels of one hectare side by side, 12 m apart."""
    return collection(
        *(
            feature(
                world.land(x_m + 112 * (n % 10), 112 * (n // 10), 100, 100),
                小班=f"{n:05d}", 权证号=CERTIFICATE, **properties,
            )
            for n in range(count)
        )
    )  # fmt: skip


def staged(
    session: Session, people: dict[str, Actor], content: bytes, name: str = "小班.geojson"
) -> ImportBatch:
    return import_reading.stage(
        session, people["officer"], file_name=name, content=content, options=Options("bamboo")
    )


def committed(session: Session, people: dict[str, Actor], content: bytes) -> imports.LandImport:
    batch = staged(session, people, content)
    if codes := list(batch.counts["questions"]):
        import_decisions.answer(
            session, people["officer"], batch.id, codes, take=True, reason="试验"
        )
    return imports.commit(
        session, people["officer"], batch.id, owner_id=world.village_id(session)
    )  # fmt: skip


def crossed(x_m: float, by_m: float) -> dict[str, Any]:
    """An outline of one hectare whose last corner crosses its first side by a little."""
    west, south = world.EAST_M + x_m, world.NORTH_M
    ring = [
        (west, south), (west + 100, south), (west + 100, south + 100), (west, south + 100),
        (west + by_m, south - by_m), (west - by_m, south - by_m), (west, south),
    ]  # fmt: skip
    moved = [world.TO_4490.transform(x, y) for x, y in ring]
    return {
        "type": "Feature",
        "properties": {"小班": "坏的"},
        "geometry": {"type": "Polygon", "coordinates": [[list(point) for point in moved]]},
    }


def test_rows_wait_with_their_questions_until_each_kind_is_answered(
    session: Session, people: dict[str, Actor]
) -> None:
    world.draft(session, people, world.land(60, 0, 100, 100), name="旧地块")
    small = feature(world.land(400, 0, 20, 20), 小班="00007", 亩数="0.6")
    batch = staged(
        session, people, collection(feature(world.land(0, 0, 100, 100), 小班="1"), small)
    )
    assert batch.counts["rows"] == {"all": 2, "questioned": 2, "open": 2}
    assert set(batch.counts["questions"]) == {"overlap", "small"}
    officer, owner = people["officer"], world.village_id(session)
    with pytest.raises(Conflict, match="还有 2 行"):
        imports.commit(session, officer, batch.id, owner_id=owner)
    with pytest.raises(Invalid, match="依据"):
        import_decisions.answer(session, officer, batch.id, ["small"], take=False, reason=" ")
    import_decisions.answer(session, officer, batch.id, ["small"], take=False, reason="不足一亩")
    import_decisions.answer(session, officer, batch.id, ["overlap"], take=True, reason="旧图偏移")
    row = imports.commit(session, officer, batch.id, owner_id=owner)
    assert (row.rows, row.accepted, row.questioned) == (2, 1, 1)
    assert [(one["row"], one["code"]) for one in row.refused] == [(1, "left_out")]
    [parcel_id] = imports.parcel_ids(session, row.id)
    assert [mark.code for mark in marks.open_marks(session, parcel_id)] == ["overlap"]
    event = audit.history(session, f"import:{row.id}")[0]
    assert event.detail["answers"]["small"]["reason"] == "不足一亩"


def test_a_commit_writes_what_one_parcel_at_a_time_would_have_written(
    session: Session, people: dict[str, Actor]
) -> None:
    """Versions, rights, marks and audit rows against `parcel_outlines.create` and `rights.add`."""
    world.draft(session, people, world.land(50, 0, 100, 100), name="旧地块")
    one_by_one = world.draft(
        session, people, world.land(0, 0, 100, 100), name="00000", declared_area_m2=8_000.0
    )
    parcels.step(session, people["officer"], one_by_one, parcels.Status.WITHDRAWN)
    row = committed(
        session, people,
        collection(feature(world.land(0, 0, 100, 100), 小班="00000", 亩数="12", 权证号=CERTIFICATE)),
    )  # fmt: skip
    [together] = imports.parcel_ids(session, row.id)
    mine, theirs = (parcels.present_version(session, one) for one in (together, one_by_one))
    assert mine.geometry_sha256 == theirs.geometry_sha256
    assert mine.area_m2 == pytest.approx(theirs.area_m2, rel=1e-12)
    assert mine.declared_area_m2 == pytest.approx(theirs.declared_area_m2)
    marked = [
        {(mark.code, mark.message) for mark in marks.open_marks(session, one)}
        for one in (together, one_by_one)
    ]
    assert marked[0] == marked[1] and {code for code, _ in marked[0]} == {
        "overlap",
        "declared_area",
    }
    columns = (ParcelRight.kind, ParcelRight.share, ParcelRight.certificate_kind)
    held = [
        session.execute(select(*columns).where(ParcelRight.parcel_id == one)).one()
        for one in (together, one_by_one)
    ]
    assert held[0] == held[1]
    actions = [event.action for event in audit.history(session, f"parcel:{together}")]
    assert actions == ["parcel.create", "right.add"]


def test_the_term_in_the_file_is_the_term_of_the_right(
    session: Session, people: dict[str, Actor]
) -> None:
    row = committed(session, people, squares(2, 期限起="2020.1.1", 期限止="2049年12月31日"))
    ids = imports.parcel_ids(session, row.id)
    terms = session.execute(
        select(ParcelRight.term_from, ParcelRight.term_to).where(ParcelRight.parcel_id.in_(ids))
    ).all()
    assert terms == [(date(2020, 1, 1), date(2049, 12, 31))] * 2
    assert bulk.portion(session, people["officer"], ids, Step.SUBMIT) == []
    assert bulk.portion(session, people["officer2"], ids, Step.REVIEW) == []
    assert {session.get_one(Parcel, one).status for one in ids} == {"rights_reviewed"}


def test_a_term_that_ends_before_it_begins_is_asked_about_and_not_written_down(
    session: Session, people: dict[str, Actor]
) -> None:
    batch = staged(session, people, squares(1, 期限起="2030-01-01", 期限止="2020-01-01"))
    [found] = session.scalars(select(ImportRow).where(ImportRow.batch_id == batch.id))
    assert [said["code"] for said in found.messages] == ["term_order"]
    assert found.term_from is None and found.term_to is None and found.taken is None


def test_each_parcel_of_an_import_has_its_own_audit_rows(
    session: Session, people: dict[str, Actor]
) -> None:
    row = committed(session, people, squares(30))
    ids = imports.parcel_ids(session, row.id)
    counted = session.execute(
        select(AuditEvent.action, func.count())
        .where(AuditEvent.subject.in_([f"parcel:{one}" for one in ids]))
        .group_by(AuditEvent.action)
    )
    assert {action: n for action, n in counted} == {"parcel.create": 30, "right.add": 30}
    assert len({session.get_one(Parcel, one).code for one in ids}) == 30


def test_a_row_that_breaks_undoes_the_whole_commit(
    session: Session, people: dict[str, Actor]
) -> None:
    batch = staged(session, people, squares(20))
    # A row that the database will not have as a parcel: its outline crosses itself.
    session.execute(
        text(
            "UPDATE import_row SET boundary = ST_GeomFromText("
            "'MULTIPOLYGON(((119.6 30.6,119.61 30.61,119.61 30.6,119.6 30.61,119.6 30.6)))', 4490)"
            " WHERE batch_id = :id AND row_no = 13"
        ),
        {"id": batch.id},
    )
    before = session.scalar(select(func.count()).select_from(Parcel))
    with pytest.raises(sa.exc.IntegrityError, match="boundary_valid"), session.begin_nested():
        imports.commit(session, people["officer"], batch.id, owner_id=world.village_id(session))
    assert session.scalar(select(func.count()).select_from(Parcel)) == before
    assert staging.get(session, batch.id).state == State.STAGED


def test_what_was_committed_or_discarded_is_not_changed(
    session: Session, people: dict[str, Actor]
) -> None:
    row = committed(session, people, squares(2))
    batch = session.scalars(select(ImportBatch).where(ImportBatch.import_id == row.id)).one()
    for change in (
        "UPDATE import_row SET name = 'x' WHERE batch_id = :id",
        "DELETE FROM import_row WHERE batch_id = :id",
        "UPDATE import_batch SET file_name = 'x' WHERE id = :id",
    ):
        with pytest.raises(sa.exc.IntegrityError, match="not changed"), session.begin_nested():
            session.execute(text(change), {"id": batch.id})
    other = staged(session, people, squares(3))
    staging.discard(session, people["officer"], other.id, "交错了文件")
    assert session.scalar(select(func.count()).where(ImportRow.batch_id == other.id)) == 0
    assert staging.get(session, other.id).counts["rows"]["all"] == 3
    with pytest.raises(Conflict, match="已放弃"):
        imports.commit(session, people["officer"], other.id, owner_id=world.village_id(session))


def test_the_rows_of_a_strangers_file_are_not_for_the_public(
    session: Session, people: dict[str, Actor]
) -> None:
    batch = staged(session, people, squares(1, 权利人=world.HOUSEHOLD))
    for actor in (None, people["clerk"], people["court"], people["verifier"]):
        db.act_as(session, actor)
        session.expire_all()
        assert session.scalar(select(func.count()).where(ImportRow.batch_id == batch.id)) == 0
        assert import_views.tile(session, batch.id, 0, 0, 0) == "[]"
    with pytest.raises(NotPermitted):
        imports.commit(session, people["clerk"], batch.id, owner_id=1)


def test_a_repair_is_offered_with_both_areas_and_both_hashes_and_taken_by_a_person(
    session: Session, people: dict[str, Actor]
) -> None:
    batch = staged(session, people, collection(feature(world.land(400, 0, 100, 100), 小班="1"),
                                               crossed(0, 0.05)))  # fmt: skip
    [offered] = import_views.repairs(session, batch.id)
    assert offered.row == 1 and offered.state == RowState.REFUSED and offered.repair
    assert offered.repair["sha256_before"] != offered.repair["sha256_after"]
    assert offered.repair["area_m2_after"] == pytest.approx(10_000, rel=0.001)
    officer = people["officer"]
    with pytest.raises(Conflict, match="没有可以接受的修复"):
        import_decisions.accept_repair(session, officer, batch.id, 0, reason="x")
    record = import_decisions.accept_repair(session, officer, batch.id, 1, reason="手抖")
    row = imports.commit(session, officer, batch.id, owner_id=world.village_id(session))
    assert (row.accepted, row.refused) == (2, [])
    mended = imports.parcel_ids(session, row.id)[1]
    assert parcels.present_version(session, mended).geometry_sha256 == record["sha256_after"]
    created = audit.history(session, f"parcel:{mended}")[0]
    assert created.detail["repair"]["before"] == offered.repair["sha256_before"]
    assert created.detail["repair"]["area_m2_after"] == offered.repair["area_m2_after"]


def test_a_crossing_that_moves_the_area_is_refused_and_nothing_is_offered(
    session: Session, people: dict[str, Actor]
) -> None:
    batch = staged(session, people, collection(crossed(0, 30.0)))
    assert batch.counts["rows"] == {"all": 1, "refused": 1, "left": 1}
    assert import_views.repairs(session, batch.id) == []


def zipped_gbk(folder: Path, *, cpg: bool) -> bytes:
    frame = geopandas.GeoDataFrame(
        {"林班号": ["0007"], "小班名称": ["横山坞"]},
        geometry=[world.land(0, 0, 100, 100)],
        crs=4490,
    )
    frame.to_file(folder / "land.shp", encoding="GBK")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(folder.glob("land.*")):
            if part.suffix != ".cpg" or cpg:
                archive.write(part, part.name)
    return packed.getvalue()


def test_names_are_previewed_with_the_encoding_that_was_chosen(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    content = zipped_gbk(tmp_path, cpg=False)
    options = Options("bamboo", encoding="Big5", mapping={})
    batch = import_reading.stage(
        session, people["officer"], file_name="land.zip", content=content, options=options
    )
    wrong = batch.reading["first"][0]
    assert "横山坞" not in wrong.values()
    staging.reread(session, people["officer"], batch.id, Options("bamboo", encoding="GBK"))
    import_reading.fill(
        session, people["officer"], batch.id, import_reading.examine(session, batch.id)
    )
    [row] = import_views.first_rows(session, batch.id)
    assert row.name == "横山坞" and batch.reading["encoding"].upper().startswith("GB")
    assert row.attributes["林班号"] == "0007"  # A code is text: its noughts stay.


def test_the_meaning_of_columns_is_kept_for_the_next_file_of_the_source(
    session: Session, people: dict[str, Actor]
) -> None:
    officer = people["officer"]
    odd = feature(world.land(0, 0, 100, 100), 甲="0012", 乙="１５．０", 丙="无")
    first = staged(session, people, collection(odd))
    assert import_views.first_rows(session, first.id)[0].name == "小班.geojson 第 1 行"
    mapping = {"name": "甲", "declared_area": "乙:mu"}
    with pytest.raises(Invalid, match="没有字段"):
        column_mappings.save(
            session, officer, source="某公司", fields=["甲", "乙", "丙"], mapping={"name": "丁"}
        )
    column_mappings.save(
        session, officer, source="某公司", fields=["丙", "乙", "甲"], mapping=mapping
    )
    again = feature(world.land(400, 0, 100, 100), 甲="0013", 乙="15", 丙="有")
    second = staged(session, people, collection(again))
    assert second.mapping == mapping
    [row] = import_views.first_rows(session, second.id)
    assert row.name == "0013"
    assert row.declared_area_m2 == pytest.approx(10_000)


def test_the_workbook_of_errors_holds_the_rows_with_what_is_wrong(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"]) as session:
        batch_id = staged(
            session, people,
            collection(feature(world.land(0, 9000, 100, 100), 小班="=1+1"), crossed(300, 30.0)),
        ).id  # fmt: skip
        listed = import_views.problems_csv(session, batch_id).decode("utf-8-sig")
    book = openpyxl.load_workbook(
        io.BytesIO(import_reading.error_workbook(people["officer"], batch_id))
    )
    cells = [cell for line in book.worksheets[0].iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any("自相交" in str(cell.value) for cell in cells)
    assert "自相交" in listed and "不能导入" in listed


def test_land_that_two_rows_share_is_marked_in_the_workbook_by_the_number_people_count(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"]) as session:
        batch_id = staged(
            session, people,
            collection(
                feature(world.land(0, 9500, 100, 100), 小班="1"),
                feature(world.land(50, 9500, 100, 100), 小班="2"),
            ),
        ).id  # fmt: skip
    content = import_reading.error_workbook(people["officer"], batch_id)
    lines = list(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values)
    assert [line[:2] for line in lines[1:]] == [("1", "存疑"), ("2", "存疑")]
    assert "与本文件第 2 行重叠" in str(lines[1][2])
    assert "与本文件第 1 行重叠" in str(lines[2][2])


def test_a_tile_shows_every_row_with_its_state(session: Session, people: dict[str, Actor]) -> None:
    content = collection(
        feature(world.land(0, 0, 100, 100), 小班="好"), feature(world.land(300, 0, 20, 20), 小班="小"),
        crossed(600, 30.0),
    )  # fmt: skip
    batch = staged(session, people, content)
    overview = json.loads(import_views.tile(session, batch.id, 0, 0, 0))
    assert sorted((kind, row) for kind, row, _ in overview) == [(0, 0), (1, 1), (2, 2)]
    assert all(isinstance(place[0], int) for _, _, place in overview)  # Too small for a shape.
    longitude, latitude = world.TO_4490.transform(world.EAST_M + 50, world.NORTH_M + 50)
    found = import_views.row_at(session, batch.id, longitude, latitude)
    assert found is not None and found.name == "好"


@pytest.fixture
def imported(engine: sa.Engine, people: dict[str, Actor]) -> int:
    """An import of forty parcels, the last of which lies over the first."""
    outlines = [world.land(112 * (n % 10), 20_000 + 112 * (n // 10), 100, 100) for n in range(39)]
    outlines.append(world.land(50, 20_000, 50, 50))
    content = collection(
        *(feature(one, 小班=f"{n:03d}", 权证号=CERTIFICATE) for n, one in enumerate(outlines))
    )
    with db.transaction(people["officer"]) as session:
        return committed(session, people, content).id


def test_all_parcels_of_an_import_go_their_way_and_the_refused_are_named(
    engine: sa.Engine, people: dict[str, Actor], imported: int
) -> None:
    officer, second = people["officer"], people["officer2"]
    assert bulk.take(officer, imported, Step.SUBMIT).taken == 40
    mine = bulk.take(officer, imported, Step.REVIEW)
    assert mine.taken == 0 and {one.code for one in mine.refused} == {"two_people"}
    assert bulk.take(second, imported, Step.REVIEW).taken == 40
    outcome = bulk.take(second, imported, Step.ENROL)
    assert (outcome.taken, [one.code for one in outcome.refused]) == (39, ["land_taken"])
    with db.transaction(second) as session:
        ids = imports.parcel_ids(session, imported)
        first = session.get_one(Parcel, ids[0])
        assert first.code in outcome.refused[0].message
        assert bulk.waiting(session, imported) == {Step.SUBMIT: 0, Step.REVIEW: 0, Step.ENROL: 1}
        actions = [event.action for event in audit.history(session, f"parcel:{ids[5]}")]
    assert actions[2:] == ["parcel.submitted", "parcel.rights_reviewed", "parcel.enrolled"]
    again = bulk.take(second, imported, Step.ENROL)
    assert (again.taken, again.elsewhere) == (0, 39)


def test_of_two_who_commit_one_file_at_once_the_second_finds_the_first(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    content = squares(12, x_m=30_000)
    batches = {}
    for login in ("officer", "officer2"):
        with db.transaction(people[login]) as session:
            batches[login] = import_reading.stage(
                session, people[login], file_name="同一文件.geojson", content=content,
                options=Options("bamboo"),
            ).id  # fmt: skip
    with db.transaction(people["officer"]) as session:
        owner_id = world.village_id(session)
    found: list[int] = []

    def rival() -> None:
        with db.transaction(people["officer2"]) as session:
            found.append(
                imports.commit(
                    session, people["officer2"], batches["officer2"], owner_id=owner_id
                ).id
            )

    thread = threading.Thread(target=rival)
    with db.transaction(people["officer"]) as session:
        first = imports.commit(session, people["officer"], batches["officer"], owner_id=owner_id).id
        thread.start()
        _wait_for_a_waiter(engine)
        assert not found
    thread.join()
    assert found == [first]
    with db.transaction(people["officer"]) as session:
        versions = session.scalar(
            select(func.count()).select_from(ParcelVersion).where(
                ParcelVersion.source_name == "同一文件.geojson"
            )
        )  # fmt: skip
        assert versions == 12
        assert staging.get(session, batches["officer2"]).state == State.DISCARDED


def test_marks_of_an_import_stand_on_both_parcels(
    engine: sa.Engine, people: dict[str, Actor], imported: int
) -> None:
    with db.transaction(people["officer"]) as session:
        ids = imports.parcel_ids(session, imported)
        pairs = session.execute(
            select(ParcelMark.parcel_id, ParcelMark.other_parcel_id).where(
                ParcelMark.parcel_id.in_(ids), ParcelMark.code == "overlap"
            )
        )
        assert {tuple(pair) for pair in pairs} >= {(ids[0], ids[39]), (ids[39], ids[0])}
