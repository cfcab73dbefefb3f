"""The screen of contracts: ending one, and drafting over more parcels than a screen lists."""

import pytest

from pages import _contract_form
from sinks.cooperative import contracts
from sinks.core import db
from sinks.core.actor import Actor
from tests import world
from tests.pages_help import calm, page_of, press, said, token_of


def test_a_contract_is_ended_with_its_reason(who: dict[str, Actor]) -> None:
    with db.transaction(who["registrar"]) as session:
        parcel_id = world.enrolled(session, who, world.land(0, 0, 200, 200))
        contract_id = world.contracted(session, who, [parcel_id])
    at = calm(page_of("contracts", token_of(who, "clerk")).run())
    calm(at.selectbox(key="contracts.choice").set_value(contract_id).run())
    at = press(at, f"contract.end.{contract_id}.ask")
    assert "恢复为已入库" in said(at)
    at = press(at, f"contract.end.{contract_id}.yes")
    assert "请写明合同终止的原因" in said(at)
    at.text_input(key=f"contracts.end.why.{contract_id}").set_value("协商解除")
    at = press(calm(at.run()), f"contract.end.{contract_id}.ask")
    at = press(at, f"contract.end.{contract_id}.yes")
    assert "已终止" in said(at) and "协商解除" in said(at)
    with db.transaction(who["clerk"]) as session:
        assert session.get_one(contracts.Contract, contract_id).status == "closed"


def test_more_parcels_than_a_screen_lists_are_found_by_typing(
    who: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_contract_form, "LISTED_MAX", 1)
    with db.transaction(who["registrar"]) as session:
        village = world.village_id(session)
        ids = [
            world.enrolled(session, who, world.land(1000 + 300 * n, 0, 200, 200), name=name)
            for n, name in enumerate(("东山-1", "东山-2", "西山-1"))
        ]
    at = calm(page_of("contracts", token_of(who, "clerk")).run())
    calm(at.selectbox(key="contracts.party").set_value(village).run())
    key = f"contracts.parcels.{village}"
    calm(at.text_input(key=f"{key}.search").set_value("东山").run())
    at = press(at, f"{key}.add")
    assert "已选 2 块" in said(at)
    calm(at.text_input(key=f"{key}.search").set_value("西山").run())
    at = press(at, f"{key}.add")
    assert "已选 3 块" in said(at)
    calm(at.text_input(key=f"{key}.search").set_value("东山-1").run())
    at = press(at, f"{key}.drop")
    assert "已选 2 块" in said(at)
    assert set(at.session_state[f"{key}.held"]) == set(ids[1:])
