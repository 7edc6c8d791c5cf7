"""The scripted eyes keep to their script, and their ledger to the truth."""

import anyio
import numpy as np
import pytest
from anyio import wait_all_tasks_blocked

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Box, Guess, Pixels, Sighting, WrittenLine
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.engines.scripted_vision import (
    SOMEBODY,
    ScriptedClassifier,
    ScriptedDetector,
    ScriptedImageEncoder,
    ScriptedReader,
)

pytestmark = pytest.mark.anyio

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def plain(red: int, green: int, blue: int) -> Pixels:
    return np.full((20, 30, 3), (red, green, blue), np.uint8)


async def test_scenes_are_seen_in_turn_and_the_last_one_again() -> None:
    cup = Sighting("cup", 0.8, WHOLE)
    detector = ScriptedDetector(scenes=((SOMEBODY, cup), (), (cup,)))
    seen = [await detector.detect(plain(0, 0, 0)) for _ in range(4)]
    assert seen == [[SOMEBODY, cup], [], [cup], [cup]]
    assert detector.ledger.requests == ["30x20"] * 4
    assert detector.ledger.completed == 4


async def test_labels_and_lines_are_told_as_written() -> None:
    assert await ScriptedClassifier(scenes=((Guess("palace", 0.6),),)).classify(plain(0, 0, 0)) == [Guess("palace", 0.6)]
    line = WrittenLine("EXIT", 0.9, WHOLE)
    assert await ScriptedReader(scenes=((line,),)).read(plain(0, 0, 0)) == [line]
    assert await ScriptedReader().read(plain(0, 0, 0)) == []


async def test_pictures_are_near_the_colours_that_texts_name() -> None:
    encoder = ScriptedImageEncoder()
    images = await encoder.encode_images([plain(250, 10, 10), plain(0, 0, 200), plain(255, 255, 250), plain(128, 128, 128)])
    texts = await encoder.encode_texts(["a red cup", "the blue sea", "white paper", "something else", "something more"])
    assert np.allclose(np.linalg.norm(np.concatenate([images, texts]), axis=1), 1.0, atol=1e-6)
    likeness = texts @ images.T
    assert likeness[:3].argmax(axis=1).tolist() == [0, 1, 2]
    assert abs(likeness[3:]).max() < 0.05
    assert abs(float(texts[3] @ texts[4])) < 0.99
    assert len(await encoder.encode_images([])) == len(await encoder.encode_texts([])) == 0


async def test_a_failure_comes_when_it_is_due() -> None:
    with pytest.raises(EngineFailed, match="detect"):
        await ScriptedDetector(script=Script(fail_after=0)).detect(plain(0, 0, 0))
    with pytest.raises(EngineFailed, match="image"):
        await ScriptedImageEncoder(script=Script(fail_after=0)).encode_texts(["x"])


async def test_who_is_cancelled_is_counted() -> None:
    reader = ScriptedReader(script=Script(delay=3600))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.read, plain(0, 0, 0))
        await wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert (reader.ledger.completed, reader.ledger.cancelled) == (0, 1)
