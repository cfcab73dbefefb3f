"""The two certificates as PDF: what stands on them, in an embedded font, on as many pages as it takes."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from sinks.core import papers
from sinks.crediting.serials import Serial, certificate_number

NUMBER = certificate_number(2026, 1)
CASE = {
    "case_no": "（2026）浙0591刑初12号", "court": "湖州南太湖新区人民法院", "defendant_masked": "欧*",
    "purpose": "替代履行生态环境损害赔偿责任", "legal_basis": "法释〔2022〕16号第二十条",
    "site_area_m2": 2000.0, "ordered_kg": 33_000, "price_fen_t": 7341,
    "retired_at": "2026-11-22 11:00", "transfer_id": "0d7b8a62-55cd-4a0f-8a0e-3a4f5d6c1e22",
}  # fmt: skip


def line(number: int) -> dict[str, Any]:
    serial = Serial("HZ", "330523", "ZL", 7, 2024, 1, 1 + number * 100, (number + 1) * 100)
    return {
        "serial": str(serial), "vintage": 2024, "units": 100, "unit_kg": 10, "amount_kg": 1000,
        "project": "下街村毛竹林经营碳汇项目", "project_code": "HZ-330523-ZL-000007",
        "method_id": "moso-mgmt/1",
        "filing_no": "湖林碳备〔2026〕7号", "sink_type": "bamboo", "district_code": "330523",
    }  # fmt: skip


def printed(kind: str, lines: int, *, demonstration: bool = False, **more: Any) -> PdfReader:
    values = {
        "lines": [line(number) for number in range(lines)], "amount_kg": lines * 1000,
        "demonstration": demonstration, "number": NUMBER, "check_url": "http://localhost/x",
        "issued_at": datetime(2026, 11, 22, 3, tzinfo=UTC), "key_id": "0123456789abcdef",
        "qr": papers.qr_svg("http://localhost:8501/public/check?c=" + "A" * 600),
        **more,
    }  # fmt: skip
    return PdfReader(io.BytesIO(papers.pdf(f"certificate_{kind}.html", values)))


def text_of(pdf: PdfReader) -> str:
    return "".join("".join(page.extract_text() for page in pdf.pages).split())


def test_the_retirement_certificate_says_all_a_court_file_needs() -> None:
    pdf = printed("retirement", 2, **CASE)
    text = text_of(pdf)
    assert len(pdf.pages) == 1
    for said in (
        "碳汇量注销证书", NUMBER, "2,000kgCO2e", "2.000tCO2e", "（2026）浙0591刑初12号", "欧*",
        "湖州南太湖新区人民法院", "湖林碳备〔2026〕7号", "2024", "3.00亩（0.2000公顷）", "33,000kgCO2e",
        str(line(0)["serial"]), str(line(1)["serial"]), "法释〔2022〕16号第二十条",
        "本证书仅证明所列碳汇量已核销，不证明修复义务已履行，不得用于抵销或宣传。", "2026年11月22日",
        "73.41元/吨", "2026-11-2211:00", "0d7b8a62-55cd-4a0f-8a0e-3a4f5d6c1e22", "moso-mgmt/1",
        "Certificateofretirement",
    ):  # fmt: skip
        assert said in text, said
    assert "演示数据" not in text


def test_a_retirement_of_three_vintages_fits_one_page_with_the_band_of_the_demonstration() -> None:
    assert len(printed("retirement", 3, demonstration=True, **CASE).pages) == 1


def test_the_holding_certificate_names_the_holder() -> None:
    text = text_of(printed("holding", 1, holder="𬭼岭 <两山> 合作社"))
    assert "碳汇量持有证书" in text and "𬭼岭<两山>合作社" in text and "不是流通凭证" in text


@pytest.mark.parametrize(
    ("kind", "more"), [("holding", {"holder": "合作社"}), ("retirement", CASE)]
)
def test_a_demonstration_says_so_on_every_page_and_the_head_of_a_long_list_comes_again(
    kind: str, more: dict[str, Any]
) -> None:
    pdf = printed(kind, 120, demonstration=True, **more)
    assert len(pdf.pages) > 2
    pages = ["".join(page.extract_text().split()) for page in pdf.pages]
    for number, page in enumerate(pages, start=1):
        assert "演示数据synthetic，不具法律效力" in page
        assert NUMBER in page and f"第{number}页/共{len(pages)}页" in page
    assert all("Serialrange" in page for page in pages[:-1])
    text = "".join(pages)
    assert all(str(line(number)["serial"]) in text for number in range(120))


def test_every_font_is_embedded() -> None:
    fonts = []
    for page in printed("retirement", 2, demonstration=True, **CASE).pages:
        for reference in page["/Resources"]["/Font"].values():
            font = reference.get_object()
            inner = font.get("/DescendantFonts")
            font = inner[0].get_object() if inner else font
            descriptor = font["/FontDescriptor"]
            fonts.append(str(font["/BaseFont"]))
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
    assert any("Noto-Serif-CJK" in font or "NotoSerifCJK" in font for font in fonts), fonts
