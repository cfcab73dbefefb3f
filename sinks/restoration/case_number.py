"""The number of a court case (案号), as written and as compared.

Form since 1 January 2016: （year）court code, type code, number, 号; for example
（2023）浙0521刑初123号. People type other brackets, spaces and full-width digits, so a number is
normalised before it is stored or compared. The numbers of prosecutors (湖检刑诉〔2023〕12号) and of
cases before 2016 (…字第12号) are other things and are refused here.

Which court hears which case is data that changes. A court that does not fit is a warning, because
the registry is not the one to tell a court what it may hear.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sinks.core.errors import Invalid

# First values for the registrar's table of courts. 浙05 and its counties are well known;
# 浙0591 is not confirmed by any document read, so the warning points to the court's own paper.
HUZHOU_COURTS = MappingProxyType(
    {
        "浙05": "湖州市中级人民法院",
        "浙0502": "湖州市吴兴区人民法院",
        "浙0503": "湖州市南浔区人民法院",
        "浙0521": "德清县人民法院",
        "浙0522": "长兴县人民法院",
        "浙0523": "安吉县人民法院",
        "浙0591": "湖州南太湖新区人民法院",
    }
)
HUZHOU_ENVIRONMENT_COURT = "浙0591"
# It hears the first instance and the enforcement of all environment cases of the city since
# 15 October 2019.
HUZHOU_ENVIRONMENT_COURT_SINCE = 2019

_PATTERN = re.compile(
    r"（(?P<year>20[0-9]{2})）"
    r"(?P<court>最高法|[京津冀晋内辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川黔云藏陕甘青宁新兵军]"
    r"(?:[0-9]{4}|[0-9]{2})?)"
    r"(?P<type>[一-龥]{1,6})"
    r"(?P<number>[1-9][0-9]{0,7})号"
    r"(?P<part>之[一二三四五六七八九十]+)?"
)
_OPENING = "([〔【［﹙"
_CLOSING = ")]〕】］﹚"
# Full-width ASCII to ASCII, every bracket to the one the courts print, invisible marks to nothing.
_SAME = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, _OPENING + "（"), "（")
    | dict.fromkeys(map(ord, _CLOSING + "）"), "）")
    | dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), None)
)


@dataclass(frozen=True)
class CaseNumber:
    """A case number in its parts; ``text`` is the normalised whole, the key to compare by."""

    text: str
    year: int
    court_code: str
    type_code: str
    number: int
    part: str


def normalise(text: str) -> str:
    """The number with the courts' brackets, half-width digits and no spaces; checks nothing."""
    return "".join(text.translate(_SAME).split())


def parse(text: str) -> CaseNumber:
    """The parts of a case number written in any of the usual ways.

    Raises
    ------
    Invalid
        ``case_number_prosecutor``, ``case_number_before_2016``, ``case_number_form``
    """
    normal = normalise(text)
    example = "案号形如（2023）浙0521刑初123号，请照裁判文书填写。"
    if re.search("检.*（20[0-9]{2}）", normal):
        raise Invalid(
            f"“{text}”是检察机关的文号，不是法院案号，请填在检察文号一栏。",
            code="case_number_prosecutor",
        )
    found = _PATTERN.fullmatch(normal)
    if "字第" in normal or (found and int(found["year"]) < 2016):
        raise Invalid(
            f"“{text}”不是2016年1月1日以后的案号，本登记簿不收此前的案件。{example}",
            code="case_number_before_2016",
        )
    if found is None:
        raise Invalid(
            f"“{text}”不是法院案号：须依次为年份、法院代字、类型代字、编号（不以0开头）和“号”。{example}",
            code="case_number_form",
        )
    return CaseNumber(
        normal,
        int(found["year"]),
        found["court"],
        found["type"],
        int(found["number"]),
        found["part"] or "",
    )


def court_warnings(
    case: CaseNumber,
    *,
    courts: Mapping[str, str] = HUZHOU_COURTS,
    environment_court: str = HUZHOU_ENVIRONMENT_COURT,
) -> list[str]:
    """What is odd about the court of a Huzhou environment case; empty when nothing is.

    Never a refusal. courts : name by court code; environment_court : the code of the court that
    hears the first instance and the enforcement of the city's environment cases.
    """
    if case.court_code not in courts:
        return [f"法院代字“{case.court_code}”不在湖州法院之列，请核对案号与管辖。"]
    concentrated = case.type_code.endswith("初") or case.type_code.startswith("执")
    since = case.year >= HUZHOU_ENVIRONMENT_COURT_SINCE
    if since and concentrated and case.court_code != environment_court:
        return [
            f"案号的法院是{courts[case.court_code]}；2019年10月15日起湖州的环境资源一审和执行案件由"
            f"{courts.get(environment_court, environment_court)}集中管辖（代字登记为{environment_court}，"
            "以法院文书为准）。请核对，确认无误可继续。"
        ]
    return []
