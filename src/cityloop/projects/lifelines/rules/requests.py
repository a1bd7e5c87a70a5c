"""The machine of a request to those upstream (协调上游资源): its states, its steps, and what each needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.hands import Hand


class RequestState(StrEnum):
    """Where a request stands.

    Source:
        Domain reference, section 4.3, rule 6.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    ACCEPTED = "accepted"
    PARTLY = "partly"
    REFUSED = "refused"
    DELIVERED = "delivered"
    CLOSED = "closed"


OPEN_STATES = tuple(state for state in RequestState if state is not RequestState.CLOSED)
"""Of requests that have not ended."""


class RequestStep(StrEnum):
    """What moves a request."""

    DRAFT = "draft"  # the first step, which makes it
    REVISE = "revise"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    SEND = "send"
    ACCEPT = "accept"
    ACCEPT_PARTLY = "accept_partly"
    REFUSE = "refuse"
    NOTE_DELIVERY = "note_delivery"
    FINISH_DELIVERY = "finish_delivery"
    CLOSE = "close"
    WITHDRAW = "withdraw"


class Outcome(StrEnum):
    """With what a request was closed."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


STATE_TITLES: dict[RequestState, Text] = {
    RequestState.DRAFT: Text("拟稿", "draft"),
    RequestState.APPROVED: Text("已批准", "approved"),
    RequestState.SENT: Text("已发出", "sent"),
    RequestState.ACCEPTED: Text("已接受", "accepted"),
    RequestState.PARTLY: Text("部分接受", "partly accepted"),
    RequestState.REFUSED: Text("已拒绝", "refused"),
    RequestState.DELIVERED: Text("已兑现", "delivered"),
    RequestState.CLOSED: Text("已办结", "closed"),
}

STEP_TITLES: dict[RequestStep, Text] = {
    RequestStep.DRAFT: Text("拟稿", "draft"),
    RequestStep.REVISE: Text("修改后重新提交", "revise and present again"),
    RequestStep.SEND_BACK: Text("退回修改", "send back"),
    RequestStep.APPROVE: Text("批准", "approve"),
    RequestStep.SEND: Text("发出", "send"),
    RequestStep.ACCEPT: Text("答复：全部接受", "answer: accepted"),
    RequestStep.ACCEPT_PARTLY: Text("答复：部分接受", "answer: partly accepted"),
    RequestStep.REFUSE: Text("答复：拒绝", "answer: refused"),
    RequestStep.NOTE_DELIVERY: Text("登记到量", "note a delivery"),
    RequestStep.FINISH_DELIVERY: Text("确认兑现完毕", "confirm that delivery is over"),
    RequestStep.CLOSE: Text("办结", "close"),
    RequestStep.WITHDRAW: Text("撤回", "withdraw"),
}

OUTCOME_TITLES: dict[Outcome, Text] = {
    Outcome.DELIVERED: Text("已兑现", "delivered"),
    Outcome.REFUSED: Text("被拒绝", "refused"),
    Outcome.WITHDRAWN: Text("已撤回", "withdrawn"),
}


@dataclass(frozen=True, slots=True)
class RequestMove:
    """One row of the machine.

    Attributes:
        step: what is done.
        state_before: where the request must stand.
        state: where it stands then.
        hand: in whose hands it lies.
        note_needed: whether a reason must be given.
    """

    step: RequestStep
    state_before: RequestState
    state: RequestState
    hand: Hand
    note_needed: bool = False


_S, _T = RequestState, RequestStep

REQUEST_MACHINE: tuple[RequestMove, ...] = (
    RequestMove(_T.APPROVE, _S.DRAFT, _S.APPROVED, Hand.DECIDING),
    RequestMove(_T.SEND_BACK, _S.DRAFT, _S.DRAFT, Hand.DECIDING, note_needed=True),
    RequestMove(_T.REVISE, _S.DRAFT, _S.DRAFT, Hand.ASKING, note_needed=True),
    RequestMove(_T.SEND, _S.APPROVED, _S.SENT, Hand.ASKING),
    RequestMove(_T.ACCEPT, _S.SENT, _S.ACCEPTED, Hand.ANSWERING),
    RequestMove(_T.ACCEPT_PARTLY, _S.SENT, _S.PARTLY, Hand.ANSWERING, note_needed=True),
    RequestMove(_T.REFUSE, _S.SENT, _S.REFUSED, Hand.ANSWERING, note_needed=True),
    RequestMove(_T.NOTE_DELIVERY, _S.ACCEPTED, _S.ACCEPTED, Hand.ASKING),
    RequestMove(_T.NOTE_DELIVERY, _S.PARTLY, _S.PARTLY, Hand.ASKING),
    RequestMove(_T.FINISH_DELIVERY, _S.ACCEPTED, _S.DELIVERED, Hand.ASKING),
    RequestMove(_T.FINISH_DELIVERY, _S.PARTLY, _S.DELIVERED, Hand.ASKING),
    RequestMove(_T.CLOSE, _S.DELIVERED, _S.CLOSED, Hand.DUTY, note_needed=True),
    RequestMove(_T.CLOSE, _S.REFUSED, _S.CLOSED, Hand.DUTY, note_needed=True),
    RequestMove(_T.WITHDRAW, _S.DRAFT, _S.CLOSED, Hand.ASKING, note_needed=True),
    RequestMove(_T.WITHDRAW, _S.APPROVED, _S.CLOSED, Hand.ASKING, note_needed=True),
    RequestMove(_T.WITHDRAW, _S.SENT, _S.CLOSED, Hand.ASKING, note_needed=True),
)
"""The machine. A step that is not a row here cannot be taken; who withdraws a request closes it."""

_MOVES = {(move.state_before, move.step): move for move in REQUEST_MACHINE}

GRANTING = frozenset({_S.ACCEPTED, _S.PARTLY, _S.DELIVERED})
"""States in which something is granted."""

_AUTHORING = frozenset({_T.DRAFT, _T.REVISE})


class RequestStepNotPossibleError(CityloopError):
    """The request does not stand where this step begins."""

    key = "This step cannot be taken: the request is in the state “%(state)s”."
    status = 409


class OwnRequestError(CityloopError):
    """Who wrote a request would approve it or send it back."""

    key = "Another person must decide: you wrote this request yourself."
    status = 403


class ReasonNeededError(CityloopError):
    """A step that needs a reason came without one."""

    key = "Please write a reason."


class SentBackError(CityloopError):
    """A request that was sent back is to be approved unchanged."""

    key = "This request was sent back; it is revised before it is decided again."
    status = 409


class QuantityUnfitError(CityloopError):
    """A quantity does not fit the answer or the delivery it comes with."""

    key = "The quantity must be above 0 and at most %(most)s %(unit)s."


class NothingDeliveredError(CityloopError):
    """Delivery is to be over though none was noted."""

    key = "Nothing has been noted as delivered yet: note what came first."
    status = 409


@dataclass(frozen=True, slots=True)
class RequestTaken:
    """A step of the past: what, by whom."""

    step: RequestStep
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStanding:
    """What the machine must know of a request to judge a step.

    Attributes:
        state: where it stands.
        quantity: what is asked for.
        unit: its unit.
        granted: what was granted, None before an answer.
        taken: its steps so far, oldest first.
    """

    state: RequestState
    quantity: float
    unit: str
    granted: float | None = None
    taken: tuple[RequestTaken, ...] = ()

    @property
    def is_sent_back(self) -> bool:
        """Return whether it was sent back and not revised since."""
        deciding = [past.step for past in self.taken if past.step in {*_AUTHORING, _T.SEND_BACK}]
        return bool(deciding) and deciding[-1] is _T.SEND_BACK


def request_move(state: RequestState, step: RequestStep) -> RequestMove:
    """Return the row of the machine for a step from a state.

    Raises:
        RequestStepNotPossibleError: if there is none.
    """
    move = _MOVES.get((state, step))
    if move is None:
        raise RequestStepNotPossibleError(state=STATE_TITLES[state])
    return move


def check_request_step(
    standing: RequestStanding, step: RequestStep, *, actor: str, note: str = "", quantity: float | None = None
) -> RequestMove:
    """Return the move a step makes, or say why it cannot be made.

    Args:
        standing: the request.
        step: what is done.
        actor: who would do it.
        note: the reason or the answer.
        quantity: of a part granted or a delivery: how much, in the request's unit.

    Raises:
        RequestStepNotPossibleError: if the step does not begin where the request stands.
        OwnRequestError: if who wrote it would decide on it.
        SentBackError: if it was sent back and not revised since.
        ReasonNeededError: without a reason where one is needed.
        QuantityUnfitError: if the quantity does not fit.
        NothingDeliveredError: if delivery would be over before anything came.
    """
    move = request_move(standing.state, step)
    if reason := refusal_of(standing, move, actor=actor):
        raise reason
    if move.note_needed and not note.strip():
        raise ReasonNeededError(field="note")
    _check_quantity(standing, step, quantity)
    return move


def refusal_of(standing: RequestStanding, move: RequestMove, *, actor: str) -> CityloopError | None:
    """Return why a move cannot be made by somebody whatever comes with it, None where it can."""
    if move.hand is Hand.DECIDING and actor in _authors(standing.taken):
        return OwnRequestError()
    if move.hand is Hand.DECIDING and standing.is_sent_back:
        return SentBackError()
    if move.step is _T.FINISH_DELIVERY and _T.NOTE_DELIVERY not in {past.step for past in standing.taken}:
        return NothingDeliveredError()
    return None


def _authors(taken: Iterable[RequestTaken]) -> set[str]:
    return {past.actor for past in taken if past.step in _AUTHORING}


def _check_quantity(standing: RequestStanding, step: RequestStep, quantity: float | None) -> None:
    if step is _T.ACCEPT_PARTLY and (quantity is None or not 0 < quantity < standing.quantity):
        raise QuantityUnfitError(field="quantity", most=f"{standing.quantity:g}", unit=standing.unit)
    most = standing.granted or standing.quantity
    if step is _T.NOTE_DELIVERY and (quantity is None or not 0 < quantity <= DELIVERY_SHARE_MAX * most):
        raise QuantityUnfitError(field="quantity", most=f"{DELIVERY_SHARE_MAX * most:g}", unit=standing.unit)


DELIVERY_SHARE_MAX = 2.0
"""More than this many times what was granted is a slip of the pen."""


def granted_by(standing: RequestStanding, step: RequestStep, quantity: float | None) -> float | None:
    """Return what is granted after a step, None where nothing is said yet; the step has been checked."""
    if step is _T.ACCEPT:
        return standing.quantity
    if step is _T.ACCEPT_PARTLY:
        return quantity
    return 0.0 if step is _T.REFUSE else standing.granted


def outcome_of(standing: RequestStanding, step: RequestStep) -> Outcome | None:
    """Return with what a step closes a request, None where it does not."""
    if step is _T.WITHDRAW:
        return Outcome.WITHDRAWN
    if step is not _T.CLOSE:
        return None
    return Outcome.REFUSED if standing.state is _S.REFUSED else Outcome.DELIVERED


def is_overdue(state: RequestState, *, due_at: datetime | None, now: datetime) -> bool:
    """Return whether the answer is late."""
    return state is _S.SENT and due_at is not None and now > due_at
