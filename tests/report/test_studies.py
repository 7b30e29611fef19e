"""Weeks, simulations, sizes, transitions, what-ifs, timed plans and alarms on the page."""

import json
import re

import pytest

from mobility import fares, fleet, samples
from mobility.cli import run
from mobility.errors import ConfigError, MobilityError
from mobility.feed import read_feed
from mobility.report import make_page, read_result
from mobility.report.page import TABS

WEEK = {
    "status": "feasible", "objective": 1_000_00, "bound": 900_00, "gap": 0.1, "vehicles": 12,
    "vehicles_bound": 11, "month_minor": 4_000_00.5, "year_minor": 48_000_06.0, "year_bound_minor": 43_000_00.0,
    "currency": "USD", "check": [], "assumptions": ["currency: USD"], "why": "",
    "day_types": [
        {"day_type": "Monday-Friday", "date": "2025-01-06", "days": 5, "vehicles": 12, "vehicles_bound": 11,
         "status": "feasible", "cost_minor": 160_00, "bound_minor": 150_00},
        {"day_type": "Sunday", "date": "2025-01-12", "days": 1, "vehicles": 5, "vehicles_bound": 5,
         "status": "optimal", "cost_minor": 90_00, "bound_minor": 90_00},
    ],
    "fleet": [{"type": "12-m bus", "depot": "north", "vehicles": 12, "date": "2025-01-06"}],
}  # fmt: skip
SIZING = {
    "status": "feasible", "objective": 5.0, "bound": 4.0, "gap": 0.2, "currency": "USD", "checked_together": True,
    "why": "", "sites": [{"site": "north", "buses": 12, "kwh": 900.0, "charger_kw": 150.0, "chargers_now": None,
                          "chargers": 5, "chargers_bound": 4, "proven": False, "site_kw": 600.0,
                          "site_kw_bound": 410.5}],
    "curve": [{"site": "north", "chargers": 5, "site_kw": 600.0, "cost_minor": 4500.0},
              {"site": "north", "chargers": 6, "site_kw": 700.0, "cost_minor": 4400.0}],
}  # fmt: skip
TRANSITION = {
    "status": "optimal", "objective": 30.0, "bound": 30.0, "gap": 0.0, "by": "routes",
    "stages": [{"stage": 1, "buses": 6, "allowed": 7, "km": 30.0, "km_share": 0.3, "peak_kw": 90.0, "chargers": 2}],
    "order": [{"stage": 1, "name": "S3", "buses": 6, "km": 30.0}],
    "chargers": [{"stage": 1, "site": "north", "chargers": 2, "peak_kw": 90.0}],
}  # fmt: skip
COMPARED = {"currency": "CLP", "what_ifs": [
    {"name": "now", "change": "", "status": "feasible", "vehicles": 12, "cost_minor": 900, "vehicles_minor": 700,
     "energy_minor": 200, "more_minor": 0, "bound_minor": 800, "peak_kw": 300.0},
    {"name": "bigger", "change": "vehicles.battery_kwh = 420", "status": "feasible", "vehicles": 11,
     "cost_minor": 850, "vehicles_minor": 640, "energy_minor": 210, "more_minor": -50, "bound_minor": 790,
     "peak_kw": 320.0},
    {"name": "none", "change": "x", "status": "infeasible", "vehicles": 0, "cost_minor": None, "more_minor": None,
     "bound_minor": None, "peak_kw": None},
]}  # fmt: skip
PERIOD = {
    "from_s": 0,
    "to_s": 1,
    "digest": "d",
    "signals": [],
    "why": "",
    "findings": [],
    "assumptions": ["assumed"],
}
TIMED = {
    "plans": [
        {**PERIOD, "name": name, "saving": saving,
         "before": {"person_hours_h": 10.0, "parts": {"vehicles": 8.0, "on foot": 2.0}},
         "after": {"person_hours_h": 10.0 * (1 - saving), "parts": {"vehicles": 7.0, "on foot": 2.0}}}
        for name, saving in (("07:00-09:00", 0.1), ("09:00-17:00", 0.2))
    ],
    "benefit_per_year": [
        {"level": level, "person_hours": 12_345.6, "time_minor": 100_00 * at, "fuel_minor": 500, "co2_minor": 5,
         "total_minor": 100_505_00 * at, "currency": "USD"} for at, level in ((1, "low"), (3, "high"))
    ],
}  # fmt: skip
ALARMS = {
    "route": "to the hospital", "runs": 12, "target_s": 420.0, "others_lose_s_per_vehicle": 3.2,
    "before": {"mean_s": 443.0, "worst_s": 470.0, "within_target": 0.5},
    "after": {"mean_s": 411.0, "worst_s": 415.0, "within_target": 1.0},
    "signals": [{"signal": "N03", "wait_before_s": 25.0, "wait_after_s": 0.5}], "findings": [],
    "assumptions": ["a siren is heard"],
}  # fmt: skip
STAYS = {
    "status": "optimal", "objective": 500.0, "bound": 500.0, "gap": 0.0, "strategy": "optimal", "why": "",
    "peak_kw": {"north": 80.0}, "against": {"first-come": 1000.0}, "saving": 0.5, "check": [],
    "sessions": [{"bus": "b1", "site": "north", "charger": 0, "start_s": 85_500, "end_s": 87_300, "kwh": 40.0,
                  "kw": [80.0, 80.0]}],
}  # fmt: skip


