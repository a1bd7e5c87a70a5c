"""Gives the city's web and wire processes a clock that a test can set; every Python process of that city reads this.

Others keep the machine's clock: the library cannot play `time.sleep`, with which they wait.
"""

import os
import sys

FAKED = {"cityloop.site.web", "cityloop.site.wire"}

if FAKED & set(sys.orig_argv) and "LD_PRELOAD" not in os.environ:
    os.execve(sys.executable, sys.orig_argv, {**os.environ, "LD_PRELOAD": os.environ["CLOCK_LIBRARY"]})  # noqa: S606  itself
