"""Public pages and screens say the same words, and no number is rounded into another."""

from datetime import UTC, datetime

from pages import _words
from sinks.crediting import projects, rounds
from sinks.land.parcels import SinkType
from sinks.web import words

COLOURS = {"green": _words.GREEN, "blue": _words.BLUE, "amber": _words.AMBER, "red": _words.RED}


def test_public_pages_use_the_words_and_colours_of_the_screens() -> None:
    for mine, theirs in ((words.PROJECT, _words.PROJECT), (words.ROUND, _words.ROUND)):
        for code, (zh, en, colour) in mine.items():
            state = theirs[code]
            assert (zh, en, COLOURS[colour]) == (state.zh, state.en, state.colour)


def test_every_state_after_publication_has_a_word_and_no_state_before_it() -> None:
    assert set(projects.Status) - set(words.PROJECT) == {"draft"}
    assert set(rounds.Status) - set(words.ROUND) == {"open", "measured"}
    assert set(SinkType) == set(words.SINK_TYPES)


def test_amounts_are_exact_and_areas_rounded_half_up() -> None:
    assert words.kilograms(9_007_199_254_740_993) == "9,007,199,254,740,993"
    assert words.tonnes(9_007_199_254_740_993) == "9,007,199,254,740.993"
    assert (words.tonnes(5), words.tonnes(1000)) == ("0.005", "1.000")
    assert (words.mu(8306.6667, "zh"), words.ha(8306.6667, "en")) == ("12.5 亩", "0.83 ha")
    assert words.mu(166.66666667, "zh") == "0.3 亩"
    assert (words.measured_t(3.1), words.measured_t(-0.001)) == ("+3.10", "0.00")


def test_a_day_is_the_offices_day_whatever_the_server_thinks() -> None:
    late = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    assert (words.day(late), words.minute(late)) == ("2026-11-22", "2026-11-22 00:30")
