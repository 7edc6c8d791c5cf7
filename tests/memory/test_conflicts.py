"""Which statements put an end to which earlier ones: a table of those that do, and a longer one of those that look alike and do not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from multimodal_assistant.memory.evolution import conflicts
from multimodal_assistant.memory.facts import facts
from multimodal_assistant.memory.note import MemoryNote, Scope

ANNA = Scope("anna", session="one")
START = datetime(2026, 1, 1, tzinfo=UTC)

ENDED = [
    ("I love my job.", "I hate my job now."),
    ("I live in Lisbon.", "Hey, guess what! I moved to Porto and I love it."),
    ("My wifi password is hunter2", "My wifi password is now hunter3"),
    ("My favourite colour is blue.", "My favourite colour is green now."),
    ("My favorite color is blue", "My favorite color is green"),
    ("I live in Lisbon.", "I moved to Porto."),
    ("I live in Lisbon.", "I've just moved to Porto, finally!"),
    ("I live in Lisbon.", "I now live in Porto."),
    ("I live in Lisbon.", "Actually, I live in Porto."),
    ("I'm living in Lisbon", "We moved to New York last week."),
    ("My sister's name is Julia.", "Actually, no: my sister's name is Anna."),
    ("My phone number is 555-0123.", "My phone number is 555-9876."),
    ("My number is 555 0123", "My new phone number is 555 9876."),
    ("My address is 12 Oak Street.", "My address is 7 Elm Road now."),
    ("I'm 29 years old.", "I just turned 30."),
    ("I'm 29.", "I'm 30 now."),
    ("I work at Google.", "I started at Meta last week."),
    ("I work for Siemens.", "I got a new job at Bosch."),
    ("I work as a nurse.", "I now work as a teacher."),
    ("My job is a nurse.", "My job is now a teacher."),
    ("I love coffee.", "I don't like coffee anymore."),
    ("I hate running.", "I love running now."),
    ("I'm vegetarian.", "I'm vegan now."),
    ("I'm vegetarian.", "I'm no longer vegetarian."),
    ("I'm single.", "I got married!"),
    ("I'm engaged.", "We're married now."),
    ("I have two kids.", "I have three kids now."),
    ("My boss is Tom.", "My new boss is Maria."),
    ("My email is a@b.org", "My email address is c@d.org"),
    ("My birthday is on May 3rd.", "No, my birthday is on May 4th."),
    ("The meeting is on Friday.", "Actually, the meeting is on Monday."),
    ("Anna lives in Lisbon.", "Anna moved to Porto."),
    ("My sister lives in Leeds.", "My sister has moved to York."),
    ("My wife's name is Ann.", "Sorry, my wife's name is Anne-Marie Lund."),
    ("I live in Porto.", "I meant Braga, not Porto."),
    ("My last name is Smith.", "My last name is Jones now."),
    ("My son is 5 years old.", "My son just turned 6."),
]
"""Earlier, later."""

STANDING = [
    ("I live in Lisbon and our cat Miso is at the vet with a broken leg.", "I moved to Porto."),
    ("I love it.", "I don't like it anymore."),
    ("I live in Lisbon.", "I moved to Porto for a month."),
    ("I love the song.", "I hate the song."),
    ("The meeting is in Berlin.", "Actually, the meeting is in May."),
    ("I love my job.", "My wife hates my job."),
    ("My phone number is 555-0123.", "Anna, my phone number is not 555-0123?"),
    ("I am vegan.", "My sister is vegetarian."),
    ("I work as a nurse.", "I work as a volunteer firefighter."),
    ("My favourite colour is blue.", "My favourite food is pizza."),
    ("My favourite colour is blue.", "My favourite colour is blue."),
    ("My favourite colour is blue.", "Anna's favourite colour is green."),
    ("I live in Lisbon.", "I live in Portugal."),
    ("I live in Portugal.", "I moved to Porto."),
    ("I live in Lisbon.", "I live in Porto in the summer."),
    ("I live in Lisbon.", "I want to move to Porto."),
    ("I live in Lisbon.", "I might move to Porto next year."),
    ("I live in Lisbon.", "If I moved to Porto, I'd buy a boat."),
    ("I live in Lisbon.", "I moved to Linux."),
    ("I live in Lisbon.", "I moved to Porto in 2010."),
    ("I live in Lisbon.", "My sister moved to Porto."),
    ("I live in Lisbon.", "Anna said I moved to Porto."),
    ("I live in Lisbon.", "Have I moved to Porto?"),
    ("I live in Lisbon.", "The meeting moved to Thursday."),
    ("I live in Lisbon.", "I moved to the sofa."),
    ("I live in Lisbon.", "I used to live in Porto."),
    ("I live in Lisbon.", "When I was a child I lived in Porto."),
    ("I live in Lisbon.", "I never moved to Porto."),
    ("My sister's name is Julia.", "My sister's name is Anna."),
    ("My sister's name is Julia.", "My brother's name is Tom."),
    ("My phone number is 555-0123.", "My work phone number is 555-9876."),
    ("My phone number is 555-0123.", "My phone number is 5550123."),
    ("My phone number is 555-0123.", "My old phone number is 555-9876."),
    ("My phone number is 555-0123.", "My phone number is easy to remember."),
    ("I'm 29 years old.", "I'm 30 minutes late."),
    ("I'm 29.", "I'm 5 feet tall."),
    ("I'm 29.", "My sister is 31."),
    ("My son is 5 years old.", "My son is 9 years old."),
    ("I work at Google.", "I work at a bakery on weekends."),
    ("I work at Google.", "I also work at Meta."),
    ("I work at Google.", "I work at DeepMind."),
    ("I love coffee.", "I hate tea."),
    ("I love coffee.", "I don't like coffee in the evening."),
    ("I love coffee.", "My wife hates coffee."),
    ("I love coffee.", "I love tea now."),
    ("I love coffee.", "Would I hate coffee?"),
    ("I'm vegetarian.", "I'm not vegan."),
    ("I'm single.", "I'm single-minded."),
    ("I'm married.", "I'm engaged in a debate."),
    ("I have two kids.", "I have two cats."),
    ("I have two kids.", "I have three meetings."),
    ("My name is Anna.", "My name is Anna Maria."),
    ("The meeting is on Friday.", "The party is on Monday."),
    ("The meeting is on Friday.", "The meeting is on Monday."),
    ("The meeting is on Friday.", "Actually, the party is on Monday."),
    ("I live in Lisbon with my cat and I work as a nurse.", "I moved to Porto."),
    ("I live in Lisbon.", "Actually, I love Lisbon."),
    ("My favourite colour is green now.", "My favourite colour was blue."),
    ("I drive a Volvo.", "My car is a Volvo."),
    ("My dog's name is Rex.", "My new dog's name is Fido."),
    ("I like Anna.", "I like Tom."),
    ("I prefer tea.", "I prefer trains."),
    ("My doctor is Dr. Smith.", "My doctor is Dr. Jones."),
    ("I moved to Porto.", "I live in Porto now."),
    ("I live in Lisbon.", "I have moved to Lisbon."),
    ("My boss is Tom.", "My boss is Tom Miller."),
    ("My boss is Tom.", "My boss is angry."),
    ("My job is nurse.", "My job is exhausting."),
    ("My name is Anna.", "My name is easy to spell."),
    ("My car is a Volvo.", "My car is dirty now."),
    ("My address is 12 Oak Street.", "My address is hard to find."),
    ("I'm 30.", "I'm 29."),
    ("I love coffee.", "I can't stand coffee machines."),
    ("I'm 29.", "I'm 40 and a half kilometres away."),
    ("I live in Lisbon.", "Tom and I moved to Room 4."),
    ("My manager is Eva.", "My manager is on holiday now."),
]


def said(text: str, minutes: float = 0, **fields: object) -> MemoryNote:
    note = MemoryNote(text, ANNA, timestamp=START + timedelta(minutes=minutes))
    return replace(note, **fields)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("earlier", "later"), ENDED)
def test_it_is_put_out_of_date(earlier: str, later: str) -> None:
    old = said(earlier)
    assert conflicts(said(later, 5), [said("I like trains.", 1), old]) == (old.id,)


@pytest.mark.parametrize(("earlier", "later"), STANDING)
def test_it_stands(earlier: str, later: str) -> None:
    assert conflicts(said(later, 5), [said(earlier)]) == ()


@pytest.mark.parametrize(("earlier", "later"), ENDED)
def test_the_earlier_does_not_end_the_later(earlier: str, later: str) -> None:
    assert conflicts(said(earlier), [said(later, 5)]) == ()


def test_it_takes_the_same_speaker_and_user() -> None:
    old = said("I live in Lisbon.")
    moved = said("I moved to Porto.", 5)
    for other in (
        replace(old, speaker="Tom"),
        replace(old, source="assistant"),
        replace(old, scope=Scope("tom", session="one")),
        replace(old, superseded_by="x"),
        replace(old, valid_to=START),
    ):
        assert conflicts(moved, [other]) == ()
    assert conflicts(replace(moved, speaker="Anna"), [replace(old, speaker="anna")]) == (old.id,)


def test_a_curly_apostrophe_is_one() -> None:
    old = said("I’m vegetarian.")
    assert conflicts(said("I’m vegan now.", 5), [old]) == (old.id,)


def test_at_the_same_moment_the_place_in_the_session_decides() -> None:
    old, new = said("I live in Lisbon.", position=3), said("I moved to Porto.", position=4)
    assert conflicts(new, [old]) == (old.id,)
    assert conflicts(replace(new, position=3), [old]) == ()


def test_a_denied_value_counts_only_shortly_after() -> None:
    old = said("I live in Porto.")
    assert conflicts(said("I meant Braga, not Porto.", 5), [old]) == (old.id,)
    assert conflicts(said("I meant Braga, not Porto.", 50), [old]) == ()


def test_a_long_note_stays() -> None:
    long = said("I live in Lisbon. " + "The weather was fine and we walked a lot. " * 10)
    assert conflicts(said("I moved to Porto.", 5), [long]) == ()


@pytest.mark.parametrize(
    "text", ["", "\0" * 50, "my " * 100_000, "I moved to " * 50_000, "{}[](){}", "I'm " + "9" * 10_000, "אני גר בתל אביב", "我住在北京。"]
)
def test_any_text_is_read(text: str) -> None:
    assert facts(text) == ()
