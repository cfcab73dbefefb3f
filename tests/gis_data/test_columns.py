"""What columns are called, and what their values become."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_data import columns
from gis_data.refusals import FileRefused


def test_the_national_field_names_are_known() -> None:
    fields = ["SHENG", "XIAN", "XIANG", "CUN", "LIN_BAN", "XIAO_BAN", "DI_LEI", "QI_YUAN", "LIN_ZHONG",
              "YOU_SHI_SZ", "PO_XIANG", "PO_DU", "TDQS", "LMQS", "LQ_QLR", "MIAN_JI"]  # fmt: skip
    assert columns.suggest(fields) == {
        "province": "SHENG", "county": "XIAN", "township": "XIANG", "village": "CUN",
        "compartment": "LIN_BAN", "subcompartment": "XIAO_BAN", "land_class": "DI_LEI",
        "origin": "QI_YUAN", "forest_category": "LIN_ZHONG", "species": "YOU_SHI_SZ",
        "slope_aspect": "PO_XIANG", "slope_deg": "PO_DU", "land_right": "TDQS",
        "forest_right": "LMQS", "holder": "LQ_QLR", "declared_area": "MIAN_JI:ha",
    }  # fmt: skip


def test_local_names_are_known_in_full_width_and_cut_by_a_dbf() -> None:
    assert columns.suggest(["林班", "小班号", "权属", "面积（亩）", "Lin Ban 2"]) == {
        "compartment": "林班", "subcompartment": "小班号", "land_right": "权属",
        "declared_area": "面积（亩）:mu",
    }  # fmt: skip
    cut_gbk = "不动产权证书号".encode("gbk")[:10].decode("gbk")
    cut_utf8 = "林权证编号".encode()[:10].decode(errors="ignore")
    assert columns.suggest([cut_gbk]) == {"certificate_no": "不动产权证"}
    assert columns.suggest([cut_utf8]) == {"certificate_no": "林权证"}


def test_two_columns_that_could_be_the_same_are_left_to_a_person() -> None:
    assert columns.suggest(["MIAN_JI", "面积", "小班"]) == {"subcompartment": "小班"}
    assert columns.suggest(["面积"]) == {"declared_area": "面积"}


def test_no_name_means_two_things() -> None:
    names = [name for about in columns.MEANINGS.values() for name in about.names]
    assert all(len(columns.meanings_of(name)) == 1 for name in names)


@pytest.mark.parametrize("value", ["0012", " 0012 ", "００１２", "\u200b0012"])
def test_a_code_keeps_its_zeros(value: str) -> None:
    done = columns.apply({"compartment": "LIN_BAN"}, {"LIN_BAN": value})
    assert done.values == {"compartment": "0012"} and done.questions == []


def test_a_code_that_a_table_made_a_number_is_asked_about() -> None:
    done = columns.apply(
        {"compartment": "LIN_BAN", "subcompartment": "XB"}, {"LIN_BAN": 12.0, "XB": 7}
    )
    assert done.values == {"compartment": "12", "subcompartment": "7"}
    assert [question.code for question in done.questions] == ["code_was_number"]


def test_a_certificate_stays_as_it_was_typed() -> None:
    number = "浙（2023）安吉县不动产权第0012345号"
    done = columns.apply({"certificate_no": "权证号"}, {"权证号": f"　{number} "})
    assert done.values["certificate_no"] == number


@pytest.mark.parametrize(
    ("value", "unit", "area_m2"),
    [
        ("15", "mu", 10_000.0),
        ("１５．０", "mu", 10_000.0),
        ("15亩", None, 10_000.0),
        ("1,500 亩", "mu", 1_000_000.0),
        ("1.5公顷", "ha", 15_000.0),
        ("1.5 hm²", None, 15_000.0),
        (1.5, "ha", 15_000.0),
        ("666 m2", None, 666.0),
        ("666㎡", "m2", 666.0),
        (0, "mu", 0.0),
    ],
)
def test_an_area_is_read_in_its_unit(value: object, unit: str | None, area_m2: float) -> None:
    assert columns.area_m2(value, unit) == pytest.approx(area_m2, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "unit"),
    [("1公顷", "mu"), ("15", None), ("1,5", "mu"), ("-3", "mu"), ("约15亩", "mu"), ("1顷", "mu"),
     ("nan", "mu"), ("=1+1", "mu"), ("1e999", "mu"), ("15亩亩", "mu")],
)  # fmt: skip
def test_an_area_that_could_be_something_else_is_not_read(value: str, unit: str | None) -> None:
    with pytest.raises(ValueError, match=r"面积|单位"):
        columns.area_m2(value, unit)


@pytest.mark.parametrize(
    "value",
    ["2024.5.1", "2024-05-01", "2024/5/1", "2024年5月1日", "20240501", 20240501, "45413", 45413,
     45413.0, "２０２４．５．１", "2024-05-01 00:00:00"],
)  # fmt: skip
def test_a_day_is_the_same_however_it_is_written(value: object) -> None:
    assert columns.day(value) == date(2024, 5, 1)


@pytest.mark.parametrize(
    "value", ["2024", 2024, "2024.5", "2024-13-01", "2024-02-30", "五月", 7, ""]
)
def test_what_is_no_day_is_not_guessed(value: object) -> None:
    with pytest.raises(ValueError, match="日期"):
        columns.day(value)


def test_what_cannot_be_read_is_a_question_and_no_value() -> None:
    done = columns.apply(
        {"declared_area": "面积:mu", "term_to": "止", "canopy_share": "郁"},
        {"面积": "十五", "止": "长期", "郁": "0,7"},
    )
    assert done.values == {"declared_area": None, "term_to": None, "canopy_share": None}
    assert [q.code for q in done.questions] == [
        "unread_declared_area", "unread_term_to", "unread_canopy_share",
    ]  # fmt: skip


def test_empty_cells_are_nothing_and_no_question() -> None:
    done = columns.apply({"name": "a", "declared_area": "b:mu"}, {"a": "  ", "b": None})
    assert done == columns.Normalised({"name": None, "declared_area": None})


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"tonnes": "a"}, "column_mapping"),
        ({"name": "b"}, "column_mapping"),
        ({"declared_area": "a"}, "declared_area_field"),
        ({"declared_area": "b:mu"}, "declared_area_field"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(
    mapping: dict[str, str], code: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        columns.refuse_unknown(mapping, ["a"])
    assert refused.value.code == code
    columns.refuse_unknown({"name": "a"}, ["a"])


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=2))
def test_a_number_survives_commas_and_full_width(value: Decimal) -> None:
    wide = f"{value:,.2f}".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789.,-"})
    assert columns.number(wide) == value


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers()))
def test_any_value_gives_an_answer_or_a_question(value: object) -> None:
    mapping = {
        meaning: "a:mu" if meaning == "declared_area" else "a" for meaning in columns.MEANINGS
    }
    done = columns.apply(mapping, {"a": value})
    assert done.values.keys() == mapping.keys()
