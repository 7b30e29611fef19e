"""Multi-depot blocks on a cost matrix: laws over generated problems, twins, named cases, bad files."""

import itertools
import time
from dataclasses import replace

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import cases, mdvsp
from benchmarks.carpaneto import carpaneto
from mobility.errors import ConfigError, TableError
from mobility.fleet import _column_kernels as kernels
from mobility.fleet._ways_kernels import list_ways
from mobility.fleet.check_matrix import check_matrix
from mobility.fleet.matrix import MatrixBlock, MatrixProblem, read_mdvsp, write_mdvsp
from mobility.fleet.matrix_network import network
from mobility.fleet.multidepot import plan_matrix
from mobility.fleet.rebuild import Ascent
from mobility.fleet.relaxation import certify, relax
from mobility.fleet.watch import Watch
from mobility.fleet.ways import finish
from mobility.solution import Status, StopReason
from mobility.stop import AnyOf, Gap, Seconds, Work

FAR = kernels.FAR


@st.composite
def matrices(draw, max_trips=6, max_depots=3, least_capacity=0):
    """Small problems whose trips stand in any order; connections may be missing, costs may be 0."""
    n, m = draw(st.integers(1, max_trips)), draw(st.integers(1, max_depots))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    dense = draw(st.sampled_from([0.3, 0.7, 1.0]))
    reach = draw(st.sampled_from([0.6, 0.9, 1.0]))
    fixed = draw(st.sampled_from([0, 20, 1000]))
    cost = random.integers(0, 40, (m + n, m + n))
    cost[:m] += fixed
    possible = random.random((m + n, m + n)) < dense
    possible[m:, m:] &= np.triu(np.ones((n, n), bool), 1)
    possible[:m] = random.random((m, m + n)) < reach
    possible[:, :m] = random.random((m + n, m)) < reach
    cost[~possible] = -1
    order = np.concatenate([np.arange(m), m + random.permutation(n)])
    capacity = random.integers(least_capacity, 4, m)
    return MatrixProblem(capacity, cost[np.ix_(order, order)])


def renumbered(problem, seed):
    random = np.random.default_rng(seed)
    depots = random.permutation(problem.depots)
    order = np.concatenate([depots, problem.depots + random.permutation(problem.trips)])
    return MatrixProblem(problem.capacity[depots], problem.cost[np.ix_(order, order)])


# --- laws ----------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(matrices())
def test_a_small_plan_is_the_best_one_and_proved_so(problem):
    best = naive.cheapest_matrix_plan(problem.capacity.tolist(), problem.cost.tolist())
    plan = plan_matrix(problem)
    assert check_matrix(problem, plan) == []
    if best is None:
        assert plan.report.status is Status.INFEASIBLE
        assert plan.why
        return
    assert plan.report.bound <= best <= plan.report.objective
    assert plan.report.status is Status.OPTIMAL
    assert plan.vehicles_bound <= plan.vehicles


@settings(max_examples=30)
@given(matrices(), st.integers(1, 6))
def test_a_bound_holds_whenever_the_solver_is_stopped(problem, work):
    best = naive.cheapest_matrix_plan(problem.capacity.tolist(), problem.cost.tolist())
    plan = plan_matrix(problem, stop=Work(work))
    assert check_matrix(problem, plan) == []
    if best is None:
        assert plan.report.objective is None
    else:
        assert plan.report.status is not Status.INFEASIBLE
        assert plan.report.bound is None or plan.report.bound <= best


@settings(max_examples=40)
@given(matrices(), st.integers(0, 2**32 - 1))
def test_any_prices_prove_a_bound(problem, seed):
    best = naive.cheapest_matrix_plan(problem.capacity.tolist(), problem.cost.tolist())
    if best is None:
        return
    net = network(problem)
    random = np.random.default_rng(seed)
    price = random.normal(0, 300, net.trips)
    rent = np.maximum(random.normal(0, 30, net.depots), 0)
    assert certify(net, price, rent).bound <= best


