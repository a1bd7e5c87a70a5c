"""The demo city: what it plays, from which set or rule, and how it is labelled."""

from cityloop.site.configuration import Configuration


def prepare(configuration: Configuration) -> None:
    """Make the demo city stand; Django is set up before the rooms are reached."""
    from cityloop.site.demo import city  # noqa: PLC0415  the rooms' doors need Django, the player's parts do not

    city.prepare(configuration)
