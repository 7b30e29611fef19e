"""GTFS as a graph: files are nodes, foreign keys are edges.

One block a file: its name, the ``key`` that tells rows apart, and its columns: ``name,... type
[required | vital] [or OTHER,...] [-> file.column ...]``. *Required*: no cell is blank. *Vital*: the
same, and without that column nothing can be computed (*blank*: its cells may be blank all the
same). *or*: one of these may stand instead. Lines ``*`` list columns of free text. Types are
explained at :data:`TYPES`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Any of these stands for a set of whole numbers too: "0-4,7".
TYPES = {
    "id": "text that other rows may refer to",
    "time": "H:MM:SS, hours may pass 24",
    "date": "YYYYMMDD",
    "integer": "a whole number",
    "count": "a whole number, 0 or more",
    "positive": "a whole number, 1 or more",
    "float": "a number",
    "length": "a number, 0 or more",
    "latitude": "degrees, -90 to 90",
    "longitude": "degrees, -180 to 180",
    "zone": "a name of the IANA time zone database",
    "currency": "an ISO 4217 code",
    "text": "anything",
}

# The eight of the reference, trolleybus, monorail, and the extended ones (European TPEG codes).
_ROUTE_TYPES = (
    "0-7,11,12,100-117,200-209,300,400-405,500,600,700-717,800,900-907,1000,1100,1200,"
    "1300-1307,1400,1500-1507,1600-1604,1700,1702"
)

_FILES = f"""
agency
    key agency_id
    agency_id           id
    agency_name,agency_url  text  required
    agency_timezone     zone        required
    * agency_lang agency_phone agency_fare_url agency_email cemv_support

stops
    key stop_id
    stop_id             id          vital
    stop_lat            latitude
    stop_lon            longitude
    zone_id             id
    location_type       0-4
    parent_station      id          -> stops.stop_id
    stop_timezone       zone
    wheelchair_boarding 0-2
    level_id            id          -> levels.level_id
    stop_access         0-1
    * stop_code stop_name tts_stop_name stop_desc stop_url platform_code

routes
    key route_id
    route_id            id          vital
    agency_id           id          -> agency.agency_id
    route_type          {_ROUTE_TYPES}  required
    route_sort_order    count
    continuous_pickup,continuous_drop_off  0-3
    network_id          id
    * route_short_name route_long_name route_desc route_url route_color route_text_color
    * cemv_support

trips
    key trip_id
    route_id            id          vital   -> routes.route_id
    service_id          id          vital   -> calendar.service_id calendar_dates.service_id
    trip_id             id          vital
    direction_id        0-1
    block_id            id
    shape_id            id          -> shapes.shape_id
    wheelchair_accessible,bikes_allowed,cars_allowed  0-2
    safe_duration_factor,safe_duration_offset  float
    * trip_headsign trip_short_name

stop_times
    key trip_id stop_sequence
    trip_id             id          vital   -> trips.trip_id
    arrival_time        time        vital blank  or departure_time,start_pickup_drop_off_window
    departure_time      time        vital blank  or arrival_time,start_pickup_drop_off_window
    stop_id             id          vital   or location_group_id,location_id -> stops.stop_id
    location_group_id   id          -> location_groups.location_group_id
    location_id         id
    stop_sequence       count       vital
    start_pickup_drop_off_window,end_pickup_drop_off_window  time
    pickup_type,drop_off_type,continuous_pickup  0-3
    continuous_drop_off 0-3
    shape_dist_traveled length
    timepoint           0-1
    pickup_booking_rule_id,drop_off_booking_rule_id  id  ->  booking_rules.booking_rule_id
    * stop_headsign

calendar
    key service_id
    service_id          id          vital
    monday,tuesday,wednesday,thursday,friday,saturday,sunday  0-1  vital
    start_date,end_date  date  vital

calendar_dates
    key service_id date
    service_id          id          vital
    date                date        vital
    exception_type      1-2         vital

