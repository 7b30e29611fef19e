"""Build gtfs_samples/odd: ``python gtfs_samples/build_odd.py [FOLDER]``.

Tiny synthetic feeds for tests: one base, and from it one peculiarity or one defect a folder. What
each is expected to give stands in ``EXPECT`` and is written to odd/expect.toml: a status and, where
it is not "ok", the code of the finding (the canonical GTFS validator's where it has one).
"""

from __future__ import annotations

from build import out_folder, write

BASE = {
    "agency": """\
agency_id,agency_name,agency_url,agency_timezone
A,Tiny Transit (synthetic),https://example.org/tiny,America/Santiago
""",
    "stops": """\
stop_id,stop_name,stop_lat,stop_lon
P,Plaza,-33.4400,-70.6500
Q,Quinta,-33.4400,-70.6400
R,Rotonda,-33.4400,-70.6300
S,Sur,-33.4500,-70.6300
""",
    "routes": """\
route_id,agency_id,route_short_name,route_long_name,route_type
1,A,1,Plaza - Sur,3
""",
    "trips": """\
route_id,service_id,trip_id,direction_id,block_id,shape_id
1,all,out1,0,b1,there
1,all,back1,1,b1,back
1,all,out2,0,b2,there
""",
    "stop_times": """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled
out1,08:00:00,08:00:00,P,1,0
out1,08:03:00,08:03:30,Q,2,0.93
out1,08:06:30,08:07:00,R,3,1.86
out1,08:11:00,08:11:00,S,4,2.97
back1,08:20:00,08:20:00,S,1,0
back1,08:24:00,08:24:30,R,2,1.11
back1,08:27:30,08:28:00,Q,3,2.04
back1,08:31:00,08:31:00,P,4,2.97
out2,08:30:00,08:30:00,P,1,0
out2,08:33:00,08:33:30,Q,2,0.93
out2,08:36:30,08:37:00,R,3,1.86
out2,08:41:00,08:41:00,S,4,2.97
""",
    "shapes": """\
shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled
there,-33.4400,-70.6500,1,0
there,-33.4400,-70.6300,2,1.86
there,-33.4500,-70.6300,3,2.97
back,-33.4500,-70.6300,1,0
back,-33.4400,-70.6300,2,1.11
back,-33.4400,-70.6500,3,2.97
""",
    "calendar": """\
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
all,1,1,1,1,1,1,1,20250301,20250930
""",
}
DATES = """\
service_id,date,exception_type
all,20250305,1
all,20250306,1
"""
HEADWAYS = """\
trip_id,start_time,end_time,headway_secs,exact_times
out1,06:00:00,09:00:00,600,0
out1,09:00:00,12:00:00,900,0
back1,06:00:00,12:00:00,720,1
out2,22:00:00,25:00:00,1800,0
"""
BOMB = """\
trip_id,start_time,end_time,headway_secs,exact_times
out1,00:00:00,999:00:00,1,0
back1,00:00:00,999:00:00,1,0
out2,00:00:00,999:00:00,1,0
"""
# The night of a clock change, in service-day seconds: trips around 00:00, 03:00 and 25:00.
NIGHT = """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled
out1,00:10:00,00:10:00,P,1,0
out1,00:21:00,00:21:00,S,4,2.97
back1,02:50:00,02:50:00,S,1,0
back1,03:05:00,03:05:00,P,4,2.97
out2,24:50:00,24:50:00,P,1,0
out2,25:05:00,25:05:00,S,4,2.97
"""
FARE_ATTRIBUTES = """\
fare_id,price,currency_type,payment_method,transfers,transfer_duration
one_zone,700,CLP,1,1,5400
two_zones,900,CLP,1,1,5400
"""
FARE_RULES = """\
fare_id,origin_id,destination_id
one_zone,west,west
one_zone,east,east
two_zones,west,east
two_zones,east,west
"""
ZONES = [
    ("stops", "stop_lon\n", "stop_lon,zone_id\n"),
    ("stops", "-70.6500\n", "-70.6500,west\n"),
    ("stops", "-70.6400\n", "-70.6400,west\n"),
    ("stops", "R,Rotonda,-33.4400,-70.6300\n", "R,Rotonda,-33.4400,-70.6300,east\n"),
    ("stops", "S,Sur,-33.4500,-70.6300\n", "S,Sur,-33.4500,-70.6300,east\n"),
]
FARES_V2 = {
    "areas": """\
area_id,area_name
west,West
east,East
""",
    "stop_areas": """\
area_id,stop_id
west,P
west,Q
east,R
east,S
""",
    "networks": """\
network_id,network_name
red,Red lines
""",
    "route_networks": """\
network_id,route_id
red,1
""",
    "timeframes": """\
timeframe_group_id,start_time,end_time,service_id
peak,07:00:00,09:00:00,all
""",
    "rider_categories": """\
rider_category_id,rider_category_name,is_default_fare_category
adult,Adult,1
student,Student,0
""",
    "fare_media": """\
fare_media_id,fare_media_name,fare_media_type
card,Card,2
qr,QR code,4
""",
    "fare_products": """\
fare_product_id,fare_product_name,rider_category_id,fare_media_id,amount,currency
short,One area,adult,card,700,CLP
short,One area,adult,qr,700,CLP
short,One area,student,card,230,CLP
long,Two areas,adult,card,800,CLP
long,Two areas,adult,qr,800,CLP
long,Two areas,student,card,230,CLP
long_peak,Two areas at the peak,adult,card,900,CLP
long_peak,Two areas at the peak,adult,qr,900,CLP
long_peak,Two areas at the peak,student,card,230,CLP
""",
    "fare_leg_rules": """\
leg_group_id,network_id,from_area_id,to_area_id,from_timeframe_group_id,fare_product_id,rule_priority
red,red,,,,long,0
red,red,,,peak,long_peak,1
red,red,west,west,,short,2
red,red,east,east,,short,2
""",
    "fare_transfer_rules": """\
from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id
red,red,1,5400,1,0,
""",
}
SECOND_AGENCY = "B,Other Lines (synthetic),https://example.org/other"
FREE_TRIP = "1,all,out3,0,,there\n"

