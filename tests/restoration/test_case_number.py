"""Case numbers: what the specification accepts and refuses, and the warning about the court."""

import pytest

from sinks.core.errors import Invalid
from sinks.restoration import case_number


@pytest.mark.parametrize(
    ("text", "court_code", "type_code", "number", "part"),
    [
        ("（2023）浙0521刑初123号", "浙0521", "刑初", 123, ""),
        ("（2023）浙05民终7号", "浙05", "民终", 7, ""),
        ("（2023）浙0523执恢88号之一", "浙0523", "执恢", 88, "之一"),
        ("（2023）苏05知民初9号", "苏05", "知民初", 9, ""),
        ("（2024）浙民终12345678号", "浙", "民终", 12345678, ""),
        ("（2024）最高法知民终1号", "最高法", "知民终", 1, ""),
    ],
)
def test_a_case_number_is_read_in_its_parts(
    text: str, court_code: str, type_code: str, number: int, part: str
) -> None:
    case = case_number.parse(text)
    assert case.text == text
    assert (case.court_code, case.type_code, case.number, case.part) == (
        court_code,
        type_code,
        number,
        part,
    )
    assert case.year == int(text[1:5])


@pytest.mark.parametrize(
    "text",
    [
        "(2023)浙0521刑初123号",
        "〔2023〕浙0521刑初123号",
        "[2023]浙0521刑初123号",
        "【2023】浙0521刑初123号",
        " （2023） 浙0521 刑初 123 号\n",
        "（２０２３）浙０５２１刑初１２３号",
        "（2023\u3000）浙0521刑初123号\u200b",
        "［２０２３］浙0521刑初123号",
    ],
)
def test_one_case_written_in_many_ways_is_one_number(text: str) -> None:
    assert case_number.parse(text).text == "（2023）浙0521刑初123号"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("（2023）浙0521刑初0号", "case_number_form"),
        ("（2023）浙0521刑初012号", "case_number_form"),
        ("（2023）浙052刑初123号", "case_number_form"),
        ("（2023）浙05211刑初123号", "case_number_form"),
        ("（2023）浙0521刑初123456789号", "case_number_form"),
        ("（2023）浙0521刑初123", "case_number_form"),
        ("（1023）浙0521刑初123号", "case_number_form"),
        ("（2023）0521刑初123号", "case_number_form"),
        ("（2023）湖0521刑初123号", "case_number_form"),
        ("2023浙0521刑初123号", "case_number_form"),
        ("（2023）浙0521刑初123号之", "case_number_form"),
        ("（2023）浙0521刑初१२३号", "case_number_form"),
        ("", "case_number_form"),
        ("湖检刑诉〔2023〕12号", "case_number_prosecutor"),
        ("浙湖南检刑诉（2024）5号", "case_number_prosecutor"),
        ("（2015）湖德刑初字第12号", "case_number_before_2016"),
        ("（2015）浙0521刑初12号", "case_number_before_2016"),
    ],
)
def test_what_is_no_case_number_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        case_number.parse(text)
    assert caught.value.code == code
    assert text in caught.value.message


@pytest.mark.parametrize(
    "text", ["（2023）浙0591刑初1号", "（2023）浙05民终7号", "（2018）浙0521刑初9号"]
)
def test_the_right_court_gives_no_warning(text: str) -> None:
    assert case_number.court_warnings(case_number.parse(text)) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("（2023）浙0521刑初123号", "德清县人民法院"),
        ("（2023）浙0523执恢88号之一", "安吉县人民法院"),
        ("（2023）苏05知民初9号", "苏05"),
    ],
)
def test_another_court_gives_a_warning_and_no_refusal(text: str, word: str) -> None:
    (warning,) = case_number.court_warnings(case_number.parse(text))
    assert word in warning


def test_the_table_of_courts_is_data() -> None:
    case = case_number.parse("（2031）浙0599刑初1号")
    courts = {"浙0599": "某法院"}
    assert case_number.court_warnings(case, courts=courts, environment_court="浙0599") == []
    assert case_number.court_warnings(case) != []
