"""moso-mgmt/1 through `run`: worked examples R3, R4, E10, laws, refusals, and the frozen golden result."""

import copy
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import catalogue, factors, moso_mgmt_v1
from methodologies.base import MethodInputInvalid, OutOfDomain, UnknownMethod

CO2_PER_AGB = 1.37 * 0.47 * 44 / 12
GOLDEN = Path(__file__).parent / "data" / "moso_mgmt_v1_example.json"


def values(mean, sd, n):
    """n even numbers of exactly this mean and sample standard deviation."""
    step = sd * math.sqrt((n - 1) / n)
    return [mean + (step if i % 2 else -step) for i in range(n)]


def plots(prefix, changes, start=50.0):
    return [
        {"id": f"{prefix}{i}", "agb_t_ha_start": start, "agb_t_ha_end": start + change}
        for i, change in enumerate(changes)
    ]


def stratum(name, area_ha, changes, **more):
    return {"id": name, "area_ha": area_ha, "plots": plots(name, changes), **more}


def round_of(*strata, policy=None, **more):
    chosen = {
        "deduction": "ar_tool14",
        "buffer_share": 0.10,
        "gwp_set": "ar6",
        "bgb_change_mode": "proportional",
        **(policy or {}),
    }
    return {
        "period": {"start": "2023-01-01", "end": "2025-01-01"},
        "phase_start": "on",
        "phase_end": "on",
        "strata": list(strata),
        "baseline_co2_t": {"co2_t": 0.0, "u90": 0.0},
        "policy": chosen,
        **more,
    }


def codes(notices):
    return [notice["code"] for notice in notices]


def run(data):
    found = moso_mgmt_v1.run(data)
    json.dumps(found, allow_nan=False)
    return found


def raster_stratum(name, area_ha, start, end, stderr_start, stderr_end):
    return {
        "id": name,
        "area_ha": area_ha,
        "map_agb_t_ha_start": start,
        "map_agb_t_ha_end": end,
        "map_stderr_t_ha_start": stderr_start,
        "map_stderr_t_ha_end": stderr_end,
    }


# ---- worked examples


def test_r4_map_corrected_by_plots():
    found = run(moso_mgmt_v1.example())
    steps = found["intermediate"]
    assert steps["strata"][0]["map_delta_t_ha"] == pytest.approx(4.8125)
    assert steps["strata"][0]["mean_e_t_ha"] == pytest.approx(-0.4)
    assert steps["strata"][0]["s_e_t_ha"] == pytest.approx(3.0, abs=1e-6)
    assert steps["delta_agb_t_ha"] == pytest.approx(4.4125)
    assert steps["se_t_ha"] == pytest.approx(0.5477, abs=5e-5)
    assert (steps["df"], steps["t90"]) == (29, pytest.approx(1.6991, abs=5e-5))
    assert 100 * steps["u90"] == pytest.approx(21.09, abs=5e-3)
    assert steps["deduction_of_half_width"] == 0.75
    assert steps["conservative_delta_agb_t_ha"] == pytest.approx(3.7145, abs=5e-5)
    assert found["net_co2_t"] / 500 == pytest.approx(8.7698, abs=5e-5)
    assert found["net_co2_t"] == pytest.approx(4384.9, abs=0.05)
    assert found["refusals"] == []


def test_r4_plots_alone():
    found = run(round_of(stratum("A", 500.0, values(4.4125, 5.0, 30))))
    steps = found["intermediate"]
    assert steps["strata"][0]["mode"] == "plots"
    assert 100 * steps["u90"] == pytest.approx(35.15, abs=5e-3)
    assert steps["deduction_of_half_width"] == 1.0
    assert steps["conservative_delta_agb_t_ha"] == pytest.approx(2.8614, abs=5e-5)
    assert found["net_co2_t"] == pytest.approx(3377.9, abs=0.05)


def test_felling_that_the_map_missed_widens_the_interval_and_is_said():
    changes = [*values(5.0, 2.0, 27), -10.0, -12.0, -11.0]
    found = run(round_of(stratum("A", 500.0, changes)))
    steps = found["intermediate"]
    assert "SKEWED_RESIDUALS" in codes(found["warnings"])
    assert steps["df"] == 29 and steps["t90"] > 1.6991 + 0.1
    assert steps["half_width_t_ha"] == pytest.approx(steps["t90"] * steps["se_t_ha"])
    assert "SKEWED_RESIDUALS" not in codes(run(moso_mgmt_v1.example())["warnings"])


