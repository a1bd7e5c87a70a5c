"""The lifelines' pages in a browser: the board counts down, a loss is chosen at the keyboard, curves are drawn."""

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import chrome
from tests.browser.conftest import City, sign_in, speak

DRAWN = """
const canvas = document.querySelector(arguments[0]);
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let drawn = 0;
for (let at = 3; at < pixels.length; at += 4) drawn += pixels[at] > 0;
return drawn;
"""


@pytest.fixture
def officer(driver: Chrome, city: City) -> Chrome:
    """Sign the duty officer in, who reads English."""
    chrome.resize(driver, 1440, 1000)
    sign_in(driver, city, "duty1")
    speak(driver, "en")
    return driver


def test_the_board_counts_down_by_the_second(officer: Chrome, city: City) -> None:
    chrome.open_page(officer, f"{city.address}/projects/lifelines/gaps/")
    officer.execute_script(
        "document.querySelector('[data-until]').dataset.until = new Date(Date.now() + 3700e3).toISOString()"
    )
    first = officer.find_element(By.CSS_SELECTOR, "[data-until]")
    chrome.wait_until(officer, lambda _: first.text.startswith("1 h 1 min"))
    before = first.text
    chrome.wait_until(officer, lambda _: first.text != before)


def test_a_loss_is_chosen_at_the_keyboard(officer: Chrome, city: City) -> None:
    chrome.open_page(officer, f"{city.address}/projects/lifelines/dependencies/")
    box = officer.find_element(By.CSS_SELECTOR, "input[name=lost][value=gas]")
    officer.execute_script("arguments[0].focus()", box)
    box.send_keys(Keys.SPACE)
    officer.switch_to.active_element.send_keys(Keys.ENTER)
    chrome.wait_until(officer, lambda page: page.find_elements(By.ID, "fails-title"))
    rows = officer.find_elements(By.CSS_SELECTOR, "section[aria-labelledby=fails-title] tbody tr")
    assert ["after 6 h", "Heat"] in [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")][:2] for row in rows
    ]
    assert len(officer.find_elements(By.CSS_SELECTOR, ".ll-node-lost")) == 1


@pytest.mark.parametrize(
    ("page", "canvas"), [("lines/gas/", "#line canvas"), ("network/", "#network canvas"), ("network/", "#core canvas")]
)
def test_the_pictures_are_drawn(officer: Chrome, city: City, page: str, canvas: str) -> None:
    chrome.open_page(officer, f"{city.address}/projects/lifelines/{page}")
    assert officer.execute_script(DRAWN, canvas) > 1000
