"""Which room may know which. The drawing is in README.md; this keeps it true."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the top to the bottom: a room may import itself and what stands below it.
ROOMS = [
    "app", "pages", "sinks.web", "sinks.cli", "sinks.restoration", "sinks.cooperative",
    "sinks.crediting", "sinks.measurement", "sinks.land", "sinks.core",
]  # fmt: skip
FOREIGN = {
    "methodologies": {"sqlalchemy", "geoalchemy2", "streamlit", "rasterio", "geopandas", "shapely",
                      "gis_data", "sinks", "pages", "folium"},
    "gis_data": {"sqlalchemy", "geoalchemy2", "streamlit", "folium", "methodologies", "sinks", "pages"},
    "sinks": {"streamlit", "folium", "streamlit_folium", "pages", "app"},
    "pages": {"app", "sqlalchemy", "geoalchemy2", "rasterio"},
}  # fmt: skip
MODULES = [
    path for folder in (*FOREIGN, "app.py")
    for path in ([ROOT / folder] if folder == "app.py" else sorted((ROOT / folder).rglob("*.py")))
    if "migrations" not in path.parts
]  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] == "sinks" and len(parts) > 1 and f"sinks.{parts[1]}" in ROOMS:
        return f"sinks.{parts[1]}"
    return parts[0] if parts[0] in ROOMS else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    mine = room_of(name)
    for target in imported(path):
        theirs = room_of(target)
        if mine and theirs and mine != theirs:
            assert ROOMS.index(theirs) > ROOMS.index(mine), f"{name} imports {target}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_stays_in_its_room(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    tops = {target.split(".")[0] for target in imported(path)}
    assert not tops & FOREIGN.get(folder, set())


def test_every_room_is_held_to_the_order() -> None:
    folders = {f"sinks.{p.parent.name}" for p in (ROOT / "sinks").glob("*/__init__.py")}
    assert folders <= set(ROOMS) | {"sinks.migrations"}
