"""Videos as people have them: whole, turned, cut short, and such as are none."""

import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import aclosing
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import av
import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multimodal_assistant.core.errors import UnreadablePicture
from multimodal_assistant.core.types import Pixels, VideoFrame
from multimodal_assistant.transports.video_file import VideoFile

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def never_blocks() -> Iterator[None]:
    """What plays a video on the event loop waits for no file."""
    with blockbuster_ctx("multimodal_assistant"):
        yield


def corner(number: int) -> Pixels:
    """Red above on the left, and as bright elsewhere as the number says."""
    pixels = np.full((48, 64, 3), number, np.uint8)
    pixels[:24, :32] = (250, 0, 0)
    return pixels


def written(path: Path, count: int = 50, *, codec: str = "mpeg4", options: dict[str, str] | None = None, every: int = 1) -> Path:
    """A video of `count` frames that grow brighter, 4 steps a frame, 25 a second; `every`: frame times that one takes."""
    container: Any
    with av.open(path, "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 2_000_000
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(corner(4 * number % 240), format="rgb24")
            frame.pts = number * every
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


async def seen(path: Path, rate: float = 5.0) -> list[VideoFrame]:
    """All frames, as fast as they come."""
    async with aclosing(VideoFile(path, rate=rate, paced=False).frames()) as frames:
        return [frame async for frame in frames]


def shade(frame: VideoFrame) -> int:
    """The number of the frame in the film."""
    return round(float(frame.pixels[30:, 40:].mean()) / 4)


async def refusal(path: Path, **how: Any) -> tuple[str, int]:
    """What is wrong with it, and how many frames come before that is said."""
    count = 0
    try:
        async for _ in VideoFile(path, rate=5, paced=False, **how).frames():
            count += 1
    except UnreadablePicture as error:
        check_words(error, path)
        return error.problem.replace(str(path), "FILE"), count
    pytest.fail(f"nothing is wrong with {path}: {count} frames")


def check_words(error: UnreadablePicture, path: Path) -> None:
    """One sentence that names the file, and a remedy."""
    for text in (error.problem, error.remedy):
        assert text.endswith(".")
        assert "\n" not in text
    assert str(path) in error.problem
    assert ". " not in error.problem.replace(str(path), "")
    assert "Error" not in error.problem


# What is shown


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mkv", "film.mov"])
async def test_a_frame_of_every_fifth_of_a_second(tmp_path: Path, name: str) -> None:
    frames = await seen(written(tmp_path / name))
    assert [round(frame.at, 3) for frame in frames] == [round(0.2 * count, 3) for count in range(10)]
    assert [shade(frame) for frame in frames] == pytest.approx([5 * count for count in range(10)], abs=1)
    assert frames[0].pixels.shape == (48, 64, 3)
    assert frames[0].pixels.dtype == np.uint8
    assert frames[0].pixels.flags.c_contiguous


async def test_a_gap_in_the_film_shows_what_was_there_before(tmp_path: Path) -> None:
    frames = await seen(written(tmp_path / "slow.mp4", 4, every=25), rate=2)  # one frame a second
    assert [shade(frame) for frame in frames] == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_one_frame_is_a_film_too(tmp_path: Path) -> None:
    assert len(await seen(written(tmp_path / "one.mp4", 1))) == 1
    Image.fromarray(corner(9)).save(tmp_path / "one.png")
    assert len(await seen(tmp_path / "one.png")) == 1


async def test_a_name_may_look_like_an_address(tmp_path: Path) -> None:
    path = tmp_path / "concat:a|b 100%d.mp4"
    written(tmp_path / "a.mp4").rename(path)
    assert len(await seen(path)) == 10
    assert VideoFile(path).name == "concat:a|b 100%d.mp4"


def turned(path: Path, clockwise: bool) -> Path:
    """Write into an MP4 how the telephone was held (ISO/IEC 14496-12, 8.3.2: the matrix of `tkhd`)."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    one, minus = 0x10000, -0x10000
    rows = (0, one, 0, minus, 0, 0) if clockwise else (0, minus, 0, one, 0, 0)
    struct.pack_into(">6i", content, matrix, *rows)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("clockwise", [True, False])
async def test_a_film_is_turned_as_its_camera_was_held(tmp_path: Path, clockwise: bool) -> None:
    frames = await seen(turned(written(tmp_path / "upright.mp4"), clockwise))
    pixels = frames[0].pixels
    assert pixels.shape == (64, 48, 3)
    assert pixels.flags.c_contiguous
    red = (pixels[:, :, 0] > 150).nonzero()
    middle = [float(side.mean()) for side in red]
    assert middle == pytest.approx([16, 36] if clockwise else [48, 12], abs=2)


async def test_it_may_be_shown_again(tmp_path: Path) -> None:
    film = VideoFile(written(tmp_path / "film.mp4"), rate=5, paced=False)
    for _ in range(2):
        async with aclosing(film.frames()) as frames:
            assert shade(await anext(frames)) == 0
            assert shade(await anext(frames)) == 5


async def test_a_film_that_is_played_keeps_to_the_clock(tmp_path: Path) -> None:
    async with aclosing(VideoFile(written(tmp_path / "film.mp4", 25), rate=50).frames()) as played:
        begun = anyio.current_time()
        frames = [frame async for frame in played]
        over = anyio.current_time()
    assert begun <= frames[0].at
    assert frames[-1].at <= over
    assert over - begun > 0.5
    for frame in frames:
        assert shade(frame) <= (frame.at - frames[0].at) * 25 + 2  # never ahead of the clock
    assert shade(frames[-1]) >= 20


async def test_how_often_may_change_while_it_plays(tmp_path: Path) -> None:
    film = VideoFile(written(tmp_path / "film.mp4"), rate=0.01)
    async with aclosing(film.frames()) as frames:
        await anext(frames)
        film.rate = 20
        assert film.rate == 20
        await anext(frames)


# What cannot be shown


async def test_a_file_that_is_cut_short_is_shown_as_far_as_it_goes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, options in (("film.mp4", {"movflags": "faststart"}), ("film.avi", {})):
        path = written(tmp_path / name, 200, options=options)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        problem, count = await refusal(path)
        assert "cut short" in problem
        assert 5 < count < 39
    assert capfd.readouterr() == ("", "")


async def test_a_film_whose_index_is_cut_off_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[:-1500])
    assert (await refusal(path))[0] == "FILE is not a video that can be read, or its end is missing."
    assert capfd.readouterr() == ("", "")


def claiming(path: Path, width: int, height: int) -> Path:
    """Another size in the header of an AVI file than its frames have."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<ii", content, content.index(b"strf") + 12, width, height)
    path.write_bytes(content)
    return path