def test_e10_two_strata():
    found = run(
        round_of(stratum("A", 60.0, values(4, 3, 14)), stratum("B", 40.0, values(6, 4, 12)))
    )
    steps = found["intermediate"]
    assert steps["delta_agb_t_ha"] == pytest.approx(4.8)
    assert (steps["df"], steps["t90"]) == (24, pytest.approx(1.7109, abs=5e-5))
    assert steps["half_width_t_ha"] == pytest.approx(1.1410, abs=5e-5)
    assert 100 * steps["u90"] == pytest.approx(23.77, abs=5e-3)
    assert steps["conservative_delta_agb_t_ha"] == pytest.approx(3.9443, abs=5e-5)
    assert found["gross_co2_t"] == pytest.approx(480 * CO2_PER_AGB)


def r3():
    """1200 tCO2 at U 18 %, baseline 150 at 12 %, 35 tCO2e of added fertiliser."""
    n, area_ha = 26, 100.0
    delta = 1200 / area_ha / CO2_PER_AGB
    sd = 0.18 * delta * math.sqrt(n) / 1.7081407612518986
    return round_of(
        stratum("A", area_ha, values(delta, sd, n)),
        baseline_co2_t={"co2_t": 150.0, "u90": 0.12},
        emissions={
            "fertiliser_n_kg_project": 5000.0 + 35_000 / 8.657237142857143,
            "fertiliser_n_kg_baseline": 5000.0,
        },
    )


def test_r3_from_project_to_issue():
    found = run(r3())
    steps = found["intermediate"]
    assert found["gross_co2_t"] == pytest.approx(1200)
    assert 100 * steps["u90"] == pytest.approx(18, abs=1e-6)
    assert steps["conservative_co2_t"] == pytest.approx(1092.0)
    assert found["deduction_share"] == pytest.approx(0.09)
    assert steps["baseline_conservative_co2_t"] == pytest.approx(154.5)
    assert steps["emissions_co2e_t"] == pytest.approx(35, abs=1e-4)
    assert found["net_co2_t"] == pytest.approx(902.5, abs=1e-4)
    assert found["buffer_co2_t"] == pytest.approx(90.25, abs=1e-4)
    assert steps["issuable_units"] == 812
    assert found["components"][-1]["pool"] == "fertiliser"
    assert found["components"][-1]["co2e_t"] == pytest.approx(-35, abs=1e-4)


def test_r3_in_exact_tonnes_floors_to_812250_kg():
    # Equal plots: no deduction; the baseline brings the net to 902.5 t but for rounding noise.
    data = round_of(stratum("A", 100.0, [5.0] * 4))
    gross = run(data)["gross_co2_t"]
    data["baseline_co2_t"]["co2_t"] = gross - 902.5
    found = run(data)
    assert found["net_co2_t"] == pytest.approx(902.5, rel=1e-15)
    assert found["issuable_kg"] == 812_250
    assert (found["intermediate"]["issuable_units"], found["intermediate"]["unit_residue_kg"]) == (
        812,
        250,
    )


def test_reported_deviation_adds_root_ratio_and_carbon_fraction():
    found = run(moso_mgmt_v1.example())
    relative = (0.5477226 / 4.4125, 0.07 / 1.37, 0.0094 / 0.47)
    assert found["stderr_co2_t"] / found["gross_co2_t"] == pytest.approx(
        math.hypot(*relative), rel=1e-6
    )
    steps = found["intermediate"]
    listed = [steps[f"stderr_{name}_co2_t"] for name in ("sampling", "r", "cf")]
    assert math.hypot(*listed) == pytest.approx(found["stderr_co2_t"])
    agb, bgb = found["components"]
    assert agb["co2e_t"] + bgb["co2e_t"] == pytest.approx(found["gross_co2_t"])
    assert bgb["co2e_t"] / agb["co2e_t"] == pytest.approx(0.37)
    assert bgb["stderr_co2e_t"] / bgb["co2e_t"] == pytest.approx(
        math.hypot(relative[0], 0.07 / 0.37, 0.02), rel=1e-6
    )


# ---- laws


def turned(data):
    """The same round with the two dates of every measurement exchanged."""
    text = json.dumps(data)
    for name in ("agb_t_ha", "map_agb_t_ha", "map_stderr_t_ha", "culms"):
        start, end = f'"{name}_start"', f'"{name}_end"'
        text = text.replace(start, "@").replace(end, start).replace("@", end)
    return json.loads(text)


CHANGES = st.lists(st.floats(-20, 20), min_size=3, max_size=6)


