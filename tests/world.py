"""The people and the land of the tests: small helpers that go through the real functions."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from rasterio.transform import from_origin
from shapely import MultiPolygon, Polygon
from shapely.geometry import box
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from methodologies.plot_readings import Reading
from sinks.cooperative import balance, contracts
from sinks.core import db, people, policies
from sinks.core.actor import Actor, Role
from sinks.core.people import Person
from sinks.crediting import issuance, openings, projects, rounds, stated_facts, verification
from sinks.land import attributes, claims, parcel_outlines, parcels, rights
from sinks.measurement import activity_records, layers, plots

PASSWORD = "correct horse battery"
# name: (party kind, party name, role)
PEOPLE = {
    "admin": ("registry", "湖州市碳汇登记中心", Role.ADMIN),
    "admin2": ("registry", "湖州市碳汇登记中心", Role.ADMIN),
    "officer": ("agency", "安吉县林业局", Role.OFFICER),
    "officer2": ("agency", "安吉县林业局", Role.OFFICER),
    "clerk": ("cooperative", "安吉县两山合作社", Role.COOPERATIVE),
    "clerk2": ("cooperative", "安吉县两山合作社", Role.COOPERATIVE),
    "verifier": ("verifier", "浙江某核证公司", Role.VERIFIER),
    "authority": ("agency", "湖州市林业主管部门", Role.AUTHORITY),
    "registrar": ("registry", "湖州市碳汇登记中心", Role.REGISTRAR),
    "registrar2": ("registry", "湖州市碳汇登记中心", Role.REGISTRAR),
    "appraiser": ("survey", "湖州市林业调查院", Role.APPRAISER),
    "court": ("court", "湖州南太湖新区人民法院", Role.COURT),
    "auditor": ("agency", "湖州市审计局", Role.AUDITOR),
}
HOUSEHOLD = "王小竹"  # Must never be read by the public.
VILLAGE = "下街村股份经济合作社"
TO_4490 = pyproj.Transformer.from_crs(4549, 4490, always_xy=True)
# A corner in Anji, in EPSG:4549 metres; test land lies on a 20 m grid from here.
EAST_M, NORTH_M = 468_000.0, 3_390_000.0


def seed(session: Session) -> None:
    """People, the village, a household and the policies' suggestions."""
    party_ids: dict[str, int] = {}
    for kind, name, _ in PEOPLE.values():
        if name not in party_ids:
            party_ids[name] = people.add_party(session, None, kind=kind, name=name).id
    first = _person(session, None, "admin", party_ids)
    people.grant(session, None, first.id, Role.ADMIN)
    admin = people.actor_of(session, first.id)
    for login in list(PEOPLE)[1:]:
        _person(session, admin, login, party_ids)
    second = _by_login(session, "admin2")
    people.grant(session, admin, second.id, Role.ADMIN)
    admin2 = people.actor_of(session, second.id)
    for login, (_, _, role) in list(PEOPLE.items())[2:]:
        row = people.grant(session, admin, _by_login(session, login).id, role)
        if not row.in_force:
            people.approve_grant(session, admin2, row.id)
    db.act_as(session, admin)
    people.add_party(session, admin, kind="village", name=VILLAGE)
    people.add_party(session, admin, kind="household", name=HOUSEHOLD)
    policies.seed_suggestions(session)


def _person(session: Session, actor: Actor | None, login: str, party_ids: dict[str, int]) -> Person:
    _, party, _ = PEOPLE[login]
    return people.add_person(
        session, actor, login=login, name=f"{login}·测试", party_id=party_ids[party],
        password=PASSWORD, one_time=False,
    )  # fmt: skip


def _by_login(session: Session, login: str) -> Person:
    return session.scalars(select(Person).where(Person.login == login)).one()


def actors(session: Session) -> dict[str, Actor]:
    """The actors by their names."""
    return {name: people.actor_of(session, _by_login(session, name).id) for name in PEOPLE}


