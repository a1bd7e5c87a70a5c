"""A city whose cases tell their story through the journal alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from cityloop.assess import facade
from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, CaseStepped
from cityloop.kernel.text import Text
from tests.seeds import seed_registry

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
PASSWORD = "loop-of-the-city-7"


@dataclass
class Teller:
    """Posts the facts of cases as respond would."""

    last: int = 0
    numbers: dict[int, str] = field(default_factory=dict)
    areas: dict[int, AreaCode] = field(default_factory=dict)

    def opens(self, area: str = "110105", *, at: datetime = NOON) -> int:
        self.last += 1
        self.numbers[self.last], self.areas[self.last] = f"{area[:6]}-20261123-{self.last:04d}", AreaCode(area)
        journal.post(
            CaseOpened(
                fact_id=uuid4(),
                happened_at=at,
                actor="system:loop",
                area=AreaCode(area),
                case_id=self.last,
                case_number=self.numbers[self.last],
                case_kind="dirt",
                title=Text("垃圾", "rubbish"),
            )
        )
        return self.last

    def steps(self, case: int, step: str, state: str, *, due_at: datetime | None = None, at: datetime = NOON) -> UUID:
        fact = CaseStepped(
            fact_id=uuid4(),
            happened_at=at,
            actor="system:loop",
            area=self.areas[case],
            case_id=case,
            case_number=self.numbers[case],
            step=step,
            state_before="",
            state=state,
            note="",
            due_at=due_at,
        )
        journal.post(fact)
        return fact.fact_id

    def closes(self, case: int, *, due_at: datetime, on_time: bool = True, at: datetime = NOON) -> CaseClosed:
        fact = CaseClosed(
            fact_id=uuid4(),
            happened_at=at,
            actor="person:1",
            area=self.areas[case],
            case_id=case,
            case_number=self.numbers[case],
            case_kind="dirt",
            opened_at=NOON,
            due_at=due_at,
            closed_at=at,
            on_time=on_time,
            reworked=0,
        )
        journal.post(fact)
        return fact

    def closed_case(self, area: str = "110105", *, on_time: bool = True, due_in_h: float = 4) -> CaseClosed:
        due_at = NOON + timedelta(hours=due_in_h)
        case = self.opens(area)
        self.steps(case, "file", "filed", due_at=due_at)
        self.steps(case, "finish", "answered", due_at=due_at)
        self.steps(case, "pass_check", "closed", due_at=due_at)
        return self.closes(case, due_at=due_at, on_time=on_time)


@pytest.fixture
def teller(request: pytest.FixtureRequest) -> Iterator[Teller]:
    request.getfixturevalue("transactional_db")
    seed_registry()
    facade.declare_indicators()
    return Teller()
