"""Figures for Prometheus: what each process counts, and how the city stands."""

from cityloop.site.metrics.instruments import (
    BATCH_READINGS,
    BATCH_S,
    READINGS,
    REQUEST_S,
    beat,
    beating,
    folder_of,
)

__all__ = ["BATCH_READINGS", "BATCH_S", "READINGS", "REQUEST_S", "beat", "beating", "folder_of"]
