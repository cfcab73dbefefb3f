"""The history of a parcel in English, from the codes and values of its events.

What people wrote themselves (reasons, names, numbers of papers) stays as they wrote it.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pages import _words
from pages._words import t
from sinks.cooperative.parcel_history import Event

Values = Mapping[str, Any]

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "parcel.create": "Parcel created",
        "parcel.draft": "Sent back to draft",
        "parcel.submitted": "Submitted",
        "parcel.rights_reviewed": "Papers of the rights reviewed",
        "parcel.enrolled": "Enrolled",
        "parcel.under_contract": "Under a collection contract",
        "parcel.suspended": "Suspended",
        "parcel.withdrawn": "Withdrawn",
        "parcel.expired": "Enrolment expired: no contract and no measurement in time",
        "transfer.propose": "Transfer of a right filed, to be reviewed",
        "transfer.accept": "Transfer of a right accepted",
        "transfer.refuse": "Transfer of a right refused",
        "claim.cover": "Claim moved back to the start of a round",
        "right.remove": "A right that was not reviewed removed",
        "shape.take": "Outline taken from the county's map",
        "consent.record": "Consent of the collective recorded",
        "consent.retract": "Consent of the collective retracted",
        "consent.take_over": "Consent of the collective taken over",
        "attribute.record": "Attribute recorded, to be reviewed",
        "attribute.review": "Attribute accepted",
        "attribute.refuse": "Attribute refused",
        "attribute.take_over": "Attribute taken over, to be reviewed",
        "project.leave": "Left its project",
        "parcel.contract_left": "Its collection contract has ended",
    }
)
MARKS: Mapping[str, str] = MappingProxyType(
    {
        "overlap": "overlaps {other} by {area_m2:,.1f} m²",
        "declared_area": "drawn {area_m2:+,.0f} m² against the declared area, more than 5 %",
        "near_outside": "partly outside the districts",
        "small": "smaller than one mu",
        "thin": "too thin",
        "succession": "came by a split or a merge; another officer reviews its rights",
        "inherit_tea_certification": "the merged parcels differed in their tea certificate",
        "inherit_land_class": "the merged parcels differed in their land class",
        "inherit_wetland": "the merged parcels differed in their standing as a wetland",
        "inherit_consent": "the merged parcels differed in the consent of the collective",
    }
)


# What the program itself writes as a source or a reason.
WRITTEN: tuple[tuple[str, str], ...] = (
    (r"^勾绘$", "drawn"),
    (r"^坐标输入$", "typed corners"),
    (r"^重新勾绘$", "drawn anew"),
    (r"^拆并权属已复核$", "its rights were reviewed"),
    (r"^已复核录入：(.*)$", r"recorded and reviewed: \1"),
    (r"^由 (.*) 拆分$", r"split from \1"),
    (r"^由 (.*) 合并$", r"merged from \1"),
    (r"^第 (\d+) 号重叠争议：.*$", r"overlap case \1"),
)


def written(text: str) -> str:
    """A source or a reason: in English where the program wrote it, else as the person did."""
    for pattern, said in WRITTEN:
        if re.search(pattern, text):
            return re.sub(pattern, said, text).replace("、", ", ")
    return text


def words(event: Event) -> str:
    """An event in the language of the person."""
    return t(event.text, english(event))


def english(event: Event) -> str:
    """An event in English; as it was written where it has no code."""
    if event.code in STEPS:
        return STEPS[event.code] + _why(event.values)
    said = SENTENCES.get(event.code)
    return said(event.values) if said else event.text


def _why(values: Values) -> str:
    said = [written(str(values["reason"]))] if values.get("reason") else []
    if values.get("from"):
        said.append(f"from {', '.join(values['from'])}")
    said += [str(values[key]) for key in ("said", "starts_on") if values.get(key)]
    return f" ({'; '.join(said)})" if said else ""


def _right(values: Values) -> str:
    share = "" if values["share"] == 1 else f", share {values['share'].normalize():f}"
    ended = f", ended {values['ended_on']}" if values["ended_on"] else ""
    return f"{_kind(values)} of {values['holder']}{share}, {values['certificate_no']}{ended}"


def _kind(values: Values) -> str:
    return str(values["kind"]).replace("_", " ").capitalize()


def _mark(values: Values) -> str:
    pattern = MARKS.get(values["mark"])
    known = pattern is not None and not (
        ("{area_m2" in pattern and values["area_m2"] is None)
        or ("{other}" in pattern and values["other"] is None)
    )
    return pattern.format(**values) if pattern and known else str(values["message"])


def _case(values: Values) -> str:
    return f"Overlap case {values['id']} ({_words.OVERLAPS[values['kind']][1]})"


def _kin(values: Values) -> str:
    done = {"split": "Split", "merge": "Merged"}[values["kind"]]
    way = "from" if values["side"] == "parent" else "into"
    return f"{done} {way} {values['codes'].replace('、', ', ')}: {values['reason']}"


def _contract(values: Values) -> str:
    ended = f"ended on {values['ended_on']}: {values['end_reason']}" if values["ended_on"] else ""
    state = "in force" if values["standing"] else ended or "not signed, or over this parcel no more"
    return (
        f"Collection contract {values['number']}, {values['term_from']} to {values['term_to']}"
        f" ({state})"
    )


SENTENCES: Mapping[str, Callable[[Values], str]] = MappingProxyType(
    {
        "outline": lambda v: (
            f"Outline {v['number']}, {v['area_m2']:,.1f} m², source: {written(v['source'])}, "
            f"fingerprint {v['sha256']}"
        ),
        "right": _right,
        "right_reviewed": lambda v: f"{_kind(v)} of {v['holder']} reviewed",
        "claim": lambda v: (
            f"Land claimed from {v['starts_on']} "
            + (f"until {v['ends_on']}" if v["ends_on"] else "on")
            + f", {v['area_m2']:,.1f} m² creditable"
        ),
        "contract": _contract,
        "round": lambda v: (
            f"In the round {v['start']} to {v['end']}, now “{_words.ROUND[v['status']].en}”"
        ),
        "measured": lambda v: f"Its share of a measurement: {v['co2_t']:,.3f} t CO2",
        "credit": lambda v: (
            f"{v['amount_kg']:,} kg CO2 of {v['vintage']} issued "
            f"({_words.POOLS.get(v['pool'], (v['pool'], v['pool']))[1]})"
        ),
        "mark": lambda v: f"Doubt: {_mark(v)}",
        "mark_closed": lambda v: f"Doubt settled: {_mark(v)} ({written(str(v['reason']))})",
        "case": lambda v: f"{_case(v)} opened",
        "case_decided": lambda v: (
            f"{_case(v)} decided: {_words.OUTCOMES[v['outcome']][1]} ({v['reason']})"
        ),
        "succession": _kin,
        "succession_reviewed": lambda v: "The rights after it are reviewed",
    }
)
