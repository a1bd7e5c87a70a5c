"""What of the journal and the history a person sees: the rule of the trace, in one place.

Facts and readings are seen by who holds the right to traces where they happened; the facts of a case, by posts that
see their own organisation's matters only, if the case is theirs. What is told to everybody who may open traces:
indicator values and shortfalls (the table of the districts is open to all), how many readings were kept, and the rules
of the watches.
"""

from dataclasses import dataclass, field

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.facts import Fact, Ref, fact_kind
from cityloop.kernel.facts.assessed import IndicatorValued, ShortfallFound
from cityloop.kernel.facts.decided import WatchChanged
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right
from cityloop.respond import facade as respond

OPEN_KINDS = (IndicatorValued, ShortfallFound, ReadingsKept, WatchChanged)
"""Facts that everybody who may open traces sees, wherever they happened."""

_OPEN_NAMES = frozenset(map(fact_kind, OPEN_KINDS))


@dataclass(slots=True)
class Sight:
    """What one person sees; remembers whose cases it has looked up.

    Attributes:
        person: who looks; None for whoever has the machine itself in hand, by its command line.
    """

    person: PersonView | None
    _bodies: dict[int, str] = field(default_factory=dict)

    def of_area(self, area: AreaCode) -> bool:
        """Return whether readings and counts of an area are seen."""
        return self.person is None or registry.may(self.person, Right.SEE_TRACE, area=area)

    def of_fact(self, fact: Fact) -> bool:
        """Return whether a fact is seen."""
        if self.person is None or isinstance(fact, OPEN_KINDS):
            return True
        return registry.may(self.person, Right.SEE_TRACE, area=fact.area, organisation=self._body_of(fact))

    def of_aggregate(self, ref: Ref) -> bool:
        """Return whether a count is opened: by who sees the whole area it counts in."""
        asked = ref.parameters
        return str(asked.get("kind")) in _OPEN_NAMES or self.of_area(AreaCode(str(asked.get("area") or CITY)))

    def require_area(self, area: AreaCode, *, what: str) -> None:
        """Refuse, audited, what lies in an area that is not seen.

        Raises:
            AccessDeniedError: if it is not.
        """
        if self.person is not None:
            registry.require(self.person, Right.SEE_TRACE, area=area, what=what)

    def require_fact(self, fact: Fact) -> None:
        """Refuse, audited, a fact that is not seen.

        Raises:
            AccessDeniedError: if it is not.
        """
        if self.person is not None and not self.of_fact(fact):
            what, body = f"fact {fact.fact_id}", self._body_of(fact)
            registry.require(self.person, Right.SEE_TRACE, area=fact.area, organisation=body, what=what)

    def require_aggregate(self, ref: Ref) -> None:
        """Refuse, audited, a count that is not seen.

        Raises:
            AccessDeniedError: if it is not.
        """
        if not self.of_aggregate(ref):
            area = AreaCode(str(ref.parameters.get("area") or CITY))
            self.require_area(area, what=f"facts {ref.parameters.get('kind')} in {area}")

    def _body_of(self, fact: Fact) -> str | None:
        """Return whose matter a fact belongs to, empty where nobody has it yet, None where it is nobody's.

        A fact that names its organisation says so itself; of a case it is the body that has the case now.
        """
        if (named := getattr(fact, "organisation", None)) is not None:
            return str(named)
        case_id = getattr(fact, "case_id", None)
        if not case_id:
            return None
        if case_id not in self._bodies:
            try:
                self._bodies[case_id] = respond.case(case_id).organisation
            except NotFoundError:
                self._bodies[case_id] = ""
        return self._bodies[case_id]
