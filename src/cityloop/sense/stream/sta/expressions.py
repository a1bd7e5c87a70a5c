"""Compiles an expression into SQL over the tables of one entity type and those it leads to."""

from dataclasses import dataclass, field
from datetime import date, time

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.functions import called, is_function
from cityloop.sense.stream.sta.geometry import GEO_FUNCTIONS, GeoTask, geo_call
from cityloop.sense.stream.sta.names import BY_NAME, EntityType, Kind, Navigation, Property
from cityloop.sense.stream.sta.operators import ARITHMETIC, COMPARISONS, calculated, compared
from cityloop.sense.stream.sta.sight import Sight
from cityloop.sense.stream.sta.syntax import (
    Boolean,
    Call,
    Clock,
    Date,
    Duration,
    Geography,
    Instant,
    Node,
    Null,
    Number,
    Path,
    String,
)
from cityloop.sense.stream.sta.values import Parameters, Reader, Type, Value

INT64_DIGITS_MAX = 18
JOINS_MAX = 12
"""Most tables that the paths of one expression may lead to."""

_TYPES = {Kind.ID: Type.NUMBER, Kind.TEXT: Type.TEXT, Kind.JSON: Type.JSON, Kind.TIME: Type.TIME}


@dataclass(slots=True)
class Statement:
    """What grows while a statement is composed: its values, its aliases, and what must be answered before it runs.

    Attributes:
        sight: whose data are seen, None for everything.
        parameters: the values.
        tasks: what must be answered before.
        aliases: how many are taken.
    """

    sight: Sight | None = None
    parameters: Parameters = field(default_factory=Parameters)
    tasks: list[GeoTask] = field(default_factory=list)
    aliases: int = 0

    def rows(self, entity: EntityType, *, via: Navigation | None = None, bare: bool = False) -> str:
        """Return what stands for an entity set after FROM and JOIN: here, and only here, what is not seen is left out.

        Args:
            entity: the type.
            via: the relation that leads there.
            bare: whether the table will do, without the columns kept beside it.
        """
        source = entity.table if bare else entity.source
        if self.sight is None or (via is not None and via.column == "feature_id"):
            return source  # the feature of an observation is seen with the observation it is reached from
        return self.sight.rows(entity, source, self.parameters.once)

    def alias(self) -> str:
        """Return an alias that is not taken."""
        self.aliases += 1
        return f"t{self.aliases}"


@dataclass(slots=True)
class Scope:
    """The table an expression speaks of, and the tables its paths have joined.

    Attributes:
        statement: it belongs to.
        entity: the type of the table.
        alias: of the table.
        joins: alias and SQL by path.
        many: whether a path leads through a collection, so that the condition asks whether any member fulfils it.
    """

    statement: Statement
    entity: EntityType
    alias: str
    joins: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)
    many: bool = False

    def joined(self, path: tuple[str, ...], source: str, navigation: Navigation) -> str:
        """Return the alias of the table a path leads to, joined once."""
        if path not in self.joins:
            alias = self.statement.alias()
            on = navigation.on.format(s=source, t=alias)
            rows = self.statement.rows(BY_NAME[navigation.target], via=navigation)
            self.joins[path] = (alias, f"LEFT JOIN {rows} {alias} ON {on}")
            self.many = self.many or navigation.many
        return self.joins[path][0]

    def join_sql(self) -> str:
        """Return the joins, in the order they were made."""
        return " ".join(sql for _, sql in self.joins.values())


