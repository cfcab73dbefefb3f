"""The demonstration's projects: one has gone the whole way, the others wait at each step."""

from dataclasses import dataclass

import numpy as np
from shapely import MultiPolygon

from sinks.cli import demo_land, demo_layers
from sinks.cli.demo_people import MARK, Stage
from sinks.cli.demo_register import Land
from sinks.cooperative import contracts
from sinks.core import db
from sinks.crediting import (
    certificates,
    issuance,
    ledger,
    openings,
    projects,
    rounds,
    sample_designs,
    verification,
)
from sinks.crediting.ledger import AccountKind
from sinks.land import parcels
from sinks.measurement import plots

METHOD_ID = "moso-mgmt/1"
STRATA = ("一类竹林", "二类竹林")
# How the plots' biomass differs from the map's: a shared error of level that cancels in the change,
# and an error of the change [Mg/ha].
LEVEL_ERROR_T_HA = 4.0
CHANGE_BIAS_T_HA, CHANGE_ERROR_T_HA = -0.15, 2.0
STEPS = (
    "created", "published", "validated", "registered", "open", "measured", "notice", "findings",
    "verified", "recorded", "issued",
)  # fmt: skip
# Bamboo that is cut as before, and on which nothing is spread.
STATED = {
    "crown_closure": 0.75, "tree_closure": 0.05, "culm_height_m": 12.0, "culm_dbh_cm": 9.5,
    "wetland": False, "organic_soil": False, "law_breached": False, "litter_removed": False,
    "scattered_trees_removed": False, "deep_tillage": False, "fertiliser_covered": True,
    "management_measure": True, "fertiliser_n_kg_project": 0.0, "fertiliser_n_kg_baseline": 0.0,
    "organic_n_kg_project": 0.0, "organic_n_kg_baseline": 0.0, "urea_t_project": 0.0,
    "urea_t_baseline": 0.0, "fires": [], "culms_t_project": 60.0, "culms_t_baseline": 60.0,
    "tree_loss_co2_t": 0.0,
}  # fmt: skip
EVIDENCE = "演示：各年竹材销售台账与劈山抚育记录，没有施肥，没有过火。\n"
STATEMENT = "演示：经现场核查，项目符合方法学适用条件，边界、权属与样地记录一致。"


@dataclass(frozen=True, slots=True)
class Plan:
    """A project: whose, on which villages' land, with how many plots, up to which step."""

    key: str
    name: str
    clerk: str
    villages: tuple[str, ...]
    plots: int
    last: str
    # Of each stratum, drawn by the registry and not visited yet.
    drawn: int = 0


PLANS = (
    Plan("A", "天荒坪毛竹林经营碳汇项目", "clerk1", ("daxi", "yucun"), 30, "issued"),
    Plan("B", "横路村毛竹林经营碳汇项目", "clerk1", ("henglu",), 20, "recorded"),
    Plan("C", "刘家塘村毛竹林经营碳汇项目", "clerk1", ("liujiatang",), 20, "verified"),
    Plan("D", "横溪坞村毛竹林经营碳汇项目", "developer1", ("hengxiwu",), 16, "findings"),
    Plan("E", "统里村毛竹林经营碳汇项目", "clerk1", ("tongli",), 20, "notice"),
    Plan("F", "石岭村毛竹林经营碳汇项目", "clerk1", ("shiling",), 0, "measured"),
    Plan("G", "夏阳村毛竹林经营碳汇项目", "clerk2", ("xiayang",), 16, "open"),
    Plan("H", "劳岭村毛竹林经营碳汇项目", "clerk3", ("laoling",), 0, "created"),
    Plan("I", "仙潭村毛竹林经营碳汇项目", "clerk3", ("xiantan",), 0, "validated", drawn=8),
    Plan("J", "大竹园村毛竹林经营碳汇项目", "developer1", ("dazhuyuan",), 0, "published"),
    Plan("K", "景溪村毛竹林经营碳汇项目", "developer1", ("jingxi",), 12, "registered"),
)


@dataclass(frozen=True, slots=True)
class Layers:
    """The ids of the two biomass layers."""

    start_id: int
    end_id: int


def add_projects(stage: Stage, land: Land, layers: Layers) -> None:
    """Create every project and take it to its step."""
    for number, plan in enumerate(PLANS, start=1):
        _Way(stage, land, layers, plan, number).go()


def certify_holdings(stage: Stage, contract_id: int) -> str:
    """A holding certificate of what a contract of the Anji cooperative holds; its number."""
    with stage.acting("clerk1") as (session, actor):
        account = ledger.account(
            session, AccountKind.HOLDING, party_id=actor.party_id, contract_id=contract_id
        )
        return certificates.certify_holding(session, actor, account.id).number


