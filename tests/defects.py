"""A tiny clean feed, and variants of it that each have one defect."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

CLEAN = {
    name: text.encode()
    for name, text in {
        "agency.txt": """\
agency_id,agency_name,agency_url,agency_timezone
A,Andes Bus,https://andes.example,America/Santiago
""",
        "stops.txt": """\
stop_id,stop_name,stop_lat,stop_lon,zone_id,location_type,parent_station
S,Central,-33.4500,-70.6600,,1,
P,Central platform,-33.4500,-70.6601,z1,0,S
Q,Quinta,-33.4400,-70.6500,z1,,
R,"Rivera, north",-33.4300,-70.6400,z2,0,
""",
        "routes.txt": """\
route_id,agency_id,route_short_name,route_type,route_color
1,A,101,3,FF0000
2,A,L1,1,
""",
        "trips.txt": """\
route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id
1,week,out1,Rivera,0,b1,s1
1,week,back1,Central,1,b1,
1,end,out2,Rivera,0,b1,s1
2,week,often,Rivera,0,b1,
""",
        "stop_times.txt": """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled
out1,08:00:00,08:00:00,P,1,0
out1,08:10:00,08:11:00,Q,2,1.4
out1,08:20:00,08:20:00,R,3,2.9
back1,08:30:00,08:30:00,R,1,
back1,,,Q,2,
back1,08:50:00,08:50:00,P,3,
out2,08:05:00,08:05:00,P,1,
out2,25:25:00,25:25:00,R,2,
often,00:00:00,00:00:00,Q,1,
often,00:07:30,00:07:30,R,2,
""",
        "calendar.txt": """\
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
week,1,1,1,1,1,0,0,20250101,20251231
end,0,0,0,0,0,1,1,20250101,20251231
""",
        "calendar_dates.txt": """\
service_id,date,exception_type
week,20250101,2
end,20250101,1
""",
        "frequencies.txt": """\
trip_id,start_time,end_time,headway_secs,exact_times
often,06:00:00,09:00:00,600,0
often,09:00:00,12:00:00,1200,0
""",
        "shapes.txt": """\
shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled
s1,-33.4500,-70.6601,1,0
s1,-33.4400,-70.6500,2,1.4
s1,-33.4300,-70.6400,3,2.9
""",
        "transfers.txt": """\
from_stop_id,to_stop_id,transfer_type,min_transfer_time
Q,R,2,120
""",
        "feed_info.txt": """\
feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date
Andes Bus,https://andes.example,es,20250101,20251231
""",
        "fare_attributes.txt": """\
fare_id,price,currency_type,payment_method,transfers
single,800,CLP,1,2
""",
        "fare_rules.txt": """\
fare_id,route_id,origin_id,destination_id
single,1,z1,z2
""",
        "areas.txt": "area_id,area_name\ncentre,Centre\n",
        "stop_areas.txt": "area_id,stop_id\ncentre,P\n",
        "networks.txt": "network_id,network_name\nred,Red\n",
        "route_networks.txt": "network_id,route_id\nred,1\n",
        "timeframes.txt": """\
timeframe_group_id,start_time,end_time,service_id
peak,07:00:00,09:00:00,week
""",
        "rider_categories.txt": "rider_category_id,rider_category_name\nadult,Adult\n",
        "fare_media.txt": "fare_media_id,fare_media_name,fare_media_type\nbip,bip!,2\n",
        "fare_products.txt": """\
fare_product_id,rider_category_id,fare_media_id,amount,currency
ride,adult,bip,800,CLP
""",
        "fare_leg_rules.txt": """\
leg_group_id,network_id,from_area_id,to_area_id,from_timeframe_group_id,fare_product_id
leg,red,centre,,peak,ride
""",
        "fare_transfer_rules.txt": """\
