"""How a statement over `sense_observation` is asked of the closed days too.

A statement is composed over the hot table. Where the answer may lie in packed days as well, every mention of the table
becomes a subquery of both; a comment behind the mention says which packed rows can matter, as a condition on `p`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

HOT = "sense_observation"
_MENTION = re.compile(r"\bsense_observation\b(?:/\*(.*?)\*/)?")
NOTHING = "FALSE"
"""The condition of a mention whose packed part is answered elsewhere."""

CLOSED_UNTIL = "(SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM sense_closedday)"
"""The end of the newest closed day; no packed reading is newer. NULL where no day is closed."""


def marked(condition: str) -> str:
    """Return the hot table with a note of which packed rows can matter.

    Args:
        condition: on `p`, a row of `sense_packedday`.
    """
    return f"{HOT}/*{condition}*/" if condition else HOT


def whole(sql: str) -> str:
    """Return a statement that reads hot and packed readings."""
    return _MENTION.sub(lambda found: both(found[1] or ""), sql)


def both(condition: str = "") -> str:
    """Return a subquery of hot and packed readings, of the packed ones those whose row `p` fulfils a condition."""
    where = f" WHERE {condition}" if condition else ""
    return (
        f"(SELECT * FROM {HOT} UNION ALL "
        f"SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o{where})"
    )


def loose_mentions(sql: str) -> int:
    """Return how many mentions the packed days may have something to add to."""
    return sum(found[1] != NOTHING for found in _MENTION.finditer(sql))


@dataclass(frozen=True, slots=True)
class Ways:
    """The two ways to ask a statement.

    Attributes:
        hot: of the hot table alone; its last column tells until when days are closed.
        whole: of all readings; the same columns.
        loose: mentions that packed days may have something to add to; 0 where the statement can be asked as it is.
    """

    hot: str
    whole: str
    loose: int


@lru_cache(maxsize=1024)
def ways_of(sql: str) -> Ways:
    """Return the two ways to ask a statement."""
    hot, everything = (f"SELECT w.*, {CLOSED_UNTIL} FROM ({part}) w" for part in (sql, whole(sql)))
    return Ways(hot, everything, loose_mentions(sql))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which packed rows of streams can matter, as SQL; what is empty limits nothing.

    Attributes:
        stream: id of the one stream.
        feature: id of the one feature of interest.
        since: nothing that begins before matters.
        until: nothing that begins after matters.
        first: so many readings of the stream suffice, taken from the newest or the oldest on.
        newest: whether from the newest on.
    """

    stream: str = ""
    feature: str = ""
    since: str = ""
    until: str = ""
    first: str = ""
    newest: bool = True

    def condition(self) -> str:
        """Return the condition on `p`."""
        own = [f"coalesce(p.feature_all, {self.feature}) = {self.feature}"] if self.feature else []
        return " AND ".join([*self._bounds(), *own, *self._enough()])

    def _bounds(self) -> list[str]:
        bounds = [f"p.datastream_id = {self.stream}"] if self.stream else []
        if self.since:
            bounds.append(f"p.last_time >= {self.since}")
        if self.until:
            bounds.append(f"p.day <= (({self.until}) AT TIME ZONE 'UTC')::date")
        return bounds

    def _enough(self) -> list[str]:
        """Return the condition that no days nearer to the beginning of the order hold enough already.

        Only days that lie wholly within the bounds are counted: of the others some readings may not matter.
        """
        if not (self.first and self.stream):
            return []
        inside = " AND ".join(
            [
                *([f"q.first_time > {self.since}"] if self.since else []),
                *([f"q.end_time < {self.until}"] if self.until else []),
            ]
        )
        counted = f"CASE WHEN {inside} THEN q.n ELSE 0 END" if inside else "q.n"
        order = "DESC" if self.newest else "ASC"
        where = " AND ".join(part.replace("p.", "q.", 1) for part in self._bounds())
        days = (
            f"SELECT q.day, coalesce(sum({counted}) OVER (ORDER BY q.day {order} "
            f"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS nearer FROM sense_packedday q WHERE {where}"
        )
        return [f"p.day IN (SELECT d.day FROM ({days}) d WHERE d.nearer < {self.first})"]
