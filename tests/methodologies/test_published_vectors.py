"""Published numbers of the method texts against the factor tables and the code."""

import pytest

from methodologies import factors, moso_stand_v1
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
