"""The command line in the process of the test, and JSON files for it to read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sinks.core.actor import Actor
from tests.cli.cli_help import Cli


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line with nobody signed in and a home folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Cli(capsys, monkeypatch)


@pytest.fixture
def registry(cli: Cli, engine: sa.Engine, people: dict[str, Actor]) -> Cli:
    """The command line on a committed database of the test's module."""
    cli.actors = people
    return cli


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Write a JSON file for a command to read."""

    def to_file(name: str, document: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return to_file