Changes = list[tuple[str, str, str]]  # file, what stands in the base ("" = all of it), what instead

# name: (changes to the base, files taken away)
ODD: dict[str, tuple[Changes, tuple[str, ...]]] = {
    "plain": ([], ()),
    "past_midnight": (
        [
            ("stop_times", "out2,08:30:00,08:30:00", "out2,23:50:00,23:50:00"),
            ("stop_times", "out2,08:33:00,08:33:30", "out2,23:58:00,23:59:30"),
            ("stop_times", "out2,08:36:30,08:37:00", "out2,24:06:30,24:07:00"),
            ("stop_times", "out2,08:41:00,08:41:00", "out2,24:16:00,24:16:00"),
        ],
        (),
    ),
    "dst": (
        [
            ("stop_times", "", NIGHT),
            ("calendar", "1,1,1,1,1,1,1,20250301,20250930", "0,0,0,0,0,1,1,20250405,20250907"),
        ],
        (),
    ),
    "frequencies_only": ([("frequencies", "", HEADWAYS)], ()),
    "blank_times": (
        [
            ("stop_times", "out1,08:03:00,08:03:30", "out1,,"),
            ("stop_times", "out1,08:06:30,08:07:00", "out1,,"),
            ("stop_times", "back1,08:27:30,08:28:00", "back1,,"),
        ],
        (),
    ),
    "dates_only": ([("calendar_dates", "", DATES)], ("calendar",)),
    "no_shapes": (
        [("trips", ",b1,there", ",b1,"), ("trips", ",b1,back", ",b1,"), ("trips", ",there", ",")],
        ("shapes",),
    ),
    "two_agencies": (
        [
            (
                "agency",
                "America/Santiago\n",
                f"America/Santiago\n{SECOND_AGENCY},America/Santiago\n",
            ),
            ("routes", "Plaza - Sur,3\n", "Plaza - Sur,3\n2,B,2,Sur - Plaza,3\n"),
            ("trips", "1,all,back1", "2,all,back1"),
        ],
        (),
    ),
    "text_ids": (
        [
            ("stops", "\nP,", "\n007,"),
            ("stops", "\nQ,", "\n7,"),
            ("stops", "\nR,", "\nNA,"),
            ("stops", "\nS,", "\nnull,"),
            ("stop_times", ",P,", ",007,"),
            ("stop_times", ",Q,", ",7,"),
            ("stop_times", ",R,", ",NA,"),
            ("stop_times", ",S,", ",null,"),
        ],
        (),
    ),
    "fares_v1": (
        [("fare_attributes", "", FARE_ATTRIBUTES), ("fare_rules", "", FARE_RULES), *ZONES],
        (),
    ),
    "fares_v2": ([(name, "", text) for name, text in FARES_V2.items()], ()),
    "bad_time": ([("stop_times", "out1,08:06:30,", "out1,08:66:30,")], ()),
    "bad_date": ([("calendar", "20250301", "2025-03-01")], ()),
    "bad_timezone": ([("agency", "America/Santiago", "America/Santiagoo")], ()),
    "two_timezones": (
        [("agency", "America/Santiago\n", f"America/Santiago\n{SECOND_AGENCY},Asia/Seoul\n")],
        (),
    ),
    "bad_row": ([("stops", "R,Rotonda,-33.4400,-70.6300", "R,Rotonda,-33.4400")], ()),
    "dangling_stop": ([("stop_times", "08:07:00,R,3", "08:07:00,X,3")], ()),
    "dangling_route": ([("trips", "1,all,back1", "9,all,back1")], ()),
    "duplicate_trip": ([("trips", "out2,0,b2", "out1,0,b2")], ()),
    "overlapping_blocks": ([("trips", "out2,0,b2", "out2,0,b1")], ()),
    "overlapping_frequencies": (
        [("frequencies", "", HEADWAYS.replace("out1,09:00:00", "out1,08:30:00"))],
        (),
    ),
    "frequency_bomb": ([("frequencies", "", BOMB)], ()),
    "time_travel": ([("stop_times", "out1,08:06:30,08:07:00", "out1,08:02:30,08:02:30")], ()),
    "backward_distance": ([("stop_times", "08:07:00,R,3,1.86", "08:07:00,R,3,0.50")], ()),
    "one_stop_trip": (
        [
            ("trips", "out2,0,b2,there\n", f"out2,0,b2,there\n{FREE_TRIP}"),
            (
                "stop_times",
                "out2,08:41:00,08:41:00,S,4,2.97\n",
                "out2,08:41:00,08:41:00,S,4,2.97\nout3,09:00:00,09:00:00,P,1,0\n",
            ),
        ],
        (),
    ),
    "no_position": ([("stops", "Q,Quinta,-33.4400,-70.6400", "Q,Quinta,,")], ()),
    "no_calendar": ([], ("calendar",)),
    "no_stops": ([], ("stops",)),
    "no_stop_id_column": ([("stop_times", "departure_time,stop_id,", "departure_time,place,")], ()),
}
EXPECT = {
    "plain": ("ok", "", "the base: three trips, two blocks, one shape each way"),
    "past_midnight": ("ok", "", "a trip from 23:50 to 24:16"),
    "dst": ("ok", "", "service on the nights of 2025-04-06 (clock back) and 2025-09-07 (forward)"),
    "frequencies_only": ("ok", "", "every trip by headway, exact and not; one window past 24:00"),
    "blank_times": ("ok", "", "times to interpolate along shape_dist_traveled"),
    "dates_only": ("ok", "", "calendar_dates.txt alone: 2025-03-05 and 06"),
    "no_shapes": ("ok", "", "neither shapes.txt nor shape_id"),
    "two_agencies": ("ok", "", "two agencies in one time zone"),
    "text_ids": ("ok", "", "stop ids 007, 7, NA and null stay four different texts"),
    "fares_v1": ("ok", "", "Fares v1: two zones, one transfer within 90 minutes"),
    "fares_v2": ("ok", "", "Fares v2: areas, a peak, two rider categories, a free transfer"),
    "bad_time": ("error", "invalid_time", "08:66:30"),
    "bad_date": ("error", "invalid_date", "2025-03-01 in calendar.txt"),
    "bad_timezone": ("error", "invalid_timezone", "America/Santiagoo"),
    "two_timezones": ("error", "inconsistent_agency_timezone", "Santiago and Seoul in agency.txt"),
    "bad_row": ("error", "invalid_row_length", "a stop without its last field"),
    "dangling_stop": ("error", "foreign_key_violation", "stop X is not in stops.txt"),
    "dangling_route": ("error", "foreign_key_violation", "route 9 is not in routes.txt"),
    "duplicate_trip": ("error", "duplicate_key", "trip_id out1 twice"),
    "overlapping_blocks": (
        "error",
        "block_trips_with_overlapping_stop_times",
        "out2 leaves Plaza one minute before its own block arrives there",
    ),
    "overlapping_frequencies": ("error", "overlapping_frequency", "out1 from 08:30 and to 09:00"),
    "frequency_bomb": (
        "error",
        "frequency_expansion_too_large",
        "three trips every second for 999 hours: 10.8 million departures",
    ),
    "time_travel": (
        "error",
        "stop_time_with_arrival_before_previous_departure_time",
        "arrives at R before it left Q",
    ),
    "backward_distance": (
        "error",
        "decreasing_or_equal_stop_time_distance",
        "shape_dist_traveled falls from 0.93 to 0.50",
    ),
    "one_stop_trip": ("warn", "unusable_trip", "out3 has one stop"),
    "no_position": ("error", "stop_without_location", "Q has no coordinates"),
    "no_calendar": (
        "error",
        "missing_calendar_and_calendar_date_files",
        "neither calendar.txt nor calendar_dates.txt",
    ),
    "no_stops": ("error", "missing_required_file", "no stops.txt"),
    "no_stop_id_column": ("error", "missing_required_column", "stop_times.txt without stop_id"),
}