@dataclass(slots=True)
class _Way:
    """One project on its way; each step is taken by the person whose step it is."""

    stage: Stage
    land: Land
    layers: Layers
    plan: Plan
    number: int
    project_id: int = 0
    round_id: int = 0

    def go(self) -> None:
        for step in STEPS[: STEPS.index(self.plan.last) + 1]:
            if step == "findings" and self.plan.last != "findings":
                continue
            getattr(self, f"_{step}")()

    def _created(self) -> None:
        strata = {}
        for key in self.plan.villages:
            for place, parcel_id in enumerate(self.land.parcel_ids[key]):
                strata[parcel_id] = STRATA[place % len(STRATA)]
        with self.stage.acting(self.plan.clerk) as (session, actor):
            self.project_id = projects.create(
                session, actor, name=self.plan.name + MARK, method_id=METHOD_ID, strata=strata,
                demonstration=True,
            ).id  # fmt: skip
        if self.plan.plots:
            self._add_plots(strata)
        if self.plan.drawn:
            self._draw_sample()

    def _draw_sample(self) -> None:
        with self.stage.acting(self.plan.clerk) as (session, actor):
            sample_designs.draw(
                session, actor, self.project_id, kind=sample_designs.Kind.SYSTEMATIC,
                plot_area_m2=demo_land.PLOT_AREA_M2,
                numbers=sample_designs.stated(dict.fromkeys(STRATA, self.plan.drawn)),
            )  # fmt: skip

    def _add_plots(self, strata: dict[int, str]) -> None:
        random = np.random.default_rng([demo_land.SEED, self.number])
        with self.stage.acting(self.plan.clerk) as (session, _):
            outlines = {
                parcel_id: parcels.boundary_of(parcels.present_version(session, parcel_id))
                for parcel_id in strata
            }
        for index, stratum in enumerate(STRATA):
            mine = [outlines[parcel_id] for parcel_id in strata if strata[parcel_id] == stratum]
            self._add_plots_of(stratum, index, mine, random)

    def _add_plots_of(
        self, stratum: str, index: int, mine: list[MultiPolygon], random: np.random.Generator
    ) -> None:
        count = self.plan.plots // len(STRATA)
        points = demo_land.plot_points(mine, count, seed=100 * self.number + index)
        with self.stage.acting(self.plan.clerk) as (session, actor):
            for number, point in enumerate(points, start=1):
                slope_deg = round(float(random.uniform(4.0, 28.0)), 1)
                plot = plots.add_plot(
                    session, actor, project_id=self.project_id, stratum=stratum,
                    code=f"{self.plan.key}{index + 1}-{number:02d}", longitude=point.x,
                    latitude=point.y, area_m2=demo_land.PLOT_AREA_M2, slope_deg=slope_deg,
                )  # fmt: skip
                at_start, at_end = demo_layers.maps().agb_at(point.x, point.y)
                level = at_start + float(random.normal(0.0, LEVEL_ERROR_T_HA))
                change = (
                    at_end - at_start + float(random.normal(CHANGE_BIAS_T_HA, CHANGE_ERROR_T_HA))
                )
                for epoch, agb_t_ha, dbh_mean_cm in zip(
                    demo_layers.EPOCHS, (level, level + change), (9.3, 9.5), strict=True
                ):
                    rows, _ = demo_land.culms(agb_t_ha, slope_deg, dbh_mean_cm)
                    plots.add_visit(
                        session, actor, plot.id, measured_on=epoch, phase=demo_layers.PHASE,
                        culms=rows,
                    )  # fmt: skip

    def _published(self) -> None:
        with self.stage.acting(self.plan.clerk) as (session, actor):
            projects.publish(session, actor, self.project_id)

    def _validated(self) -> None:
        with self.stage.acting("verifier1") as (session, actor):
            projects.validate(session, actor, self.project_id, STATEMENT)

    def _registered(self) -> None:
        with self.stage.acting("authority1") as (session, actor):
            projects.register(
                session,
                actor,
                self.project_id,
                f"演示湖林碳备〔{db.today(session).year}〕{self.number}号",
            )

    def _open(self) -> None:
        with self.stage.acting(self.plan.clerk) as (session, actor):
            self.round_id = openings.by_layers(
                session, actor, self.project_id, layer_start_id=self.layers.start_id,
                layer_end_id=self.layers.end_id, facts=STATED,
            ).id  # fmt: skip
            rounds.add_evidence(
                session, actor, self.round_id, name="演示经营记录.txt", content=EVIDENCE.encode()
            )

    def _measured(self) -> None:
        with self.stage.acting(self.plan.clerk) as (session, actor):
            rounds.measure(session, actor, self.round_id)

    def _notice(self) -> None:
        with self.stage.acting(self.plan.clerk) as (session, actor):
            rounds.publish(session, actor, self.round_id)

    def _findings(self) -> None:
        with self.stage.acting("verifier1") as (session, actor):
            verification.begin(session, actor, self.round_id)
            verification.raise_finding(
                session, actor, self.round_id, field="样地",
                words="演示：样地 D1-03 两次调查的胸径检尺记录不一致，请核对原始记录并说明。",
            )  # fmt: skip

    def _verified(self) -> None:
        with self.stage.acting("verifier1") as (session, actor):
            verification.begin(session, actor, self.round_id)
            verification.verify(session, actor, self.round_id, STATEMENT)

    def _recorded(self) -> None:
        with self.stage.acting("authority1") as (session, actor):
            rounds.record(
                session,
                actor,
                self.round_id,
                f"演示湖林碳量备〔{db.today(session).year}〕{self.number}号",
            )

    def _issued(self) -> None:
        with self.stage.acting("registrar1") as (session, actor):
            issuance.issue(
                session, actor, self.round_id,
                contract_of=contracts.holders(session, self.round_id),
            )  # fmt: skip
