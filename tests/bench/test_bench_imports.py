"""The bench in its short form: that it runs, and that nothing in it grows faster than the file."""

from tests.bench import bench_imports


def test_a_small_file_goes_from_bytes_to_the_register_and_overlaps_are_answered(
    tmp_path, data_dir
) -> None:
    frame = bench_imports.tessellation(120)
    path = tmp_path / "land.gpkg"
    frame.to_file(path, driver="GPKG")
    said: list[str] = []
    with bench_imports.registry() as people:
        figures = bench_imports.run(people, path.read_bytes(), say=said.append)
        answers = bench_imports.overlap_answers(people, list(frame.geometry))
    assert figures["parcels"] == 120
    # Loose: a busy machine has a bad second; the figures themselves are the bench's.
    assert figures["total"] < 60
    assert answers["p95_ms"] < 300
    assert len(said) == 7
