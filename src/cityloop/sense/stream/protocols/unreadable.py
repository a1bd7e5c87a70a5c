"""What a codec raises inside a session; a session turns it into a refusal and goes on."""

from enum import StrEnum

from cityloop.sense.stream.protocols.port import Refused

RAW_BYTES_MAX = 64 * 1024
"""How much of a frame is kept for inspection, bytes."""


class Reason(StrEnum):
    """Why a frame was refused."""

    GARBAGE = "garbage"
    WRONG_LENGTH = "wrong_length"
    WRONG_CHECKSUM = "wrong_checksum"
    BAD_ESCAPE = "bad_escape"
    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"
    INCOMPLETE = "incomplete"
    BAD_TIME = "bad_time"
    NOT_A_NUMBER = "not_a_number"
    NOT_ADMITTED = "not_admitted"
    UNSUPPORTED = "unsupported"
    ORDER_REFUSED = "order_refused"
    NO_ANSWER = "no_answer"
    DEVICE_ERROR = "device_error"
    OVERLOADED = "overloaded"


class UnreadableError(Exception):
    """A frame or a part of it cannot be read.

    Attributes:
        reason: as a code.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Say why, as a code and for a person."""
        super().__init__(detail)
        self.reason = reason


def refusal(error: UnreadableError, raw: bytes, *, address: str = "") -> Refused:
    """Return an error as what the gateway keeps for inspection."""
    return Refused(error.reason, str(error), bytes(raw[:RAW_BYTES_MAX]), address)
