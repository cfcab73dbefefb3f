"""Values out of reason are refused by what is wrong with them; legends are read as people write them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data.rasters import RasterInfo
from sinks.core.errors import Invalid
from sinks.measurement import variables
from sinks.measurement.variables import VARIABLES

INFO = RasterInfo(
    width=10, height=10, bands=1, band=1, dtype="int16", crs="EPSG:4549",
    transform=(10, 0, 0, 0, -10, 0), nodata=None, unit="", description="", scale=1.0, offset=0.0,
    minimum=20.0, maximum=90.0, mean=60.0, valid_share=1.0, infinite=0, whole_numbers=True,
    sha256="0" * 64,
)  # fmt: skip


def refusal(key: str, *, stderr: bool = False, **changed: object) -> str | None:
    try:
        variables.refuse_implausible(replace(INFO, **changed), VARIABLES[key], stderr=stderr)
    except Invalid as error:
        assert error.message
        return error.code
    return None


@pytest.mark.parametrize(
    "key, changed, code",
    [
        ("agb", {}, None),
        ("agb", {"minimum": 200.0, "maximum": 900.0, "mean": 600.0}, "scale"),
        ("agb", {"minimum": 200.0, "maximum": 9000.0, "mean": 600.0}, "scale"),
        # A scale that is written in the file has been applied; the values are what they are.
        ("agb", {"minimum": 200.0, "maximum": 900.0, "mean": 600.0, "scale": 0.1}, "values"),
        ("agb", {"minimum": 200.0, "maximum": 900.0, "mean": 600.0, "whole_numbers": False},
         "values"),
        ("agb", {"minimum": -9999.0}, "values"),
        ("agb", {"maximum": 65535.0, "mean": 70.0}, "scale"),
        ("agb", {"infinite": 3}, "infinite"),
        ("agb", {"minimum": None, "maximum": None, "mean": None, "valid_share": 0.0}, "empty"),
        ("canopy_cover", {"minimum": 0.0, "maximum": 100.0, "mean": 70.0}, "scale"),
        ("canopy_height", {"minimum": 10.0, "maximum": 180.0, "mean": 95.0}, "scale"),
        ("soc", {"minimum": 20.0, "maximum": 140.0, "mean": 71.63}, None),
        ("bulk_density", {"minimum": 80.0, "maximum": 160.0, "mean": 130.0}, "scale"),
        ("land_cover", {"minimum": 1.0, "maximum": 5.0, "mean": 2.0}, None),
    ],
)  # fmt: skip
def test_values_out_of_reason_are_refused_by_name(key, changed, code) -> None:
    assert refusal(key, **changed) == code


def test_the_factor_that_was_left_out_is_named() -> None:
    with pytest.raises(Invalid, match="放大了 10 倍"):
        variables.refuse_implausible(
            replace(INFO, minimum=200.0, maximum=900.0, mean=600.0), VARIABLES["agb"]
        )
    with pytest.raises(Invalid, match="放大了 100 倍"):
        variables.refuse_implausible(
            replace(INFO, minimum=80.0, maximum=160.0, mean=130.0), VARIABLES["bulk_density"]
        )


def test_an_error_is_never_negative_nor_wider_than_the_band() -> None:
    assert refusal("agb", stderr=True, minimum=0.0, maximum=30.0, mean=9.0) is None
    assert refusal("agb", stderr=True, minimum=-0.5) == "values"
    assert refusal("canopy_cover", stderr=True, minimum=0.0, maximum=1.5, whole_numbers=False,
                   mean=0.2) == "values"  # fmt: skip


def test_every_band_has_its_source_and_every_class_variable_an_example() -> None:
    for key, what in VARIABLES.items():
        if what.is_classes:
            assert len(variables.legend_of(what.legend_example)) > 1, key
        else:
            assert what.band_source and what.low < what.high and what.mean_max <= what.high, key


def test_a_legend_is_read_as_it_is_typed() -> None:
    found = variables.legend_of("2，茶园，tea\n\n1,竹林\n10,水面,water\n")
    assert found == {2: ("茶园", "tea"), 1: ("竹林", "竹林"), 10: ("水面", "water")}


@pytest.mark.parametrize(
    "text", ["", "竹林,1", "1,竹林\n1,茶园", "1", "-1,竹林", "1,", "1.5,竹林", "70000,竹林",
             "1,竹林,bamboo,3", "\n".join(f"{n},类{n}" for n in range(65))],
)  # fmt: skip
def test_a_legend_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        variables.legend_of(text)
    assert refused.value.code == "legend"


@given(st.text())
def test_any_text_is_a_legend_or_refused(text: str) -> None:
    try:
        assert variables.legend_of(text)
    except Invalid as refused:
        assert refused.code == "legend"
