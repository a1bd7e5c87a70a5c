"""A backtest as a page shows it."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from cityloop.decide.facade import Backtest, Firing, StreamPast
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import from_us, to_us
from cityloop.registry.facade import in_words

FIRINGS_SHOWN = 50
"""How many alarms of a stream the table lists, the newest ones."""

SPANS_DRAWN = 400
"""How many alarms of a stream the picture marks, the newest ones."""

MONTH = timedelta(days=30)
_US_PER_S = 1_000_000
_BOTH_SIDES = (WatchKind.RATE, WatchKind.BASELINE, WatchKind.FORECAST)
"""Kinds that judge the size of what they see: their limits are drawn on both sides of nought."""


def picture_of(found: Backtest, kind: WatchKind, *, unit: str) -> dict[str, Any]:
    """Return what a page shows of a backtest."""
    looked_s = sum((past.until - past.since).total_seconds() for past in found.streams)
    tallies = [
        {
            "level": level,
            "entered": tally.entered,
            "stood_s": tally.stood_us / _US_PER_S,
            "share": tally.stood_us / _US_PER_S / looked_s * 100 if looked_s else None,
        }
        for level, tally in found.tallies.items()
    ]
    return {
        "found": found,
        "days": max(((past.until - past.since).days for past in found.streams), default=0),
        "monthly": found.firings / (looked_s / MONTH.total_seconds()) if looked_s else None,
        "tallies": tallies,
        "unit": unit,
        "streams": [_stream(past, kind, unit, number) for number, past in enumerate(found.streams)],
    }


def _stream(past: StreamPast, kind: WatchKind, unit: str, number: int) -> dict[str, Any]:
    until_us = to_us(past.until)
    shown = [_firing(one, until_us) for one in past.firings[-FIRINGS_SHOWN:]]
    return {
        "past": past,
        "name": f"backtest-{number}",
        "title": in_words(past.stream.title),
        "firings": shown[::-1],
        "more": len(past.firings) - len(shown),
        "longest_s": max((one.stood_us(until_us) for one in past.firings), default=0) / _US_PER_S,
        "chart": _chart(past, kind, unit, until_us) if past.curve else None,
    }


def _firing(one: Firing, until_us: int) -> dict[str, Any]:
    return {
        "level": one.level,
        "raised_at": from_us(one.raised_us),
        "cleared_at": from_us(one.cleared_us) if one.cleared_us is not None else None,
        "stood_s": one.stood_us(until_us) / _US_PER_S,
        "value": one.value,
        "observation_id": one.observation_id,
    }


def _chart(past: StreamPast, kind: WatchKind, unit: str, until_us: int) -> dict[str, Any]:
    """Return the curve with its limits and its alarms as the chart script reads them."""
    sides = (1.0, -1.0) if kind in _BOTH_SIDES else (1.0,)
    limits = [
        {"value": side * limit, "level": int(level), "name": f"{level.roman} {side * limit:,.6g}"}
        for level, limit in past.limits.items()
        for side in sides
    ]
    spans = [
        {
            "from": from_us(one.raised_us).isoformat(),
            "until": from_us(until_us if one.cleared_us is None else one.cleared_us).isoformat(),
            "level": int(one.level),
        }
        for one in past.firings[-SPANS_DRAWN:]
    ]
    points = [[at.isoformat(), value] for at, value in past.curve]
    values = [value for _at, value in past.curve] + [limit["value"] for limit in limits]
    low, high = min(values), max(values)
    edge = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    name = in_words(past.stream.title) if kind in (WatchKind.HIGH, WatchKind.LOW) else _("judged value")
    return {
        "unit": unit, "decimals": past.stream.decimals, "series": [{"name": name, "points": points, "area": False}],
        "limits": limits, "spans": spans, "from": past.since.isoformat(), "until": past.until.isoformat(),
        "min": round(low - edge, 6), "max": round(high + edge, 6),
    }  # fmt: skip