@settings(deadline=None, max_examples=40)
@given(CHANGES, CHANGES)
def test_running_time_backwards_changes_only_the_sign_of_the_gross(a, b):
    data = round_of(stratum("A", 30.0, a), stratum("B", 70.0, b))
    forward, backward = run(data), run(turned(data))
    assert backward["gross_co2_t"] == pytest.approx(-forward["gross_co2_t"], abs=1e-6)
    assert backward["stderr_co2_t"] == pytest.approx(forward["stderr_co2_t"], abs=1e-6)
    for result in (forward, backward):
        assert result["net_co2_t"] <= result["gross_co2_t"] + 1e-9


def test_the_turned_example_is_turned_at_every_date():
    data = turned(moso_mgmt_v1.example())
    assert data["strata"][0]["map_agb_t_ha_start"] == 58.0625
    assert run(data)["gross_co2_t"] == pytest.approx(-run(moso_mgmt_v1.example())["gross_co2_t"])


@settings(deadline=None, max_examples=40)
@given(CHANGES, CHANGES, st.floats(0.01, 100))
def test_the_result_is_proportional_to_area(a, b, scale):
    once = run(round_of(stratum("A", 30.0, a), stratum("B", 70.0, b)))
    scaled = run(round_of(stratum("A", 30.0 * scale, a), stratum("B", 70.0 * scale, b)))
    for key in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "buffer_co2_t"):
        assert scaled[key] == pytest.approx(once[key] * scale, rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(CHANGES, CHANGES)
def test_the_arithmetic_of_every_result_holds(a, b):
    found = run(round_of(stratum("A", 30.0, a), stratum("B", 70.0, b)))
    expected = math.floor(round(1000 * (found["net_co2_t"] - found["buffer_co2_t"]), 6))
    assert found["issuable_kg"] == max(0, expected)
    assert found["buffer_co2_t"] == pytest.approx(max(0, found["net_co2_t"]) * 0.10)
    assert sum(c["co2e_t"] for c in found["components"]) == pytest.approx(
        found["gross_co2_t"], abs=1e-9
    )


@settings(deadline=None, max_examples=40)
@given(st.floats(0.5, 8), st.floats(0, 6), st.floats(0, 6))
def test_noisier_plots_never_earn_more(mean, one, other):
    small, large = sorted((one, other))
    quiet = run(round_of(stratum("A", 50.0, values(mean, small, 8))))
    noisy = run(round_of(stratum("A", 50.0, values(mean, large, 8))))
    # A kilogram: the mean of the noisy plots carries rounding of its own.
    assert noisy["issuable_kg"] <= quiet["issuable_kg"] + 1


def test_the_same_input_gives_the_same_output_to_the_last_bit():
    first = json.dumps(run(moso_mgmt_v1.example()))
    data = moso_mgmt_v1.example()
    before = copy.deepcopy(data)
    assert json.dumps(run(data)) == first
    assert data == before


# ---- allocation


def parcel(name, stratum_id, area_ha, start=50.0, end=55.0):
    return {
        "id": name,
        "stratum": stratum_id,
        "area_ha": area_ha,
        "map_agb_t_ha_start": start,
        "map_agb_t_ha_end": end,
    }


def allocated(found):
    return {row["id"]: row for row in found["allocation"]}


def test_parcels_share_by_area_inside_and_by_change_between_strata():
    data = round_of(
        stratum("A", 60.0, [4.0] * 4),
        stratum("B", 40.0, [6.0] * 4),
        parcels=[parcel("p1", "A", 20.0), parcel("p2", "A", 40.0), parcel("p3", "B", 40.0)],
    )
    found = run(data)
    rows = allocated(found)
    total = found["net_co2_t"]
    assert rows["p1"]["co2_t"] == pytest.approx(total * 240 / 480 / 3)
    assert rows["p2"]["co2_t"] == pytest.approx(total * 240 / 480 * 2 / 3)
    assert rows["p3"]["co2_t"] == pytest.approx(total * 240 / 480)
    assert sum(row["issuable_kg"] for row in rows.values()) == found["issuable_kg"]


def test_parcels_share_by_mapped_change_and_a_loser_gets_nothing():
    data = round_of(
        stratum("A", 60.0, [4.0] * 4),
        parcels=[
            parcel("p1", "A", 20.0, 50.0, 56.0),
            parcel("p2", "A", 30.0, 50.0, 52.0),
            parcel("p3", "A", 10.0, 50.0, 45.0),
        ],
        policy={"allocation": "map_change"},
    )
    found = run(data)
    rows = allocated(found)
    assert rows["p1"]["co2_t"] == pytest.approx(found["net_co2_t"] * 120 / 180)
    assert rows["p2"]["co2_t"] == pytest.approx(found["net_co2_t"] * 60 / 180)
    assert (rows["p3"]["co2_t"], rows["p3"]["issuable_kg"]) == (0.0, 0)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.05, 0.95), st.floats(1, 9), st.sampled_from(["area", "map_change"]))