@settings(max_examples=30)
@given(matrices(max_trips=8), st.integers(0, 2**32 - 1))
def test_numbering_changes_nothing(problem, seed):
    one, other = plan_matrix(problem), plan_matrix(renumbered(problem, seed))
    assert one.report.status is other.report.status
    assert one.report.objective == other.report.objective
    assert one.report.bound == other.report.bound


@settings(max_examples=30)
@given(matrices(max_depots=1, max_trips=8, least_capacity=1))
def test_one_depot_is_exact(problem):
    plan = plan_matrix(problem, stop=Work(1))
    assert check_matrix(problem, plan) == []
    best = naive.cheapest_matrix_plan(problem.capacity.tolist(), problem.cost.tolist())
    if best is None:
        assert plan.report.status is Status.INFEASIBLE
    else:
        assert plan.report.status is Status.OPTIMAL
        assert plan.report.objective == best


def test_more_room_never_costs_more():
    problem = carpaneto(60, 3, 1)
    tight = MatrixProblem(np.array([8, 8, 8]), problem.cost)
    costs = [plan_matrix(one).report for one in (tight, problem)]
    assert all(one.status is Status.OPTIMAL for one in costs)
    assert costs[1].objective <= costs[0].objective


# --- named cases ---------------------------------------------------------------------------------


def two_depots():
    """Two lines, a depot near each: 0 -> 2 is cheap from depot 0, 1 -> 3 from depot 1."""
    cost = np.full((6, 6), -1)
    cost[0, 2:] = [10, 90, 90, 90]
    cost[1, 2:] = [90, 10, 90, 90]
    cost[2:, 0] = [90, 90, 10, 90]
    cost[2:, 1] = [90, 90, 90, 10]
    cost[2, 4], cost[3, 5], cost[2, 5], cost[3, 4] = 5, 5, 1, 1
    return MatrixProblem(np.array([1, 1]), cost)


def test_a_block_goes_home_where_it_came_from():
    problem = two_depots()
    plan = plan_matrix(problem)
    assert plan.report.objective == plan.report.bound == 50
    assert plan.blocks == (MatrixBlock(0, (0, 2)), MatrixBlock(1, (1, 3)))
    document = plan.to_dict()
    assert document["status"] == "optimal"
    assert document["gap"] == 0
    assert document["vehicles"] == 2
    assert document["blocks"] == [{"depot": 0, "trips": [0, 2]}, {"depot": 1, "trips": [1, 3]}]
    assert '"blocks"' in plan.to_json()
    assert "2 vehicles" in str(plan)
    assert plan.table["trip"].tolist() == [0, 2, 1, 3]


def test_too_few_places_and_lost_trips_are_answers():
    problem = two_depots()
    plan = plan_matrix(MatrixProblem(np.array([1, 0]), problem.cost))
    assert plan.report.status is Status.INFEASIBLE
    assert "at least 2 vehicles, the depots hold 1" in plan.why
    assert check_matrix(problem, plan) == []
    cost = problem.cost.copy()
    cost[:2, 3] = -1
    plan = plan_matrix(MatrixProblem(problem.capacity, cost))
    assert "trip 1" in plan.why
    assert plan.to_dict()["objective"] is None
    assert "no blocks" in str(plan)


def test_depots_that_only_fit_apart_are_proved_infeasible():
    cost = np.full((4, 4), -1)
    cost[0, 2:], cost[2:, 0] = 5, 5  # only depot 0 reaches the trips, and holds one vehicle
    plan = plan_matrix(MatrixProblem(np.array([1, 3]), cost))
    assert plan.report.status is Status.INFEASIBLE
    assert plan.why


def test_no_trips_need_no_vehicle():
    plan = plan_matrix(MatrixProblem(np.array([2]), np.full((1, 1), -1)))
    assert plan.report.status is Status.OPTIMAL
    assert plan.vehicles == plan.report.objective == 0


def test_a_circle_is_refused():
    cost = np.zeros((3, 3), int)
    with pytest.raises(ConfigError, match="circle"):
        plan_matrix(MatrixProblem(np.array([2]), cost))


