"""Serial numbers of credits and numbers of certificates, each guarded by two check characters.

    HZ-330523-ZL-000007-2024-01-000000001-000002000-2X      a range of units of one batch
    HZC-2026-000001-XX                                      a certificate

The check is ISO 7064 MOD 1271-36 over everything before it, without the hyphens. It finds every
single wrong character and every swap of two neighbours. All fields but the batch have a fixed
width, so the hyphens carry nothing and a misplaced one is refused. The owner and the state of a
credit are never in its serial. What people type (spaces, small letters, full-width characters,
long dashes) is put right before reading; a letter or a digit is never put right.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

from sinks.core.errors import Invalid

TYPE_CODE_BY_SINK = MappingProxyType(
    {"bamboo": "ZL", "wetland": "SD", "farmland": "NT", "tea": "CY", "other": "QT"}
)
SINK_BY_TYPE_CODE = MappingProxyType({code: sink for sink, code in TYPE_CODE_BY_SINK.items()})
PROGRAMME = "HZ"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS = 1271
_RADIX = 36
_SERIAL = re.compile(
    r"([A-Z]{2})-([1-9][0-9]{5})-([A-Z]{2})-([0-9]{6})-(20[0-9]{2})-([0-9]{2}|[1-9][0-9]{2,3})"
    r"-([0-9]{9})-([0-9]{9})-([0-9A-Z]{2})"
)
_CERTIFICATE = re.compile(r"HZC-(20[0-9]{2})-([0-9]{6})-([0-9A-Z]{2})")
# Full-width ASCII to ASCII, then small letters to capitals and every dash to the hyphen.
_SAME = (
    {code: chr(code - 0xFEE0).upper() for code in range(0xFF01, 0xFF5F)}
    | {code: chr(code).upper() for code in range(ord("a"), ord("z") + 1)}
    | dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
    | dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), None)
)


@dataclass(frozen=True)
class Serial:
    """A range of units of one batch, ``first`` to ``last``, both included.

    county_code : GB/T 2260, six digits; type_code : a key of `SINK_BY_TYPE_CODE`;
    project : its number within county and type; vintage : the year the removal happened;
    batch : its number within project and vintage.

    Raises
    ------
    Invalid
        ``serial_field`` when a part is outside what a serial can write
    """

    programme: str
    county_code: str
    type_code: str
    project: int
    vintage: int
    batch: int
    first: int
    last: int

    def __post_init__(self) -> None:
        fields = (
            ("计划代码", re.fullmatch("[A-Z]{2}", self.programme) is not None, self.programme),
            (
                "县区代码",
                re.fullmatch("[1-9][0-9]{5}", self.county_code) is not None,
                self.county_code,
            ),
            ("类型代码", self.type_code in SINK_BY_TYPE_CODE, self.type_code),
            ("项目序号", 1 <= self.project <= 999_999, self.project),
            ("年份", 2000 <= self.vintage <= 2099, self.vintage),
            ("批次", 1 <= self.batch <= 9_999, self.batch),
            ("起号", 1 <= self.first <= 999_999_999, self.first),
            ("止号", self.first <= self.last <= 999_999_999, self.last),
        )
        for name, right, value in fields:
            if not right:
                raise Invalid(f"序列号的{name} {value} 超出范围，请核对。", code="serial_field")

    @property
    def units(self) -> int:
        """How many units the range holds."""
        return self.last - self.first + 1

    @property
    def check(self) -> str:
        """The two check characters."""
        return check_characters(self._body().replace("-", ""))

    def _body(self) -> str:
        return (
            f"{self.programme}-{self.county_code}-{self.type_code}-{self.project:06d}"
            f"-{self.vintage:04d}-{self.batch:02d}-{self.first:09d}-{self.last:09d}"
        )

    def __str__(self) -> str:
        return f"{self._body()}-{self.check}"


def check_characters(text: str) -> str:
    """The two ISO 7064 MOD 1271-36 characters for a text of digits and capital letters."""
    remainder = 0
    for character in text:
        remainder = (remainder * _RADIX + _ALPHABET.index(character)) % _MODULUS
    # The whole number, check included, has to leave 1.
    check = (1 - remainder * _RADIX**2) % _MODULUS
    return _ALPHABET[check // _RADIX] + _ALPHABET[check % _RADIX]


def format_serial(serial: Serial) -> str:
    """The serial as it is printed, with its check characters."""
    return str(serial)


def parse_serial(text: str) -> Serial:
    """The serial that ``text`` writes.

    Raises
    ------
    Invalid
        ``serial_form``, ``serial_check`` (mistyped), ``serial_field``
    """
    found = _SERIAL.fullmatch(_normalised(text))
    if found is None:
        raise Invalid(
            f"“{text}”不是碳汇序列号。序列号形如 "
            "HZ-330523-ZL-000007-2024-01-000000001-000002000-2X，请照证书填写。",
            code="serial_form",
        )
    *body, check = found.groups()
    if check_characters("".join(body)) != check:
        raise Invalid(
            f"序列号“{text}”的校验码不符，至少有一个字符抄错，请对照证书重填。",
            code="serial_check",
        )
    programme, county_code, type_code, *numbers = body
    return Serial(programme, county_code, type_code, *map(int, numbers))


def certificate_number(year: int, sequence: int) -> str:
    """The number of the certificate that is the ``sequence``-th of its year.

    Raises
    ------
    Invalid
        ``certificate_field``
    """
    if not (2000 <= year <= 2099 and 1 <= sequence <= 999_999):
        raise Invalid(
            f"证书编号的年份 {year} 须在 2000 至 2099 之间，顺序号 {sequence} 须在 1 至 999999 之间。",
            code="certificate_field",
        )
    return f"HZC-{year}-{sequence:06d}-{check_characters(f'HZC{year}{sequence:06d}')}"


def check_certificate_number(text: str) -> str:
    """The certificate number that ``text`` writes, in the one form the registry stores.

    A right number is no proof that such a certificate was issued: look it up.

    Raises
    ------
    Invalid
        ``certificate_form``, ``certificate_check`` (mistyped)
    """
    normal = _normalised(text)
    found = _CERTIFICATE.fullmatch(normal)
    if found is None or int(found[2]) == 0:
        raise Invalid(
            f"“{text}”不是证书编号。编号形如 {certificate_number(2026, 1)}，请照证书填写。",
            code="certificate_form",
        )
    if check_characters(f"HZC{found[1]}{found[2]}") != found[3]:
        raise Invalid(
            f"证书编号“{text}”的校验码不符，至少有一个字符抄错，请对照证书重填。",
            code="certificate_check",
        )
    return normal


def same_number(one: str, other: str) -> bool:
    """Whether two people have typed the same number, each in their own way."""
    return _normalised(one) == _normalised(other)


def _normalised(text: str) -> str:
    return "".join(text.translate(_SAME).split())
