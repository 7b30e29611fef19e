"""Build gtfs_samples/changsha: ``python gtfs_samples/build_changsha.py [FOLDER]``.

Synthetic, shaped after published figures; not an operator's timetable. Wuyi Avenue, its cross
streets and metro line 2 are Changsha's; lines, signals, timings and volumes are ours.
"""

from __future__ import annotations

from build import Place, Sample, Stop, every, out_folder, platforms, write
from corridor import Signal, signals_csv, signals_toml

# The ten signals of Wuyi Avenue and Yuanda Road, west to east; peak vehicles an hour an approach.
SIGNALS = [
    Signal("J01", "Wuyi Avenue / Xiangjiang Road", 28.1937, 112.9672, "cross", 1250, 520),
    Signal("J02", "Wuyi Avenue / Taiping Street", 28.1943, 112.9712, "minor", 1200, 180),
    Signal("J03", "Wuyi Avenue / Huangxing Road", 28.1953, 112.9772, "cross", 1300, 560),
    Signal("J04", "Wuyi Avenue / Cai'e Road", 28.1957, 112.9818, "cross", 1280, 480),
    Signal("J05", "Wuyi Avenue / Furong Road", 28.1960, 112.9879, "cross", 1350, 640),
    Signal("J06", "Wuyi Avenue / Shaoshan Road", 28.1956, 112.9960, "cross", 1300, 580),
    Signal("J07", "Wuyi Avenue / Chaoyang Road", 28.1948, 113.0048, "cross", 1150, 460),
    Signal("J08", "Wuyi Avenue / Chezhan Road", 28.1943, 113.0105, "cross", 1100, 540),
    Signal("J09", "Yuanda Road / East Second Ring", 28.1950, 113.0290, "cross", 1200, 620),
    Signal("J10", "Yuanda Road / Wanjiali Road", 28.1962, 113.0385, "cross", 1150, 600),
]
# The plan in place: eastbound progression at 45 km/h, to 5 s; assumed.
OFFSETS_S = [0, 30, 80, 0, 45, 110, 60, 105, 10, 85]
SPEED_KMH = 45.0

