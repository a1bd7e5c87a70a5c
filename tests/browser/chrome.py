"""Debian's Chromium, driven over WebDriver; nothing it does may leave this machine."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
READY_S = 30
"""Longest wait for a page to say that it is drawn, seconds."""
LOCAL = {"127.0.0.1", "localhost", ""}

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=zh-CN",
    "--force-device-scale-factor=1",
)  # fmt: skip


@contextmanager
def browser(profile: Path, *, width: int = 1920, height: int = 1080) -> Iterator[Chrome]:
    """Open a browser with a profile of its own and a log of its requests."""
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        resize(driver, width, height)
        yield driver
    finally:
        driver.quit()


def resize(driver: Chrome, width: int, height: int) -> None:
    """Make the page, not the window, so large."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def open_page(driver: Chrome, address: str) -> None:
    """Open a page and wait until it says that it is drawn."""
    driver.get(address)
    wait_until(driver, lambda page: page.execute_script("return document.body?.dataset.ready === '1'"))


def wait_until(driver: Chrome, condition: Callable[[Chrome], object]) -> None:
    """Wait until something holds; an element that a redraw has just replaced does not count against it."""
    patience = WebDriverWait(
        driver,
        READY_S,
        poll_frequency=0.05,
        ignored_exceptions=[NoSuchElementException, StaleElementReferenceException],
    )
    patience.until(condition)


def requests_abroad(driver: Chrome) -> list[str]:
    """Return the addresses asked for since the last call that are not of this machine."""
    asked = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    schemes = {"http", "https", "ws", "wss"}
    return [url for url in asked if urlsplit(url).scheme in schemes and urlsplit(url).hostname not in LOCAL]


def complaints(driver: Chrome) -> list[str]:
    """Return what the browser's console holds of errors, refused content included."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
