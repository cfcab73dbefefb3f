"""The command line as a program calls it, and land as files that a command reads."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from shapely import MultiPolygon

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


def geojson(*outlines: MultiPolygon) -> dict[str, Any]:
    """The outlines as a FeatureCollection, each with a name."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"小班 {number}"},
            "geometry": outline.__geo_interface__,
        }
        for number, outline in enumerate(outlines)
    ]
    return {"type": "FeatureCollection", "features": features}