def village_id(session: Session) -> int:
    """The party id of the village."""
    return session.scalars(select(people.Party.id).where(people.Party.name == VILLAGE)).one()


def land(x_m: float, y_m: float, width_m: float, height_m: float) -> MultiPolygon:
    """A rectangle in Anji, metres from the corner, as an outline in EPSG:4490."""
    square = box(EAST_M + x_m, NORTH_M + y_m, EAST_M + x_m + width_m, NORTH_M + y_m + height_m)
    return to_4490(square)


def to_4490(polygon_m: Polygon) -> MultiPolygon:
    """A polygon in EPSG:4549 as an outline in EPSG:4490."""
    ring = [TO_4490.transform(x, y) for x, y in polygon_m.exterior.coords]
    return MultiPolygon([Polygon(ring)])


def draft(
    session: Session,
    people_: dict[str, Actor],
    boundary: MultiPolygon,
    *,
    name: str = "01-001",
    sink_type: str = "bamboo",
    declared_area_m2: float | None = None,
) -> int:
    """A draft parcel of the village, with its right on file; the parcel's id."""
    parcel = parcel_outlines.create(
        session, people_["officer"], boundary=boundary, sink_type=sink_type, name=name,
        declared_area_m2=declared_area_m2, source_name="勾绘",
    )  # fmt: skip
    rights.add(
        session, people_["officer"], parcel_id=parcel.id, party_id=village_id(session),
        kind="land_use", certificate_kind="real_estate",
        certificate_no="浙（2023）安吉县不动产权第0012345号", share=Decimal(1),
        term_from=date(2020, 1, 1), term_to=date(2060, 1, 1),
    )  # fmt: skip
    return parcel.id


def reviewed(session: Session, people_: dict[str, Actor], boundary: MultiPolygon, **kw) -> int:
    """A parcel whose rights a second officer has reviewed."""
    parcel_id = draft(session, people_, boundary, **kw)
    parcels.submit(session, people_["officer"], parcel_id)
    rights.review(session, people_["officer2"], parcel_id)
    return parcel_id


def enrolled(session: Session, people_: dict[str, Actor], boundary: MultiPolygon, **kw) -> int:
    """A parcel in the register."""
    parcel_id = reviewed(session, people_, boundary, **kw)
    claims.enrol(session, people_["officer2"], parcel_id)
    return parcel_id


def policies_in_force(session: Session, people_: dict[str, Actor], **values: object) -> None:
    """Two registrars put every policy in force: the suggestion, or the value given by key with
    dots written as two underscores; notices of 0 days. One given as None stays undecided."""
    chosen = {key: kind.suggested for key, kind in policies.KINDS.items()}
    chosen |= {"notice_days.project": 0, "notice_days.round": 0, "unit_kg": 10,
               "baseline.moso-mgmt": "steady_state",
               "baseline_n_cap_kg_ha.tea-n2o": 450}  # fmt: skip
    chosen |= {key.replace("__", "."): value for key, value in values.items()}
    for key, value in chosen.items():
        if value is None:
            continue
        row = policies.propose(
            session,
            people_["registrar"],
            key=key,
            value=value,
            legal_basis="测试",
            demonstration=True,
        )
        policies.approve(session, people_["registrar2"], row.id, valid_from=policies.today(session))


def biomass(
    path: Path, value: float, *, seed: int, noise: float = 2.0, crs: str | None = "EPSG:4549"
) -> Path:
    """A GeoTIFF of above-ground biomass [Mg/ha] on 20 m cells over the test land."""
    values = np.random.default_rng(seed).normal(value, noise, (200, 200)).astype("float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=200, height=200, count=1, dtype="float32", crs=crs,
        transform=from_origin(EAST_M - 400, NORTH_M + 3600, 20, 20), nodata=-9999,
    ) as raster:  # fmt: skip
        raster.write(np.clip(values, 1, 999), 1)
    return path


@dataclass(frozen=True)
class Layers:
    start_id: int
    end_id: int


