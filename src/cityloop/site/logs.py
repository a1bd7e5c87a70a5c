"""What the processes write: one JSON object a line, with the process, the trace id and what was said.

Secrets and queries never get into it: a path is written without its query.
"""

import logging
import sys
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from cityloop.site.configuration import Configuration, configuration
from cityloop.site.tracing import trace_id

LEVEL_OF = {
    "procrastinate.blueprints": logging.ERROR,
    "procrastinate.periodic": logging.WARNING,
    "procrastinate.worker": logging.WARNING,
}
"""Loggers that talk too much, with the level from which they are heard."""

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_FIELDS = ["levelname", "name", "message", "process_name", "trace_id"]


class Context(logging.Filter):
    """Adds to a record which process wrote it and for which request.

    Args:
        process: name of the process.
    """

    def __init__(self, process: str) -> None:
        """Take the name."""
        super().__init__()
        self._process = process

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its context."""
        record.process_name, record.trace_id = self._process, trace_id() or None
        return True


class Lines(JsonFormatter):
    """One record a line, its time in UTC to the millisecond."""

    def __init__(self) -> None:
        """Name the fields."""
        super().__init__(
            _FIELDS,
            rename_fields={"levelname": "level", "name": "logger", "process_name": "process"},
            json_ensure_ascii=False,
            timestamp="at",
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  signature is given
        """Return when a record was made."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def set_up_logs(process: str, *, level: int = logging.INFO, settings: Configuration | None = None) -> None:
    """Let a process write its lines to its standard output, in the form the settings name.

    Args:
        process: name shown in each line.
        level: from which on lines are written.
        settings: in place of the process's own.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(Context(process))
    is_text = (settings or configuration()).log_format == "text"
    handler.setFormatter(logging.Formatter(_TEXT) if is_text else Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quietest in LEVEL_OF.items():
        logging.getLogger(name).setLevel(quietest)
