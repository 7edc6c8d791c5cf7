"""What is asked of the past is answered from what was kept, and everything else as before."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from visual_lab import LEFT, MIDDLE, NOW, ago, keeping, shot, thing

from multimodal_assistant.core.types import Glance, Picture, RememberedView
from multimodal_assistant.memory.visual.keeper import ViewKeeper
from multimodal_assistant.memory.visual.sight import RememberingSight

pytestmark = pytest.mark.anyio

PICTURE = Picture(b"now", "image/jpeg")


@dataclass
class Inner:
    """Sees what it is told to."""

    glance: Glance = Glance()
    asked: list[str] = field(default_factory=list[str])
    live: bool = False

    async def look(self, said: str) -> Glance:
        self.asked.append(said)
        return self.glance

    async def ahead(self) -> Picture | None:
        return self.glance.picture


def small(keeper: ViewKeeper, inner: Inner) -> RememberingSight:
    return RememberingSight(inner, keeper, "me", small=True, pictures=False, clock=lambda: NOW)


async def told(sight: RememberingSight, said: str) -> Glance:
    """What an answer to that goes by, but for what is shown with it."""
    return replace(await sight.look(said), remembered=None)


async def test_what_was_seen_is_told_with_place_and_time(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        memory = keeper.memory
        await memory.keep("me", shot(60 * 24, "green", thing("dog")))
        await memory.keep("me", shot(5, "red", thing("cup", LEFT)))
        inner = Inner()
        sight = small(keeper, inner)
        cup = "I saw a cup on the left at 14:32, five minutes ago."
        assert await told(sight, "Where did you last see my cup?") == Glance(answer=cup)
        assert await told(sight, "When did you last see my mug?") == Glance(answer=cup)
        assert await told(sight, "Have you seen my cup?") == Glance(answer=f"Yes, {cup}")
        assert await told(sight, "Where did I leave my cup?") == Glance(answer=cup)
        assert await sight.look("Did you see a dog today?") == Glance(answer="No, I have not seen a dog today.")
        assert (await sight.look("Did you see a dog yesterday?")).answer == "Yes, I saw a dog in the middle yesterday at 14:37."
        assert await sight.look("When did you last see my phone?") == Glance(answer="I have not seen your phone.")
        assert await sight.look("What did you see today?") == Glance(answer="I saw a cup today, last at 14:32, five minutes ago.")
        assert (await sight.look("What did you see an hour ago?")).answer == "I have seen nothing an hour ago."
        assert inner.asked == ["Have you seen my cup?", "Where did I leave my cup?"]


async def test_the_view_goes_with_the_answer_about_it(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        memory = keeper.memory
        id = await memory.keep("me", shot(60 * 24, "red", thing("cup", LEFT), source="the screen")) or 0
        await memory.keep("me", shot(5, "green", thing("dog")))
        await memory.keep("you", shot(4, "blue", thing("cup")))
        picture = await memory.picture("me", id)
        assert picture is not None
        there = RememberedView(id, ago(60 * 24), "the screen", "A cup on the left.", picture)
        sight = small(keeper, Inner())
        assert (await sight.look("Where did you last see my cup?")).remembered == there
        for said in ("When did you last see my phone?", "What did you see today?", "What do you see?", "Forget what you have seen."):
            assert (await sight.look(said)).remembered is None
        sees = RememberingSight(Inner(), keeper, "me", small=False, pictures=True, clock=lambda: NOW)
        assert (await sees.look("Where did you last see my cup?")).remembered == there
        far = RememberingSight(Inner(Glance(words="A book.")), keeper, "me", small=False, pictures=False, clock=lambda: NOW)
        assert (await far.look("Where is my cup?")).remembered == there  # it is shown to people, not to the model
        now = RememberingSight(Inner(Glance(PICTURE)), keeper, "me", small=False, pictures=True, clock=lambda: NOW)
        assert (await now.look("Where is my cup?")).remembered is None  # the answer is about what is there
        assert "PIX" not in repr(there)


async def test_other_words_go_to_the_eyes(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        seen = Glance(words="A cat.")
        for said in ("What do you see?", "Where is the cup?", "What is the capital of France?", "Have you seen Casablanca?", ""):
            inner = Inner(seen)
            assert await small(keeper, inner).look(said) == seen
            assert inner.asked[-1] == said


async def test_what_is_in_view_now_is_the_answer(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        memory = keeper.memory
        await memory.keep("me", shot(5, "red", thing("cup", LEFT)))
        there = Glance(answer="The cup is in the middle.")
        assert await small(keeper, Inner(there)).look("Where is my cup?") == there
        gone = Glance(answer="I see no cup.")
        assert (await small(keeper, Inner(gone)).look("Where is my cup?")).answer.startswith("I saw a cup on the left")
        assert await small(keeper, Inner(gone)).look("Where is my book?") == Glance(answer="I have not seen your book.")
        unknown = Glance(words="A cup.")
        assert await small(keeper, Inner(unknown)).look("Where is my sister?") == unknown


async def test_a_model_that_sees_is_shown_the_picture(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        memory = keeper.memory
        id = await memory.keep("me", shot(5, "red", thing("cup", MIDDLE)))
        sees = RememberingSight(Inner(), keeper, "me", small=False, pictures=True, clock=lambda: NOW)
        glance = await sees.look("Where did you last see my cup?")
        assert glance.picture == await memory.picture("me", id or 0)
        assert glance.words.endswith("I saw a cup in the middle at 14:32, five minutes ago.")
        assert "from before" in glance.words
        assert not glance.answer
        both = await RememberingSight(Inner(Glance(PICTURE)), keeper, "me", small=False, pictures=True, clock=lambda: NOW).look(
            "Where is my cup?"
        )
        assert both.picture == PICTURE  # one at most, and what is there now comes first
        assert "from memory: I saw a cup" in both.words
        assert await sees.ahead() is None
        nothing = await sees.look("When did you last see my phone?")
        assert (nothing.picture, nothing.words) == (None, "nothing of it now; from memory: I have not seen your phone.")


async def test_a_model_elsewhere_gets_no_picture(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper:
        memory = keeper.memory
        await memory.keep("me", shot(5, "red", thing("cup", MIDDLE)))
        far = RememberingSight(Inner(Glance(words="A book.")), keeper, "me", small=False, pictures=False, clock=lambda: NOW)
        assert await told(far, "Where is my cup?") == Glance(
            words="now: A book.; from memory: I saw a cup in the middle at 14:32, five minutes ago."
        )


async def test_forgetting_takes_an_answer_that_has_begun(tmp_path: Path) -> None:
    async with keeping(tmp_path) as keeper, anyio.create_task_group() as tasks:
        memory = keeper.memory
        await memory.keep("me", shot(60, "red", thing("cup")))
        await memory.keep("me", shot(5, "blue", thing("book")))
        tasks.start_soon(keeper.run)
        sight = RememberingSight(Inner(), keeper, "me", small=True, pictures=False, clock=lambda: NOW)

        async def left(count: int) -> list[str]:
            await anyio.wait_all_tasks_blocked()
            while len(views := await memory.latest("me", 9)) > count:
                await anyio.wait_all_tasks_blocked()
            return [view.seen.sightings[0].label for view in views]

        said = "Forget what you have seen in the last ten minutes."
        assert (await sight.look(said)).answer == "I forget what I have seen in the last ten minutes: one picture is deleted."
        assert len(await memory.latest("me", 9)) == 2
        await sight.look("Forget what you have seen in the last ten minutes of the film.")  # they had not finished
        assert not sight.answering()
        assert len(await left(2)) == 2
        await sight.look(said)
        assert sight.answering()
        assert not sight.answering()
        assert await left(1) == ["cup"]
        await sight.look("Forget everything that you have seen.")
        sight.answering()
        assert await left(0) == []
        assert (await sight.look("Forget what you have seen.")).answer.startswith("I have nothing to forget")
        tasks.cancel_scope.cancel()
