"""The demo accounts' common password."""

from cityloop.site.configuration import Configuration
from cityloop.site.secrets import secret

DEMO_PASSWORD_CHARACTERS = 14
"""Length of the demo password: short enough to type, 84 bits."""


def demo_password(configuration: Configuration) -> str:
    """Return the password of all demo accounts, made anew for every city."""
    return secret(configuration, "demo").replace("-", "x").replace("_", "y")[:DEMO_PASSWORD_CHARACTERS]
