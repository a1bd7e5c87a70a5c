"""A watch is made at the keyboard and tried on history: drawn, usable by everybody, nothing kept before it was seen."""

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import chrome
from tests.browser.conftest import AXE, City, sign_in, speak

FILLED = {
    "title_zh": "供水压力偏低", "title_en": "Water pressure low", "streams": "lifelines/water.point-11010*",
    "level_2": "0.31", "level_4": "0.32", "hysteresis": "0.005", "hold_s": "0", "off_delay_s": "60",
    "basis_zh": "试验", "basis_en": "a trial", "note": "trial",
}  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: "tag", values: arguments[0]}}).then((found) => done(
  found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html).slice(0, 3)}`)));
"""
DARK = """
const canvas = document.querySelector(".cl-chart canvas");
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let drawn = 0;
for (let at = 3; at < pixels.length; at += 4) drawn += pixels[at] > 0;
return drawn;
"""


def fill_by_keyboard(driver: Chrome) -> None:
    """Walk through the form with the tabulator and write what belongs into each field."""
    driver.find_element(By.NAME, "title_zh").send_keys(FILLED["title_zh"])
    seen: set[str] = set()
    for _ in range(80):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        field = driver.switch_to.active_element
        name = field.get_attribute("name") or ""
        if name == "kind":
            field.send_keys(Keys.ARROW_DOWN)
        elif name == "do":
            break
        elif name in FILLED and name not in seen:
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(FILLED[name])
        seen.add(name)
    assert FILLED.keys() - {"title_zh"} <= seen
    assert driver.switch_to.active_element.get_attribute("value") == "try"


@pytest.mark.parametrize("width", [1920, 390])
@pytest.mark.parametrize(("language", "words"), [("zh-hans", "历史回测"), ("en", "What it would have done")])
def test_a_watch_is_tried_at_the_keyboard(driver: Chrome, city: City, language: str, words: str, width: int) -> None:
    chrome.resize(driver, width, 1080)
    sign_in(driver, city, "operator")
    speak(driver, language)
    chrome.open_page(driver, f"{city.address}/watches/new/")
    fill_by_keyboard(driver)
    driver.execute_script("delete document.body.dataset.ready")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    chrome.wait_until(driver, lambda page: page.find_elements(By.ID, "backtest-title"))
    chrome.wait_until(driver, lambda page: page.execute_script("return document.body.dataset.ready === '1'"))
    assert words in driver.page_source
    assert driver.execute_script(DARK) > 1000
    assert driver.find_element(By.NAME, "title_zh").get_attribute("value") == FILLED["title_zh"]
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    assert driver.execute_async_script(RUN_AXE, RULES) == []
    assert chrome.requests_abroad(driver) == []
    wide, seen = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= seen