def test_the_classic_family_comes_out_close():
    problem = carpaneto(120, 4, 0)
    plan = plan_matrix(problem)
    assert check_matrix(problem, plan) == []
    assert plan.report.gap <= 0.001
    assert plan.vehicles == plan.vehicles_bound


def test_the_gap_ends_the_search_where_it_is_reached():
    plan = plan_matrix(carpaneto(200, 4, 2), stop=AnyOf(Seconds(30), Gap(0.01)))
    assert plan.report.stop_reason in {StopReason.GAP, StopReason.FINISHED}
    assert plan.report.gap <= 0.01
    assert plan.report.seconds < 15


def test_seconds_are_kept():
    plan = plan_matrix(carpaneto(300, 8, 0), stop=Seconds(1))
    assert plan.report.seconds <= 1.5  # a machine under load; it ends at 0.9
    assert plan.report.objective is not None
    assert check_matrix(plan.problem, plan) == []


def test_work_repeats_exactly():
    problem = carpaneto(150, 4, 3)
    one, other = (plan_matrix(problem, stop=Work(20), seed=4) for _ in range(2))
    assert one.blocks == other.blocks
    assert one.report.bound == other.report.bound


def test_numbering_changes_nothing_in_a_middling_problem():
    problem = carpaneto(150, 4, 4)
    one = plan_matrix(problem, stop=Work(18))
    other = plan_matrix(renumbered(problem, 1), stop=Work(18))
    assert one.report.objective == other.report.objective
    assert one.report.bound == other.report.bound


def test_a_watch_knows_when_time_is_up():
    assert Watch(Gap(0.1)).limit_s is None
    assert Watch(Gap(0.1)).patience
    assert Watch(Work(3)).patience is None
    assert Watch(Work(3)).left_s == np.inf
    watch = Watch(AnyOf(Gap(0.1), Seconds(10)))
    assert watch.limit_s == pytest.approx(9.8)
    assert watch.patience is None
    watch.keep_back(1.0)
    assert watch.limit_s == pytest.approx(8.8)
    watch.keep_back(99.0)
    assert watch.limit_s == pytest.approx(4.4)
    assert watch.reason(0.5) is None
    assert watch.reason(0.05) is StopReason.GAP
    short = Watch(Seconds(0.02))
    with short.alarm():
        time.sleep(0.1)
    assert short.halt[0] == 1
    assert short.reason(None) is StopReason.SECONDS


def test_the_exact_end_proves_only_what_it_has_seen_in_full():
    problem = carpaneto(30, 3, 2)
    best = plan_matrix(problem)
    assert best.report.status is Status.OPTIMAL
    net = network(problem)
    ascent = Ascent(net, relax(net), 0, np.zeros(1, np.int8))
    plan = ascent.objective, ascent.home, ascent.base
    assert finish(net, ascent.proof, *plan, most=20, left_s=np.inf) is None
    some = finish(net, ascent.proof, *plan, most=20, left_s=np.inf, partly=True)
    assert some is None or some.bound is None
    full = finish(net, ascent.proof, *plan, most=20_000, left_s=np.inf)
    assert full.bound <= best.report.objective


def test_the_benchmark_runs_at_its_smallest(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "WORK", tmp_path)
    found = mdvsp.run(((40, 2, 0),), (60.0,))  # of the whole process: optimal in one
    assert [one.note for one in found] == [""]
    assert "| optimal |" in mdvsp.show(found)


# --- the checker ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([(0, (0,)), (1, (1, 3))], "trip_not_covered"),
        ([(0, (0, 2)), (1, (1, 2))], "trip_covered_twice"),
        ([(0, (2, 0)), (1, (1, 3))], "connection_not_drivable"),
        ([(0, (0, 2)), (0, (1, 3))], "depot_capacity_exceeded"),
        ([(0, (0, 2)), (7, (1, 3))], "wrong_depot"),
        ([(0, (0, 2)), (1, (1, 9))], "trip_unknown"),
        ([(0, (0, 2)), (1, (1, 3)), (1, ())], "cost_does_not_add_up"),
    ],
)
def test_the_checker_catches(blocks, code):
    problem = two_depots()
    plan = plan_matrix(problem)
    wrong = tuple(MatrixBlock(depot, trips) for depot, trips in blocks)
    assert code in {one.code for one in check_matrix(problem, replace(plan, blocks=wrong))}


