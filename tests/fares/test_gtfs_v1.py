"""Fares v1 as a truth table: every clause is a row, priced by the oracle and by the engine."""

from dataclasses import dataclass, field

import pytest
from fare_feeds import both_ways, legs, tables_of

ATTRIBUTES = "fare_id,price,currency_type,payment_method,transfers,transfer_duration"


@dataclass
class Clause:
    """Tables, rides, and what each ride adds, in cents; None is unknown."""

    name: str
    charges: list
    rides: list
    tables: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)

    def __str__(self):
        return self.name


def clause(name, charges, rides, fares, rules="", columns="fare_id,route_id", **more):
    asked = more.pop("asked", {})
    tables = {"fare_attributes": f"{more.pop('head', ATTRIBUTES)}|{fares}", **more}
    if rules:
        tables["fare_rules"] = f"{columns}|{rules}"
    return Clause(name, charges, legs(*rides), tables, asked)


def ride(route="r1", start="A", end="B", depart=0, arrive=10):
    return (route, start, end, depart, arrive)


OD = "fare_id,origin_id,destination_id"
FREE = "s,2.00,USD,0,,"
TWO = [ride(), ride("r2", depart=20, arrive=30)]
ZONES = "fare_id,contains_id"

CLAUSES = [
    clause("a fare without rules is for every ride", [200], [ride("y1", "D", "A")], FREE),
    clause("the price in minor units", [895], [ride()], "s,895,CLP,0,,"),
    clause("of several fares, the cheapest", [150], [ride()], "s,2.00,USD,0,,|t,1.50,USD,0,,|u,3,USD,0,,"),
    clause("payment_method changes nothing", [150], [ride()], "s,2.00,USD,0,,|t,1.50,USD,1,,"),
    clause("a price that is no whole number of cents is left out", [None], [ride()], "s,2.005,USD,0,,"),
    clause("prices in another currency are left out", [300], [ride()], "s,2,EUR,0,,|t,3,USD,0,,", asked={"currency": "USD"}),
    clause("the fare of a route", [100], [ride("r1")], "s,1,USD,0,,|t,2,USD,0,,", "s,r1|t,r2"),
    clause("no fare for this route: unknown, not zero", [None], [ride("r3")], "s,1,USD,0,,|t,2,USD,0,,", "s,r1|t,r2"),
    clause("a fare of two routes", [100, 100], [ride("r1"), ride("r2", depart=90)], "s,1,USD,0,0,", "s,r1|s,r2"),
    clause("fares with and without rules: both may match", [100, 300], [ride("r1"), ride("r3", depart=90)], "s,1,USD,0,0,|t,3,USD,0,0,", "s,r1"),
    clause("an origin", [100], [ride("r1", "A", "C")], "s,1,USD,0,,|t,2,USD,0,,", "s,z1|t,z2", "fare_id,origin_id"),
    clause("another origin", [200], [ride("r1", "B", "C")], "s,1,USD,0,,|t,2,USD,0,,", "s,z1|t,z2", "fare_id,origin_id"),
    clause("a destination", [200], [ride("r1", "A", "C")], "s,1,USD,0,,|t,2,USD,0,,", "s,z2|t,z3", "fare_id,destination_id"),
    clause("origin and destination together", [200], [ride("r1", "A", "C")], "s,1,USD,0,,|t,2,USD,0,,", "s,z1,z2|t,z1,z3", OD),
    clause("origin and destination have a direction", [None], [ride("r1", "C", "A")], "s,1,USD,0,,|t,2,USD,0,,", "s,z1,z2|t,z1,z3", OD),
    clause("several origins of a fare", [100, 100], [ride("r1", "A", "C"), ride("r1", "B", "C", 90, 99)], "s,1,USD,0,0,", "s,z1|s,z2", "fare_id,origin_id"),
    clause("route, origin and destination together", [200], [ride("r1", "A", "B")], "s,1,USD,0,,|t,2,USD,0,,", "s,r2,z1,z2|t,r1,z1,z2", "fare_id,route_id,origin_id,destination_id"),
    clause("a stop without a zone matches no zone", [None], [ride("y1", "A", "D")], "s,1,USD,0,,", "s,z1,z2", OD),
    clause("a stop without a zone matches rules that name none there", [100], [ride("y1", "A", "D")], "s,1,USD,0,,", "s,z1,", OD),
    clause("all zones of contains_id are entered", [300], [ride("r1", "A", "C")], "s,3,USD,0,,", "s,z1|s,z2|s,z3", ZONES),
    clause("not all zones of contains_id are entered", [None], [ride("r1", "A", "B")], "s,3,USD,0,,", "s,z1|s,z2|s,z3", ZONES),
    clause("zones between the ends are entered too", [300], [ride("r1", "A", "C")], "s,1,USD,0,,|t,3,USD,0,,", "s,z1|s,z3|t,z1|t,z2|t,z3", ZONES),
    clause("more zones than contains_id names: another fare", [300], [ride("r1", "A", "C")], "s,1,USD,0,,|t,3,USD,0,,", "s,z1|s,z2|t,z1|t,z2|t,z3", ZONES),
    clause("contains_id by route", [100, 200], [ride("r1", "A", "B"), ride("r2", "A", "B", 90, 99)], "s,1,USD,0,0,|t,2,USD,0,0,", "s,r1,z1|s,r1,z2|t,r2,z1|t,r2,z2", "fare_id,route_id,contains_id"),
    clause("contains_id with an origin, as in Portland", [250], [ride("r1", "B", "C")], "s,1,USD,0,,|t,2.5,USD,0,,", "s,z1,z2|s,z1,z3|t,z2,z2|t,z2,z3", "fare_id,origin_id,contains_id"),
    clause("an unknown destination under rules that name one: unknown", [None], [ride("r1", "A", "")], "s,1,USD,0,,", "s,z1,z2", OD),
    clause("an unknown destination that could only be dearer", [100], [ride("r1", "A", "")], "s,1,USD,0,,|t,2,USD,0,,", "s,z1,|t,z1,z2", OD),
    clause("an unknown destination that could be cheaper: unknown", [None], [ride("r1", "A", "")], "s,1,USD,0,,|t,2,USD,0,,", "t,z1,|s,z1,z2", OD),
    clause("an unknown end under contains_id: unknown", [None], [ride("r1", "A", "")], "s,1,USD,0,,", "s,z1|s,z2", ZONES),
    clause("an unknown route under rules that name one: unknown", [None], [ride("")], "s,1,USD,0,,", "s,r1"),
    clause("the fare of an agency", [100], [ride("r1")], "s,1,USD,0,,,X|t,2,USD,0,,,Y", head=ATTRIBUTES + ",agency_id"),
    clause("the fare of another agency", [200], [ride("y1", "A", "D")], "s,1,USD,0,,,X|t,2,USD,0,,,Y", head=ATTRIBUTES + ",agency_id"),
    clause("no agency: of all", [100], [ride("y1", "A", "D")], "s,1,USD,0,,,|t,2,USD,0,,,Y", head=ATTRIBUTES + ",agency_id"),
    clause("no fare across agencies", [100, 200], [ride("r1"), ride("y1", "A", "D", 20, 30)], "s,1,USD,0,,,X|t,2,USD,0,,,Y", head=ATTRIBUTES + ",agency_id"),
    clause("transfers 0: two rides, two fares", [200, 200], TWO, "s,2,USD,0,0,"),
    clause("transfers 1: the second ride is free, the third is not", [200, 0, 200], [*TWO, ride(depart=40, arrive=50)], "s,2,USD,0,1,"),
    clause("transfers 2: the third ride is free, the fourth is not", [200, 0, 0, 200], [*TWO, ride(depart=40, arrive=50), ride(depart=60, arrive=70)], "s,2,USD,0,2,"),
    clause("transfers empty: no limit", [200, 0, 0, 0], [*TWO, ride(depart=40, arrive=50), ride(depart=60, arrive=70)], FREE),
    clause("transfer_duration, from first to last boarding, inclusive", [200, 0, 200], [ride(), ride("r2", depart=60, arrive=70), ride("r2", depart=61, arrive=70)], "s,2,USD,0,,3600"),
    clause("transfer_duration: the ride before does not matter", [200, 0, 0, 200], [ride(), ride("r2", depart=50, arrive=60), ride("r2", depart=100, arrive=110), ride(depart=121, arrive=130)], "s,2,USD,0,,7200"),
    clause("no duration: the journey gap, from the end of the ride", [200, 0, 200], [ride(), ride("r2", depart=70, arrive=80), ride("r2", depart=141, arrive=150)], FREE),
    clause("no duration, no tap-off: the gap from the boarding", [200, 0, 200], [ride(arrive=None), ride("r2", depart=60, arrive=None), ride("r2", depart=121, arrive=None)], FREE),
    clause("the gap can be said", [200, 200], TWO, FREE, asked={"journey_gap_s": 599}),
    clause("a fare of routes covers a transfer between them", [100, 0, 300], [ride("r1"), ride("r2", depart=20, arrive=30), ride("r3", "C", "P2", 40, 50)], "s,1,USD,0,,|t,3,USD,0,,", "s,r1|s,r2|t,r3"),
    clause("a dearer fare for both rides, where it is less than two", [100, 150], [ride("r1"), ride("r3", "C", "P2", 20, 30)], "s,1,USD,0,0,|t,2,USD,0,0,|u,2.50,USD,0,1,", "s,r1|t,r3|u,r1|u,r3"),
    clause("a dearer fare for both rides, where it is more than two", [100, 200], [ride("r1"), ride("r3", "C", "P2", 20, 30)], "s,1,USD,0,0,|t,2,USD,0,0,|u,3.50,USD,0,1,", "s,r1|t,r3|u,r1|u,r3"),
    clause("the run is rated from its first origin to its last destination", [100, 200], [ride("r1", "A", "B"), ride("r1", "B", "C", 20, 30)], "s,1,USD,0,,|t,3,USD,0,,|u,2.50,USD,0,,", "s,z1,z2|t,z1,z3|u,z2,z3", OD),
    clause("a ride that no fare is for by itself goes on with the run", [100, 200], [ride("r1", "A", "B"), ride("r1", "B", "C", 20, 30)], "s,1,USD,0,,|t,3,USD,0,,", "s,z1,z2|t,z1,z3", OD),
    clause("a run never costs less than what is paid", [300, 200], [ride("r1", "A", "C"), ride("r1", "C", "B", 30, 40)], "s,1,USD,0,,|t,3,USD,0,,|u,2,USD,0,,", "s,z1,z2|t,z1,z3|u,z3,z2", OD),
    clause("the way back is no transfer under a fare with a destination", [300, 300], [ride("r1", "A", "C"), ride("r1", "C", "A", 40, 50)], "s,3,USD,0,,|t,3,USD,0,,|u,3,USD,0,,", "s,z1,z3|t,z3,z1|u,z1,z1", OD),
    clause("the way back on a fare of time is a transfer", [300, 0], [ride("r1", "A", "C"), ride("r1", "C", "A", 40, 50)], "s,3,USD,0,,7200", "s,r1"),
    clause("a run within one zone may end where it began", [100, 0], [ride("r2", "P1", "A"), ride("r2", "A", "P1", 20, 30)], "s,1,USD,0,,", "s,z1,z1", OD),
    clause("zones of all rides of a run", [100, 200], [ride("r1", "A", "B"), ride("r1", "B", "C", 20, 30)], "s,1,USD,0,,|t,3,USD,0,,|u,9,USD,0,,", "s,z1|s,z2|t,z1|t,z2|t,z3|u,z2|u,z3", ZONES),
    clause("a ride of unknown fare counts for nothing: the run goes on", [200, None, 0], [ride("r1"), ride("r3", "C", "P2", 12, 14), ride("r1", depart=20, arrive=30)], "s,2,USD,0,,", "s,r1"),
]  # fmt: skip


@pytest.mark.parametrize("one", CLAUSES, ids=str)
def test_the_truth_table(one, tmp_path):
    engine, oracle = both_ways(tables_of(**one.tables), one.rides, tmp_path / "f.zip", **one.asked)
    assert oracle == one.charges
    assert engine == one.charges
