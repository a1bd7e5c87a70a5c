"""Starts a throw-away PostgreSQL before pytest-django reads Django's settings (`-p tests.engines` in pyproject.toml).

A database of your own is used instead where `CITYLOOP_POSTGRES_DSN` names one.
"""

import atexit
import os
import sys
from contextlib import ExitStack
from pathlib import Path

_REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [path for path in (str(_REPOSITORY), str(_REPOSITORY / "src")) if path not in sys.path]

from cityloop.site.engines.throwaway import throwaway_home, throwaway_postgres  # noqa: E402  the path comes first
from tools.compile_messages import compile_all  # noqa: E402

_running = ExitStack()


def _begin() -> None:
    compile_all(_REPOSITORY / "src")
    home = _running.enter_context(throwaway_home())
    os.environ.setdefault("CITYLOOP_HOME", str(home / "home"))
    if "CITYLOOP_POSTGRES_DSN" not in os.environ:
        os.environ["CITYLOOP_POSTGRES_DSN"] = _running.enter_context(throwaway_postgres(home))


atexit.register(_running.close)
_begin()