def two_layers(
    session: Session, people_: dict[str, Actor], folder: Path, *, change: float = 8.0
) -> Layers:
    """Biomass at two dates with error layers, registered."""
    ids = []
    for number, (epoch, value) in enumerate(
        ((date(2023, 1, 1), 55.0), (date(2025, 1, 1), 55.0 + change))
    ):
        ids.append(
            layers.add(
                session, people_["officer"],
                biomass(folder / f"agb{number}.tif", value, seed=number),
                stderr_path=biomass(folder / f"se{number}.tif", 9.0, seed=10 + number, noise=0.5),
                name=f"地上生物量 {epoch.year}", variable="agb", unit="Mg/ha", epoch=epoch,
                phase="on", licence="CC0", source="测试合成",
            ).id
        )  # fmt: skip
    return Layers(*ids)


def culms_of_agb(agb_t_ha: float, area_m2: float) -> list[plots.CulmCount]:
    """Culms of 10 cm and 2 du (13.8191 kg) that add up to about this biomass."""
    count = max(1, round(agb_t_ha * area_m2 / 10_000 * 1000 / 13.8191))
    return [plots.CulmCount(dbh_cm=Decimal("10.0"), count=count, age_du=2)]


def add_plots(
    session: Session, people_: dict[str, Actor], project_id: int, count: int, *, change: float = 8.0
) -> None:
    """Plots in stratum A measured at both dates, spread over the test land."""
    rng = np.random.default_rng(7)
    for number in range(count):
        longitude, latitude = TO_4490.transform(
            EAST_M + 60 + 55 * (number % 8), NORTH_M + 60 + 55 * (number // 8)
        )
        plot = plots.add_plot(
            session, people_["clerk"], project_id=project_id, stratum="A", code=f"P{number:02d}",
            longitude=longitude, latitude=latitude, area_m2=400,
        )  # fmt: skip
        for day, agb in (
            (date(2023, 1, 5), 55 + rng.normal(0, 0.5)),
            (date(2025, 1, 5), 55 + change + rng.normal(0, 0.5)),
        ):
            plots.add_visit(
                session, people_["clerk"], plot.id, measured_on=day, phase="on",
                culms=culms_of_agb(agb, 400),
            )  # fmt: skip


def contracted(
    session: Session,
    people_: dict[str, Actor],
    parcel_ids: list[int],
    *,
    term_from: date = date(2023, 1, 1),
) -> int:
    """A signed contract of the cooperative over enrolled parcels; its id."""
    contract = contracts.draft(
        session, people_["clerk"], number=f"收储-{parcel_ids[0]}",
        counterparty_id=village_id(session), parcel_ids=parcel_ids, term_from=term_from,
        term_to=date(2043, 1, 1), fee_fen_mu_year=1693, net_share=Decimal("0.8"),
        estimate_kg=40_000, exit_clause="提前一年书面通知可退出。",
    )  # fmt: skip
    contracts.sign(session, people_["clerk2"], contract.id)
    return contract.id


def registered_project(
    session: Session, people_: dict[str, Actor], parcel_ids: list[int], *, filing_no: str = "备案-1"
) -> int:
    """A project of the cooperative, published, validated and registered; its id."""
    project = projects.create(
        session, people_["clerk"], name="安吉毛竹林经营", method_id="moso-mgmt/1",
        strata=dict.fromkeys(parcel_ids, "A"),
    )  # fmt: skip
    projects.publish(session, people_["clerk"], project.id)
    projects.validate(session, people_["verifier"], project.id, "符合方法学适用条件")
    projects.register(session, people_["authority"], project.id, filing_no)
    return project.id


@dataclass(frozen=True)
class Story:
    """A round on its way: what it took."""

    project_id: int
    round_id: int
    parcel_ids: list[int]
    contract_id: int


def measured_round(
    session: Session,
    people_: dict[str, Actor],
    folder: Path,
    *,
    registered: bool = True,
    term_from: date = date(2023, 1, 1),
) -> Story:
    """Two parcels of 400 x 400 m under a contract, 30 plots, measured."""
    parcel_ids = [
        enrolled(session, people_, land(0, 0, 400, 400), name="01-001"),
        enrolled(session, people_, land(400, 0, 400, 400), name="01-002"),
    ]
    contract_id = contracted(session, people_, parcel_ids, term_from=term_from)
    if registered:
        project_id = registered_project(session, people_, parcel_ids)
    else:
        project_id = projects.create(
            session, people_["clerk"], name="安吉毛竹林经营", method_id="moso-mgmt/1",
            strata=dict.fromkeys(parcel_ids, "A"),
        ).id  # fmt: skip
    found = two_layers(session, people_, folder)
    add_plots(session, people_, project_id, 30)
    row = openings.by_layers(
        session, people_["clerk"], project_id, layer_start_id=found.start_id,
        layer_end_id=found.end_id, facts=MANAGED,
    )  # fmt: skip
    rounds.add_evidence(session, people_["clerk"], row.id, name="经营记录.pdf", content=b"x")
    rounds.measure(session, people_["clerk"], row.id)
    return Story(project_id, row.id, parcel_ids, contract_id)


def recorded(session: Session, people_: dict[str, Actor], round_id: int, filing_no: str) -> None:
    """A measured round goes on notice, is verified and recorded, each by its person."""
    if stated_facts.of_round(session, round_id) is not None:
        rounds.add_evidence(session, people_["clerk"], round_id, name="记录.pdf", content=b"x")
    rounds.publish(session, people_["clerk"], round_id)
    verification.begin(session, people_["verifier"], round_id)
    verification.verify(session, people_["verifier"], round_id, "核证通过")
    rounds.record(session, people_["authority"], round_id, filing_no)


def recorded_round(session: Session, people_: dict[str, Actor], folder: Path) -> Story:
    """The same, published, verified and recorded: ready for the registrar."""
    story = measured_round(session, people_, folder)
    recorded(session, people_, story.round_id, "湖林碳备〔2026〕1号")
    return story


def issued_round(
    session: Session, people_: dict[str, Actor], folder: Path
) -> tuple[Story, issuance.Issued]:
    """The same with every policy in force, and issued by the registrar."""
    policies_in_force(session, people_)
    story = recorded_round(session, people_, folder)
    issued = issuance.issue(
        session, people_["registrar"], story.round_id,
        contract_of=contracts.holders(session, story.round_id),
    )  # fmt: skip
    return story, issued


def account_with_units(session: Session, people_: dict[str, Actor], folder: Path) -> int:
    """The cooperative's account after an issuance."""
    issued_round(session, people_, folder)
    [line] = balance.lines(session, people_["clerk"].party_id)
    assert line.account_id is not None
    return line.account_id


@dataclass(frozen=True)
class Farm:
    """A project by records with its parcels."""

    project_id: int
    parcel_ids: list[int]


def paddy_season(
    session: Session,
    people_: dict[str, Actor],
    parcel_id: int,
    year: int,
    *,
    correcting: bool = False,
    **other: object,
) -> activity_records.ActivityRecord:
    """A rice season of example R-2: single drainage, from 2025 alternate wetting and drying."""
    values = {
        "mineral_soil": True, "yield_t_ha": 8.0, "crop": "single",
        "water_regime": "single_drainage" if year < 2025 else "multiple_drainage_awd",
        "preseason": "nonflooded_gt180d", "sow_date": f"{year}-06-10",
        "harvest_date": f"{year}-09-30", "aeration_days": 6.0, "irrigation_log": True,
        "straw_lt30d_t_ha": 6.0, "straw_gt30d_t_ha": 0.0, "compost_t_ha": 0.0,
        "farmyard_manure_t_ha": 0.0, "green_manure_t_ha": 0.0, "n_kg_ha": 180.0,
    }  # fmt: skip
    return activity_records.add(
        session, people_["clerk"], parcel_id=parcel_id, year=year, kind="paddy_season",
        values={**values, **other}, correcting=correcting,
    )  # fmt: skip


def _fields(
    session: Session,
    people_: dict[str, Actor],
    count: int,
    sink_type: str = "farmland",
    *,
    x_m: float = 0,
) -> list[int]:
    found = [
        enrolled(
            session, people_, land(x_m + 400 * number, 1200, 380, 200), name=f"田-{number}",
            sink_type=sink_type,
        )
        for number in range(count)
    ]  # fmt: skip
    contracted(session, people_, found)
    return found


def record_project(
    session: Session,
    people_: dict[str, Actor],
    parcel_ids: list[int],
    method_id: str,
    practice_from_year: int,
) -> int:
    """A project by records, registered; its id."""
    project = projects.create(
        session, people_["clerk"], name="按记录核算的项目", method_id=method_id,
        strata=dict.fromkeys(parcel_ids, "A"), practice_from_year=practice_from_year,
    )  # fmt: skip
    projects.publish(session, people_["clerk"], project.id)
    projects.validate(session, people_["verifier"], project.id, "符合方法学适用条件")
    projects.register(session, people_["authority"], project.id, f"备案-农-{project.id}")
    return project.id


def paddy_farm(
    session: Session, people_: dict[str, Actor], count: int = 2, *, evidence: bool = True
) -> Farm:
    """Paddies with three years of records before 2025 and that year, in a project by records."""
    if not policies.find(session, "notice_days.project"):
        policies_in_force(session, people_)
    parcel_ids = _fields(session, people_, count)
    for parcel_id in parcel_ids:
        for year in (2022, 2023, 2024, 2025):
            row = paddy_season(session, people_, parcel_id, year)
            if evidence:
                activity_records.add_evidence(
                    session, people_["clerk"], row.id, name="农事记录.pdf",
                    content=f"{parcel_id} {year}".encode(),
                )  # fmt: skip
    return Farm(record_project(session, people_, parcel_ids, "paddy-ch4/1", 2025), parcel_ids)


def tea_year(
    session: Session,
    people_: dict[str, Actor],
    parcel_id: int,
    year: int,
    *,
    evidence: bool = True,
    **other: object,
) -> activity_records.ActivityRecord:
    """Nitrogen of example T4: 450 kg/ha, from 2025 on 300, all of it synthetic and none urea."""
    values = {
        "made_tea_t_ha": 0.45, "synthetic_n_kg_ha": 450.0 if year < 2025 else 300.0,
        "organic_n_kg_ha": 0.0, "urea_t_ha": 0.0,
    }  # fmt: skip
    row = activity_records.add(
        session, people_["clerk"], parcel_id=parcel_id, year=year, kind="tea_nitrogen",
        values={**values, **other},
    )  # fmt: skip
    if evidence:
        activity_records.add_evidence(
            session, people_["clerk"], row.id, name="购肥发票.pdf",
            content=f"{parcel_id} {year}".encode(),
        )  # fmt: skip
    return row


def tea_garden(session: Session, people_: dict[str, Actor], count: int = 2) -> Farm:
    """Tea gardens with three years of records before 2025 and that year, in a project by records."""
    parcel_ids = _fields(session, people_, count, "tea")
    for parcel_id in parcel_ids:
        for year in (2022, 2023, 2024, 2025):
            tea_year(session, people_, parcel_id, year)
    return Farm(record_project(session, people_, parcel_ids, "tea-n2o/1", 2025), parcel_ids)


MARSH = {
    "area_share": 1.0, "climate": "warm_temperate_moist", "flooded_years": None,
    "dam_outlet": False, "trophic_state": None, "organic_soil": None, "rewetted_in_year": None,
    "former_use": None, "soc_ref_t_ha": None,
}  # fmt: skip
RESTORING = {
    "activity": "restoration", "hydrology_monitored": True, "required_by_permit": False,
    "owed_area_share": 0.0, "peat_extraction": False, "drains_other_wetland": False,
    "invasive_species": False,
}  # fmt: skip
ONLY_CH4_ASSESSED = {
    "wood_u95_share": None, "herb_u95_share": None, "burial_u95_share": None,
    "soil_u95_share": None, "ch4_u95_share": 0.6, "n2o_u95_share": None,
    "flood_co2_u95_share": None,
}  # fmt: skip


def gases(land_class: str, ch4_kg_ha: float | None) -> dict[str, object]:
    """Methane measured every month with ebullition, or not at all; no N2O."""
    measured = ch4_kg_ha is not None
    return {
        "land_class": land_class, "ch4_kg_ha": ch4_kg_ha,
        "ch4_campaigns": 12 if measured else None, "ch4_ebullition": True if measured else None,
        "n2o_kg_ha": 0.0, "doc_mg_l": None, "water_depth_m": None,
    }  # fmt: skip


def restored_marsh(
    session: Session,
    people_: dict[str, Actor],
    count: int = 2,
    *,
    since: int = 2025,
    lookback: bool = True,
    x_m: float = 0,
) -> Farm:
    """Example W-3: for three years a measured fish pond, since then to 2025 a created marsh; a
    project by records."""
    parcel_ids = _fields(session, people_, count, "wetland", x_m=x_m)
    for parcel_id in parcel_ids:
        land_class(session, people_, parcel_id, "1108")
        rows: list[tuple[str, int, dict[str, object]]] = [
            ("wetland_activity", since, RESTORING), ("wetland_errors", since, ONLY_CH4_ASSESSED),
        ]  # fmt: skip
        for year in range(since - 3 if lookback else since, 2026):
            before = year < since
            kept = {
                **MARSH, "land_class": "pond" if before else "marsh",
                "origin": "natural" if before else "created", "aquaculture": before,
            }  # fmt: skip
            rows.append(("wetland_land", year, kept))
            measured = gases("pond", 598.05) if before else gases("marsh", None)
            rows.append(("wetland_gas", year, measured))
        for kind, year, values in rows:
            row = activity_records.add(
                session, people_["clerk"], parcel_id=parcel_id, year=year, kind=kind, values=values
            )
            activity_records.add_evidence(
                session, people_["clerk"], row.id, name="监测报告.pdf", content=f"{row.id}".encode()
            )
    return Farm(
        record_project(session, people_, parcel_ids, "wetland-balance/1", since), parcel_ids
    )


def burning_farm(
    session: Session, people_: dict[str, Actor], burnt_t_dm_ha: dict[int, float]
) -> Farm:
    """One field that burnt 6 t/ha in 2020-2022, and since 2023 what is given by year."""
    parcel_ids = _fields(session, people_, 1)
    for year, burnt in ({2020: 6.0, 2021: 6.0, 2022: 6.0} | burnt_t_dm_ha).items():
        activity_records.add(
            session, people_["clerk"], parcel_id=parcel_ids[0], year=year, kind="residue_burning",
            values={"mineral_soil": True, "yield_t_ha": 6.0, "burnt_t_dm_ha": burnt},
        )  # fmt: skip
    return Farm(record_project(session, people_, parcel_ids, "residue-burning/1", 2023), parcel_ids)


def open_2025(session: Session, people_: dict[str, Actor], farm: Farm) -> rounds.MonitoringRound:
    """The round of 2025."""
    return openings.by_records(
        session, people_["clerk"], farm.project_id, period_start=date(2025, 1, 1),
        period_end=date(2026, 1, 1),
    )  # fmt: skip


def wait_until_blocked(engine: Engine) -> None:
    """Returns when another connection of this database waits for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        with engine.connect() as connection:
            if connection.execute(query).scalar_one():
                return
        threading.Event().wait(0.05)
    raise AssertionError("nobody waited")


PLANTED = {
    "forest_category": "timber", "start_year": 2021, "nonforest_years": 5.0,
    "scattered_trees_removed": False, "shrub_removal_share": 0.1, "initial_agb_t_ha": 0.0,
    "target_agb_t_ha": 41.4, "credited_elsewhere_co2_t": 0.0,
}  # fmt: skip
QUIET_PERIOD = {
    "fertiliser_n_kg_project": 0.0, "fertiliser_n_kg_baseline": 0.0, "organic_n_kg_project": 0.0,
    "organic_n_kg_baseline": 0.0, "urea_t_project": 0.0, "urea_t_baseline": 0.0,
    "leakage_co2e_t": 0.0, "fires": [],
}  # fmt: skip
MANAGED: dict[str, object] = {
    **{name: value for name, value in QUIET_PERIOD.items() if name != "leakage_co2e_t"},
    "crown_closure": 0.7, "tree_closure": 0.0, "culm_height_m": 11.0, "culm_dbh_cm": 9.0,
    "wetland": False, "organic_soil": False, "law_breached": False, "litter_removed": False,
    "scattered_trees_removed": False, "deep_tillage": False, "fertiliser_covered": True,
    "management_measure": True, "culms_t_project": 0.0, "culms_t_baseline": 0.0,
    "tree_loss_co2_t": 0.0,
}  # fmt: skip


def land_class(
    session: Session, people_: dict[str, Actor], parcel_id: int, code: str = "0307"
) -> None:
    """A reviewed class of the land survey since 2019."""
    row = attributes.record(
        session, people_["officer"], parcel_id=parcel_id, kind="land_class", value={"code": code},
        valid_from=date(2019, 12, 31), document_name="三调.pdf", document=b"x",
    )  # fmt: skip
    attributes.review(session, people_["officer2"], row.id)


def planted(
    session: Session,
    people_: dict[str, Actor],
    *,
    classed: str | None = "0307",
    registered: bool = True,
    **facts: object,
) -> Farm:
    """Two parcels of 400 x 400 m planted with bamboo, in a project of moso-aff/1."""
    return stated_project(
        session, people_, "moso-aff/1", {**PLANTED, **facts}, classed=classed,
        registered=registered,
    )  # fmt: skip


def stated_project(
    session: Session,
    people_: dict[str, Actor],
    method_id: str,
    facts: dict[str, object],
    *,
    strata: tuple[str, str] = ("A", "A"),
    sink_type: str = "bamboo",
    classed: str | None = "0307",
    registered: bool = True,
) -> Farm:
    """Two parcels of 400 x 400 m side by side, in a project that states facts."""
    parcel_ids = [
        enrolled(
            session, people_, land(400 * number, 0, 400, 400), name=f"新-00{number + 1}",
            sink_type=sink_type,
        )
        for number in range(2)
    ]  # fmt: skip
    contracted(session, people_, parcel_ids, term_from=date(2021, 1, 1))
    if classed is not None:
        for parcel_id in parcel_ids:
            land_class(session, people_, parcel_id, classed)
    project = projects.create(
        session, people_["clerk"], name="样地核算", method_id=method_id,
        strata=dict(zip(parcel_ids, strata, strict=True)), facts=facts,
    )  # fmt: skip
    if registered:
        projects.add_evidence(
            session, people_["clerk"], project.id, name="作业设计.pdf", content=b"design"
        )
        projects.publish(session, people_["clerk"], project.id)
        projects.validate(session, people_["verifier"], project.id, "符合方法学适用条件")
        projects.register(session, people_["authority"], project.id, "备案-样地-1")
    return Farm(project.id, parcel_ids)


def open_2023(
    session: Session, people_: dict[str, Actor], project_id: int, facts: Mapping[str, object]
) -> rounds.MonitoringRound:
    """The two years from 2023, by plots alone."""
    return openings.by_plots(
        session, people_["clerk"], project_id, period_start=date(2023, 1, 1),
        period_end=date(2025, 1, 1), facts=facts,
    )  # fmt: skip


def read_plots(
    session: Session,
    people_: dict[str, Actor],
    project_id: int,
    found: dict[str, list[tuple[Reading, ...]]],
    *,
    years: tuple[int, ...] = (2023, 2025),
) -> None:
    """Plots of 600 m2, of each stratum its own on its own parcel: a reading in each year's January."""
    for number, (stratum, readings) in enumerate(sorted(found.items())):
        for count, of_years in enumerate(readings):
            longitude, latitude = TO_4490.transform(
                EAST_M + 400 * number + 60 + 55 * count, NORTH_M + 60
            )
            plot = plots.add_plot(
                session, people_["clerk"], project_id=project_id, stratum=stratum,
                code=f"{stratum}{count:02d}", longitude=longitude, latitude=latitude, area_m2=600,
            )  # fmt: skip
            for year, reading in zip(years, of_years, strict=True):
                plots.add_reading(
                    session, people_["clerk"], plot.id, measured_on=date(year, 1, 5),
                    reading=reading,
                )  # fmt: skip


def young_plots(
    session: Session,
    people_: dict[str, Actor],
    project_id: int,
    culms_by_year: dict[int, list[int]],
    *,
    phase: str = "off",
) -> None:
    """Plots of 400 m2 in stratum A: culms of 6 cm and 1 du in each plot by year, none where 0."""
    for number in range(len(next(iter(culms_by_year.values())))):
        longitude, latitude = TO_4490.transform(EAST_M + 60 + 55 * number, NORTH_M + 60)
        plot = plots.add_plot(
            session, people_["clerk"], project_id=project_id, stratum="A", code=f"N{number:02d}",
            longitude=longitude, latitude=latitude, area_m2=400,
        )  # fmt: skip
        for year, counts in culms_by_year.items():
            found = counts[number]
            plots.add_visit(
                session, people_["clerk"], plot.id, measured_on=date(year, 1, 5),
                phase=phase if found else "unknown", bare=not found,
                culms=[plots.CulmCount(Decimal("6.0"), found, age_du=1)] if found else [],
            )  # fmt: skip


def read_project(
    session: Session,
    people_: dict[str, Actor],
    method_id: str,
    *,
    x_m: float = 0.0,
    routes: tuple[str, ...] = ("allometry",),
) -> int:
    """A draft project of forest or tea without plots: strata A, B, ... of 400 x 400 m, for forest
    one of each route; its id."""
    parcel_ids = [
        enrolled(
            session, people_, land(x_m + 400 * number, 2000, 400, 400), name=f"读-{number}",
            sink_type="tea" if method_id == "tea-perennial/1" else "other",
        )
        for number in range(len(routes))
    ]  # fmt: skip
    contracted(session, people_, parcel_ids)
    names = "ABC"[: len(routes)]
    facts: dict[str, object] = {"strata": [{"id": "A", "planted_year": 2008}]}
    if method_id == "forest-aff/1":
        stated = ("forest_category", "start_year", "nonforest_years", "scattered_trees_removed",
                  "shrub_removal_share")  # fmt: skip
        facts = {key: PLANTED[key] for key in stated} | {
            "strata": [
                {
                    "id": name, "route": route,
                    "species": "chinese_fir" if route == "bef" else None,
                    "wood_density_t_m3": None, "bef": None, "root_ratio": None,
                    "carbon_fraction": None,
                }
                for name, route in zip(names, routes, strict=True)
            ]
        }  # fmt: skip
    return projects.create(
        session, people_["clerk"], name="样地读数", method_id=method_id,
        strata=dict(zip(parcel_ids, names, strict=True)), facts=facts,
    ).id  # fmt: skip


def place(number: int, *, x_m: float = 0.0) -> tuple[float, float]:
    """Longitude and latitude of a plot's centre in that project, one beside the other."""
    return TO_4490.transform(
        EAST_M + x_m + 30 + 40 * (number % 9), NORTH_M + 2050 + 40 * (number // 9)
    )
