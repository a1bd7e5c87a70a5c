"""Contract 9: foreign keys point upstream and leave no reverse name across rooms; import-linter cannot see them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[2]


def layers() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [name.strip("() ") for layer in contracts[0]["layers"] for name in layer.split("|")]


def room_of(model: type[models.Model]) -> str | None:
    parts = model.__module__.split(".")
    return parts[1] if parts[0] == "cityloop" else None


def faults(model: type[models.Model], order: list[str]) -> Iterator[str]:
    here = room_of(model)
    for field in model._meta.get_fields():
        target: Any = getattr(field, "related_model", None)
        if not isinstance(field, models.ForeignKey | models.ManyToManyField) or room_of(target) in {None, here}:
            continue
        there = room_of(target)
        if here is None or there is None or order.index(there) < order.index(here):
            yield f"{model.__name__}.{field.name} points downstream, from {here} to {there}"
        if not str(field.remote_field.related_name or "").endswith("+"):
            yield f"{model.__name__}.{field.name} leaves a reverse name in {there}: related_name='+'"


def test_foreign_keys_point_upstream_and_leave_no_reverse_name() -> None:
    order = layers()
    ours = [model for model in apps.get_models() if room_of(model)]
    assert ours
    assert [fault for model in ours for fault in faults(model, order)] == []


@pytest.mark.parametrize(
    ("here", "there", "related_name", "count"),
    [("sense", "respond", "+", 1), ("respond", "sense", None, 1), ("respond", "sense", "+", 0)],
)
def test_a_key_that_breaks_the_rule_is_caught(here: str, there: str, related_name: str | None, count: int) -> None:
    meta = type("Meta", (), {"app_label": "specimen", "managed": False})
    name = f"{here}{there}{count}{bool(related_name)}"
    target = type(f"Target{name}", (models.Model,), {"__module__": f"cityloop.{there}.models", "Meta": meta})
    key = models.ForeignKey(target, on_delete=models.CASCADE, related_name=related_name)
    source = type(f"Source{name}", (models.Model,), {"__module__": f"cityloop.{here}.models", "Meta": meta, "key": key})
    try:
        assert len(list(faults(source, layers()))) == count
    finally:
        for model in (source, target):
            apps.all_models["specimen"].pop(model.__name__.lower())
        apps.clear_cache()
