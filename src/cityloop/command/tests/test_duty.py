"""Shifts and the duty log."""

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from cityloop.command import facade
from cityloop.command.facade import NoSuchEntryError, SameOfficerError
from cityloop.command.services import UnknownLogKindError
from cityloop.command.tests.conftest import City, signed_in
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import InvalidFieldError, NotAllowedError
from cityloop.kernel.facts.commanded import ShiftHandedOver


def test_a_shift_is_handed_over_with_its_open_items_and_the_journal_says_so(city: City) -> None:
    leaving, coming = city.people["duty1"], city.people["duty2"]
    facade.hand_over(leaving, taking_over=coming.person_id, note=" 平稳 ")
    duty = facade.on_duty(CITY)
    assert duty is not None
    assert (duty.taking_over, duty.leaving_name, duty.note) == (coming.person_id, leaving.name, "平稳")
    entry = journal.latest_fact(ShiftHandedOver)
    assert entry is not None
    assert (entry.fact.actor, entry.fact.to) == (leaving.actor, coming.actor)


def test_nobody_is_on_duty_before_the_first_hand_over(city: City) -> None:
    assert facade.on_duty(CITY) is None
    assert city.people


def test_a_shift_is_not_handed_over_to_oneself_nor_to_one_without_the_right_nor_without_a_note(city: City) -> None:
    officer = city.people["duty1"]
    with pytest.raises(SameOfficerError):
        facade.hand_over(officer, taking_over=officer.person_id, note="x")
    with pytest.raises(NotAllowedError):
        facade.hand_over(officer, taking_over=city.people["citizen"].person_id, note="x")
    with pytest.raises(InvalidFieldError):
        facade.hand_over(officer, taking_over=city.people["duty2"].person_id, note="  ")
    assert facade.on_duty(CITY) is None


def test_the_next_officers_are_others_who_may_take_the_shift(city: City) -> None:
    names = {officer.username for officer in facade.next_officers(city.people["duty1"])}
    assert "duty2" in names
    assert not {"duty1", "citizen"} & names


def test_an_entry_is_corrected_by_a_new_one_that_names_it(city: City) -> None:
    person = city.people["duty1"].person_id
    first = facade.write_log(CITY, person=person, kind="call_in", words="三处停水")
    second = facade.write_log(CITY, person=person, kind="note", words="应为两处", corrects=first)
    newest, oldest = facade.log_entries(CITY)
    assert (newest.entry_id, newest.corrects, oldest.corrected_by) == (second, first, second)


def test_the_database_refuses_to_change_or_delete_an_entry(city: City) -> None:
    number = facade.write_log(CITY, person=city.people["duty1"].person_id, kind="note", words="x")
    for statement in ("UPDATE command_logentry SET words = 'y'", "DELETE FROM command_logentry"):
        with pytest.raises((InternalError, ProgrammingError), match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    assert facade.log_entries(CITY)[0].entry_id == number


def test_an_entry_of_an_unknown_kind_or_without_words_or_correcting_nothing_is_refused(city: City) -> None:
    person = city.people["duty1"].person_id
    with pytest.raises(UnknownLogKindError):
        facade.write_log(CITY, person=person, kind="rumour", words="x")
    with pytest.raises(InvalidFieldError):
        facade.write_log(CITY, person=person, kind="note", words="")
    with pytest.raises(NoSuchEntryError):
        facade.write_log(CITY, person=person, kind="note", words="x", corrects=4711)


def test_the_shift_page_hands_over_and_writes_the_log(city: City) -> None:
    client = signed_in("duty1")
    answer = client.post("/shift/", {"taking_over": city.people["duty2"].person_id, "note": "夜间平稳"}, follow=True)
    assert "王志强" in answer.content.decode()
    answer = client.post("/shift/log/", {"kind": "report", "words": "首报", "corrects": ""}, follow=True)
    assert "首报" in answer.content.decode()


def test_a_number_that_is_none_is_refused_with_a_sentence(city: City) -> None:
    answer = signed_in("duty1", language="en").post("/shift/", {"taking_over": "Bob", "note": "x"})
    assert answer.status_code == 422
    assert "This is not a number: Bob." in answer.content.decode()
    assert city.people
