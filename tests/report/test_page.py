"""The page without a browser: arrays as text, escaping, readers, tables, files."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import report_pages as pages
from hypothesis import given
from hypothesis import strategies as st

from mobility import fares, samples, signals
from mobility.cli import run
from mobility.errors import ConfigError, TableError
from mobility.fleet.kpis import charge_levels
from mobility.report import assets, make_page, read_result
from mobility.report.compact import pack, unpack
from mobility.report.corridor import _widest
from mobility.report.fleet import open_plan
from mobility.report.markup import as_json, tag
from mobility.report.numbers import rows_of, say
from mobility.report.signals import plan_of_document

WHOLE = st.lists(st.integers(-(2**31) + 1, 2**31 - 1), max_size=50)


@given(WHOLE)
def test_packed_numbers_come_back(numbers):
    assert unpack(pack(numbers)).tolist() == numbers


@given(st.lists(st.floats(-1e5, 1e5), max_size=30))
def test_packed_decimals_come_back_rounded(numbers):
    assert unpack(pack(numbers, scale=100)) == pytest.approx(numbers, abs=0.005 + 1e-9)


def test_times_are_sent_as_differences_and_short():
    told = pack(np.arange(0, 86_400, 60))
    assert (told["d"], told["t"]) == (True, "u8")
    with pytest.raises(ValueError, match="NaN"):
        pack([1.0, float("nan")])
    with pytest.raises(ValueError, match="int32"):
        pack([2**31])


@given(st.text())
def test_no_text_leaves_its_place(text):
    assert json.loads(as_json({"a": text})) == {"a": text}
    assert not set(as_json(text)) & set("<>&\u2028\u2029")
    shown = tag("p", text, title=text)
    assert shown.count("<") == 2
    assert shown.count('"') == 2


def test_scripts_put_text_in_as_text_and_ask_nobody():
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(",
                 "XMLHttpRequest", "import(", "localStorage"):  # fmt: skip
        assert word not in assets.scripts()
    assert "@import" not in assets.styles()
    assert "url(" not in assets.styles()


@given(st.lists(st.booleans(), min_size=1, max_size=24))
def test_the_widest_green_of_a_circle(on):
    start, length = _widest(np.array(on))
    size = len(on)
    runs = [next((k for k in range(size) if not on[(at + k) % size]), size) for at in range(size)]
    assert length == max(runs)
    assert not length or runs[start] == length or length == size


@pytest.fixture(scope="module")
def santiago(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    case = samples.case("santiago", "fleet.toml")
    pages.write_fleet(folder / "plan", "santiago", case=case)
    pages.write_fleet(folder / "blocks", "santiago", mode="blocks", case=case)
    return folder


@pytest.fixture(scope="module")
def page(santiago):
    return make_page([santiago / "plan"], before=[santiago / "blocks"], made=date(2025, 6, 1))


def test_every_figure_is_a_table_too(page, santiago):
    blocks = pd.read_csv(santiago / "plan" / "blocks.csv")
    assert set(page.tables) == {"kpis-fleet", "costs", "map", "vehicles", "buses", "power", "sites"}
    assert len(page.tables["vehicles"]) == len(blocks)
    told = json.loads((santiago / "plan" / "plan.json").read_text("utf-8"))
    assert page.tables["costs"]["a_day_minor"].sum() == told["objective"]
    power = pd.read_csv(santiago / "plan" / "power.csv")
    assert page.tables["power"].drop(columns="start_s").to_numpy().sum() == pytest.approx(
        power["kw"].sum()
    )
    peaks = page.tables["sites"].set_index("site")["peak_kw"].to_dict()
    assert peaks == pytest.approx(
        {site: kw for site, kw in power.groupby("site")["kw"].max().items() if kw > 0}, abs=0.06
    )


def test_the_numbers_are_those_of_the_command_line(page, santiago):
    told = json.loads((santiago / "plan" / "plan.json").read_text("utf-8"))
    before = json.loads((santiago / "blocks" / "plan.json").read_text("utf-8"))
    rows = page.tables["kpis-fleet"].set_index("name")
    assert rows.loc["vehicles", "after"] == str(told["vehicles"])
    assert rows.loc["vehicles", "before"] == str(before["vehicles"])
    assert rows.loc["objective", "after"] == f"{told['objective']:,}"
    assert rows.loc["objective", "before"] == "–", "blocks alone have no energy in their cost"
    assert any("not set side by side" in one for one in page.parts[0].assumptions)


def test_two_charged_plans_are_set_side_by_side(santiago):
    page = make_page([santiago / "plan"], before=[santiago / "plan"])
    costs = page.tables["costs"]
    assert costs["before_minor"].tolist() == costs["after_minor"].tolist()
    power = page.tables["power"].drop(columns="start_s")
    assert power["before_kw"].tolist() == pytest.approx(
        power.drop(columns="before_kw").sum(axis=1).tolist()
    )


def test_the_charge_that_is_sent_is_the_charge(page, santiago):
    told = next(one for one in page.figures if one.id == "vehicles").data
    opened = open_plan(read_result(santiago / "plan"))
    levels = charge_levels(opened.plan)
    offset, time = unpack(told["soc"]["offset"]).astype(int), unpack(told["soc"]["time"])
    soc = unpack(told["soc"]["soc"])
    for row in range(0, len(told["vehicles"]), 9):
        own = levels[levels["vehicle"] == told["vehicles"][row]].drop_duplicates(
            "time_s", keep="last"
        )
        sent = slice(offset[row], offset[row + 1])
        last = np.r_[np.diff(time[sent]) > 0, True]
        shown = np.interp(own["time_s"], time[sent][last], soc[sent][last])
        assert np.abs(shown - own["soc"].to_numpy(float)).max() < 0.003


def test_the_page_is_the_same_again_and_names_no_folder(page, santiago):
    text = page.to_html()
    again = make_page([santiago / "plan"], before=[santiago / "blocks"], made=date(2025, 6, 1))
    assert again.to_html() == text
    assert str(santiago) not in text
    assert str(samples.path("santiago").parent) not in text
    told = json.loads((santiago / "plan" / "plan.json").read_text("utf-8"))
    assert told["source"]["sha256"] in text
    assert f"Seed</th><td>{told['seed']}" in text
    for one in told["assumptions"]:
        assert one in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_a_plan_that_was_edited_is_judged_anew(santiago, tmp_path):
    import shutil

    shutil.copytree(santiago / "plan", tmp_path / "plan")
    table = pd.read_csv(tmp_path / "plan" / "sessions.csv")
    table.iloc[1:].to_csv(tmp_path / "plan" / "sessions.csv", index=False)
    page = make_page([tmp_path / "plan"])
    assert any(one["severity"] == "error" for one in page.parts[0].findings)
    assert 'class="wrong"' in page.to_html()
    assert 'class="wrong"' not in make_page([santiago / "plan"]).to_html()


def test_a_plan_without_its_feed_uses_the_one_beside_it_and_says_so(santiago, tmp_path):
    import shutil

    shutil.copytree(santiago / "plan", tmp_path / "plan")
    file = tmp_path / "plan" / "plan.json"
    told = json.loads(file.read_text("utf-8"))
    told["source"]["feed"] = "/nowhere/feed.zip"
    file.write_text(json.dumps(told), "utf-8")
    part = make_page([tmp_path / "plan"]).parts[0]
    assert any("written with the plan" in one for one in part.assumptions)
    told["source"]["case"] = "/nowhere/fleet.toml"
    file.write_text(json.dumps(told), "utf-8")
    with pytest.raises(ConfigError, match=r"case file 'fleet\.toml' is not at hand"):
        make_page([tmp_path / "plan"])


def test_what_is_no_result_is_refused_by_name(tmp_path, santiago):
    (tmp_path / "x.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "y.json").write_text("{", "utf-8")
    with pytest.raises(ConfigError, match="no result that a report can show"):
        read_result(tmp_path / "x.json")
    with pytest.raises(TableError, match="cannot be read as JSON"):
        read_result(tmp_path / "y.json")
    with pytest.raises(TableError, match="no such file"):
        read_result(tmp_path / "z.json")
    with pytest.raises(TableError, match="holds 2 JSON documents"):
        read_result(tmp_path)
    with pytest.raises(ConfigError, match="two results of one kind"):
        make_page([santiago / "plan", santiago / "blocks"])
    with pytest.raises(ConfigError, match="an earlier fleet-plan and no later one"):
        make_page([pages.ledger(20)], before=[santiago / "plan"])
    (tmp_path / "x.json").write_text('{"levels": [], "currency": "CLP"}', "utf-8")
    with pytest.raises(ConfigError, match="a fares-caps is not set beside an earlier one"):
        make_page([tmp_path / "x.json"], before=[tmp_path / "x.json"])
    with pytest.raises(ConfigError, match="a report of nothing"):
        make_page([])


def test_the_command_writes_whole_or_nothing(santiago, tmp_path, capsys):
    out = tmp_path / "r.html"
    assert run(["report", str(santiago / "plan"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == out.stat().st_size
    assert told["tabs"] == ["summary", "map", "vehicles", "energy", "findings", "sources"]
    before = out.read_bytes()
    (tmp_path / "x.json").write_text('{"a": 1}', "utf-8")
    assert run(["report", str(tmp_path / "x.json"), "--out", str(out)]) == 2
    assert "mend:" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["r.html", "x.json"]


def test_riders_are_told_in_groups_and_never_below_ten():
    ledger = pages.ledger()
    page = make_page([ledger])
    table = page.tables["saving-medium"]
    assert table["saved_by_caps_minor"].sum() == ledger.total("cap_discount")
    assert table["saved_by_transfers_minor"].sum() == ledger.total("transfer_discount")
    assert table["riders"].sum() == ledger.totals["cards"]
    assert (table["riders"] >= 10).all()
    told = table["riders_capped"].dropna()
    assert ((told == 0) | (told >= 10)).all()
    text = page.to_html()
    assert not any(str(card) in text for card in ledger.card_labels()[:50])


def test_levels_of_a_cap_become_a_curve(tmp_path):
    taps = fares.synthetic_taps(300, seed=1)
    table = fares.cap_levels(
        taps, fares.read_tariff("santiago-2025"), levels=[20_000, 30_000, 41_000]
    )
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    document = {"tariff": "santiago-2025", "currency": "CLP", "levels": rows}
    (tmp_path / "caps.json").write_text(json.dumps(document), "utf-8")
    page = make_page([tmp_path / "caps.json"])
    panel = page.figures[0].data["panels"][0]
    assert [x for x, _ in panel["series"][0]["points"]] == [20_000, 30_000, 41_000]
    assert page.tables["cap-levels"]["charged_minor"].tolist() == table["charged"].tolist()


@pytest.mark.parametrize("city", ["changsha", "incheon"])
def test_signals_before_and_after(city, tmp_path):
    path = pages.write_signals(tmp_path / "in.json", city)
    told = json.loads(path.read_text("utf-8"))
    later = pages.moved(told, 17)
    (tmp_path / "later.json").write_text(json.dumps(later), "utf-8")
    page = make_page([tmp_path / "later.json"], network=samples.case(city, "signals.toml"))
    street = next(one for one in page.figures if one.id == "street")
    assert [one["name"] for one in street.data["plans"]] == ["before", "later"]
    assert len(street.data["signals"]) == len(told["signals"])
    bands = page.tables["street"]
    assert (bands["width_s"] > 0).all()
    assert plan_of_document(later).to_dict() == later
    unsaid = make_page([tmp_path / "later.json"])
    assert any("network was not named" in one for one in unsaid.parts[0].assumptions)
    assert "street" not in unsaid.tables


def test_a_week_of_plans_can_be_chosen_from(tmp_path):
    told = json.loads(pages.write_signals(tmp_path / "in.json", "incheon").read_text("utf-8"))
    week = {
        "kind": "signal schedule",
        "plans": [pages.moved(told, 7), {**pages.moved(told, 9), "name": "evening"}],
    }
    (tmp_path / "week.json").write_text(json.dumps(week), "utf-8")
    page = make_page([tmp_path / "week.json"], network=samples.case("incheon", "signals.toml"))
    stages = next(one for one in page.figures if one.id == "stages")
    assert [one["name"] for one in stages.data["plans"]] == ["before", "later", "evening"]
    assert (
        page.title
        == "Incheon: " + signals.read_network(samples.case("incheon", "signals.toml")).corridor
    )


def test_a_band_is_green_all_the_way(tmp_path):
    told = json.loads(pages.write_signals(tmp_path / "in.json", "changsha").read_text("utf-8"))
    page = make_page([tmp_path / "in.json"], network=samples.case("changsha", "signals.toml"))
    assert told["signals"]
    data = next(one for one in page.figures if one.id == "street").data["plans"][-1]
    for way in data["ways"]:
        for band in way["bands"]:
            for start in np.arange(band["start_s"], band["start_s"] + band["width_s"], 0.5):
                now = start
                for at in range(band["first"], band["last"] + 1):
                    second = now % way["cycles"][at]
                    assert not any(low <= second < high for low, high in way["reds"][at]), (
                        way["name"],
                        band,
                    )
                    now += way["travel"][at] if at < band["last"] else 0


def test_figures_in_words():
    assert say(None, "fuel", "litres") == "–"
    assert say(0.1628, "gap", "of the cost") == "16.3 %"
    rows = rows_of(
        {"vehicles": 9, "gap": 0.1},
        {"vehicles": 10, "gap": 0.1},
        {"vehicles": "buses", "gap": "of the cost"},
    )
    assert [row[-1] for row in rows] == ["−1 (−10.0 %)", "0"]


RUN = {
    "delay_s": 60.0,
    "person_delay_s": 58.0,
    "bus": {"n": 9, "delay_s": 80.0, "delay_sd_s": 20.0},
}


def test_delay_has_its_spread_over_seeds(tmp_path):
    before = {**RUN, "delay_s": 70.0, "delay_s_by_seed": [68.0, 72.0, 73.0]}
    after = {**RUN, "delay_s_by_seed": [59.0, 61.0, 63.0]}
    for name, told in (("before", before), ("after", after)):
        (tmp_path / f"{name}.json").write_text(json.dumps(told), "utf-8")
    page = make_page([tmp_path / "after.json"], before=[tmp_path / "before.json"])
    table = page.tables["run-delay"].set_index(["who", "plan"])
    assert table.loc[("all vehicles", "before")].tolist() == [71.0, 68.0, 73.0]
    assert table.loc[("all vehicles", "after")].tolist() == [61.0, 59.0, 63.0]
    assert table.loc[("buses", "after")].tolist() == [80.0, 60.0, 100.0]
    rows = page.tables["kpis-signals"].set_index("name")
    assert rows.loc["delay_s", ["before", "after", "difference"]].tolist() == [
        "71.0",
        "61.0",
        "−10.0 (−14.1 %)",
    ]


def test_a_timed_plan_tells_what_people_lose(tmp_path):
    told = json.loads(pages.write_signals(tmp_path / "in.json", "incheon").read_text("utf-8"))
    parts = {"vehicles": 300.0, "on foot": 50.0}
    told = pages.moved(told, 11) | {
        "saving": 0.125, "why": "", "assumptions": ["six buses an hour"],
        "before": {"person_hours_h": 400.0, "parts": {"vehicles": 340.0, "on foot": 60.0}},
        "after": {"person_hours_h": 350.0, "parts": parts},
    }  # fmt: skip
    (tmp_path / "timed.json").write_text(json.dumps(told), "utf-8")
    page = make_page([tmp_path / "timed.json"], network=samples.case("incheon", "signals.toml"))
    part = page.parts[0]
    assert any("12.5 % less time" in one for one in part.headline)
    assert "six buses an hour" in part.assumptions
    assert page.tables["delay"]["after_h"].tolist() == list(parts.values())


def test_punctuality_tells_its_interval(tmp_path):
    told = {
        "trips": 122, "seeds": 3, "on_time_s": [-60, 300], "plans": ["as it came in", "ours"],
        "figures": {"on_time": {"before": 0.8, "after": 0.9, "change": 10.0, "half_width": 2.5}},
        "by_route": [
            {"route_id": "C1", "direction_id": 0, "on_time_before": 0.8, "on_time_after": 0.9},
            {"route_id": "C4", "direction_id": 1, "on_time_before": float("nan"), "on_time_after": None},
        ],
    }  # fmt: skip
    (tmp_path / "p.json").write_text(json.dumps(told), "utf-8")
    page = make_page([tmp_path / "p.json"])
    assert (
        "80.0 % of buses' timed stops are on time before and 90.0 % after"
        in page.parts[0].headline[0]
    )
    assert "± 2.5" in page.parts[0].headline[0]
    groups = page.figures[0].data["groups"]
    assert [one["name"] for one in groups] == ["all routes", "C1, direction 0"]
    assert groups[0]["bars"][1]["low"] == pytest.approx(87.5)
    assert (
        page.tables["kpis-signals"].set_index("name").loc["on_time", "difference"] == "+10.0 points"
    )
    page.to_html()


def test_the_best_caps_are_told_with_their_proof(tmp_path):
    curve = [{"level": level, "charged": 900 + level, "riders_helped": 40 - level, "riders_worse": level,
              "gini": 0.4} for level in (10, 20, 30)]  # fmt: skip
    told = {
        "tariff": "t", "currency": "CLP", "answer": "cap month 20", "levels": {"month": 20}, "curve": curve,
        "present_revenue": 915, "least_revenue": 915, "proof": {"claim": "of all integer levels"},
        "policy": {"charged": 920, "riders_helped": 20, "saved": 5, "riders_worse": 20, "paid_more": 10, "change": 5},
        "frontier": [{"rise_percent": 0.0, "reaches": True, "riders_helped": 20, "riders_worse": None}],
        "equity": {"riders": 60, "by_category": [
            {"category": "student", "riders": 30, "saved": 12, "share_reaching": 0.5},
            {"category": "adult", "riders": 30, "saved": -7, "share_reaching": 0.1}]},
    }  # fmt: skip
    (tmp_path / "answer.json").write_text(json.dumps(told), "utf-8")
    (tmp_path / "curve.csv").write_text("level\n10\n", "utf-8")
    page = make_page([tmp_path])
    assert set(page.tables) == {"kpis-fares", "cap-curve", "cap-frontier", "equity-by-category",
                                "reaching-by-category"}  # fmt: skip
    assert "Proved of all integer levels." in page.figures[0].says
    assert page.figures[0].data["x"]["marks"] == [{"x": 20.0, "name": "best"}]
    assert page.tables["equity-by-category"]["saved"].tolist() == [12, -7]
    page.to_html()
