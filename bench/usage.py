"""What the processes of a city use: processor time and memory, read from /proc."""

import os
from pathlib import Path

from bench.city import City

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_KIB = 1024


def _parents() -> dict[int, int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    return parents


def _stat(pid: int) -> list[str]:
    """Return the fields of a process behind its name, none where it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _tree(root: int, parents: dict[int, int]) -> list[int]:
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def processor_s(city: City) -> dict[str, float]:
    """Return the processor seconds of each process of a city, its children and its dead children included, by name."""
    parents, used = _parents(), {}
    for name, root in city.processes().items():
        used[name] = sum(
            _TICK_S * sum(map(int, fields[11:15])) for pid in _tree(root, parents) if (fields := _stat(pid))
        )
    return used


def memory_mib(city: City) -> dict[str, float]:
    """Return the memory of each process of a city with its children, by name, MiB; what is shared is counted once."""
    parents = _parents()
    return {
        name: sum(_proportional_mib(pid) for pid in _tree(root, parents)) for name, root in city.processes().items()
    }


def _proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / _KIB
