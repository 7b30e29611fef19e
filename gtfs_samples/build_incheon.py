"""Build gtfs_samples/incheon: ``python gtfs_samples/build_incheon.py [FOLDER]``.

Synthetic, shaped after published figures; not an operator's timetable. Districts and stations are
Incheon's (Juan, Guwol, Namdong, Songdo); lines, signals, timings and volumes are ours.
"""

from __future__ import annotations

from build import Place, Sample, Stop, every, out_folder, platforms, write
from corridor import Signal, quoted, signals_csv, signals_toml

# Eight signals between Juan and Jangsu, west to east; peak vehicles an hour an approach.
SIGNALS = [
    Signal("N01", "Citizens Park Crossroads", 37.4590, 126.6830, "cross", 1150, 420),
    Signal("N02", "Seokbawi Crossroads", 37.4572, 126.6905, "cross", 1200, 560),
    Signal("N03", "City Hall Crossroads", 37.4575, 126.7022, "cross", 1300, 620),
    Signal("N04", "Seokcheon Crossroads", 37.4569, 126.7107, "cross", 1250, 580),
    Signal("N05", "Moraenae Market Crossroads", 37.4557, 126.7195, "cross", 1150, 480),
    Signal("N06", "Mansu Crossroads", 37.4549, 126.7320, "cross", 1100, 520),
    Signal("N07", "Namdong-gu Office Crossroads", 37.4482, 126.7366, "cross", 1000, 460),
    Signal("N08", "Jangsu Crossroads", 37.4470, 126.7440, "minor", 950, 240),
]
# The plan in place: eastbound progression at 50 km/h, to 5 s; assumed.
OFFSETS_S = [0, 50, 5, 60, 0, 80, 25, 75]
SPEED_KMH = 50.0
# A fire engine's way: from its station to an incident past N08. Synthetic; see the README.
FIRE_SIGNALS = ["N03", "N04", "N05", "N06", "N07", "N08"]

STREETS = {
    "SBM": ("Seokbawi Market", 37.4573, 126.6930),
    "CTH": ("Incheon City Hall", 37.4574, 126.6985),
    "GJD": ("Ganseok Crossing", 37.4572, 126.7065),
    "SCH": ("Seokcheon Market", 37.4566, 126.7130),
    "MRN": ("Moraenae Market East", 37.4555, 126.7225),
    "MSU": ("Mansu Market", 37.4552, 126.7275),
    "NDG": ("Namdong-gu Office North", 37.4515, 126.7345),
    "JSG": ("Jangsu Street", 37.4475, 126.7400),
    "ART": ("Arts Center", 37.4492, 126.7010),
    "TER": ("Incheon Bus Terminal", 37.4424, 126.6995),
    "GWR": ("Guwol Rodeo Street", 37.4460, 126.7065),
    "GWM": ("Guwol Market", 37.4515, 126.7100),
    "MHK": ("Munhak Stadium", 37.4349, 126.6977),
    "SNH": ("Seonhak", 37.4270, 126.6987),
    "SYS": ("Sinyeonsu", 37.4180, 126.6938),
    "WIJ": ("Woninjae", 37.4120, 126.6870),
    "DCH": ("Dongchun", 37.4048, 126.6810),
    "DMK": ("Dongmak", 37.3979, 126.6740),
    "CTN": ("Campus Town", 37.3879, 126.6617),
    "HGP": ("Hogupo", 37.4016, 126.7085),
    "NRG": ("Namdong Induspark Center", 37.4080, 126.6990),
}
TERMINALS = {
    "T-JUA": ("Juan Station", 37.4648, 126.6805),
    "T-GPK": ("Incheon Grand Park", 37.4487, 126.7530),
    "T-SON": ("Songdo Technopark", 37.3822, 126.6563),
    "T-NDI": ("Namdong Industrial Complex", 37.3960, 126.7180),
}
CORRIDOR = "N01 N02 SBM CTH N03 GJD N04 SCH N05 MRN MSU N06 NDG N07 JSG N08"
# route: name, way outbound, headway in minutes in the peaks and else
BUSES = {
    "I1": ("Juan - City Hall - Grand Park", f"T-JUA {CORRIDOR} T-GPK", (8, 13)),
    "I2": (
        "Juan - Guwol - Songdo",
        "T-JUA N01 N02 SBM CTH N03 ART TER MHK SNH SYS WIJ DCH DMK CTN T-SON",
        (12, 18),
    ),
    "I3": (
        "Namdong Industrial Complex - Guwol - Grand Park",
        "T-NDI HGP NRG SNH MHK TER GWR GWM N04 SCH N05 MRN MSU N06 NDG N07 JSG N08 T-GPK",
        (12, 20),
    ),
    "I4": (
        "Songdo - Namdong Industrial Complex",
        "T-SON CTN DMK DCH WIJ NRG HGP T-NDI",
        (15, 30),
    ),
}
# Korea's public holidays of 2025 on working days, substitute and temporary ones included.
OFF = [
    "0101", "0127", "0128", "0129", "0130", "0303", "0505", "0506", "0603", "0606", "0815",
    "1003", "1006", "1007", "1008", "1009", "1225",
]  # fmt: skip


def bus_bands(service: str, headways: tuple[int, int]) -> list[tuple[str, str, float]]:
    """Departures by time of day."""
    peak, other = headways
    if service == "W":
        return [
            ("05:00", "06:30", other),
            ("06:30", "09:00", peak),
            ("09:00", "17:30", other),
            ("17:30", "20:00", peak),
            ("20:00", "23:40", other + 5),
        ]
    return [("05:20", "21:00", other + 4), ("21:00", "23:40", other + 10)]