class Compiler:
    """Compiles the expressions of one query option.

    Args:
        scope: the table they speak of.
        option: what the option is called, for the faults.
    """

    def __init__(self, scope: Scope, *, option: str) -> None:
        """Begin with no joins."""
        self.scope, self.option = scope, option
        self.reader = Reader(scope.statement.parameters, option=option)

    def condition(self, node: Node) -> str:
        """Return an expression as a condition.

        Raises:
            SyntaxFault: if it yields no truth value, or names what does not exist.
        """
        return self.reader.truth(self.value(node))

    def value(self, node: Node) -> Value:
        """Return an expression as typed SQL."""
        match node:
            case Path():
                return self.path(node)
            case Call():
                return self.call(node)
        return self.literal(node)

    def literal(self, node: Node) -> Value:  # noqa: PLR0911  one for each kind of literal
        """Return a literal: its value travels as a parameter."""
        add, place = self.scope.statement.parameters.add, node.place
        match node:
            case Number(text=text):
                return Value(self.number(text, place), Type.NUMBER, place)
            case String(value=text):
                return Value(add(text, "text"), Type.TEXT, place, literal=text)
            case Boolean(value=truth):
                return Value(add(truth, "boolean"), Type.TRUTH, place)
            case Instant(start_us=start, end_us=end):
                return self.reader.span_literal(place, start, end)
            case Duration(length_us=length):
                return Value(f"({add(length, 'bigint')} * interval '1 microsecond')", Type.DURATION, place)
            case Geography(text=text):
                return Value("", Type.GEO, place, origin=("", text))
            case Null():
                return Value("NULL", Type.NULL, place)
            case Date(text=text) | Clock(text=text):
                return self.calendar(node, text)
        raise SyntaxFault(self.option, place, "this value cannot be read")

    def calendar(self, node: Node, text: str) -> Value:
        """Return a date or a time of day."""
        is_date = isinstance(node, Date)
        try:
            plain = (date if is_date else time).fromisoformat(text).isoformat()
        except ValueError as error:
            raise SyntaxFault(self.option, node.place, "this value cannot be read") from error
        cast, kind = ("date", Type.DATE) if is_date else ("time", Type.CLOCK)
        return Value(self.scope.statement.parameters.add(plain, cast), kind, node.place)

    def number(self, text: str, place: int) -> str:
        """Return a number: a whole one where it fits, so that ids stay exact."""
        if text.lstrip("-").isdigit() and len(text.lstrip("-")) <= INT64_DIGITS_MAX:
            return self.scope.statement.parameters.add(int(text), "bigint")
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise SyntaxFault(self.option, place, "this value cannot be read")
        return self.scope.statement.parameters.add(value, "float8")

    def call(self, node: Call) -> Value:  # noqa: PLR0911  one for each kind of call
        """Return an operator's or a function's value."""
        name, arguments = node.name, node.arguments
        if name in ("and", "or"):
            left, right = self.condition(arguments[0]), self.condition(arguments[1])
            return Value(f"({left} {name.upper()} {right})", Type.TRUTH, node.place)
        if name == "not":
            return Value(f"(({self.condition(arguments[0])}) IS NOT TRUE)", Type.TRUTH, node.place)
        values = [self.value(argument) for argument in arguments]
        if name in COMPARISONS:
            return Value(compared(self.reader, name, values[0], values[1]), Type.TRUTH, node.place)
        if name == "in":
            members = (compared(self.reader, "eq", values[0], member) for member in values[1:])
            return Value(f"({' OR '.join(members)})", Type.TRUTH, node.place)
        if name in ARITHMETIC:
            return calculated(self.reader, name, values[0], values[1])
        if name in GEO_FUNCTIONS:
            return self.geographic(node, values)
        if is_function(name):
            return called(self.reader, name, node.place, values)
        raise SyntaxFault(self.option, node.place, "the function is unknown")

    def geographic(self, node: Call, values: list[Value]) -> Value:
        """Return a geographic function's value, to be answered before the statement runs."""
        parameters = self.scope.statement.parameters
        value, task = geo_call(node.name, node.place, values, parameters=parameters, option=self.option)
        if task is not None:
            self.scope.statement.tasks.append(task)
        return value

    def path(self, node: Path) -> Value:
        """Return what a path leads to: a property, perhaps through navigations, perhaps into JSON."""
        entity, alias = self.scope.entity, self.scope.alias
        for at, part in enumerate(node.parts):
            found = entity.property_named(part)
            if found is not None:
                return self.property(entity, found, alias, node, node.parts[at + 1 :])
            navigation = entity.navigation_named(part)
            if navigation is None:
                raise SyntaxFault(self.option, node.place, "the name is unknown")
            if navigation.column and node.parts[at + 1 :] in (("id",), ("@iot.id",)):
                return Value(f"{alias}.{navigation.column}", Type.NUMBER, node.place)
            if len(self.scope.joins) >= JOINS_MAX:
                raise SyntaxFault(self.option, node.place, "the expression has too many parts")
            alias = self.scope.joined(node.parts[: at + 1], alias, navigation)
            entity = BY_NAME[navigation.target]
        raise SyntaxFault(self.option, node.place, "a property is needed here")

    def property(self, entity: EntityType, found: Property, alias: str, node: Path, rest: tuple[str, ...]) -> Value:
        """Return a property's value, or what stands at a path inside it."""
        sql, place = found.sql.format(a=alias), node.place
        if rest:
            if found.kind not in (Kind.JSON, Kind.GEO, Kind.RESULT):
                raise SyntaxFault(self.option, place, "the name is unknown")
            inner = f"{alias}.result_json" if found.kind is Kind.RESULT else sql
            return Value(f"({inner} #> {self.scope.statement.parameters.add(list(rest), 'text[]')})", Type.JSON, place)
        if found.kind is Kind.RESULT:
            return Value(alias, Type.RESULT, place)
        if found.kind is Kind.GEO:
            return Value(f"{alias}.id", Type.GEO, place, end=sql, origin=(entity.table, found.column))
        if found.kind is Kind.SPAN:
            end = found.end.format(a=alias)
            return Value(sql, Type.SPAN, place, end=f"coalesce({end}, {sql})")
        return Value(sql, _TYPES[found.kind], place)
