"""People and their posts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, Q
from django.utils import timezone

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import Person
from cityloop.registry.models import Post as PostRow
from cityloop.registry.rules.access import Post, allows, rights_of, widest_area
from cityloop.registry.rules.roles import ROLES, Right, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person, with what the posts held today allow.

    Attributes:
        person_id: the row; 0 for a visitor without an account.
        username: account name.
        name: in both languages.
        roles: of the posts held today.
        area: the widest area of those posts.
        organisation: code of the first post's organisation, empty where none.
        language: `zh-hans` or `en`.
        rights: all rights, wherever they hold; ask `may` for a place.
        posts: the posts held today.
        is_active: whether the account can be used.
        must_change_password: whether the password was set by somebody else.
        last_login: None where the person never logged in.
        address: network address the person's request comes from, empty outside a request.
    """

    person_id: int
    username: str
    name: Text
    roles: tuple[Role, ...]
    area: AreaCode
    organisation: str
    language: str
    rights: frozenset[Right]
    posts: tuple[Post, ...]
    is_active: bool = True
    must_change_password: bool = False
    last_login: datetime | None = None
    address: str = ""

    @property
    def is_visitor(self) -> bool:
        """Return whether nobody is logged in."""
        return self.person_id == 0

    @property
    def actor(self) -> str:
        """Return the person's actor code."""
        return f"person:{self.person_id}" if self.person_id else "visitor:"

    @property
    def role_names(self) -> tuple[Text, ...]:
        """Return the roles in words."""
        return tuple(ROLES[role].title for role in self.roles)


VISITOR = PersonView(
    person_id=0,
    username="",
    name=Text("访客", "visitor"),
    roles=(),
    area=CITY,
    organisation="",
    language="",
    rights=frozenset(),
    posts=(),
)
"""Whoever is not logged in."""


def post_of(row: PostRow) -> Post:
    """Return a post's row as the rules know it."""
    return Post(
        post_id=row.pk,
        role=Role(row.role),
        area=AreaCode(row.area_id),
        organisation=row.organisation_id or "",
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _held_on(day: date) -> Q:
    return Q(valid_from__lte=day) & (Q(valid_until__isnull=True) | Q(valid_until__gt=day))


def today() -> date:
    """Return the city's date."""
    return timezone.localdate()


def _rows(day: date) -> "Iterable[Person]":
    held = PostRow.objects.filter(_held_on(day)).order_by("valid_from", "pk")
    return Person.objects.order_by("username").prefetch_related(Prefetch("posts", queryset=held, to_attr="held"))


def view_of(row: Person) -> PersonView:
    """Return a person's row, read with `held` posts, as others see it."""
    posts = tuple(post_of(post) for post in row.held)  # type: ignore[attr-defined]  # prefetched by _rows
    return PersonView(
        person_id=row.pk,
        username=row.username,
        name=Text(row.name_zh, row.name_en),
        roles=tuple(dict.fromkeys(post.role for post in posts)),
        area=widest_area(posts, default=CITY),
        organisation=next((post.organisation for post in posts if post.organisation), ""),
        language=row.language,
        rights=rights_of(posts) if row.is_active else frozenset(),
        posts=posts if row.is_active else (),
        is_active=row.is_active,
        must_change_password=row.must_change_password,
        last_login=row.last_login,
    )


def person(person_id: int) -> PersonView:
    """Return a person.

    Raises:
        NotFoundError: if there is none with this id.
    """
    row = _rows(today()).filter(pk=person_id).first()
    if row is None:
        raise NotFoundError(what=Text(f"人员 {person_id}", f"person {person_id}"))
    return view_of(row)


def people(*, text: str = "", limit: int = 500) -> list[PersonView]:
    """Return people by account name; with a text, those whose account or name contains it.

    Args:
        text: part of an account or a name.
        limit: how many at the most.
    """
    rows = _rows(today())
    if text:
        rows = rows.filter(Q(username__icontains=text) | Q(name_zh__icontains=text) | Q(name_en__icontains=text))
    return [view_of(row) for row in rows[:limit]]


def people_with(right: Right, area: AreaCode | None = None, *, organisation: str | None = None) -> list[PersonView]:
    """Return the active people whose posts give a right at a place, by account name."""
    roles = [role for role, spec in ROLES.items() if right in spec.rights]
    day = today()
    rows = _rows(day).filter(
        is_active=True, pk__in=PostRow.objects.filter(_held_on(day), role__in=roles).values("person")
    )
    found = [view_of(row) for row in rows]
    return [one for one in found if allows(one.posts, right, area=area, organisation=organisation)]


def all_posts_of(person_id: int) -> list[Post]:
    """Return all posts of a person, past and coming ones too, newest first."""
    return [post_of(row) for row in PostRow.objects.filter(person=person_id).order_by("-valid_from", "-pk")]


_KINDS_OF_ACTOR = {
    "system": ("系统", "system"),
    "watch": ("监测规则", "watch"),
    "device": ("设备", "device"),
    "token": ("接口令牌", "token"),
    "account": ("账号", "account"),
    "visitor": ("访客", "visitor"),
}


_SYSTEMS = {
    "loop": Text("系统自动", "the system"),
    "alarm-machine": Text("系统（报警判别）", "the system (alarms)"),
    "cli": Text("系统（命令行）", "the system (command line)"),
    "prepare": Text("系统（启动准备）", "the system (preparation)"),
    "wire": Text("系统（数据接入）", "the system (intake of data)"),
    "assess": Text("系统（指标计算）", "the system (indicators)"),
    "notify": Text("系统（通知与任务送达）", "the system (news and tasks)"),
    "declaration": Text("系统（项目声明）", "the system (declaration of a project)"),
}
"""Parts of the platform that act by rule, as people know them."""


def actor_names(actors: Iterable[str]) -> dict[str, Text]:
    """Return what to call the actors of facts.

    Args:
        actors: codes `kind:key`, such as `person:17`, `watch:water-pressure-low`, `system:loop`.
    """
    asked = set(actors)
    ids = {int(code.partition(":")[2]): code for code in asked if _is_person(code)}
    rows = Person.objects.filter(pk__in=ids).values_list("pk", "name_zh", "name_en")
    names = {ids[pk]: Text(zh, en) for pk, zh, en in rows}
    return {code: names.get(code) or _name_of_machine(code) for code in asked}


def _is_person(actor: str) -> bool:
    kind, _, key = actor.partition(":")
    return kind == "person" and key.isascii() and key.isdigit()


def _name_of_machine(actor: str) -> Text:
    kind, _, key = actor.partition(":")
    if kind == "system" and key in _SYSTEMS:
        return _SYSTEMS[key]
    if kind in _KINDS_OF_ACTOR:
        zh, en = _KINDS_OF_ACTOR[kind]
        return Text(f"{zh} {key}".strip(), f"{en} {key}".strip())
    return Text(actor or "未知", actor or "unknown")


def actor_name(actor: str) -> Text:
    """Return what to call the actor of a fact."""
    return actor_names([actor])[actor]
