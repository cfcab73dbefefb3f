"""Serials and certificate numbers: the golden example, round trips, and every slip of a finger."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sinks.core.errors import Invalid
from sinks.crediting import serials

GOLDEN = "HZ-330523-ZL-000007-2024-01-000000001-000002000-2X"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@st.composite
def any_serial(draw: st.DrawFn) -> serials.Serial:
    first, last = sorted(draw(st.lists(st.integers(1, 999_999_999), min_size=2, max_size=2)))
    return serials.Serial(
        programme="HZ",
        county_code=draw(st.sampled_from(["330502", "330503", "330521", "330522", "330523"])),
        type_code=draw(st.sampled_from(sorted(serials.SINK_BY_TYPE_CODE))),
        project=draw(st.integers(1, 999_999)),
        vintage=draw(st.integers(2000, 2099)),
        batch=draw(st.integers(1, 9_999)),
        first=first,
        last=last,
    )


certificate_numbers = st.builds(
    serials.certificate_number, st.integers(2000, 2099), st.integers(1, 999_999)
)


def test_the_published_example_is_reproduced() -> None:
    serial = serials.Serial("HZ", "330523", "ZL", 7, 2024, 1, 1, 2000)
    assert serial.check == "2X"
    assert serials.format_serial(serial) == GOLDEN
    assert serials.parse_serial(GOLDEN) == serial
    assert serial.units == 2000


def test_the_standard_example_of_mod_1271_36_is_reproduced() -> None:
    # ISO 7064 annex: ISO 79 is guarded by 3W.
    assert serials.check_characters("ISO79") == "3W"


@given(any_serial())
def test_a_serial_survives_writing_and_reading(serial: serials.Serial) -> None:
    assert serials.parse_serial(serials.format_serial(serial)) == serial


def test_every_single_slip_on_the_example_is_refused() -> None:
    for place, right in enumerate(GOLDEN):
        for wrong in ALPHABET + "-":
            if wrong != right:
                with pytest.raises(Invalid):
                    serials.parse_serial(GOLDEN[:place] + wrong + GOLDEN[place + 1 :])


@given(any_serial(), st.data())
def test_a_wrong_character_in_a_serial_is_found(
    serial: serials.Serial, data: st.DataObject
) -> None:
    text = serials.format_serial(serial)
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET + "-"))
    assume(wrong != text[place])
    with pytest.raises(Invalid):
        serials.parse_serial(text[:place] + wrong + text[place + 1 :])


@given(any_serial(), st.data())
def test_swapped_neighbours_in_a_serial_are_found(
    serial: serials.Serial, data: st.DataObject
) -> None:
    text = serials.format_serial(serial)
    place = data.draw(st.integers(0, len(text) - 2))
    assume(text[place] != text[place + 1])
    with pytest.raises(Invalid):
        serials.parse_serial(text[:place] + text[place + 1] + text[place] + text[place + 2 :])


@given(certificate_numbers, st.data())
def test_a_wrong_or_swapped_character_in_a_certificate_number_is_found(
    number: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET + "-"))
    changed = number[:place] + wrong + number[place + 1 :]
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    for text in {changed, swapped} - {number}:
        with pytest.raises(Invalid):
            serials.check_certificate_number(text)


@given(certificate_numbers)
def test_a_certificate_number_is_read_as_people_type_it(number: str) -> None:
    assert serials.check_certificate_number(number) == number
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in number)
    for typed in (number.lower(), f" {number[:8]} {number[8:]}\n", full_width, full_width.lower()):
        assert serials.check_certificate_number(typed) == number
    assert serials.check_certificate_number(number.replace("-", "—")) == number


def test_a_serial_is_read_as_people_type_it() -> None:
    assert str(serials.parse_serial(f" {GOLDEN.lower().replace('-', ' – ')} ")) == GOLDEN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOLDEN[:-1] + "Y", "serial_check"),
        (GOLDEN.replace("330523", "330521"), "serial_check"),
        (GOLDEN.replace("-", ""), "serial_form"),
        (GOLDEN[:-3], "serial_form"),
        (GOLDEN.replace("-01-", "-001-"), "serial_form"),
        (GOLDEN.replace("HZ-", "HZ-HZ-"), "serial_form"),
        (GOLDEN.replace("0", "٠"), "serial_form"),
        (GOLDEN + "\n" + GOLDEN, "serial_form"),
        ("", "serial_form"),
    ],
)
def test_what_is_no_serial_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        serials.parse_serial(text)
    assert caught.value.code == code


def test_a_right_check_does_not_excuse_an_impossible_serial() -> None:
    for body in (
        "HZ-330523-XX-000007-2024-01-000000001-000002000",
        "HZ-330523-ZL-000007-2024-01-000002000-000000001",
        "HZ-330523-ZL-000007-2024-01-000000000-000002000",
        "HZ-330523-ZL-000000-2024-01-000000001-000002000",
    ):
        check = serials.check_characters(body.replace("-", ""))
        with pytest.raises(Invalid) as caught:
            serials.parse_serial(f"{body}-{check}")
        assert caught.value.code == "serial_field"


@pytest.mark.parametrize(
    "change",
    [
        {"programme": "hz"},
        {"county_code": "33052"},
        {"type_code": "AA"},
        {"project": 1_000_000},
        {"vintage": 1999},
        {"batch": 0},
        {"first": 0},
        {"last": 1_000_000_000},
        {"first": 2001},
    ],
)
def test_a_serial_that_cannot_be_written_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        replace(serials.parse_serial(GOLDEN), **change)
    assert caught.value.code == "serial_field"


@pytest.mark.parametrize(
    "text", ["", "HZC-2026-1-XX", "HZC-2026-000000-XX", GOLDEN, "HZC-1999-000001-XX"]
)
def test_what_is_no_certificate_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        serials.check_certificate_number(text)
    assert caught.value.code == "certificate_form"


@pytest.mark.parametrize(("year", "sequence"), [(1999, 1), (2026, 0), (2026, 1_000_000)])
def test_a_certificate_number_out_of_range_is_not_made(year: int, sequence: int) -> None:
    with pytest.raises(Invalid) as caught:
        serials.certificate_number(year, sequence)
    assert caught.value.code == "certificate_field"


def test_the_sink_types_have_their_codes() -> None:
    assert dict(serials.SINK_BY_TYPE_CODE) == {
        "ZL": "bamboo",
        "SD": "wetland",
        "NT": "farmland",
        "CY": "tea",
        "QT": "other",
    }