from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type
leg,leg,2,7200,0,0
""",
    }.items()
}

Files = dict[str, bytes]


@dataclass(frozen=True)
class Defect:
    """One change of the clean feed, and the one finding it must give."""

    name: str
    code: str
    file: str
    row: int | None
    change: Callable[[Files], Files | bytes]
    severity: str = "error"
    refused: bool = False

    def __str__(self):
        return self.name

    @property
    def exit_code(self):
        return 2 if self.refused else 1 if self.severity == "error" else 0


def packed(files: Files | bytes) -> bytes:
    """Zip files in memory; bytes are a zip already."""
    if isinstance(files, bytes):
        return files
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def swap(file, old, new):
    """Replace what stands exactly once in a file."""

    def change(files):
        content = files[f"{file}.txt"]
        old_bytes, new_bytes = (
            one if isinstance(one, bytes) else one.encode() for one in (old, new)
        )
        assert content.count(old_bytes) == 1, (file, old)
        return files | {f"{file}.txt": content.replace(old_bytes, new_bytes)}

    return change


def add(file, line):
    """Put a row at the end of a file."""
    return lambda files: files | {f"{file}.txt": files[f"{file}.txt"] + f"{line}\n".encode()}


def drop(*names):
    """Leave files out."""
    return lambda files: {
        name: content for name, content in files.items() if name.removesuffix(".txt") not in names
    }


def write(name, content):
    """Add or replace a file by its whole name."""
    return lambda files: files | {name: content}


def rename(change):
    """Give every file another name."""
    return lambda files: {change(name): content for name, content in files.items()}


def without_column(file, column):
    """Cut a column off a file that has no quoted commas."""

    def change(files):
        rows = [line.split(",") for line in files[f"{file}.txt"].decode().splitlines()]
        at = rows[0].index(column)
        kept = "".join(",".join(row[:at] + row[at + 1 :]) + "\n" for row in rows)
        return files | {f"{file}.txt": kept.encode()}

    return change


def blanked(file, column):
    """Blank a column of a file that has no quoted commas."""

    def change(files):
        head, *lines = files[f"{file}.txt"].decode().splitlines()
        at = head.split(",").index(column)
        rows = [line.split(",") for line in lines]
        kept = [head, *(",".join([*row[:at], "", *row[at + 1 :]]) for row in rows)]
        return files | {f"{file}.txt": ("\n".join(kept) + "\n").encode()}

    return change


def both(*changes):
    """Make one defect that takes several edits."""

    def change(files):
        for one in changes:
            files = one(files)
        return files

    return change


def with_member(name, content):
    """Append a member to the zip, even one that stands there already or has a strange name."""

    def change(files):
        out = io.BytesIO(packed(files))
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    return change


def damaged(files):
    """Turn one byte inside a stored member, so that its checksum no longer fits."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue().replace(b"Andes Bus", b"Anden Bus", 1)


_TIMES, _TRIPS, _STOPS = "stop_times", "trips", "stops"
_LAST = "often,00:07:30,00:07:30,R,2,"

ARCHIVE = [
    Defect("text_file", "not_a_zip", "feed.zip", None, lambda _: b"<html>404</html>", refused=True),
    Defect("cut", "not_a_zip", "feed.zip", None, lambda files: packed(files)[:1500], refused=True),
    Defect("no_members", "empty_archive", "feed.zip", None, lambda _: packed({}), refused=True),
    Defect(
        "bomb",
        "zip_ratio",
        "feed.zip",
        None,
        write("stops.txt", bytes(12 << 20)),
        refused=True,
    ),
    Defect("bad_crc", "damaged_member", "agency.txt", None, damaged, refused=True),
    Defect(
        "two_feeds",
        "two_feeds",
        "feed.zip",
        None,
        lambda files: {f"{at}/{name}": content for at in "ab" for name, content in files.items()},
        refused=True,
    ),
    Defect("traversal", "path_traversal", "feed.zip", None, with_member("../../evil.txt", "x")),
    Defect("absolute", "path_traversal", "feed.zip", None, with_member("/evil.txt", "x")),
    Defect(
        "sub_folder",
        "invalid_input_files_in_subfolder",
        "feed.zip",
        None,
        rename(lambda name: f"google_transit/{name}"),
        "warning",
    ),
    Defect(
        "upper_case",
        "upper_case_file_name",
        "feed.zip",
        None,
        rename(lambda name: name.replace("routes", "ROUTES")),
        "warning",
    ),
    Defect("misspelt", "unknown_file", "shape.txt", None, write("shape.txt", b"a\n1\n"), "info"),
    *(
        Defect(f"no_{name}", "missing_required_file", f"{name}.txt", None, drop(name), refused=True)
        for name in ("agency", "stops", "routes", "trips", "stop_times")
    ),
    Defect(
        "no_calendars",
        "missing_calendar_and_calendar_date_files",
        "",
        None,
        drop("calendar", "calendar_dates"),
        refused=True,
    ),
]

