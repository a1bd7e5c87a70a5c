"""Facts: what has happened, in the past tense, one module a stage of the loop."""

from cityloop.kernel.facts.base import Fact, FactWords, Ref, RefKind, fact_kind, new_fact_id, registered_facts

__all__ = ["Fact", "FactWords", "Ref", "RefKind", "fact_kind", "new_fact_id", "registered_facts"]
