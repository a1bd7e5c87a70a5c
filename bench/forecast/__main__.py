"""`python -m bench.forecast water|power|heat|estimate|scale`: how well the city forecasts, on public sets."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: threads beside another job cost more than they give

import argparse
import importlib
import sys
import time

PARTS = ("water", "power", "heat", "estimate", "scale")


def main() -> None:
    """Measure and print."""
    from bench.__main__ import machine  # noqa: PLC0415  the environment is set first
    from cityloop.decide.rules.forecasting.trees import FULL, LIGHT  # noqa: PLC0415  as above

    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("part", choices=PARTS, help="what to measure")
    parser.add_argument(
        "--effort", choices=("full", "light"), default="full", help="light: as for thousands of streams"
    )
    asked = parser.parse_args()
    sys.stdout.write(machine() + "\n")
    started = time.perf_counter(), time.process_time()
    importlib.import_module(f"bench.forecast.{asked.part}").measure(effort=FULL if asked.effort == "full" else LIGHT)
    seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    sys.stdout.write(f"\n  {seconds[0]:.0f} s, {seconds[1]:.0f} s of one core\n")


if __name__ == "__main__":
    main()
