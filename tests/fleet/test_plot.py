"""Pictures: what is drawn is what is planned, for two buses and for a thousand."""

import pandas as pd
import pytest

mpl = pytest.importorskip("matplotlib")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

from mobility import fleet, samples  # noqa: E402
from mobility.feed import read_feed  # noqa: E402
from mobility.fleet import plot  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def santiago():
    day = read_feed(samples.path("santiago"), cache=False).day("2025-06-04")
    return fleet.plan(fleet.problem(day, case=samples.case("santiago", "fleet.toml")))


def bars(ax):
    """Every bar: (colour, row, start h, end h)."""
    found = []
    for part in ax.collections:
        if not hasattr(part, "get_paths"):
            continue
        colour = mpl.colors.to_hex(part.get_facecolor()[0]).upper()
        for path in part.get_paths():
            (x0, low), _, (x1, high), *_ = path.vertices
            found.append((colour, round((low + high) / 2), x0, x1))
    return found


def test_every_activity_and_session_is_a_bar(santiago):
    above, buses, power = santiago.plot()
    drawn = bars(above)
    assert len(drawn) == len(santiago.blocks) + len(santiago.sessions)
    service = sum(x1 - x0 for colour, _, x0, x1 in drawn if colour == plot._SERVICE)
    assert service == pytest.approx(santiago.kpis["in_service_h"], abs=1e-3)
    charged = sum(x1 - x0 for colour, _, x0, x1 in drawn if colour == plot._CHARGING)
    told = (santiago.sessions["end_s"] - santiago.sessions["start_s"]).sum() / 3600
    assert charged == pytest.approx(told)
    assert {row for _, row, _, _ in drawn} == set(range(santiago.vehicles))
    assert [one.get_text() for one in above.get_yticklabels()] == sorted(
        one.id for one in santiago.problem.depots
    )
    assert above.get_title(loc="left").startswith(f"{santiago.vehicles} vehicles (at least")
    assert all(one.get_text().endswith(":00") for one in power.get_xticklabels())
    assert above.get_xlim() == buses.get_xlim() == power.get_xlim()


def test_blocks_alone_have_no_power(santiago):
    blocks = fleet.plan_blocks(santiago.problem)
    axes = blocks.plot()
    assert len(axes) == 2
    names = [one.get_text() for one in axes[0].get_legend().get_texts()]
    assert names == ["in service", "empty", "layover", "in the depot"]


def test_axes_of_ones_own_are_used(santiago):
    _, ax = plt.subplots()
    assert santiago.plot(ax) is ax
    assert len(ax.figure.axes) == 1


def test_many_vehicles_are_sampled_and_it_is_said(santiago, monkeypatch):
    monkeypatch.setattr(plot, "_MOST_ROWS", 50)
    above, *_ = santiago.plot()
    assert above.get_ylabel() == f"vehicles (50 of {santiago.vehicles}, evenly chosen)"
    assert {row for _, row, _, _ in bars(above)} == set(range(50))


def test_few_vehicles_have_names_and_their_charge():
    day = read_feed(samples.path("odd/plain"), cache=False).day("typical")
    plan = fleet.plan(fleet.problem(day))
    above, *_ = plan.plot()
    assert sorted(one.get_text() for one in above.get_yticklabels()) == sorted(
        plan.blocks["vehicle"].unique()
    )
    assert "state of charge" in [one.get_text() for one in above.get_legend().get_texts()]
    lines = [one for one in above.lines if len(one.get_xdata()) > 2]
    assert len(lines) == plan.vehicles


def test_nothing_to_draw_is_drawn_too():
    trips = pd.DataFrame(
        [], columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
    )
    runs = pd.DataFrame(
        [("h", "a", 60, 1.0)], columns=["from_stop", "to_stop", "time_s", "distance_km"]
    )
    problem = fleet.Problem.from_tables(trips, depots=[{"id": "d", "stop_id": "h"}], deadheads=runs)
    for plan in (fleet.plan(problem), fleet.plan_blocks(problem)):
        axes = plan.plot()
        axes[0].figure.canvas.draw()
