"""Outlines of the test land as files that a command reads."""

from typing import Any

from shapely import MultiPolygon


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
