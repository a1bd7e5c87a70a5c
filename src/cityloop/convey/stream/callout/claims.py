"""What the transport asks and what we answer, as signed claims (JWT, `ed25519-nkey`).

Source:
    NATS documentation, "Auth callout"; github.com/nats-io/jwt, version 2 of the claims.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from cityloop.convey.stream.callout.keys import SigningKey, is_signed
from cityloop.convey.stream.callout.permissions import Permissions
from cityloop.kernel.errors import CityloopError

DEVICES_ACCOUNT = "DEVICES"
"""Account everybody whom we let in lands in."""

NODES_ACCOUNT = "NODES"
"""Account of the nodes below this one."""

MQTT, LEAF = "MQTT", "LEAFNODE"
"""How they may connect; the transport's own protocol is for our processes only."""

UNBOUNDED = -1
_VERSION = 2
_PARTS = 3
_HEADER = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"ed25519-nkey"}').rstrip(b"=")


class ClaimsUnreadableError(CityloopError):
    """What should be signed claims is none, or its signature is wrong."""

    key = "A message of the transport cannot be read."


class _Server(msgspec.Struct):
    id: str


class _Client(msgspec.Struct):
    host: str = ""
    mqtt_id: str = ""


class _Options(msgspec.Struct):
    user: str = ""
    password: str = msgspec.field(name="pass", default="")


class _Asked(msgspec.Struct):
    server_id: _Server
    user_nkey: str
    client_info: _Client
    connect_opts: _Options


class _Request(msgspec.Struct):
    iss: str
    nats: _Asked


_request = msgspec.json.Decoder(_Request)


@dataclass(frozen=True, slots=True)
class Login:
    """Who wants to come in.

    Attributes:
        server: key of the server that asks.
        user_key: key the server has made for this connection.
        name: MQTT user name, as given.
        password: MQTT password, as given: a token.
        host: network address it comes from.
        client_id: MQTT client id, as given.
    """

    server: str
    user_key: str
    name: str
    password: str
    host: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Admission:
    """What we let somebody do.

    Attributes:
        name: stands beside the connection in the transport's monitoring.
        permissions: where it may publish and subscribe.
        expires_at_s: when the transport ends the connection, seconds since the Unix epoch; it may log in again.
        account: where it lands.
        connection_kind: how it may connect.
    """

    name: str
    permissions: Permissions
    expires_at_s: int
    account: str = DEVICES_ACCOUNT
    connection_kind: str = MQTT


def login_of(request: bytes) -> Login:
    """Return who wants to come in.

    Raises:
        ClaimsUnreadableError: if the request is none, or not signed by the server it names.
        KeyUnreadableError: if that server's key is none.
    """
    parts = request.split(b".")
    if len(parts) != _PARTS:
        raise ClaimsUnreadableError
    try:
        told = _request.decode(_decoded(parts[1]))
        signature = _decoded(parts[2])
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise ClaimsUnreadableError from error
    asked = told.nats
    if told.iss != asked.server_id.id or not is_signed(told.iss, parts[0] + b"." + parts[1], signature):
        raise ClaimsUnreadableError
    options, client = asked.connect_opts, asked.client_info
    return Login(told.iss, asked.user_nkey, options.user, options.password, client.host, client.mqtt_id)


def admitting(login: Login, admission: Admission, key: SigningKey, *, now_s: int) -> bytes:
    """Return the answer that lets somebody in.

    Args:
        login: who.
        admission: to do what.
        key: signs.
        now_s: seconds since the Unix epoch.
    """
    allowed = admission.permissions
    claims = {
        "name": admission.name,
        "aud": admission.account,
        "exp": admission.expires_at_s,
        "nats": {
            "type": "user",
            "version": _VERSION,
            "pub": _rule(allowed.publish),
            "sub": _rule(allowed.subscribe),
            "subs": UNBOUNDED,
            "data": UNBOUNDED,
            "payload": UNBOUNDED,
            "allowed_connection_types": [admission.connection_kind],
        },
    }
    user = _signed(claims, key, subject=login.user_key, now_s=now_s)
    return _answer(login, key, {"jwt": user.decode()}, now_s=now_s)


def refusing(login: Login, reason: str, key: SigningKey, *, now_s: int) -> bytes:
    """Return the answer that lets somebody not in; the reason stands in the transport's log only."""
    return _answer(login, key, {"error": reason}, now_s=now_s)


def _rule(subjects: tuple[str, ...]) -> dict[str, list[str]]:
    return {"allow": list(subjects)} if subjects else {"deny": [">"]}


def _answer(login: Login, key: SigningKey, said: dict[str, str], *, now_s: int) -> bytes:
    claims = {"aud": login.server, "nats": {"type": "authorization_response", "version": _VERSION, **said}}
    return _signed(claims, key, subject=login.user_key, now_s=now_s)


def _signed(claims: dict[str, Any], key: SigningKey, *, subject: str, now_s: int) -> bytes:
    body = _encoded(msgspec.json.encode({**claims, "iss": key.public, "sub": subject, "iat": now_s, "jti": subject}))
    message = _HEADER + b"." + body
    return message + b"." + _encoded(key.sign(message))


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
