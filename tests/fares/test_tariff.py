"""Tariff files: what is refused, with which words, and what is warned of."""

import pytest

from mobility import fares
from mobility.errors import ConfigError

PLAIN = {"currency": "CLP", "timezone": "America/Santiago", "fare": [{"amount": 10}]}


def made(**more):
    return fares.read_tariff({**PLAIN, **more})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"curency": "CLP"}, "did you mean 'currency'"),
        ({"cap": [{"id": "a", "perod": "service-day", "period": "service-day", "amount": 5}]}, "did you mean 'period'"),
        ({"fare": [{"amount": 1, "rout_id": "a"}]}, "did you mean 'route_id'"),
        ({"transfer": [{"price": "free", "window": "1 hour"}]}, 'write "120min"'),
        ({"currency": "XYZ"}, "none of ISO 4217"),
        ({"currency": "peso"}, "none of ISO 4217"),
        ({"timezone": "America/Santigo"}, "no such time zone"),
        ({"cap": [{"id": "a", "amount": 5}]}, "period is missing"),
        ({"cap": [{"id": "a", "period": "service-day"}]}, "amount or rides"),
        ({"cap": [{"id": "a", "period": "service-day", "amount": 5, "rides": 5}]}, "amount or rides"),
        ({"cap": [{"id": "a", "period": "rolling", "amount": 5}]}, "needs days"),
        ({"cap": [{"id": "a", "period": "service-day", "amount": 5, "days": 3}]}, "has no days"),
        ({"cap": [{"id": "a", "period": "service-day", "amount": 5, "accrues": "rides"}]}, "does not go with"),
        ({"cap": [{"id": "a", "period": "sliding", "days": 3, "amount": 5, "on_change": "old-until-period-end"}]}, "no end"),
        ({"fare": [{"amount": -5}]}, "below zero"),
        ({"fare": [{"amount": 10**12}]}, "too large"),
        ({"fare": [{"amount": 2.9}]}, "fare.1.amount"),
        ({"fare": []}, "no fare"),
        ({"fare": [{"amount": 1, "timeframe": "peek"}]}, "no timeframe is called 'peek'"),
        ({"timeframe": [{"id": "a", "from": "22:00", "to": "02:00"}]}, "past midnight"),
        ({"timeframe": [{"id": "a", "from": "7 am"}]}, "not a time"),
        ({"holidays": ["18 September"]}, "not a date"),
        ({"transfer": [{"price": "discount"}]}, "needs amount"),
        ({"transfer": [{"price": "free", "amount": 4}]}, "has no amount"),
        ({"networks": {"a": ["r"], "b": ["r"]}}, "each belongs to one"),
        ({"fare": [{"amount": 1, "valid_from": "2025-02-01", "valid_to": "2025-01-01"}]}, "before valid_from"),
    ],
)  # fmt: skip
def test_a_wrong_tariff_is_refused_in_one_clear_sentence(more, said):
    with pytest.raises(ConfigError) as caught:
        made(**more)
    assert said in str(caught.value)
    assert "mend:" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"from": "07:00", "to": "09:00"}, {"from": "08:59", "to": "10:00"}),
        ({"days": ["mon", "tue"]}, {"days": ["tue"]}),
        ({"days": ["sun"]}, {"days": ["sun", "sat"], "from": "12:00"}),
    ],
)
def test_overlapping_timeframes_are_refused_and_touching_ones_are_not(one, other):
    with pytest.raises(ConfigError, match="overlap on"):
        made(timeframe=[{"id": "a", **one}, {"id": "b", **other}])
    made(
        timeframe=[
            {"id": "a", "from": "07:00", "to": "09:00"},
            {"id": "b", "from": "09:00", "to": "10:00"},
        ]
    )


def test_a_holiday_is_a_sunday_until_a_timeframe_names_it():
    days = [{"id": "a", "days": ["sun"]}, {"id": "b", "days": ["holiday"]}]
    assert made(timeframe=days).has_holiday_kind
    assert not made(timeframe=days[:1]).has_holiday_kind


def test_two_levels_of_a_cap_on_one_day_are_refused_and_other_keys_must_agree():
    cap = {"id": "a", "period": "calendar-month", "amount": 5}
    with pytest.raises(ConfigError, match="two levels"):
        made(cap=[{**cap, "valid_to": "2025-03-01"}, {**cap, "valid_from": "2025-03-01"}])
    with pytest.raises(ConfigError, match="more than level and validity"):
        made(
            cap=[
                {**cap, "valid_to": "2025-03-01"},
                {**cap, "media": ["qr"], "valid_from": "2025-03-02"},
            ]
        )


@pytest.mark.parametrize(
    ("rules", "warned"),
    [
        ([{"amount": 1}, {"mode": "bus", "amount": 2}], True),
        (
            [
                {"mode": ["bus", "tram"], "amount": 1},
                {"mode": "bus", "timeframe": "p", "amount": 2},
            ],
            True,
        ),
        ([{"mode": "bus", "amount": 1}, {"amount": 2}], False),
        ([{"mode": "bus", "timeframe": "p", "amount": 1}, {"mode": "bus", "amount": 2}], False),
        (
            [{"mode": "bus", "valid_to": "2025-01-01", "amount": 1}, {"mode": "bus", "amount": 2}],
            False,
        ),
    ],
)
def test_a_fare_that_can_never_match_is_a_finding(rules, warned):
    found = made(fare=[*rules, {"mode": "zeppelin", "timeframe": "p", "amount": 9}] if not warned else rules,
                 timeframe=[{"id": "p", "from": "07:00", "to": "09:00"}]).findings  # fmt: skip
    assert ("fare_never_matches" in {one.code for one in found}) == (
        warned or rules[-1] == {"amount": 2}
    )


def test_a_file_that_is_no_toml_and_a_name_that_is_none(tmp_path):
    path = tmp_path / "tariff.toml"
    path.write_text("currency = \n")
    with pytest.raises(ConfigError, match="not TOML"):
        fares.read_tariff(path)
    with pytest.raises(ConfigError, match="omny-2026"):
        fares.read_tariff("omny-2025")


def test_a_tariff_is_read_by_name_and_by_path(samples_folder):
    by_path = fares.read_tariff(samples_folder / "santiago" / "tariff.toml")
    assert (
        by_path.fares
        == fares.read_tariff("santiago-2025").fares
        == fares.read_tariff("santiago").fares
    )
