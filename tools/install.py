"""Installs pinned requirements with one progress bar; pip's own words are shown only when it fails.

    python tools/install.py requirements/base.txt requirements/build.txt

Needs nothing but Python and pip: it runs before anything is installed.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

BAR_CHARACTERS = 40
_PIN = re.compile(r"^[A-Za-z0-9][\w.\-]*(?:\[[^\]]*\])?==", re.MULTILINE)
_MET = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([\w.\-]+)")


def wanted(files: Iterable[str]) -> int:
    """Return how many pins the files hold."""
    return sum(len(_PIN.findall(Path(file).read_text(encoding="utf-8"))) for file in files)


def bar(done: int, of: int, name: str) -> str:
    """Return the bar as one line."""
    filled = BAR_CHARACTERS * min(done, of) // max(of, 1)
    return f"[{'#' * filled}{'.' * (BAR_CHARACTERS - filled)}] {min(done, of)}/{of} {name:30.30}"


def main(files: list[str]) -> int:
    """Install and return pip's exit status."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    command += [part for file in files for part in ("-r", file)]
    total, done, said = wanted(files), 0, []
    shows = sys.stdout.isatty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        for line in pip.stdout or ():
            said.append(line)
            if met := _MET.match(line):
                done += 1
                if shows:
                    sys.stdout.write("\r" + bar(done, total, met.group(1)))
                    sys.stdout.flush()
    if shows:
        sys.stdout.write("\r" + bar(total if pip.returncode == 0 else done, total, "") + "\n")
    if pip.returncode != 0:
        sys.stderr.writelines(said[-40:])
        sys.stderr.write("The packages could not be installed; pip says why above. Mend that and start again.\n")
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
