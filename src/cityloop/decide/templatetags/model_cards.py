"""`{% load model_cards %}`: methods of forecasts in words, and why one is in force."""

from django import template
from django.utils.translation import gettext

from cityloop.decide.facade import ModelCard

register = template.Library()


@register.filter
def method_word(method: str) -> str:
    """Return how a forecast is made, in words."""
    return {
        "model": gettext("Model"),
        "yesterday": gettext("Yesterday's curve"),
        "last_week": gettext("Last week's curve"),
    }.get(method, gettext("no forecast yet"))


@register.filter
def method_reason(card: ModelCard) -> str:
    """Return why a card's method is in force, with the errors that decided where they are kept."""
    forecast, contest = card.forecast, card.contest
    if forecast is None:
        return ""
    if forecast.method != "model" and not forecast.fell_back:
        return gettext("The model could not be made: the history is too short.")
    said = _said(card) if contest is not None else ""
    if forecast.fell_back:
        decided = contest is not None and contest.model >= min(contest.yesterday, contest.last_week)
        errors = said if decided else gettext("The errors that decided are not kept.")
        return gettext("The naive forecast was better than the model over 14 days. %(errors)s") % {"errors": errors}
    stands = gettext("The model stands as long as no naive forecast is better over 14 days. %(errors)s")
    return (stands % {"errors": said}).strip()


def _said(card: ModelCard) -> str:
    if card.contest is None:
        return ""
    decimals, unit = card.stream.decimals + 1, card.stream.unit_symbol
    figures = {
        "model": f"{card.contest.model:,.{decimals}f}",
        "yesterday": f"{card.contest.yesterday:,.{decimals}f}",
        "last_week": f"{card.contest.last_week:,.{decimals}f}",
        "unit": unit,
    }
    return (
        gettext("Mean error: model %(model)s, yesterday's curve %(yesterday)s, last week's %(last_week)s %(unit)s.")
        % figures
    )
