"""The one root of all anticipated errors."""

from collections.abc import Mapping
from typing import Any

from cityloop.kernel.text import Text


class CityloopError(Exception):
    """An anticipated failure, told to its reader in the reader's language.

    Attributes:
        key: translation key of the sentence, an English sentence with `%(name)s` places.
        parameters: the values of those places; a `Text` is said in the reader's language.
        status: the HTTP status a face answers with.
        field: the field of the input that is at fault, or None.
    """

    key: str = "Something went wrong."
    status: int = 400

    def __init__(self, *, field: str | None = None, **parameters: Any) -> None:
        """Keep the parameters of the sentence and the field at fault."""
        self.parameters: Mapping[str, Any] = parameters
        self.field = field
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return the English sentence with its places filled."""
        words = {name: value.en if isinstance(value, Text) else value for name, value in self.parameters.items()}
        return self.key % words if words else self.key


class NotFoundError(CityloopError):
    """What was asked for does not exist, or the asker may not know that it does."""

    key = "%(what)s was not found."
    status = 404


class NotAllowedError(CityloopError):
    """The person or device has no right to do this."""

    key = "You have no right to do this: %(what)s."
    status = 403


class InvalidFieldError(CityloopError):
    """A field of the input cannot be accepted."""

    key = "%(name)s: %(reason)s"

    def __init__(self, name: str, reason: str) -> None:
        """Name the field and say why it cannot be accepted."""
        super().__init__(field=name, name=name, reason=reason)
