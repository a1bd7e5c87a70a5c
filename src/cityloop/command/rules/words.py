"""Words for facts: one table of titles and one of fields; every kind of fact and every field stands in them."""

from cityloop.kernel.facts.base import Fact, registered_facts
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text

FACT_TITLES: dict[str, Text] = {
    "sensed.ReadingsKept": Text("读数入库", "Readings kept"),
    "decided.AlarmRaised": Text("报警产生", "Alarm raised"),
    "decided.AlarmLevelChanged": Text("报警级别变化", "Alarm level changed"),
    "decided.AlarmRepeated": Text("报警重现", "Alarm repeated"),
    "decided.AlarmUnshelved": Text("解除屏蔽", "Alarm back from shelf"),
    "decided.WatchChanged": Text("监测规则变更", "Watch changed"),
    "decided.AlarmAcknowledged": Text("报警确认", "Alarm acknowledged"),
    "decided.AlarmShelved": Text("报警屏蔽", "Alarm shelved"),
    "decided.ShelvingRequested": Text("申请屏蔽报警", "Shelving asked for"),
    "decided.ShelvingDeclined": Text("屏蔽申请未通过", "Shelving not granted"),
    "decided.AlarmSuppressed": Text("报警按设计抑制", "Alarm suppressed by design"),
    "decided.AlarmReleased": Text("报警解除抑制", "Alarm no longer suppressed"),
    "decided.AlarmFloodBegan": Text("报警洪水开始", "Flood of alarms began"),
    "decided.AlarmFloodEnded": Text("报警洪水结束", "Flood of alarms ended"),
    "decided.MeasureChanged": Text("报警管理参数变更", "Threshold of alarm management changed"),
    "decided.AlarmCleared": Text("报警恢复正常", "Alarm cleared"),
    "decided.AlarmClosed": Text("报警关闭", "Alarm closed"),
    "responded.SignalReceived": Text("收到线索", "Signal received"),
    "responded.CaseOpened": Text("立案", "Case opened"),
    "responded.CaseStepped": Text("案件流转", "Case moved on"),
    "responded.CaseClosed": Text("结案", "Case closed"),
    "carried.NodeIntroduced": Text("节点接入", "Node introduced"),
    "conveyed.ContractApproved": Text("数据使用协议获批", "Data contract approved"),
    "conveyed.ContractEnded": Text("数据使用协议结束", "Data contract ended"),
    "conveyed.DeviceStateChanged": Text("设备状态变化", "Device state changed"),
    "conveyed.DeviceStatesChanged": Text("设备批量离线或恢复", "Many devices fell silent or came back"),
    "conveyed.TaskGiven": Text("下达设备任务", "Task given to a device"),
    "conveyed.TaskEnded": Text("设备任务结束", "Task of a device ended"),
    "commanded.ShiftHandedOver": Text("交接班", "Shift handed over"),
    "assessed.IndicatorValued": Text("指标取值", "Indicator valued"),
    "assessed.ShortfallFound": Text("指标未达标", "Shortfall found"),
}

