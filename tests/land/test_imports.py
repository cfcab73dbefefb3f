"""A file becomes draft parcels once, in one transaction."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.land import import_reading, imports, parcel_list, parcels, rights
from sinks.land.staging import Options
from tests import world


def geojson(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def feature(x_m: float, **properties: object) -> dict[str, object]:
    outline = world.land(x_m, 0, 100, 100)
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": json.loads(json.dumps(outline.__geo_interface__)),
    }


def commit(session: Session, people: dict[str, Actor], path: Path) -> imports.LandImport:
    batch = import_reading.stage(
        session, people["officer"], file_name=path.name, content=path.read_bytes(),
        options=Options("bamboo"),
    )  # fmt: skip
    return imports.commit(
        session, people["officer"], batch.id, owner_id=world.village_id(session)
    )  # fmt: skip


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(parcels.Parcel)) or 0


def test_accepted_rows_become_drafts_and_refused_rows_are_kept_by_name(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    bow = feature(400)
    bow["geometry"] = {
        "type": "Polygon",
        "coordinates": [
            [[119.6, 30.6], [119.61, 30.61], [119.61, 30.6], [119.6, 30.61], [119.6, 30.6]]
        ],
    }
    path = geojson(
        tmp_path / "小班.geojson", feature(0, 小班号="0012"), bow, feature(200, 小班号="013")
    )
    row = commit(session, people, path)
    assert (row.rows, row.accepted, len(row.refused)) == (3, 2, 1)
    assert row.refused[0]["row"] == 1 and row.refused[0]["code"] == "invalid"
    # Codes are text: a leading nought stays.
    assert {parcel.name for parcel in parcel_list.rows(session)} == {"0012", "013"}


def test_the_same_file_twice_changes_nothing(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = geojson(tmp_path / "a.geojson", feature(0, name="1"))
    first = commit(session, people, path)
    assert commit(session, people, path).id == first.id
    assert count(session) == 1


def test_a_file_without_certificates_cannot_be_reviewed_away(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    commit(session, people, geojson(tmp_path / "a.geojson", feature(0, name="1")))
    [parcel] = parcel_list.rows(session)
    parcels.submit(session, people["officer"], parcel.id)
    with pytest.raises(Exception, match="证书编号"):
        rights.review(session, people["officer2"], parcel.id)


def test_nothing_accepted_is_refused_and_leaves_nothing(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":null}]}'
    )
    with pytest.raises(Invalid):
        commit(session, people, path)
    assert count(session) == 0
