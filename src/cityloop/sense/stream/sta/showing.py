"""How an entity is written as JSON: an SQL expression that yields its text.

PostgreSQL writes the text itself, so that a page of observations is one value and Python copies bytes.
The mark `BASE` stands where the address of the service comes; JSON text holds no such character otherwise.
"""

from collections.abc import Mapping, Sequence

from cityloop.sense.stream.sta.names import EntityType, Kind, Navigation, Property

BASE = "\x01"
_SQL_BASE = "\\x01"
_ARGUMENTS_MAX = 90
"""Most arguments of one `concat`; PostgreSQL takes 100."""


def instant_text(sql: str) -> str:
    """Return SQL that yields an instant as a JSON text."""
    return f"(rtrim(to_json(({sql}) AT TIME ZONE 'UTC')::text, '\"') || 'Z\"')"


def span_text(sql: str, end: str) -> str:
    """Return SQL that yields an interval, or an instant where it has no end, as a JSON text."""
    start = f"rtrim(to_json(({sql}) AT TIME ZONE 'UTC')::text, '\"')"
    until = f"trim(to_json(({end}) AT TIME ZONE 'UTC')::text, '\"')"
    return f"({start} || coalesce('Z/' || {until}, '') || 'Z\"')"


def property_text(item: Property, alias: str) -> str:
    """Return SQL that yields a property as JSON text, NULL where it is absent."""
    sql = item.sql.format(a=alias)
    match item.kind:
        case Kind.ID:
            return f"{sql}::text"
        case Kind.TEXT:
            return f"to_json({sql})::text"
        case Kind.TIME:
            return instant_text(sql)
        case Kind.SPAN:
            return span_text(sql, item.end.format(a=alias))
        case Kind.RESULT:
            return f"coalesce({sql}::text, {alias}.result_json::text, 'null')"
    return f"({sql})::text"


def entity_text(
    entity: EntityType, alias: str, *, select: Sequence[str], expanded: Mapping[str, Sequence[tuple[str, bool]]]
) -> str:
    """Return SQL that yields an entity as a JSON object.

    Args:
        entity: its type.
        alias: of its row.
        select: names of what is shown; empty for all.
        expanded: by navigation, pieces of `(SQL or literal text, whether it is SQL)` that follow a comma.
    """
    pieces: list[tuple[str, bool]] = []
    for name in ("@iot.id", "@iot.selfLink"):
        if not select or name in select or (name == "@iot.id" and "id" in select):
            pieces += _control(entity, alias, name)
    for item in entity.properties:
        if not select or item.name in select:
            pieces += _member(item, alias)
    for navigation in entity.navigations:
        if not select or navigation.name in select:
            pieces += _link(entity, alias, navigation)
        pieces += expanded.get(navigation.name, ())
    if pieces and not pieces[0][1]:
        # The first comma becomes the brace here: cutting it off every row would cost as much as all the rest.
        return f"({_concatenated([('{' + pieces[0][0][1:], False), *pieces[1:], ('}', False)])})"
    return f"('{{' || substr({_concatenated(pieces)}, 2) || '}}')"


def _control(entity: EntityType, alias: str, name: str) -> list[tuple[str, bool]]:
    if name == "@iot.id":
        return [(',"@iot.id":', False), (f"{alias}.id", True)]
    return [(f',"@iot.selfLink":"{_SQL_BASE}/{entity.collection}(', False), (f"{alias}.id", True), (')"', False)]


def _member(item: Property, alias: str) -> list[tuple[str, bool]]:
    text = property_text(item, alias)
    if (
        (item.required and item.kind is not Kind.JSON)
        or item.kind is Kind.RESULT
        or (item.name == "phenomenonTime" and item.column)
    ):
        return [(f',"{item.name}":', False), (text, True)]
    if item.always:
        return [(f',"{item.name}":', False), (f"coalesce({text}, 'null')", True)]
    return [(f"""',"{item.name}":' || {text}""", True)]


def _link(entity: EntityType, alias: str, navigation: Navigation) -> list[tuple[str, bool]]:
    start = f',"{navigation.name}@iot.navigationLink":"{_SQL_BASE}/{entity.collection}('
    return [(start, False), (f"{alias}.id", True), (f')/{navigation.name}"', False)]


def reference_text(entity: EntityType, alias: str) -> str:
    """Return SQL that yields the link to an entity as a JSON object."""
    return f"""concat(E'{{"@iot.selfLink":"{_SQL_BASE}/{entity.collection}(', {alias}.id, ')"}}')"""


def _concatenated(pieces: Sequence[tuple[str, bool]]) -> str:
    arguments: list[str] = []
    literal = ""
    for text, is_sql in [*pieces, ("", True)]:
        if not is_sql:
            literal += text
            continue
        if literal:
            arguments.append(f"E'{literal}'")
            literal = ""
        if text:
            arguments.append(text)
    groups = [arguments[at : at + _ARGUMENTS_MAX] for at in range(0, len(arguments), _ARGUMENTS_MAX)]
    return " || ".join(f"concat({', '.join(group)})" for group in groups) if groups else "''"
