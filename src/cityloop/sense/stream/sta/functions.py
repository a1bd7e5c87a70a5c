"""Built-in functions of `$filter` in SQL, save the geographic ones."""

from collections.abc import Callable, Sequence

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.operators import SPANS
from cityloop.sense.stream.sta.values import Reader, Type, Value

Build = Callable[[Reader, Sequence[Value]], str]
_INDEX = "least(greatest(({}), -1e9), 1e9)::int"
"""A position in a text: what lies beyond any text is cut, so that no number fails to be one."""


def _texts(template: str) -> Build:
    return lambda reader, values: template.format(*(reader.text(value) for value in values))


def _numbers(template: str) -> Build:
    return lambda reader, values: template.format(*(reader.number(value) for value in values))


def _instants(template: str) -> Build:
    return lambda reader, values: template.format(*(reader.instant(value) for value in values))


def _field(name: str) -> Build:
    return _instants(f"extract({name} FROM ({{}}) AT TIME ZONE 'UTC')::float8")


def _spans(name: str) -> Build:
    return lambda reader, values: SPANS[name](reader.span(values[0]), reader.span(values[1]))


def _substring(reader: Reader, values: Sequence[Value]) -> str:
    start = "greatest(" + _INDEX.format(reader.number(values[1])) + ", 0) + 1"
    if len(values) == 2:  # noqa: PLR2004  without a length
        return f"substr({reader.text(values[0])}, {start})"
    length = "greatest(" + _INDEX.format(reader.number(values[2])) + ", 0)"
    return f"substr({reader.text(values[0])}, {start}, {length})"


def _contains(reader: Reader, values: Sequence[Value]) -> str:
    return f"(strpos({reader.text(values[0])}, {reader.text(values[1])}) > 0)"


def _substringof(reader: Reader, values: Sequence[Value]) -> str:
    return _contains(reader, (values[1], values[0]))


_ENDS = "(right({0}, length({1})) = {1})"

_FUNCTIONS: dict[str, tuple[tuple[int, ...], Type, Build]] = {
    "substringof": ((2,), Type.TRUTH, _substringof),
    "contains": ((2,), Type.TRUTH, _contains),
    "endswith": ((2,), Type.TRUTH, _texts(_ENDS)),
    "startswith": ((2,), Type.TRUTH, _texts("starts_with({}, {})")),
    "length": ((1,), Type.NUMBER, _texts("length({})")),
    "indexof": ((2,), Type.NUMBER, _texts("(strpos({}, {}) - 1)")),
    "substring": ((2, 3), Type.TEXT, _substring),
    "tolower": ((1,), Type.TEXT, _texts("lower({})")),
    "toupper": ((1,), Type.TEXT, _texts("upper({})")),
    "trim": ((1,), Type.TEXT, _texts("btrim({}, E' \\t\\n\\r')")),
    "concat": ((2,), Type.TEXT, _texts("({} || {})")),
    "year": ((1,), Type.NUMBER, _field("year")),
    "month": ((1,), Type.NUMBER, _field("month")),
    "day": ((1,), Type.NUMBER, _field("day")),
    "hour": ((1,), Type.NUMBER, _field("hour")),
    "minute": ((1,), Type.NUMBER, _field("minute")),
    "second": ((1,), Type.NUMBER, _instants("floor(extract(second FROM ({}) AT TIME ZONE 'UTC'))::float8")),
    "fractionalseconds": ((1,), Type.NUMBER, _instants("mod(extract(second FROM ({}) AT TIME ZONE 'UTC'), 1)::float8")),
    "date": ((1,), Type.DATE, _instants("(({}) AT TIME ZONE 'UTC')::date")),
    "time": ((1,), Type.CLOCK, _instants("(({}) AT TIME ZONE 'UTC')::time")),
    "totaloffsetminutes": ((1,), Type.NUMBER, _instants("(CASE WHEN ({}) IS NOT NULL THEN 0 END)")),
    "now": ((0,), Type.TIME, _instants("now()")),
    "mindatetime": ((0,), Type.TIME, _instants("'0001-01-01T00:00:00Z'::timestamptz")),
    "maxdatetime": ((0,), Type.TIME, _instants("'9999-12-31T23:59:59.999999Z'::timestamptz")),
    "round": ((1,), Type.NUMBER, _numbers("round(({})::numeric)::float8")),
    "floor": ((1,), Type.NUMBER, _numbers("floor(({})::float8)")),
    "ceiling": ((1,), Type.NUMBER, _numbers("ceil(({})::float8)")),
    **{
        name: ((2,), Type.TRUTH, _spans(name))
        for name in ("before", "after", "meets", "during", "overlaps", "starts", "finishes")
    },
}


def is_function(name: str) -> bool:
    """Return whether a function of this name is here."""
    return name in _FUNCTIONS


def called(reader: Reader, name: str, place: int, values: Sequence[Value]) -> Value:
    """Return a function's value.

    Raises:
        SyntaxFault: if the arguments are too many, too few, or of other types.
    """
    counts, result, build = _FUNCTIONS[name]
    if len(values) not in counts:
        raise SyntaxFault(reader.option, place, "the number of arguments is wrong")
    return Value(build(reader, values), result, place)
