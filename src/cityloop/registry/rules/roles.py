"""Rights, roles, and which role holds which right: data, no decisions."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.text import Text


class Right(StrEnum):
    """Something a person may do."""

    SEE_WALL = "see_wall"
    ACT_ON_ALARMS = "act_on_alarms"
    CONSENT_TO_SHELVING = "consent_to_shelving"
    HAND_OVER_SHIFT = "hand_over_shift"
    SEE_CASES = "see_cases"
    OPEN_CASES = "open_cases"
    ACCEPT_CASES = "accept_cases"
    DISPATCH_CASES = "dispatch_cases"
    HANDLE_CASES = "handle_cases"
    VERIFY_CASES = "verify_cases"
    SEE_INDICATORS = "see_indicators"
    SEE_TRACE = "see_trace"
    SEE_PROJECTS = "see_projects"
    EDIT_WATCHES = "edit_watches"
    OPERATE_PLATFORM = "operate_platform"
    MANAGE_PEOPLE = "manage_people"
    READ_AUDIT = "read_audit"
    SEE_DEVICES = "see_devices"
    MANAGE_DEVICES = "manage_devices"
    COMMAND_DEVICES = "command_devices"
    SEE_CATALOGUE = "see_catalogue"
    SHARE_DATA = "share_data"
    SEE_COORDINATION = "see_coordination"
    DRAFT_COORDINATION = "draft_coordination"
    APPROVE_COORDINATION = "approve_coordination"
    APPROVE_GRAVE_COORDINATION = "approve_grave_coordination"
    SUBMIT_LINE_DATA = "submit_line_data"

    @property
    def words(self) -> Text:
        """Return what the right allows, in words."""
        return _RIGHT_TITLES[self]


_RIGHT_TITLES = {
    Right.SEE_WALL: Text("查看值守大屏", "see the wall"),
    Right.ACT_ON_ALARMS: Text("处置报警", "act on alarms"),
    Right.CONSENT_TO_SHELVING: Text("同意屏蔽报警", "consent to shelving an alarm"),
    Right.HAND_OVER_SHIFT: Text("交接班", "hand over the shift"),
    Right.SEE_CASES: Text("查看案件", "see cases"),
    Right.OPEN_CASES: Text("上报案件", "report a case"),
    Right.ACCEPT_CASES: Text("受理立案", "accept and file cases"),
    Right.DISPATCH_CASES: Text("派遣案件", "dispatch cases"),
    Right.HANDLE_CASES: Text("处理案件", "handle cases"),
    Right.VERIFY_CASES: Text("核查结案", "verify and close cases"),
    Right.SEE_INDICATORS: Text("查看指标", "see indicators"),
    Right.SEE_TRACE: Text("查看溯源", "open traces"),
    Right.SEE_PROJECTS: Text("查看应用项目", "see application projects"),
    Right.EDIT_WATCHES: Text("维护监测规则", "edit watches"),
    Right.OPERATE_PLATFORM: Text("运维平台", "operate the platform"),
    Right.MANAGE_PEOPLE: Text("管理人员", "manage people"),
    Right.READ_AUDIT: Text("查阅审计记录", "read the audit"),
    Right.SEE_DEVICES: Text("查看设备台账", "see the device ledger"),
    Right.MANAGE_DEVICES: Text("管理设备", "manage devices"),
    Right.COMMAND_DEVICES: Text("下达设备任务", "give devices tasks"),
    Right.SEE_CATALOGUE: Text("查看数据目录", "see the data catalogue"),
    Right.SHARE_DATA: Text("管理数据共享", "share data"),
    Right.SEE_COORDINATION: Text("查看资源协调", "see the coordination of supply"),
    Right.DRAFT_COORDINATION: Text("提出资源协调", "ask for supply or for a cut of demand"),
    Right.APPROVE_COORDINATION: Text("审批资源协调", "approve the coordination of supply"),
    Right.APPROVE_GRAVE_COORDINATION: Text(
        "审批红、橙级资源协调", "approve the coordination of supply at red and orange"
    ),
    Right.SUBMIT_LINE_DATA: Text("填报生命线日报", "tell the day of a lifeline"),
}


class Role(StrEnum):
    """What a person is in the city's operation.

    Source:
        Domain reference, section 1.1; `PLATFORM_OPERATOR` is added by the product.
    """

    CITY_LEADER = "city_leader"
    DUTY_OFFICER = "duty_officer"
    SPECIAL_HEADQUARTERS = "special_headquarters"
    DISTRICT_OFFICER = "district_officer"
    DATA_OWNER = "data_owner"
    LIFELINE_DISPATCHER = "lifeline_dispatcher"
    SAFETY_OFFICER = "safety_officer"
    GRID_SUPERVISOR = "grid_supervisor"
    GRID_HEAD = "grid_head"
    SUPERVISION_OPERATOR = "supervision_operator"
    COMMAND_OPERATOR = "command_operator"
    DEPARTMENT_HANDLER = "department_handler"
    WINDOW_CLERK = "window_clerk"
    REVIEWER = "reviewer"
    CITIZEN = "citizen"
    ASSESSOR = "assessor"
    DESIGN_EXPERT = "design_expert"
    AUDITOR = "auditor"
    PLATFORM_OPERATOR = "platform_operator"


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A role's words and rights.

    Attributes:
        title: its name.
        rights: what it allows.
        own_organisation_only: whether cases and the like must belong to the post's own organisation.
    """

    title: Text
    rights: frozenset[Right]
    own_organisation_only: bool = False


