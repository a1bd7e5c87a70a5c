"""Makes sure the machine has what some tests need beside Python: a browser, and network namespaces.

    python -m tools.testbed

They are Debian's packages, installed where apt and root allow. Where one cannot be had, the tests that need it are
skipped, and one line says so.
"""

import ctypes.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """What some tests need.

    Attributes:
        what: in a sentence.
        programs: that must be on the PATH.
        packages: Debian's packages with them.
        library: that must be found, empty for none.
    """

    what: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    library: str = ""

    def is_met(self) -> bool:
        """Return whether all is there."""
        return all(map(shutil.which, self.programs)) and bool(
            not self.library or ctypes.util.find_library(self.library)
        )


NEEDS = (
    Need("browser tests", ("chromium", "chromedriver"), ("chromium", "chromium-driver", "fonts-noto-cjk")),
    Need("tests of hosts with a network of their own", ("ip",), ("iproute2",)),
    Need("the test of a clock that jumps", ("faketime",), ("faketime",)),
    Need("tests of the forecasts' trees", (), ("libgomp1",), library="gomp"),
)
"""Without the fonts Chinese pages show boxes."""


def install(packages: list[str]) -> bool:
    """Install Debian's packages; return whether that went well."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", *arguments], env=environment, check=False, capture_output=True).returncode:  # noqa: S603, S607
            return False
    return True


def main() -> int:
    """Say what is the case; never fail."""
    unmet = [need for need in NEEDS if not need.is_met()]
    packages = [package for need in unmet for package in need.packages]
    if packages and os.getuid() == 0 and shutil.which("apt-get") is not None:
        sys.stdout.write(f"Installing {' '.join(packages)} for the tests ...\n")
        install(packages)
    for need in unmet:
        if not need.is_met():
            sys.stdout.write(f"Skipped: {need.what}. As root: apt-get install {' '.join(need.packages)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