def test_splitting_a_parcel_moves_nothing(cut, change, policy):
    whole = [parcel("p1", "A", 30.0), parcel("p2", "A", 30.0, 50.0, 53.0)]
    parts = [parcel("p1a", "A", 30.0 * cut), parcel("p1b", "A", 30.0 * (1 - cut)), whole[1]]
    one, other = (
        run(round_of(stratum("A", 60.0, [change] * 4), parcels=rows, policy={"allocation": policy}))
        for rows in (whole, parts)
    )
    a, b = allocated(one), allocated(other)
    assert b["p1a"]["co2_t"] + b["p1b"]["co2_t"] == pytest.approx(a["p1"]["co2_t"])
    assert b["p2"]["co2_t"] == pytest.approx(a["p2"]["co2_t"])
    assert b["p1a"]["issuable_kg"] + b["p1b"]["issuable_kg"] == pytest.approx(
        a["p1"]["issuable_kg"], abs=2
    )
    assert sum(row["issuable_kg"] for row in other["allocation"]) == one["issuable_kg"]


def test_a_loss_is_shared_as_a_loss():
    data = round_of(
        stratum("A", 60.0, [4.0] * 4),
        stratum("B", 40.0, [-20.0] * 4),
        parcels=[parcel("p1", "A", 60.0), parcel("p2", "B", 40.0)],
    )
    found = run(data)
    rows = allocated(found)
    assert found["net_co2_t"] == pytest.approx((240 - 800) * CO2_PER_AGB)
    assert rows["p1"]["co2_t"] == 0.0
    assert rows["p2"]["co2_t"] == pytest.approx(found["net_co2_t"])
    assert found["issuable_kg"] == 0


def test_land_that_is_no_registered_parcel_earns_nothing():
    data = moso_mgmt_v1.example()
    data["parcels"].pop()
    found = run(data)
    assert codes(found["refusals"]) == ["PARCEL_AREA_MISMATCH"]
    assert found["issuable_kg"] == 0


# ---- refusals and warnings


def test_a_loss_is_reported_as_it_is_and_carried_forward():
    found = run(round_of(stratum("A", 100.0, [-3.0] * 4), policy={"carried_debit_kg": 1500}))
    assert found["gross_co2_t"] == pytest.approx(-300 * CO2_PER_AGB)
    assert found["net_co2_t"] == pytest.approx(found["gross_co2_t"] - 1.5)
    assert (found["issuable_kg"], found["buffer_co2_t"]) == (0, 0.0)
    assert found["intermediate"]["debit_carried_forward_kg"] == math.ceil(
        -1000 * found["net_co2_t"]
    )
    assert "NEGATIVE_NET" in codes(found["warnings"])


def test_an_old_debit_is_cleared_before_anything_is_issued():
    free = run(round_of(stratum("A", 100.0, [3.0] * 4)))
    owing = run(round_of(stratum("A", 100.0, [3.0] * 4), policy={"carried_debit_kg": 100_000}))
    assert owing["net_co2_t"] == pytest.approx(free["net_co2_t"] - 100)
    assert owing["issuable_kg"] == pytest.approx(free["issuable_kg"] - 90_000, abs=1)


@pytest.mark.parametrize(
    ("start", "end", "end_day"),
    [
        ("on", "off", "2025-01-01"),
        ("off", "on", "2025-01-01"),
        ("on", "on", "2024-01-01"),
        ("on", "on", "2026-01-01"),
        ("on", "on", "2025-07-01"),
        ("on", "on", "2025-02-15"),
        ("on", "on", "2023-01-20"),
        ("unknown", "unknown", "2025-01-01"),
        ("mixed", "on", "2025-01-01"),
    ],
)
def test_dates_out_of_phase_issue_nothing(start, end, end_day):
    data = moso_mgmt_v1.example()
    data.update(phase_start=start, phase_end=end)
    data["period"]["end"] = end_day
    found = run(data)
    assert codes(found["refusals"]) == ["PHASE_MISMATCH"]
    assert found["issuable_kg"] == 0
    assert found["gross_co2_t"] > 0
    assert {row["issuable_kg"] for row in found["allocation"]} == {0}


