"""What the supervisor tells other processes: a small file in the data folder."""

import json
import os
from pathlib import Path
from typing import Any

STATE_NAME = "state.json"


def read_state(home: Path) -> dict[str, Any]:
    """Return what a data folder's supervisor runs; no processes where it has not said so yet."""
    try:
        return dict(json.loads((home / STATE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {"address": "", "processes": []}


def write_state(file: Path, state: dict[str, Any]) -> None:
    """Write it, whole or not at all."""
    unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
    unfinished.write_text(json.dumps(state, indent=1), encoding="utf-8")
    unfinished.replace(file)
