"""Facts: what has happened, in the past tense, one module a stage of the loop."""

from cityloop.kernel.facts.base import Fact, Ref, RefKind, fact_kind, new_fact_id, registered_facts

__all__ = ["Fact", "Ref", "RefKind", "fact_kind", "new_fact_id", "registered_facts"]
