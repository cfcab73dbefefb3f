"""Factors: what is loaded, what is refused, what the hash sees."""

import pytest
import yaml

from methodologies import base, factors
from methodologies.base import FactorMissing, UnknownFactor

HASH_OF_MOSO_R = "7eb715d6d27ae180803d1895649c5d427cd5c65edd1c67ecb779ab127771a7db"


def test_area_conversions_are_exact():
    assert base.ha_from_mu(1_010_000) == pytest.approx(67_333, abs=0.5)
    assert base.ha_from_mu(870_000) == 58_000
    assert base.mu_from_ha(1.0) == 15.0
    assert base.mu_from_ha(base.ha_from_mu(123.4)) == pytest.approx(123.4, rel=1e-15)
    assert base.ha_from_m2(1e6 / 1500) == pytest.approx(1 / 15)


def test_carbon_turns_into_co2_by_the_molar_masses():
    assert factors.number("const.c_to_co2") == base.CO2_PER_C == 44 / 12


@pytest.mark.parametrize(
    ("net_co2_t", "buffer_co2_t", "kg"),
    [
        (902.5, 90.25, 812_250),
        # 1000 x 1.001 is 1000.9999999999999 in binary, 1000 x (0.3 - 0.1) is 199.99999999999997.
        (1.001, 0.0, 1001),
        (0.3, 0.1, 200),
        (8.2899, 0.0, 8289),
        (0.0009, 0.0, 0),
        (-5.0, 0.0, 0),
    ],
)
def test_kilograms_are_rounded_down_but_not_by_noise(net_co2_t, buffer_co2_t, kg):
    assert base.floor_kg(net_co2_t, buffer_co2_t) == kg


def test_a_factor_carries_unit_source_and_deviation():
    ratio = factors.factor("moso.R")
    assert (ratio.value, ratio.stderr, ratio.unit) == (0.37, 0.07, "BGB/AGB")
    assert "Ouyang" in ratio.source
    assert factors.factor("moso.CF").stderr == 0.0094
    assert factors.factor("const.c_to_co2").stderr == 0.0


def test_a_null_factor_is_refused_by_name():
    with pytest.raises(FactorMissing, match=r"fire\.Cf") as refusal:
        factors.required("fire.Cf")
    assert refusal.value.factor_id == "fire.Cf"
    with pytest.raises(FactorMissing, match=r"risk\.registry"):
        factors.number("risk.registry")


def test_a_deviation_that_was_not_published_is_refused_not_taken_for_zero():
    with pytest.raises(FactorMissing, match=r"moso\.R_linan"):
        _ = factors.factor("moso.R_linan").stderr


def test_an_unknown_factor_is_refused():
    with pytest.raises(UnknownFactor, match=r"moso\.Q"):
        factors.factor("moso.Q")


def test_a_table_is_not_a_number():
    with pytest.raises(UnknownFactor, match=r"ded\.ar_tool14"):
        factors.number("ded.ar_tool14")


def test_every_factor_says_its_confidence_and_a_null_one_says_who_sets_it():
    for found in factors.table().values():
        assert found.confidence in {"verified", "memory"}, found.id
        assert (found.value is None) == (found.status == "to_be_set_by_registrar"), found.id


def test_the_hash_ignores_order_and_sees_every_field(monkeypatch, tmp_path):
    ids = ["moso.R", "moso.CF"]
    before = factors.factor_hash(ids)
    assert before == factors.factor_hash(reversed(ids)) == factors.factor_hash(ids * 2)
    assert before != factors.factor_hash(["moso.R"])

    root = tmp_path / "factors"
    root.mkdir()
    text = (
        factors.resources.files("methodologies")
        .joinpath("factors", factors.FILES[0])
        .read_text("utf-8")
    )
    rows = yaml.safe_load(text)
    for row in rows["factors"]:
        if row["id"] == "moso.CF":
            row["source"] += " (edited)"
    second = factors.resources.files("methodologies").joinpath("factors", factors.FILES[1])
    (root / factors.FILES[1]).write_text(second.read_text("utf-8"), "utf-8")
    (root / factors.FILES[0]).write_text(yaml.safe_dump(rows, allow_unicode=True), "utf-8")
    monkeypatch.setattr(factors.resources, "files", lambda _: tmp_path)
    factors.table.cache_clear()
    factors._hash_of.cache_clear()
    try:
        assert factors.factor_hash(ids) != before
        assert factors.factor_hash(["moso.R"]) != before
    finally:
        monkeypatch.undo()
        factors.table.cache_clear()
        factors._hash_of.cache_clear()
    assert factors.factor_hash(ids) == before


def test_a_loaded_table_cannot_be_changed_by_its_reader():
    with pytest.raises(TypeError):
        factors.factor("tree.BV").value["oak"] = (0.0, 0.0)
    with pytest.raises(TypeError):
        factors.factor("ded.ar_tool14").value[0] = (1.0, 0.0)


def test_published_half_widths_become_standard_deviations():
    # 95 % interval, two standard deviations, plain percentage: 1.96, 2 and 1.96.
    assert factors.factor("soc_ref.warm_temperate_moist.HAC").stderr == pytest.approx(
        64 * 0.05 / 1.96
    )
    assert factors.factor("flu.paddy.all").stderr == pytest.approx(1.35 * 0.04 / 2)
    assert factors.factor("biochar.fperm100.450_600C").stderr == pytest.approx(0.8 * 0.11 / 1.96)
    assert factors.factor("tea.stock_realised_cn").stderr == 1.4


def test_hashes_made_before_the_second_table_still_hold():
    # As computed by the release of moso-mgmt/1, before later fields existed.
    assert factors.factor_hash(["moso.R"]) == HASH_OF_MOSO_R
