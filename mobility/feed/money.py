"""Money as a feed writes it: decimals to whole minor units, exactly."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from mobility.units import minor_digits

# ISO 4217, list one (amendment 177, 2024): money in use, without metals, bonds and test codes.
CURRENCIES = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP "
    "ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR "
    "ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR "
    "PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
    "TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD "
    "XCG XOF XPF YER ZAR ZMW ZWG ZWL".split()
)

# Amounts past this are no fares, and their sums would not fit 64 bits.
MAX_MINOR = 10**9


def minor_units(text: str, currency: str) -> int | None:
    """Decimal text to whole minor units; None where it is not exactly that many.

    Parameters
    ----------
    text
        As the feed has it: ``"2.9"``, ``"-0.50"``, ``"895"``. No exponent, no separator.
    currency
        ISO 4217; says how many decimals there are (CLP 0, USD 2, KWD 3).

    Examples
    --------
    >>> minor_units("2.9", "USD"), minor_units("895.00", "CLP"), minor_units("2.905", "USD")
    (290, 895, None)
    """
    amount = _decimal(text)
    if amount is None or currency not in CURRENCIES:
        return None
    minor = amount.scaleb(minor_digits(currency))
    whole = int(minor)
    return whole if whole == minor and abs(whole) <= MAX_MINOR else None


def decimals(text: str) -> int | None:
    """How many digits follow the point of a decimal text; None where it is no number."""
    if _decimal(text) is None:
        return None
    return len(text.strip().partition(".")[2])


def _decimal(text: str) -> Decimal | None:
    if any(one not in "+-.0123456789" for one in text.strip()) or len(text) > 40:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None
