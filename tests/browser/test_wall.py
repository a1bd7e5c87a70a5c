"""The wall under an officer's hands: live, by keyboard, and honest when its feed is cut."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains

from cityloop.decide import facade as decide
from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from tests.browser import chrome
from tests.browser.conftest import City, sign_in, speak
from tests.browser.scene import PASSWORD

pytestmark = pytest.mark.usefixtures("unblocked")


@pytest.fixture
def unblocked(django_db_blocker: pytest.FixtureRequest, city: City) -> object:
    """Let the test read and write the city's own database."""
    assert city.scene
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's own type is not public
        yield


@pytest.fixture
def wall(driver: Chrome, city: City) -> Chrome:
    """Return the wall, live, in English."""
    sign_in(driver, city, "duty1")
    speak(driver, "en")
    chrome.resize(driver, 1920, 1080)
    chrome.open_page(driver, f"{city.address}/wall/")
    chrome.wait_until(driver, lambda page: page.find_element("id", "feed").text == "live")
    return driver


def _press(driver: Chrome, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def _raised(title: str) -> AlarmRaised:
    return AlarmRaised(
        fact_id=uuid4(), happened_at=datetime.now(UTC), actor="watch:test", area=AreaCode("110105"), alarm_id=987654,
        title=Text(title, title), level=Level.RED, watch_code="test", watch_version=1, project="lifelines",
        datastream_id=1, thing_name=Text("泵", "pump"),
        value=0.01, threshold=0.05, unit="MPa", longitude=116.5, latitude=39.9,
        case_kind="",
    )  # fmt: skip


def test_a_fact_appears_on_the_wall_without_a_reload(wall: Chrome) -> None:
    wall.execute_script(
        "window.seen = []; new MutationObserver(() => window.seen.push(document.getElementById('alarms').innerText))"
        ".observe(document.getElementById('alarms'), {childList: true})"
    )
    journal.post(_raised("Burst main at the test"))
    chrome.wait_until(wall, lambda page: "Burst main at the test" in "".join(page.execute_script("return window.seen")))


def test_an_alarm_of_simulated_readings_says_so(wall: Chrome) -> None:
    chrome.wait_until(wall, lambda page: page.find_elements("css selector", "#alarms .alarm"))
    said = wall.execute_script(
        "return [...document.querySelectorAll('.alarm-name')].map((name) => name.querySelector('.origin')?.innerText)"
    )
    assert said
    assert set(said) == {"simulated"}


def test_the_officer_chooses_by_key_and_acknowledges_with_a_note(wall: Chrome) -> None:
    _press(wall, "j")
    number = int(wall.find_element("css selector", ".alarm-chosen").get_attribute("data-id"))
    _press(wall, "a")
    wall.find_element("css selector", "#acknowledge textarea").send_keys("crew is on its way")
    wall.find_element("css selector", "#acknowledge .strong").click()
    row = f".alarm[data-id='{number}']"
    chrome.wait_until(
        wall, lambda page: page.find_element("css selector", row).get_attribute("data-state") == "acknowledged"
    )
    assert decide.alarm(number).note == "crew is on its way"


def test_a_grave_alarm_is_shelved_only_with_a_second_person(wall: Chrome) -> None:
    _press(wall, "j")
    number = int(wall.find_element("css selector", ".alarm-chosen").get_attribute("data-id"))
    _press(wall, "s")
    form = wall.find_element("id", "shelve")
    form.find_element("name", "reason").send_keys("valve works until noon")
    form.find_element("name", "consent_username").send_keys("duty2")
    form.find_element("name", "consent_password").send_keys("wrong")
    form.find_element("css selector", ".strong").click()
    chrome.wait_until(wall, lambda page: page.find_element("css selector", "#shelve .problem").text)
    assert decide.alarm(number).shelved_until is None
    form.find_element("name", "consent_password").clear()
    form.find_element("name", "consent_password").send_keys(PASSWORD)
    form.find_element("css selector", ".strong").click()
    chrome.wait_until(wall, lambda page: not page.find_elements("css selector", "#shelve[open]"))
    assert decide.alarm(number).shelve_reason == "valve works until noon"


def test_the_keys_are_told_and_the_trace_and_the_shift_are_one_key_away(wall: Chrome, city: City) -> None:
    _press(wall, "?")
    chrome.wait_until(wall, lambda page: page.find_elements("css selector", "#help[open]"))
    wall.find_element("css selector", "#help button").click()
    _press(wall, "j", "t")
    chrome.wait_until(wall, lambda page: "/trace/fact/" in page.current_url)
    chrome.open_page(wall, f"{city.address}/wall/")
    _press(wall, "h")
    chrome.wait_until(wall, lambda page: page.current_url.endswith("/shift/"))


def test_the_sound_is_switched_by_key_and_shown(wall: Chrome) -> None:
    button = wall.find_element("id", "sound")
    before = button.get_attribute("aria-pressed")
    _press(wall, "m")
    chrome.wait_until(wall, lambda _: button.get_attribute("aria-pressed") != before)
    _press(wall, "m")
    chrome.wait_until(wall, lambda _: button.get_attribute("aria-pressed") == before)


def test_a_wall_whose_feed_is_cut_says_so_and_comes_back(wall: Chrome, city: City) -> None:
    with city.frozen():
        chrome.wait_until(wall, lambda page: "interrupted" in page.find_element("id", "feed").text)
    chrome.wait_until(wall, lambda page: page.find_element("id", "feed").text == "live")
