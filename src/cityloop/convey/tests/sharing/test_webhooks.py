"""Webhooks: signed, in order, again until they are taken, nowhere inside, and over when the contract is."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.facade import sharing
from cityloop.convey.rules.signatures import HEADER, is_signed, signature, subscription_key
from cityloop.convey.services.sharing_subscriptions import ContractNotInForceError, SubscriptionsFullError
from cityloop.convey.stream.sharing import webhooks
from cityloop.convey.stream.sharing.post import AddressRefusedError, PostFailedError, addresses_of, post, target_of
from cityloop.convey.stream.sharing.webhooks import Webhooks
from cityloop.convey.tests.sharing.conftest import SharedCity, aside
from cityloop.kernel.errors import NotFoundError

SECRET = "of the city"


class Receiver:
    """A receiver on a port of this machine: keeps what comes, answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=x"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]

    @property
    def results(self) -> list[float]:
        return [one["result"] for body in self.bodies for one in body.get("readings", [])]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["Content-Length"]))
        self.got.append((headers, body))
        if self.status:
            writer.write(f"HTTP/1.1 {self.status} Said\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    server = await asyncio.start_server(one.answer, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()
    await server.wait_closed()


class Post:
    """The deliverer, turned by hand."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.webhooks = Webhooks(self.connect, city_secret=SECRET, private=True)

    async def connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)

    async def turn(self) -> bool:
        async with await self.connect() as link:
            return await self.webhooks.turn(link)

    async def run(self, statement: str, *values: Any) -> None:
        async with await self.connect() as link:
            await link.execute(statement, values)

    async def hurry(self) -> None:
        await self.run("UPDATE convey_subscription SET next_try_at = now()")


@pytest.fixture
def city(shared: SharedCity, settings: Any) -> SharedCity:
    settings.CITYLOOP_WEBHOOK_PRIVATE = True
    settings.SECRET_KEY = SECRET
    return shared


async def subscribed(city: SharedCity, receiver: Receiver) -> tuple[sharing.ContractView, int, str]:
    contract = await aside(city.contract, "water")
    number, key = await aside(sharing.subscribe, city.people["air.data"], contract.contract_id, url=receiver.url)
    return contract, number, key


async def state(contract: sharing.ContractView) -> sharing.SubscriptionView:
    (found,) = await aside(sharing.subscriptions, contract.contract_id)
    return found


async def test_readings_are_posted_signed_and_in_order(city: SharedCity, receiver: Receiver) -> None:
    contract, number, key = await subscribed(city, receiver)
    await city.keep("water-a", 1, 2, 3)
    await city.keep("heat-a", 99)
    await city.keep("water-b", 4)
    assert not await Post(city.dsn).turn()
    assert receiver.results == [1, 2, 3, 4]
    ((headers, body),) = receiver.got
    assert is_signed(headers[HEADER], key, body, now_s=int(datetime.now(UTC).timestamp()))
    assert not is_signed(headers[HEADER], key + "x", body, now_s=int(datetime.now(UTC).timestamp()))
    assert json.loads(body)["contract"] == contract.contract_id
    assert json.loads(body)["delivery"].startswith(f"{number}-") == headers["Cityloop-Delivery"].startswith(
        f"{number}-"
    )
    assert "key=x" not in str(headers)
    view = await state(contract)
    assert (view.delivered, view.failures, view.last_error) == (4, 0, "")
    (read,) = await aside(sharing.reads, sharing.ReadFilter(owners=("water-group",)))
    assert (read.kind, read.rows, read.organisation, read.contracts) == (
        "webhook", 4, "environment-bureau", (contract.contract_id,),
    )  # fmt: skip
    assert "key=x" not in read.path


async def test_nothing_is_posted_twice_while_the_receiver_takes_it(
    city: SharedCity, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "BATCH_ROWS_MAX", 2)
    await subscribed(city, receiver)
    await city.keep("water-a", 1, 2, 3, 4, 5)
    deliverer = Post(city.dsn)
    while await deliverer.turn():
        pass
    await deliverer.turn()
    assert receiver.results == [1, 2, 3, 4, 5]
    assert [len(body["readings"]) for body in receiver.bodies] == [2, 2, 1]


@pytest.mark.parametrize("status", [500, 302, 0])
async def test_what_is_not_taken_is_posted_again_in_the_same_order(
    city: SharedCity, receiver: Receiver, status: int
) -> None:
    contract, *_ = await subscribed(city, receiver)
    deliverer, receiver.status = Post(city.dsn), status
    await city.keep("water-a", 1, 2)
    await deliverer.turn()
    view = await state(contract)
    assert (view.failures, view.delivered) == (1, 0)
    assert view.last_error
    assert view.next_try_at > datetime.now(UTC)
    await deliverer.turn()
    assert len(receiver.got) == 1, "it waits before the next attempt"
    await city.keep("water-a", 3)
    receiver.status = 204
    await deliverer.hurry()
    await deliverer.turn()
    assert receiver.results == [1, 2, 1, 2, 3]
    assert (await state(contract)).failures == 0


async def test_after_the_last_attempt_a_batch_is_a_dead_letter_and_can_be_sent_again(
    city: SharedCity, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ATTEMPTS_MAX", 2)
    contract, number, _ = await subscribed(city, receiver)
    deliverer, receiver.status = Post(city.dsn), 503
    await city.keep("water-a", 1, 2)
    for _ in range(2):
        await deliverer.turn()
        await deliverer.hurry()
    receiver.status, receiver.got = 200, []
    await city.keep("water-a", 3)
    await deliverer.turn()
    assert receiver.results == [3], "what comes behind a dead letter goes on"
    (letter,) = await aside(sharing.dead_letters, number)
    assert (letter.readings, letter.error, letter.redelivered_at) == (2, "HTTP 503", None)
    await aside(sharing.redeliver, city.people["air.data"], contract.contract_id, letter.letter_id)
    await deliverer.turn()
    assert receiver.results == [3, 1, 2]
    (letter,) = await aside(sharing.dead_letters, number)
    assert letter.redelivered_at
    await deliverer.turn()
    assert len(receiver.results) == 3


async def test_a_receiver_that_lies_a_day_behind_is_told_of_the_gap(city: SharedCity, receiver: Receiver) -> None:
    _, number, _ = await subscribed(city, receiver)
    deliverer = Post(city.dsn)
    await deliverer.run("UPDATE convey_subscription SET position = '5', failures = 3")
    await city.keep("water-a", 1)
    await deliverer.turn()
    assert receiver.results == [1]
    (letter,) = await aside(sharing.dead_letters, number)
    assert letter.is_gap


async def test_deliveries_stop_by_themselves_with_the_contract_and_say_so(city: SharedCity, receiver: Receiver) -> None:
    asked = await aside(city.ask, "water")
    contract = await aside(city.approve, asked.contract_id, until=datetime.now(UTC) + timedelta(hours=1))
    await aside(sharing.subscribe, city.people["air.data"], contract.contract_id, url=receiver.url)
    deliverer = Post(city.dsn)
    await deliverer.run("UPDATE registry_grant SET valid_until = now()")
    await city.keep("water-a", 1)
    await deliverer.turn()
    assert receiver.results == []
    assert receiver.bodies == [
        {"subscription": receiver.bodies[0]["subscription"], "contract": contract.contract_id, "ended": True}
    ]
    view = await state(contract)
    assert (view.state, view.stopped_at is not None) == ("ended", True)
    await deliverer.turn()
    assert len(receiver.got) == 1


async def test_a_subscription_that_fails_holds_up_no_other(city: SharedCity, receiver: Receiver) -> None:
    contract, *_ = await subscribed(city, receiver)
    person = city.people["air.data"]
    await aside(sharing.subscribe, person, contract.contract_id, url="http://127.0.0.1:9/nobody")
    await city.keep("water-a", 1)
    await Post(city.dsn).turn()
    assert receiver.results == [1]
    views = await aside(sharing.subscriptions, contract.contract_id)
    assert [one.failures for one in views] == [0, 1]


async def test_a_subscription_is_stopped_its_key_changed_and_their_number_bounded(
    city: SharedCity, receiver: Receiver
) -> None:
    contract, number, key = await subscribed(city, receiver)
    person, other = city.people["air.data"], contract.contract_id
    assert await aside(sharing.renew_key, person, other, number) != key
    for _ in range(4):
        await aside(sharing.subscribe, person, other, url=receiver.url)
    with pytest.raises(SubscriptionsFullError):
        await aside(sharing.subscribe, person, other, url=receiver.url)
    await aside(sharing.stop_webhook, person, other, number)
    for act in (sharing.stop_webhook, sharing.renew_key):
        with pytest.raises(NotFoundError):
            await aside(act, person, other, number)
    await aside(sharing.end_own_contract, person, other, note="")
    with pytest.raises(ContractNotInForceError):
        await aside(sharing.subscribe, person, other, url=receiver.url)


INSIDE = (
    "http://example.org/",
    "https://127.0.0.1/",
    "https://10.1.2.3/",
    "https://[::1]/",
    "https://169.254.169.254/latest",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    "https://192.168.1.1/",
    "https://user:pass@example.org/",
    "https://example.org/#part",
    "ftp://example.org/",
    "https://",
    "https://exa mple.org/",
    "https://example.org:99999/",
    "https://[2002:a00:1::]/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://例子.org/",
    "https://example.org/\r\nX: y",
    "https://example.org/" + "a" * 500,
)


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        target_of(url)


async def test_a_name_that_leads_inside_is_refused_before_a_connection() -> None:
    with pytest.raises(AddressRefusedError):
        await addresses_of(target_of("https://localhost/"))
    with pytest.raises(AddressRefusedError):
        await post(target_of("https://localhost/"), b"{}", {})


def test_a_public_address_is_taken_apart() -> None:
    target = target_of("https://example.org:8443/a/b?c=d")
    assert (target.host, target.port, target.path, target.authority) == (
        "example.org", 8443, "/a/b?c=d", "example.org:8443",
    )  # fmt: skip
    assert target_of("https://[2606:4700::1]").authority == "[2606:4700::1]"


async def test_an_answer_that_is_no_http_is_a_failure() -> None:
    async def chatter(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 4096)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(PostFailedError):
        await post(target_of(url, private=True), b"{}", {}, private=True)
    server.close()
    await server.wait_closed()


@given(st.binary(max_size=200), st.integers(0, 2**33), st.integers(0, 600))
def test_a_signature_holds_for_its_body_and_its_time_only(body: bytes, at_s: int, age_s: int) -> None:
    key = subscription_key("secret", subscription_id=7, version=1)
    header = signature(key, body, at_s=at_s)
    assert is_signed(header, key, body, now_s=at_s + age_s) == (age_s <= 300)
    assert not is_signed(header, key, body + b"x", now_s=at_s)
    assert not is_signed(header, subscription_key("secret", subscription_id=7, version=2), body, now_s=at_s)
    assert not is_signed("t=x,v1=y", key, body, now_s=at_s)


def test_attempts_lie_further_and_further_apart() -> None:
    pauses = [webhooks.pause_s(n) for n in range(12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2.0, 600.0)
