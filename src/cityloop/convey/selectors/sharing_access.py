"""Reads of the log of reads, and what is exchanged between authorities by day."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet

from cityloop.convey.models.sharing import Access
from cityloop.convey.stream.sharing.readlog import ReadKind
from cityloop.kernel.text import Text

READS_PAGE_ROWS = 100
"""How many reads a page of the log shows."""

READS_CSV_ROWS_MAX = 50_000
"""How many reads one CSV document holds."""

READ_KIND_TITLES = {
    ReadKind.SENSORTHINGS: Text("SensorThings 接口", "SensorThings"),
    ReadKind.FEATURES: Text("OGC 要素接口", "OGC API Features"),
    ReadKind.FEED: Text("实时推送流", "feed"),
    ReadKind.EXPORT: Text("文件导出", "export"),
    ReadKind.WEBHOOK: Text("回调推送", "webhook"),
    ReadKind.MQTT: Text("MQTT 订阅", "MQTT"),
}
"""The paths by which data is read, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadView:
    """One read of shared data.

    Attributes:
        read_id: its row.
        at: when.
        token_id: the machine's token, None where there was none.
        reader: what the machine is called.
        organisation: whose machine it is, empty where not known.
        kind: by which path.
        path: what was asked for.
        rows: how many readings or places were given.
        is_whole: whether the question was about all the reader may see.
        datasets: codes of the data sets it touched.
        contracts: the contracts it was allowed by.
    """

    read_id: int
    at: datetime
    token_id: int | None
    reader: str
    organisation: str
    kind: str
    path: str
    rows: int
    is_whole: bool
    datasets: tuple[str, ...]
    contracts: tuple[int, ...]

    @property
    def kind_words(self) -> Text:
        """Return the path in words."""
        known = {kind.value: title for kind, title in READ_KIND_TITLES.items()}
        return known.get(self.kind, Text(self.kind, self.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFilter:
    """Which reads are meant.

    Attributes:
        owners: only of data of these organisations; None for all.
        contract_id: only by this contract, 0 for any.
        dataset: only of this data set.
        organisation: only by this organisation's machines.
        kind: only by this path.
    """

    owners: tuple[str, ...] | None = None
    contract_id: int = 0
    dataset: str = ""
    organisation: str = ""
    kind: str = ""


def _rows(asked: ReadFilter) -> QuerySet[Access]:
    where = Q()
    if asked.owners is not None:
        where &= Q(owners__overlap=list(asked.owners))
    if asked.contract_id:
        where &= Q(contracts__contains=[asked.contract_id])
    if asked.dataset:
        where &= Q(datasets__contains=[asked.dataset])
    if asked.organisation:
        where &= Q(organisation=asked.organisation)
    if asked.kind:
        where &= Q(kind=asked.kind)
    return Access.objects.filter(where)


def reads(asked: ReadFilter, *, before_id: int | None = None, limit: int = READS_PAGE_ROWS) -> list[ReadView]:
    """Return reads, newest first.

    Args:
        asked: which ones.
        before_id: only older ones than this, for paging.
        limit: how many at the most.
    """
    rows = _rows(asked).order_by("-pk")
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    return [_view(row) for row in rows[:limit]]


def read_number(asked: ReadFilter) -> int:
    """Return how many reads there are."""
    return _rows(asked).count()


def _view(row: Access) -> ReadView:
    return ReadView(
        read_id=row.pk,
        at=row.at,
        token_id=row.token_id,
        reader=row.token_name,
        organisation=row.organisation,
        kind=row.kind,
        path=row.path,
        rows=row.rows,
        is_whole=row.whole,
        datasets=tuple(row.datasets),
        contracts=tuple(row.contracts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What one organisation's machines read of another's data on a day of the city."""

    day: date
    reader: str
    owner: str
    reads: int
    rows: int


_BY_DAY = """
    SELECT (at AT TIME ZONE 'Asia/Shanghai')::date AS day, organisation, whose, count(*), coalesce(sum(rows), 0)
    FROM convey_access CROSS JOIN LATERAL unnest(owners) AS whose
    WHERE at >= %s AND at < %s AND whose <> organisation GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def exchanges(since: datetime, until: datetime) -> list[Exchange]:
    """Return who read how much of whose data, by day of the city, oldest first; one's own data does not count."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, [since, until])
        rows = cursor.fetchall()
    return [
        Exchange(day=day, reader=reader, owner=owner, reads=number, rows=int(total))
        for day, reader, owner, number, total in rows
    ]
