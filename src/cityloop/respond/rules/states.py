"""States, steps and posts of a case, with their names."""

from enum import StrEnum

from cityloop.kernel.text import Text


class State(StrEnum):
    """Where a case stands.

    Source:
        GB/T 30428.8: collect, file, dispatch, handle, report back, verify and close, evaluate.
    """

    REPORTED = "reported"
    ACCEPTED = "accepted"
    VERIFYING = "verifying"
    FILED = "filed"
    DISPATCHED = "dispatched"
    HANDLING = "handling"
    DELAY_PENDING = "delay_pending"
    SUSPENDED = "suspended"
    ANSWERED = "answered"
    CHECKING = "checking"
    REWORK = "rework"
    CLOSED = "closed"
    EVALUATED = "evaluated"
    REJECTED = "rejected"
    VOID = "void"


ENDED = frozenset({State.CLOSED, State.EVALUATED, State.REJECTED, State.VOID})
"""States in which nobody is asked to do anything more about the matter."""


class Step(StrEnum):
    """What moves a case."""

    ACCEPT = "accept"
    REJECT = "reject"
    ORDER_VERIFICATION = "order_verification"
    CONFIRM = "confirm"
    FILE = "file"
    DISPATCH = "dispatch"
    SIGN = "sign"
    FINISH = "finish"
    SEND_BACK = "send_back"
    ASK_DELAY = "ask_delay"
    GRANT_DELAY = "grant_delay"
    REFUSE_DELAY = "refuse_delay"
    SUSPEND = "suspend"
    RESUME = "resume"
    ORDER_CHECK = "order_check"
    PASS_CHECK = "pass_check"  # noqa: S105  a step's name
    FAIL_CHECK = "fail_check"
    TAKE_REWORK = "take_rework"
    EVALUATE = "evaluate"
    REOPEN = "reopen"
    ASK_VOID = "ask_void"
    VOID = "void"
    MERGE = "merge"  # a further signal of the same matter; changes no state
    TAKE_OVER = "take_over"  # another system had finished the matter when it handed it over; no row of the machine


class Post(StrEnum):
    """On whose behalf a step is taken: the two axes, supervision and command, and the department that handles."""

    SUPERVISION = "supervision"
    COMMAND = "command"
    DEPARTMENT = "department"
    INSPECTION = "inspection"


STATE_TITLES: dict[State, Text] = {
    State.REPORTED: Text("已上报", "reported"),
    State.ACCEPTED: Text("已受理", "accepted"),
    State.VERIFYING: Text("核实中", "being verified"),
    State.FILED: Text("已立案", "filed"),
    State.DISPATCHED: Text("已派遣", "dispatched"),
    State.HANDLING: Text("处置中", "being handled"),
    State.DELAY_PENDING: Text("申请延期中", "delay asked for"),
    State.SUSPENDED: Text("已挂账", "suspended"),
    State.ANSWERED: Text("已反馈", "answered"),
    State.CHECKING: Text("核查中", "being checked"),
    State.REWORK: Text("待返工", "to be reworked"),
    State.CLOSED: Text("已结案", "closed"),
    State.EVALUATED: Text("已评价", "evaluated"),
    State.REJECTED: Text("不予立案", "rejected"),
    State.VOID: Text("已作废", "void"),
}

STEP_TITLES: dict[Step, Text] = {
    Step.ACCEPT: Text("受理", "accept"),
    Step.REJECT: Text("不予立案", "reject"),
    Step.ORDER_VERIFICATION: Text("派员核实", "order verification"),
    Step.CONFIRM: Text("核实属实并立案", "confirm and file"),
    Step.FILE: Text("立案", "file"),
    Step.DISPATCH: Text("派遣", "dispatch"),
    Step.SIGN: Text("签收", "sign"),
    Step.FINISH: Text("处置完成并反馈", "finish and answer"),
    Step.SEND_BACK: Text("回退", "send back"),
    Step.ASK_DELAY: Text("申请延期", "ask for a delay"),
    Step.GRANT_DELAY: Text("同意延期", "grant the delay"),
    Step.REFUSE_DELAY: Text("不同意延期", "refuse the delay"),
    Step.SUSPEND: Text("挂账", "suspend"),
    Step.RESUME: Text("恢复处置", "resume"),
    Step.ORDER_CHECK: Text("派员核查", "order a check"),
    Step.PASS_CHECK: Text("核查通过并结案", "pass and close"),
    Step.FAIL_CHECK: Text("核查不通过", "fail the check"),
    Step.TAKE_REWORK: Text("返工签收", "take the rework"),
    Step.EVALUATE: Text("评价", "evaluate"),
    Step.REOPEN: Text("重新立案", "reopen"),
    Step.ASK_VOID: Text("申请作废", "ask to void"),
    Step.VOID: Text("作废", "void"),
    Step.MERGE: Text("并入信号", "merge a signal"),
    Step.TAKE_OVER: Text("接收外部系统办结结果", "take over what another system had finished"),
}

POST_TITLES: dict[Post, Text] = {
    Post.SUPERVISION: Text("监督中心", "supervision centre"),
    Post.COMMAND: Text("指挥中心", "command centre"),
    Post.DEPARTMENT: Text("专业部门", "professional department"),
    Post.INSPECTION: Text("核查监督员", "inspection"),
}
