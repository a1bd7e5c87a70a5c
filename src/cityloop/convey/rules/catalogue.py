"""The words of the catalogue: themes, update frequencies, openness; and what a data set says of itself."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text


class Theme(StrEnum):
    """What a data set is about."""

    WATER = "water"
    ENERGY = "energy"
    ENVIRONMENT = "environment"
    SAFETY = "safety"
    TRANSPORT = "transport"
    HEALTH = "health"
    GOVERNMENT = "government"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """Return the theme in words."""
        return _THEMES[self]

    @property
    def uri(self) -> str:
        """Return the theme of the European data-theme authority table, which DCAT harvesters know."""
        return f"{_THEME_TABLE}/{_THEME_URIS[self]}"


_THEME_TABLE = "http://publications.europa.eu/resource/authority/data-theme"
_THEMES = {
    Theme.WATER: Text("供排水", "water"),
    Theme.ENERGY: Text("能源", "energy"),
    Theme.ENVIRONMENT: Text("生态环境", "environment"),
    Theme.SAFETY: Text("公共安全", "public safety"),
    Theme.TRANSPORT: Text("交通", "transport"),
    Theme.HEALTH: Text("卫生健康", "health"),
    Theme.GOVERNMENT: Text("政务", "government"),
    Theme.OTHER: Text("其他", "other"),
}
_THEME_URIS = {
    Theme.WATER: "ENVI",
    Theme.ENERGY: "ENER",
    Theme.ENVIRONMENT: "ENVI",
    Theme.SAFETY: "JUST",
    Theme.TRANSPORT: "TRAN",
    Theme.HEALTH: "HEAL",
    Theme.GOVERNMENT: "GOVE",
    Theme.OTHER: "REGI",
}


class Frequency(StrEnum):
    """How often a data set is brought up to date."""

    CONTINUOUS = "continuous"
    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"
    IRREGULAR = "irregular"

    @property
    def words(self) -> Text:
        """Return the frequency in words."""
        return _FREQUENCIES[self]

    @property
    def uri(self) -> str:
        """Return its name in the European frequency authority table."""
        return f"http://publications.europa.eu/resource/authority/frequency/{_FREQUENCY_URIS[self]}"


_FREQUENCIES = {
    Frequency.CONTINUOUS: Text("实时", "continuously"),
    Frequency.HOURLY: Text("每小时", "hourly"),
    Frequency.DAILY: Text("每日", "daily"),
    Frequency.MONTHLY: Text("每月", "monthly"),
    Frequency.IRREGULAR: Text("不定期", "irregularly"),
}
_FREQUENCY_URIS = {
    Frequency.CONTINUOUS: "UPDATE_CONT",
    Frequency.HOURLY: "HOURLY",
    Frequency.DAILY: "DAILY",
    Frequency.MONTHLY: "MONTHLY",
    Frequency.IRREGULAR: "IRREG",
}


class Openness(StrEnum):
    """Who gets a data set: everybody, whoever has a contract, nobody but the owner."""

    OPEN = "open"
    CONTRACT = "contract"
    INTERNAL = "internal"

    @property
    def words(self) -> Text:
        """Return the openness in words."""
        return _OPENNESS[self]

    @property
    def uri(self) -> str:
        """Return the access right of the European authority table."""
        return f"http://publications.europa.eu/resource/authority/access-right/{_ACCESS_URIS[self]}"


_OPENNESS = {
    Openness.OPEN: Text("无条件开放", "open to everybody"),
    Openness.CONTRACT: Text("凭协议共享", "by contract"),
    Openness.INTERNAL: Text("不予共享", "internal"),
}
_ACCESS_URIS = {Openness.OPEN: "PUBLIC", Openness.CONTRACT: "RESTRICTED", Openness.INTERNAL: "NON_PUBLIC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of the owner's datastreams are in a data set: all that meet every condition given.

    Attributes:
        project: code of the project, empty for any.
        property_ids: ids of the observed properties, empty for any.
        area: area they lie in, empty for any.
        datastream_ids: single streams, empty for any.
    """

    project: str = ""
    property_ids: tuple[int, ...] = ()
    area: str = ""
    datastream_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the owner says of a data set.

    Attributes:
        title: its name.
        description: what it holds, and how it came to be.
        theme: what it is about.
        keywords_zh: search words, Chinese.
        keywords_en: search words, English.
        area: the area it covers.
        since: first day it covers, None where not said.
        until: last day it covers, None while it goes on.
        frequency: how often it is brought up to date.
        licence: under which conditions it is given.
        licence_uri: address of the licence, empty where none.
        openness: who gets it.
        contact_name: whom to ask.
        contact_email: where.
    """

    title: Text
    description: Text
    theme: Theme
    area: AreaCode
    frequency: Frequency
    licence: Text
    openness: Openness
    contact_name: str
    contact_email: str
    licence_uri: str = ""
    keywords_zh: tuple[str, ...] = ()
    keywords_en: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView:
    """A data set of the catalogue.

    Attributes:
        code: in paths and topics.
        owner: code of the organisation whose it is.
        about: what the owner says of it.
        selection: which streams are in it.
        version: counts its changes.
        created_at: when it was declared.
        changed_at: when it was last changed.
    """

    code: str
    owner: str
    about: Description
    selection: Selection
    version: int
    created_at: datetime
    changed_at: datetime