STREETS = {
    "XHP": ("Fenglin Road / Xihu Park", 28.1990, 112.9270),
    "YWZ": ("Fenglin Road / Yingwanzhen", 28.1895, 112.9390),
    "RWZ": ("Rongwanzhen", 28.1885, 112.9490),
    "JZZ": ("Juzizhou Bridge", 28.1912, 112.9600),
    "TPS": ("Wuyi Avenue / Taiping Street East", 28.1940, 112.9694),
    "WYS": ("Wuyi Square", 28.1948, 112.9745),
    "FRS": ("Furong Square", 28.1959, 112.9852),
    "YBR": ("Yingbin Road Mouth", 28.1958, 112.9925),
    "YJL": ("Yuanjialing", 28.1952, 113.0005),
    "CYR": ("Wuyi Avenue / Chaoyang Road East", 28.1946, 113.0075),
    "CZN": ("Changsha Railway Station North", 28.1946, 113.0140),
    "YD1": ("Yuanda Road / Jintai", 28.1948, 113.0215),
    "YD2": ("Yuanda Road / Malan", 28.1956, 113.0335),
    "YD3": ("Yuanda Road / Dongtun", 28.1975, 113.0470),
    "F-N1": ("Furong Road / Yingpan Road", 28.2045, 112.9877),
    "F-N2": ("Furong Road / Xiangya Road", 28.2130, 112.9873),
    "F-N3": ("Furong Road / Wujialing", 28.2245, 112.9868),
    "F-N4": ("Furong Road / Sanyi Avenue", 28.2360, 112.9864),
    "F-S1": ("Furong Road / Renmin Road", 28.1895, 112.9880),
    "F-S2": ("Furong Road / Chengnan Road", 28.1815, 112.9882),
    "F-S3": ("Furong Road / Laodong Road", 28.1725, 112.9885),
    "F-S4": ("Furong Road / Xinjian Road", 28.1590, 112.9890),
}
TERMINALS = {
    "T-WCP": ("Wangchengpo Terminal", 28.2060, 112.9130),
    "T-YDE": ("Yuanda East Terminal", 28.1985, 113.0560),
    "T-KFU": ("Kaifu Terminal", 28.2500, 112.9860),
    "T-CSS": ("Changsha Railway Station", 28.1940, 113.0128),
    "T-SOU": ("Furong South Terminal", 28.1440, 112.9895),
}
WEST = "T-WCP XHP YWZ RWZ JZZ J01 TPS J02 WYS J03 J04 FRS J05"
# route: name, way outbound, headway in minutes in the peaks and else
BUSES = {
    "C1": (
        "Wangchengpo - Wuyi Avenue - Yuanda East",
        f"{WEST} YBR J06 YJL J07 CYR J08 CZN YD1 J09 YD2 J10 YD3 T-YDE",
        (8, 12),
    ),
    "C2": ("Wangchengpo - Furong North - Kaifu", f"{WEST} F-N1 F-N2 F-N3 F-N4 T-KFU", (10, 15)),
    "C3": (
        "Railway Station - Furong South",
        "T-CSS J08 CYR J07 YJL J06 YBR J05 F-S1 F-S2 F-S3 F-S4 T-SOU",
        (10, 15),
    ),
}
SHUTTLE = ("C4", "Railway Station - Yuanda East shuttle", "T-CSS J08 CZN YD1 J09 YD2 J10 YD3 T-YDE")
METRO = [
    ("Meixihu West", 28.1955, 112.8630), ("Luyun Road", 28.1975, 112.8760),
    ("Culture and Arts Center", 28.1990, 112.8890), ("Wangchengpo", 28.2055, 112.9125),
    ("Xihu Park", 28.1995, 112.9275), ("Yingwanzhen", 28.1893, 112.9395),
    ("Rongwanzhen", 28.1883, 112.9495), ("Juzizhou", 28.1905, 112.9610),
    ("Wuyi Square", 28.1951, 112.9750), ("Furong Square", 28.1961, 112.9857),
    ("Yingbin Road Mouth", 28.1960, 112.9930), ("Yuanjialing", 28.1950, 113.0010),
    ("Changsha Railway Station", 28.1938, 113.0132), ("Jintai Square", 28.1915, 113.0240),
    ("Wanjiali Square", 28.1880, 113.0365), ("Renmin East Road", 28.1800, 113.0480),
    ("Changsha Avenue", 28.1690, 113.0590), ("Shawan Park", 28.1590, 113.0640),
    ("Duhua Road", 28.1510, 113.0680), ("Changsha South", 28.1485, 113.0650),
]  # fmt: skip
WALKS = {  # metro station: bus places beside it, with the walk in seconds
    "Wangchengpo": ("T-WCP", 240),
    "Xihu Park": ("XHP", 180),
    "Yingwanzhen": ("YWZ", 180),
    "Rongwanzhen": ("RWZ", 150),
    "Wuyi Square": ("WYS", 240),
    "Furong Square": ("FRS", 180),
    "Yingbin Road Mouth": ("YBR", 180),
    "Yuanjialing": ("YJL", 180),
    "Changsha Railway Station": ("T-CSS", 240),
}
# China's holidays of 2025, and the weekend days worked instead (State Council's calendar).
OFF = [
    "0101", "0128", "0129", "0130", "0131", "0203", "0204", "0404", "0501", "0502", "0505",
    "0602", "1001", "1002", "1003", "1006", "1007", "1008",
]  # fmt: skip
WORKED = ["0126", "0208", "0427", "0928", "1011"]


def bus_bands(service: str, headways: tuple[int, int]) -> list[tuple[str, str, float]]:
    """Departures by time of day."""
    peak, other = headways
    if service == "W":
        return [
            ("06:00", "07:00", other),
            ("07:00", "09:00", peak),
            ("09:00", "17:00", other),
            ("17:00", "19:00", peak),
            ("19:00", "22:40", other + 5),
        ]
    return [("06:30", "21:00", other + 3), ("21:00", "22:40", other + 8)]


def bus_kmh(now_s: int, _a: Stop, _b: Stop) -> float:
    """In-service speed, dwell and signals included."""
    hour = now_s / 3600
    if 7 <= hour < 9 or 17 <= hour < 19:
        return 15.5
    return 19.0 if hour < 20.5 else 22.0


def ways() -> dict[tuple[str, int], list[Stop]]:
    """Every bus line's way in both directions."""
    known = {key: Place(key, *rest) for key, rest in STREETS.items()}
    known |= {key: Place(key, *rest, terminal=True) for key, rest in TERMINALS.items()}
    known |= {one.id: one.place for one in SIGNALS}
    passed = [one.id for one in SIGNALS]
    lines = {route: listed for route, (_, listed, _) in BUSES.items()} | {SHUTTLE[0]: SHUTTLE[2]}
    found = {}
    for route, listed in lines.items():
        there = [known[key] for key in listed.split()]
        found[route, 0] = platforms(there, passed)
        found[route, 1] = platforms(there[::-1], passed)
    return found


def calendars(sample: Sample) -> None:
    """Working days (W) and the rest (R), with holidays and worked weekend days."""
    sample.add_calendar("W", "1111100")
    sample.add_calendar("R", "0000011")
    for dates, added, removed in ((OFF, "R", "W"), (WORKED, "W", "R")):
        for day in dates:
            sample.add("calendar_dates", service_id=removed, date=f"2025{day}", exception_type=2)
            sample.add("calendar_dates", service_id=added, date=f"2025{day}", exception_type=1)


