"""What the browser loads is what the manifest says."""

import json
from pathlib import Path

import pytest

from tools import assets

LOCK = json.loads((assets.ROOT / "package-lock.json").read_text(encoding="utf-8"))


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Return a folder of copies with a manifest that fits them."""
    names = [*assets.FILES.values(), *assets.TEST_FILES.values()]
    for name in names:
        (tmp_path / name).write_text(name, encoding="utf-8")
    sums = {name: assets._sum_of(tmp_path / name) for name in names}
    manifest = {"made_from": assets._wanted(), "sha256": sums}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def test_copies_that_fit_the_manifest_are_complete(copies: Path) -> None:
    assert assets.is_complete(copies, copies)


@pytest.mark.parametrize("name", ["echarts.min.js", "axe.min.js", "manifest.json"])
def test_a_copy_that_was_changed_or_is_gone_is_noticed(copies: Path, name: str) -> None:
    (copies / name).write_text("{}", encoding="utf-8")
    assert not assets.is_complete(copies, copies)
    (copies / name).unlink()
    assert not assets.is_complete(copies, copies)


def test_another_lock_file_asks_for_a_new_fetch(copies: Path) -> None:
    manifest = json.loads((copies / "manifest.json").read_text(encoding="utf-8"))
    (copies / "manifest.json").write_text(json.dumps({**manifest, "made_from": "older"}), encoding="utf-8")
    assert not assets.is_complete(copies, copies)


def test_the_lock_names_no_registry_and_every_package_is_pinned_with_its_sum() -> None:
    packages = {name: package for name, package in LOCK["packages"].items() if name}
    assert not any("resolved" in package for package in packages.values())
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    wanted = json.loads((assets.ROOT / "package.json").read_text(encoding="utf-8"))
    for versions in (wanted["dependencies"], wanted["devDependencies"]):
        assert all(version[0].isdecimal() for version in versions.values())