@pytest.mark.parametrize(
    ("phase", "start_day", "end_day"),
    [
        ("on", "2023-01-01", "2025-01-01"),
        ("off", "2023-01-01", "2027-01-20"),
        ("on", "2024-02-29", "2026-02-28"),
        ("mixed", "2023-01-01", "2024-01-01"),
    ],
)
def test_dates_in_phase_and_mixed_stands_are_accepted(phase, start_day, end_day):
    data = moso_mgmt_v1.example()
    data.update(phase_start=phase, phase_end=phase, period={"start": start_day, "end": end_day})
    assert run(data)["refusals"] == []


@pytest.mark.parametrize(
    ("key", "factor_id"),
    [
        ("buffer_share", "risk.registry"),
        ("bgb_change_mode", "moso.bgb_change_mode"),
        ("gwp_set", "gwp.set"),
    ],
)
def test_a_decision_the_registrar_has_not_taken_issues_nothing(key, factor_id):
    data = r3()
    data["policy"][key] = None
    found = run(data)
    assert codes(found["refusals"]) == ["FACTOR_MISSING"]
    assert factor_id in found["refusals"][0]["message"]
    assert found["issuable_kg"] == 0


def test_a_fire_without_combustion_factor_issues_nothing_and_counts_as_burnt_whole():
    fire = {"area_ha": 2.0, "agb_t_ha": 55.0}
    data = round_of(stratum("A", 500.0, [4.0] * 4), emissions={"fires": [fire, fire]})
    found = run(data)
    assert codes(found["refusals"]) == ["FACTOR_MISSING"]
    assert found["intermediate"]["emissions_co2e_t"] == pytest.approx(2 * 9.795 / 0.45, abs=0.01)
    data["emissions"]["fires"] = [{**fire, "combustion_factor": 0.45}]
    found = run(data)
    assert found["refusals"] == []
    assert found["intermediate"]["emissions_co2e_t"] == pytest.approx(9.795, abs=5e-4)
    assert [c["gas"] for c in found["components"]] == ["CO2", "CO2", "CH4", "N2O"]


def test_less_fertiliser_than_before_earns_nothing():
    data = round_of(stratum("A", 100.0, [4.0] * 4))
    plain = run(data)
    data["emissions"] = {
        "fertiliser_n_kg_project": 10.0,
        "fertiliser_n_kg_baseline": 5000.0,
        "urea_t_project": 0.0,
        "urea_t_baseline": 9.0,
    }
    assert run(data)["net_co2_t"] == plain["net_co2_t"]
    data["emissions"]["organic_n_kg_project"] = 1000.0
    assert plain["net_co2_t"] - run(data)["net_co2_t"] == pytest.approx(4.9678, abs=5e-5)
    data["emissions"] = {"urea_t_project": 3.0}
    assert plain["net_co2_t"] - run(data)["net_co2_t"] == pytest.approx(2.2)


def test_too_few_plots_issue_nothing():
    found = run(round_of(stratum("A", 60.0, [4.0, 4.1]), stratum("B", 40.0, [6.0] * 5)))
    assert codes(found["refusals"]) == ["TOO_FEW_PLOTS"]
    assert "A（2 个）" in found["refusals"][0]["message"]
    assert found["issuable_kg"] == 0


def test_a_stratum_with_neither_map_nor_plots_is_refused():
    with pytest.raises(MethodInputInvalid, match="层 B"):
        run(
            round_of(
                {**raster_stratum("A", 60.0, 50.0, 54.0, 5.0, 5.0), "plots": plots("A", [4.0] * 4)},
                stratum("B", 40.0, [6.0]),
            )
        )


def test_the_map_alone_warns_and_leaves_nothing():
    found = run(
        round_of(
            raster_stratum("A", 60.0, 50.0, 54.0, 6.0, 8.0),
            raster_stratum("B", 40.0, 60.0, 66.0, 6.0, 8.0),
        )
    )
    assert "RASTER_ONLY" in codes(found["warnings"])
    steps = found["intermediate"]
    # Errors of strata fully shared, of dates independent.
    assert steps["se_t_ha"] == pytest.approx(10.0)
    assert steps["delta_agb_t_ha"] == pytest.approx(4.8)
    assert steps["df"] is None
    assert (found["deduction_share"], found["net_co2_t"], found["issuable_kg"]) == (1.0, 0.0, 0)


