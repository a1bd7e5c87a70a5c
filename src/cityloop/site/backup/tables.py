"""Counts and checksums of all tables, as one snapshot of the database sees them."""

from collections.abc import Callable
from typing import Any

from psycopg import Connection, sql

from cityloop.site.backup.manifest import TableSum

PASSED_OVER = frozenset({"procrastinate_workers"})
"""Tables that say what runs just now; it does not run any more when they are restored."""

_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""
_PLAIN = "SET LOCAL TIME ZONE 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1"
_SUM = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"

Told = Callable[[str, int, int], None]
"""Is told the table that is read, how many are done, and of how many."""


def table_sums(connection: Connection[Any], told: Told) -> dict[str, TableSum]:
    """Return what every table holds, by name; a partitioned table counts once, with all its parts.

    Args:
        connection: within a transaction; one at REPEATABLE READ sees all tables at one moment.
        told: is told the progress.
    """
    connection.execute(_PLAIN)
    names = [str(row[0]) for row in connection.execute(_TABLES) if row[0] not in PASSED_OVER]
    sums = {}
    for done, name in enumerate(names):
        told(name, done, len(names))
        row = connection.execute(sql.SQL(_SUM).format(sql.Identifier(name))).fetchone()
        sums[name] = TableSum(int(row[0]), str(row[1])) if row else TableSum(0, "0")
    told("", len(names), len(names))
    return sums


def differences(before: dict[str, TableSum], after: dict[str, TableSum]) -> list[str]:
    """Return the names of tables that do not hold what they held."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
