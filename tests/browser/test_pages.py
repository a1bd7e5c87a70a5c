"""Every page in both languages: drawn, usable by everybody, and asking nobody beyond this machine."""

import pytest
from selenium.webdriver import Chrome

from tests.browser import chrome
from tests.browser.conftest import AXE, City, sign_in, speak

PAGES = (
    ("duty1", "/wall/"),
    ("duty1", "/shift/"),
    ("duty1", "/alarms/"),
    ("duty1", "/alarms/{alarm}/"),
    ("duty1", "/alarms/performance/"),
    ("duty1", "/alarms/activations/"),
    ("duty1", "/cases/"),
    ("duty1", "/cases/{case}/"),
    ("duty1", "/indicators/"),
    ("duty1", "/tasks/"),
    ("duty1", "/projects/lifelines/"),
    ("duty1", "/projects/lifelines/lines/"),
    ("duty1", "/projects/lifelines/lines/gas/"),
    ("duty1", "/projects/lifelines/lines/water/?at=2026-11-01T10:00%2B08:00"),
    ("duty1", "/projects/lifelines/gaps/"),
    ("duty1", "/projects/lifelines/network/"),
    ("duty1", "/projects/lifelines/dependencies/"),
    ("duty1", "/projects/lifelines/dependencies/?lost=power&lost=gas"),
    ("duty1", "/forecasts/"),
    ("duty1", "/forecasts/{forecast}/"),
    ("duty1", "/trace/fact/{alarm_fact}/"),
    ("duty1", "/trace/observation/{observation}/"),
    ("duty1", "/trace/stream/{stream}/"),
    ("duty1", "/trace/line/lifelines/water/"),
    ("duty1", "/trace/facts/?kind=decided.AlarmRaised"),
    ("duty1", "/trace/open-alarms/"),
    ("duty1", "/trace/open-cases/"),
    ("duty1", "/trace/transport/"),
    ("duty1", "/trace/rejected/"),
    ("operator", "/platform/"),
    ("operator", "/nodes/"),
    ("operator", "/devices/"),
    ("operator", "/devices/import/"),
    ("operator", "/devices/lifelines-water-zone-1/"),
    ("operator", "/tokens/"),
    ("operator", "/people/"),
    ("operator", "/watches/"),
    ("operator", "/watches/new/"),
    ("operator", "/watches/lifelines.water-pressure-low/"),
    ("operator", "/alarm-measures/"),
    ("operator", "/alarm-measures/flood-begins/"),
    ("water.data", "/catalogue/"),
    ("water.data", "/catalogue/water-pressure/"),
    ("water.data", "/catalogue/water-pressure/edit/"),
    ("water.data", "/catalogue/new/"),
    ("water.data", "/catalogue/reads/"),
    ("water.data", "/catalogue/statistics/"),
    ("water.data", "/contracts/"),
    ("water.data", "/contracts/{contract}/"),
    ("air.data", "/catalogue/heat-substations/ask/"),
    ("air.data", "/contracts/{contract}/"),
    ("auditor", "/audit/"),
    ("citizen", "/"),
)
SIZES = {"screen": (1920, 1080), "phone": (390, 844)}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: "tag", values: arguments[0]}}).then((found) => done(
  found.violations.map((fault) => `${fault.id}: ${fault.help}: ${fault.nodes.map((node) => node.html).slice(0, 3)}`)));
"""


@pytest.fixture(scope="module", params=dict.fromkeys(user for user, _ in PAGES))
def visitor(request: pytest.FixtureRequest, driver: Chrome, city: City) -> str:
    """Sign in one person after the other; return the account."""
    sign_in(driver, city, request.param)
    return str(request.param)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_is_drawn_without_faults_and_asks_nobody_abroad(
    driver: Chrome, city: City, visitor: str, language: str, size: str
) -> None:
    chrome.resize(driver, *SIZES[size])
    speak(driver, language)
    faults = [fault for user, path in PAGES if user == visitor for fault in _faults(driver, city, path, language)]
    assert not faults, "\n".join(faults)


def _faults(driver: Chrome, city: City, path: str, language: str) -> list[str]:
    address = path.format(
        case=city.scene.case,
        alarm=city.scene.alarm,
        alarm_fact=city.scene.alarm_fact,
        observation=city.scene.observation,
        stream=city.scene.stream,
        contract=city.scene.contract,
        forecast=city.scene.forecast,
    )
    chrome.open_page(driver, city.address + address)
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    faults = [str(fault) for fault in driver.execute_async_script(_RUN_AXE, _RULES)]
    faults += [f"asked abroad: {url}" for url in chrome.requests_abroad(driver)]
    faults += [f"console: {words}" for words in chrome.complaints(driver)]
    lang, wide, seen = driver.execute_script(
        "return [document.documentElement.lang, document.documentElement.scrollWidth, innerWidth]"
    )
    faults += [] if lang.lower() == language else [f"lang is {lang}"]
    faults += [] if wide <= seen else [f"{wide} px wide on {seen}"]
    return [f"{address}: {fault}" for fault in faults]
