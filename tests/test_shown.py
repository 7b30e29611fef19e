"""Every public result can be read in a notebook: a short repr, and a table that is safe to show."""

import enum
import inspect

import pytest

import mobility as mb
from mobility import fares, feed, fleet, signals
from mobility.shown import Shown, in_short

# Records that a person writes, field by field: the dataclass's own repr is what they wrote. Stopping
# criteria are the same.
RECORDS = {
    "AnyOf", "Gap", "Seconds", "Work",
    "Charger", "ChargingSite", "Costs", "Demand", "Depot", "MendPrices", "Rules", "Tariff", "Vehicle",
    "Cap", "FareRule", "JoinRule", "LegKeys", "Match", "Timeframe", "TransferRule",
    "Assumptions", "GiveBack", "Profile", "Wear",
    "Group", "Link", "Rings", "Sequence", "Slot", "Stage", "Volumes",
    "Adaptive", "Asked", "Conditions", "CrossingRules", "Detection", "Priority", "Service", "Stream", "Weights",
}  # fmt: skip


def results():
    """Public classes that are neither records nor errors nor words."""
    for house in (mb, feed, fleet, fares, signals):
        for name in house.__all__:
            value = getattr(house, name)
            if inspect.isclass(value) and not issubclass(value, (Exception, enum.Enum)):
                is_record = name in RECORDS and not issubclass(value, Shown)
                if not is_record:
                    yield pytest.param(value, id=f"{house.__name__}.{name}")


@pytest.mark.parametrize("result", list(results()))
def test_a_public_result_has_html_and_a_short_repr(result):
    assert callable(getattr(result, "_repr_html_", None))
    own = result.__dict__.get("__repr__")
    assert own is not None
    assert "recursive_repr" not in repr(own), (
        f"{result.__name__}: a dataclass writes out its arrays"
    )
    assert not hasattr(own, "__wrapped__")


@pytest.fixture(scope="module")
def shown():
    """One of each that a person meets on the way through the three domains."""
    read = mb.samples.read("changsha")
    day = read.day("typical")
    problem = fleet.problem(day)
    blocks = fleet.plan_blocks(problem)
    plan = fleet.plan(problem)
    days = fleet.simulate(problem, plan, fleet.Scenarios(count=20))
    taps = fares.synthetic_taps(30, timezone="Asia/Shanghai")
    tariff = fares.read_tariff("changsha")
    ledger = fares.settle(taps, tariff)
    done = fares.update(fares.State.new(tariff), taps)
    network = signals.read_network(mb.samples.case("changsha", "signals.toml"))
    begin = network.volumes[0].from_s
    run = signals.simulate(network, begin_s=begin, end_s=begin + 300)
    control = signals.PriorityController(network, policy=signals.Priority())
    return [
        run, control, control.step(0), control.approaches, signals.Cabinet(),
        signals.timing_sheets(network, signals.plan_of(network))[0],
        signals.Schedule((signals.plan_of(network),), (signals.Slot(("mon",), 0, signals.plan_of(network).name),)),
        read, day, read.stop_events, problem, problem.deadheads, blocks, plan, plan.report, days,
        fleet.Scenarios(), fleet.compare(plan, {"more": {"vehicles.battery_kwh": 500}}),
        tariff, ledger, done, done.state, network, network.intersections[0], signals.plan_of(network),
        signals.plan_of(network).signals[0], fleet.read_mdvsp(mb.samples.path("changsha").parent / "m2n40.inp"),
        *read.findings[:1],
    ]  # fmt: skip


def test_what_a_person_meets_is_readable(shown):
    for one in shown:
        name, text, html = type(one).__name__, repr(one), one._repr_html_()
        assert len(text) < 600, f"{name}: {text[:900]}"
        assert "array(" not in text + html, name
        assert " object at 0x" not in text + html, name
        assert 10 < len(html) < 60_000, name
        assert html.count("<table") == html.count("</table>"), name


def test_text_from_data_is_escaped():
    finding = mb.Finding("unknown_fare", mb.Severity.ERROR, "<script>alert(1)</script>")
    assert "<script>" not in finding._repr_html_()
    assert "<script>" in str(finding)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("", ""), ((), ""), (True, "yes"), (12_345, "12,345"), ("a" * 80, "a" * 59 + "…")],
)
def test_values_in_short(value, text):
    assert in_short(value) == text
