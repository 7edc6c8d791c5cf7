"""Frames are written in idle time, the newest if there are too many, and none is lost at the end."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from visual_lab import LEFT, NOW, ago, plain, shot, thing, visual

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Pixels, Vectors, VideoFrame
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.engines.scripted_vision import ScriptedImageEncoder
from multimodal_assistant.memory.visual.keeper import Forgetting, ViewKeeper
from multimodal_assistant.memory.visual.view import Shot
from multimodal_assistant.processors.scene import Seen

pytestmark = pytest.mark.anyio


async def test_what_is_handed_over_is_kept_with_its_time(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        keeper = ViewKeeper(memory, clock=lambda: NOW)
        keep = keeper.keep_for("me", "camera 0")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keeper.run)
            keep(VideoFrame(plain("red"), anyio.current_time() - 60), Seen((thing("cup"),)), ())
            await anyio.wait_all_tasks_blocked()
            while keeper.waiting or not await memory.latest("me", 1):
                await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await keeper.finish()
        (view,) = await memory.latest("me", 9)
        assert abs(view.seen_at - ago(1)) < 5
        assert (view.source, view.seen.sightings) == ("camera 0", (thing("cup"),))


async def test_of_too_many_the_newest_are_kept_and_none_is_lost_at_the_end(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        keeper = ViewKeeper(memory, quiet=lambda: False)
        colours = ("red", "orange", "yellow", "green", "blue", "white")
        for number, colour in enumerate(colours):
            keeper.put("me", shot(9 - number, colour, thing(colour)))
        assert keeper.waiting == 4
        await keeper.finish()
        keeper.put("me", shot(1, "black"))  # nobody listens any more, and nobody is troubled
        await keeper.finish()
        assert [view.seen.sightings[0].label for view in await memory.latest("me", 9)] == list(reversed(colours[2:]))


async def test_a_request_to_forget_is_not_dropped_for_frames(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        await memory.keep("me", shot(60, "red", thing("cup")))
        keeper = ViewKeeper(memory)
        keeper.put("me", shot(50, "orange"))
        keeper.forget("me", Forgetting(until=ago(40)))
        for number, colour in enumerate(("yellow", "green", "blue", "white")):
            keeper.put("me", shot(9 - number, colour, thing(colour)))
        await keeper.finish()
        assert [view.seen.sightings[0].label for view in await memory.latest("me", 9)] == ["white", "blue", "green", "yellow"]


async def test_what_is_being_written_when_all_ends_is_written(tmp_path: Path) -> None:
    encoder = ScriptedImageEncoder(script=Script(delay=60.0))
    async with visual(tmp_path) as memory:
        memory._encoder = encoder  # pyright: ignore[reportPrivateUsage]
        keeper = ViewKeeper(memory)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keeper.run)
            keeper.put("me", shot(1, "red", thing("cup")))
            while not encoder.ledger.requests:
                await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        memory._encoder = ScriptedImageEncoder()  # pyright: ignore[reportPrivateUsage]
        await keeper.finish()
        assert len(await memory.latest("me", 9)) == 1


async def test_each_part_waits_until_nobody_has_the_floor(tmp_path: Path) -> None:
    floor = [True, False, False]  # quiet; then somebody speaks, and has done

    class Watching(ScriptedImageEncoder):
        async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
            events.append("encoded")
            return await super().encode_images(pictures)

    def quiet() -> bool:
        now = floor.pop(0) if floor else True
        events.append("quiet" if now else "not quiet")
        return now

    events: list[str] = []
    async with visual(tmp_path, Watching()) as memory:
        keeper = ViewKeeper(memory, quiet=quiet)
        async with anyio.create_task_group() as tasks:
            keeper.put("me", Shot(plain("red", "blue", LEFT), ago(1), "camera 0", Seen(), (LEFT,)))
            tasks.start_soon(keeper.run)
            while not await memory.latest("me", 1):
                await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await keeper.finish()
    assert events[:6] == ["quiet", "encoded", "not quiet", "not quiet", "quiet", "encoded"]


async def test_what_is_to_be_forgotten_waits_for_no_silence(tmp_path: Path) -> None:
    """Nor do the frames before it: the next question must not find it again."""
    async with visual(tmp_path) as memory:
        await memory.keep("me", shot(60, "red", thing("cup")))
        keeper = ViewKeeper(memory, quiet=lambda: False)
        async with anyio.create_task_group() as tasks:
            keeper.put("me", shot(9, "blue", thing("book")))
            keeper.forget("me", Forgetting())
            tasks.start_soon(keeper.run)
            while await memory.latest("me", 1):
                await anyio.wait_all_tasks_blocked()
            keeper.put("me", shot(1, "green", thing("dog")))
            await anyio.wait_all_tasks_blocked()
            assert await memory.latest("me", 1) == []  # what comes then waits as before
            tasks.cancel_scope.cancel()
        await keeper.finish()
        assert len(await memory.latest("me", 9)) == 1


async def test_what_another_encoder_has_made_is_mended_behind_what_is_new(tmp_path: Path) -> None:
    class Other(ScriptedImageEncoder):
        @property
        def details(self) -> dict[str, str]:
            return {"engine": "scripted", "model": "another"}

    async with visual(tmp_path) as memory:
        old = await memory.keep("me", shot(60, "red"))
    async with visual(tmp_path, Other()) as memory:
        keeper = ViewKeeper(memory)
        keeper.put("me", shot(1, "blue"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keeper.run)
            while not await memory.recall_visual("me", "red"):
                await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await keeper.finish()
        assert [one.view.id for one in await memory.recall_visual("me", "red")] == [old]
        assert len(await memory.recall_visual("me", "blue")) == 1


async def test_an_encoder_that_fails_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(ScriptedImageEncoder):
        async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
            raise EngineFailed("The encoder is tired.")

    async with visual(tmp_path, Failing()) as memory:
        keeper = ViewKeeper(memory)
        keeper.put("me", shot(1, "red"))
        await keeper.finish()
        assert await memory.latest("me", 9) == []
    assert "a view is not kept" in caplog.text
