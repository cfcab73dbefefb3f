"""Words, numbers and parts of the pages."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from pages import _kit, _words
from sinks.cooperative import contracts
from sinks.core.actor import ROLE_ZH, Role
from sinks.crediting import ledger, projects, rounds
from sinks.land import parcels
from sinks.restoration import cases


def test_an_area_is_shown_in_mu_first_and_a_hectare_is_fifteen() -> None:
    assert _words.mu_ha(8307) == "12.46 亩（0.8307 公顷）"
    assert _words.mu_ha(Decimal(10_000)) == "15.00 亩（1.0000 公顷）"
    assert _words.mu_ha(1_234_567.8) == "1,851.85 亩（123.4568 公顷）"


def test_a_half_is_rounded_up_as_people_do() -> None:
    # Binary floats would show 2.67, half-even 0.0000.
    assert _words.mu_ha(Decimal("0.5")) == "0.00 亩（0.0001 公顷）"
    assert _words.share(Decimal("0.2115")) == "21.2%"
    assert _words.co2_t(2.675) == "+2.68 tCO₂e"


def test_every_kilogram_of_a_tonne_is_shown() -> None:
    assert _words.tonnes(1000) == "1.000 tCO₂e"
    assert _words.tonnes(1_234_567) == "1,234.567 tCO₂e"
    assert _words.kilograms(1000) == "1,000 kg CO₂e"


def test_money_is_shown_in_yuan_and_fen() -> None:
    assert _words.money(242_253) == "2,422.53 元"


def test_an_estimate_says_that_it_is_one() -> None:
    assert _words.estimate(12_340) == "12.3 tCO₂e 预估量（未核证）"


def test_a_loss_keeps_its_sign_and_nothing_has_none() -> None:
    assert _words.co2_t(-3.1, 0.62) == "-3.10 ± 0.62 tCO₂e"
    assert _words.co2_t(Decimal("-0.001")) == "0.00 tCO₂e"


@pytest.mark.parametrize("wrong", [1000.0, Decimal(1000), True, "1000"])
def test_a_ledger_amount_that_is_not_an_integer_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="integer"):
        _words.tonnes(wrong)


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_what_is_shown_of_a_ledger_amount_reads_back_exactly(amount_kg: int) -> None:
    shown = _words.tonnes(amount_kg).removesuffix(" tCO₂e").replace(",", "")
    assert Decimal(shown) * 1000 == amount_kg


def test_every_role_of_the_registry_has_its_words_and_they_agree() -> None:
    for role in Role:
        assert _words.ROLES[role][0] == ROLE_ZH[role]


@pytest.mark.parametrize(
    ("states", "table"),
    [
        (parcels.Status, _words.PARCEL),
        (projects.Status, _words.PROJECT),
        (rounds.Status, _words.ROUND),
        (ledger.BlockState, _words.BLOCK),
        (contracts.Status, _words.CONTRACT),
        (cases.Status, _words.CASE),
        (parcels.SinkType, _words.SINK_TYPES),
    ],
)
def test_every_state_the_registry_can_store_has_its_word(states: Any, table: Any) -> None:
    assert {str(state) for state in states} <= table.keys()


def test_a_case_is_called_the_same_on_screen_and_on_paper() -> None:
    for status, zh in cases.STATUS_ZH.items():
        assert _words.CASE[status].zh == zh


@pytest.mark.parametrize(
    "table", ["PARCEL", "PROJECT", "ROUND", "BLOCK", "CONTRACT", "DISTRIBUTION", "CASE"]
)
def test_states_of_a_life_cycle_have_different_words_and_readable_colours(table: str) -> None:
    states = getattr(_words, table)
    assert len({state.zh for state in states.values()}) == len(states)
    assert len({state.en for state in states.values()}) == len(states)
    for state in states.values():
        assert contrast_with_white(state.colour) >= 4.5, f"{state.en} is hard to read"


def test_states_of_a_parcel_are_told_apart_on_a_map_by_their_colour() -> None:
    assert len({state.colour for state in _words.PARCEL.values()}) == len(_words.PARCEL)


def contrast_with_white(colour: str) -> float:
    """Contrast ratio of WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_an_unknown_state_is_a_mistake_and_not_an_empty_chip() -> None:
    with pytest.raises(KeyError):
        _kit.state_chip(_words.PARCEL, "finished")


@given(st.text())
def test_typed_text_never_becomes_markup(text: str) -> None:
    columns = [_kit.Column("a", text, unit=text)]
    made = _kit.table_html([{"a": text}], columns) + _kit.chip(text, "#1f7a4d")
    plain = _kit.table_html([{"a": "x"}], [_kit.Column("a", "x", unit="x")]) + _kit.chip(
        "x", "#1f7a4d"
    )
    extra = 1 if not text else 0  # An empty unit has no element of its own.
    assert made.count("<") == plain.count("<") - 2 * extra


def test_a_missing_number_is_a_dash_and_zero_is_a_zero() -> None:
    columns = [_kit.Column("kg", "数量", "kg", number=True)]
    made = _kit.table_html([{"kg": None}, {"kg": 0}, {"kg": 1234567}], columns)
    assert '<td class="n" data-title="数量（kg）">—</td>' in made
    assert '<td class="n" data-title="数量（kg）">0</td>' in made
    assert '<td class="n" data-title="数量（kg）">1,234,567</td>' in made


@pytest.mark.parametrize("address", ["https://example.org", "//example.org", "javascript:alert(1)"])
def test_a_link_out_of_the_house_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        _kit.link("x", address)


def confirming() -> None:
    import streamlit as st

    from pages import _kit

    if _kit.confirm("retire", "将注销 1,000 kg。", "注销"):
        st.session_state["done"] = st.session_state.get("done", 0) + 1


def test_the_second_press_acts_once_and_a_run_later_nothing_more() -> None:
    page = AppTest.from_function(confirming).run()
    page.button(key="retire.ask").click().run()
    assert "done" not in page.session_state
    page.button(key="retire.yes").click().run()
    assert page.session_state["done"] == 1
    page.run()
    assert page.session_state["done"] == 1
    assert page.button(key="retire.ask").label == "注销"


def test_going_back_does_nothing() -> None:
    page = AppTest.from_function(confirming).run()
    page.button(key="retire.ask").click().run()
    page.button(key="retire.no").click().run()
    assert "done" not in page.session_state
    assert page.button(key="retire.ask").label == "注销"


def speaking() -> None:
    import streamlit as st

    from pages import _words

    st.text(_words.mu_ha(8307))
    st.text(_words.word(_words.SINK_TYPES, "tea"))
    st.text(_words.CASE["ordered"].word)


def test_a_page_speaks_chinese_until_somebody_chooses_english() -> None:
    page = AppTest.from_function(speaking).run()
    assert [text.value for text in page.text] == ["12.46 亩（0.8307 公顷）", "茶园", "已作出决定"]
    page.session_state["lang"] = "en"
    page.run()
    assert [text.value for text in page.text] == ["12.46 mu (0.8307 ha)", "Tea garden", "Ordered"]
    page.session_state["lang"] = "fr"
    page.run()
    assert page.text[1].value == "茶园"


def test_the_address_can_choose_the_language() -> None:
    page = AppTest.from_function(speaking)
    page.query_params["lang"] = "en"
    page.run()
    assert page.text[1].value == "Tea garden"