def write(folder, **documents):
    """Each document as a file of its name."""
    for name, told in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(told), "utf-8")
    return [folder / f"{name}.json" for name in documents]


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory):
    paths = write(
        tmp_path_factory.mktemp("studies"),
        week=WEEK, sizing=SIZING, transition=TRANSITION, compared=COMPARED, timed=TIMED, alarms=ALARMS, stays=STAYS,
    )  # fmt: skip
    return make_page(paths)


def test_each_study_is_a_part_with_its_own_words(all_of_them):
    said = {part.id or part.domain: " ".join(part.headline) for part in all_of_them.parts}
    assert said["fleet-week"].startswith("12 buses carry every day, of 2 kinds.")
    assert (
        "A year costs USD 48,000.06; no plan can cost less than USD 43,000.00."
        in said["fleet-week"]
    )
    assert "5 chargers and 600 kW do for 12 electric buses." in said["fleet-sizing"]
    assert "at least 4 chargers are needed" in said["fleet-sizing"]
    assert said["fleet-transition"].startswith("One route goes electric in 1 stages: 6 buses")
    assert "bigger: 11 buses, CLP 50 a day less than planned." in said["fleet-comparison"]
    assert "none: there is no plan (infeasible)." in said["fleet-comparison"]
    assert "50.0 % less than first come, first served" in said["fleet-stays"]
    assert "10.0 % less from 07:00 to 09:00, 20.0 % less from 09:00 to 17:00." in said["signals"]
    assert "worth USD 101,000 to USD 302,000 at assumed values" in said["signals"]
    assert "needs 411 s instead of 443 s" in said["signals"]


def test_every_figure_is_drawn_from_its_table_and_has_its_own_id(all_of_them):
    figures = all_of_them.figures
    assert len({one.id for one in figures}) == len(figures)
    assert {one.tab for one in figures} <= {name for name, _ in TABS}
    assert {"week-buses", "chargers", "charger-curve", "order", "what-ifs", "habits", "stay-power", "delay",
            "worth", "alarm-waits"} <= {one.id for one in figures}  # fmt: skip
    for one in figures:
        assert len(one.table), one.id
    by_id = {one.id: one for one in figures}
    costs = {
        one["name"]: [two["value"] for two in one["bars"]]
        for one in by_id["week-costs"].data["groups"]
    }
    assert costs == {"Monday-Friday (5 days)": [160.0, 150.0], "Sunday (1 day)": [90.0, 90.0]}
    assert [one["name"] for one in by_id["what-ifs"].data["groups"]] == ["now", "bigger"]
    power = by_id["stay-power"].data["layers"][0]["values"]
    assert (power[95], power[0], sum(power)) == (
        80.0,
        80.0,
        160.0,
    )  # over midnight, 15 minutes each


def test_figures_of_several_periods_stand_side_by_side(all_of_them):
    table = all_of_them.tables["kpis-signals"].set_index("name")
    assert (
        table.loc["person_hours_h[07:00-09:00]", "difference"]
        == "\N{MINUS SIGN}1.0 (\N{MINUS SIGN}10.0 %)"
    )
    assert table.loc["person_hours_h[09:00-17:00]", "after"] == "8.0"
    assert table.loc["within_target", "after"] == "100.0 %"


def test_studies_claim_no_checks_that_were_not_made(all_of_them, tmp_path):
    page = all_of_them.to_html()
    assert (
        page.count("No findings: every check holds.") == 1
    )  # of the signals; no study was checked here
    alone = make_page(write(tmp_path, sizing=SIZING)).to_html()
    assert "every check holds" not in alone
    assert "These results bring no findings." in alone