_LOOKING = frozenset(
    {
        Right.SEE_WALL,
        Right.SEE_CASES,
        Right.SEE_INDICATORS,
        Right.SEE_TRACE,
        Right.SEE_PROJECTS,
        Right.SEE_CATALOGUE,
    }
)
_ON_DUTY = _LOOKING | {
    Right.ACT_ON_ALARMS,
    Right.CONSENT_TO_SHELVING,
    Right.HAND_OVER_SHIFT,
    Right.OPEN_CASES,
    Right.SEE_DEVICES,
    Right.COMMAND_DEVICES,
}
_HANDLING = frozenset({Right.SEE_CASES, Right.HANDLE_CASES, Right.SEE_TRACE})
_NONE: frozenset[Right] = frozenset()

ROLES: dict[Role, RoleSpec] = {
    Role.CITY_LEADER: RoleSpec(
        Text("市领导", "city leader"),
        _LOOKING
        | {
            Right.CONSENT_TO_SHELVING,
            Right.SEE_COORDINATION,
            Right.APPROVE_COORDINATION,
            Right.APPROVE_GRAVE_COORDINATION,
        },
    ),
    Role.DUTY_OFFICER: RoleSpec(
        Text("市应急办值班员", "city emergency office duty officer"),
        _ON_DUTY | {Right.SEE_COORDINATION, Right.DRAFT_COORDINATION, Right.APPROVE_COORDINATION},
    ),
    Role.SPECIAL_HEADQUARTERS: RoleSpec(
        Text("专项应急指挥部", "special command headquarters"),
        _LOOKING | {Right.OPEN_CASES, Right.SEE_COORDINATION},
    ),
    Role.DISTRICT_OFFICER: RoleSpec(Text("区值班员", "district node officer"), _ON_DUTY),
    Role.DATA_OWNER: RoleSpec(
        Text("委办局数据责任人", "commission data owner"),
        frozenset(
            {
                Right.SEE_PROJECTS,
                Right.SEE_INDICATORS,
                Right.SEE_TRACE,
                Right.SEE_DEVICES,
                Right.MANAGE_DEVICES,
                Right.SEE_CATALOGUE,
                Right.SHARE_DATA,
            }
        ),
        own_organisation_only=True,
    ),
    Role.LIFELINE_DISPATCHER: RoleSpec(
        Text("生命线企业调度员", "lifeline group dispatcher"),
        _HANDLING
        | {
            Right.SEE_PROJECTS,
            Right.SEE_DEVICES,
            Right.COMMAND_DEVICES,
            Right.SUBMIT_LINE_DATA,
            Right.SEE_COORDINATION,
            Right.DRAFT_COORDINATION,
        },
        own_organisation_only=True,
    ),
    Role.SAFETY_OFFICER: RoleSpec(
        Text("企业安全员", "enterprise safety officer"), _HANDLING, own_organisation_only=True
    ),
    Role.GRID_SUPERVISOR: RoleSpec(
        Text("城管监督员", "grid supervisor"), frozenset({Right.SEE_CASES, Right.OPEN_CASES, Right.VERIFY_CASES})
    ),
    Role.GRID_HEAD: RoleSpec(Text("格长", "grid head"), frozenset({Right.SEE_CASES, Right.OPEN_CASES})),
    Role.SUPERVISION_OPERATOR: RoleSpec(
        Text("监督中心受理员", "supervision centre operator"),
        frozenset(
            {
                Right.SEE_CASES,
                Right.OPEN_CASES,
                Right.ACCEPT_CASES,
                Right.VERIFY_CASES,
                Right.SEE_TRACE,
                Right.SEE_INDICATORS,
            }
        ),
    ),
    Role.COMMAND_OPERATOR: RoleSpec(
        Text("指挥中心派遣员", "command centre operator"),
        frozenset({Right.SEE_CASES, Right.DISPATCH_CASES, Right.SEE_TRACE, Right.SEE_INDICATORS}),
    ),
    Role.DEPARTMENT_HANDLER: RoleSpec(
        Text("专业部门处置员", "professional department handler"), _HANDLING, own_organisation_only=True
    ),
    Role.WINDOW_CLERK: RoleSpec(Text("综合窗口收件员", "window clerk"), _NONE),
    Role.REVIEWER: RoleSpec(Text("审批人", "reviewer"), _NONE),
    Role.CITIZEN: RoleSpec(Text("市民", "citizen"), _NONE),
    Role.ASSESSOR: RoleSpec(
        Text("第三方评估员", "third-party assessor"), frozenset({Right.SEE_INDICATORS, Right.SEE_TRACE})
    ),
    Role.DESIGN_EXPERT: RoleSpec(Text("顶层设计专家", "top-level design expert"), frozenset({Right.SEE_PROJECTS})),
    Role.AUDITOR: RoleSpec(Text("审计员", "auditor"), frozenset({Right.READ_AUDIT})),
    Role.PLATFORM_OPERATOR: RoleSpec(
        Text("平台运维员", "platform operator"),
        frozenset(
            {
                Right.OPERATE_PLATFORM,
                Right.EDIT_WATCHES,
                Right.MANAGE_PEOPLE,
                Right.SEE_PROJECTS,
                Right.SEE_DEVICES,
                Right.MANAGE_DEVICES,
                Right.SEE_CATALOGUE,
            }
        ),
    ),
}
"""Every role of the city; a role without rights is known to the register and waits for its part of the product."""

SEPARATE_DUTIES: tuple[frozenset[Right], ...] = (
    frozenset({Right.ACCEPT_CASES, Right.VERIFY_CASES}),
    frozenset({Right.DISPATCH_CASES}),
    frozenset({Right.HANDLE_CASES}),
    frozenset({Right.OPERATE_PLATFORM, Right.EDIT_WATCHES, Right.MANAGE_PEOPLE}),
    frozenset({Right.READ_AUDIT}),
)
"""Duties of which one person may hold one only: supervise, dispatch, handle; run the platform; audit it.

Source:
    The two axes of digital urban management (GB/T 30428) and Chaoyang's rule that supervising, managing and enforcing
    are separate bodies; domain reference, sections 10.1 and 12.
"""
