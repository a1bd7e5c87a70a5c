"""Typed SQL: what a part of an expression yields, and how one type is read as another."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.times import instant_us, interval_us, text_of

NUMBER_MAX = "1e300"
"""JSON numbers beyond are no float64 and compare as absent."""

_PLACE = re.compile(r"\$(\d+)::")
_NOTE = re.compile(r"/\*.*?\*/")


class Type(Enum):
    """What a piece of SQL yields."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    TIME = "a time"
    SPAN = "an interval"
    DATE = "a date"
    CLOCK = "a time of day"
    DURATION = "a duration"
    JSON = "JSON"
    RESULT = "a result"
    GEO = "a geometry"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of SQL with its type.

    Attributes:
        sql: the value; of a span its start; of a result the alias of its table; of a path to a geometry the id.
        type: what it yields.
        place: where it stands in the option.
        end: of a span its end; of a path to a geometry the geometry as JSON.
        instant: whether a span is known to be an instant.
        literal: the text of a literal text.
        origin: of a geometry its entity type and property, or its well-known text.
    """

    sql: str
    type: Type
    place: int
    end: str = ""
    instant: bool = False
    literal: str | None = None
    origin: tuple[str, str] | None = None


@dataclass(slots=True)
class Parameters:
    """The values of a statement; they never become part of its text."""

    values: list[Any] = field(default_factory=list)
    casts: list[str] = field(default_factory=list)
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, value: Any, cast: str) -> str:
        """Keep a value and return its place in the statement, such as `$3::text`."""
        self.values.append(value)
        self.casts.append(cast)
        return f"${len(self.values)}::{cast}"

    def once(self, value: Any, cast: str) -> str:
        """Keep a value that is needed again and again, once; return its place."""
        key = (repr(value), cast)
        if key not in self.known:
            self.known[key] = self.add(value, cast)
        return self.known[key]

    def declared(self, sql: str) -> str:
        """Return a statement that names each parameter at least once, for PostgreSQL must know the type of each."""
        used = {int(number) for number in _PLACE.findall(_NOTE.sub("", sql))}
        unused = [f"${n}::{cast}" for n, cast in enumerate(self.casts, 1) if n not in used]
        return f"WITH unused AS (SELECT {', '.join(unused)}) {sql}" if unused else sql


class Reader:
    """Reads values as other types; the faults name the option and the place."""

    def __init__(self, parameters: Parameters, *, option: str) -> None:
        """Keep where literals go and what the option is called."""
        self.parameters, self.option = parameters, option

    def fault(self, value: Value, wanted: Type) -> SyntaxFault:
        """Return the fault that a value is not of the wanted type."""
        return SyntaxFault(self.option, value.place, f"{wanted.value} is needed here")

    def number(self, value: Value) -> str:
        """Return a value as a number."""
        match value.type:
            case Type.NUMBER:
                return value.sql
            case Type.NULL:
                return "NULL::float8"
            case Type.JSON:
                return _json_number(value.sql)
            case Type.RESULT:
                return f"coalesce({value.sql}.result, {_json_number(value.sql + '.result_json')})"
        raise self.fault(value, Type.NUMBER)

    def text(self, value: Value) -> str:
        """Return a value as a text."""
        match value.type:
            case Type.TEXT:
                return value.sql
            case Type.NULL:
                return "NULL::text"
            case Type.JSON | Type.RESULT:
                return _of_json_type(_json_of(value), "string", "#>> '{}'")
        raise self.fault(value, Type.TEXT)

    def truth(self, value: Value) -> str:
        """Return a value as a truth value."""
        match value.type:
            case Type.TRUTH:
                return value.sql
            case Type.NULL:
                return "NULL::boolean"
            case Type.JSON | Type.RESULT:
                return _of_json_type(_json_of(value), "boolean", "= 'true'::jsonb")
        raise self.fault(value, Type.TRUTH)

    def json(self, value: Value) -> str:
        """Return a value as JSON."""
        if value.type is Type.RESULT:
            return f"coalesce(to_jsonb({value.sql}.result), {value.sql}.result_json)"
        if value.type is Type.GEO and value.end:
            return value.end
        if value.type is Type.JSON:
            return value.sql
        raise self.fault(value, Type.JSON)

    def span(self, value: Value) -> Value:
        """Return a value as an interval; an instant is one that ends where it begins."""
        if value.type is Type.SPAN:
            return value
        if value.type is Type.TIME:
            return Value(value.sql, Type.SPAN, value.place, end=value.sql, instant=True)
        if value.literal is not None:
            try:
                return self.span_literal(value.place, *interval_us(value.literal))
            except ValueError as error:
                raise self.fault(value, Type.TIME) from error
        if value.type is Type.DATE:
            start = f"(({value.sql})::timestamp AT TIME ZONE 'UTC')"
            return Value(start, Type.SPAN, value.place, end=start, instant=True)
        raise self.fault(value, Type.TIME)

    def span_literal(self, place: int, start_us: int, end_us: int | None) -> Value:
        """Return an interval given in the request."""
        try:
            start = self.parameters.add(text_of(start_us), "timestamptz")
            if end_us is None:
                return Value(start, Type.SPAN, place, end=start, instant=True)
            return Value(start, Type.SPAN, place, end=self.parameters.add(text_of(end_us), "timestamptz"))
        except (ValueError, OverflowError) as error:
            raise SyntaxFault(self.option, place, "this value cannot be read") from error

    def instant(self, value: Value) -> str:
        """Return a value as an instant; of an interval its start."""
        if value.type is Type.NULL:
            return "NULL::timestamptz"
        if value.literal is not None:
            try:
                return self.parameters.add(text_of(instant_us(value.literal)), "timestamptz")
            except (ValueError, OverflowError) as error:
                raise self.fault(value, Type.TIME) from error
        return self.span(value).sql


def _json_of(value: Value) -> str:
    return f"{value.sql}.result_json" if value.type is Type.RESULT else value.sql


def _of_json_type(json: str, kind: str, reading: str) -> str:
    return f"(CASE WHEN jsonb_typeof({json}) = '{kind}' THEN ({json} {reading}) END)"


def _json_number(json: str) -> str:
    number = f"({json} #>> '{{}}')::numeric"
    bounded = f"CASE WHEN abs({number}) < {NUMBER_MAX} THEN ({number})::float8 END"
    return f"(CASE WHEN jsonb_typeof({json}) = 'number' THEN {bounded} END)"
