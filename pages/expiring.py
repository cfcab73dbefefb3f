"""到期提醒: rights on parcels and collection contracts that run out soon, or have run out."""

import streamlit as st

from pages import _kit, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.cooperative import expiring
from sinks.core import db

MONTHS = (3, 6, 12, 24, 60)


def main() -> None:
    """Choose how far ahead to look, and show the list."""
    person = _session.page(t("到期提醒", "Running out"), *expiring.READERS)
    months = st.segmented_control(
        t("多少个月之内", "Within so many months"), MONTHS, default=expiring.MONTHS,
        key="expiring.months", required=True,
    )  # fmt: skip
    with db.transaction(person) as session:
        found = expiring.listing(session, person, int(months or expiring.MONTHS))
    if not found:
        _kit.empty(
            t(
                f"{months} 个月内没有到期的权利或合同。",
                f"No right or contract ends within {months} months.",
            )
        )
        return
    _kit.table(
        [
            {
                "term_to": one.term_to,
                "left": _kit.chip(
                    t(f"已过 {-one.days_left} 天", f"{-one.days_left} days ago"), _words.RED
                )
                if one.days_left <= 0
                else _kit.chip(
                    t(f"还有 {one.days_left} 天", f"{one.days_left} days"),
                    _words.AMBER if one.days_left <= 92 else _words.GREY,
                ),
                "what": one.title or t("碳汇收储合同", "Collection contract"),
                "paper": one.paper,
                "parcels": _kit.beside(
                    *(
                        _kit.link(code, f"/parcels?id={parcel_id}")
                        for parcel_id, code in list(
                            zip(one.parcel_ids, one.parcel_codes, strict=True)
                        )[:3]
                    ),
                    *([t(f"等 {len(one.parcel_ids)} 块", f"of {len(one.parcel_ids)}")]
                      if len(one.parcel_ids) > 3 else []),
                ),
                "party": one.party_name,
            }
            for one in found
        ],
        [
            Column("term_to", t("到期日", "Ends on")),
            Column("left", t("期限", "Left")),
            Column("what", t("种类", "What")),
            Column("paper", t("证书或合同编号", "Number")),
            Column("parcels", t("地块", "Parcels")),
            Column("party", t("权利人", "Party")),
        ],
    )  # fmt: skip
    st.caption(
        t(
            "到期日当天起不再有效。续期请录入新的权利或合同，旧的保留。",
            "From that day on it no longer holds. Renewals are new rows; the old ones are kept.",
        )
    )


main()
