"""Makes the history's day partitions ahead of their days."""

from datetime import date, timedelta

from django.db import connection, transaction

from cityloop.sense.stream.history.partitions import BEGIN, DAYS_AHEAD, DayPartition


def make_partitions(today: date) -> int:
    """Make the day partitions of today and the next days where they are missing; return how many were made.

    A day whose readings already lie in the default partition stays there.
    """
    return sum(_make_partition(today + timedelta(days=ahead)) for ahead in range(DAYS_AHEAD + 1))


def _make_partition(day: date) -> bool:
    partition = DayPartition.of((day - date(1970, 1, 1)).days)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in BEGIN:
            cursor.execute(statement)
        for question in (partition.is_attached, partition.is_elsewhere):
            cursor.execute(question)
            if cursor.fetchone()[0]:
                return False
        for statement in partition.make:
            cursor.execute(statement)
    return True