TABLES = [
    Defect(
        "headers_only",
        "empty_file",
        "trips.txt",
        None,
        write("trips.txt", b"route_id,service_id,trip_id\n"),
        refused=True,
    ),
    Defect("zero_bytes", "empty_file", "stops.txt", None, write("stops.txt", b""), refused=True),
    Defect("optional_empty", "empty_file", "transfers.txt", None, write("transfers.txt", b"")),
    Defect(
        "no_sequence",
        "missing_required_column",
        "stop_times.txt",
        1,
        without_column("stop_times", "stop_sequence"),
        refused=True,
    ),
    Defect(
        "no_stop_id",
        "missing_required_column",
        "stop_times.txt",
        1,
        without_column("stop_times", "stop_id"),
        refused=True,
    ),
    Defect(
        "no_monday",
        "missing_required_column",
        "calendar.txt",
        1,
        without_column("calendar", "monday"),
        refused=True,
    ),
    Defect(
        "no_route_type",
        "missing_required_column",
        "routes.txt",
        1,
        without_column("routes", "route_type"),
    ),
    Defect("twice", "duplicated_column", "routes.txt", 1, swap("routes", "_color", "_type")),
    Defect("nameless", "empty_column_name", "routes.txt", 1, swap("routes", "route_color", "")),
    Defect(
        "own_column",
        "unknown_column",
        "routes.txt",
        1,
        swap("routes", "route_color", "route_colour"),
        "info",
    ),
    Defect("short_row", "invalid_row_length", "routes.txt", 2, swap("routes", ",FF0000", "")),
    Defect("long_row", "invalid_row_length", "routes.txt", 2, swap("routes", "FF0000", "F,0")),
    Defect(
        "open_quote",
        "csv_parsing_failed",
        "feed_info.txt",
        None,
        swap("feed_info", "20251231\n", '"20251231'),
    ),
    Defect("latin_1", "invalid_character", "stops.txt", 4, swap("stops", "Quinta", b"\xd1u\xf1oa")),
    Defect(
        "utf_16",
        "invalid_character",
        "routes.txt",
        1,
        lambda files: files | {"routes.txt": files["routes.txt"].decode().encode("utf-16")},
        refused=True,
    ),
    Defect("nul", "nul_byte", "stops.txt", None, swap("stops", "Quinta", "Qui\0nta")),
    Defect(
        "old_mac",
        "old_mac_line_ends",
        "routes.txt",
        None,
        lambda files: files | {"routes.txt": files["routes.txt"].replace(b"\n", b"\r")},
    ),
    Defect("essay", "long_cell", "stops.txt", 4, swap("stops", "Quinta", "Q" * 200_000), "warning"),
    Defect(
        "blank_behind",
        "leading_or_trailing_whitespaces",
        "stops.txt",
        3,
        swap("stops", "P,Central platform", "P ,Central platform"),
        "warning",
    ),
]

VALUES = [
    Defect("no_name", "missing_required_field", "agency.txt", 2, swap("agency", "Andes Bus", "")),
    Defect(
        "no_trip_id", "missing_required_field", "stop_times.txt", 12, add(_TIMES, ",09:00:00,09:00:00,P,1,")
    ),
    Defect("minute_61", "invalid_time", "stop_times.txt", 9, swap(_TIMES, "25:25:00,25:25:00", "25:25:00,25:61:00")),
    Defect("no_digits", "invalid_float", "stops.txt", 4, swap(_STOPS, "-33.4400", "nan")),
    Defect("comma", "invalid_float", "stops.txt", 4, swap(_STOPS, "-33.4400", '"-33,4400"')),
    Defect("pole", "number_out_of_range", "stops.txt", 4, swap(_STOPS, "-33.4400", "-93.44")),
    Defect("halved", "invalid_integer", "stop_times.txt", 2, swap(_TIMES, "P,1,0", "P,1.5,0")),
    Defect(
        "huge_sequence",
        "stop_sequence_too_large",
        "stop_times.txt",
        4,
        swap(_TIMES, "R,3", "R,3000000000"),
        "warning",
    ),
    Defect("dashes", "invalid_date", "calendar.txt", 2, swap("calendar", "0,20250101,20251231\nend", "0,2025-01-01,20251231\nend")),
    Defect("february_30", "invalid_date", "calendar_dates.txt", 3, swap("calendar_dates", "end,20250101", "end,20250230")),
    Defect("mars", "invalid_timezone", "agency.txt", 2, swap("agency", "America/Santiago", "Mars/Olympus")),
    Defect("euro", "invalid_currency", "fare_attributes.txt", 2, swap("fare_attributes", "CLP", "peso")),
    Defect("no_price", "missing_required_field", "fare_products.txt", 2, swap("fare_products", "800", "")),
    Defect("refund", "number_out_of_range", "fare_attributes.txt", 2, swap("fare_attributes", "800", "-800")),
    Defect("headway_0", "number_out_of_range", "frequencies.txt", 2, swap("frequencies", ",600", ",0")),
    Defect("rocket", "unexpected_enum_value", "routes.txt", 2, swap("routes", "101,3", "101,99"), "warning"),
]  # fmt: skip

