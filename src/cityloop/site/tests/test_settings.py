from dataclasses import fields
from pathlib import Path

import pytest

from cityloop.site.configuration import Configuration, ConfigurationError, load
from cityloop.site.secrets import nats_url, postgres_dsn, secret
from cityloop.site.settings_page import settings_page

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "settings.md"


def test_the_page_of_settings_is_made_from_the_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page()


@pytest.mark.parametrize("field", fields(Configuration), ids=lambda field: field.name)
def test_every_setting_says_what_it_means(field: object) -> None:
    assert field.metadata["about"].endswith(".")  # type: ignore[attr-defined]
    assert f"CITYLOOP_{field.name.upper()}" in settings_page()  # type: ignore[attr-defined]


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "cityloop.toml").write_text('port = 9000\nmqtt_port = 9001\ndebug = true\ndata = "~/sets"\n')
    found = load({"CITYLOOP_HOME": str(tmp_path), "CITYLOOP_PORT": "9100"})
    assert (found.port, found.mqtt_port, found.nats_port, found.debug) == (9100, 9001, 4222, True)
    assert found.data == Path("~/sets").expanduser()


@pytest.mark.parametrize(
    ("text", "told"), [("prot = 1", "prot"), ('port = "many"', "port"), ("port = ", "cityloop.toml")]
)
def test_a_file_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "cityloop.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        load({"CITYLOOP_HOME": str(tmp_path)})


def test_addresses_of_ones_own_win_over_the_embedded_engines(tmp_path: Path) -> None:
    own = Configuration(home=tmp_path, postgres_dsn="postgresql://a@b/c", nats_url="nats://d")
    assert (postgres_dsn(own), nats_url(own)) == ("postgresql://a@b/c", "nats://d")
    assert not (tmp_path / "secrets").exists()
    embedded = Configuration(home=tmp_path)
    assert secret(embedded, "postgres") in postgres_dsn(embedded)
    assert secret(embedded, "nats-device") in nats_url(embedded, user="device")


def test_other_users_take_their_place_in_an_address_of_ones_own(tmp_path: Path) -> None:
    own = Configuration(home=tmp_path, nats_url="tls://server:x@nats.example:4333")
    assert nats_url(own) == "tls://server:x@nats.example:4333"
    assert nats_url(own, user="wire") == f"tls://wire:{secret(own, 'nats-wire')}@nats.example:4333"
