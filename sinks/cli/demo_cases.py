"""The demonstration's court cases: one at every step, from a case just opened to a confirmed one."""

from dataclasses import dataclass

from shapely import MultiPolygon

from sinks.cli import demo_land
from sinks.cli.demo_people import MARK, Stage
from sinks.core import db
from sinks.crediting import ledger
from sinks.crediting.ledger import AccountKind
from sinks.restoration import case_measurement, case_units, cases
from sinks.restoration.cases import Damage, Status

PRICE_FEN_T = 7_000
UNIT_KG = 10
# What the appraiser states beside the stock under the site; the registry fills in none of it.
FACTS = {
    "method": "M1",
    "annual_t_ha": 5.8,
    "recovery_years": 6,
    "recovery": "linear",
    "discount": 0.03,
    "phi": 0.0,
    "k": 1.0,
    "unit_kg": UNIT_KG,
    "price_fen_t": PRICE_FEN_T,
}
STEPS = tuple(Status)


@dataclass(frozen=True, slots=True)
class Plan:
    """A case: who and why, where and how large the site, and the last step taken."""

    number: int
    defendant: str
    cause: str
    damage: Damage
    longitude: float
    latitude: float
    area_ha: float
    last: Status


PLANS = (
    Plan(20, "褚某", "擅自填埋湿地", Damage.WETLAND, 120.050, 30.525, 0.60, Status.OPENED),
    Plan(19, "陈某", "非法占用林地", Damage.FOREST, 119.598, 30.560, 0.48, Status.REQUESTED),
    Plan(18, "冯某", "滥伐林木", Damage.FOREST, 119.566, 30.470, 0.26, Status.APPRAISED),
    Plan(17, "郑某", "失火烧毁竹林", Damage.FOREST, 119.635, 30.552, 0.55, Status.CONSENTED),
    Plan(16, "吴某", "滥伐林木", Damage.FOREST, 119.491, 30.512, 0.37, Status.ORDERED),
    Plan(15, "周某", "盗伐林木", Damage.FOREST, 119.508, 30.586, 0.22, Status.LOCKED),
    Plan(14, "李某", "非法占用林地", Damage.FOREST, 119.551, 30.548, 0.31, Status.PAID),
    Plan(13, "孙某", "滥伐林木", Damage.FOREST, 119.532, 30.521, 0.28, Status.RETIRED),
    Plan(12, "钱某", "失火烧毁竹林", Damage.FOREST, 119.612, 30.529, 0.35, Status.CERTIFIED),
    Plan(11, "赵某", "滥伐林木", Damage.FOREST, 119.575, 30.492, 0.42, Status.CONFIRMED),
)


def add_cases(stage: Stage, *, layer_id: int, contract_id: int) -> None:
    """Open every case and take it to its step; units come from one contract of the seller."""
    with stage.acting("clerk1") as (session, actor):
        account_id = ledger.account(
            session, AccountKind.HOLDING, party_id=actor.party_id, contract_id=contract_id
        ).id
    for plan in PLANS:
        _Way(stage, plan, layer_id, account_id).go()


@dataclass(slots=True)
class _Way:
    """One case on its way; each step is taken by the person whose step it is."""

    stage: Stage
    plan: Plan
    layer_id: int
    account_id: int
    case_id: int = 0

    def go(self) -> None:
        for status in STEPS[: STEPS.index(self.plan.last) + 1]:
            getattr(self, f"_{status}")()

    def _opened(self) -> None:
        with self.stage.acting("court1") as (session, actor):
            year = db.today(session).year
            row, _ = cases.open_case(
                session, actor, case_no=f"（{year}）浙0591民初{self.plan.number}号",
                defendant=self.plan.defendant + MARK, cause=self.plan.cause + MARK,
                damage=self.plan.damage, prosecutor_id=self.stage.parties["procuratorate"],
            )  # fmt: skip
            self.case_id = row.id

    def _requested(self) -> None:
        with self.stage.acting("court1") as (session, actor):
            cases.request_measurement(
                session, actor, self.case_id, appraiser_id=self.stage.parties["survey"],
                letter=_letter("请测算本案受损竹林的碳汇损失量，并出具书面意见。"),
            )  # fmt: skip

    def _appraised(self) -> None:
        with self.stage.acting("appraiser1") as (session, actor):
            site = case_measurement.draw_site(session, actor, self.case_id, self._site())
            figure = case_measurement.stock_under(session, site, self.layer_id)
            case_measurement.sign_assessment(
                session, actor, self.case_id,
                facts={
                    **FACTS,
                    "delta_c_t_ha": figure.delta_c_t_ha,
                    "delta_c_stderr_t_ha": figure.stderr_t_ha,
                    "annual_stderr_t_ha": 1.2,
                },
                basis=figure.basis, layer_sha256=figure.layer_sha256,
            )  # fmt: skip

    def _site(self) -> MultiPolygon:
        plan = self.plan
        return demo_land.site(plan.longitude, plan.latitude, plan.area_ha, plan.number)

    def _consented(self) -> None:
        with self.stage.acting("court1") as (session, actor):
            cases.file_consent(
                session, actor, self.case_id,
                request=("当事人申请书（演示）.txt", _letter("申请以认购碳汇量方式替代履行赔偿责任。").encode()),
                consent=("原告同意意见（演示）.txt", _letter("同意被告以认购碳汇量方式替代履行。").encode()),
            )  # fmt: skip

    def _ordered(self) -> None:
        with self.stage.acting("court1") as (session, actor):
            assessment = cases.assessment_of(session, self.case_id)
            assert assessment is not None
            today = db.today(session)
            cases.record_order(
                session, actor, self.case_id, decision_kind="调解书", decided_on=today,
                effective_on=today, legal_basis=cases.LEGAL_BASES[self.plan.damage][0],
                quantity_kg=assessment.result["quantity_kg"],
                seller_id=self.stage.parties["anji_cooperative"],
                restoration_duty="演示：两年内在原地补植毛竹并管护至成林。",
                price_fen_t=PRICE_FEN_T,
            )  # fmt: skip

    def _locked(self) -> None:
        with self.stage.acting("clerk1") as (session, actor):
            case_units.lock_units(session, actor, self.case_id, account_id=self.account_id)

    def _paid(self) -> None:
        with self.stage.acting("clerk1") as (session, actor):
            case_units.record_payment(
                session, actor, self.case_id,
                voucher=("付款凭证（演示）.txt", _letter("价款已付清。").encode()),
            )  # fmt: skip

    def _retired(self) -> None:
        with self.stage.acting("registrar1") as (session, actor):
            case_units.retire(session, actor, self.case_id)

    def _certified(self) -> None:
        with self.stage.acting("registrar2") as (session, actor):
            case_units.certify(session, actor, self.case_id)

    def _confirmed(self) -> None:
        with self.stage.acting("court1") as (session, actor):
            cases.confirm(session, actor, self.case_id)


def _letter(text: str) -> str:
    return f"演示数据 synthetic。{text}"
