"""`{% load decide %}`: states and kinds in words, judged values in figures."""

from django import template
from django.utils.translation import gettext

from cityloop.decide.facade import AlarmState
from cityloop.kernel.declarations import WatchKind

register = template.Library()

FIGURES = 6
"""How many significant figures a judged value is shown with."""


@register.filter
def state_word(state: AlarmState) -> str:
    """Return the state of an alarm in words."""
    return {
        AlarmState.RAISED: gettext("Not acknowledged"),
        AlarmState.ACKNOWLEDGED: gettext("Acknowledged"),
        AlarmState.SHELVED: gettext("Shelved"),
        AlarmState.SUPPRESSED: gettext("Suppressed"),
        AlarmState.CLEARED: gettext("Cleared"),
        AlarmState.CLOSED: gettext("Closed"),
    }[AlarmState(state)]


@register.filter
def kind_word(kind: WatchKind) -> str:
    """Return how a watch judges, in words."""
    return {
        WatchKind.HIGH: gettext("Above a limit"),
        WatchKind.LOW: gettext("Below a limit"),
        WatchKind.RATE: gettext("Changing too fast"),
        WatchKind.STUCK: gettext("Not changing"),
        WatchKind.SILENT: gettext("No data"),
        WatchKind.BASELINE: gettext("Far from the usual"),
        WatchKind.FORECAST: gettext("Far from the forecast"),
        WatchKind.COUNT: gettext("Too often in a window"),
        WatchKind.MINUTES: gettext("Minutes to a limit"),
        WatchKind.SCHEDULE: gettext("Outside of permitted hours"),
        WatchKind.GROUP: gettext("Several points together"),
        WatchKind.STOP: gettext("Must stop meanwhile"),
    }[WatchKind(kind)]


@register.filter
def outcome_word(outcome: str) -> str:
    """Return what became of a request to shelve, in words."""
    return {
        "confirmed": gettext("consented, shelved"),
        "refused": gettext("consent refused"),
        "withdrawn": gettext("taken back"),
        "expired": gettext("time over"),
    }[outcome]


@register.filter
def figures(value: float | None) -> str:
    """Return a value with at most six significant figures, a dash where there is none."""
    return "–" if value is None else f"{value:,.{FIGURES}g}"


@register.filter
def brief(value: float) -> str:
    """Return a value with two decimals at the most."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")
