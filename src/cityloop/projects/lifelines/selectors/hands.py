"""Who may take a step: the right a hand needs, for whose matter, and as what somebody acts then."""

from dataclasses import dataclass

from cityloop.kernel.areas import CITY
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.rules.hands import Hand, is_grave
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Whose a matter is, and how grave.

    Attributes:
        organisation: who answers for the line.
        party: organisation upstream, empty where it is none of the city's register.
        level: how grave it was when it was drafted, None where the line was in order.
        what: what the audit calls it.
    """

    organisation: str
    level: Level | None
    what: str
    party: str = ""


def right_of(hand: Hand, level: Level | None) -> Right:
    """Return the right a hand needs: what is grave is decided by the city leader alone."""
    if hand is Hand.DECIDING:
        return Right.APPROVE_GRAVE_COORDINATION if is_grave(level) else Right.APPROVE_COORDINATION
    return Right.APPROVE_COORDINATION if hand is Hand.DUTY else Right.DRAFT_COORDINATION


def _bodies(hand: Hand, matter: Matter) -> tuple[str, ...]:
    answering = hand is Hand.ANSWERING and matter.party
    return (matter.organisation, matter.party) if answering else (matter.organisation,)


def may_take(person: PersonView, hand: Hand, matter: Matter) -> bool:
    """Return whether a person may take a step that lies in a hand."""
    right = right_of(hand, matter.level)
    return any(registry.may(person, right, area=CITY, organisation=body) for body in _bodies(hand, matter))


def require_hand(person: PersonView, hand: Hand, matter: Matter) -> None:
    """Refuse, audited, a step a person may not take.

    Raises:
        AccessDeniedError: if no post gives the right for this matter.
    """
    if not may_take(person, hand, matter):
        right = right_of(hand, matter.level)
        registry.require(person, right, area=CITY, organisation=matter.organisation, what=matter.what)


def may_see(person: PersonView, matter: Matter) -> bool:
    """Return whether a person may see a matter: whose it is, and the organisation it asks."""
    bodies = {matter.organisation, matter.party} - {""}
    return any(registry.may(person, Right.SEE_COORDINATION, area=CITY, organisation=body) for body in bodies)


def require_sight(person: PersonView, matter: Matter) -> None:
    """Refuse, audited, to show a matter that is not a person's.

    Raises:
        AccessDeniedError: if it lies beyond the person's organisation.
    """
    if not may_see(person, matter):
        registry.require(person, Right.SEE_COORDINATION, area=CITY, organisation=matter.organisation, what=matter.what)


def role_in(person: PersonView, hand: Hand, matter: Matter) -> str:
    """Return the role by which a person may take a step, empty where none allows it."""
    right = right_of(hand, matter.level)
    for post in person.posts:
        spec = registry.ROLES[post.role]
        own = not spec.own_organisation_only or post.organisation in _bodies(hand, matter)
        if right in spec.rights and own:
            return post.role.value
    return ""
