"""`python -m bench.anomalies nab|batadal FOLDER`: what the online detector finds in labelled data.

`nab`: the Numenta Anomaly Benchmark, its corpus in FOLDER (data/, labels/), scored after its published rules with the
standard profile. The benchmark's own Windowed Gaussian, written anew, is scored beside it: its published 39.65 shows
whether the scoring is right. `batadal`: dataset04 of the BATtle of the Attack Detection ALgorithms in FOLDER, the
detector on every tag after it has seen dataset03; the threshold is the highest score of dataset03's second half.
"""

import argparse
import csv
import gzip
import io
import json
import math
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.detector import Detector
from bench.scoring import Judged, Result, scored

DAY_S = 86_400
EARLY_ROWS = 50
"""The reporting period is taken from so many rows at the beginning."""

GAUSSIAN_ROWS, GAUSSIAN_STEP = 6400, 100
PUBLISHED_GAUSSIAN = 39.65
TAGS_TOGETHER = 3
"""The score of an hour is the mean of so many highest scores among its tags."""
QUIET_HOURS = 24

Floats = npt.NDArray[np.float64]
File = tuple[str, list[datetime], Floats, list[tuple[int, int]]]


def nab_files(folder: Path) -> Iterator[File]:
    """Yield each file: its name, times, values, and first and last row of its windows."""
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        members = {member.name.removeprefix("./"): member for member in opened.getmembers() if member.isfile()}

        def text(name: str) -> str:
            found = next(member for path, member in members.items() if path.endswith(name))
            handle = opened.extractfile(found)
            return "" if handle is None else handle.read().decode()

        for name, windows in sorted(json.loads(text("labels/combined_windows.json")).items()):
            rows = list(csv.DictReader(io.StringIO(text(name))))
            times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
            ends = [(datetime.fromisoformat(first), datetime.fromisoformat(last)) for first, last in windows]
            places = [
                (
                    next(n for n, at in enumerate(times) if at >= first),
                    max(n for n, at in enumerate(times) if at <= last),
                )
                for first, last in ends
            ]
            yield name, times, np.array([float(row["value"]) for row in rows]), places


def readings_a_day(times: list[datetime]) -> int:
    """Return how many readings a stream reports in a day, by its first rows."""
    early = times[:EARLY_ROWS]
    steps = sorted((later - sooner).total_seconds() for sooner, later in pairwise(early))
    period_s = steps[len(steps) // 2]
    return round(DAY_S / period_s) if 0 < period_s <= DAY_S else 0


def unusual(times: list[datetime], values: Floats) -> Floats:
    """Return the detector's score of each reading."""
    detector = Detector(readings_a_day=readings_a_day(times))
    return np.array([detector.score(value) for value in values.tolist()])


def windowed_gaussian(_times: list[datetime], values: Floats) -> Floats:
    """Return the benchmark's baseline: how far a value lies in the tail of the last 6,400."""
    window: list[float] = []
    waiting: list[float] = []
    total = squares = mean = deviation = 0.0
    found = np.zeros(len(values))
    for row, value in enumerate(values.tolist()):
        if window:
            found[row] = 1 - 0.5 * math.erfc(abs(value - mean) / (deviation or 1e-6) / math.sqrt(2))
        if len(window) < GAUSSIAN_ROWS:
            window.append(value)
            total, squares = total + value, squares + value * value
            mean = total / len(window)
            deviation = math.sqrt(max(0.0, squares / len(window) - mean * mean))
            continue
        waiting.append(value)
        if len(waiting) == GAUSSIAN_STEP:
            window, waiting = window[GAUSSIAN_STEP:] + waiting, []
            mean, deviation = float(np.mean(window)), float(np.std(window))
    return found


def _told(name: str, result: Result, seconds: float) -> str:
    return (
        f"{name:44} {result.score:6.2f}  windows found {result.hits} of {result.windows}, "
        f"false alarms {result.false_alarms}, threshold {result.threshold:.6g}, {seconds:.1f} s\n"
    )


def nab(folder: Path) -> None:
    """Score the detector and the benchmark's baseline."""
    files = list(nab_files(folder))
    rows = sum(len(values) for _, _, values, _ in files)
    sys.stdout.write(f"{len(files)} files, {rows:,} rows, {sum(len(windows) for *_, windows in files)} windows\n")
    judges: tuple[tuple[str, Callable[[list[datetime], Floats], Floats]], ...] = (
        (f"Windowed Gaussian (published {PUBLISHED_GAUSSIAN})", windowed_gaussian),
        ("the detector (aim: above 60)", unusual),
    )
    for name, judge in judges:
        begun = time.perf_counter()
        judged = [Judged(judge(times, values), windows) for _, times, values, windows in files]
        sys.stdout.write(_told(name, scored(judged), time.perf_counter() - begun))


def _table(file: Path) -> tuple[list[str], list[str], Floats]:
    """Return the names of the tags, the times and the values, shape (hours, tags)."""
    with gzip.open(file, "rt", encoding="utf-8-sig") as handle:
        rows = list(csv.reader(handle))
    head = [name.strip() for name in rows[0]]
    tags = [place for place, name in enumerate(head) if name not in {"DATETIME", "ATT_FLAG"}]
    values = np.array([[float(row[place]) for place in tags] for row in rows[1:]])
    flags = [row[head.index("ATT_FLAG")].strip() for row in rows[1:]]
    return [head[place] for place in tags], flags, values


def attacks_of(flags: list[str]) -> list[tuple[int, int]]:
    """Return first and last hour of each attack."""
    under = np.array([float(flag) == 1 for flag in flags], dtype=np.int8)
    edges = np.diff(np.concatenate([[0], under, [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def batadal(folder: Path) -> None:
    """Print which attacks are found, after how long, and the false alarms."""
    _, _, clean = _table(folder / "dataset03_clean.csv.gz")
    names, flags, values = _table(folder / "dataset04_attacks.csv.gz")
    detectors = [Detector(readings_a_day=24, quiet_for=1) for _ in names]
    every = np.array(
        [[one.score(value) for one, value in zip(detectors, row, strict=True)] for row in np.vstack([clean, values])]
    )
    strength = np.sort(every, axis=1)[:, -TAGS_TOGETHER:].mean(axis=1)
    threshold = float(strength[len(clean) // 2 : len(clean)].max())
    alarms = np.flatnonzero(strength[len(clean) :] > threshold)
    attacks = attacks_of(flags)
    sys.stdout.write(f"{len(attacks)} attacks in {len(values):,} hours, {len(names)} tags, threshold {threshold:.3f}\n")
    found = 0
    for number, (first, last) in enumerate(attacks, 1):
        inside = alarms[(alarms >= first) & (alarms <= last)]
        found += bool(len(inside))
        verdict = f"found after {inside[0] - first} h, {len(inside)} hours of alarm" if len(inside) else "missed"
        sys.stdout.write(f"attack {number}: {last - first + 1} h, {verdict}\n")
    outside = [hour for hour in alarms.tolist() if not any(first <= hour <= last for first, last in attacks)]
    told = [hour for n, hour in enumerate(outside) if n == 0 or hour - outside[n - 1] > QUIET_HOURS]
    sys.stdout.write(f"found {found} of {len(attacks)}; false alarms: {len(told)} ({len(outside)} hours)\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.anomalies", description=__doc__)
    parser.add_argument("corpus", choices=["nab", "batadal"])
    parser.add_argument("folder", type=Path, help="where the data lie")
    arguments = parser.parse_args()
    {"nab": nab, "batadal": batadal}[arguments.corpus](arguments.folder)


if __name__ == "__main__":
    main()