KEYS = [
    Defect("stop_twice", "duplicate_key", "stops.txt", 6, add("stops", "Q,Again,-33.4,-70.6,z1,,")),
    Defect("trip_twice", "duplicate_key", "trips.txt", 6, add("trips", "1,week,out1,,0,,")),
    Defect("call_twice", "duplicate_key", "stop_times.txt", 4, swap(_TIMES, "R,3", "R,2")),
    Defect("point_twice", "duplicate_key", "shapes.txt", 4, swap("shapes", "-70.6400,3", "-70.6400,2")),
    Defect("date_twice", "duplicate_key", "calendar_dates.txt", 4, add("calendar_dates", "end,20250101,1")),
    Defect("rule_twice", "duplicate_key", "fare_rules.txt", 3, add("fare_rules", "single,1,z1,z2")),
    Defect("service_twice", "duplicate_key", "calendar.txt", 4, add("calendar", "end,0,0,0,0,0,1,1,20250101,20251231")),
    *(
        Defect(f"lost_{file}_{column}", "foreign_key_violation", f"{file}.txt", row, swap(file, old, new))
        for file, column, row, old, new in (
            ("routes", "agency_id", 2, "1,A", "1,X"),
            ("trips", "route_id", 2, "1,week,out1", "9,week,out1"),
            ("trips", "service_id", 2, "1,week,out1", "1,strike,out1"),
            ("trips", "shape_id", 2, "Rivera,0,b1,s1\n1,week,back1", "Rivera,0,b1,s9\n1,week,back1"),
            ("stop_times", "stop_id", 3, "08:11:00,Q", "08:11:00,X"),
            ("stops", "parent_station", 3, "z1,0,S", "z1,0,X"),
            ("transfers", "to_stop_id", 2, "Q,R", "Q,X"),
            ("fare_rules", "fare_id", 2, "single", "double"),
            ("fare_rules", "origin_id", 2, "z1", "z9"),
            ("stop_areas", "stop_id", 2, "centre,P", "centre,X"),
            ("route_networks", "network_id", 2, "red,1", "blue,1"),
            ("timeframes", "service_id", 2, ",week", ",never"),
            ("fare_products", "fare_media_id", 2, "bip", "cash"),
            ("fare_leg_rules", "from_timeframe_group_id", 2, "peak", "night"),
            ("fare_leg_rules", "fare_product_id", 2, ",ride", ",fly"),
            ("fare_transfer_rules", "to_leg_group_id", 2, "leg,leg", "leg,arm"),
        )
    ),
    Defect("call_of_no_trip", "foreign_key_violation", "stop_times.txt", 12, add(_TIMES, "ghost,9:00:00,9:00:00,P,1,")),
    Defect("window_of_no_trip", "foreign_key_violation", "frequencies.txt", 4, add("frequencies", "ghost,9:00:00,9:30:00,600,0")),
    Defect("two_zones", "inconsistent_agency_timezone", "agency.txt", 3, add("agency", "B,Han Bus,https://han.example,Asia/Seoul")),
    Defect("agency_without_id", "missing_required_field", "agency.txt", 3, add("agency", ",Han Bus,https://han.example,America/Santiago")),
]  # fmt: skip

