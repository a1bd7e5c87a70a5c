import asyncio
import json
import shutil
import socket
from pathlib import Path

import nats as nats_client
import paho.mqtt.client as mqtt
import psycopg
import pytest

from cityloop.convey.stream.jetstream import STREAM
from cityloop.site.configuration import Configuration
from cityloop.site.engines import nats, postgres
from cityloop.site.engines.throwaway import running_nats, throwaway_nats, throwaway_postgres
from cityloop.site.secrets import nats_url, secret


def test_the_database_is_bounded_and_takes_no_one_without_the_password(own_home: Path) -> None:
    with throwaway_postgres(own_home, durable=True) as dsn:
        with psycopg.connect(dsn) as connection:
            told = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        assert told["listen_addresses"] == "127.0.0.1"
        assert told["max_wal_size"] == str(postgres.WAL_MB_MAX)
        assert told["fsync"] == "on"
        assert told["TimeZone"] == "UTC"
        password = secret(Configuration(home=own_home), "postgres")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dsn.replace(password, "guessed"))


def test_the_configuration_stands_below_lines_of_the_operators_own(own_home: Path) -> None:
    with throwaway_postgres(own_home):
        pass
    lines = (own_home / "engines" / "postgres" / "postgresql.conf").read_text()
    assert lines.count("include = 'cityloop.conf'") == 1


def test_passwords_are_readable_by_the_engines_account_only(own_home: Path) -> None:
    with throwaway_nats(own_home):
        assert nats.configuration_file(own_home / "engines").stat().st_mode & 0o077 == 0
    assert not (own_home / "engines" / "postgres.password").exists()


async def test_what_jetstream_stored_survives_a_new_start(own_home: Path) -> None:
    with throwaway_nats(own_home) as configuration:
        await _store(configuration)
    with running_nats(configuration):
        client = await nats_client.connect(nats_url(configuration))
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 1
        await client.close()


async def _store(configuration: Configuration) -> None:
    client = await nats_client.connect(nats_url(configuration))
    stream = client.jetstream()
    await stream.add_stream(name="KEPT", subjects=["kept"])
    await stream.publish("kept", b"1")
    await client.close()


def _mqtt(configuration: Configuration, user: str) -> tuple[mqtt.Client, list[str]]:
    """Return an MQTT client with what it was told: of its connection and of its subscriptions."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"told-{user}", protocol=mqtt.MQTTv311)
    client.username_pw_set(user, secret(configuration, f"nats-{user}"))
    told: list[str] = []
    client.on_connect = lambda *answer: told.append("refused" if answer[3].is_failure else "connected")
    client.on_subscribe = lambda *answer: told.append("refused" if answer[3][0].is_failure else "subscribed")
    client.connect("127.0.0.1", configuration.mqtt_port)
    client.loop_start()
    return client, told


async def _has_told(told: list[str], count: int) -> list[str]:
    for _ in range(500):
        if len(told) >= count:
            break
        await asyncio.sleep(0.02)
    return told


async def test_a_device_may_neither_listen_nor_speak_beyond_its_topics(nats_server: Configuration) -> None:
    watcher = await nats_client.connect(nats_url(nats_server, user="wire"))
    heard = await watcher.subscribe(">")
    device, told = _mqtt(nats_server, "device")
    assert await _has_told(told, 1) == ["connected"]
    for number, topic in enumerate(("#", "v1.1/#", "$SYS/#", "mouth/#", "$JS/#"), start=2):
        device.subscribe(topic, 1)
        assert (await _has_told(told, number))[-1] == "refused"
    for topic in ("other", "$SYS/other", "$JS/API/STREAM/DELETE/x", "mouth/other", "v1.1/Datastreams(1)/Observations"):
        device.publish(topic, b"1", qos=0)
    subjects = []
    async with asyncio.timeout(10):
        while "mouth.v1//1.Datastreams(1).Observations" not in subjects:
            subjects.append((await heard.next_msg(timeout=10)).subject)
    device.disconnect()
    device.loop_stop()
    await watcher.close()
    assert not [subject for subject in subjects if "other" in subject or subject == "$JS.API.STREAM.DELETE.x"]


async def test_a_device_speaks_mqtt_only_and_the_server_never_does(nats_server: Configuration) -> None:
    assert _answer(nats_server, "server").startswith("+OK")
    assert _answer(nats_server, "device").startswith("-ERR")
    client, told = _mqtt(nats_server, "server")
    assert await _has_told(told, 1) == ["refused"]
    client.disconnect()
    client.loop_stop()


def _answer(configuration: Configuration, user: str = "") -> str:
    """Return what the server says first to somebody who introduces himself over its own protocol."""
    hello = {"verbose": True} | ({"user": user, "pass": secret(configuration, f"nats-{user}")} if user else {})
    place = ("127.0.0.1", configuration.nats_port)
    with socket.create_connection(place, timeout=20) as stranger, stranger.makefile("rb") as told:
        assert told.readline().startswith(b"INFO")
        stranger.sendall(b"CONNECT " + json.dumps(hello).encode() + b"\r\n")
        return next(line for line in told if line != b"PING\r\n").decode()


def test_a_stranger_is_not_let_in_while_nobody_answers_who_he_is(nats_server: Configuration) -> None:
    assert "-ERR 'Auth" in _answer(nats_server)


async def test_what_we_publish_reaches_subscribers_and_what_devices_say_does_not(
    nats_server: Configuration,
) -> None:
    ours = await nats_client.connect(nats_url(nats_server))
    reader = await nats_client.connect(nats_url(nats_server, user="wire"))
    heard_by_us, heard = await ours.subscribe(">"), await reader.subscribe("v1//1.>")
    await reader.flush()
    device, told = _mqtt(nats_server, "device")
    assert await _has_told(told, 1) == ["connected"]
    mapped = await reader.subscribe("mouth.>")
    await reader.flush()
    device.publish("v1.1/Datastreams(1)/Observations", b"from a device", qos=1)
    assert (await mapped.next_msg(timeout=10)).data == b"from a device"
    await ours.publish("v1//1.Datastreams(5).Observations", b"ours")
    assert (await heard.next_msg(timeout=10)).data == b"ours"
    assert (await heard_by_us.next_msg(timeout=10)).data == b"ours"
    assert (heard.pending_msgs, heard_by_us.pending_msgs, mapped.pending_msgs) == (0, 0, 0)
    device.disconnect()
    device.loop_stop()
    await ours.close()
    await reader.close()


async def test_what_devices_sent_to_an_earlier_release_is_not_lost(own_home: Path) -> None:
    with throwaway_nats(own_home) as configuration:
        client = await nats_client.connect(nats_url(configuration, user="wire"))
        await client.jetstream().add_stream(name=STREAM, subjects=["mouth.>"])
        await client.jetstream().publish("mouth.v1//1.Observations", b"1")
        await client.close()
    streams = own_home / "engines" / "nats" / nats.STREAMS_FOLDER
    shutil.rmtree(streams / "CITY", ignore_errors=True)
    (streams / "DEVICES").rename(streams / "CITY")
    with running_nats(configuration):
        client = await nats_client.connect(nats_url(configuration, user="wire"))
        assert (await client.jetstream().stream_info(STREAM)).state.messages == 1
        await client.close()
