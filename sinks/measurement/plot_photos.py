"""Photos of a plot visit: where and when they were taken, and the file with its hash.

Place and time are read from the file itself (EXIF) when it has both; otherwise they are typed, and
the row says which. The file goes into the document store as it came. Who may see the plots of a
project may see their photos.
"""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import sample_points
from sinks.core import audit, documents, people
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.documents import Document
from sinks.core.errors import Invalid, NotFound
from sinks.measurement import plots
from sinks.measurement.plots import Plot, PlotVisit

READERS = (
    Role.COOPERATIVE, Role.DEVELOPER, Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
    Role.AUDITOR,
)  # fmt: skip
BYTES_MAX = 20 * 1024 * 1024
# The largest sensors of telephones have 200 million points; a file that claims more is made to
# fill memory.
POINTS_MAX = 220_000_000
PREVIEW_POINTS = 800
# Cameras write local time; where the file names no offset it is that of the office.
OFFICE_TIME = ZoneInfo("Asia/Shanghai")


class PlotPhoto(Base):
    """A photo of a visit. ``read_from_file``: place and time come from its EXIF, not from hand."""

    __tablename__ = "plot_photo"

    id: Mapped[Key]
    visit_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), unique=True)
    longitude: Mapped[float]
    latitude: Mapped[float]
    taken_at: Mapped[datetime]
    read_from_file: Mapped[bool]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class Taken:
    """Where and when a photo was taken."""

    longitude: float
    latitude: float
    at: datetime


@dataclass(frozen=True, slots=True)
class PhotoLine:
    """A photo as lists show it; ``distance_m`` from where the plot was measured."""

    id: int
    plot_code: str
    measured_on: date
    document_id: int
    name: str
    sha256: str
    taken: Taken
    read_from_file: bool
    distance_m: float
    person: str


def add(
    session: Session,
    actor: Actor,
    visit_id: int,
    *,
    name: str,
    content: bytes,
    typed: Taken | None = None,
) -> PlotPhoto:
    """File a photo of a visit.

    typed : where and when, for a file that does not say it; what the file says goes before

    Raises
    ------
    Invalid
        Not a picture that can be read, place or time missing, or taken in the future.
    """
    actor.require(Role.DEVELOPER, Role.COOPERATIVE, Role.OFFICER)
    visit = session.get(PlotVisit, visit_id)
    if visit is None:
        raise NotFound("没有这次样地调查。", code="visit")
    plot = session.get_one(Plot, visit.plot_id)
    plots.refuse_anothers(session, actor, plot.project_id)
    read = taken_of(content)
    taken = read or typed
    if taken is None:
        raise Invalid(
            "照片文件里没有拍摄位置和时间，请填写经纬度和拍摄时间（或打开相机的定位后重拍）。",
            code="photo_place",
        )
    if not (-180 <= taken.longitude <= 180 and -90 <= taken.latitude <= 90):
        raise Invalid("照片的经纬度不在地图上；经度在前，纬度在后。", code="photo_place")
    if taken.at > now(session):
        raise Invalid("照片的拍摄时间在将来，请核对相机的时钟。", code="future")
    document = documents.file(
        session, actor, kind="plot_photo", name=name, content=content,
        subject=f"plot:{plot.id}", bytes_max=BYTES_MAX,
    )  # fmt: skip
    row = PlotPhoto(
        visit_id=visit_id,
        document_id=document.id,
        longitude=taken.longitude,
        latitude=taken.latitude,
        taken_at=taken.at,
        read_from_file=read is not None,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "plot.photo", f"plot:{plot.id}",
        {"photo": row.id, "visit": visit_id, "sha256": document.sha256},
    )  # fmt: skip
    return row


def taken_of(content: bytes) -> Taken | None:
    """Place and time that the file itself gives; None unless it gives both.

    Raises
    ------
    Invalid
        Not a JPEG, PNG, TIFF or WebP picture, or one too large.
    """
    exif = _opened(content).getexif()
    place = _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    at = _time(exif.get_ifd(ExifTags.IFD.Exif))
    return Taken(*place, at) if place and at else None