def test_strata_whose_map_errors_are_known_independent_add_in_quadrature():
    strata = (
        raster_stratum("A", 60.0, 50.0, 54.0, 6.0, 8.0),
        raster_stratum("B", 40.0, 60.0, 66.0, 6.0, 8.0),
    )
    found = run(round_of(*strata, policy={"map_strata_correlation": 0.0}))
    assert found["intermediate"]["se_t_ha"] == pytest.approx(math.hypot(6.0, 4.0))


def test_a_map_without_deviation_issues_nothing_and_claims_no_precision():
    found = run(round_of(raster_stratum("A", 60.0, 50.0, 90.0, None, None)))
    assert codes(found["refusals"]) == ["STDERR_MISSING"]
    assert found["stderr_co2_t"] is None
    assert found["deduction_share"] == 1.0
    assert found["issuable_kg"] == 0


def test_ar_cm_from_30_percent_on_issues_nothing():
    data = round_of(stratum("A", 500.0, values(4.4125, 5.0, 30)), policy={"deduction": "ar_cm"})
    found = run(data)
    assert codes(found["refusals"]) == ["NOT_ISSUABLE"]
    assert (found["deduction_share"], found["issuable_kg"]) == (1.0, 0)
    assert found["intermediate"]["deduction_of_half_width"] is None


def test_a_baseline_too_uncertain_for_its_policy_issues_nothing():
    data = round_of(
        stratum("A", 500.0, [4.0] * 4),
        policy={"deduction": "ar_cm"},
        baseline_co2_t={"co2_t": 100.0, "u90": 0.4},
    )
    found = run(data)
    assert codes(found["refusals"]) == ["NOT_ISSUABLE"]
    assert found["intermediate"]["baseline_conservative_co2_t"] == pytest.approx(140.0)


def test_below_ground_gains_are_left_out_and_losses_are_not_in_mode_none():
    policy = {"bgb_change_mode": "none"}
    gain = run(round_of(stratum("A", 10.0, [4.0] * 4), policy=policy))
    loss = run(round_of(stratum("A", 10.0, [-4.0] * 4), policy=policy))
    assert gain["gross_co2_t"] == pytest.approx(40 * 0.47 * 44 / 12)
    assert loss["gross_co2_t"] == pytest.approx(-40 * CO2_PER_AGB)
    assert gain["components"][1] == {
        "pool": "BGB",
        "gas": "CO2",
        "co2e_t": 0.0,
        "stderr_co2e_t": 0.0,
    }


def test_credits_stop_at_the_target_structure():
    target = {"target_agb_t_ha": 60.0, "initial_agb_t_ha": 55.0, "credited_before_co2_t": 900.0}
    found = run(round_of(stratum("A", 100.0, [4.0] * 4), saturation=target))
    assert found["net_co2_t"] == pytest.approx(500 * CO2_PER_AGB - 900)
    assert "SATURATED" in codes(found["warnings"])
    target["credited_before_co2_t"] = 5000.0
    found = run(round_of(stratum("A", 100.0, [4.0] * 4), saturation=target))
    assert (found["net_co2_t"], found["issuable_kg"]) == (0.0, 0)


def culm_plot(name, dbh_cm, **row):
    return {
        "id": name,
        "area_m2": 400.0,
        "slope_deg": 30.0,
        "culms_start": [{"dbh_cm": 9.0, "age_years": 3, "count": 80}],
        "culms_end": [{"dbh_cm": dbh_cm, "count": 100, **(row or {"age_du": 2})}],
    }


def test_plots_given_by_their_culms_are_turned_into_biomass():
    data = round_of(
        {"id": "A", "area_ha": 10.0, "plots": [culm_plot(f"P{i}", 10.0) for i in range(4)]}
    )
    found = run(data)
    plot_ha = 0.04 * math.cos(math.radians(30))
    first = found["intermediate"]["plot_agb_t_ha"][0]
    assert first["agb_t_ha_start"] == pytest.approx(80 * 11.2752 / 1000 / plot_ha, rel=1e-5)
    assert first["agb_t_ha_end"] == pytest.approx(100 * 13.8191 / 1000 / plot_ha, rel=1e-5)
    recalled = next(w for w in found["warnings"] if w["code"] == "MEMORY_FACTOR")["message"]
    assert "moso.eq.a" in recalled and "moso.age_du_rule" in recalled


def test_a_clear_cut_plot_has_no_biomass_at_the_end():
    cut = {**culm_plot("P9", 10.0), "culms_end": []}
    data = round_of(
        {"id": "A", "area_ha": 10.0, "plots": [cut, *(culm_plot(f"P{i}", 10.0) for i in range(3))]}
    )
    assert run(data)["intermediate"]["plot_agb_t_ha"][0]["agb_t_ha_end"] == 0.0


