"""Hosts with a network of their own: a namespace each, and a cable to this one that can be cut.

As root, with Debian's iproute2. What runs on a host runs in its thread, and so do its children.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

CLONE_NEWNET = 0x40000000
MISSING = "hosts of their own need root and Debian's iproute2"

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


@dataclass
class Host:
    """A host and its cable to us.

    Attributes:
        number: 1 to 250; its address is 10.98.number.2 and ours at the other end 10.98.number.1.
    """

    number: int
    _thread: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, initializer=self._enter)

    @property
    def name(self) -> str:
        return f"cityloop-{os.getpid()}-{self.number}"

    @property
    def cable(self) -> str:
        return f"cl{os.getpid() % 10**6}-{self.number}"

    @property
    def our_address(self) -> str:
        return f"10.98.{self.number}.1"

    def run(self, act: Callable[Given, Answer], *values: Given.args, **more: Given.kwargs) -> Answer:
        """Return what an act yields on this host."""
        return self._thread.submit(act, *values, **more).result()

    def cut(self) -> None:
        """Pull the cable: nothing comes through, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        _ip("link", "set", self.cable, "up")

    def build(self) -> None:
        far = f"{self.cable}b"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", far, "netns", self.name)
        _ip("address", "add", f"{self.our_address}/24", "dev", self.cable)
        _ip("link", "set", self.cable, "up")
        _ip("-n", self.name, "address", "add", f"10.98.{self.number}.2/24", "dev", far)
        for device in ("lo", far):
            _ip("-n", self.name, "link", "set", device, "up")

    def remove(self) -> None:
        self._thread.shutdown()
        for arguments in (("link", "del", self.cable), ("netns", "del", self.name)):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip(*arguments)

    def _enter(self) -> None:
        with Path("/run/netns", self.name).open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def are_possible() -> bool:
    """Return whether this machine lets us make hosts."""
    if os.getuid() or not shutil.which("ip"):
        return False
    name = f"cityloop-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "del", name)
    return made


@contextlib.contextmanager
def host(number: int) -> Iterator[Host]:
    """Yield a host, and remove it afterwards."""
    made = Host(number)
    try:
        made.build()
        yield made
    finally:
        made.remove()
