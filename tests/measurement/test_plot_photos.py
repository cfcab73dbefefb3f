"""Photos of plot visits: place and time from the file, else from hand; the file kept by its hash."""

import hashlib
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import ExifTags, Image
from sqlalchemy.orm import Session

from sinks.core import documents
from sinks.core.actor import Actor
from sinks.core.documents import Document
from sinks.core.errors import Invalid, NotFound, NotPermitted
from sinks.crediting import projects
from sinks.measurement import plot_photos, plots
from sinks.measurement.plot_photos import Taken
from sinks.web import files
from tests import world


def jpeg(
    place: tuple[float, float] | None = None, at: str | None = None, offset: str | None = None
) -> bytes:
    """A small picture, with place and time in its EXIF where they are given."""
    picture = Image.new("RGB", (40, 30), "green")
    exif = Image.Exif()
    if place is not None:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        for value, tag, ref, letters in (
            (place[0], ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "EW"),
            (place[1], ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "NS"),
        ):
            minutes = abs(value) % 1 * 60
            gps[tag] = (float(int(abs(value))), float(int(minutes)), minutes % 1 * 60)
            gps[ref] = letters[value < 0]
    if at is not None:
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        inner[ExifTags.Base.DateTimeOriginal] = at
        if offset is not None:
            inner[ExifTags.Base.OffsetTimeOriginal] = offset
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.fixture
def visit(session: Session, people: dict[str, Actor]) -> plots.PlotVisit:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    project_id = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    ).id
    plot = plots.add_plot(
        session, people["clerk"], project_id=project_id, stratum="A", code="P1",
        longitude=119.67, latitude=30.63, area_m2=400,
    )  # fmt: skip
    return plots.add_visit(
        session, people["clerk"], plot.id, measured_on=date(2025, 1, 5), phase="on",
        culms=world.culms_of_agb(50, 400),
    )  # fmt: skip


@given(
    longitude=some.floats(-179.9, 179.9).filter(lambda x: abs(x) > 0.01),
    latitude=some.floats(-89.9, 89.9).filter(lambda x: abs(x) > 0.01),
)
def test_place_and_time_are_read_from_the_file(longitude: float, latitude: float) -> None:
    taken = plot_photos.taken_of(jpeg((longitude, latitude), "2025:01:05 10:30:00"))
    assert taken is not None
    assert taken.longitude == pytest.approx(longitude, abs=1e-6)
    assert taken.latitude == pytest.approx(latitude, abs=1e-6)
    # A camera that names no offset is taken to run on the office's time.
    assert taken.at == datetime(2025, 1, 5, 2, 30, tzinfo=UTC)


def test_an_offset_that_the_file_names_counts() -> None:
    taken = plot_photos.taken_of(jpeg((119.6, 30.6), "2025:01:05 10:30:00", "+09:00"))
    assert taken is not None and taken.at == datetime(2025, 1, 5, 1, 30, tzinfo=UTC)


def test_what_the_file_says_goes_before_what_is_typed(
    session: Session, people: dict[str, Actor], visit: plots.PlotVisit
) -> None:
    plot = session.get_one(plots.Plot, visit.plot_id)
    typed = Taken(119.7, 30.7, datetime(2025, 1, 6, tzinfo=UTC))
    content = jpeg((119.67, 30.6301), "2025:01:05 10:30:00")
    plot_photos.add(session, people["clerk"], visit.id, name="a.jpg", content=content, typed=typed)
    plot_photos.add(session, people["officer"], visit.id, name="b.jpg", content=jpeg(), typed=typed)
    first, second = plot_photos.listing(session, plot.project_id)
    assert first.read_from_file and first.distance_m == pytest.approx(11.1, abs=0.1)
    assert not second.read_from_file and second.taken == typed
    assert (first.plot_code, first.sha256) == ("P1", hashlib.sha256(content).hexdigest())
    row = session.get_one(Document, first.document_id)
    assert documents.content_of(row) == content and row.subject == f"plot:{plot.id}"
    assert plot_photos.content_of(session, people["verifier"], first.id) == content
    with pytest.raises(NotPermitted):
        plot_photos.content_of(session, people["court"], first.id)
    assert files.readable(session, people["verifier"], first.document_id) is row
    with pytest.raises(NotFound):
        files.readable(session, people["court"], first.document_id)


def test_a_photo_without_place_or_from_the_future_or_of_another_is_refused(
    session: Session, people: dict[str, Actor], visit: plots.PlotVisit
) -> None:
    for content, typed, code in (
        (jpeg(), None, "photo_place"),
        (jpeg((119.6, 30.6)), None, "photo_place"),  # a place, and no time
        (jpeg(None, "2025:01:05 10:30:00"), None, "photo_place"),
        (jpeg((119.6, 30.6), "2999:01:05 10:30:00"), None, "future"),
        (jpeg(), Taken(30.6, 119.6, datetime(2025, 1, 6, tzinfo=UTC)), "photo_place"),
        (b"GIF89a", None, "photo"),
        (jpeg()[:200], None, "photo"),
        (b"", None, "document_size"),
    ):
        with pytest.raises(Invalid) as refusal:
            plot_photos.add(
                session, people["clerk"], visit.id, name="x.jpg", content=content, typed=typed
            )
        assert refusal.value.code == code
    with pytest.raises(NotPermitted):
        plot_photos.add(session, people["verifier"], visit.id, name="x.jpg", content=jpeg())


@given(place=some.integers(0, 400), value=some.integers(0, 255))
def test_a_damaged_photo_is_read_or_refused_and_never_a_fault(place: int, value: int) -> None:
    content = bytearray(jpeg((119.6, 30.6), "2025:01:05 10:30:00"))
    content[place % len(content)] = value
    try:
        plot_photos.taken_of(bytes(content))
    except Invalid as refusal:
        assert refusal.code == "photo"


def test_the_picture_for_the_screen_is_small_and_tells_nothing_else() -> None:
    big = io.BytesIO()
    Image.new("RGB", (3000, 2000), "green").save(big, "PNG")
    for content in (big.getvalue(), jpeg((119.6, 30.6), "2025:01:05 10:30:00")):
        small = Image.open(io.BytesIO(plot_photos.preview(content)))
        assert max(small.size) <= plot_photos.PREVIEW_POINTS and not dict(small.getexif())