DAYS = [
    Defect("reversed", "start_and_end_range_out_of_order", "feed_info.txt", 2, swap("feed_info", "20250101,20251231", "20251231,20250101")),
    Defect("reversed_window", "start_and_end_range_out_of_order", "frequencies.txt", 3, swap("frequencies", "09:00:00,12:00:00", "12:00:00,09:00:00")),
    Defect("empty_window", "start_and_end_range_equal", "frequencies.txt", 3, swap("frequencies", "12:00:00", "09:00:00")),
    Defect("no_days", "no_service_dates", "trips.txt", 2, both(drop("calendar_dates"), swap("calendar", "1,1,1,1,1,0,0", "0,0,0,0,0,0,0"), swap("calendar", "0,0,0,0,0,1,1", "0,0,0,0,0,0,0"))),
    Defect("for_ever", "service_span_too_long", "calendar.txt", 3, swap("calendar", "1,1,20250101,20251231", "1,1,20250101,99991231"), "warning"),
    Defect("overlap", "block_trips_with_overlapping_stop_times", "trips.txt", 3, swap(_TRIPS, "1,end", "1,week")),
    Defect("two_windows", "overlapping_frequency", "frequencies.txt", 3, swap("frequencies", "often,09:00:00", "often,08:59:59")),
    Defect("every_second", "frequency_expansion_too_large", "frequencies.txt", 3, swap("frequencies", "12:00:00,1200", "999:00:00,1")),
]  # fmt: skip

TRIPS = [
    Defect("backwards", "stop_time_with_arrival_before_previous_departure_time", "stop_times.txt", 4, swap(_TIMES, "08:20:00,08:20:00", "08:05:00,08:20:00")),
    Defect("backwards_over_blanks", "stop_time_with_arrival_before_previous_departure_time", "stop_times.txt", 7, swap(_TIMES, "08:50:00,08:50:00", "08:29:00,08:50:00")),
    Defect("leaves_before_it_comes", "start_and_end_range_out_of_order", "stop_times.txt", 3, swap(_TIMES, "08:11:00", "08:09:00")),
    Defect("half_time", "stop_time_with_only_arrival_or_departure_time", "stop_times.txt", 3, swap(_TIMES, "08:11:00", "")),
    Defect("no_departures", "stop_time_with_only_arrival_or_departure_time", "stop_times.txt", 2, without_column("stop_times", "departure_time")),
    Defect("no_start", "missing_trip_edge", "stop_times.txt", 2, swap(_TIMES, "08:00:00,08:00:00", ",")),
    Defect("one_stop", "unusable_trip", "trips.txt", 5, swap(_TIMES, f"{_LAST}\n", ""), "warning"),
    Defect("no_calls", "unused_trip", "trips.txt", 6, add("trips", "1,week,spare,,0,,"), "warning"),
    Defect("stands_still", "zero_length_trip", "trips.txt", 5, swap(_TIMES, _LAST, _LAST.replace("R", "Q")), "warning"),
    Defect("in_no_time", "zero_time_trip", "trips.txt", 5, swap(_TIMES, _LAST, _LAST.replace("7:30", "0:00")), "warning"),
    Defect("nowhere", "stop_without_location", "stops.txt", 4, swap(_STOPS, "-33.4400,-70.6500", "-33.4400,")),
    Defect("null_island", "point_near_origin", "stops.txt", 4, swap(_STOPS, "-33.4400,-70.6500", "0,0"), "warning"),
    Defect("calls_at_station", "location_with_unexpected_stop_time", "stops.txt", 2, swap(_TIMES, "08:50:00,P", "08:50:00,S")),
    Defect("distance_falls", "decreasing_or_equal_stop_time_distance", "stop_times.txt", 3, swap(_TIMES, "Q,2,1.4", "Q,2,0.0")),
    Defect("shape_falls", "decreasing_shape_distance", "shapes.txt", 3, swap("shapes", "1,0\n", "1,1.5\n")),
    Defect("farther_than_shape", "trip_distance_exceeds_shape_distance_below_threshold", "stop_times.txt", 4, swap(_TIMES, "R,3,2.9", "R,3,3.1"), "warning"),
    Defect("far_from_shape", "trip_distance_exceeds_shape_distance", "stop_times.txt", 4, both(swap(_TIMES, "R,3,2.9", "R,3,3.1"), swap("shapes", "-33.4300,-70.6400", "-33.4350,-70.6450"))),
]  # fmt: skip

