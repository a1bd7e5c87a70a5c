"""The item library: kinds of case as versions."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction

from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.declarations import CaseKindSpec, Merging, MergingSpec, PublicFace, Question
from cityloop.kernel.text import Text
from cityloop.respond.models import Kind
from cityloop.respond.rules.matters import BUILT_IN_KINDS, CASE_RULES, GENERAL

PUBLIC_KINDS = Path(__file__).parents[1] / "data" / "public-kinds.toml"
"""What the library first holds for the public."""

_EVERY_KIND = MergingSpec(
    distance_m=CASE_RULES.merge_distance_m, span_h=CASE_RULES.merge_span_h, basis=CASE_RULES.basis
)


def declare_kinds(specs: Iterable[CaseKindSpec], *, project: str) -> None:
    """Bring the item library to what a project declares; what is unchanged stays, what differs is a new version.

    Args:
        specs: its kinds.
        project: its code, empty for the kinds that stand without a project.
    """
    with transaction.atomic():
        for spec in specs:
            _declare(spec, project)


def _declare(spec: CaseKindSpec, project: str) -> None:
    values = {
        "project": project,
        "title_zh": spec.title.zh,
        "title_en": spec.title.en,
        "limit_amount": spec.limit.amount,
        "limit_clock": spec.limit.clock.value,
        "organisation": spec.organisation,
        "basis_zh": spec.basis.zh,
        "basis_en": spec.basis.en,
        "confirmed": spec.confirmed,
        **_merging(spec.merging or _EVERY_KIND),
        **_public(spec.public),
    }
    current = Kind.objects.select_for_update().filter(code=spec.code, is_current=True).first()
    if current is not None and all(getattr(current, name) == value for name, value in values.items()):
        return
    if current is not None:
        Kind.objects.filter(pk=current.pk).update(is_current=False)
    Kind.objects.create(code=spec.code, version=current.version + 1 if current else 1, **values)


def _merging(spec: MergingSpec) -> dict[str, Any]:
    return {
        "merging": spec.how.value,
        "merge_distance_m": spec.distance_m,
        "merge_span_h": spec.span_h,
        "merge_basis_zh": spec.basis.zh,
        "merge_basis_en": spec.basis.en,
        "same_as": spec.same_as,
    }


def _public(face: PublicFace | None) -> dict[str, Any]:
    return {
        "is_public": face is not None,
        "group_zh": face.group.zh if face else "",
        "group_en": face.group.en if face else "",
        "about_zh": face.about.zh if face else "",
        "about_en": face.about.en if face else "",
        "keywords": ",".join(face.keywords) if face else "",
        "questions": [_question(one) for one in face.questions] if face else [],
    }


def _question(one: Question) -> dict[str, Any]:
    return {
        "code": one.code,
        "datatype": one.datatype,
        "required": one.required,
        "zh": one.words.zh,
        "en": one.words.en,
        "hint_zh": one.hint.zh if one.hint else "",
        "hint_en": one.hint.en if one.hint else "",
        "choices": [{"key": key, "zh": words.zh, "en": words.en} for key, words in one.choices],
    }


@cache
def public_kinds() -> tuple[CaseKindSpec, ...]:
    """Return the kinds the library first holds for the public, read once."""
    told = tomllib.loads(PUBLIC_KINDS.read_text(encoding="utf-8"))
    groups = {code: _text(words) for code, words in told["groups"].items()}
    bases = {code: _text(words) for code, words in told["bases"].items()}
    return tuple(_spec(kind, groups, bases) for kind in told["kinds"])


def _spec(kind: dict[str, Any], groups: dict[str, Text], bases: dict[str, Text]) -> CaseKindSpec:
    return CaseKindSpec(
        code=kind["code"],
        title=_text(kind),
        limit=Limit(kind["limit"]["amount"], Clock(kind["limit"]["clock"])),
        basis=bases[kind["basis"]],
        merging=MergingSpec(
            how=Merging(kind.get("merging", Merging.NEARBY)),
            distance_m=kind["merge_distance_m"],
            span_h=kind["merge_span_h"],
            same_as=kind.get("same_as", ""),
            basis=bases["merging"],
        ),
        public=PublicFace(
            group=groups[kind["group"]],
            about=_text(kind, "about_"),
            keywords=tuple(kind["keywords"]),
            questions=tuple(_asked(one) for one in kind.get("questions", ())),
        ),
    )


def _asked(one: dict[str, Any]) -> Question:
    return Question(
        code=one["code"],
        datatype=one["datatype"],
        required=one["required"],
        words=_text(one),
        hint=_text(one, "hint_") if "hint_zh" in one else None,
        choices=tuple((choice["key"], _text(choice)) for choice in one.get("choices", ())),
    )


def _text(words: dict[str, Any], prefix: str = "") -> Text:
    return Text(words[f"{prefix}zh"], words[f"{prefix}en"])


def kind_in_force(code: str) -> Kind:
    """Return the kind in force of a code, the general one where the library does not know it: no signal is lost."""
    found = Kind.objects.filter(code=code, is_current=True).first()
    if found is not None:
        return found
    declare_kinds(BUILT_IN_KINDS, project="")
    built_in = code if code in {spec.code for spec in BUILT_IN_KINDS} else GENERAL
    return Kind.objects.get(code=built_in, is_current=True)
