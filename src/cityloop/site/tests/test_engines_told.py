import asyncio
import socket
from pathlib import Path

import nats as nats_client
import psycopg
import pytest

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


async def test_a_device_may_neither_listen_nor_speak_beyond_its_topics(nats_server: Configuration) -> None:
    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats_client.connect(nats_url(nats_server, user="device"), error_cb=note, allow_reconnect=False)
    await client.subscribe(">")
    await client.publish("anything.else", b"1")
    await client.flush()
    for _ in range(100):
        if len(refused) == 2:
            break
        await asyncio.sleep(0.02)
    await client.close()
    assert any("subscription" in told for told in refused)
    assert any("publish" in told for told in refused)


def test_a_stranger_is_not_let_in(nats_server: Configuration) -> None:
    with socket.create_connection(("127.0.0.1", nats_server.nats_port), timeout=5) as stranger:
        told = stranger.makefile("rb")
        assert told.readline().startswith(b"INFO")
        stranger.sendall(b'CONNECT {"verbose":true}\r\n')
        assert b"Authorization Violation" in told.readline()
        told.close()