FARES = [
    Defect("half_a_peso", "invalid_currency_amount", "fare_products.txt", 2, swap("fare_products", "800", "800.5")),
    Defect("price_of_mills", "invalid_currency_amount", "fare_attributes.txt", 2, swap("fare_attributes", "800,CLP", "8.001,USD")),
    Defect("short_of_decimals", "invalid_currency_amount", "fare_products.txt", 2, swap("fare_products", "800,CLP", "8.5,USD"), "warning"),
    Defect("unknown_currency", "invalid_currency", "fare_products.txt", 2, swap("fare_products", "CLP", "CPL")),
    Defect("two_currencies", "several_currencies", "fare_products.txt", 3, add("fare_products", "ride,,,1.00,USD"), "warning"),
    Defect("half_a_timeframe", "timeframe_only_start_or_end_time_specified", "timeframes.txt", 2, swap("timeframes", "09:00:00", "")),
    Defect("late_timeframe", "timeframe_start_or_end_time_greater_than_twenty_four_hours", "timeframes.txt", 2, swap("timeframes", "09:00:00", "25:00:00")),
    Defect("timeframes_overlap", "timeframe_overlap", "timeframes.txt", 3, add("timeframes", "peak,08:59:59,10:00:00,week")),
    Defect("uncounted_transfer", "fare_transfer_rule_missing_transfer_count", "fare_transfer_rules.txt", 2, swap("fare_transfer_rules", "leg,2,", "leg,,")),
    Defect("counted_transfer", "fare_transfer_rule_with_forbidden_transfer_count", "fare_transfer_rules.txt", 2, swap("fare_transfer_rules", "leg,leg,", "leg,,")),
    Defect("no_transfers", "fare_transfer_rule_invalid_transfer_count", "fare_transfer_rules.txt", 2, swap("fare_transfer_rules", "leg,2,", "leg,0,")),
    Defect("untyped_limit", "fare_transfer_rule_duration_limit_without_type", "fare_transfer_rules.txt", 2, swap("fare_transfer_rules", "7200,0,0", "7200,,0")),
    Defect("typed_no_limit", "fare_transfer_rule_duration_limit_type_without_duration_limit", "fare_transfer_rules.txt", 2, swap("fare_transfer_rules", "7200,0,0", ",0,0")),
    Defect("join_to_anywhere", "missing_required_field", "fare_leg_join_rules.txt", 2, write("fare_leg_join_rules.txt", b"from_network_id,to_network_id,from_stop_id,to_stop_id\nred,red,P,\n")),
    Defect("two_main_riders", "fare_product_with_multiple_default_rider_categories", "fare_products.txt", 2, both(write("rider_categories.txt", b"rider_category_id,rider_category_name,is_default_fare_category\nadult,Adult,1\nchild,Child,1\n"), add("fare_products", "ride,child,bip,300,CLP"))),
    Defect("no_main_rider", "fare_product_without_default_rider_category", "fare_products.txt", 2, both(write("rider_categories.txt", b"rider_category_id,rider_category_name,is_default_fare_category\nadult,Adult,\nchild,Child,0\n"), add("fare_products", "ride,child,bip,300,CLP")), "warning"),
    Defect("networks_twice", "route_networks_specified_in_more_than_one_file", "networks.txt", 2, both(drop("route_networks"), write("routes.txt", b"route_id,agency_id,route_short_name,route_type,network_id\n1,A,101,3,red\n2,A,L1,1,\n"))),
    Defect("empty_network", "fare_rule_that_never_applies", "fare_leg_rules.txt", 3, both(add("networks", "blue,Blue"), add("fare_leg_rules", "leg,blue,,,,ride")), "warning"),
    Defect("empty_area", "fare_rule_that_never_applies", "fare_leg_rules.txt", 3, both(add("areas", "coast,Coast"), add("fare_leg_rules", "leg,red,,coast,,ride")), "warning"),
    Defect("zoneless", "stop_without_zone_id", "stops.txt", 4, swap(_STOPS, "-70.6500,z1", "-70.6500,"), "info"),
]  # fmt: skip

DEFECTS = [*FARES, *ARCHIVE, *TABLES, *VALUES, *KEYS, *DAYS, *TRIPS]
