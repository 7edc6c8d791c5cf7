"""What crosses a hop is frozen and knows its own units."""

import dataclasses
import inspect

import numpy as np
import pytest

from multimodal_assistant.core import events, types
from multimodal_assistant.core.types import AudioChunk, Message, TextDelta, Transcript

VALUES = [
    member
    for module in (types, events)
    for member in vars(module).values()
    if inspect.isclass(member) and member.__module__ == module.__name__ and dataclasses.is_dataclass(member)
]


def test_audio_counts_time_in_samples() -> None:
    chunk = AudioChunk(np.zeros(8_000, np.float32), 16_000, start=4_000)
    assert chunk.seconds == 0.5
    assert (chunk.start, chunk.end) == (4_000, 12_000)
    assert AudioChunk(np.zeros(0, np.float32), 16_000).seconds == 0.0


def test_there_are_values_to_check() -> None:
    assert {"AudioChunk", "Transcript", "SpokenChunk", "ReplyText"} <= {value.__name__ for value in VALUES}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_value_is_frozen_slotted_and_described(value: type) -> None:
    assert value.__dataclass_params__.frozen  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert "__slots__" in vars(value)
    assert value.__doc__
    assert not value.__doc__.startswith(f"{value.__name__}(")  # what dataclass writes where nobody did


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Message("user", "Hi").text = "Ho"  # pyright: ignore[reportAttributeAccessIssue]


def test_optional_parts_default_to_nothing() -> None:
    assert TextDelta("a").usage is None
    transcript = Transcript("Hi", "en", 1.0, -0.1, 0.0, 0.5)
    assert transcript.words == ()
    assert not transcript.rerun
