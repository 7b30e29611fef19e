"""Times and money as integers: "25:10:00" <-> seconds, currency <-> minor units.

Seconds count from *noon minus 12 h* of the service day (GTFS reference, "Time"), so a time may pass
24:00:00 and a daylight-saving day keeps 86 400 s between equal clock times of its noon side.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mobility.errors import ConfigError

DAY_S = 86_400
_TIME = re.compile(r"^\s*(\d{1,3}):([0-5]\d)(?::([0-5]\d))?\s*$")

# ISO 4217 (list one, 2024): currencies whose minor unit is not 1/100.
_MINOR_DIGITS = dict.fromkeys(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
) | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)


def parse_time(text: str) -> int:
    """``"25:10:00"`` or ``"7:05"`` to seconds into the service day.

    Raises
    ------
    ConfigError
        When the text is no time, or its minutes or seconds pass 59.

    Examples
    --------
    >>> parse_time("25:10:00")
    90600
    """
    match = _TIME.match(text)
    if match is None:
        raise ConfigError(
            f"not a time of day (found {text!r})",
            mend="write HH:MM or HH:MM:SS; times after midnight continue past 24:00:00",
        )
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def format_time(seconds: int) -> str:
    """Seconds into the service day to ``HH:MM:SS``, past 24:00:00 where they are.

    >>> format_time(90600)
    '25:10:00'
    """
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def day_origin(day: date, timezone: str) -> datetime:
    """The instant from which a service day's seconds count: its local noon minus 12 h, in UTC."""
    noon = datetime.combine(day, time(12), ZoneInfo(timezone)).astimezone(UTC)
    return noon - timedelta(hours=12)


def minor_digits(currency: str) -> int:
    """Decimal digits of a currency's minor unit (ISO 4217): CLP 0, USD 2, KWD 3."""
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ConfigError(
            f"not an ISO 4217 currency code (found {currency!r})", mend="three capitals, as in CLP"
        )
    return _MINOR_DIGITS.get(currency, 2)


def format_money(amount_minor: float, currency: str) -> str:
    """Minor units as people write them.

    >>> format_money(41000, "CLP"), format_money(290, "USD")
    ('CLP 41,000', 'USD 2.90')
    """
    digits = minor_digits(currency)
    return f"{currency} {amount_minor / 10**digits:,.{digits}f}"
