"""Binary-coded decimals: two digits a byte."""


def low_first(data: bytes) -> int | None:
    """Return the number of packed digits, lowest byte first; None where a half byte is no digit."""
    return high_first(data[::-1])


def high_first(data: bytes) -> int | None:
    """Return the number of packed digits, highest byte first; None where a half byte is no digit."""
    digits = data.hex()
    return int(digits) if digits.isdecimal() else None


def packed_low_first(number: int, length: int) -> bytes:
    """Return a number as packed digits, lowest byte first.

    Args:
        number: not negative, of at most twice `length` digits.
        length: bytes.

    Raises:
        ValueError: if the number does not fit.
    """
    digits = f"{number:0{2 * length}d}"
    if number < 0 or len(digits) != 2 * length:
        message = f"{number} does not fit in {length} bytes of packed digits"
        raise ValueError(message)
    return bytes.fromhex(digits)[::-1]
