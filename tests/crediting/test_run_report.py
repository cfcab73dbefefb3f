"""The report of a run: whatever the number rests on stands on the paper."""

import io
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy.orm import Session

from methodologies import catalogue
from sinks.core.actor import Actor
from sinks.core.errors import NotFound, NotPermitted
from sinks.crediting import rounds, run_report
from sinks.crediting.run_report import shown
from sinks.land.parcels import Parcel
from sinks.measurement import layers, runs
from tests import world


def test_every_input_factor_and_intermediate_number_is_on_the_paper(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    row = rounds.get(session, story.round_id)
    run = rounds.run_of(session, row)
    content = run_report.report(session, people["clerk"], story.round_id)
    pages = PdfReader(io.BytesIO(content)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    for value in (*run.result["intermediate"].values(), *run.result.values()):
        if isinstance(value, float):
            assert shown(value) in text, value
    for plot in run.input["strata"][0]["plots"]:
        assert plot["id"] in text and shown(plot["map_agb_t_ha_start"]) in text
    for factor_id in catalogue.method("moso-mgmt/1").factor_ids:
        assert factor_id in text, factor_id
    for layer_id in (row.layer_start_id, row.layer_end_id):
        assert layers.get(session, layer_id).sha256 in text
    for parcel_id in story.parcel_ids:
        assert session.get_one(Parcel, parcel_id).code in text
    for said in ("44/12", "根茎比R", "AR-TOOL14", runs.sha256_of_text(run.result_json), "\\frac"):
        assert (said in text) is (said != "\\frac"), said
    assert "演示数据" in "".join(pages[-1].extract_text().split())
    assert world.HOUSEHOLD not in text


def test_the_page_says_what_the_paper_says_and_asks_nobody(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    run = rounds.run_of(session, rounds.get(session, story.round_id))
    page = run_report.report(session, people["clerk"], story.round_id, form="html").decode()
    for value in run.result["intermediate"].values():
        if isinstance(value, float):
            assert shown(value) in page, value
    [biomass, _] = run.result["components"]
    assert f"{biomass['co2e_t']:,.3f} tCO₂e ±" in page
    assert "因子 moso.R ± 1 标准差" in page and "期末竹株 · 胸径" in page
    assert "src=" not in page and "@import" not in page and "<script" not in page


def test_a_run_of_another_round_or_a_stranger_gets_no_report(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    with pytest.raises(NotFound):
        run_report.report(session, people["clerk"], story.round_id, 999_999)
    with pytest.raises(NotPermitted):
        run_report.report(session, people["appraiser"], story.round_id)
