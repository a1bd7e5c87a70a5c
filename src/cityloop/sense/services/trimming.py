"""Forgets what need not be kept: refused messages and retry keys."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from cityloop.sense.models import Idempotency, Rejected

REJECTED_ROWS_MAX = 100_000
"""How many refused messages are kept for inspection; the counts stay."""

REJECTED_DAYS_MAX = 30
"""How long refused messages are kept, days."""

RETRY_KEY_HOURS_MAX = 24
"""How long an Idempotency-Key is remembered, hours."""


def trim_rejected() -> int:
    """Forget refused messages beyond their bounds; return how many. Their counts stay."""
    oldest = timezone.now() - timedelta(days=REJECTED_DAYS_MAX)
    beyond = Rejected.objects.order_by("-pk").values_list("pk", flat=True)[REJECTED_ROWS_MAX : REJECTED_ROWS_MAX + 1]
    edge = next(iter(beyond), 0)
    return int(Rejected.objects.filter(Q(received_at__lt=oldest) | Q(pk__lte=edge)).delete()[0])


def trim_retry_keys() -> int:
    """Forget Idempotency-Keys older than a day; return how many."""
    oldest = timezone.now() - timedelta(hours=RETRY_KEY_HOURS_MAX)
    return int(Idempotency.objects.filter(kept_at__lt=oldest).delete()[0])