async def test_a_size_that_is_a_lie(tmp_path: Path) -> None:
    path = written(tmp_path / "film.avi", codec="mjpeg")
    for size in ((20_000, 20_000), (8, 8)):
        frames = await seen(claiming(path, *size))
        assert frames[0].pixels.shape == (48, 64, 3)


async def test_a_size_that_is_too_large(tmp_path: Path) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    assert await refusal(tmp_path / "bomb.png") == ("FILE has more than 64 megapixels.", 0)


async def test_a_length_that_is_a_lie(tmp_path: Path) -> None:
    path = written(tmp_path / "film.avi")
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"strh") + 8 + 32, 100_000)
    path.write_bytes(content)
    problem, count = await refusal(path)
    assert "cut short" in problem
    assert count == 10


async def test_times_that_leap_hold_nobody_up(tmp_path: Path) -> None:
    path = written(tmp_path / "film.mkv", 10, codec="mjpeg", every=25 * 86_400)  # a frame a day
    assert [shade(frame) for frame in await seen(path, rate=25)] == list(range(10))


async def test_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    container: Any
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    assert await refusal(path) == ("FILE holds no video, only sound or text.", 0)


async def test_a_playlist_reaches_nothing_outside(tmp_path: Path) -> None:
    path = tmp_path / "film.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/film.ts\n#EXT-X-ENDLIST\n")
    await refusal(path)


async def test_files_that_are_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "letter.mp4").write_text("Dear Madam,\n" * 100)
    os.mkfifo(tmp_path / "pipe")
    unreadable = "FILE is not a video that can be read, or its end is missing."
    for name, problem in {
        "missing": "There is no file FILE.",
        "folder": "FILE is a folder, not a video.",
        "empty": "FILE is empty (0 bytes).",
        "pipe": "FILE is a pipe or a device, not a video.",
        "letter.mp4": unreadable,
    }.items():
        assert await refusal(tmp_path / name) == (problem, 0)
    assert capfd.readouterr() == ("", "")


async def test_a_disk_that_does_not_answer(tmp_path: Path) -> None:
    problem, _ = await refusal(written(tmp_path / "film.mp4"), stalled=0.0)
    assert problem == "FILE gave no picture within 0 s."


async def test_a_cancel_ends_it(tmp_path: Path) -> None:
    path = written(tmp_path / "film.mp4")
    with anyio.CancelScope() as scope:
        async with aclosing(VideoFile(path, rate=120).frames()) as frames:
            async for _ in frames:
                scope.cancel()
    assert scope.cancelled_caught
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("films")
    return [written(folder / name, 12).read_bytes() for name in ("film.mp4", "film.avi", "film.mkv")]


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 2), changes=CHANGES, end=st.floats(0.02, 1))
def test_damage_anywhere_gives_frames_or_a_sentence(
    originals: list[bytes], tmp_path_factory: pytest.TempPathFactory, which: int, changes: list[tuple[float, int]], end: float
) -> None:
    content = bytearray(originals[which])
    for where, value in changes:
        content[int(where * (len(content) - 1))] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[: max(int(end * len(content)), 1)])
    try:
        anyio.run(seen, path)
    except UnreadablePicture as error:
        check_words(error, path)
