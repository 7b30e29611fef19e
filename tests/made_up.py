"""Small made-up days that several fleet tests share."""

import pandas as pd
from hypothesis import strategies as st

from mobility import fleet

PLACES = ("depot", "a", "b", "c")
VEHICLE = {"id": "bus", "battery_kwh": 60.0, "kwh_km": 1.3, "max_kw": 100.0}
STOPS = ("a", "b", "c")


@st.composite
def days(draw, most=6):
    trips = []
    for at in range(draw(st.integers(1, most))):
        start = draw(st.integers(18_000, 70_000)) // 60 * 60
        ends = draw(st.permutations(PLACES[1:]))
        trips.append(
            {
                "trip_id": f"t{at}",
                "depart_s": start,
                "arrive_s": start + draw(st.integers(600, 5_400)),
                "from_stop": ends[0],
                "to_stop": ends[1],
                "distance_km": draw(st.integers(2, 24)),
            }
        )
    spots = {name: draw(st.integers(0, 12)) for name in PLACES}
    deadheads = [
        {
            "from_stop": one,
            "to_stop": other,
            "time_s": 180 * abs(spots[one] - spots[other]) + 120,
            "distance_km": 1.5 * abs(spots[one] - spots[other]) + 0.5,
        }
        for one in PLACES
        for other in PLACES
        if one != other
    ]
    return pd.DataFrame(trips), pd.DataFrame(deadheads), draw(st.integers(0, 2)) * 200


def problem_of(day, **changes):
    trips, deadheads, layover = day
    asked = {
        "depots": [{"id": "d", "stop_id": "depot", "charger_kw": 100.0}],
        "vehicles": [VEHICLE],
        "tariff": {"energy": [["00:00", 10.0], ["08:00", 25.0]]},
        "costs": {"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900},
        "rules": {"min_layover_s": layover},
        **changes,
    }
    return fleet.Problem.from_tables(trips, deadheads=deadheads, **asked)


def deadheads(time_s=600, km=4.0):
    places = ("depot", *STOPS)
    rows = [(one, other, time_s, km) for one in places for other in places if one != other]
    return pd.DataFrame(rows, columns=["from_stop", "to_stop", "time_s", "distance_km"])


def trips_of(*rows):
    names = ["trip_id", "route_id", "depart_s", "arrive_s", "from_stop", "to_stop"]
    return pd.DataFrame(rows, columns=names).assign(distance_km=10.0)


def back_and_forth(count, gap_s=600, route="r"):
    """Trips a -> b -> a ... of half an hour, one after the other."""
    rows, at = [], 20_000
    for trip in range(count):
        ends = ("a", "b") if trip % 2 == 0 else ("b", "a")
        rows.append((f"t{trip}", route, at, at + 1_800, *ends))
        at += 1_800 + gap_s
    return trips_of(*rows)


def ruled(trips, rules, **changes):
    asked = {
        "depots": [{"id": "d", "stop_id": "depot", "charger_kw": 100.0}],
        "costs": {"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900},
        **changes,
    }
    return fleet.Problem.from_tables(trips, deadheads=deadheads(), rules=rules, **asked)