def test_the_checker_adds_up():
    problem = two_depots()
    plan = plan_matrix(problem)
    for change in ({"objective": 51.0, "parts": {}}, {"bound": 50.00000001}):
        wrong = replace(plan, report=replace(plan.report, **change))
        assert {one.code for one in check_matrix(problem, wrong)} == {"cost_does_not_add_up"}
    assert check_matrix(problem, replace(plan, vehicles=1))
    nothing = replace(plan, report=replace(plan.report, objective=None, parts={}))
    assert check_matrix(problem, nothing)


# --- files ---------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_was(tmp_path):
    problem = carpaneto(30, 3, 0)
    path = write_mdvsp(problem, tmp_path / "one.inp")
    again = read_mdvsp(path)
    np.testing.assert_array_equal(again.cost, problem.cost)
    np.testing.assert_array_equal(again.capacity, problem.capacity)
    assert again.source == "one.inp"
    assert [one.name for one in tmp_path.iterdir()] == ["one.inp"]


def test_blanks_and_line_breaks_do_not_matter(tmp_path):
    path = tmp_path / "x.inp"
    path.write_text("\ufeff 1\n1\t\r\n 3 -1 7\n\n5 -1", "utf-8")
    problem = read_mdvsp(path)
    assert problem.capacity.tolist() == [3]
    assert problem.cost.tolist() == [[-1, 7], [5, -1]]
    assert plan_matrix(problem).report.objective == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.inp:1: the file is empty"),
        ("1 1\n3\n-1 x7\n5 -1", "x.inp:3:2: not a whole number (found 'x7')"),
        ("1 1\n3\n-1 7.5\n5 -1", "x.inp:3:2: not a whole number (found '7.5')"),
        ("1 1\n3\n-1 -2\n5 -1", "x.inp:3:2: a number must lie between 0"),
        ("1 1\n3\n-1 9999999999999\n5 -1", "x.inp:3:2: a number must lie between 0"),
        ("1 1\n3\n-1 99999999999999999999\n5 -1", "x.inp:3:2: "),
        ("0 1\n3", "x.inp:1:1: the file must start with"),
        ("2", "x.inp:1:1: the file must start with"),
        ("1 -1\n3", "x.inp:1:2: the file must start with"),
        ("1 1\n-1\n-1 7\n5 -1", "x.inp:2:1: a depot's capacity must be 0 or more (found '-1')"),
        ("1 1\n3\n-1 7\n5", "x.inp:4:1: 1 depots and 1 trips need 7 numbers, the file holds 6"),
        ("1 1\n3\n-1 7\n5 -1 4", "x.inp:4:3: 1 depots and 1 trips need 7 numbers"),
    ],
)
def test_a_bad_file_says_where(tmp_path, text, said):
    path = tmp_path / "x.inp"
    path.write_text(text, "utf-8")
    with pytest.raises(TableError) as error:
        read_mdvsp(path)
    assert error.value.message.startswith(said)
    assert error.value.mend


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        read_mdvsp(tmp_path / "none.inp")
    (tmp_path / "x.inp").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(TableError, match="not a text file"):
        read_mdvsp(tmp_path / "x.inp")


@pytest.mark.parametrize(
    ("capacity", "cost"),
    [([1], np.zeros((2, 3))), ([], np.zeros((1, 1))), ([-1], np.zeros((1, 1))), ([1], [[-2]]), ([1], [["x"]])],
)  # fmt: skip
def test_a_bad_matrix_is_refused(capacity, cost):
    with pytest.raises(TableError):
        MatrixProblem(np.array(capacity), np.array(cost))


