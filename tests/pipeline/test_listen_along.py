"""When an utterance is transcribed while it is being said, and how much of it is read ahead."""

from multimodal_assistant.pipeline.listen import ListenAlong


def test_the_first_words_are_asked_for_once_there_are_some() -> None:
    along = ListenAlong(10.0)
    assert not along.due(10.7)
    assert along.due(10.8)


def test_a_quick_recognizer_is_asked_again_soon() -> None:
    along = ListenAlong(0.0)
    assert along.due(1.0)
    along.done(1.05)
    assert not along.due(1.4)
    assert along.due(1.46)


def test_a_slow_recognizer_is_left_alone_for_twice_as_long_as_it_took() -> None:
    along = ListenAlong(0.0)
    assert along.due(1.0)
    along.done(1.6)
    assert not along.due(2.7)
    assert along.due(2.81)


def test_the_last_word_is_not_read_ahead() -> None:
    along = ListenAlong()
    assert along.heard("What is the cap") == "What is the"
    assert along.heard("What is the capital of") == "What is the capital"


def test_nothing_is_read_twice() -> None:
    along = ListenAlong()
    assert along.heard("What is") == "What"
    assert along.heard("What was") == ""
    assert along.heard("Hm") == ""
    assert along.heard("") == ""


def test_words_that_changed_are_read_anew() -> None:
    along = ListenAlong()
    along.heard("Ice cream is good")
    assert along.heard("I scream is good and") == "I scream is good"
