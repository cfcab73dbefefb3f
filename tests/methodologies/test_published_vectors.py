"""Published numbers of the method texts against the factor tables and the code."""

import pytest

from methodologies import catalogue, factors, moso_stand_v1
from methodologies.factors import number


@pytest.mark.parametrize(
    ("kg_per_culm", "culms_per_ha", "t_ha"),
    [(16.204, 1250, 20.254), (19.258, 1300, 25.036), (23.202, 2400, 55.685)],
)
def test_taojiang_stands_from_their_mean_culm(kg_per_culm, culms_per_ha, t_ha):
    assert kg_per_culm * culms_per_ha / 1000 == pytest.approx(t_ha, abs=0.002)


@pytest.mark.parametrize(
    ("dbh_cm", "years", "measured_kg", "computed_kg"),
    [(11.06, 1, 14.230, 16.080), (9.13, 3, 17.045, 11.579), (9.80, 5, 19.393, 13.519)],
)
def test_culms_felled_in_taojiang_agree_in_order_of_magnitude(
    dbh_cm, years, measured_kg, computed_kg
):
    found = moso_stand_v1.culm_agb_kg(dbh_cm, moso_stand_v1.age_du(years))
    assert found == pytest.approx(computed_kg, abs=1e-3)
    assert abs(found / measured_kg - 1) < 0.40


def test_bamboo_of_zhejiang_adds_up():
    pools = ("treelayer_zhejiang", "understorey_zhejiang", "litter_zhejiang", "soc_zhejiang_1m")
    total = sum(number(f"moso.{pool}") for pool in pools)
    assert total == pytest.approx(96.98)
    assert total * 883_400 / 1e6 == pytest.approx(85.67, abs=0.005)


def test_national_stands_and_their_ratio():
    whole = number("moso.agb_stand_cn") + number("moso.bgb_stand_cn")
    # Published as 81.4, a rounding of the paper's own.
    assert whole == pytest.approx(81.4, abs=0.11)
    ratio = number("moso.bgb_stand_cn") / number("moso.agb_stand_cn")
    assert ratio == pytest.approx(number("moso.R_ratio_of_means"), abs=5e-5)


def test_tea_of_shizuoka_and_the_realised_share():
    above, below, roots = (
        number(f"tea.shizuoka.{part}") for part in ("above_plane", "below_plane", "roots")
    )
    assert above + below + roots == pytest.approx(31.3, abs=0.05)
    assert roots / (above + below) == pytest.approx(0.665, abs=5e-4)
    assert number("tea.stock_realised_cn") / number("tea.stock25") == pytest.approx(
        number("tea.realised_scale"), abs=5e-5
    )


def test_cropland_example_of_ipcc_2006():
    """SOCref 88, FLU 0.69, tillage 1/1.08/1.15, input 0.92/1: each management by itself."""

    def stock(area_ha, tillage, level):
        method = catalogue.method("farmland-soc/1")
        regime = {"from_year": 1990, "land_use": "long_term_cultivated", "flu": 0.69}
        regime |= {"fmg": tillage, "fi": level}
        data = method.example() | {"baseline": [regime], "project": [regime]}
        data |= {"years": {"start": 1990, "end": 2010}, "report_years": []}
        data["classes"] = [{"area_ha": area_ha, "soil": "HAC", "soc_ref_t_ha": 88.0}]
        steps = method.run(data)["intermediate"]
        return area_ha * steps["soc_t_ha"]["project"][0]["soc_t_ha"] / 1e6

    before = stock(400_000.0, 1.0, 0.92) + stock(600_000.0, 1.0, 1.0)
    now = stock(200_000.0, 1.0, 0.92) + stock(700_000.0, 1.08, 1.0) + stock(100_000.0, 1.15, 1.0)
    assert before == pytest.approx(58.78, abs=5e-3)
    assert now == pytest.approx(64.06, abs=5e-3)
    assert (now - before) / 20 == pytest.approx(0.264, abs=5e-3)


def test_rewetted_land_is_a_source_in_all_zones_for_twenty_years_and_only_boreal_turns_sink():
    zones = {
        "boreal": "boreal", "cool_temperate_moist": "temperate", "cool_temperate_dry": "temperate",
        "warm_temperate_moist": "temperate", "warm_temperate_dry": "temperate",
        "tropical_moist": "tropical",
    }  # fmt: skip
    start = number("flu.long_term_cultivated_iwms.temperate")
    first, second = number("flu.iwms_rewetting_y1_20"), number("flu.iwms_rewetting_y21_40")
    sources = [0, 0]
    for zone, ch4_zone in zones.items():
        reference = number(f"soc_ref.{zone}.WET")
        ch4_t = number(f"wet.iwms.ch4.{ch4_zone}") * number("gwp100.ch4.ar6_nonfossil") / 1000
        for step, gain in enumerate((first - start, second - first)):
            sources[step] += reference * gain / 20 * 44 / 12 < ch4_t
    assert sources == [6, 5]


def test_dissolved_carbon_of_honghu():
    method = catalogue.method("wetland-balance/1")
    for mg_l, tonnes in ((6.0, 4080), (8.25, 5610)):
        data = method.example()
        data["baseline_units"] = None
        # 6.8e8 m3 at a mean depth of 2 m.
        data["units"] = [
            {
                "id": "H", "area_ha": 34_000.0, "land_class": "natural_lake",
                "doc": {"mg_l": mg_l, "depth_m": 2.0},
            }
        ]  # fmt: skip
        found = method.run(data)["intermediate"]["doc_stock_c_t"]
        assert found == pytest.approx(tonnes, abs=1)


def test_awd_correction_of_vm0051():
    step = number("n2o.ef1fr.single_multiple_drainage") - number("n2o.ef1fr.continuous_flooding")
    assert step * number("const.n2on_to_n2o") == pytest.approx(0.00314, abs=5e-6)
    assert number("n2o.vm0051.cf_n2o") == 0.00314


def test_both_tables_agree_where_they_hold_the_same_number():
    for one, other in (
        ("gwp.n2o.ar6", "gwp100.n2o.ar6"),
        ("gwp.n2o.ar5", "gwp100.n2o.ar5"),
        ("gwp.ch4.ar5", "gwp100.ch4.ar5"),
        ("gwp.ch4.ar6_nonfossil", "gwp100.ch4.ar6_nonfossil"),
        ("n2o.EF1.synthetic_wet", "n2o.ef1.synthetic_wet"),
        ("n2o.EF1.organic_wet", "n2o.ef1.other_n_wet"),
        ("n2o.EF1.aggregate", "n2o.ef1.aggregated"),
        ("n2o.EF4.wet", "n2o.ef4.wet"),
        ("n2o.EF5", "n2o.ef5"),
        ("n2o.FracGASF", "n2o.frac_gasf"),
        ("n2o.FracGASM", "n2o.frac_gasm"),
        ("n2o.FracLEACH", "n2o.frac_leach_wet"),
        ("const.n2o_n_to_n2o", "const.n2on_to_n2o"),
    ):
        assert number(one) == pytest.approx(number(other), rel=1e-12), one
    rows = zip(
        factors.required("ded.ar_tool14"), factors.required("unc.ar_tool14.table"), strict=True
    )
    for (bound, share), (bound_percent, other_share) in rows:
        assert share == other_share
        assert (bound is None) == (bound_percent is None)
        assert bound is None or 100 * bound == pytest.approx(bound_percent)