frequencies
    key trip_id start_time
    trip_id             id          vital   -> trips.trip_id
    start_time,end_time  time  vital
    headway_secs        positive    vital
    exact_times         0-1

shapes
    key shape_id shape_pt_sequence
    shape_id            id          required
    shape_pt_lat        latitude    required
    shape_pt_lon        longitude   required
    shape_pt_sequence   count       required
    shape_dist_traveled length

transfers
    key from_stop_id to_stop_id from_trip_id to_trip_id from_route_id to_route_id
    from_stop_id,to_stop_id  id  ->  stops.stop_id
    from_route_id,to_route_id  id  ->  routes.route_id
    from_trip_id,to_trip_id  id  ->  trips.trip_id
    transfer_type       0-5
    min_transfer_time   count

pathways
    key pathway_id
    pathway_id          id          required
    from_stop_id,to_stop_id  id  required  ->  stops.stop_id
    pathway_mode        1-7         required
    is_bidirectional    0-1         required
    length              length
    traversal_time      positive
    stair_count         integer
    max_slope           float
    min_width           length
    * signposted_as reversed_signposted_as

levels
    key level_id
    level_id            id          required
    level_index         float       required
    * level_name

feed_info
    feed_publisher_name,feed_publisher_url,feed_lang  text  required
    feed_start_date,feed_end_date  date
    * default_lang feed_version feed_contact_email feed_contact_url

fare_attributes
    key fare_id
    fare_id             id          required
    price               length      required
    currency_type       currency    required
    payment_method      0-1         required
    transfers           0-2
    agency_id           id          -> agency.agency_id
    transfer_duration   count

fare_rules
    key fare_id route_id origin_id destination_id contains_id
    fare_id             id          required -> fare_attributes.fare_id
    route_id            id          -> routes.route_id
    origin_id,destination_id,contains_id  id  ->  stops.zone_id

areas
    key area_id
    area_id             id          required
    * area_name

stop_areas
    key area_id stop_id
    area_id             id          required -> areas.area_id
    stop_id             id          required -> stops.stop_id

networks
    key network_id
    network_id          id          required
    * network_name

route_networks
    key route_id
    network_id          id          required -> networks.network_id
    route_id            id          required -> routes.route_id

timeframes
    key timeframe_group_id start_time end_time service_id
    timeframe_group_id  id          required
    start_time,end_time  time
    service_id          id          required -> calendar.service_id calendar_dates.service_id

rider_categories
    key rider_category_id
    rider_category_id   id          required
    rider_category_name text        required
    is_default_fare_category 0-1
    min_age,max_age  count
    * eligibility_url

fare_media
    key fare_media_id
    fare_media_id       id          required
    fare_media_type     0-4         required
    * fare_media_name

fare_products
    key fare_product_id rider_category_id fare_media_id
    fare_product_id     id          required
    rider_category_id   id          -> rider_categories.rider_category_id
    fare_media_id       id          -> fare_media.fare_media_id
    amount              float       required
    currency            currency    required
    * fare_product_name

fare_leg_rules
    key network_id from_area_id to_area_id from_timeframe_group_id to_timeframe_group_id
    key fare_product_id
    leg_group_id        id
    network_id          id          -> routes.network_id networks.network_id
    from_area_id,to_area_id  id  ->  areas.area_id
    from_timeframe_group_id,to_timeframe_group_id  id  ->  timeframes.timeframe_group_id
    fare_product_id     id          required -> fare_products.fare_product_id
    rule_priority       count

fare_leg_join_rules
    key from_network_id to_network_id from_stop_id to_stop_id
    from_network_id,to_network_id  id  required  ->  routes.network_id  networks.network_id
    from_stop_id,to_stop_id  id  ->  stops.stop_id

