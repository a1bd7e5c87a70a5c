"""What the public is told of a matter, and what it is not."""

import re
import unicodedata
from typing import Any

from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.text import Text
from cityloop.respond.rules.states import ENDED, State, Step

OPEN, CLOSED = "open", "closed"

NEWS = {
    Step.FILE: "filed",
    Step.CONFIRM: "filed",
    Step.REJECT: "rejected",
    Step.SUSPEND: "suspended",
    Step.RESUME: "resumed",
    Step.PASS_CHECK: "closed",
    Step.REOPEN: "reopened",
    Step.VOID: "void",
}
"""Steps a reporter is told of, and what they are to him."""

NEWS_OF_MERGING = "merged"
"""What it is to a reporter that others have reported the same."""

SAID_ALOUD = frozenset({Step.FINISH, Step.REJECT, Step.VOID})
"""Steps whose note is written for the reporter: what was done, why nothing is done. Other notes stay in the house."""

_CONTACTS = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"  # mail
    r"|(?<![\d])\d{17}[\dXx](?![\d])"  # resident identity number
    r"|(?<![\d])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\d])"  # mobile telephone
    r"|(?<![\d])\(?0\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}(?![\d])",  # telephone with area code
    re.ASCII,
)
_HIDDEN = "•••"


def without_contacts(text: str) -> str:
    """Return a text with mail addresses, telephone and identity numbers made unreadable.

    Full-width digits and signs are read as the plain ones; what is left is as written. Names in running text are not
    found; a reporter is asked not to write any.
    """
    kept, end = list[str](), 0
    for found in _CONTACTS.finditer("".join(map(_plain, text))):
        kept += text[end : found.start()], _HIDDEN
        end = found.end()
    return "".join((*kept, text[end:]))


def _plain(character: str) -> str:
    """Return a character in its plain form (NFKC) where that is one character, so that places stay the same.

    Digits in circles and the like stay: they number what follows, and would lengthen a number they stand before.
    """
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and unicodedata.category(character) != "No" else character


def answers_without_contacts(answers: dict[str, Any]) -> dict[str, Any]:
    """Return answers to the questions of a kind as the public may read them; figures and choices stay as they are."""
    return {code: without_contacts(one) if isinstance(one, str) else one for code, one in answers.items()}


def public_note(step: Step, note: str) -> str:
    """Return what the public may read of a step's note, empty where nothing."""
    return without_contacts(note) if step in SAID_ALOUD else ""


def public_status(state: str | None) -> str:
    """Return `open` or `closed` for the state of a case; a signal without a case is open.

    Source:
        Open311 GeoReport v2: a request is open or closed, nothing else.
    """
    return CLOSED if state is not None and State(state) in ENDED else OPEN


_LIMITS = {
    Clock.NATURAL: Text("立案后%(amount)s小时内处置", "Handled within %(amount)s hours of filing"),
    Clock.WORKING_HOUR: Text("立案后%(amount)s个工作小时内处置", "Handled within %(amount)s working hours of filing"),
    Clock.WORKING_DAY: Text("立案后%(amount)s个工作日内处置", "Handled within %(amount)s working days of filing"),
}


def limit_in_words(limit: Limit) -> Text:
    """Return what a reporter may expect of a limit."""
    words, amount = _LIMITS[limit.clock], {"amount": f"{limit.amount:g}"}
    return Text(words.zh % amount, words.en % amount)
