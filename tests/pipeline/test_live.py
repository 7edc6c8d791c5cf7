"""A view that goes on: what is told of it is what is there now."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import anyio
import numpy as np
import pytest

from multimodal_assistant.core.types import Box, Glance, Picture, Pixels, Sighting, VideoFrame, WrittenLine
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.engines.scripted_vision import ScriptedClassifier, ScriptedDetector, ScriptedReader
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.live import LiveView
from multimodal_assistant.pipeline.sight import LiveSight, NoSight, ShownSight, Viewer
from multimodal_assistant.pipeline.views import StillView

pytestmark = pytest.mark.anyio

MIDDLE = Box(0.4, 0.4, 0.2, 0.2)
CAT = Sighting("cat", 0.9, MIDDLE)
DOG = Sighting("dog", 0.9, MIDDLE)
rng = np.random.default_rng(6)


def scenery(seed: int) -> Pixels:
    """Something to see: another seed, another scene."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 16, 3))
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


@dataclass
class Shown:
    """A source whose frames a test gives."""

    name: str = "the camera"
    rate: float = 1.0
    rates: list[float] = field(default_factory=list[float])

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        for frame in ():
            yield frame


async def encode(pixels: Pixels) -> Picture:
    return Picture(pixels[:1, :1].tobytes(), "image/jpeg")


def eyes(*scenes: Sequence[Sighting], reads: Sequence[WrittenLine] = (), script: Script | None = None) -> Eyes:
    return Eyes(ScriptedDetector(scenes=scenes, script=script), ScriptedClassifier(scenes=[[]]), ScriptedReader(scenes=[reads]))


async def watched(view: LiveView, *pictures: Pixels, busy: bool = False) -> None:
    """These frames, a second apart, the last of them now; the view goes on."""
    begun = anyio.current_time() - len(pictures) + 1

    async def frames() -> AsyncGenerator[VideoFrame]:
        for second, pixels in enumerate(pictures):
            yield VideoFrame(pixels, begun + second)
        done.set()
        await anyio.sleep_forever()

    done = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: view.watch(frames(), busy=lambda: busy))
        await done.wait()
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


async def test_what_is_in_view_is_known_before_anybody_asks() -> None:
    recognizers = eyes([CAT])
    view = LiveView(Shown(), encode, recognizers)
    await watched(view, scenery(1), scenery(1), scenery(1))
    assert len(recognizers.detector.ledger.requests) == 1  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    assert await LiveSight(view, Viewer()).look("What do you see?") == Glance(words="A cat in the middle.")
    assert await LiveSight(view, Viewer()).look("What time is it?") == Glance()


async def test_another_scene_is_another_answer() -> None:
    view = LiveView(Shown(), encode, eyes([CAT], [DOG]))
    await watched(view, scenery(1), scenery(1), scenery(2), scenery(2), scenery(2))
    assert (await LiveSight(view, Viewer(small=True)).look("Is there a cat?")).answer == "No, I see no cat. I see a dog in the middle."


async def test_what_came_while_an_answer_was_made_is_recognized_when_somebody_asks() -> None:
    recognizers = eyes([CAT])
    view = LiveView(Shown(), encode, recognizers)
    await watched(view, scenery(1), scenery(1), busy=True)
    assert not recognizers.detector.ledger.requests  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert (await LiveSight(view, Viewer()).look("What is this?")).words == "A cat in the middle."


async def test_a_recognizer_that_fails_ends_no_view() -> None:
    view = LiveView(Shown(), encode, eyes([CAT], script=Script(fail_after=0)))
    await watched(view, scenery(1), scenery(1), scenery(1))
    assert view.blind == ""


async def test_nothing_is_made_up_where_nothing_is_shown() -> None:
    view = LiveView(Shown(), encode, eyes([CAT]))
    sight = LiveSight(view, Viewer())
    assert await sight.look("What do you see?") == Glance(answer="I cannot see anything: the camera shows nothing.")
    assert await sight.look("What is the capital of France?") == Glance()
    assert await sight.look("What is this?") == Glance()


async def test_a_covered_lens_is_told() -> None:
    view = LiveView(Shown(), encode, eyes([CAT]))
    await watched(view, scenery(1), *[np.full((180, 320, 3), 4, np.uint8)] * 3)
    assert (await LiveSight(view, Viewer(sees=True)).look("What do you see?")).answer == (
        "I cannot see anything: the camera shows only darkness."
    )


