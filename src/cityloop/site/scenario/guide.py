"""Leads through a scenario: says what happens and where to look, and waits for the reader."""

from collections.abc import Callable
from dataclasses import dataclass, field
from gettext import gettext as _

from rich.console import Console


@dataclass(slots=True)
class Guide:
    """Says what a scenario shows, step by step.

    Attributes:
        console: where it is said.
        address: of the city's pages.
        wait: called before each step, with what is to be asked.
    """

    console: Console
    address: str
    wait: Callable[[str], object]
    _number: int = field(default=0)

    def step(self, title: str) -> None:
        """Begin a step, when the reader is ready for it."""
        if self._number:
            self.wait(_("Enter goes on ... "))
        self._number += 1
        self.console.print()
        self.console.print(f"{self._number}  {title}", style="bold", markup=False)

    def say(self, text: str) -> None:
        """Say something of the step."""
        self.console.print(f"   {text}", markup=False)

    def look(self, path: str) -> None:
        """Say where to look."""
        self.console.print(f"   → {self.address}{path}", style="cyan", markup=False, soft_wrap=True)
