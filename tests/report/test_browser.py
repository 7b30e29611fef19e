"""The page in a real browser: quiet, reachable by keys, searched, drawn at any size, printed."""

import re
import shutil
import sys
import time
from pathlib import Path

import pytest
import report_pages as pages

from mobility import samples
from mobility.report import make_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is in the dev group")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: the page is not tried in a browser"
)
CITIES = ("santiago", "changsha", "incheon")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """Open a file and watch it: errors of the console, requests, and what scripts throw."""
    opened = []

    def go(path, **how):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **how})
        page = context.new_page()
        page.wrong = []
        page.on(
            "console", lambda one: one.type in {"error", "warning"} and page.wrong.append(one.text)
        )
        page.on("pageerror", lambda one: page.wrong.append(str(one)))
        page.on(
            "request",
            lambda one: one.url.startswith(("file:", "blob:")) or page.wrong.append(one.url),
        )
        page.goto(path.as_uri())
        opened.append((context, page))
        return page

    yield go
    for context, page in opened:
        wrong = page.wrong
        context.close()
        assert not wrong


@pytest.fixture(scope="module")
def cities(tmp_path_factory):
    """One page a sample: a fleet, its signals where it has some, and Santiago's fares."""
    folder, made = tmp_path_factory.mktemp("pages"), {}
    for city in CITIES:
        case = samples.case(city, "fleet.toml") if city == "santiago" else None
        results = [pages.write_fleet(folder / city, city, case=case)]
        if city == "santiago":
            results.append(pages.ledger())
            page = make_page(results)
        else:
            results.append(pages.write_signals(folder / f"{city}.json", city))
            page = make_page(results, network=samples.case(city, "signals.toml"))
        made[city] = page.write(folder / f"{city}.html")
    return made


def until(page, holds):
    """Wait until something holds; the page lets no text be run as a script, so it is asked again."""
    for _ in range(200):
        if page.evaluate(holds):
            return
        time.sleep(0.05)
    raise AssertionError(holds)


def tabs(page):
    return page.locator('[role="tab"]').all_inner_texts()


@pytest.mark.parametrize("city", CITIES)
def test_every_tab_of_every_sample_is_drawn_without_a_word_of_complaint(city, cities, visit):
    page = visit(cities[city])
    own = {"santiago": ["Fares"]}.get(city, ["Signals"])
    assert tabs(page) == ["Summary", "Map", "Vehicles", "Energy", *own, "Findings", "Sources"]
    for one in page.locator('[role="tab"]').all():
        one.click()
        panel = page.locator('[role="tabpanel"]:visible')
        assert panel.count() == 1
        assert panel.get_attribute("aria-labelledby") == one.get_attribute("id")
    for figure in page.locator("figure").all():
        drawn = figure.locator(".drawing svg, .drawing canvas").first
        page.click(f"#tab-{figure.evaluate('one => one.closest(`[role=tabpanel]`).id.slice(6)')}")
        size = drawn.bounding_box()
        assert size["width"] > 150, figure.get_attribute("id")
        assert size["height"] > 50, figure.get_attribute("id")


