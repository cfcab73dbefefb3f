"""The demonstration: an invented registry in which every page has something to do.

Everything is made by the same functions that people use, each step by the person whose step it is,
committed step by step. Every party, person, layer, parcel, project, case and policy says 演示; real
are only the outlines of the districts and the names of villages.
"""

import tempfile
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import func, select

from sinks.cli import (
    demo_cases,
    demo_layers,
    demo_people,
    demo_projects,
    demo_records,
    demo_register,
    demo_tenure,
    demo_wetland,
)
from sinks.cli.demo_people import DemoPeople, DemoPerson, Stage
from sinks.core import db, policies
from sinks.core.errors import Conflict
from sinks.land.parcels import Parcel
from sinks.measurement import layers

__all__ = ["DemoPeople", "DemoPerson", "fill"]

LEGAL_BASIS = "演示值，不是登记机构的决定"
# The rest takes the value that the specifications suggest; for the cap they suggest none, and the
# figure is that of the method's worked example. What has neither stays undecided.
POLICY_VALUES = {
    "unit_kg": 10,
    "notice_days.project": 0,
    "notice_days.round": 0,
    "baseline.moso-mgmt": "steady_state",
    "baseline_n_cap_kg_ha.tea-n2o": 450,
}
# Proposed by the first registrar; it is the second one's to approve. It changes no result here.
WAITING_PROPOSAL = ("valid_share_min", 0.85)


def fill(admin_person_id: int, *, bind: sa.Engine | None = None) -> DemoPeople:
    """Fill an empty registry with the demonstration; give who can sign in to it.

    admin_person_id : the administrator whom the set-up has made; he brings in the second one

    Raises
    ------
    Conflict
        The registry already holds parcels: invented land does not go beside real land, and a
        filling that broke off is not continued but begun anew in an empty registry.
    """
    engine = bind or db.engine()
    _refuse_used(engine)
    stage, shown = demo_people.enter(engine, admin_person_id)
    _put_policies_in_force(stage)
    maps = _add_layers(stage)
    land = demo_register.add_land(stage)
    contract_ids = demo_register.add_contracts(stage, land)
    demo_projects.add_projects(stage, land, maps)
    demo_records.add(stage, land)
    demo_cases.add_cases(stage, layer_id=maps.end_id, contract_id=contract_ids["daxi"])
    demo_tenure.add(stage, land)
    demo_wetland.add(stage, land)
    demo_projects.certify_holdings(stage, contract_ids["yucun"])
    return shown


def _refuse_used(engine: sa.Engine) -> None:
    with db.transaction(bind=engine) as session:
        held = session.scalar(select(func.count()).select_from(Parcel)) or 0
    if held:
        raise Conflict(
            f"登记簿中已有 {held} 个地块，不能再写入演示数据。请换一个空的数据目录"
            "（SINKS_DATA_DIR）后再试。",
            code="demo_not_empty",
        )


def _put_policies_in_force(stage: Stage) -> None:
    """Two registrars put the policies in force, marked as demonstration; one more proposal waits."""
    with stage.acting("registrar1") as (session, actor):
        proposed = [
            policies.propose(
                session, actor, key=key, value=POLICY_VALUES.get(key, kind.suggested),
                legal_basis=LEGAL_BASIS, demonstration=True,
            ).id
            for key, kind in policies.KINDS.items()
            if key in POLICY_VALUES or kind.suggested is not None
        ]  # fmt: skip
    with stage.acting("registrar2") as (session, actor):
        today = db.today(session)
        for policy_id in proposed:
            policies.approve(session, actor, policy_id, valid_from=today)
    key, value = WAITING_PROPOSAL
    with stage.acting("registrar1") as (session, actor):
        policies.propose(
            session, actor, key=key, value=value, legal_basis=LEGAL_BASIS, demonstration=True
        )


def _add_layers(stage: Stage) -> demo_projects.Layers:
    ids = []
    with tempfile.TemporaryDirectory() as folder:
        written = demo_layers.write(Path(folder))
        with stage.acting("officer1") as (session, actor):
            for epoch in demo_layers.EPOCHS:
                layer = layers.add(
                    session, actor, written[epoch].agb, stderr_path=written[epoch].stderr,
                    name=f"毛竹地上生物量 {epoch.year}（{demo_layers.LABEL}）", variable="agb",
                    unit=demo_layers.UNIT, epoch=epoch, phase=demo_layers.PHASE,
                    licence="CC0（演示）", source="随机生成（sinks/cli/demo_layers.py）",
                    demonstration=True,
                )  # fmt: skip
                ids.append(layer.id)
            for epoch, path in demo_layers.write_land_cover(Path(folder)).items():
                layers.add(
                    session, actor, path, name=f"土地覆被 {epoch.year}（{demo_layers.LABEL}）",
                    variable="land_cover", unit=None, epoch=epoch, phase="unknown",
                    legend=demo_layers.COVER_LEGEND, licence="CC0（演示）",
                    source="随机生成（sinks/cli/demo_layers.py）", demonstration=True,
                )  # fmt: skip
    return demo_projects.Layers(*ids)