FIELD_TITLES: dict[str, Text] = {
    "alarms": Text("十分钟报警数", "Alarms in ten minutes"),
    "lasted_s": Text("持续（秒）", "Lasted, seconds"),
    "measure": Text("参数", "Threshold"),
    "operators": Text("在岗人数", "Operators on duty"),
    "outcome": Text("结果", "Outcome"),
    "peak": Text("峰值", "Peak"),
    "suppressed_by": Text("抑制它的规则", "Suppressed by"),
    "asked": Text("任务参数", "Parameters of the task"),
    "capability": Text("任务能力", "Tasking capability"),
    "sited_at": Text("执行设备", "Device that acts"),
    "status": Text("任务状态", "State of the task"),
    "task_id": Text("设备任务编号", "Task of a device"),
    "alarm_id": Text("报警编号", "Alarm number"),
    "valid_until": Text("有效期至", "Valid until"),
    "valid_from": Text("生效时间", "Valid from"),
    "owner": Text("提供方", "Owner"),
    "datasets": Text("数据集", "Data sets"),
    "contract_id": Text("协议编号", "Contract number"),
    "asker": Text("申请方", "Asking organisation"),
    "case_id": Text("案件", "Case"),
    "case_kind": Text("案件类型", "Kind of case"),
    "case_number": Text("案件编号", "Case number"),
    "count": Text("次数", "Times"),
    "closed_at": Text("结案时间", "Closed at"),
    "consented_by": Text("同意人", "Consented by"),
    "datastream_id": Text("数据流", "Datastream"),
    "device": Text("设备编码", "Device code"),
    "devices": Text("其中设备", "Devices among them"),
    "went_offline": Text("离线数", "Fell silent"),
    "came_online": Text("恢复数", "Came back"),
    "denominator": Text("分母", "Denominator"),
    "due_at": Text("时限", "Due"),
    "duplicates": Text("重复读数", "Duplicates"),
    "first_observation_id": Text("首条读数编号", "First observation"),
    "handover_id": Text("交接编号", "Handover number"),
    "incarnation": Text("数据库标识", "Incarnation of the database"),
    "indicator": Text("指标编号", "Indicator code"),
    "last_observation_id": Text("末条读数编号", "Last observation"),
    "latitude": Text("纬度", "Latitude"),
    "level": Text("级别", "Level"),
    "level_before": Text("原级别", "Level before"),
    "longitude": Text("经度", "Longitude"),
    "merged": Text("并入已有案件", "Merged into a standing case"),
    "note": Text("备注", "Note"),
    "number": Text("节点编号", "Node number"),
    "numerator": Text("分子", "Numerator"),
    "on_time": Text("按期", "On time"),
    "open_alarms": Text("未关闭报警", "Open alarms"),
    "open_cases": Text("在办案件", "Open cases"),
    "opened_at": Text("立案时间", "Opened at"),
    "period": Text("统计期", "Period"),
    "project": Text("应用项目", "Project"),
    "readings": Text("读数", "Readings"),
    "reason": Text("原因", "Reason"),
    "rejected": Text("拒收", "Rejected"),
    "reworked": Text("返工次数", "Sent back"),
    "signal_id": Text("线索编号", "Signal number"),
    "source": Text("来源", "Source"),
    "state": Text("现状态", "State"),
    "state_before": Text("原状态", "State before"),
    "step": Text("步骤", "Step"),
    "target": Text("目标", "Target"),
    "thing_name": Text("设备", "Device"),
    "threshold": Text("限值", "Limit"),
    "title": Text("名称", "Title"),
    "to": Text("接班人", "Taken over by"),
    "unit": Text("单位", "Unit"),
    "until": Text("屏蔽至", "Shelved until"),
    "value": Text("数值", "Value"),
    "watch_code": Text("监测规则", "Watch"),
    "watch_version": Text("规则版本", "Watch version"),
    "version": Text("版本", "Version"),
}

QUALITY_TITLES: dict[Quality, Text] = {
    Quality.GOOD: Text("正常", "good"),
    Quality.SUSPECT: Text("存疑", "suspect"),
    Quality.BAD: Text("无效", "bad"),
    Quality.ESTIMATED: Text("估算", "estimated"),
    Quality.MANUAL: Text("人工", "manual"),
    Quality.LATE: Text("迟到", "late"),
    Quality.MAINTENANCE: Text("检修", "maintenance"),
    Quality.OUT_OF_RANGE: Text("超量程", "out of range"),
}

LOG_KINDS: dict[str, Text] = {
    "call_in": Text("来电", "call in"),
    "call_out": Text("去电", "call out"),
    "instruction": Text("批示", "instruction"),
    "report": Text("报告", "report"),
    "decision": Text("决定", "decision"),
    "note": Text("记事", "note"),
}
"""Kinds of entries of the duty log (domain reference, section 13.1)."""


def title_of(kind: str) -> Text:
    """Return what a kind of fact is called; its code where this release does not know it."""
    known = registered_facts().get(kind)
    own = known.words.title if known is not None and known.words is not None else Text(kind, kind)
    return FACT_TITLES.get(kind, own)


def field_title(name: str, kind: type[Fact] | None = None) -> Text:
    """Return what a field of a fact is called; the kind's own word for it comes first."""
    own = kind.words.fields if kind is not None and kind.words is not None else {}
    return own.get(name) or FIELD_TITLES.get(name, Text(name, name))


def page_of(fact: Fact) -> tuple[Text, str] | None:
    """Return title and address of the page of what a project's own fact is about, None where it has none."""
    words = fact.words
    if words is None or not words.page or words.page_title is None:
        return None
    return words.page_title, words.page.format(**{name: getattr(fact, name) for name in fact.__dataclass_fields__})


def fields_of(kind: type[Fact]) -> tuple[str, ...]:
    """Return the fields of a kind of fact beyond those every fact has; of a project's own kind those it names."""
    if kind.words is not None:
        return tuple(kind.words.fields)
    common = set(Fact.__dataclass_fields__)
    return tuple(name for name in kind.__dataclass_fields__ if name not in common)