def test_keys_walk_through_tabs_and_figures(cities, visit):
    page = visit(cities["changsha"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("#tab-summary")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-map"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.id") == "tab-sources"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.focus(".gantt canvas")
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#tip")
    assert "Block v0" in first
    assert "State of charge" in first
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#tip") != first
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.focus("#drawing-buses svg")
    page.keyboard.press("ArrowRight")
    assert "buses" in page.inner_text("#tip")


def test_hovering_a_bus_tells_trip_place_time_and_charge(cities, visit):
    page = visit(cities["santiago"])
    page.click("#tab-vehicles")
    box = page.locator(".gantt canvas").bounding_box()
    said = ""
    for x in range(200, 700, 40):
        page.mouse.move(box["x"] + x, box["y"] + 40)
        said = page.inner_text("#tip")
        if "Trip" in said:
            break
    for word in ("Bus v", "Block v", "route S", "America/Santiago", "km", "kWh", "State of charge"):
        assert word in said, said


def test_searching_by_route_block_and_depot(cities, visit):
    page = visit(cities["santiago"])
    page.click("#tab-vehicles")
    counted = page.locator("#count")
    page.select_option("#route", "S3")
    told = page.evaluate("""() => { const f = fleetOf(data.vehicles), r = f.routes.indexOf("S3");
        return f.vehicles.filter((_, bus) => does(f, bus, (at) => f.route[at] === r)).length; }""")
    assert counted.inner_text().startswith(f"{told} of ")
    page.select_option("#depot", "penalolen")
    assert int(counted.inner_text().split()[0]) < told
    page.get_by_role("button", name="Clear").click()
    until(page, "document.getElementById('count').textContent === ''")
    page.fill("#find", "v0003/1")
    assert counted.inner_text().startswith("1 of ")
    page.fill("#find", "nothing is called so")
    assert counted.inner_text().startswith("0 of ")
    page.get_by_role("button", name="Clear").click()
    page.click("#tab-map")
    page.select_option("#route", "S3")
    assert page.locator(".way.high").count() >= 2
    assert page.locator(".way.low").count() >= 2
    page.select_option("#route", "")
    page.select_option("#depot", "penalolen")
    page.click("#tab-energy")
    assert page.locator("#drawing-sites svg").count() == 1


def test_the_map_moves_and_zooms(cities, visit):
    page = visit(cities["incheon"])
    page.click("#tab-map")
    world = "document.querySelector('#drawing-map g[transform]').getAttribute('transform')"
    whole = page.evaluate(world)
    page.get_by_role("button", name="Zoom in", exact=True).click()
    near = page.evaluate(world)
    assert near != whole
    page.focus("#drawing-map svg")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(world) != near
    page.keyboard.press("0")
    assert page.evaluate(world) == whole
    page.locator(".point.depot").first.focus()
    assert "depot" in page.inner_text("#tip")


def test_a_chart_is_saved_as_a_table_and_a_picture(cities, visit):
    page = visit(cities["santiago"], accept_downloads=True)
    page.click("#tab-energy")
    figure = page.locator("#figure-sites")
    with page.expect_download() as told:
        figure.get_by_role("button", name="Save table (CSV)").click()
    rows = told.value.path().read_text("utf-8").splitlines()
    assert rows[0] == "site,peak_kw,peak_from,site_limit_kw,energy_kwh"
    assert len(rows) > 3
    with page.expect_download() as told:
        page.locator("#figure-power").get_by_role("button", name="Save picture").click()
    picture = told.value.path().read_text("utf-8")
    assert picture.startswith("<svg")
    assert "var(--" not in picture.replace("url(", "")
    figure.get_by_role("button", name="Show table").click()
    assert figure.locator(".rows tbody tr").count() == len(rows) - 1
    page.click("#tab-vehicles")
    with page.expect_download() as told:
        page.locator("#figure-vehicles").get_by_role("button", name="Save table (CSV)").click()
    head, *rows = told.value.path().read_text("utf-8").splitlines()
    assert head.startswith("vehicle,block,kind,trip_id,route_id,")
    assert len(rows) == page.evaluate("unpack(data.vehicles.kind).length")


def test_dark_and_light_follow_the_system_and_the_reader(cities, visit):
    page = visit(cities["incheon"], color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.select_option("#theme", "light")
    assert page.evaluate(theme) == "light"
    page.select_option("#theme", "auto")
    page.emulate_media(color_scheme="light")
    until(page, f"{theme} === 'light'")


@pytest.fixture(scope="module")
def axe():
    """axe-core, as the package of the dev group brings it."""
    package = pytest.importorskip("axe_playwright_python", reason="it is in the dev group")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


AUDIT = """async () => (await axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag",
  values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})).violations
  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((two) => two.target.join(" ")).join(", ")}`)"""


@pytest.mark.parametrize(("city", "theme", "wide"), [
    ("santiago", "light", 375), ("changsha", "dark", 1200),
])  # fmt: skip
def test_axe_finds_nothing_on_any_tab(city, theme, wide, cities, visit, axe):
    page = visit(cities[city], viewport={"width": wide, "height": 900}, color_scheme=theme)
    page.evaluate(axe)
    assert page.evaluate("axe.version")
    found = []
    for one in page.locator('[role="tab"]').all():
        one.click()
        found += [f"{one.get_attribute('id')}: {said}" for said in page.evaluate(AUDIT)]
    assert found == []


def test_axe_is_listened_to(cities, visit, axe):
    """A fault that is put in is found: the audit can fail."""
    page = visit(cities["incheon"])
    page.evaluate(axe)
    page.evaluate(
        "document.getElementById('find').closest('label').replaceWith(document.getElementById('find'))"
    )
    page.evaluate("document.getElementById('find').removeAttribute('placeholder')")
    page.click("#tab-map")
    assert any(one.startswith("label:") for one in page.evaluate(AUDIT))


def test_words_of_charts_stand_out_and_marks_do(cities, visit):
    """What axe leaves open: words of drawings 4.5 to 1, and colours that carry meaning 3 to 1."""
    for city, theme in (("santiago", "light"), ("santiago", "dark"), ("changsha", "light")):
        page = visit(cities[city], color_scheme=theme)
        for one in page.locator('[role="tab"]').all():
            one.click()
        low = page.evaluate("""() => {
          const shine = ([r, g, b]) => [r, g, b].map((one) => one / 255)
            .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
            .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
          const parts = (text) => text.match(/[0-9.]+/g).map(Number);
          const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
          const ratio = (a, b) => { const [x, y] = [shine(a), shine(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
          const paper = hex(colour("paper"));
          const words = [...document.querySelectorAll(".drawing svg text")]
            .filter((one) => ratio(parts(getComputedStyle(one).fill), paper) < 4.5).map((one) => one.textContent);
          const marks = ["service", "empty", "charge", "other", "layover", "red", "green", "map-line", "line"]
            .filter((one) => ratio(hex(colour(one)), paper) < 3);
          return [...new Set([...words, ...marks])];
        }""")
        assert low == [], (city, theme)


def test_tab_alone_goes_through_the_page_and_out_again(cities, visit):
    """Nothing keeps the keyboard; what it reaches is seen and has a name."""
    page = visit(cities["changsha"])
    page.click("#tab-map")
    page.reload()  # the place is kept in the address; the keyboard begins at the top
    seen, nameless = [], []
    for _ in range(120):
        page.keyboard.press("Tab")
        told = page.evaluate("""() => { const one = document.activeElement; if (one === document.body) return null;
          const named = one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.textContent.trim()
            || (one.labels && one.labels.length);
          const box = one.getBoundingClientRect();
          return [one.tagName + "#" + one.id + "." + (one.getAttribute("class") || ""), Boolean(named) || one.id === "main", box.width > 0]; }""")
        if told is None:
            break
        seen.append(told[0])
        nameless += [told[0]] if not (told[1] and told[2]) else []
    else:
        raise AssertionError(f"the keyboard does not come out again: {seen[-4:]}")
    assert not nameless
    order = [
        next(at for at, one in enumerate(seen) if part in one)
        for part in ("#theme", "#tab-map", "#find", "panel-map")
    ]
    assert order == sorted(order)


def test_words_stand_out_from_their_ground(cities, visit):
    """WCAG 2.2 asks for a contrast of 4.5 to 1 of small text."""
    page = visit(cities["incheon"])
    for theme in ("light", "dark"):
        page.select_option("#theme", theme)
        low = page.evaluate("""() => {
          const shine = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
            .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
            .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
          const ratio = (a, b) => { const [x, y] = [shine(colour(a)), shine(colour(b))].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
          return [["ink", "paper"], ["ink", "wash"], ["soft", "paper"], ["soft", "wash"], ["accent", "wash"], ["loud", "loud-wash"],
            ["error", "paper"], ["warning", "paper"], ["info", "paper"]].filter(([a, b]) => ratio(a, b) < 4.5);
        }""")
        assert low == [], theme


def test_it_fits_a_telephone(cities, visit):
    page = visit(cities["changsha"], viewport={"width": 360, "height": 740})
    for one in page.locator('[role="tab"]').all():
        one.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 361, one.inner_text()


def test_it_prints_every_part(cities, visit, tmp_path):
    page = visit(cities["changsha"])
    paper = page.pdf(path=tmp_path / "paper.pdf", prefer_css_page_size=True)
    wide, high = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper).groups()
    assert (round(float(wide)), round(float(high))) == (595, 842)  # A4, in points
    assert len(re.findall(rb"/Type /Page\b", paper)) >= 8
    page.emulate_media(media="print")
    assert (
        page.locator('[role="tabpanel"]:visible').count()
        == page.locator('[role="tabpanel"]').count()
    )
    assert page.locator(".bar").is_hidden()
    for figure in page.locator("figure").all():
        assert figure.locator(".drawing svg, .drawing canvas").count() >= 1


def test_a_hostile_name_is_a_name(visit, tmp_path):
    page = visit(pages.hostile_page().write(tmp_path / "hostile.html"))
    assert page.locator("h1").text_content() == pages.HOSTILE
    for one in page.locator('[role="tab"]').all():
        one.click()
    page.click("#tab-vehicles")
    page.focus(".gantt canvas")
    page.keyboard.press("ArrowRight")
    assert "<script>" in page.inner_text("#tip")
    page.select_option("#depot", index=1)
    page.locator("#figure-vehicles").get_by_role("button", name="Show table").click()
    page.click("#tab-energy")
    page.click("#tab-map")
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


def test_thousands_of_buses_open_at_once(visit, tmp_path):
    plan = pages.many_buses(78)
    path = make_page([plan]).write(tmp_path / "many.html")
    assert len(plan.blocks["vehicle"].unique()) >= 2_480
    assert path.stat().st_size < 15e6
    page = visit(path)
    started = time.perf_counter()
    page.click("#tab-vehicles")
    until(page, "document.querySelector('.gantt canvas').width > 300")
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"{path.stat().st_size / 1e6:.1f} MB, {loaded:.0f} ms to load", file=sys.stderr)
    # Three seconds are asked for; other work on the machine may take four times as long.
    assert loaded + 1000 * (time.perf_counter() - started) < 12_000
    page.get_by_role(
        "button", name="Show the whole fleet at once, or rows that can be read"
    ).click()
    page.fill("#find", "v0007-077")
    assert page.inner_text("#count") == f"1 of {plan.vehicles:,} buses"


def test_a_real_feed(shared_gtfs, visit, tmp_path):
    folder = pages.write_fleet(tmp_path / "plan", shared_gtfs / "cairns.zip")
    page = visit(make_page([folder]).write(tmp_path / "cairns.html"))
    for one in page.locator('[role="tab"]').all():
        one.click()
    page.click("#tab-map")
    assert page.locator(".way").count() > 20
    assert page.locator(".way").first.bounding_box()["width"] > 0
