"""Places and lengths."""

import numpy as np
import pytest

from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.feed.geometry import CROW, SHAPE, distances_of, stop_places


@pytest.fixture
def variant(samples_folder, tmp_path):
    """The plain feed with some files replaced."""

    def make(**files):
        for file in (samples_folder / "odd" / "plain").glob("*.txt"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
        for name, text in files.items():
            (tmp_path / f"{name}.txt").write_text(text)
        return read_feed(tmp_path, cache=False)

    return make


def test_stops_and_shapes_as_tables_of_places(samples_folder):
    feed = read_feed(samples_folder / "santiago", cache=False)
    stops, shapes = feed.geo("stops"), feed.geo("shapes")
    assert stops.crs == shapes.crs == "EPSG:4326"
    assert len(stops) == len(feed.raw["stops"])
    assert set(shapes["shape_id"]) == set(feed.tables["shapes"]["shape_id"])
    assert set(shapes.geom_type) == {"LineString"}
    first = feed.tables["stops"].iloc[0]
    assert stops.geometry.iloc[0].y == pytest.approx(float(first["stop_lat"]))
    with pytest.raises(ConfigError, match="no geometry"):
        feed.geo("routes")


def test_shapes_are_lines_as_gtfs_kit_draws_them(shared_gtfs):
    import gtfs_kit

    path = shared_gtfs / "cairns.zip"
    ours = read_feed(path, cache=False).geo("shapes").set_index("shape_id")
    theirs = gtfs_kit.read_feed(path).get_shapes(as_gdf=True).set_index("shape_id")
    assert ours.geometry.geom_equals(theirs.geometry.reindex(ours.index)).all()


def test_a_feed_without_shapes_has_none(samples_folder):
    assert read_feed(samples_folder / "odd" / "no_shapes", cache=False).geo("shapes").empty


def test_stops_without_a_place(variant):
    feed = variant(
        stops="stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
        "T,Terminal,-33.44,-70.65,1,\nP,Plaza,,,0,T\nQ,Null Island,0,0,0,\n"
        "R,Wrong,-133.4,-70.6,0,\nS,Good,-33.45,-70.66,0,\n"
    )
    lat, _ = stop_places(feed)
    assert np.isfinite(lat).tolist() == [True, True, False, False, True]
    assert lat[1] == -33.44
    # Stops on the way without a place neither add nor break anything.
    assert distances_of(feed).trip_m.max() < 10_000


def test_a_shape_somewhere_else_is_not_used(variant):
    feed = variant(
        shapes="shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        + "".join(f"{one},-20.0,-70.{n},{n}\n" for one in ("out", "back") for n in range(3))
    )
    assert SHAPE not in set(distances_of(feed).source.tolist())


def test_a_ring_is_measured_whole(variant):
    ring = [
        (-33.44, -70.65),
        (-33.44, -70.63),
        (-33.46, -70.63),
        (-33.46, -70.65),
        (-33.44, -70.65),
    ]
    feed = variant(
        shapes="shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        + "".join(f"ring,{lat},{lon},{n}\n" for n, (lat, lon) in enumerate(ring)),
        stops="stop_id,stop_name,stop_lat,stop_lon\n"
        + "".join(
            f"{name},{name},{lat},{lon}\n" for name, (lat, lon) in zip("PQRS", ring, strict=False)
        ),
        trips="route_id,service_id,trip_id,shape_id\n1,WD,round,ring\n1,WD,plain,\n",
        stop_times="trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        + "".join(
            f"{trip},08:0{n}:00,08:0{n}:00,{stop},{n}\n"
            for trip in ("round", "plain")
            for n, stop in enumerate("PQRSP")
        ),
    )
    got = distances_of(feed)
    assert got.source.tolist() == [SHAPE, CROW]
    assert got.trip_m[0] == pytest.approx(got.along[4], rel=1e-6)
    assert got.trip_m[1] == pytest.approx(got.trip_m[0] * 1.3, rel=1e-6)


@pytest.mark.parametrize(
    ("unit", "metres"), [("m", 1), ("km", 1000), ("mi", 1609.344), ("ft", 0.3048)]
)
def test_the_unit_of_distances_is_found(samples_folder, tmp_path, unit, metres):
    for file in (samples_folder / "odd" / "no_shapes").glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    lines = [x.split(",") for x in (tmp_path / "stop_times.txt").read_text().splitlines()]
    at = lines[0].index("shape_dist_traveled")
    for row in lines[1:]:
        row[at] = f"{float(row[at]) * 1000 / metres:.4f}"
    (tmp_path / "stop_times.txt").write_text("\n".join(",".join(x) for x in lines) + "\n")
    got = distances_of(read_feed(tmp_path, cache=False))
    assert got.unit == unit
    assert got.trip_m.tolist() == pytest.approx([2970, 2970, 2970], rel=0.01)