def test_culms_outside_the_guard_rails_are_named_with_their_plot():
    rows = [culm_plot("P0", 19.0), *(culm_plot(f"P{i}", 10.0) for i in range(1, 4))]
    found = run(round_of({"id": "A", "area_ha": 10.0, "plots": rows}))
    text = next(w for w in found["warnings"] if w["code"] == "CULM_DBH_OUT_OF_GUARD")["message"]
    assert "P0：100 株" in text and "P1" not in text


def test_a_shoot_under_two_centimetres_stops_the_run_and_names_the_plot():
    rows = [culm_plot("P0", 1.5), *(culm_plot(f"P{i}", 10.0) for i in range(1, 4))]
    with pytest.raises(OutOfDomain, match="样地 P0"):
        run(round_of({"id": "A", "area_ha": 10.0, "plots": rows}))


def test_a_mean_outside_the_usual_band_is_pointed_out():
    found = run(round_of(raster_stratum("A", 60.0, 131.0, 140.0, 1.0, 1.0)))
    assert "AGB_OUT_OF_BAND" in codes(found["warnings"])


# ---- input


def broken(change):
    data = moso_mgmt_v1.example()
    change(data)
    return data


def put(path, value):
    def change(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (put(["colour"], 1), "colour：不认识的字段"),
        (put(["policy", "bufer_share"], 0.1), "policy.bufer_share"),
        (put(["policy", "buffer_share"], 1.0), "须小于 1"),
        (put(["policy", "deduction"], "none"), "policy.deduction"),
        (put(["strata", 0, "area_ha"], 0.0), "须大于 0"),
        (put(["strata", 0, "area_ha"], "500"), "strata.0.area_ha：须为数字"),
        (put(["strata", 0, "area_ha"], True), "须为数字"),
        (put(["strata", 0, "area_ha"], math.nan), "有限"),
        (put(["strata", 0, "map_agb_t_ha_start"], -1.0), "须不小于 0"),
        (put(["strata", 0, "map_agb_t_ha_start"], None), "须同时填写"),
        (put(["strata", 0, "plots", 3, "map_agb_t_ha_start"], None), "须同时填写"),
        (put(["strata", 0, "plots", 3, "agb_t_ha_end"], None), "期初与期末"),
        (put(["strata", 0, "plots", 3, "id"], "P01"), "样地编号重复：P01"),
        (put(["parcels", 1, "id"], "A-1"), "地块编号重复"),
        (put(["parcels", 1, "stratum"], "Z"), "层 Z 不存在"),
        (put(["period", "end"], "2022-01-01"), "须晚于"),
        (put(["period", "end"], "soon"), "须为日期"),
        (put(["strata"], []), "至少须有一项"),
        (put(["phase_end"], "big"), "phase_end"),
        (put(["baseline_co2_t", "u90"], -0.1), "须不小于 0"),
    ],
)
def test_faulty_input_is_refused_in_chinese_with_its_place(change, text):
    with pytest.raises(MethodInputInvalid) as refusal:
        run(broken(change))
    assert text in str(refusal.value)


@pytest.mark.parametrize("key", ["period", "strata", "policy", "baseline_co2_t", "phase_start"])
def test_what_is_missing_is_named(key):
    with pytest.raises(MethodInputInvalid, match=f"{key}：缺少该项"):
        run(broken(lambda data: data.pop(key)))


@pytest.mark.parametrize("ages", [{"age_du": 2, "age_years": 3}, {"count": 1}])
def test_age_in_du_and_in_years_are_never_both_nor_neither(ages):
    rows = [{**culm_plot("P0", 10.0), "culms_end": [{"dbh_cm": 10.0, **ages}]}]
    with pytest.raises(MethodInputInvalid, match="age_du"):
        run(round_of({"id": "A", "area_ha": 10.0, "plots": rows}))


def test_biomass_and_culms_of_one_plot_are_never_both_given():
    both = {**culm_plot("P0", 10.0), "agb_t_ha_start": 50.0, "agb_t_ha_end": 55.0}
    with pytest.raises(MethodInputInvalid, match="只能填一种"):
        run(round_of({"id": "A", "area_ha": 10.0, "plots": [both]}))


