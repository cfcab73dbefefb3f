"""The bench of the methods in small: no method draws for two seconds, or takes ten for a county."""

import pytest

from methodologies import catalogue
from tests.bench import bench_methods

every = pytest.mark.parametrize("method_id", catalogue.METHODS)


@every
def test_100_000_draws_take_less_than_two_seconds(method_id: str) -> None:
    found = bench_methods.draws_cpu_s(method_id)
    assert found is None or found < 2.0


@every
def test_a_tenth_of_a_county_takes_less_than_a_second_and_what_its_practices_cost(
    method_id: str,
) -> None:
    """10,000 parcels in ten seconds; of 1,000 the practices are the same hundred."""
    assert bench_methods.parcels_cpu_s(method_id, 1_000) < 2.0


@every
def test_a_practice_of_its_own_costs_a_parcel_no_draws_of_its_own(method_id: str) -> None:
    """Fresh draws of all factors take some 50 ms a practice; shared, a tenth of that."""
    assert bench_methods.runs_cpu_s(method_id, 40) < 1.5
    strata_cpu_s = bench_methods.strata_cpu_s(method_id, 40)
    assert strata_cpu_s is None or strata_cpu_s < 1.5


def test_the_parcels_of_a_bench_are_all_there() -> None:
    [whole] = bench_methods.documents("farmland-soc/1", 1_000)
    found = catalogue.method("farmland-soc/1").run(whole)
    assert found["intermediate"]["area_ha"] == pytest.approx(sum(bench_methods.areas(1_000)))
    assert found["gross_co2_t"] > 0.0
    joined = bench_methods.as_a_round("n2o/1", 1_000)
    assert len(joined["parcels"]) == 1_000 and len(joined["strata"]) == 100