def buses(sample: Sample) -> None:
    """Three lines by timetable, a shuttle by headway."""
    lines = {route: (name, headways) for route, (name, _, headways) in BUSES.items()}
    for route, name in [*((route, name) for route, (name, _) in lines.items()), SHUTTLE[:2]]:
        sample.add(
            "routes", route_id=route, agency_id="BUS", route_short_name=route,
            route_long_name=name, route_type=3, route_color="0B6E4F",
        )  # fmt: skip
    for (route, direction), way in ways().items():
        for stop in way:
            if not stop.passed:
                sample.add_stop(stop)
        shape = f"{route}{'IR'[direction]}"
        along = sample.add_shape(shape, way)
        for service in ("W", "R"):
            trip = {
                "route_id": route, "service_id": service, "direction_id": direction,
                "trip_headsign": way[-1].name, "shape_id": shape,
            }  # fmt: skip
            if route in lines:
                headways = lines[route][1]
                for depart in every(bus_bands(service, headways), direction * headways[0] / 2):
                    name = f"{shape}{service}{depart // 3600:02d}{depart // 60 % 60:02d}"
                    sample.add_trip(name, way, along, depart, bus_kmh, **trip)
            else:
                sample.add_trip(f"{shape}{service}", way, along, 0, lambda *_: 18.0, **trip)
                for start, end, headway in (("06:30", "09:30", 420), ("09:30", "21:00", 600)):
                    sample.add_headway(f"{shape}{service}", start, end, headway)


def metro(sample: Sample) -> None:
    """Metro line 2 by headway; transfers to the bus stops beside its stations."""
    sample.add(
        "routes", route_id="M2", agency_id="METRO", route_short_name="2",
        route_long_name="Meixihu West - Changsha South", route_type=1, route_color="00A0E9",
    )  # fmt: skip
    there = [
        Stop(f"M2-{at:02d}", f"Metro {name}", lat, lon)
        for at, (name, lat, lon) in enumerate(METRO, start=1)
    ]
    for direction, way in enumerate((there, there[::-1])):
        shape = f"M2{'IR'[direction]}"
        along = sample.add_shape(shape, way)
        for stop in way:
            sample.add_stop(stop)
        for service in ("W", "R"):
            trip = f"{shape}{service}"
            sample.add_trip(
                trip, way, along, 0, lambda *_: 34.0,
                route_id="M2", service_id=service, direction_id=direction,
                trip_headsign=way[-1].name.removeprefix("Metro "), shape_id=shape,
            )  # fmt: skip
            peak = 240 if service == "W" else 360
            for start, end, headway in (
                ("06:30", "07:30", 360), ("07:30", "09:00", peak), ("09:00", "17:00", 400),
                ("17:00", "19:00", peak), ("19:00", "23:00", 480),
            ):  # fmt: skip
                sample.add_headway(trip, start, end, headway)
    served = [str(row["stop_id"]) for row in sample.tables["stops"]]
    for stop in there:
        place, walk_s = WALKS.get(stop.name.removeprefix("Metro "), ("", 0))
        for bus_stop in served:
            if place and bus_stop in {place, *(place + heading for heading in "ENSW")}:
                for a, b in ((stop.id, bus_stop), (bus_stop, stop.id)):
                    sample.add(
                        "transfers", from_stop_id=a, to_stop_id=b, transfer_type=2,
                        min_transfer_time=walk_s,
                    )  # fmt: skip


def signals() -> str:
    """Ten signals in a row, as text."""
    head = [
        "# Changsha: ten signals on Wuyi Avenue and Yuanda Road. SYNTHETIC: places are real;",
        "# timings, lanes, volumes and offsets are assumed. Written by build_changsha.py.",
        'city = "Changsha"',
        'timezone = "Asia/Shanghai"',
        'corridor = "Wuyi Avenue - Yuanda Road"',
        'drives_on = "right"',
    ]
    return signals_toml(head, SIGNALS, OFFSETS_S, ways(), SPEED_KMH)


def build() -> None:
    """Write the folder's tables and signals.toml; README and tariff are kept by hand."""
    sample = Sample()
    for key, name in (("BUS", "Changsha Bus (synthetic)"), ("METRO", "Changsha Metro (synthetic)")):
        sample.add(
            "agency", agency_id=key, agency_name=name, agency_url="https://example.org/changsha",
            agency_timezone="Asia/Shanghai", agency_lang="en",
        )  # fmt: skip
    sample.add_feed_info("https://example.org/changsha", "en")
    calendars(sample)
    buses(sample)
    metro(sample)
    folder = out_folder("changsha")
    sample.write(folder)
    write(folder / "signals.toml", signals())
    write(folder / "signals.csv", signals_csv(SIGNALS, OFFSETS_S))


if __name__ == "__main__":
    build()