def test_map_values_at_some_plots_only_are_refused():
    data = moso_mgmt_v1.example()
    for key in ("map_agb_t_ha_start", "map_agb_t_ha_end"):
        del data["strata"][0]["plots"][0][key]
    with pytest.raises(MethodInputInvalid, match="只有 29 个"):
        run(data)


def test_sharing_by_mapped_change_needs_the_map_at_every_parcel():
    data = moso_mgmt_v1.example()
    data["policy"]["allocation"] = "map_change"
    for key in ("map_agb_t_ha_start", "map_agb_t_ha_end"):
        del data["parcels"][1][key]
    with pytest.raises(MethodInputInvalid, match="地块 A-2"):
        run(data)


@pytest.mark.parametrize("data", [[], [1], "round", None, 3])
def test_input_that_is_no_object_is_refused(data):
    with pytest.raises(MethodInputInvalid, match="对象"):
        run(data)


def test_the_schema_is_json_and_closed():
    schema = json.loads(json.dumps(moso_mgmt_v1.schema()))
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {
        "period",
        "phase_start",
        "phase_end",
        "strata",
        "baseline_co2_t",
        "policy",
    }


# ---- release


def close(found, expected, where=""):
    """Assert equality; floats to twelve digits, since libm differs in the last one by machine."""
    assert type(found) is type(expected), where
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key in expected:
            close(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            close(one, other, f"{where}[{index}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12), where
    else:
        assert found == expected, where


def test_the_released_method_still_gives_its_golden_result():
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert moso_mgmt_v1.example() == golden["input"]
    close(json.loads(json.dumps(run(golden["input"]))), golden["result"])


def test_every_factor_a_run_may_use_is_in_the_hash():
    for factor_id in moso_mgmt_v1.FACTOR_IDS:
        factors.factor(factor_id)
    fire = {"area_ha": 2.0, "agb_t_ha": 55.0, "combustion_factor": 0.45}
    for gwp_set in ("ar5", "ar6"):
        for climate in ("wet", "aggregate"):
            data = round_of(
                {"id": "A", "area_ha": 10.0, "plots": [culm_plot(f"P{i}", 10.0) for i in range(4)]},
                policy={"gwp_set": gwp_set, "deduction": "ar_cm"},
                emissions={
                    "fertiliser_n_kg_project": 1.0,
                    "organic_n_kg_project": 1.0,
                    "urea_t_project": 1.0,
                    "n2o_factors": climate,
                    "fires": [fire],
                },
            )
            message = next(w for w in run(data)["warnings"] if w["code"] == "MEMORY_FACTOR")
            named = message["message"].split("：")[1].rstrip("。").split("、")
            assert set(named) <= set(moso_mgmt_v1.FACTOR_IDS)
            assert {"ded.ar_cm", "n2o.FracGASM", "fire.Gef.ch4"} <= set(named)


def test_the_catalogue_knows_the_method_and_refuses_others():
    found = catalogue.method("moso-mgmt/1")
    assert found.run(found.example())["method"] == found.id == "moso-mgmt/1"
    assert (found.sink_type, found.credit_class) == ("bamboo", "local_scheme")
    with pytest.raises(UnknownMethod, match="moso-mgmt/1"):
        catalogue.method("moso-mgmt/9")


def test_the_page_text_shows_numbers_of_the_code():
    sections = dict(moso_mgmt_v1.explain())
    text = "\n".join(sections.values())
    for number in ("33.7261", "79.6262", "13.8191", "21.09", "4,384.9", "moso.R", "747.787"):
        assert number in text
    header, _, *rows = sections["参数表"].splitlines()
    bars = header.count("|")
    assert all(row.replace("\\|", "").count("|") == bars for row in rows)


def test_the_draws_of_a_round_agree_with_its_analytic_error():
    """R4: the product of three normals, so mean and deviation are those of approach 1."""
    found = run(moso_mgmt_v1.example())
    drawn = found["intermediate"]["monte_carlo"]
    assert drawn["mean"] == pytest.approx(found["gross_co2_t"], rel=0.01)
    assert drawn["sd"] == pytest.approx(found["stderr_co2_t"], rel=0.02)
    assert (drawn["p95"] - drawn["p5"]) / 2 == pytest.approx(1.645 * drawn["sd"], rel=0.02)
    assert (drawn["draws"], drawn["disagrees"]) == (100_000, False)
    # A map without an error has nothing to draw from.
    strata = [{"id": "A", "area_ha": 3.0, "map_agb_t_ha_start": 50.0, "map_agb_t_ha_end": 52.0}]
    assert run(round_of(*strata))["intermediate"]["monte_carlo"] is None
