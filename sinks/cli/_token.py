"""The token of the signed-in person: in ``SINKS_TOKEN``, or in a file that only its owner reads."""

import os
from pathlib import Path


def path() -> Path:
    """Where the token lies: $XDG_CONFIG_HOME/sinks/token, else ~/.config/sinks/token."""
    home = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(home) if home else Path.home() / ".config"
    return folder / "sinks" / "token"


def read() -> str | None:
    """The token of this person, or None when nobody has signed in."""
    if named := os.environ.get("SINKS_TOKEN"):
        return named.strip()
    place = path()
    return (place.read_text().strip() or None) if place.is_file() else None


def write(token: str) -> None:
    """Keep the token, readable by nobody else at any moment."""
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)  # A leftover would keep its own mode.
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    part.replace(place)


def forget(token: str) -> None:
    """Remove the kept token, if it is this one: ``SINKS_TOKEN`` may name another person's."""
    place = path()
    if place.is_file() and place.read_text().strip() == token:
        place.unlink()
