"""Random tariffs and taps for the tests of fares."""

from datetime import date

import pandas as pd
from hypothesis import strategies as st

from mobility.fares import Cap, FareRule, JoinRule, LegKeys, Match, Tariff, Timeframe, TransferRule

MODES, ROUTES, STOPS = ("bus", "metro", "tram"), ("r1", "r2", "r3"), ("a", "b", "c", "d")
CATEGORIES, MEDIA = ("adult", "child"), ("card", "qr")
GROUPS = ("", "g1", "g2")
ZONES = {"a": "1", "b": "1", "c": "2"}
# Local noon of days around a month end, a week end and a change of clocks of each zone.
STARTS = {"UTC": 1743336000, "America/Santiago": 1743868800, "Europe/London": 1743246000}


def matches(values, *, negated=True):
    sets = st.sets(st.sampled_from(values), min_size=1, max_size=2).map(frozenset)
    made = st.builds(Match, sets, st.booleans() if negated else st.just(False))
    return st.none() | made


def dates():
    return st.none() | st.dates(date(2025, 3, 20), date(2025, 4, 20))


def pairs_of_dates():
    return st.tuples(dates(), dates()).map(lambda two: two if None in two else (min(two), max(two)))


@st.composite
def fares(draw, ends):
    valid = draw(pairs_of_dates())
    to = draw(matches(STOPS)) if ends and draw(st.booleans()) else None
    to_zone = draw(matches(("1", "2"))) if ends and to is None and draw(st.booleans()) else None
    return FareRule(
        amount=draw(
            st.integers(0, 12) | st.just(None)
            if draw(st.integers(0, 9)) == 0
            else st.integers(0, 12)
        ),
        product=draw(st.sampled_from(("p", "q"))),
        leg_group=draw(st.sampled_from(GROUPS)),
        mode=draw(matches(MODES)),
        route=draw(st.none() | matches(ROUTES)),
        network=draw(st.none() | matches(("n",))),
        stop=draw(st.none() | matches(STOPS)),
        zone=draw(st.none() | matches(("1", "2"))),
        to_stop=to,
        to_zone=to_zone,
        category=draw(st.none() | matches(CATEGORIES)),
        medium=draw(st.none() | matches(MEDIA)),
        timeframe=draw(st.none() | st.sampled_from(("peak", "low"))),
        to_timeframe=draw(st.none() | st.just("peak")) if ends else None,
        valid_from=valid[0],
        valid_to=valid[1],
    )


@st.composite
def transfers(draw):
    def side():
        return LegKeys(
            leg_group=draw(matches(GROUPS)),
            product=draw(st.none() | matches(("p", "q"))),
            mode=draw(st.none() | matches(MODES)),
            category=draw(st.none() | matches(CATEGORIES)),
        )

    return TransferRule(
        kind=draw(st.sampled_from(("A+AB", "A+AB+B", "AB", "free", "difference", "discount"))),
        amount=draw(st.integers(-4, 6)),
        before=side(),
        after=side(),
        window_s=draw(st.none() | st.sampled_from((0, 600, 3600, 7200))),
        anchor=draw(st.sampled_from(("first-leg", "last-leg", "first-of-group"))),
        start=draw(st.sampled_from(("on", "on", "off"))),
        end=draw(st.sampled_from(("on", "on", "off"))),
        max_transfers=draw(st.none() | st.integers(0, 3)),
        group_transfers=draw(st.none() | st.integers(1, 2)),
        same_route=draw(st.sampled_from((None, False))),
        same_mode=draw(st.sampled_from((None, None, False))),
        same_product=draw(st.sampled_from((False, False, True))),
        final=draw(st.booleans()),
    )


@st.composite
def caps(draw, name):
    period = draw(
        st.sampled_from(("service-day", "calendar-week", "calendar-month", "rolling", "sliding"))
    )
    rides = draw(st.booleans())
    head = {
        "id": name,
        "period": period,
        "accrues": draw(
            st.sampled_from(("rides", "journeys") if rides else ("charged", "nominal"))
        ),
        "paid_only": draw(st.booleans()),
        "starts": draw(st.integers(0, 6)),
        "days": draw(st.integers(1, 9)),
        "anchor": draw(st.sampled_from(("first-paid-tap", "first-tap"))),
        "clock": draw(st.sampled_from(("local-days", "hours"))),
        "modes": draw(st.none() | matches(MODES)),
        "routes": draw(st.none() | matches(ROUTES)),
        "zones": draw(st.none() | matches(("1", "2"))),
        "networks": draw(st.none() | matches(("n",))),
        "categories": draw(st.none() | matches(CATEGORIES)),
        "media": draw(st.none() | matches(MEDIA)),
        "on_change": "new-level"
        if period == "sliding"
        else draw(st.sampled_from(("new-level", "old-until-period-end"))),
    }
    days = sorted(draw(st.sets(st.dates(date(2025, 3, 26), date(2025, 4, 16)), max_size=2)))
    spans = {
        0: [(None, None)],
        1: [(None, days[0] if days else None)],
        2: [(None, days[0] if days else None), (days[1] if len(days) > 1 else None, None)],
    }[len(days)]
    made = []
    for start, end in spans:
        level = draw(st.integers(0, 4 if rides else 25))
        made.append(
            Cap(
                **head,
                amount=None if rides else level,
                rides=level if rides else None,
                crossing=draw(st.sampled_from(("clip", "full"))),
                after=draw(st.sampled_from((0, 0, 50, 33))),
                valid_from=start,
                valid_to=end,
            )
        )
    return made


