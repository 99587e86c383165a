"""Numbers as people read them: lengths of time, shares, differences of shares, and values in their unit."""

from decimal import Decimal

from bot.incident.evidence import Interval, Unit

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000  # milliseconds
WHOLE_FROM = 10  # from here on a decimal says nothing: of seconds, percent, points and counts
DECIMAL_ABOVE = 99  # percent


def duration(seconds: float) -> str:
    """A length of time in its one or two largest units: ``120 ms``, ``1.8 s``, ``45 s``, ``40 min 29 s``, ``2 h 5 min``.

    It is rounded to what is shown, a zero behind the first unit is left out, and less than nothing is ``0 s``.
    """
    exact = max(0.0, seconds) * SECOND
    if 0 < exact < 0.5:  # noqa: PLR2004  rounded, it would read as no time at all
        return "under 1 ms"
    if (whole := round(exact)) < SECOND:
        return f"{whole} ms" if whole else "0 s"
    if (tenths := round(exact / 100)) < WHOLE_FROM * 10:
        return f"{tenths / 10:g} s"
    if (whole := round(exact / SECOND) * SECOND) < MINUTE:
        return f"{whole // SECOND} s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", SECOND, "s")
    if (whole := round(exact / MINUTE) * MINUTE) < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    whole = round(exact / HOUR) * HOUR
    return _two(whole, DAY, "day" if whole < 2 * DAY else "days", HOUR, "h")


def _two(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_name}" + (f" {rest} {small_name}" if rest else "")


def in_minutes(count: float) -> str:
    """As many minutes, rounded, as a length of time: ``20 min``, ``2 h 17 min``, ``3 days``."""
    return duration(60 * round(count))


def ago(seconds: float | None) -> str:
    """How long ago something was, in whole seconds: ``40 s ago``, ``26 min 10 s ago``; None is ``never``."""
    return "never" if seconds is None else f"{duration(round(seconds))} ago"


def percent(share: float) -> str:
    """A share of 0..1: ``34 %``, ``4.6 %``, ``99.6 %``; one rule for every screen.

    Whole percents, with one decimal below 10 % and above 99 %, where thresholds and targets lie close together; a
    decimal of zero is left out. ``0 %`` is said of none and ``100 %`` of all: what is next to it is ``under 0.1 %`` or
    ``over 99.9 %``.
    """
    said = _in_hundred(share)
    if said == "0" and share > 0:
        return "under 0.1 %"
    if said == "100" and share < 1:
        return "over 99.9 %"
    return f"{said} %"


def percents(between: Interval) -> str:
    """An interval of shares: ``41-81 %``, rounded as in :func:`percent`; its ends may be 0 and 100, they claim nothing."""
    return f"{_in_hundred(between.low)}-{_in_hundred(between.high)} %"


def between(interval: Interval, unit: Unit) -> str:
    """An interval in its unit: ``41-81 %``, ``1.2 s to 2 min 5 s``, ``15 to 29 a minute``; empty where both ends read the same."""
    low, high = quantity(interval.low, unit), quantity(interval.high, unit)
    if low == high:
        return ""
    if unit is Unit.SHARE:
        return percents(interval)
    return f"{low.removesuffix(' a minute').removesuffix(' USD')} to {high}"


def _in_hundred(share: float) -> str:
    decimals = 1 if 100 * share < WHOLE_FROM or 100 * share > DECIMAL_ABOVE else 0
    return f"{100 * share:.{decimals}f}".removesuffix(".0")


def points(difference: float, interval: Interval) -> str:
    """A difference of shares with its interval: "+31 points (+18 to +45)", with a decimal where it is small."""
    form = "{:+z.0f}" if abs(difference) >= WHOLE_FROM / 100 else "{:+z.1f}"  # z: no minus before a zero
    by, low, high = (form.format(100 * one) for one in (difference, interval.low, interval.high))
    return f"{by} points ({low} to {high})"


def signed(difference: float, unit: Unit) -> str:
    """A difference with its sign and unit: ``+33,682``, ``-1.4``, ``+40 min 29 s``. Shares have :func:`points`."""
    said = quantity(abs(difference), unit)
    return f"-{said}" if difference < 0 else f"+{said}"


def quantity(value: float, unit: Unit) -> str:
    """A value with its unit."""
    match unit:
        case Unit.SHARE:
            return percent(value)
        case Unit.SECONDS:
            return duration(value)
        case Unit.RATE:
            return f"{_number(value)} a minute"
        case Unit.USD:
            return f"{_money(value)} USD"
        case Unit.COUNT | Unit.TOKENS | Unit.STEPS:
            return _number(value)


def _number(value: float) -> str:
    """As exact as it can be read: ``33,682``, ``7.5``, ``0.04``."""
    if abs(value) >= WHOLE_FROM:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{value:.2g}"


def _money(value: float) -> str:
    """Dollars: ``1,234``, ``12.3``, ``0.5``, ``0.0123``; never as a power of ten."""
    if abs(value) >= 100:  # noqa: PLR2004  cents no longer matter
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.3g}'):f}"