def bus_kmh(now_s: int, _a: Stop, _b: Stop) -> float:
    """In-service speed, dwell and signals included."""
    hour = now_s / 3600
    if 6.5 <= hour < 9 or 17.5 <= hour < 20:
        return 17.0
    return 20.5 if 6 <= hour < 22 else 25.0


def ways() -> dict[tuple[str, int], list[Stop]]:
    """Every line's way in both directions."""
    known = {key: Place(key, *rest) for key, rest in STREETS.items()}
    known |= {key: Place(key, *rest, terminal=True) for key, rest in TERMINALS.items()}
    known |= {one.id: one.place for one in SIGNALS}
    passed = [one.id for one in SIGNALS]
    found = {}
    for route, (_, listed, _) in BUSES.items():
        there = [known[key] for key in listed.split()]
        found[route, 0] = platforms(there, passed)
        found[route, 1] = platforms(there[::-1], passed)
    return found


def calendars(sample: Sample) -> None:
    """Working days (W) and the rest (R); a public holiday runs as a Sunday."""
    sample.add_calendar("W", "1111100")
    sample.add_calendar("R", "0000011")
    for day in OFF:
        sample.add("calendar_dates", service_id="W", date=f"2025{day}", exception_type=2)
        sample.add("calendar_dates", service_id="R", date=f"2025{day}", exception_type=1)


def buses(sample: Sample) -> None:
    """Four lines, both directions, every departure a trip of its own."""
    for route, (name, _, _) in BUSES.items():
        sample.add(
            "routes", route_id=route, agency_id="BUS", route_short_name=route,
            route_long_name=name, route_type=3, route_color="1B4F9C",
        )  # fmt: skip
    for (route, direction), way in ways().items():
        headways = BUSES[route][2]
        for stop in way:
            if not stop.passed:
                sample.add_stop(stop)
        shape = f"{route}{'IR'[direction]}"
        along = sample.add_shape(shape, way)
        for service in ("W", "R"):
            for depart in every(bus_bands(service, headways), direction * headways[0] / 2):
                sample.add_trip(
                    f"{shape}{service}{depart // 3600:02d}{depart // 60 % 60:02d}",
                    way, along, depart, bus_kmh,
                    route_id=route, service_id=service, direction_id=direction,
                    trip_headsign=way[-1].name, shape_id=shape,
                )  # fmt: skip


def signals() -> str:
    """Eight signals in a row and a fire engine's way through six of them, as text."""
    head = [
        "# Incheon: eight signals between Juan and Jangsu. SYNTHETIC: places are real; timings,",
        "# lanes, volumes and offsets are assumed. Written by build_incheon.py.",
        'city = "Incheon"',
        'timezone = "Asia/Seoul"',
        'corridor = "Juan - City Hall - Namdong-gu Office - Jangsu"',
        'drives_on = "right"',
    ]
    through = ["through"] * len(FIRE_SIGNALS)
    fire = [
        "# A fire engine's way; the target is assumed. On time in Incheon: 79.4 % of runs, 94 %",
        "# with priority (from the project's brief).",
        "[[emergency_route]]",
        'id = "fire-1"',
        'name = "City Hall fire station to Jangsu (synthetic)"',
        "station = { lat = 37.45800, lon = 126.69950 }",
        "destination = { lat = 37.44720, lon = 126.74700 }",
        f"signals = [{quoted(FIRE_SIGNALS)}]",
        f"movements = [{quoted(through)}]",
        'from = "W" # the approach at every signal',
        "speed_kmh = 50.0",
        "turnout_s = 60",
        "target_s = 420",
    ]
    crossings = [
        "# Smart crossings: which ones, and what they promise, is assumed for this sample.",
        "[[crossing]]",
        'signal = "N02"',
        'place = "Seokbawi market"',
        "older_people = true # cleared at 0.92 m/s",
        "leading_walk_s = 4",
        "",
        "[[crossing]]",
        'signal = "N05"',
        'group = "PEW"',
        'place = "welfare centre (synthetic)"',
        "older_people = true",
        "pace_m_s = 0.8",
        "max_wait_s = 60",
        "leading_walk_s = 7",
    ]
    values = [
        "# What is saved is worth, low, middle, high; the rest as mobility assumes it.",
        "[values]",
        'currency = "USD"',
        "# KRW 5,310 and 14,185 an hour of leisure travel between cities (Lee 2012, JAKO201212656357480),",
        "# and their middle; at KRW 1,130 a dollar, assumed",
        "hour_minor = [470, 863, 1255]",
        "days = [240, 247, 300] # assumed: working days, with most Saturdays",
    ]
    return signals_toml(
        head, SIGNALS, OFFSETS_S, ways(), SPEED_KMH, [*fire, "", *crossings, "", *values]
    )


def build() -> None:
    """Write the folder's tables and signals.toml; README and tariff are kept by hand."""
    sample = Sample()
    sample.add(
        "agency", agency_id="BUS", agency_name="Incheon Bus (synthetic)",
        agency_url="https://example.org/incheon", agency_timezone="Asia/Seoul", agency_lang="en",
    )  # fmt: skip
    sample.add_feed_info("https://example.org/incheon", "en")
    calendars(sample)
    buses(sample)
    folder = out_folder("incheon")
    sample.write(folder)
    write(folder / "signals.toml", signals())
    write(folder / "signals.csv", signals_csv(SIGNALS, OFFSETS_S))


if __name__ == "__main__":
    build()