async def test_a_view_that_stood_still_is_not_the_present() -> None:
    view = LiveView(Shown(), encode, eyes([CAT]))
    long_ago = anyio.current_time() - 12

    async def frames() -> AsyncGenerator[VideoFrame]:
        yield VideoFrame(scenery(1), long_ago)
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(view.watch, frames())
        await anyio.wait_all_tasks_blocked()
        assert await LiveSight(view, Viewer(sees=True)).look("What can you see?") == Glance(
            answer="I cannot see anything: the camera has shown nothing for 12 seconds."
        )
        tasks.cancel_scope.cancel()


async def test_a_view_that_is_over_shows_nothing() -> None:
    view = LiveView(Shown(name="party.mp4"), encode, eyes([CAT]))

    async def frames() -> AsyncGenerator[VideoFrame]:
        yield VideoFrame(scenery(1), anyio.current_time())

    await view.watch(frames())
    assert view.blind == "I cannot see anything: party.mp4 shows nothing."


async def test_nothing_of_what_was_put_away_is_told_of_what_comes_after_it() -> None:
    view = LiveView(Shown(), encode, eyes([CAT], [DOG]))
    sight = LiveSight(view, Viewer())
    await watched(view, scenery(1), scenery(1), scenery(1))
    assert "cat" in (await sight.look("What do you see?")).words
    view.forget()
    assert (await sight.look("What do you see?")).answer == "I cannot see anything: the camera shows nothing."
    await watched(view, scenery(1), scenery(1), scenery(1))
    assert (await sight.look("What do you see?")).words == "A dog in the middle."


async def test_a_model_that_sees_gets_the_same_bytes_while_nothing_changes_and_no_picture_it_has_no_need_of() -> None:
    view = LiveView(Shown(), encode, None)
    sight = LiveSight(view, Viewer(sees=True))
    await watched(view, scenery(1), scenery(1), scenery(1))
    first = await sight.look("Hello.")
    assert first.picture is not None
    assert await sight.look("And how are you?") == Glance()
    assert (await sight.look("What do you see?")).picture is first.picture


async def test_writing_is_read_once_and_only_on_demand() -> None:
    recognizers = eyes([], reads=[WrittenLine("EXIT", 0.99, MIDDLE)])
    view = LiveView(Shown(), encode, recognizers)
    await watched(view, scenery(1), scenery(1))
    for _ in range(2):
        assert (await LiveSight(view, Viewer(small=True)).look("What does the sign say?")).answer == "It says: EXIT."
    assert len(recognizers.reader.ledger.requests) == 1  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]


async def test_more_is_looked_at_while_somebody_speaks() -> None:
    source = Shown()
    view = LiveView(source, encode, None)
    view.speech_begins()
    assert source.rate == 3.0
    view.speech_ends()
    assert source.rate == 1.0


async def test_a_picture_is_looked_at_whatever_is_said() -> None:
    recognizers = eyes([CAT], reads=[WrittenLine("EXIT", 0.99, MIDDLE)])
    sight = ShownSight(StillView(scenery(1), encode, recognizers), Viewer())
    assert (await sight.look("Tell me about it.")).words == "A cat in the middle."
    assert (await sight.look("Read it to me.")).words == "A cat in the middle. It says: “EXIT”"
    assert (await sight.look("And now?")).words == "A cat in the middle. It says: “EXIT”"


async def test_a_dark_picture_is_no_picture_for_a_model_that_sees() -> None:
    sight = ShownSight(StillView(np.zeros((90, 160, 3), np.uint8), encode, None), Viewer(sees=True))
    assert await sight.look("What is this?") == Glance(answer="I cannot see anything: the picture is dark.")


async def test_without_eyes_it_is_said_and_only_where_it_is_asked() -> None:
    assert (await NoSight().look("Can you see me?")).answer.startswith("I cannot see anything")
    assert await NoSight().look("What is this?") == Glance()


async def test_what_was_in_view_a_moment_ago_is_told_of_as_past() -> None:
    view = LiveView(Shown(), encode, eyes([CAT], [DOG], [CAT]))
    await watched(view, scenery(1), scenery(1), scenery(1), scenery(2), scenery(2), scenery(2))
    sight = LiveSight(view, Viewer(small=True))
    assert (await sight.look("What do you see?")).answer == "I see a dog in the middle."
    assert (await sight.look("What was that?")).answer == "I saw a cat in the middle."
    assert (await LiveSight(view, Viewer()).look("Did you see that?")).words == "A moment ago: A cat in the middle."


async def test_where_nothing_was_before_the_present_is_told() -> None:
    view = LiveView(Shown(), encode, eyes([CAT]))
    await watched(view, scenery(1), scenery(1))
    assert (await LiveSight(view, Viewer(small=True)).look("What was that?")).answer == "I see a cat in the middle."
