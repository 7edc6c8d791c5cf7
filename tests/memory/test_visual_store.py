"""What was seen, on the real index: found again, kept once, and gone when it has to be."""

import os
import shutil
import signal
from pathlib import Path

import anyio
import numpy as np
import pytest
from crashing import forked
from visual_lab import LEFT, MIDDLE, NOW, RIGHT, ago, files_with, marks, plain, shot, thing, visual

from multimodal_assistant.core.errors import EngineFailed, MemoryStoreError
from multimodal_assistant.core.types import Details, WrittenLine
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.engines.scripted_vision import ScriptedImageEncoder
from multimodal_assistant.memory.visual.log import VisualLog
from multimodal_assistant.memory.visual.store import Limits, VisualMemory
from multimodal_assistant.memory.visual.view import Shot
from multimodal_assistant.processors.scene import Seen

pytestmark = pytest.mark.anyio


class OtherEncoder(ScriptedImageEncoder):
    """The same space under another name."""

    @property
    def details(self) -> Details:
        return {"engine": "scripted", "model": "another"}


async def ids(memory: VisualMemory, query: str, **options: float) -> list[int]:
    return [one.view.id for one in await memory.recall_visual("me", query, **options)]  # pyright: ignore[reportArgumentType]


async def test_a_thing_is_found_where_it_was_seen_last(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        first = await memory.keep("me", shot(60, "red", thing("cup", LEFT)))
        await memory.keep("me", shot(30, "blue", thing("dog", MIDDLE)))
        second = await memory.keep("me", shot(20, "green", thing("cup", RIGHT)))
        assert await ids(memory, "my cup") == [second, first]
        (hit, *_) = await memory.recall_visual("me", "mug")
        assert (hit.why, hit.things[0].box, hit.view.last_seen_at) == ("seen", RIGHT, ago(20))
        assert await ids(memory, "a cat") == []
        assert await ids(memory, "cup", until=ago(40)) == [first]
        assert await ids(memory, "cup", since=ago(40)) == [second]
        assert await ids(memory, "cup", since=ago(10)) == []


async def test_what_has_no_name_is_found_by_its_likeness_and_by_words(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        red = await memory.keep("me", shot(60, "red"))
        blue = await memory.keep("me", shot(50, "blue"))
        written = Seen(lines=(WrittenLine("Passport", 0.95, MIDDLE), WrittenLine("blurred", 0.3, MIDDLE)))
        page = await memory.keep("me", Shot(plain("white"), ago(40), "camera 0", written))
        assert await ids(memory, "something red") == [red]
        assert await ids(memory, "something blue") == [blue]
        assert await ids(memory, "something blue", since=ago(45)) == []
        assert await ids(memory, "passports") == [page]
        assert await ids(memory, "blurred") == []
        assert await ids(memory, "xylophone") == []
        assert [one.why for one in await memory.recall_visual("me", "my passport")] == ["words"]
        assert len(await memory.recall_visual("me", "something red", sure=False)) == 3


async def test_a_caption_that_comes_later_is_found(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        id = await memory.keep("me", shot(60, "red"))
        assert id is not None
        assert await memory.caption("me", id, "A bunch of keys beside the lamp.")
        assert await ids(memory, "my keys") == [id]
        assert not await memory.caption("me", id + 1, "Nothing.")
        assert not await memory.caption("ben", id, "Not his.")


async def test_a_part_is_found_that_the_whole_drowns(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        id = await memory.keep("me", Shot(plain("white", "red", LEFT), ago(9), "camera 0", Seen(), (LEFT,)))
        found = await memory.recall_visual("me", "red", sure=False)
        assert [one.view.id for one in found] == [id]
        assert found[0].likeness > found[0].whole + 0.3


async def test_the_same_view_is_kept_once_and_lasts(tmp_path: Path) -> None:
    encoder = ScriptedImageEncoder()
    async with visual(tmp_path, encoder) as memory:
        first = await memory.keep("me", shot(60, "red", thing("cup", LEFT)))
        assert await memory.keep("me", shot(59, "red", thing("cup", LEFT))) == first
        assert await memory.keep("me", shot(55, "red", thing("cup", LEFT))) == first
        (view,) = await memory.latest("me", 9)
        assert (view.seen_at, view.last_seen_at) == (ago(60), ago(55))
        moved = await memory.keep("me", shot(54, "red", thing("cup", RIGHT)))
        other = await memory.keep("me", shot(53, "red", thing("cup", RIGHT), source="camera 1"))
        gone = await memory.keep("me", shot(52, "red"))
        later = await memory.keep("me", shot(20, "red"))  # what was in between nobody knows
        assert len({first, moved, other, gone, later}) == 5
        changed = Shot(plain("red", "blue"), ago(19), "camera 0", Seen(), (MIDDLE,))
        assert await memory.keep("me", changed) not in {later, gone}
        assert await memory.keep("ben", shot(19, "red")) not in {later, gone}


async def test_darkness_is_not_kept(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        assert await memory.keep("me", Shot(plain("black"), ago(1), "camera 0", Seen(dark=True))) is None
        assert await memory.latest("me", 9) == []
        assert await ids(memory, "cup") == await ids(memory, "red") == await ids(memory, "") == []


async def test_views_are_of_one_user(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        id = await memory.keep("anna", shot(60, "red", thing("cup")))
        assert id is not None
        assert await ids(memory, "cup") == await ids(memory, "red") == []
        assert await memory.latest("me", 9) == await memory.views("me", [id]) == []
        assert await memory.picture("me", id) is None
        assert await memory.forget("me") == await memory.forget("me", [id]) == 0
        assert [one.id for one in await memory.latest("anna", 9)] == [id]


async def test_what_is_old_or_too_much_goes(tmp_path: Path) -> None:
    week = 7 * 24 * 60
    async with visual(tmp_path, limits=Limits(days=7, most=3)) as memory:
        kept = [await memory.keep("me", shot(week - 30 + number, colour)) for number, colour in enumerate(("red", "green"))]
        assert len(await memory.latest("me", 9)) == 2
        kept += [await memory.keep("me", shot(5 - number, colour)) for number, colour in enumerate(("blue", "white"))]
        assert [one.id for one in await memory.latest("me", 9)] == [kept[3], kept[2], kept[0]]  # the green one was the oldest
        assert await ids(memory, "green") == []
        await memory.keep("anna", shot(5, "red"))
        assert len(await memory.latest("me", 9)) == 3
    assert files_with(tmp_path, marks("red"))
    async with visual(tmp_path, limits=Limits(days=1, most=3)) as memory:  # a shorter time: at once
        assert [one.id for one in await memory.latest("me", 9)] == [kept[3], kept[2]]
        assert await ids(memory, "blue") == [kept[2]]
    async with visual(tmp_path, looks=False, limits=Limits(days=1 / 24 / 60)) as memory:
        assert await memory.latest("me", 9) == []
    assert not files_with(tmp_path, [*marks("red"), *marks("green"), *marks("blue"), *marks("white")])


async def test_nothing_of_what_was_forgotten_stays(tmp_path: Path) -> None:
    colours = ("red", "green", "blue", "white")
    vectors = await ScriptedImageEncoder().encode_images([plain(one) for one in colours])
    left = [[*marks(colour), vector.astype(np.float16).tobytes()[:16]] for colour, vector in zip(colours, vectors, strict=True)]
    async with visual(tmp_path) as memory:
        kept = [await memory.keep("me", shot(60 - number, colour, thing("cup"))) for number, colour in enumerate(colours)]
        for mark in left[0]:
            assert files_with(tmp_path, [mark])
        assert await memory.forget("me", [kept[0] or 0]) == 1
        assert await ids(memory, "cup") == [kept[3], kept[2], kept[1]]
        assert not files_with(tmp_path, left[0])
        assert await memory.forget("me", since=ago(58.5)) == 2
        assert await ids(memory, "cup") == [kept[1]]
        assert await memory.forget("me", until=ago(70)) == 0
        await memory.keep("anna", shot(1, "brown"))
        assert await memory.forget("me") == 1
        assert not files_with(tmp_path, [mark for one in left for mark in one])
        assert [one.why for one in await memory.recall_visual("anna", "brown")] == ["likeness"]  # others keep theirs
        assert await memory.forget("anna") == 1
        assert await memory.keep("me", shot(0, "red")) == 6  # numbers are not given twice
    assert not files_with(tmp_path, [mark for one in left[1:] for mark in one])


async def test_forgetting_takes_no_model(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        first = await memory.keep("me", shot(60, "red", thing("cup")))
        second = await memory.keep("me", shot(50, "blue", thing("cup")))
    async with visual(tmp_path, looks=False) as memory:
        assert [one.id for one in await memory.latest("me", 9)] == [second, first]
        assert [one.view.id for one in await memory.recall_visual("me", "cup")] == [second, first]
        with pytest.raises(MemoryStoreError, match="only shown and deleted"):
            await memory.keep("me", shot(1, "red"))
        assert await memory.forget("me", [first or 0]) == 1
    assert not files_with(tmp_path, marks("red"))
    async with visual(tmp_path) as memory:
        assert await ids(memory, "blue") == [second]
        assert await ids(memory, "red") == []


async def test_it_is_there_when_it_is_opened_again_whatever_became_of_the_index(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        id = await memory.keep("me", shot(60, "red", thing("cup")))
        stats = await memory.stats("me")
        assert (stats["views"], stats["vectors"], stats["encoder"]) == (1, 2, "scripted: image")
    for damage in ("nothing", "gone", "broken"):
        if damage != "nothing":
            shutil.rmtree(tmp_path / "index")
        if damage == "broken":
            (tmp_path / "index" / "segments").mkdir(parents=True)
        async with visual(tmp_path) as memory:
            assert await ids(memory, "red") == [id], damage
            (view,) = await memory.latest("me", 9)
            assert (view.seen.sightings, view.source, view.words) == ((thing("cup"),), "camera 0", "A cup in the middle.")


async def test_another_encoder_encodes_the_small_pictures_anew(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        kept = [await memory.keep("me", shot(60, "red")), await memory.keep("me", shot(50, "blue", thing("cup")))]
    encoder = OtherEncoder()
    async with visual(tmp_path, encoder) as memory:
        assert await ids(memory, "red") == []
        assert await ids(memory, "cup") == [kept[1]]  # what has a name is found all the same
        while await memory.mend_next():
            pass
        assert await ids(memory, "red") == [kept[0]]
        assert await ids(memory, "blue") == [kept[1]]
        assert (await memory.stats("me"))["vectors"] == 3


async def test_a_failing_encoder_keeps_nothing_half(tmp_path: Path) -> None:
    async with visual(tmp_path, ScriptedImageEncoder(script=Script())) as memory:
        pass
    failing = ScriptedImageEncoder(script=Script())

    class Halves(ScriptedImageEncoder):
        async def encode_images(self, pictures: object) -> np.ndarray:
            return np.ones((1, 7), np.float32)

    async with visual(tmp_path, Halves()) as memory:
        with pytest.raises(EngineFailed, match="7 numbers"):
            await memory.keep("me", shot(1, "red"))
        assert await memory.latest("me", 9) == []
    async with visual(tmp_path, failing) as memory:
        assert await memory.keep("me", shot(1, "red")) is not None


async def test_one_process_at_a_time(tmp_path: Path) -> None:
    async with visual(tmp_path):
        with pytest.raises(MemoryStoreError, match="another process"):
            async with visual(tmp_path):
                pass
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MemoryStoreError, match="cannot be used"):
        async with visual(tmp_path / "file" / "visual"):
            pass


async def test_a_log_that_is_none_or_of_the_future_is_named(tmp_path: Path) -> None:
    (tmp_path / "views.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(MemoryStoreError, match=r"views\.sqlite3"):
        async with visual(tmp_path):
            pass
    (tmp_path / "views.sqlite3").unlink()
    log = VisualLog(tmp_path / "views.sqlite3")
    log.db.execute("PRAGMA user_version = 99")
    log.close()
    with pytest.raises(MemoryStoreError, match="newer version"):
        async with visual(tmp_path):
            pass


@pytest.mark.parametrize("point", ["log", "index"])
def test_killed_between_the_log_and_the_index_nothing_is_lost(tmp_path: Path, point: str) -> None:
    """The third view dies with its process: in the log or not, the index is as the log has it."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work(out: int) -> None:
        from multimodal_assistant.memory.visual.following import FollowingIndex

        async def main() -> None:
            async with visual(tmp_path) as memory:
                for number, colour in enumerate(("red", "green")):
                    id = await memory.keep("me", shot(9 - number, colour, thing("cup")))
                    os.write(out, f"{id}\n".encode())
                owner, name = (VisualLog, "_keep_vectors") if point == "log" else (FollowingIndex, "follow")
                setattr(owner, name, die)
                await memory.keep("me", shot(1, "blue", thing("cup")))

        anyio.run(main)

    lines, code = forked(work)
    assert code == -signal.SIGKILL

    def check(out: int) -> None:
        async def main() -> None:
            async with visual(tmp_path) as memory:
                found = await ids(memory, "cup")
                blue = await ids(memory, "blue")
                green = await ids(memory, "green")
                os.write(out, f"{found} {blue} {green}\n".encode())

        anyio.run(main)

    told, code = forked(check)
    assert code == 0
    first, second = (int(line) for line in lines)
    third = second + 1
    expected = [third, second, first] if point == "index" else [second, first]
    assert told == [f"{expected} {[third] if point == 'index' else []} {[second]}"]


async def test_the_time_of_the_clock_is_what_retention_goes_by(tmp_path: Path) -> None:
    async with visual(tmp_path, limits=Limits(days=1)) as memory:
        assert NOW.timestamp() - ago(24 * 60 + 1) > 86_400
        await memory.keep("me", shot(24 * 60 + 1, "red"))
        assert await memory.latest("me", 9) == []
