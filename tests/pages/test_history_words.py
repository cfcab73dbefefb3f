"""The history of a parcel in English: every kind of event has its sentence, with the same facts."""

import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from pages import _history_words
from sinks.cooperative import land_changes, parcel_history
from sinks.core.actor import Actor
from sinks.land import claims, marks, overlap_cases, succession
from tests import world
from tests.cooperative.test_land_changes import cut, issued, proposed

CHINESE = re.compile("[\u4e00-\u9fff]")
# What people typed, and names of holders and papers, are not translated.
TYPED = (
    "流转合同",
    "分户",
    "勾绘",
    "浙（",
    "收储-",
    "先登记",
    "同意",
    "王",
    "村",
    "由 ",
    "拆分",
    "动产权",
)


def test_every_step_that_is_told_in_chinese_is_told_in_english() -> None:
    assert parcel_history.STEPS_ZH.keys() == _history_words.STEPS.keys() - {"parcel.draft"} | (
        {"parcel.draft"}
    )


def test_a_whole_life_is_told_in_english(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    parent = story.parcel_ids[0]
    land_changes.accept_transfer(session, people["officer2"], proposed(session, people, parent))
    later = world.reviewed(session, people, world.land(350, 0, 200, 200))
    with pytest.raises(claims.LandTaken):
        claims.enrol(session, people["officer2"], later)
    case_id = overlap_cases.open_for(session, people["officer2"], later).id
    overlap_cases.propose(
        session, people["officer2"], case_id, outcome="other_stands", reason="先登记"
    )
    overlap_cases.decide(session, people["registrar2"], case_id, accept=True, reason="同意")
    row = land_changes.split(
        session, people["officer"], parent, cut(session, parent), reason="分户"
    )
    land_changes.review(session, people["officer2"], row.id)
    child = succession.of_side(session, row.id, "child")[0]
    told = [
        event
        for one in (parent, later, child)
        for event in parcel_history.history(session, one, names=False)
    ]
    assert {event.code for event in told} >= {
        "outline", "right", "right_reviewed", "claim", "contract", "round", "measured", "credit",
        "mark", "mark_closed", "case", "case_decided", "succession", "succession_reviewed",
    }  # fmt: skip
    for event in told:
        said = _history_words.english(event)
        assert said != event.text, event
        rest = said
        for typed in TYPED:
            rest = re.sub(f"[^ ,;(]*{re.escape(typed)}[^,;)]*", "", rest)
        assert not CHINESE.search(rest), said
        # The same numbers in both, to the last digit.
        numbers = re.findall(r"\d[\d,.-]*\d", event.text)
        assert [one for one in numbers if one not in said and one not in ("CO2",)] == [] or (
            event.code in ("mark", "mark_closed")
        ), (event.text, said)


def test_a_doubt_without_its_figures_stays_as_it_was_written() -> None:
    values = {"mark": "overlap", "message": "与 A 重叠", "area_m2": None, "other": None}
    assert _history_words._mark(values) == "与 A 重叠"
    assert _history_words._mark(values | {"mark": "small"}) == "smaller than one mu"
    assert marks.BLOCKING_MARKS and set(marks.BLOCKING_MARKS) <= _history_words.MARKS.keys()
