"""The command line: `cityloop up, down, status, doctor, …`.

Every module in this folder with `add_parser` and `run` is a command; its docstring's first line is no help text, what
it hands to `add_parser` is. Help and messages come in the person's language (`--lang`, else the environment's).
"""

from cityloop.site.cli.main import main

__all__ = ["main"]