TIMEFRAMES = (
    Timeframe("peak", frozenset(("mon", "tue", "wed", "thu", "fri")), 25_200, 32_400),
    Timeframe("peak", frozenset(("mon", "fri")), 64_800, 72_000),
    Timeframe("low", frozenset(("sat", "sun")), 0, 43_200),
)
HOLIDAY = Timeframe("low", frozenset(("holiday",)), 43_200, 86_400)


@st.composite
def tariffs(draw, *, plain=False, ends=False, joined=False):
    """A tariff; ``plain`` ones keep to what the short kernel knows."""
    made_caps = [cap for k in range(draw(st.integers(0, 3))) for cap in draw(caps(f"cap{k}"))]
    made_transfers = draw(st.lists(transfers(), max_size=3))
    if plain:
        made_caps = [
            Cap(f"cap{k}", draw(st.sampled_from(("service-day", "calendar-week", "calendar-month", "rolling"))),
                amount=draw(st.integers(0, 30)), days=draw(st.integers(1, 8)), starts=draw(st.integers(0, 6)),
                clock=draw(st.sampled_from(("local-days", "hours"))),
                anchor=draw(st.sampled_from(("first-paid-tap", "first-tap"))), media=draw(matches(MEDIA)))
            for k in range(draw(st.integers(0, 3)))
        ]  # fmt: skip
    joins = ()
    if joined:
        made_transfers = [one for one in made_transfers if one.same_route is None]
        joins = tuple(
            JoinRule(
                draw(matches(("n",))),
                draw(matches(("n",))),
                draw(matches(STOPS)),
                draw(matches(STOPS)),
            )
            for _ in range(draw(st.integers(1, 2)))
        )
    zone = draw(st.sampled_from(sorted(STARTS)))
    return Tariff(
        currency="CLP",
        timezone=zone,
        fares=(
            *draw(st.lists(fares(ends), max_size=4)),
            *draw(st.sampled_from(((), (FareRule(7),)))),
        ),
        transfers=tuple(made_transfers),
        joins=joins,
        caps=tuple(made_caps),
        timeframes=TIMEFRAMES + draw(st.sampled_from(((), (HOLIDAY,)))),
        service_day_start_s=draw(st.sampled_from((0, 16_200))),
        combine="min-remaining"
        if plain
        else draw(st.sampled_from(("min-remaining", "best-single"))),
        holidays=frozenset({date(2025, 4, 1)}),
        networks={"r1": "n", "r2": "m"},
        zones=ZONES,
        stations={"a": "s", "b": "s"},
        default_category=draw(st.sampled_from(("", "adult"))),
        default_route=draw(st.sampled_from(("", "r1"))),
        default_stop=draw(st.sampled_from(("", "a"))),
        join_window_s=draw(st.sampled_from((None, 0, 300, 3_600))) if joined else None,
        missing_tap_off=draw(st.sampled_from(("unknown", "maximum")))
        if ends and not joined
        else "unknown",
    )


@st.composite
def taps(draw, zone, *, plain=False, ends=False, joined=False, most=25):
    """Taps in any order; times lie on a coarse grid, so that windows are met to the second."""
    rows = []
    for k in range(draw(st.integers(1, most))):
        step = draw(st.integers(0, 9))
        at = (
            STARTS[zone]
            + draw(st.integers(0, 9 if step else 19)) * 86_400
            + draw(st.integers(-30, 60)) * 600
        )
        tap = {
            "card": draw(st.integers(0, 2)),
            "time": at,
            "mode": draw(
                st.sampled_from(MODES) | st.none() if step == 9 else st.sampled_from(MODES)
            ),
            "route": draw(st.sampled_from(ROUTES)),
            "stop": draw(st.sampled_from(STOPS)),
            "category": draw(st.sampled_from(CATEGORIES) | st.none()),
            "medium": draw(st.sampled_from(MEDIA)),
        }
        if not plain:
            tap["kind"] = draw(st.sampled_from(("on", "on", "on", "off", "void")))
            tap["riders"] = draw(st.sampled_from((1, 1, 1, 3)))
            tap["rank"] = draw(st.permutations(range(3)))[0] * 1000 + k
        if ends or joined:
            tap["to_stop"] = draw(st.sampled_from((*STOPS, None)))
        rows.append(tap)
    return rows


def frame(rows):
    """Taps as a person would hand them in."""
    names = {"route": "route_id", "stop": "stop_id", "to_stop": "to_stop_id", "rank": "tap_id"}
    table = pd.DataFrame(rows).rename(columns=names)
    for name in table.columns:
        if name not in {"card", "time", "riders", "tap_id", "to_time"}:
            table[name] = table[name].astype("str").where(table[name].notna(), None)
    return table