# --- kernels and their twins ---------------------------------------------------------------------


def arrays(problem, kind=float):
    net = network(problem)
    start, end = net.spans
    links = start, end, net.to, net.cost.astype(kind)
    return net, links, net.leave.astype(kind), net.enter.astype(kind), np.ones(net.trips, bool)


@st.composite
def priced(draw):
    problem = draw(matrices(max_trips=5, least_capacity=1))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return problem, random.integers(-20, 60, problem.trips), random.integers(0, 9, problem.depots)


@given(priced(), st.sampled_from([float, np.int64]))
def test_kernel_lean_and_tighten(case, kind):
    problem, price, rent = case
    net, links, leave, enter, alive = arrays(problem, kind)
    leave = np.where(leave >= FAR, FAR, leave + rent).astype(kind)
    price = price.astype(kind)
    ways = naive.ways_of(*(one.tolist() for one in (*links, leave, enter)), FAR)
    fore, back = np.empty_like(leave), np.empty_like(leave)

    def compare():
        kernels.lean_back(*links, enter, price, alive, back)
        kernels.lean_fore(*links, leave, price, alive, fore)
        for i in range(net.trips):
            for k in range(net.depots):
                through = [naive.slack_of(w, price) for w in ways if w[0] == k and i in w[1]]
                if through:
                    assert fore[i, k] + back[i, k] == min(through)
                else:
                    assert fore[i, k] + back[i, k] > FAR / 2

    compare()
    expected = naive.tightened(ways, price.tolist())
    kernels.tighten(*links, leave, enter, price, alive, fore, back)
    assert price.tolist() == expected
    assert all(naive.slack_of(way, price) >= 0 for way in ways)
    compare()


@given(priced(), st.integers(0, 60))
def test_kernel_near_links_and_list_ways(case, limit):
    problem, price, rent = case
    net, links, leave, enter, alive = arrays(problem, np.int64)
    start, end, to, cost = links
    leave = np.where(leave >= FAR, FAR, leave + rent)
    ways = naive.ways_of(*(one.tolist() for one in (*links, leave, enter)), FAR)
    price = np.array(naive.tightened(ways, price.tolist()), np.int64)
    near = [way for way in ways if naive.slack_of(way, price) <= limit]
    fore, back = np.empty(leave.shape), np.empty(leave.shape)
    real = start, end, to, cost.astype(float)
    kernels.lean_back(*real, enter.astype(float), price.astype(float), alive, back)
    kernels.lean_fore(*real, leave.astype(float), price.astype(float), alive, fore)
    at, til = np.empty(leave.shape, np.int64), np.empty(leave.shape, np.int64)
    room = np.empty(to.size * net.depots, np.int32), np.empty(to.size * net.depots)
    count = kernels.near_links(
        *real, price.astype(float), alive, fore, back, float(limit), at, til, *room
    )
    found = {
        (k, i, int(room[0][one]))
        for i in range(net.trips)
        for k in range(net.depots)
        for one in range(at[i, k], til[i, k])
    }
    assert len(found) == count
    pairs = {(k, i, j) for k, trips, _ in near for i, j in itertools.pairwise(trips)}
    assert found == pairs

    depot, paid = np.empty(200, np.int32), np.empty(200, np.int64)
    first, trips = np.empty(201, np.int64), np.empty(2000, np.int32)
    whole = back.astype(np.int64)
    count = list_ways(start, end, to, cost, leave, enter, price, whole, np.int64(limit),
                      depot, paid, first, trips)  # fmt: skip
    listed = [
        (int(depot[w]), tuple(trips[first[w] : first[w + 1]].tolist()), int(paid[w]))
        for w in range(count)
    ]
    assert sorted(listed) == sorted(near)
    if count > 1:
        few = np.empty(count - 1, np.int32)
        assert list_ways(start, end, to, cost, leave, enter, price, whole, np.int64(limit),
                         few, paid, first, trips) == -1  # fmt: skip


