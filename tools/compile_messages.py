"""Compile every catalogue of translations (.po) that is newer than its compiled form (.mo), with Babel.

`python tools/compile_messages.py` compiles what lies below `src`.
"""

import os
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_all(root: Path) -> int:
    """Compile the catalogues below a folder and return how many had to be.

    Args:
        root: the folder.

    Raises:
        PoFileError: if a catalogue cannot be read.
    """
    stale = [source for source in sorted(root.rglob("locale/*/LC_MESSAGES/*.po")) if _is_stale(source)]
    for source in stale:
        _compile(source)
    return len(stale)


def _is_stale(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime <= source.stat().st_mtime


def _compile(source: Path) -> None:
    with source.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    unfinished = source.with_suffix(f".{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        write_mo(file, catalogue)
    unfinished.replace(source.with_suffix(".mo"))


if __name__ == "__main__":
    count = compile_all(Path(__file__).parent.parent / "src")
    sys.stdout.write(f"{count} catalogues compiled\n")
