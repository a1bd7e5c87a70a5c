"""Decisions: whether somebody's posts allow something, and whether posts may be held together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cityloop.kernel.areas import AreaCode, lies_within
from cityloop.kernel.errors import CityloopError
from cityloop.registry.rules.roles import ROLES, SEPARATE_DUTIES, Right, Role


class DutiesMustStaySeparateError(CityloopError):
    """A person would hold duties that must lie in different hands."""

    key = "One person may not hold both: %(one)s and %(other)s."
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A role held for an organisation in an area.

    Attributes:
        post_id: its row, 0 where it is not kept yet.
        role: what the person is there.
        area: where; the post reaches everything below it too.
        organisation: code of the organisation, empty where none.
        valid_from: first day.
        valid_until: first day it no longer holds, None for open.
    """

    role: Role
    area: AreaCode
    organisation: str = ""
    valid_from: date = date.min
    valid_until: date | None = None
    post_id: int = 0

    def holds_on(self, day: date) -> bool:
        """Return whether the post is held on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)

    def overlaps(self, other: "Post") -> bool:
        """Return whether there is a day on which both posts are held."""
        return _begins_before_end_of(self, other) and _begins_before_end_of(other, self)


def _begins_before_end_of(one: Post, other: Post) -> bool:
    return other.valid_until is None or one.valid_from < other.valid_until


def rights_of(posts: Iterable[Post]) -> frozenset[Right]:
    """Return all rights some posts give, wherever they give them."""
    return frozenset(right for post in posts for right in ROLES[post.role].rights)


def allows(
    posts: Iterable[Post], right: Right, *, area: AreaCode | None = None, organisation: str | None = None
) -> bool:
    """Return whether some post gives a right at a place and for an organisation's matter.

    Args:
        posts: the posts held now.
        right: what is asked for.
        area: where the matter lies; None asks whether the right is held anywhere.
        organisation: whose matter it is; None where it belongs to nobody in particular. Only roles that see their
            own organisation's matters look at it.
    """
    return any(_allows(post, right, area, organisation) for post in posts)


def _allows(post: Post, right: Right, area: AreaCode | None, organisation: str | None) -> bool:
    spec = ROLES[post.role]
    if right not in spec.rights:
        return False
    if area is not None and not lies_within(area, post.area):
        return False
    return organisation is None or not spec.own_organisation_only or organisation == post.organisation


def must_not_mix_duties(held: Iterable[Post], added: Post) -> None:
    """Refuse a post that would bring separate duties into one hand, on any day.

    Raises:
        DutiesMustStaySeparateError: names the two roles.
    """
    for post in held:
        if post.overlaps(added) and len(_duties_of(post.role) | _duties_of(added.role)) > 1:
            raise DutiesMustStaySeparateError(one=ROLES[post.role].title, other=ROLES[added.role].title)


def _duties_of(role: Role) -> set[int]:
    rights = ROLES[role].rights
    return {number for number, duty in enumerate(SEPARATE_DUTIES) if duty & rights}


def widest_area(posts: Iterable[Post], *, default: AreaCode) -> AreaCode:
    """Return the area highest up among the posts', the default where there is none."""
    return min(
        (post.area for post in posts), key=lambda code: (len(code), not code.endswith("0000"), code), default=default
    )
