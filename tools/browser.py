"""Makes sure there is a browser for the browser tests: Debian's chromium, installed where apt and root allow.

    python -m tools.browser

Where it cannot be had, the tests that need it are skipped, and one line says so.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = ("chromium", "chromium-driver", "fonts-noto-cjk")
"""Debian's packages; without the fonts Chinese pages show boxes."""


def is_there() -> bool:
    """Return whether a browser and its driver are on the PATH."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


def install() -> bool:
    """Install the packages; return whether the browser is there then."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *PACKAGES]):
        if subprocess.run(["apt-get", *arguments], env=environment, check=False, capture_output=True).returncode:  # noqa: S603, S607
            return False
    return is_there()


def main() -> int:
    """Say what is the case; never fail."""
    if is_there():
        return 0
    may_install = os.getuid() == 0 and shutil.which("apt-get") is not None
    if may_install:
        sys.stdout.write("Installing chromium for the browser tests ...\n")
    if not (may_install and install()):
        sys.stdout.write(f"No browser: the browser tests are skipped. As root: apt-get install {' '.join(PACKAGES)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
