"""Every file of the corpus is refused with its reason or gives the documented answer: soon, in little
memory, with nothing asked of a network and nothing left behind."""

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis_data import check, repairs, vectors
from gis_data.refusals import FileRefused
from tests import cpu
from tests.gis_data import hostile

CPU_SECONDS_MAX = 10.0


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[int]]]:
    """The address of a server, and how often it was called."""
    calls = [0]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        open_ = threading.Event()

        def listen() -> None:
            while not open_.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue
                calls[0] += 1

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", calls
        open_.set()
        thread.join()


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and path.stat().st_size < 2**28
    }


def outcome(path: Path | str) -> str:
    """Return the code of the file, of its first refused row, or ``taken``; a table is on CGCS2000."""
    try:
        read = vectors.read(
            path, crs="EPSG:4490" if Path(path).suffix in (".csv", ".xlsx") else None
        )
        report = check.check_rows(read, sink_type="bamboo")
    except FileRefused as refused:
        assert refused.message and "Traceback" not in refused.message
        return refused.code
    assert report.rows == len(report.accepted) + len(report.refused)
    repairs.offers(read, report)
    if report.refused:
        assert not report.accepted, "the hostile row was taken"
        return report.refused[0].code
    return hostile.TAKEN


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "item", hostile.ITEMS, ids=[f"{item.number}-{item.name}"[:60] for item in hostile.ITEMS]
)
def test_a_hostile_file_gets_its_documented_answer(
    item: hostile.Item,
    listener: tuple[str, list[int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, calls = listener
    folder, scratch = tmp_path / "given", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    path = item.make(folder, url)
    before = contents(folder)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before_s = cpu.spent_s()
    code = outcome(path)
    took_s = cpu.spent_s() - before_s
    assert code in item.codes
    assert took_s < CPU_SECONDS_MAX
    assert list(scratch.iterdir()) == [] and contents(folder) == before
    assert calls == [0], "a file made the reader open a connection"


def test_the_reader_has_less_than_a_gigabyte_and_seconds_by_the_size_of_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * 2**20)
    code = (
        "import resource, sys; from pathlib import Path; from gis_data import _reader;"
        "_reader._limit([Path(sys.argv[1])]);"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1], resource.getrlimit(resource.RLIMIT_CPU)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.csv")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    space, seconds = map(int, done.stdout.split())
    assert space < 10**9 and seconds == 7