@given(priced(), st.sampled_from([1.0, 5.0, 40.0]), st.integers(1, 4))
def test_kernel_cool(case, heat, rounds):
    problem, price, rent = case
    net, links, leave, enter, alive = arrays(problem)
    ways = naive.ways_of(*(one.tolist() for one in (*links, leave, enter)), FAR)
    if {i for way in ways for i in way[1]} != set(range(net.trips)):
        return
    price, rent = price.astype(float), rent.astype(float)
    expected = naive.cooled(ways, price.tolist(), rent.tolist(), net.room.tolist(), heat, rounds)
    kernels.cool(
        *links, leave, enter, net.room, alive, price, rent, heat, rounds, np.zeros(1, np.int8)
    )
    np.testing.assert_allclose(price, expected[0], atol=1e-6 * heat)
    np.testing.assert_allclose(rent, expected[1], atol=1e-6 * heat)


@given(priced(), st.sampled_from([0.02, 0.3, 1.0]), st.integers(0, 99))
def test_kernel_dive_and_search_build_what_they_say(case, share, seed):
    problem, price, rent = case
    net, links, leave, enter, _ = arrays(problem)
    random = np.random.default_rng(seed)
    halt = np.zeros(1, np.int8)
    home, base = np.full(net.trips, -1, np.int32), np.full(net.trips, -1, np.int32)
    paid = np.zeros(net.trips)
    price, rent = price.astype(float), rent.astype(float)
    blocks, left = kernels.dive(
        *links, leave, enter, net.room.copy(), price.copy(), rent.copy(), 5.0, 10, share, 0.1, random,
        halt, home, base, paid,
    )  # fmt: skip
    assert (base >= 0).sum() == blocks
    assert (home < 0).sum() == left
    ways = naive.ways_of(*(one.tolist() for one in (*links, leave, enter)), FAR)
    costs = {(k, trips): cost for k, trips, cost in ways}

    def total():
        spent = 9999.0 * (home < 0).sum()
        for block in np.flatnonzero(base >= 0):
            trips = tuple(np.flatnonzero(home == block).tolist())
            assert costs[int(base[block]), trips] == paid[block]
            spent += paid[block]
        for k in range(net.depots):
            assert (base == k).sum() <= net.room[k]
        return spent

    before = total()
    kin = np.tile(np.arange(net.trips, dtype=np.int32), net.trips)
    kin_start = np.arange(net.trips + 1, dtype=np.int64) * net.trips
    saved = kernels.search(
        *links, leave, enter, net.room, price, rent, kin, kin_start, 9999.0, 5.0, 10, share, 0.5, 1,
        3, 5, random, halt, home, base, paid,
    )  # fmt: skip
    assert saved >= 0
    assert total() == pytest.approx(before - saved)


def test_kernel_halts():
    net, links, leave, enter, _ = arrays(two_depots())
    home, base = np.full(4, -1, np.int32), np.full(4, -1, np.int32)
    _, left = kernels.dive(
        *links, leave, enter, net.room.copy(), np.zeros(4), np.zeros(2), 5.0, 10, 0.1, 0.1,
        np.random.default_rng(0), np.ones(1, np.int8), home, base, np.zeros(4),
    )  # fmt: skip
    assert left == 4


def test_the_relaxation_is_a_bound_and_its_prices_prove_it():
    problem = carpaneto(80, 3, 0)
    net = network(problem)
    relaxed = relax(net)
    spent = 0
    for chain in relaxed.chains:
        spent += net.leave[chain[0]].min() + net.enter[chain[-1]].min()
        spent += sum(
            problem.cost[3 + net.trip[i], 3 + net.trip[j]] for i, j in itertools.pairwise(chain)
        )
    assert sorted(i for chain in relaxed.chains for i in chain) == list(range(80))
    rent = np.full(net.depots, float(relaxed.rent))
    assert certify(net, relaxed.price.astype(float), rent).bound >= spent
    assert plan_matrix(problem).report.objective >= spent
