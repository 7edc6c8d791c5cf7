"""What the gate keeps of scenes that are drawn here, with noise and light that changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box, Pixels, VideoFrame
from multimodal_assistant.processors.frame_gate import HEARTBEAT_SECONDS, FrameGate, Reason, Verdict
from multimodal_assistant.processors.frame_grid import COLUMNS, ROWS, boxes, cells_of, difference, is_dark
from multimodal_assistant.processors.frame_ring import FrameRing

WIDTH, HEIGHT = 640, 360  # scenes are drawn at half the size: a pixel for each point that the grid looks at
Scene = NDArray[np.float64]


def room(seed: int = 0) -> Scene:
    """Patches of any colour."""
    return np.asarray(np.kron(np.random.default_rng(seed).uniform(20, 235, (9, 16, 3)), np.ones((20, 20, 1))), np.float64)


def with_thing(scene: Scene, width: int, left: int = 200, top: int = 100, shade: float = 0.0) -> Scene:
    changed = scene.copy()
    changed[top // 2 : (top + width) // 2, left // 2 : (left + width) // 2] = shade
    return changed


class Filmed:
    """A gate, and the camera before it: noise, and light."""

    def __init__(self, *, noise: float = 5.0, rate: float = 1.0, seed: int = 0) -> None:
        self.gate = FrameGate()
        self.at = 100.0
        self._noise = noise
        self._step = 1 / rate
        self._random = np.random.default_rng(seed)

    def shot(self, scene: Scene, light: float = 1.0) -> Pixels:
        return np.clip(scene * light + self._random.normal(0, self._noise, scene.shape), 0, 255).astype(np.uint8)

    def see(self, scene: Scene, light: float = 1.0) -> Verdict:
        self.at += self._step
        return self.gate.look(VideoFrame(self.shot(scene, light), self.at))

    def reasons(self, scene: Scene, times: int) -> list[Reason | None]:
        return [self.see(scene).reason for _ in range(times)]


def overlap(one: Box, other: Box) -> bool:
    across = one.left < other.left + other.width and other.left < one.left + one.width
    return across and one.top < other.top + other.height and other.top < one.top + one.height


# What is kept


def test_the_first_frame_is_kept() -> None:
    verdict = Filmed().see(room())
    assert verdict.kept
    assert verdict.reason == "first"
    assert verdict.changed == (Box(0, 0, 1, 1),)


@pytest.mark.parametrize("rate", [1.0, 3.0])
@pytest.mark.parametrize("width", [26, 52, 128])
def test_a_thing_that_is_put_down_is_kept_once_and_its_place_is_told(width: int, rate: float) -> None:
    """4, 8 and 20 % of the width."""
    film = Filmed(rate=rate)
    assert film.reasons(room(), 10) == ["first", *[None] * 9]
    after = [film.see(with_thing(room(), width)) for _ in range(10)]
    kept = [verdict for verdict in after if verdict.kept]
    assert [verdict.reason for verdict in kept] == ["change"]
    assert not after[0].kept  # it has only just appeared, and may still move
    place = Box(200 / WIDTH, 100 / HEIGHT, width / WIDTH, width / HEIGHT)
    assert len(kept[0].changed) == 1
    found = kept[0].changed[0]
    assert overlap(found, place)
    assert abs(found.left - place.left) <= 1 / COLUMNS
    assert abs(found.top - place.top) <= 1 / ROWS


def test_a_thing_that_is_taken_away_again_is_kept_too() -> None:
    film = Filmed()
    film.reasons(with_thing(room(), 60), 5)
    assert film.reasons(room(), 3) == [None, "change", None]


def test_what_only_passes_by_is_not_kept() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    for left in range(0, WIDTH - 60, 60):
        assert film.see(with_thing(room(), 60, left)).reason is None
    assert film.reasons(room(), 5) == [None] * 5


def test_what_passes_as_the_first_frame_is_taken_is_no_change_when_it_is_gone() -> None:
    film = Filmed()
    assert film.see(with_thing(room(), 60)).reason == "first"
    assert film.reasons(room(), 5) == [None] * 5


def test_a_thing_is_noticed_while_something_else_moves() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    seen = [film.see(with_thing(with_thing(room(), 40, 400, 260), 60, left, 20)) for left in range(0, 480, 60)]
    kept = [verdict for verdict in seen if verdict.kept]
    assert [verdict.reason for verdict in kept] == ["change"]
    assert overlap(kept[0].changed[0], Box(400 / WIDTH, 260 / HEIGHT, 40 / WIDTH, 40 / HEIGHT))


def test_another_scene_is_kept_once_it_is_settled() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    turning = film.see(room(1))
    assert turning.reason is None
    assert not turning.settled
    settled = film.see(room(1))
    assert settled.settled
    assert settled.reason == "new scene"
    assert settled.changed == (Box(0, 0, 1, 1),)
    assert film.reasons(room(1), 5) == [None] * 5


def test_a_camera_that_is_carried_about_is_looked_through_all_the_same() -> None:
    film = Filmed()
    reasons = [film.see(room(seed)).reason for seed in range(31)]
    assert reasons[0] == "first"
    assert reasons.count("new scene") == 10


def test_in_a_restless_place_small_changes_are_kept_now_and_then_only() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    seen = [film.see(with_thing(room(), 60, 60 * (count // 2 % 8))).reason for count in range(60)]
    assert seen.count("change") <= 20


def test_after_a_while_a_frame_is_kept_whatever_it_shows() -> None:
    film = Filmed()
    reasons = film.reasons(room(), 301)
    assert [second for second, reason in enumerate(reasons) if reason] == [0, 60, 120, 180, 240, 300]
    assert reasons[60] == "heartbeat"


def test_when_the_user_begins_to_speak_the_next_frame_is_kept() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    film.gate.speech()
    assert film.reasons(room(), 3) == ["speech", None, None]
    film.gate.speech()
    film.see(room(1))
    assert film.see(room(1)).reason == "new scene"


def test_a_frame_that_is_older_begins_anew() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    film.at = 0.0
    assert film.see(room()).reason == "first"


# What is no change


@pytest.mark.parametrize("noise", [0.0, 3.0, 10.0, 20.0])
def test_noise_is_no_change(noise: float) -> None:
    film = Filmed(noise=noise)
    assert film.reasons(room(), 50) == ["first", *[None] * 49]


def test_noise_that_begins_is_no_change() -> None:
    film = Filmed(noise=1.0)
    film.reasons(room(), 20)
    film._noise = 12.0  # pyright: ignore[reportPrivateUsage]
    assert film.reasons(room(), 20) == [None] * 20


@pytest.mark.parametrize("period", [20, 120])
def test_light_that_comes_and_goes_is_no_change(period: int) -> None:
    film = Filmed()
    film.see(room())
    light = 1 + 0.2 * np.sin(2 * np.pi * np.arange(55) / period)
    assert [film.see(room(), value).reason for value in light] == [None] * 55


def test_a_white_balance_that_shifts_is_no_change() -> None:
    film = Filmed()
    film.see(room())
    tint = np.array([1.15, 1.0, 0.9])
    assert [film.see(room() * tint).reason for _ in range(10)] == [None] * 10


def test_a_thing_is_noticed_as_the_light_changes() -> None:
    film = Filmed()
    film.reasons(room(), 5)
    assert [film.see(with_thing(room(), 40), 1 - 0.03 * count).reason for count in range(3)] == [None, "change", None]


def test_a_screen_that_flickers_is_no_news_for_long() -> None:
    film = Filmed()
    random = np.random.default_rng(3)
    reasons = [film.see(with_thing(room(), 100, shade=random.uniform(0, 255))).reason for _ in range(120)]
    assert reasons[60:].count("change") <= 2


def test_a_shadow_that_creeps_is_no_change() -> None:
    film = Filmed()
    scene = room()
    reasons: list[Reason | None] = []
    for _ in range(59):
        scene[100:200, 100:300] *= 0.99
        reasons.append(film.see(scene).reason)
    assert reasons.count("change") <= 1


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 99), st.sampled_from([0.3, 1.0, 3.0]))
def test_of_the_same_picture_nothing_but_the_heartbeat_is_kept(height: int, width: int, seed: int, rate: float) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    gate = FrameGate()
    kept = [gate.look(VideoFrame(pixels, at / rate)).reason for at in range(int(200 * rate))]
    assert kept[0] == "first"
    assert set(kept[1:]) <= {None, "heartbeat"}
    assert kept.count("heartbeat") <= 200 / HEARTBEAT_SECONDS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9999), st.floats(0, 15), st.floats(0.85, 1.15))
def test_neither_noise_nor_light_hides_a_thing_or_makes_one(seed: int, noise: float, light: float) -> None:
    random = np.random.default_rng(seed)
    scene = room(seed) * 0.7 + 30
    film = Filmed(noise=noise, seed=seed)
    assert film.reasons(scene, 6) == ["first", *[None] * 5]
    left, top = int(random.integers(0, WIDTH - 52)), int(random.integers(0, HEIGHT - 52))
    thing = with_thing(scene, 52, left, top)
    assert "change" in [film.see(thing, light).reason for _ in range(4)]


# Darkness


def test_a_covered_lens_is_dark() -> None:
    film = Filmed(noise=4)
    assert not film.see(room()).dark
    seen = [film.see(np.full((HEIGHT, WIDTH, 3), (25.0, 8.0, 6.0))) for _ in range(3)]  # a thumb
    assert all(verdict.dark for verdict in seen)
    assert "new scene" in [verdict.reason for verdict in seen]
    back = [film.see(room()) for _ in range(3)]
    assert not any(verdict.dark for verdict in back)
    assert "new scene" in [verdict.reason for verdict in back]


def test_a_night_with_a_lamp_is_not_dark_and_a_white_wall_neither() -> None:
    night = np.full((HEIGHT, WIDTH, 3), 5, np.uint8)
    assert is_dark(cells_of(night))
    night[20:80, 500:560] = 200
    assert not is_dark(cells_of(night))
    assert not is_dark(cells_of(np.full((HEIGHT, WIDTH, 3), 230, np.uint8)))


# The grid


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (480, 640), (1280, 720), (37, 53), (1, 1), (1, 4000)])
def test_any_size_becomes_a_grid_of_means(size: tuple[int, int]) -> None:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, :] = (10, 100, 200)
    cells = cells_of(pixels)
    assert cells.shape == (3, ROWS, COLUMNS)
    assert cells.dtype == np.float32
    assert np.allclose(cells, np.array([10, 100, 200])[:, None, None], atol=1e-3)


def test_a_cell_is_where_it_is_in_the_picture() -> None:
    pixels = np.zeros((720, 1280, 3), np.uint8)
    pixels[40:60, 1000:1020, 2] = 250
    cells = cells_of(pixels)
    assert np.argwhere(cells > 0).tolist() == [[2, 2, 50]]
    assert np.allclose(cells[2, 2, 50], 250)
    turned = cells_of(pixels.transpose(1, 0, 2))  # not in the order of memory
    assert np.count_nonzero(turned) > 0


def test_light_is_taken_out_and_a_thing_stays() -> None:
    before = cells_of(room().astype(np.uint8))
    after = before * 1.1 + 5
    after[:, 5:9, 5:9] = 0
    rest = np.abs(difference(before, after)).max(axis=0)
    assert rest[5:9, 5:9].min() > 15
    rest[5:9, 5:9] = 0
    assert rest.max() < 2


def test_a_lamp_that_goes_out_is_no_other_light() -> None:
    before = cells_of(room().astype(np.uint8))
    assert np.abs(difference(before, 0.05 * before)).mean() > 10


def test_boxes_are_around_what_touches_the_largest_first() -> None:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    assert boxes(mask) == ()
    mask[0, 0] = True
    mask[10:13, 20] = mask[13, 21] = True  # touches at a corner
    found = boxes(mask)
    assert found == (Box(20 / COLUMNS, 10 / ROWS, 2 / COLUMNS, 4 / ROWS), Box(0, 0, 1 / COLUMNS, 1 / ROWS))
    mask[::3, ::3] = True
    assert len(boxes(mask, most=5)) == 5


# The ring


def frame(at: float, side: int = 10) -> VideoFrame:
    return VideoFrame(np.zeros((side, side, 3), np.uint8), at)


def test_the_ring_holds_half_a_minute() -> None:
    ring = FrameRing()
    assert ring.newest is None
    assert ring.at(5) is None
    for second in range(100):
        ring.add(frame(second))
    assert len(ring) == 31
    newest, then = ring.newest, ring.at(80.5)
    assert newest is not None
    assert then is not None
    assert (newest.at, then.at) == (99, 80)
    assert ring.at(60) is None
    assert [one.at for one in ring.since(96)] == [97, 98, 99]
    ring.clear()
    assert len(ring) == 0


def test_the_ring_holds_so_many_bytes() -> None:
    ring = FrameRing(most_bytes=1000)
    for second in range(10):
        ring.add(frame(second))
    assert len(ring) == 3
    ring.add(frame(10, side=100))  # larger than all that may be kept: the newest is there all the same
    assert len(ring) == 1
    ring.add(frame(11))
    assert len(ring) == 1


def test_a_new_recording_empties_the_ring() -> None:
    ring = FrameRing()
    ring.add(frame(50))
    ring.add(frame(0))
    assert [one.at for one in ring.since(-1)] == [0]
