"""A reading travels the whole loop: device, history, alarm, case, closing, indicator, and back by the trace."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cityloop.kernel.clocks import CITY_ZONE
from tests.city import Browser, City, eventually, publish
from tests.journeys.sta import Sta

XICHENG, XICHENG_ZH, XICHENG_EN = "110102", "西城区", "Xicheng"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def moment(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def pressure_stream(sta: Sta, district: str) -> int:
    names = sta.get("Datastreams", filter=f"substringof('{district}管网压力',name)", select="@iot.id")
    return int(names["value"][0]["@iot.id"])


def alarms(officer: Browser, place: str) -> list[dict[str, Any]]:
    return [alarm for alarm in officer.data("/wall/data/")["alarms"] if alarm["place"] == place]


def take(city: City, username: str, case: str, step: str, language: str = "zh-hans", **fields: Any) -> str:
    person = city.person(username, language=language)
    answer = person.submit(case, at=f"{case}step/", step=step, **fields)
    assert answer.status_code == 200, answer.text[-3000:]
    return answer.text


def chain_of(reader: Browser, fact: str) -> list[str]:
    """Follow the trace towards the causes, as a person clicks, until the reading; return all addresses met."""
    seen: list[str] = []
    ahead = [f"/trace/fact/{fact}/"]
    while ahead:
        address = ahead.pop()
        if address in seen:
            continue
        seen.append(address)
        page = reader.get(address).text
        ahead += re.findall(rf'href="(/trace/(?:fact/{UUID}|observation/\d+)/)"', page)
    return seen


@pytest.mark.parametrize(
    ("district", "place", "language"), [("西城区", XICHENG_ZH, "zh-hans"), ("朝阳区", "Chaoyang", "en")]
)
def test_a_pressure_far_below_its_limit_moves_the_indicator(
    city: City, sta: Sta, district: str, place: str, language: str
) -> None:
    stream = pressure_stream(sta, district)
    officer, device = city.person("duty1", language=language), city.device(f"pump-{language}")
    before = {alarm["alarm_id"] for alarm in officer.data("/wall/data/")["alarms"]}
    publish(device, stream, result=0.31, phenomenonTime=moment(-5))
    publish(device, stream, result=0.02, phenomenonTime=moment())

    def new_alarm() -> dict[str, Any] | None:
        found = [a for a in officer.data("/wall/data/")["alarms"] if a["alarm_id"] not in before and a["case"]]
        return found[0] if found else None

    alarm = eventually(new_alarm, what="the alarm is on the wall with its case", within_s=15)
    assert alarm["level"] == 1
    assert place in alarm["place"]
    case = alarm["case"]["url"]
    assert place in officer.get(case).text

    take(city, "dispatcher", case, "dispatch", language, organisation="water-group")
    take(city, "water", case, "sign", language)
    take(city, "water", case, "finish", language, note="阀门已修复 valve repaired")
    take(city, "supervisor", case, "order_check", language)
    refused = city.person("water", language=language).client.post(f"{case}step/", data={"step": "pass_check"})
    assert refused.status_code == 403
    take(city, "checker", case, "pass_check", language, note="现场核实 seen on site")

    assessor = city.person("duty1", language=language)
    period = (datetime.now(CITY_ZONE) + timedelta(hours=4)).strftime("%Y-%m")

    def valued() -> str | None:
        page = assessor.get(f"/indicators/?period={period}").text
        rows = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if place in row]
        found = re.findall(rf"/trace/fact/({UUID})/", " ".join(rows))
        return found[0] if found else None

    indicator = eventually(valued, what="the indicator of the district has a value", within_s=30)
    reader = city.person("duty1", language=language)
    seen = chain_of(reader, indicator)
    assert any("/trace/observation/" in address for address in seen), seen
    steps = " ".join(reader.get(address).text for address in seen)
    assert "0.02" in steps
    publish(device, stream, result=0.33, phenomenonTime=moment())
    eventually(lambda: not alarms_with_id(officer, alarm["alarm_id"]), what="the alarm has left the wall", within_s=15)
    device.disconnect()


def alarms_with_id(officer: Browser, alarm_id: int) -> list[dict[str, Any]]:
    return [alarm for alarm in officer.data("/wall/data/")["alarms"] if alarm["alarm_id"] == alarm_id]


@pytest.fixture
def watched(sta: Sta) -> int:
    """A stream in Haidian, watched for low pressure that must last a minute."""
    return pressure_stream(sta, "海淀区")


def low_alarms(officer: Browser) -> list[int]:
    return [a["alarm_id"] for a in alarms(officer, "海淀区") if a["level"] in {3, 4}]


def test_trip_and_clear(city: City, sta: Sta, watched: int) -> None:
    """Shorter than the hold raises nothing; longer raises one; two mouths and a wrong clock change nothing."""
    officer, device = city.person("duty1"), city.device("haidian")
    known = set(low_alarms(officer))

    def http(result: float, seconds: float) -> None:
        body = {"result": result, "phenomenonTime": moment(seconds)}
        assert sta.client.post(f"Datastreams({watched})/Observations", json=body).status_code == 201

    publish(device, watched, result=0.30, phenomenonTime=moment(-400))
    publish(device, watched, result=0.17, phenomenonTime=moment(-390))
    publish(device, watched, result=0.30, phenomenonTime=moment(-360))
    publish(device, watched, result=0.17, phenomenonTime=moment(365 * 86400))
    http(0.18, -300)
    publish(device, watched, result=0.18, phenomenonTime=moment(-290))
    http(0.18, -250)
    publish(device, watched, result=0.18, phenomenonTime=moment(-200))
    raised = eventually(lambda: set(low_alarms(officer)) - known, what="the lasting condition is an alarm", within_s=15)
    assert len(raised) == 1
    http(0.17, -150)
    http(0.30, -100)
    history = sta.get(f"Datastreams({watched})/Observations", count="true", filter="phenomenonTime gt now()")
    assert history["@iot.count"] == 1
    page = f"/alarms/{next(iter(raised))}/"
    eventually(
        lambda: "已恢复" in officer.get(page).text or "已关闭" in officer.get(page).text,
        what="the return clears it",
        within_s=15,
    )
    assert len(set(low_alarms(officer)) - known - raised) == 0
    device.disconnect()


def test_a_reported_case_goes_the_whole_way_by_hand(city: City) -> None:
    supervisor = city.person("supervisor")
    made = supervisor.submit(
        "/cases/new/", title="井盖丢失", kind=first_kind(supervisor), source="citizen", area=XICHENG, description="路口"
    )
    case = str(made.url.path)
    assert re.fullmatch(r"/cases/\d+/", case), made.text[-2000:]
    for username, step, fields in [
        ("supervisor", "accept", {}),
        ("supervisor", "order_verification", {}),
        ("checker", "confirm", {"note": "属实"}),
        ("dispatcher", "dispatch", {"organisation": "water-group"}),
        ("water", "send_back", {"note": "不属于本单位"}),
        ("dispatcher", "dispatch", {"organisation": "water-group"}),
        ("water", "sign", {}),
        ("water", "finish", {"note": "已补装"}),
        ("supervisor", "order_check", {}),
        ("checker", "fail_check", {"note": "未固定"}),
        ("water", "take_rework", {}),
        ("water", "finish", {"note": "已固定"}),
        ("supervisor", "order_check", {}),
        ("checker", "pass_check", {"note": "合格"}),
    ]:
        page = take(city, username, case, step, **fields)
    assert "结案" in page or "已结案" in supervisor.get(case).text


def first_kind(person: Browser) -> str:
    found = re.search(r'<select name="kind".*?<option value="([^"]+)"', person.get("/cases/new/").text, re.DOTALL)
    assert found
    return found[1]


def test_a_handler_sees_only_the_cases_of_the_own_body(city: City) -> None:
    heat = city.person("heat")
    rows = re.findall(r'href="/cases/(\d+)/"', heat.get("/cases/?tab=open").text)
    water = re.findall(r'href="/cases/(\d+)/"', city.person("water").get("/cases/?tab=ended").text)
    assert water
    assert not set(rows) & set(water)
    assert heat.client.get(f"/cases/{water[0]}/").status_code in {403, 404}


def test_a_shift_is_handed_over_with_its_open_items(city: City) -> None:
    first = city.person("duty1")
    page = first.get("/shift/").text
    options = re.findall(r'<option value="([^"]+)"[^>]*>\s*王志强', page)
    assert options, page[-3000:]
    answer = first.submit("/shift/", taking_over=options[0], note="夜间加强巡查")
    assert answer.status_code == 200
    assert "夜间加强巡查" in city.person("duty2").get("/shift/").text


def test_a_refused_reading_is_counted_and_kept_for_inspection(city: City, sta: Sta) -> None:
    stream = pressure_stream(sta, "东城区")
    mark = f"<i>{moment()}</i>"
    answer = sta.client.post(f"Datastreams({stream})/Observations", json={"result": 1, "phenomenonTime": mark})
    assert answer.status_code == 400
    device = city.device("careless")
    device.publish(f"v1.1/Datastreams({stream})/Observations", f"{{broken {mark}", qos=1).wait_for_publish(30)
    device.disconnect()
    operator = city.person("operator")

    def shown() -> bool:
        page = operator.get("/platform/").text
        return page.count(mark.replace("<", "&lt;").replace(">", "&gt;")) >= 2 and mark not in page

    eventually(shown, what="both refusals stand on the platform page, as text", within_s=15)
