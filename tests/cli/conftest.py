"""The command line as a program calls it: words in, exit status and standard output out."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sinks.cli import main
from sinks.core import db, people
from sinks.core.actor import Actor


@dataclass(frozen=True)
class Said:
    """What a call gave; ``json`` reads standard output, which must be one document alone."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`cli("ledger", "verify")` as nobody, `cli("round", "issue", 1, by="registrar")` as somebody."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch
        self.actors: dict[str, Actor] = {}

    def __call__(self, *words: object, by: str | None = None, stdin: str = "") -> Said:
        self.monkeypatch.delenv("SINKS_TOKEN", raising=False)
        if by is not None:
            self.monkeypatch.setenv("SINKS_TOKEN", self._token(by))
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        status = main.run([str(word) for word in words])
        said = self.capsys.readouterr()
        return Said(status, said.out, said.err)

    def done(self, *words: object, by: str | None = None) -> Any:
        """The JSON of a call that must succeed."""
        said = self(*words, "--json", by=by)
        assert said.status == 0, said.out + said.err
        return said.json

    def refused(self, *words: object, by: str | None = None) -> str:
        """The code of a call that must be refused."""
        said = self(*words, "--json", by=by)
        assert said.status == 1, said.out + said.err
        return said.json["refused"]["code"]

    def _token(self, name: str) -> str:
        with db.transaction() as session:
            person = session.get_one(people.Person, self.actors[name].person_id)
            return people.open_session(session, person, "cli")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line with no person signed in and a home folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Cli(capsys, monkeypatch)


Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a JSON file for a command to read."""

    def to_file(name: str, document: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return to_file
