"""Papers and tiles: for whom, and in what wrapping."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import sqlalchemy as sa
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from sinks.core import db, documents
from sinks.core.actor import Actor
from sinks.crediting import serials
from sinks.restoration import cases
from sinks.web import tiles
from tests import world
from tests.web.conftest import Site

CERTIFICATE = sa.text(
    "INSERT INTO certificate (number, kind, public, document_id, pdf_sha256, person_id)"
    " SELECT :number, 'holding', '{}', :document, :sha, min(id) FROM person"
)


def filed(people: dict[str, Actor], subject: str, *, by: str = "officer2") -> int:
    with db.transaction(people[by]) as session:
        return documents.file(
            session, people[by], kind="test", name="证明 <1>.html", subject=subject,
            content=f"<script>{subject}</script>".encode(),
        ).id  # fmt: skip


def test_nobody_gets_a_certificate_or_a_document_without_signing_in(
    site: Site, people: dict[str, Actor]
) -> None:
    number = serials.certificate_number(2026, 1)
    for address in (f"/certificates/{number}.pdf", f"/documents/{filed(people, 'import:a')}"):
        answer = site.browser().get(address)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=%2F")
        assert b"script" not in answer.content
    assert site.browser().get("/tiles/base/1/0/0.png").status_code == 401


def test_a_certificate_is_a_download_for_the_roles_that_may(site: Site) -> None:
    with db.transaction() as session:
        content = b"%PDF-1.7 made by the test"
        number = serials.certificate_number(2026, 7)
        row = documents.file(
            session, None, kind="certificate", name=f"{number}.pdf", content=content,
            subject=f"certificate:{number}",
        )  # fmt: skip
        document_id = row.id
        session.execute(CERTIFICATE, {"number": number, "document": row.id, "sha": row.sha256})
    answer = site.browser("court").get(f"/certificates/{number}.pdf")
    assert answer.content == content and answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{number}.pdf"')
    assert "no-store" in answer.headers["cache-control"]
    led = site.browser("court").get(f"/documents/{document_id}")
    assert led.headers["location"] == f"/certificates/{number}.pdf"
    assert site.browser("officer").get(f"/certificates/{number}.pdf").status_code == 403
    missing = serials.certificate_number(2026, 8)
    assert site.browser("court").get(f"/certificates/{missing}.pdf").status_code == 404
    assert site.browser("court").get("/certificates/HZC-2026-000007-00.pdf").status_code == 400
    assert site.browser("court").get("/certificates/..%2f..%2fetc.pdf").status_code in (400, 404)


def test_a_document_is_never_shown_as_a_page(site: Site, people: dict[str, Actor]) -> None:
    answer = site.browser("officer2").get(f"/documents/{filed(people, 'import:b')}")
    assert answer.status_code == 200 and answer.content == b"<script>import:b</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    name = answer.headers["content-disposition"]
    assert name.startswith('attachment; filename="') and "<" not in name and "\n" not in name
    assert "%E8%AF%81%E6%98%8E%20%3C1%3E.html" in name


@pytest.mark.parametrize(
    ("subject", "may", "may_not"),
    [("import:c", ("officer", "registrar", "auditor"), ("clerk", "court", "verifier", "admin")),
     ("letter:1", ("officer2", "auditor"), ("officer", "registrar", "clerk"))],
)  # fmt: skip
def test_documents_are_for_those_who_work_with_them(
    site: Site,
    people: dict[str, Actor],
    subject: str,
    may: tuple[str, ...],
    may_not: tuple[str, ...],
) -> None:
    address = f"/documents/{filed(people, subject)}"
    assert {login: site.browser(login).get(address).status_code for login in may} == dict.fromkeys(
        may, 200
    )
    assert {
        login: site.browser(login).get(address).status_code for login in may_not
    } == dict.fromkeys(may_not, 404)


def test_a_document_of_a_case_is_for_those_who_take_part(
    site: Site, people: dict[str, Actor]
) -> None:
    with db.transaction(people["court"]) as session:
        case, _ = cases.open_case(
            session, people["court"], case_no="（2026）浙0591刑初77号", defendant="欧阳某",
            cause="非法占用农用地罪", damage="forest",
        )  # fmt: skip
        case_id = case.id
    address = f"/documents/{filed(people, f'case:{case_id}', by='court')}"
    assert site.browser("court").get(address).status_code == 200
    assert site.browser("registrar").get(address).status_code == 200
    assert site.browser("clerk").get(address).status_code == 404
    assert site.browser("officer").get(address).status_code == 404
    assert site.browser("officer").get("/documents/9999999999999999999999").status_code == 404


def base_map(path: Path, dtype: str = "uint8") -> Path:
    """Three bands over the test land, 20 m cells: red in the west half, blue in the east."""
    bands = np.zeros((3, 200, 200), dtype=dtype)
    bands[0, :, :100], bands[2, :, 100:] = 200, 200
    with rasterio.open(
        path, "w", driver="GTiff", width=200, height=200, count=3, dtype=dtype, crs="EPSG:4549",
        transform=from_origin(world.EAST_M, world.NORTH_M + 4000, 20, 20),
    ) as raster:  # fmt: skip
        raster.write(bands)
    return path


def tile_at(x_m: float, y_m: float, zoom: int) -> tuple[int, int]:
    """The tile that holds a place of the test land."""
    longitude, latitude = world.TO_4490.transform(world.EAST_M + x_m, world.NORTH_M + y_m)
    column = int((longitude + 180) / 360 * 2**zoom)
    row = int((1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom)
    return column, row


def test_a_tile_shows_what_lies_there_and_nothing_beside_the_picture(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.browser("officer")
    assert browser.get("/tiles/base/15/1/1.png").status_code == 404  # No base map is set.
    monkeypatch.setenv("SINKS_BASEMAP_COG", str(base_map(tmp_path / "base.tif")))
    column, row = tile_at(500, 2000, 17)
    answer = browser.get(f"/tiles/base/17/{column}/{row}.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    with MemoryFile(answer.content) as file, file.open() as picture:
        assert picture.shape == (256, 256)
        assert [int(band[128, 128]) for band in picture.read()] == [200, 0, 0, 255]
    column, row = tile_at(3500, 2000, 17)
    with MemoryFile(browser.get(f"/tiles/base/17/{column}/{row}.png").content) as file:
        assert [int(band[128, 128]) for band in file.open().read()] == [0, 0, 200, 255]
    assert browser.get("/tiles/base/17/1/1.png").status_code == 204
    for wrong in ("1/2/0", "23/0/0", "a/0/0", "1/0/99999999999999999999"):
        assert browser.get(f"/tiles/base/{wrong}.png").status_code == 404


def test_a_low_tile_is_clear_where_the_picture_ends(tmp_path: Path) -> None:
    path = base_map(tmp_path / "base.tif")
    content = tiles.tile(path, 12, *tile_at(2000, 2000, 12))
    assert content is not None
    with MemoryFile(content) as file, file.open() as picture:
        opaque = picture.read(4)
    # 4 km of 8.4 km: a clear rim around the picture.
    assert 0.1 < (opaque == 255).mean() < 0.5 and (opaque == 0).mean() > 0.3


def test_a_base_map_that_is_no_picture_is_refused_with_the_reason(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.browser("officer")
    monkeypatch.setenv("SINKS_BASEMAP_COG", str(base_map(tmp_path / "deep.tif", "uint16")))
    assert "8 位影像" in browser.get("/tiles/base/1/0/0.png").text
    monkeypatch.setenv("SINKS_BASEMAP_COG", str(tmp_path / "gone.tif"))
    assert browser.get("/tiles/base/1/0/0.png").status_code == 404
