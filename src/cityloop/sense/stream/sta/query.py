"""Composes one SQL statement out of a path and its query options."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from cityloop.sense.stream.archive.asking import HOT, NOTHING, Reach, marked
from cityloop.sense.stream.sta.closed import Window, is_oldest_first, reach_of, time_bounds
from cityloop.sense.stream.sta.dataarray import arrays_sql
from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.expressions import Compiler, Scope, Statement
from cityloop.sense.stream.sta.formats import DATA_ARRAY
from cityloop.sense.stream.sta.names import BY_NAME, CONTROLS, OBSERVATION, EntityType, Kind, Navigation
from cityloop.sense.stream.sta.paths import Resource, Step
from cityloop.sense.stream.sta.showing import entity_text, property_text, reference_text
from cityloop.sense.stream.sta.sight import Sight
from cityloop.sense.stream.sta.syntax import Expand, Options, Order, Path
from cityloop.sense.stream.sta.values import Type, Value

RECENT = "interval '1 day'"
"""How far before a stream's newest reading its newest readings are sought first."""

_NEWEST_FIRST = OBSERVATION.order
_NEAR = {"Datastream": "stream", "FeatureOfInterest": "feature"}
_NOT_NEAR: Mapping[str, str] = {}
_LINK_SAFE = "$=&,()/:;@*"


@dataclass(slots=True)
class Plan:
    """A statement and what the reader must know of it.

    Attributes:
        sql: the statement; answers one row (found, total, rows, body, edge).
        statement: its values and what must be answered first.
        options: the options it was made of.
        windows: where observations named by their ids are sought.
        newest_first: number of the parameter below which no reading is sought first, 0 where that cannot help.
        stream: the datastream whose observations are asked for, 0 where it is not one.
        asked: the options as they were asked for, where more is read than is shown.
        since_us: no observation that began before is asked for, None where the filter does not say so.
    """

    sql: str
    statement: Statement
    options: Options
    windows: list[Window] = field(default_factory=list)
    newest_first: int = 0
    stream: int = 0
    asked: Options | None = None
    since_us: int | None = None


