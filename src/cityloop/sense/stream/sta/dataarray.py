"""`$resultFormat=dataArray`: observations as rows of values, grouped by datastream; PostgreSQL writes the text."""

from collections.abc import Sequence

from cityloop.sense.stream.sta.names import OBSERVATION, Property
from cityloop.sense.stream.sta.showing import property_text

_SQL_BASE = "\\x01"


def components_of(select: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns: those selected, `id` for the id, all where nothing is selected."""
    names = ("id", *(item.name for item in OBSERVATION.properties))
    wanted = {"id" if name == "@iot.id" else name for name in select}
    return tuple(name for name in names if name in wanted) if select else names


def arrays_sql(page: str, row: str, *, select: Sequence[str], top: str) -> str:
    """Return what a statement selects of a page: how many rows, the groups as JSON text, and the page's edge.

    Args:
        page: subquery of the rows of one page, numbered `rn`.
        row: its alias.
        select: names of what is shown; empty for all.
        top: how many rows are shown.
    """
    names = components_of(select)
    values = ", ".join(f"coalesce({_text(name, row)}, 'null')" for name in names)
    rows = f"string_agg(concat('[', concat_ws(',', {values}), ']'), ',' ORDER BY {row}.rn)" if names else "NULL"
    components = ",".join(f'"{name}"' for name in names)
    is_shown = f"FILTER (WHERE {row}.rn <= {top})"
    group = (
        f"""concat(E'{{"Datastream@iot.navigationLink":"{_SQL_BASE}/Datastreams(', {row}.datastream_id, """
        f"""')","components":[{components}],"dataArray@iot.count":', count(*) {is_shown}, """
        f"""',"dataArray":[', {rows} {is_shown if names else ""}, ']}}')"""
    )
    groups = (
        f"SELECT {group} AS j, count(*) AS k, min({row}.rn) AS rn, min({row}.phenomenon_time) AS edge "
        f"FROM {page} {row} GROUP BY {row}.datastream_id"
    )
    shown = f"string_agg(g.j, ',' ORDER BY g.rn) FILTER (WHERE g.rn <= {top})"
    return f"coalesce(sum(g.k), 0)::bigint, {shown}, min(g.edge) FROM ({groups}) g"


def _text(name: str, row: str) -> str:
    item = OBSERVATION.property_named(name)
    return property_text(item, row) if isinstance(item, Property) else "NULL"