fare_transfer_rules
    key from_leg_group_id to_leg_group_id fare_product_id transfer_count duration_limit
    from_leg_group_id,to_leg_group_id  id  ->  fare_leg_rules.leg_group_id
    fare_product_id     id          -> fare_products.fare_product_id
    transfer_count      integer
    duration_limit      positive
    duration_limit_type 0-3
    fare_transfer_type  0-2         required

translations
    table_name,field_name,language,translation  text  required
    * record_id record_sub_id field_value

attributions
    key attribution_id
    attribution_id      id
    agency_id           id          -> agency.agency_id
    route_id            id          -> routes.route_id
    trip_id             id          -> trips.trip_id
    organization_name   text        required
    is_producer,is_operator,is_authority  0-1
    * attribution_url attribution_email attribution_phone

location_groups
    key location_group_id
    location_group_id   id          required
    * location_group_name

location_group_stops
    key location_group_id stop_id
    location_group_id   id          required -> location_groups.location_group_id
    stop_id             id          required -> stops.stop_id

booking_rules
    key booking_rule_id
    booking_rule_id     id          required
    booking_type        0-2         required
    prior_notice_duration_min,prior_notice_duration_max  integer
    prior_notice_last_day     integer
    prior_notice_last_time    time
    prior_notice_start_day    integer
    prior_notice_start_time   time
    prior_notice_service_id   id    -> calendar.service_id calendar_dates.service_id
    * message pickup_message drop_off_message phone_number info_url booking_url
"""

# Nothing can be computed without these and one of the calendars.
REQUIRED_FILES = ("agency", "stops", "routes", "trips", "stop_times")

# (start, end, may be equal) by file; the times of stop_times.txt are looked at as stop events.
RANGES = {
    "calendar": ("start_date", "end_date", True),
    "feed_info": ("feed_start_date", "feed_end_date", True),
    "frequencies": ("start_time", "end_time", False),
    "timeframes": ("start_time", "end_time", False),
    "stop_times": ("start_pickup_drop_off_window", "end_pickup_drop_off_window", False),
}

# Texts that lie beside the tables of many feeds.
NOT_TABLES = frozenset({"license", "licence", "readme", "copying", "notice", "changelog", "terms"})


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Parameters
    ----------
    name, type
        The type is a key of :data:`TYPES`, or ``enum``.
    allowed
        The whole numbers of an ``enum``.
    required
        No cell may be blank, unless one of ``instead`` is filled.
    vital
        Nothing can be computed without this column.
    to
        The (file, column) pairs that its values must stand in, any of them.
    """

    name: str
    type: str
    allowed: frozenset[int] = frozenset()
    required: bool = False
    vital: bool = False
    instead: tuple[str, ...] = ()
    to: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class File:
    """One file: its columns by name, and which of them tell its rows apart."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]


def _read_files(text: str) -> dict[str, File]:
    files = {}
    for block in text.strip().split("\n\n"):
        name, *lines = block.splitlines()
        key: list[str] = []
        columns: dict[str, Column] = {}
        for line in lines:
            first, *words = line.split()
            if first == "key":
                key += words
            elif first == "*":
                columns |= {word: Column(word, "text") for word in words}
            else:
                columns |= {word: _read_column(word, *words) for word in first.split(",")}
        files[name] = File(name, tuple(key), columns)
    return files


def _read_column(name: str, kind: str, *rest: str) -> Column:
    at = rest.index("->") if "->" in rest else len(rest)
    flags = rest[:at]
    to = tuple((file, column) for file, _, column in (one.partition(".") for one in rest[at + 1 :]))
    instead = tuple(flags[flags.index("or") + 1].split(",")) if "or" in flags else ()
    return Column(
        name,
        kind if kind in TYPES else "enum",
        frozenset() if kind in TYPES else _read_numbers(kind),
        required="blank" not in flags and ("required" in flags or "vital" in flags),
        vital="vital" in flags,
        instead=instead,
        to=to,
    )


def _read_numbers(text: str) -> frozenset[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


FILES = _read_files(_FILES)
