"""What a person sees of the coordination of supply and demand, and what the person can do about it now."""

from datetime import datetime

from cityloop.kernel.areas import CITY
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.rules.balance import worst
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.hands import LINE_ORGANISATIONS, Hand
from cityloop.projects.lifelines.rules.pictures import Picture
from cityloop.projects.lifelines.rules.reductions import (
    REDUCTION_MACHINE,
    Proposal,
    ReductionMove,
    proposed_cut,
)
from cityloop.projects.lifelines.rules.requests import (
    OPEN_STATES,
    REQUEST_MACHINE,
    RequestMove,
    RequestState,
    refusal_of,
)
from cityloop.projects.lifelines.selectors.days import line_day
from cityloop.projects.lifelines.selectors.hands import may_take, require_sight
from cityloop.projects.lifelines.selectors.reductions import (
    ReductionView,
    matter_of_reduction,
    reduction_with_id,
    reductions,
    taken_over,
    user_list,
)
from cityloop.projects.lifelines.selectors.requests import (
    RequestView,
    matter_of_request,
    request_standing,
    request_with_id,
    requests,
)
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right

_HOUR_S = 3600.0


def _bodies_of(person: PersonView) -> list[str] | None:
    """Return whose matters a person sees, None for everybody's."""
    posts = [post for post in person.posts if Right.SEE_COORDINATION in registry.ROLES[post.role].rights]
    whole = [post for post in posts if not registry.ROLES[post.role].own_organisation_only and post.area == CITY]
    return None if whole else sorted({post.organisation for post in posts if post.organisation and post.area == CITY})


def requests_of(
    person: PersonView, *, line: Line | None = None, states: tuple[RequestState, ...] = (), text: str = ""
) -> list[RequestView]:
    """Return the requests a person may see, those that wait for an answer first by their deadline."""
    return requests(bodies=_bodies_of(person), line=line, states=states, text=text)


def open_requests_of(person: PersonView, *, at: datetime) -> list[RequestView]:
    """Return what has been asked of upstream and has not ended, as far as a person may see it; nothing without right.

    Args:
        person: who looks.
        at: as of when; a request belongs to the instant of its picture.
    """
    if Right.SEE_COORDINATION not in person.rights:
        return []
    return [one for one in requests_of(person, states=OPEN_STATES) if one.as_of <= at]


def request_for(person: PersonView, request_id: int) -> RequestView:
    """Return a request to a person who may see it.

    Raises:
        NotFoundError: if there is none.
        AccessDeniedError: if it lies beyond the person's organisation; audited.
    """
    found = request_with_id(request_id)
    require_sight(person, matter_of_request(found))
    return found


def request_steps_open_to(found: RequestView, person: PersonView) -> tuple[RequestMove, ...]:
    """Return the steps a person can take on a request now: by state, right, organisation and separate hands."""
    standing, matter = request_standing(found), matter_of_request(found)
    return tuple(
        move
        for move in REQUEST_MACHINE
        if move.state_before is found.state
        and may_take(person, move.hand, matter)
        and refusal_of(standing, move, actor=person.actor) is None
    )


def reductions_of(person: PersonView, *, line: Line | None = None) -> list[ReductionView]:
    """Return the cuts a person may see, the newest first."""
    return reductions(bodies=_bodies_of(person), line=line)


def reduction_for(person: PersonView, reduction_id: int) -> ReductionView:
    """Return a cut to a person who may see it.

    Raises:
        NotFoundError: if there is none.
        AccessDeniedError: if it lies beyond the person's organisation; audited.
    """
    found = reduction_with_id(reduction_id)
    require_sight(person, matter_of_reduction(found))
    return found


def reduction_steps_open_to(found: ReductionView, person: PersonView) -> tuple[ReductionMove, ...]:
    """Return the steps a person can take on a cut now."""
    matter = matter_of_reduction(found)
    return tuple(
        move
        for move in REDUCTION_MACHINE
        if move.state_before is found.state
        and may_take(person, move.hand, matter)
        and not (move.hand is Hand.DECIDING and person.actor == found.proposed_by)
    )


def proposal_for(line: Line, *, gap: float, now: datetime, begins_at: datetime, ends_at: datetime) -> Proposal:
    """Return the cut the list in force would make of a gap, of what other cuts leave.

    Args:
        line: the line.
        gap: what is missing, in the unit of the line's day.
        now: when notice can be given, aware.
        begins_at: when the cut must work.
        ends_at: until when.
    """
    hours_ahead = (begins_at - now).total_seconds() / _HOUR_S
    taken = taken_over(line, begins_at, ends_at)
    return proposed_cut(user_list(line).users, gap=gap, hours_ahead=hours_ahead, taken=taken)


def level_of(picture: Picture, now: datetime) -> Level | None:
    """Return how grave a line stands for those who decide: the graver of a picture's level and the level now.

    A picture of the past is chosen by whoever drafts; it must not put what is grave now into other hands.
    """
    return worst((picture.day.level, line_day(picture.day.line, now).level))


def lines_of(person: PersonView, right: Right) -> tuple[Line, ...]:
    """Return the lines for which a person holds a right."""
    return tuple(
        line for line, body in LINE_ORGANISATIONS.items() if registry.may(person, right, area=CITY, organisation=body)
    )


__all__ = [
    "level_of",
    "lines_of",
    "proposal_for",
    "reduction_for",
    "reduction_steps_open_to",
    "reductions_of",
    "request_for",
    "request_steps_open_to",
    "requests_of",
]
