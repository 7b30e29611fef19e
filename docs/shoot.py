"""Take the pictures of docs/report.md from the product itself: `python docs/shoot.py`.

Needs Debian's chromium, playwright and pillow, which the dev group brings.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import date
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from mobility import fares, fleet, samples, signals
from mobility.feed import read_feed
from mobility.report import make_page
from mobility.signals.benefit import benefit_per_year
from mobility.stop import Gap, Work

IMG = Path(__file__).parent / "img"
WIDTH = 1200
# Picture -> city, tab, figure whose top and bottom bound it (None: the whole view), dark, before.
SHOTS = (
    ("report-summary", "santiago", "summary", None, False),
    ("report-map", "santiago", "map", "map", False),
    ("report-vehicles", "santiago", "vehicles", "vehicles", False),
    ("report-energy", "santiago", "energy", "power", True),
    ("report-fares", "santiago", "fares", "cap-levels", False),
    ("report-signals", "changsha", "signals", "street", False),
    ("report-delay", "changsha", "signals", "delay", False),
    ("report-whatif", "santiago", "whatif", "short-when", False),
)


def santiago(folder: Path) -> Path:
    """A winter day of the sample, planned quickly and planned well, and a synthetic month of taps."""
    case = samples.case("santiago", "fleet.toml")
    path = samples.path("santiago")
    day = read_feed(path).day("2025-06-04")
    problem = fleet.problem(day, case=case)
    source = {"feed": str(path), "sha256": day.feed.sha256, "case": str(case), "date": "2025-06-04"}
    before = fleet.plan(problem).write(folder / "before", day=day, source=source)
    found = fleet.electrify(problem, stop=Gap(0.04))
    after = found.write(folder / "plan", day=day, source=source)
    taps, tariff = fares.synthetic_taps(3_000, seed=0), fares.read_tariff("santiago-2025")
    levels = fares.cap_levels(taps, tariff, levels=list(range(20_000, 70_000, 5_000)))
    told = {"tariff": tariff.name, "currency": tariff.currency,
            "levels": levels.astype(object).where(levels.notna(), None).to_dict("records")}  # fmt: skip
    caps = folder / "caps.json"
    caps.write_text(json.dumps(told), "utf-8")
    days = fleet.simulate(problem, found, fleet.Scenarios(count=1_000))
    page = make_page(
        [after, days, fares.settle(taps, tariff), caps], before=[before], made=date(2025, 5, 1)
    )
    return page.write(folder / "santiago.html")


def changsha(folder: Path) -> Path:
    """The corridor as it came in, and timed for three periods of the day."""
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    timed = signals.time_signals(network, stop=Work(200))
    worth = benefit_per_year(timed).to_dict("records")
    told = {"plans": [one.to_dict() for one in timed.periods], "benefit_per_year": worth}
    plan = folder / "timed.json"
    plan.write_text(json.dumps(told), "utf-8")
    page = make_page([plan], network=network, feed=samples.path("changsha"), made=date(2025, 5, 1))
    return page.write(folder / "changsha.html")


def shoot(
    browser: Browser, page: Path, name: str, tab: str, figure: str | None, *, dark: bool
) -> None:
    """One picture, with few colours so that it stays small."""
    view = browser.new_page(
        viewport={"width": WIDTH, "height": 820 if figure is None else 1400},
        color_scheme="dark" if dark else "light",
    )
    view.goto(page.as_uri())
    view.click(f"#tab-{tab}")
    view.wait_for_timeout(300)
    path = IMG / f"{name}.png"
    if figure is None:
        view.screenshot(path=path)
    else:
        view.locator(f"#figure-{figure}").screenshot(path=path)
    view.close()
    with Image.open(path) as drawn:
        small = drawn.convert("RGB").quantize(96, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} kB")


def main() -> None:
    """Make the pages, take the pictures."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        made = {"santiago": santiago(folder), "changsha": changsha(folder)}
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, city, tab, figure, dark in SHOTS:
            shoot(browser, made[city], name, tab, figure, dark=dark)
        browser.close()


if __name__ == "__main__":
    main()
