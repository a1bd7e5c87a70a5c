"""What people write, cleaned before it is kept."""

from cityloop.kernel.errors import InvalidFieldError

NOTE_MAX, NAME_MAX = 4000, 200
"""Longest note and longest name, characters."""


def cleaned(text: str, *, field: str = "note", longest: int = NOTE_MAX) -> str:
    """Return a text without what no database keeps and without blanks around it; it may be empty.

    Raises:
        InvalidFieldError: if it is too long.
    """
    words = text.replace("\0", "").strip()
    if len(words) > longest:
        raise InvalidFieldError(field, f"0-{longest}")
    return words


def needed(text: str, *, field: str, longest: int = NOTE_MAX) -> str:
    """Return a text that must not be empty, cleaned.

    Raises:
        InvalidFieldError: if it is empty or too long.
    """
    words = cleaned(text, field=field, longest=longest)
    if not words:
        raise InvalidFieldError(field, f"1-{longest}")
    return words
