"""`$batch`: many requests in one; those of a changeset are all done or none."""

import re
import time

import msgspec

from cityloop.sense.stream.sta.desk import (
    FAULTS,
    Answer,
    Desk,
    Request,
    decoded,
    fault_of,
    is_json_patch,
    refusal,
)
from cityloop.sense.stream.sta.doorstep import NOWHERE
from cityloop.sense.stream.sta.envelopes import (
    FIELD,
    Group,
    Item,
    Names,
    Outcome,
    checked,
    groups_of_json,
    groups_of_parts,
    in_json,
    in_parts,
    referred,
)
from cityloop.sense.stream.sta.errors import BodyError, BusyError, MethodError, TooLargeError, UnsupportedBodyError
from cityloop.sense.stream.sta.names import OBSERVATION
from cityloop.sense.stream.sta.refusals import Refusals
from cityloop.sense.stream.sta.rights import sight_of
from cityloop.sense.stream.sta.work import Made, Work

BATCH_PATH = "$batch"
BATCH_S_MAX = 60.0
"""How long a batch may take, seconds; what has not begun by then is answered 503."""

ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""Longest answer to a batch, bytes; what has not begun by then is answered 413."""

_ROOT = re.compile(r"https?://[^/?]*", re.IGNORECASE)
_REFERENCE = re.compile(r"\$([^/?]+)(.*)", re.DOTALL)
_ADDRESS = re.compile(r".*/([A-Za-z]+)\((\d+)\)", re.ASCII)
_CHANGES = ("POST", "PATCH", "PUT", "DELETE")


class Batches:
    """Answers batches.

    Args:
        desk: answers each request.
        refusals: sets refused readings aside.
        base_path: where the service root stands.
    """

    def __init__(self, desk: Desk, refusals: Refusals, *, base_path: str) -> None:
        """Take all three."""
        self._desk, self._refusals, self._base_path = desk, refusals, base_path

    async def answer(self, request: Request) -> Answer:
        """Answer a batch, whatever becomes of its requests.

        Raises:
            CityloopError: if the batch itself cannot be read.
        """
        kind = request.content_type.partition(";")[0].strip().lower()
        if kind == "multipart/mixed":
            groups = checked(groups_of_parts(request.body, request.content_type))
            content_type, body = in_parts(await self._outcomes(request, groups))
            return Answer(200, body, content_type)
        if kind == "application/json":
            groups = checked(groups_of_json(request.body))
            return Answer(200, in_json(await self._outcomes(request, groups)))
        raise UnsupportedBodyError(content_type=kind[:80])

    async def _outcomes(self, batch: Request, groups: list[Group]) -> list[Outcome]:
        run = _Run(self._desk, self._refusals, batch, self._base_path)
        return [await run.outcome(group) for group in groups]


class _Run:
    """One batch under way: what its requests have made so far, and how long it may still take."""

    def __init__(self, desk: Desk, refusals: Refusals, batch: Request, base_path: str) -> None:
        self._desk, self._refusals, self._batch, self._base_path = desk, refusals, batch, base_path
        self._names: dict[str, tuple[str, int]] = {}
        self._until, self._bytes = time.monotonic() + BATCH_S_MAX, 0

    async def outcome(self, group: Group) -> Outcome:
        if not group.is_changeset:
            return Outcome(group, [await self._alone(item) for item in group.items])
        changeset = _Changeset(self, group)
        try:
            return Outcome(group, self._counted(await changeset.answers()))
        except FAULTS as error:
            at = max(changeset.at, 0)
            return Outcome(group, [self._refused(error, group.items[at : at + 1])], refused_at=at)

    def check_bounds(self) -> None:
        if self._bytes > ANSWER_BYTES_MAX:
            raise TooLargeError(bytes_max=ANSWER_BYTES_MAX)
        if time.monotonic() > self._until:
            raise BusyError

    async def _alone(self, item: Item) -> Answer:
        try:
            self.check_bounds()
            request = self.request(item, self._names)
            self._desk.check(request)
            answer = await self._desk.answer(request)
        except FAULTS as error:
            return self._refused(error, [item])
        found = _ADDRESS.fullmatch(answer.location)
        if found is not None:
            self.name(item, found[1], int(found[2]))
        return self._counted([answer])[0]

    def _counted(self, answers: list[Answer]) -> list[Answer]:
        self._bytes += sum(len(answer.body) for answer in answers)
        return answers

    def _refused(self, error: Exception, items: list[Item]) -> Answer:
        fault = fault_of(error)
        for item in items:
            if item.method == "POST":
                path, allowed = item.url.partition("?")[0], self._batch.allowed
                self._refusals.note(fault, path=path, body=item.body, allowed=allowed)
        return refusal(fault, self._batch.headers)

    def name(self, item: Item, collection: str, key: int) -> None:
        if item.name:
            self._names[item.name] = (collection, key)

    @property
    def names(self) -> dict[str, tuple[str, int]]:
        return self._names

    @property
    def desk(self) -> Desk:
        return self._desk

    def request(self, item: Item, names: Names) -> Request:
        """Return a request of the batch as if it had come alone."""
        path, query = self._below(item.url, names)
        if path == BATCH_PATH:
            raise MethodError(method=item.method[:20])
        outer = self._batch
        headers = {b"accept-language": outer.headers.get(b"accept-language", b""), **item.headers}
        headers[b"authorization"] = outer.headers.get(b"authorization", b"")
        body = item.body
        if names and b'"$' in body:
            body = msgspec.json.encode(referred(decoded(body), names))
        return Request(item.method, path, query, headers, outer.base, outer.allowed, body)

    def _below(self, url: str, names: Names) -> tuple[str, str]:
        """Return path and query below the service root of an absolute or relative address, or one `$name` begins."""
        root = _ROOT.match(url)
        path, _, query = url[root.end() :].partition("?") if root else url.partition("?")
        if path == self._base_path or path.startswith(self._base_path + "/"):
            path = path[len(self._base_path) :]
        elif root:
            return NOWHERE, query
        path = path.strip("/").removeprefix(self._base_path.rpartition("/")[2] + "/")
        reference = _REFERENCE.fullmatch(path)
        if reference is not None and reference[1] in names:
            path = "{}({})".format(*names[reference[1]]) + reference[2]
        return path, query


class _Changeset:
    """The requests of a changeset, done in one transaction.

    Attributes:
        at: number of the request under way, -1 before the first.
    """

    def __init__(self, run: _Run, group: Group) -> None:
        self._run, self._group, self.at = run, group, -1
        self._names = dict(run.names)

    async def answers(self) -> list[Answer]:
        items = self._group.items
        self._run.check_bounds()
        requests = [self._run.request(item, {}) for item in items]
        allowed = requests[0].allowed if requests else None
        service = self._run.desk.service
        made, ids = await service.together(allowed, self._steps)
        answers = []
        for item, one in zip(items, made, strict=True):
            if one is None:
                answers.append(Answer(200, b"", ""))
                continue
            key = ids[one.place] if one.entity is OBSERVATION and one.reading is not None else one.key
            self._run.name(item, one.entity.collection, key)
            base = requests[0].base
            address, body = await service.answered(one, ids, sight_of(allowed), base=base)
            is_new = item.method == "POST"
            answers.append(Answer(201 if is_new else 200, body, location=address if is_new else ""))
        return answers

    async def _steps(self, work: Work) -> list[Made | None]:
        made = []
        for number, item in enumerate(self._group.items):
            self.at = number
            self._run.check_bounds()
            one = await self._step(work, item)
            if one is not None and one.key and item.name:
                self._names[item.name] = (one.entity.collection, one.key)
            made.append(one)
        if work.writer.written.readings and any(item.method != "POST" for item in self._group.items):
            raise BodyError(field=FIELD, reason="a changeset that adds observations only creates")
        return made

    async def _step(self, work: Work, item: Item) -> Made | None:
        if item.method not in _CHANGES:
            raise MethodError(method=item.method[:20])
        request = self._run.request(item, self._names)
        self._run.desk.check(request)
        if item.method == "DELETE":
            await work.remove(request.path)
            return None
        body = decoded(request.body)
        if item.method == "POST":
            return await work.make(request.path, body)
        return await work.change(request.path, body, method=item.method, is_patch=is_json_patch(request))