def preview(content: bytes) -> bytes:
    """A small upright JPEG for the screen, without what else the file says of its maker."""
    small = ImageOps.exif_transpose(_opened(content)).convert("RGB")
    small.thumbnail((PREVIEW_POINTS, PREVIEW_POINTS))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()


def listing(session: Session, project_id: int) -> list[PhotoLine]:
    """The photos of a project's plots, by plot and time."""
    places = {
        plot_id: (x, y)
        for plot_id, x, y in session.execute(
            select(Plot.id, Plot.position.ST_X(), Plot.position.ST_Y()).where(
                Plot.project_id == project_id
            )
        )
    }
    query = (
        select(PlotPhoto, PlotVisit.measured_on, Plot, Document)
        .join(PlotVisit, PlotVisit.id == PlotPhoto.visit_id)
        .join(Plot, Plot.id == PlotVisit.plot_id)
        .join(Document, Document.id == PlotPhoto.document_id)
        .where(Plot.project_id == project_id)
        .order_by(Plot.code, PlotPhoto.taken_at, PlotPhoto.id)
    )
    return [
        PhotoLine(
            photo.id, plot.code, measured_on, document.id, document.name, document.sha256,
            Taken(photo.longitude, photo.latitude, photo.taken_at), photo.read_from_file,
            sample_points.distance_m((photo.longitude, photo.latitude), places[plot.id]),
            people.name_of(session, photo.person_id),
        )
        for photo, measured_on, plot, document in session.execute(query)
    ]  # fmt: skip


def content_of(session: Session, actor: Actor, photo_id: int) -> bytes:
    """The file of a photo, unchanged."""
    actor.require(*READERS)
    row = session.get(PlotPhoto, photo_id)
    if row is None:
        raise NotFound("没有这张照片。", code="photo")
    return documents.content_of(session.get_one(Document, row.document_id))


def _opened(content: bytes) -> Image.Image:
    if not content or len(content) > BYTES_MAX:
        raise Invalid(f"照片为空或超过 {BYTES_MAX // 2**20} MB。", code="document_size")
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures it takes for bombs; our own limit stands below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "TIFF", "WEBP"))
            if picture.width * picture.height > POINTS_MAX:
                raise Invalid("照片的点数过多，请用相机的普通尺寸。", code="photo")
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError,
            Image.DecompressionBombError) as error:  # fmt: skip
        raise Invalid(
            "这不是能打开的照片。请用 JPEG、PNG、TIFF 或 WebP；苹果手机请在相机设置中选“兼容性最佳”。",
            code="photo",
        ) from error
    return picture


def _place(gps: Mapping[int, Any]) -> sample_points.Place | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude))
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude))
    if latitude is None or longitude is None:
        return None
    south = str(gps.get(ExifTags.GPS.GPSLatitudeRef, "N")).upper().startswith("S")
    west = str(gps.get(ExifTags.GPS.GPSLongitudeRef, "E")).upper().startswith("W")
    return -longitude if west else longitude, -latitude if south else latitude


def _degrees(parts: Any) -> float | None:
    """Degrees of (degrees, minutes, seconds); None where a telephone had no fix and wrote 0/0."""
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
        found = degrees + minutes / 60 + seconds / 3600
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if found == found and found != 0.0 else None


def _time(exif: Mapping[int, Any]) -> datetime | None:
    written = str(exif.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
    offset = str(exif.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    try:
        at = datetime.strptime(written, "%Y:%m:%d %H:%M:%S")
        if offset:
            return datetime.strptime(f"{written} {offset}", "%Y:%m:%d %H:%M:%S %z")
    except ValueError:
        return None
    return at.replace(tzinfo=OFFICE_TIME)
