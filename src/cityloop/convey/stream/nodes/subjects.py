"""Subjects of the account that nodes share; a node may speak under its own number and hear what is meant for it."""


def carried(target: int, source: int) -> str:
    """Return where a node sends envelopes for another."""
    return f"nodes.{target}.from.{source}"


def entities(target: int, source: int) -> str:
    """Return where a node tells another of its things and datastreams."""
    return f"nodes.{target}.entities.{source}"


def inbox(node: int) -> str:
    """Return below which subject answers to a node come."""
    return f"nodes.{node}.answers"


def permissions(number: int) -> dict[str, dict[str, list[str]]]:
    """Return what a node below may do in the account: speak to this node, and hear what is for it."""
    return {
        "publish": {"allow": [carried(0, number), entities(0, number), f"{inbox(0)}.>"]},
        "subscribe": {"allow": [f"nodes.{number}.>"]},
    }
