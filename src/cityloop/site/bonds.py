"""Ties a child's life to its parent's, by the kernel: no orphan stays when the parent is killed."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int, stop_signal: signal.Signals) -> None:
    """Ask the kernel to send a signal when the parent dies; for `preexec_fn`, which runs after the change of user.

    Args:
        parent: number of the process that starts this one.
        stop_signal: what the child gets when it dies.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