class Composer:
    """Composes the statement of one request."""

    def __init__(self, sight: Sight | None = None) -> None:
        """Begin with an empty statement of what is seen."""
        self.statement = Statement(sight)
        self.windows: dict[int, Window] = {}

    def number(self, value: int) -> str:
        """Return a whole number as a parameter."""
        return self.statement.parameters.add(value, "bigint")

    def with_id(self, entity: EntityType, alias: str, key: int) -> str:
        """Return the condition that a row has an id; an observation's is bounded in time too."""
        condition = f"{alias}.id = {self.number(key)}"
        if entity is not OBSERVATION:
            return condition
        window = self.window(key)
        time = f"{alias}.phenomenon_time"
        return f"{condition} AND {time} >= ${window.since}::timestamptz AND {time} <= ${window.until}::timestamptz"

    def window(self, key: int) -> Window:
        """Return where an observation of an id is sought."""
        if key not in self.windows:
            parameters = self.statement.parameters
            number = len(parameters.values)
            for value, cast in ((key, "bigint"), ("-infinity", "timestamptz"), ("infinity", "timestamptz")):
                parameters.add(value, cast)
            for cast in ("bigint", "date"):
                parameters.add(None, cast)
            self.windows[key] = Window(*range(number + 1, number + 6))
        return self.windows[key]

    def on_path(self, steps: tuple[Step, ...], alias: str) -> str:
        """Return the condition that a row lies on a path."""
        step, before = steps[-1], steps[:-1]
        conditions = [] if step.key is None else [self.with_id(step.entity, alias, step.key)]
        if step.navigation is not None:
            conditions.append(self.from_parent(before, step.navigation, alias))
        return " AND ".join(conditions) or "TRUE"

    def from_parent(self, before: tuple[Step, ...], navigation: Navigation, alias: str) -> str:
        """Return the condition that a row is reached from its parent."""
        parent = before[-1]
        if (
            self.statement.sight is None
            and len(before) == 1
            and parent.key is not None
            and navigation.on.count("{s}") == 1
            and "{s}.id" in navigation.on
        ):
            return navigation.on.replace("{s}.id", self.number(parent.key)).format(t=alias)
        source, rows = self.statement.alias(), self.rows(before, bare=True)
        on = navigation.on.format(s=source, t=alias)
        return f"EXISTS (SELECT 1 FROM {rows} {source} WHERE {self.on_path(before, source)} AND {on})"

    def rows(self, steps: tuple[Step, ...], *, bare: bool = False) -> str:
        """Return what stands for the entity set at the end of a path."""
        step = steps[-1]
        rows = self.statement.rows(step.entity, via=step.navigation, bare=bare)
        if step.entity is not OBSERVATION or step.key is None:
            return rows
        window = self.window(step.key)
        packed = f"p.datastream_id = ${window.stream}::bigint AND p.day = ${window.day}::date"
        return rows.replace(HOT, marked(packed), 1)

    def observations(self, packed: str) -> str:
        """Return the observations that are seen, of the packed days those whose rows fulfil a condition."""
        return self.statement.rows(OBSERVATION).replace(HOT, marked(packed), 1)

    def exists(self, steps: tuple[Step, ...]) -> str:
        """Return whether there is an entity at a path."""
        alias = self.statement.alias()
        return f"EXISTS (SELECT 1 FROM {self.rows(steps, bare=True)} {alias} WHERE {self.on_path(steps, alias)})"

    def filtered(self, entity: EntityType, alias: str, options: Options) -> tuple[Scope, str, str]:
        """Return the scope of the filter and order, the condition and the order."""
        scope = Scope(self.statement, entity, alias)
        condition = "TRUE" if options.filter is None else Compiler(scope, option="$filter").condition(options.filter)
        if scope.many:
            condition = f"EXISTS (SELECT 1 FROM (SELECT 1) one {scope.join_sql()} WHERE {condition})"
            scope = Scope(self.statement, entity, alias)
        return scope, condition, self.order(scope, options)

    def order(self, scope: Scope, options: Options) -> str:
        """Return the ORDER BY of a page; it always ends with the id, so that pages do not overlap."""
        default = scope.entity.order.format(a=scope.alias)
        if not options.orderby or (scope.entity is OBSERVATION and is_newest_first(options)):
            return default
        compiler = Compiler(scope, option="$orderby")
        keys = [self.order_key(compiler, key) for key in options.orderby]
        if scope.many:
            raise SyntaxFault(
                option="$orderby",
                place=options.orderby[0].key.place,
                reason="a collection has no order among its owners",
            )
        return ", ".join([*keys, f"{scope.alias}.id"])

    def order_key(self, compiler: Compiler, key: Order) -> str:
        """Return one key of an ORDER BY."""
        value = compiler.value(key.key)
        direction = "DESC NULLS LAST" if key.descending else "ASC"
        return ", ".join(f"{sql} {direction}" for sql in _orderable(compiler, value))

    def page(
        self, entity: EntityType, where: str, options: Options, *, alias: str, near: Mapping[str, str] = _NOT_NEAR
    ) -> str:
        """Return a subquery of the rows of one page, one more than shown, numbered `rn`; `near` as in `reach_of`."""
        scope, condition, order = self.filtered(entity, alias, options)
        rows = self.statement.rows(entity)
        if entity is OBSERVATION:
            newest = True if is_newest_first(options) else False if is_oldest_first(options) else None
            rows = self.observations(reach_of(options, self.statement.parameters, newest=newest, **near).condition())
        limit = self.number((options.top or 0) + 1)
        offset = f" OFFSET {self.number(options.skip)}" if options.skip else ""
        return (
            f"(SELECT p.*, row_number() OVER () AS rn FROM (SELECT {alias}.* FROM {rows} {alias} "
            f"{scope.join_sql()} WHERE {where} AND {condition} ORDER BY {order} LIMIT {limit}{offset}) p)"
        )

    def newest_page(self, where: str, options: Options, *, alias: str, stream: str) -> str:
        """Return a page of a stream's newest observations: its last day first, the days before only if it is short."""
        scope, condition, _ = self.filtered(OBSERVATION, alias, options)
        limit, joins = self.number((options.top or 0) + 1), scope.join_sql()
        rows = f"{alias} {joins} WHERE {where} AND {condition} AND {alias}.phenomenon_time"
        order = f"ORDER BY {_NEWEST_FIRST.format(a=alias)} LIMIT {limit}"
        since = f"coalesce({stream}.newest_time, '-infinity') - {RECENT}"
        mine = Reach(stream=f"{stream}.id", since=since).condition()
        before = reach_of(
            options, self.statement.parameters, stream=f"{stream}.id", until=since, newest=True
        ).condition()
        recent = f"SELECT {alias}.* FROM {self.observations(mine)} {rows} >= {since} {order}"
        older = f"SELECT {alias}.* FROM {self.observations(before)} {rows} < {since}"
        older += f" AND {alias}.phenomenon_time >= {stream}.first_time"
        return (
            f"(SELECT q.*, row_number() OVER () AS rn FROM (WITH recent AS MATERIALIZED ({recent}) "
            f"SELECT * FROM recent UNION ALL "
            f"SELECT * FROM ({older} AND (SELECT count(*) FROM recent) < {limit} {order}) o "
            f"ORDER BY phenomenon_time DESC, id DESC LIMIT {limit}) q)"
        )

    def expanded(
        self, entity: EntityType, alias: str, options: Options
    ) -> tuple[str, dict[str, list[tuple[str, bool]]]]:
        """Return the lateral joins of the expanded navigations and the pieces they add to an entity."""
        joins, pieces = [], {}
        for expand in options.expand:
            navigation = entity.navigation_named(expand.name)
            if navigation is None:
                raise SyntaxFault(option="$expand", place=expand.place, reason="the name is unknown")
            make = self.expanded_many if navigation.many else self.expanded_one
            join, pieces[expand.name] = make(entity, alias, navigation, expand)
            joins.append(join)
        return " ".join(joins), pieces

    def expanded_one(
        self, _: EntityType, alias: str, navigation: Navigation, expand: Expand
    ) -> tuple[str, list[tuple[str, bool]]]:
        """Return how one related entity is shown."""
        target, row, out = BY_NAME[navigation.target], self.statement.alias(), self.statement.alias()
        check_select(target, expand.options)
        where = navigation.on.format(s=alias, t=row)
        inner, pieces = self.expanded(target, row, expand.options)
        text = entity_text(target, row, select=expand.options.select, expanded=pieces)
        source = self.statement.rows(target, via=navigation)
        rows = f"SELECT {text} AS j FROM {source} {row} {inner} WHERE {where} LIMIT 1"
        join = f"LEFT JOIN LATERAL ({rows}) {out} ON TRUE"
        return join, [(f"""',"{navigation.name}":' || {out}.j""", True)]

    def expanded_many(
        self, entity: EntityType, alias: str, navigation: Navigation, expand: Expand
    ) -> tuple[str, list[tuple[str, bool]]]:
        """Return how a page of related entities is shown, with its count and the link to its next page."""
        target, row, out = BY_NAME[navigation.target], self.statement.alias(), self.statement.alias()
        options, inside = expand.options, self.statement.alias()
        check_select(target, options)
        where = navigation.on.format(s=alias, t=inside)
        if target is OBSERVATION and entity.name == "Datastream" and is_newest_first(options) and not options.skip:
            page = self.newest_page(where, options, alias=inside, stream=alias)
        else:
            near = {_NEAR[entity.name]: f"{alias}.id"} if entity.name in _NEAR else _NOT_NEAR
            page = self.page(target, where, options, alias=inside, near=near)
        joins, pieces = self.expanded(target, row, options)
        text = entity_text(target, row, select=options.select, expanded=pieces)
        top = self.number(options.top or 0)
        columns = [f"string_agg({text}, ',' ORDER BY {row}.rn) FILTER (WHERE {row}.rn <= {top}) AS j", "count(*) AS k"]
        if options.count:
            columns.append(f"({self.counted(target, navigation, options, alias)}) AS total")
        join = f"LEFT JOIN LATERAL (SELECT {', '.join(columns)} FROM {page} {row} {joins}) {out} ON TRUE"
        return join, self.collection_pieces(entity, alias, navigation, options, out=out, top=top)

    def counted(self, target: EntityType, navigation: Navigation, options: Options, source: str) -> str:
        """Return the statement that counts the related entities."""
        alias = self.statement.alias()
        where = navigation.on.format(s=source, t=alias)
        stream = f"{source}.id" if navigation.on == "{t}.datastream_id = {s}.id" else ""
        return self.tally(target, where, options, alias=alias, stream=stream)

    def tally(self, entity: EntityType, where: str, options: Options, *, alias: str, stream: str) -> str:
        """Return the statement that counts entities; packed readings of a stream are counted by their days.

        Args:
            entity: their type.
            where: which of them.
            options: whose filter counts.
            alias: of their table.
            stream: SQL of the one datastream's id, empty where it is not one.
        """
        scope, condition, _ = self.filtered(entity, alias, replace(options, orderby=()))
        rows, more = self.statement.rows(entity), ""
        if entity is OBSERVATION and stream and options.filter is None:
            rows = self.observations(NOTHING)
            more = f" + (SELECT coalesce(sum(d.n), 0) FROM sense_packedday d WHERE d.datastream_id = {stream})"
        elif entity is OBSERVATION:
            rows = self.observations(reach_of(options, self.statement.parameters, stream=stream).condition())
        return f"SELECT count(*){more} FROM {rows} {alias} {scope.join_sql()} WHERE {where} AND {condition}"

    def collection_pieces(  # noqa: PLR0913  the parts of one expanded collection
        self, entity: EntityType, alias: str, navigation: Navigation, options: Options, *, out: str, top: str
    ) -> list[tuple[str, bool]]:
        """Return the pieces an expanded collection adds to its owner."""
        name = navigation.name
        pieces = [(f"""',"{name}@iot.count":' || {out}.total""", True)] if options.count else []
        pieces += [(f',"{name}":[', False), (f"coalesce({out}.j, '')", True), ("]", False)]
        written = next_query(options)
        link = self.statement.parameters.add(written, "text")
        address = (
            f"""E',"{name}@iot.nextLink":"\\x01/{entity.collection}(' || {alias}.id || ')/{name}?' || {link} || '"'"""
        )
        return [*pieces, (f"CASE WHEN {out}.k > {top} THEN {address} END", True)]

    def collection(self, resource: Resource, options: Options) -> Plan:
        """Return the plan that reads a collection.

        Raises:
            SyntaxFault: if an option names what does not exist.
        """
        step, row, inside = resource.last, self.statement.alias(), self.statement.alias()
        entity = step.entity
        check_select(entity, options)
        where = self.on_path(resource.steps, inside)
        newest_first, near = 0, self.near(resource)
        if entity is OBSERVATION and is_newest_first(options):
            near["since"] = self.statement.parameters.add("-infinity", "timestamptz")
            where += f" AND {inside}.phenomenon_time >= {near['since']}"
            newest_first = len(self.statement.parameters.values)
        page = self.page(entity, where, options, alias=inside, near=near)
        joins, pieces = self.expanded(entity, row, options)
        text = entity_text(entity, row, select=options.select, expanded=pieces)
        text = reference_text(entity, row) if resource.references else text
        found = self.exists(resource.steps[:-1]) if len(resource.steps) > 1 else "TRUE"
        top = self.number(options.top or 0)
        edge = f"min({row}.phenomenon_time)" if entity is OBSERVATION else "NULL"
        shown = f"string_agg({text}, ',' ORDER BY {row}.rn) FILTER (WHERE {row}.rn <= {top})"
        answer = f"count(*), {shown}, {edge} FROM {page} {row} {joins}"
        if options.result_format == DATA_ARRAY:
            answer = arrays_sql(page, row, select=options.select, top=top)
        sql = f"SELECT {found}, {self.total(resource, options)}, {answer}"
        parent = resource.steps[0]
        stream = parent.key if len(resource.steps) == 2 and parent.entity.name == "Datastream" else 0  # noqa: PLR2004
        return Plan(
            self.statement.parameters.declared(sql),
            self.statement,
            options,
            list(self.windows.values()),
            newest_first,
            stream or 0,
            since_us=time_bounds(options.filter).since_us if entity is OBSERVATION else None,
        )

    def near(self, resource: Resource) -> dict[str, str]:
        """Return which one stream or feature the observations of a path belong to, as `reach_of` takes it."""
        parent = resource.steps[-2] if len(resource.steps) > 1 else resource.last
        if parent.key is None or parent.entity.name not in _NEAR:
            return {}
        return {_NEAR[parent.entity.name]: self.number(parent.key)}

    def total(self, resource: Resource, options: Options) -> str:
        """Return the count of the whole collection, or NULL where it is not asked for."""
        if not options.count:
            return "NULL::bigint"
        alias, entity = self.statement.alias(), resource.last.entity
        where, stream = self.on_path(resource.steps, alias), self.near(resource).get("stream", "")
        return f"({self.tally(entity, where, options, alias=alias, stream=stream)})"

    def entity(self, resource: Resource, options: Options) -> Plan:
        """Return the plan that reads one entity, or the link to it."""
        entity, row = resource.last.entity, self.statement.alias()
        check_select(entity, options)
        where = self.on_path(resource.steps, row)
        joins, pieces = self.expanded(entity, row, options)
        text = entity_text(entity, row, select=options.select, expanded=pieces)
        text = reference_text(entity, row) if resource.references else text
        rows = self.rows(resource.steps)
        sql = f"SELECT TRUE, NULL::bigint, 1, {text}, NULL FROM {rows} {row} {joins} WHERE {where} LIMIT 1"
        return Plan(self.statement.parameters.declared(sql), self.statement, options, list(self.windows.values()))

    def property(self, resource: Resource, options: Options) -> Plan:
        """Return the plan that reads one property of an entity as JSON text."""
        row = self.statement.alias()
        where = self.on_path(resource.steps, row)
        text = property_json(self.statement, resource, row)
        rows = self.rows(resource.steps)
        sql = f"SELECT TRUE, NULL::bigint, 1, {text}, NULL FROM {rows} {row} WHERE {where} LIMIT 1"
        return Plan(self.statement.parameters.declared(sql), self.statement, options, list(self.windows.values()))