def test_no_two_regions_have_one_name(all_of_them):
    named = re.findall(
        r'<div class="wide" role="region" tabindex="0" aria-label="([^"]+)"', all_of_them.to_html()
    )
    assert len(named) > 8
    assert len(set(named)) == len(named)


def test_a_simulation_tells_who_runs_short(tmp_path):
    day = read_feed(samples.path("incheon"), cache=False).day("2025-06-04")
    problem = fleet.problem(day)
    plan = fleet.plan(problem)
    found = fleet.simulate(problem, plan, fleet.Scenarios(count=40), seed=1)
    page = make_page([plan, found.write(tmp_path / "days")], before=[])
    part = next(one for one in page.parts if one.id == "fleet-simulation")
    failing, count = len(found.broken()), len(found.blocks)
    first = part.headline[0]
    assert first.startswith(
        f"{failing:,} of {count:,} buses" if failing else f"Every one of {count:,} buses"
    )
    if (found.blocks["breaks"] > 0).any():
        drawn = page.tables["short-of-charge"]
        assert drawn["breaks"].iloc[0] == found.blocks["breaks"].max()
        when = next(one for one in page.figures if one.id == "short-when").data["groups"]
        mean = sum(one["bars"][0]["value"] for one in when)
        assert mean == pytest.approx(found.scenario_table["broken"].mean(), abs=1e-3)
    again = make_page([found], before=[tmp_path / "days"])
    assert set(again.tables["kpis-fleet-simulation"]["difference"]) <= {"0", ""}


def test_policies_compared_become_a_curve():
    taps = fares.synthetic_taps(150, seed=0)
    found = fares.compare_policies(
        taps, fares.read_tariff("santiago"), {"month": [20_000, 41_000, None]}
    )
    page = make_page([found])
    assert (
        page.parts[0]
        .headline[0]
        .startswith("3 policies are compared over the same taps, which bring CLP ")
    )
    drawn = page.figures[0]
    assert drawn.id == "policies"
    assert (
        len(drawn.data["panels"][0]["series"][0]["points"]) == 2
    )  # no cap has no level to stand at


ELSEWHERE = {
    "feed check": {"feed": "x", "status": "ok", "counts": {}, "findings": []},
    "feed info": {"feed": "x", "stop_times": 1, "services": 1},
    "fleet check": {"plan": "x", "check": []},
    "fares tariff": {"tariff": "x", "currency": "USD", "legs": [], "transfers": []},
    "fares explain": {"card": "1", "lines": []},
    "signals corridor": {"route_id": "1", "passings": []},
    "signals counts": {"movements": [], "residuals": [], "findings": []},
    "signals sheet": {"written": "x", "sheets": [], "findings": []},
}


@pytest.mark.parametrize("command", ELSEWHERE)
def test_a_result_that_no_report_shows_is_named_with_what_to_give(command, tmp_path):
    (path,) = write(tmp_path, odd=ELSEWHERE[command])
    with pytest.raises(
        ConfigError, match=f"a report does not show .*{command}|one card's charges"
    ) as told:
        read_result(path)
    assert told.value.mend


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty"),
        ("taps.csv", "a,b\n1,2\n", "is no result but a .csv file"),
        ("list.json", "[1, 2]", "is no result that a report can show"),
        ("half.json", '{"a": ', "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_no_result_is_told_so(name, text, says, tmp_path):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(MobilityError, match=says) as told:
        read_result(tmp_path / name)
    assert told.value.mend


@pytest.mark.parametrize(
    "signs",
    [
        {"vehicles": 3, "blocks_mode": "x"}, {"tariff": 1, "totals": 2}, {"signals": 1, "digest": 2, "from_s": 3},
        {"broken_blocks": 1, "first_breaks": 1, "percentile": 1}, {"day_types": 1, "year_minor": 2},
        {"sites": [], "curve": [], "checked_together": 1}, {"what_ifs": [{}]}, {"plans": [1], "slots": 2},
        {"route": 1, "runs": 2, "others_lose_s_per_vehicle": 3}, {"levels": 3, "currency": "USD"},
        {"strategy": 1, "sessions": [{}], "peak_kw": {}}, {"by": 1, "stages": [], "order": []},
    ],
)  # fmt: skip
def test_a_document_with_the_names_alone_ends_in_a_line(signs, tmp_path, capsys):
    (path,) = write(tmp_path, fake=signs)
    assert run(["report", str(path), "--out", str(tmp_path / "page.html"), "-q"]) == 2
    said = capsys.readouterr().err
    assert "our mistake" not in said, said
    assert "mend:" in said
    assert not (tmp_path / "page.html").exists()
