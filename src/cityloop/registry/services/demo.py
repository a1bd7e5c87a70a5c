"""The demo city's people: one account for each role the loop needs."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.text import Text
from cityloop.registry.models import Person
from cityloop.registry.models import Post as PostRow
from cityloop.registry.rules.roles import ROLES, Role
from cityloop.registry.selectors.people import today

CHAOYANG = AreaCode("110105")
"""The district whose bodies have people in the demo."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person of the demo: account, name, role and where."""

    username: str
    name: Text
    role: Role
    organisation: str = ""
    area: AreaCode = CITY
    language: str = "zh-hans"

    @property
    def role_name(self) -> Text:
        """Return the role in words."""
        return ROLES[self.role].title


DEMO_PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson("leader", Text("周建国", "Zhou Jianguo"), Role.CITY_LEADER, "city-government"),
    DemoPerson("duty1", Text("李晓梅", "Li Xiaomei"), Role.DUTY_OFFICER, "emergency-office"),
    DemoPerson("duty2", Text("王志强", "Wang Zhiqiang"), Role.DUTY_OFFICER, "emergency-office"),
    DemoPerson("supervisor", Text("张敏", "Zhang Min"), Role.SUPERVISION_OPERATOR, "supervision-centre"),
    DemoPerson("dispatcher", Text("刘洋", "Liu Yang"), Role.COMMAND_OPERATOR, "command-centre"),
    DemoPerson("checker", Text("赵磊", "Zhao Lei"), Role.GRID_SUPERVISOR, "supervision-centre"),
    DemoPerson("water", Text("陈国栋", "Chen Guodong"), Role.LIFELINE_DISPATCHER, "water-group"),
    DemoPerson("gas", Text("高峰", "Gao Feng"), Role.LIFELINE_DISPATCHER, "gas-group"),
    DemoPerson("heat", Text("孙丽华", "Sun Lihua"), Role.LIFELINE_DISPATCHER, "heat-group"),
    DemoPerson("power", Text("杨帆", "Yang Fan"), Role.LIFELINE_DISPATCHER, "power-company"),
    DemoPerson("drainage", Text("罗兰", "Luo Lan"), Role.LIFELINE_DISPATCHER, "drainage-group"),
    DemoPerson(
        "chaoyang", Text("黄海涛", "Huang Haitao"), Role.DEPARTMENT_HANDLER, f"{CHAOYANG}-city-management", CHAOYANG
    ),
    DemoPerson(
        "chaoyang.duty", Text("吴静", "Wu Jing"), Role.DISTRICT_OFFICER, f"{CHAOYANG}-emergency-office", CHAOYANG
    ),
    DemoPerson("water.data", Text("林芳", "Lin Fang"), Role.DATA_OWNER, "water-group"),
    DemoPerson("air.data", Text("邓凯", "Deng Kai"), Role.DATA_OWNER, "environment-bureau"),
    DemoPerson("assessor", Text("徐文博", "Xu Wenbo"), Role.ASSESSOR),
    DemoPerson("operator", Text("马超", "Ma Chao"), Role.PLATFORM_OPERATOR, "economy-commission"),
    DemoPerson("auditor", Text("郭颖", "Guo Ying"), Role.AUDITOR),
    DemoPerson("citizen", Text("何雨", "He Yu"), Role.CITIZEN),
)
"""Who there is in the demo city; all names are invented."""


@transaction.atomic
def ensure_demo_people(password: str) -> list[DemoPerson]:
    """Make the demo's accounts that are not there yet, all with one password, and return who there is.

    Accounts that stand already keep their password and posts.

    Args:
        password: of all new accounts; the start makes it anew for every city.
    """
    known = set(Person.objects.values_list("username", flat=True))
    fresh = [one for one in DEMO_PEOPLE if one.username not in known]
    if fresh:
        encoded = make_password(password)
        for one in fresh:
            _make(one, encoded)
    return list(DEMO_PEOPLE)


def _make(one: DemoPerson, encoded: str) -> None:
    row = Person.objects.create(
        username=one.username, name_zh=one.name.zh, name_en=one.name.en, language=one.language, password=encoded
    )
    PostRow.objects.create(
        person=row, role=one.role, organisation_id=one.organisation or None, area_id=one.area, valid_from=today()
    )