def property_json(statement: Statement, resource: Resource, alias: str) -> str:
    """Return SQL that yields a property, or what stands inside it, as JSON text."""
    found = resource.member
    if found is None:
        return "NULL"
    if not resource.inside:
        return property_text(found, alias)
    sql = f"{alias}.result_json" if found.kind is Kind.RESULT else found.sql.format(a=alias)
    return f"({sql} #> {statement.parameters.add(list(resource.inside), 'text[]')})::text"


def _orderable(compiler: Compiler, value: Value) -> tuple[str, ...]:
    if value.type is Type.RESULT:
        return (compiler.reader.number(value), f"{value.sql}.result_json")
    if value.type in (Type.GEO, Type.NULL):
        raise SyntaxFault(option="$orderby", place=value.place, reason="this has no order")
    return (value.sql,)


def is_newest_first(options: Options) -> bool:
    """Return whether observations come newest first: by default, or by `phenomenonTime desc` alone."""
    if not options.orderby:
        return True
    key = options.orderby[0]
    only = len(options.orderby) == 1 and key.descending
    return only and isinstance(key.key, Path) and key.key.parts == ("phenomenonTime",)


def check_select(entity: EntityType, options: Options) -> None:
    """Refuse to select what the entity type has not.

    Raises:
        SyntaxFault: if a selected name is unknown.
    """
    for name in options.select:
        known = name in CONTROLS or entity.property_named(name) or entity.navigation_named(name)
        if not known:
            raise SyntaxFault(option="$select", place=1, reason="the name is unknown")


def next_query(options: Options) -> str:
    """Return the query string of the next page: all options as they were, further on; safe within JSON text."""
    written = {**options.written, "$top": str(options.top), "$skip": str(options.skip + (options.top or 0))}
    return "&".join(f"{name}={quote(value, safe=_LINK_SAFE.replace('&', ''))}" for name, value in written.items())
