"""One main link of a lower platform; we are the superior one."""

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.jt809.bodies import (
    LoginResult,
    MessageId,
    batch_of,
    login_answer,
    login_of,
    measurements,
    position_of,
    vehicle_of,
)
from cityloop.sense.stream.protocols.jt809.codec import Frame, Splitter, framed, read
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

_SERIALS = 2**32


class Jt809Session:
    """Reads a lower platform's frames and says what to answer; implements `port.Session`.

    The lower platform's user number is its address in the ledger; a vehicle's address is its number plate. The protocol
    does not acknowledge positions, so the gateway holds the connection while they cannot be kept.
    """

    def __init__(self, admit: Admit, _polled: tuple[Polled, ...] = ()) -> None:
        """Wait for the login.

        Args:
            admit: says whether a user with its password may speak.
        """
        self._admit = admit
        self._splitter = Splitter()
        self._user = ""
        self._serial = 0
        self._tickets = 0

    def receive(self, data: bytes, *, now_us: int) -> Turn:  # noqa: ARG002  the port
        """Take bytes as they come."""
        turn = Turn()
        for item in read(self._splitter, data):
            if isinstance(item, Refused):
                turn.refused.append(item)
                continue
            frame, raw = item
            try:
                self._hear(frame, raw, turn)
            except UnreadableError as error:
                turn.refused.append(refusal(error, raw, address=self._user))
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  the port
        """Return nothing: positions are not acknowledged."""
        return b""

    def tick(self, *, now_us: int) -> Turn:  # noqa: ARG002  the port
        """Do nothing: the lower platform tests the link."""
        return Turn()

    def _hear(self, frame: Frame, raw: bytes, turn: Turn) -> None:
        if frame.message == MessageId.LOGIN:
            self._login(frame, turn)
            return
        if not self._user:
            raise UnreadableError(Reason.NOT_ADMITTED, f"message {frame.message:04X} before a login")
        turn.heard.append(self._user)
        if frame.message == MessageId.LINK_TEST:
            turn.answers += self._say(frame, MessageId.LINK_TEST_ANSWER)
        elif frame.message == MessageId.LOGOUT:
            turn.answers += self._say(frame, MessageId.LOGOUT_ANSWER)
            turn.ends = True
        elif frame.message == MessageId.VEHICLE:
            self._vehicle(frame, raw, turn)
        elif frame.message not in {MessageId.DISCONNECT, MessageId.CLOSE}:
            raise UnreadableError(Reason.UNSUPPORTED, f"message {frame.message:04X} is not taken in")

    def _login(self, frame: Frame, turn: Turn) -> None:
        login = login_of(frame.body)
        user = str(login.user)
        if self._admit(user, login.password):
            self._user = user
            turn.heard.append(user)
            turn.answers += self._say(frame, MessageId.LOGIN_ANSWER, login_answer(LoginResult.DONE))
            return
        detail = f"user {user} is not in the ledger, or its password is wrong"
        turn.refused.append(Refused(Reason.NOT_ADMITTED, detail, framed(frame), user))
        turn.answers += self._say(frame, MessageId.LOGIN_ANSWER, login_answer(LoginResult.WRONG_PASSWORD))
        turn.ends = True

    def _vehicle(self, frame: Frame, raw: bytes, turn: Turn) -> None:
        vehicle = vehicle_of(frame.body)
        if vehicle.kind == MessageId.VEHICLE_LOCATION:
            found = list(measurements(vehicle.plate, position_of(vehicle.data)))
        elif vehicle.kind == MessageId.VEHICLE_BATCH:
            found = []
            for data in batch_of(vehicle.data):
                found += self._late(vehicle.plate, data, raw, turn)
        else:
            raise UnreadableError(Reason.UNSUPPORTED, f"content {vehicle.kind:04X} of a vehicle is not taken in")
        self._tickets += 1
        turn.parcels.append(Parcel(self._tickets, tuple(found), raw))
        turn.heard.append(vehicle.plate)

    @staticmethod
    def _late(plate: str, data: bytes, raw: bytes, turn: Turn) -> tuple[Measurement, ...]:
        try:
            return measurements(plate, position_of(data), Quality.LATE)
        except UnreadableError as error:
            turn.refused.append(refusal(error, raw, address=plate))
            return ()

    def _say(self, frame: Frame, message: MessageId, body: bytes = b"") -> bytes:
        self._serial = (self._serial + 1) % _SERIALS
        return framed(Frame(self._serial, message, frame.platform, body, frame.version))