def variant(name: str) -> dict[str, str]:
    """Give a variant's files as text, by table."""
    changes, gone = ODD[name]
    files = {table: text for table, text in BASE.items() if table not in gone}
    for table, old, new in changes:
        if old and old not in files[table]:
            raise ValueError(f"{name}: {old!r} does not stand in {table}.txt")
        files[table] = files[table].replace(old, new) if old else new
    return files


def expect_toml() -> str:
    """Lay out what each folder is expected to give."""
    lines = ["# Written by build_odd.py: what `mobility feed check` is to say of each folder."]
    lines += [
        f'{name} = {{ status = "{status}", code = "{code}", what = "{what}" }}'
        for name, (status, code, what) in EXPECT.items()
    ]
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Lay out the table of the folders."""
    lines = [
        "# Odd feeds for tests",
        "",
        "Synthetic, a dozen rows each: one base (`plain`) and from it one peculiarity or one",
        "defect a folder, written by `../build_odd.py`. `expect.toml` says the same for machines:",
        "`status` is `ok`, `warn` or `error`; `code` is a finding that must be among those given.",
        "",
        "| folder | status | code | what is odd |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {status} | {f'`{code}`' if code else '-'} | {what} |"
        for name, (status, code, what) in EXPECT.items()
    ]
    return "\n".join(lines) + "\n"


def build() -> None:
    """Write every variant, expect.toml and README.md."""
    if set(ODD) != set(EXPECT):
        raise ValueError(f"ODD and EXPECT differ: {sorted(set(ODD) ^ set(EXPECT))}")
    folder = out_folder("odd")
    for name in ODD:
        for table, text in variant(name).items():
            write(folder / name / f"{table}.txt", text)
    write(folder / "expect.toml", expect_toml())
    write(folder / "README.md", readme())


if __name__ == "__main__":
    build()
