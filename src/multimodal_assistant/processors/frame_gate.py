"""Frames as a camera gives them → which of them are worth looking at, why, and what in them is new.

A frame is kept once what changed holds still, so that it is sharp and whole. How much of a difference is one is measured for each cell:
noise, a screen that flickers and leaves in the wind are no news.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box, VideoFrame

from .frame_grid import COLUMNS, ROWS, Cells, Mask, boxes, cells_of, difference, is_dark

Reason = Literal["first", "new scene", "change", "speech", "heartbeat"]

HEARTBEAT_SECONDS = 60.0
"""A frame is kept after this long whatever it shows: once a minute. Every 30 s would be twice what a still scene may cost."""

_WHOLE = Box(0.0, 0.0, 1.0, 1.0)
_NEW_SCENE = 0.2  # of the cells
_SETTLED = 0.05
_RESTLESS_SECONDS = 3.0  # a view that never settles is kept this often: carried about, or a film
_FEWEST = 2  # cells of a small change
_BREATHER_SECONDS = 2.5  # from a frame that is kept to one with a small change: in a busy place there always is one
_HOLD_SECONDS = 0.6  # that it has to be still: one step at one frame a second, two at three
_LEAST = 6.0  # steps of 255: what differs less is nothing, however quiet the picture
_MOST = 40.0  # what differs more is something, however restless the cell
_NOISES = 4.0  # mean differences from one frame to the next
_FIRST_NOISE = 2.0
_COMMON = 8.0  # noise of half the cells of one frame, at most: more is a camera that moves
_SLOWEST = 0.05  # share of a new frame in what is known of the noise
_FOLLOWED = 0.3  # and in what is known of a scene where nothing changed: the edge of a patch of sun takes a minute to cross a cell


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate makes of one frame."""

    reason: Reason | None
    """Why it is kept; None: it is not."""
    changed: tuple[Box, ...]
    """Where it differs from the frame kept before, the largest part first; of frames that are kept only."""
    change: float
    """Share of the picture that differs from the frame kept before."""
    motion: float
    """Share of it that differs from the frame before."""
    dark: bool
    """Nothing can be seen: the lens is covered, or there is no light."""

    @property
    def kept(self) -> bool:
        return self.reason is not None

    @property
    def settled(self) -> bool:
        """Little moves."""
        return self.motion <= _SETTLED


class FrameGate:
    """For the frames of one source, in order. Not thread-safe; a frame takes well under a millisecond."""

    def __init__(self, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat = heartbeat
        self._asked = False
        self._view: _View | None = None

    def speech(self) -> None:
        """The user begins to speak: the next frame is kept, whatever it shows."""
        self._asked = True

    def look(self, frame: VideoFrame) -> Verdict:
        """What to do with the next frame. One that is older than the frame before begins a new recording."""
        cells = cells_of(frame.pixels)
        dark = is_dark(cells)
        view = self._view
        if view is None or frame.at < view.at:
            self._asked = False
            self._view = _View(cells, frame.at)
            return Verdict("first", (_WHOLE,), 1.0, 0.0, dark)
        seen = view.see(cells, frame.at)
        reason = self._reason(view, seen, frame.at)
        self._asked = False
        changed: tuple[Box, ...] = ()
        if reason:
            changed = (_WHOLE,) if reason == "new scene" else boxes(seen.lasting if reason == "change" else seen.changed)
            view.keep(cells, seen, anew=reason == "new scene")
        return Verdict(reason, changed, seen.change, seen.motion, dark)

    def _reason(self, view: "_View", seen: "_Seen", at: float) -> Reason | None:
        if seen.change > _NEW_SCENE and (seen.motion <= _SETTLED or at - view.settled_at >= _RESTLESS_SECONDS <= at - view.kept_at):
            return "new scene"
        lasting = int(np.count_nonzero(seen.lasting))
        if seen.change <= _NEW_SCENE and lasting >= _FEWEST and at - view.kept_at >= _BREATHER_SECONDS:
            return "change"
        if self._asked:
            return "speech"
        return "heartbeat" if at - view.kept_at >= self._heartbeat else None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One frame against those before it."""

    moved: Mask
    changed: Mask
    lasting: Mask
    """Changed, and still for a while, with nothing that moves beside it."""

    @property
    def change(self) -> float:
        return float(self.changed.mean())

    @property
    def motion(self) -> float:
        return float(self.moved.mean())


class _View:
    """What is known of the scene: how each cell looks when nothing passes through it, as far as that has been kept."""

    def __init__(self, cells: Cells, at: float) -> None:
        self.at = at
        self.kept_at = at
        self.settled_at = at
        self._kept = cells
        self._known: Mask = np.ones((ROWS, COLUMNS), np.bool_)
        self._changed: Mask = np.zeros((ROWS, COLUMNS), np.bool_)
        self._still: Mask = ~self._changed
        self._last = cells
        self._moved_at: NDArray[np.float64] = np.full((ROWS, COLUMNS), at)
        self._noise: NDArray[np.float32] = np.full((ROWS, COLUMNS), _FIRST_NOISE, np.float32)
        self._frames = 1

    def see(self, cells: Cells, at: float) -> _Seen:
        self.at = at
        self._frames += 1
        step = np.abs(difference(self._last, cells)).max(axis=0)
        self._last = cells
        common = min(_median(step), _COMMON)
        limit = np.clip(_NOISES * np.maximum(self._noise, common), _LEAST, _MOST)
        self._learn_noise(step)
        moved = step > limit
        self._moved_at[moved] = at
        # For long enough: where something moves all the time, a moment of rest says nothing.
        restless = self._noise * np.float32(0.5 / max(_median(self._noise), _FIRST_NOISE))
        self._still = at - self._moved_at >= _HOLD_SECONDS * np.maximum(restless, 1.0)
        if self._frames == 2:
            self._known = ~moved  # what passed when the first frame was taken
        rest = difference(self._kept, cells)
        changed = np.abs(rest).max(axis=0) > limit
        lasting = changed & self._changed & self._known & self._still & ~_around(moved)
        seen = _Seen(moved, changed, _touching(lasting))
        self._changed = changed
        if seen.motion <= _SETTLED:
            self.settled_at = at
        self._learn_scene(cells, rest, moved | (changed & self._known))
        return seen

    def keep(self, cells: Cells, seen: _Seen, *, anew: bool) -> None:
        """The last frame is kept. anew: nothing of the scene before is left."""
        self.kept_at = self.settled_at = self.at
        if anew:
            self._kept, self._known = cells, ~seen.moved
        else:
            # What passes by, or has just come to rest, is no part of the scene: when it goes on, that is no change.
            self._kept = np.where(seen.changed & ~self._still, self._kept, cells)

    def _learn_noise(self, step: NDArray[np.float32]) -> None:
        """A sudden difference is mostly a thing, not noise: it counts little, until it goes on and on."""
        weight = max(1.0 / self._frames, _SLOWEST)
        self._noise += weight * (np.minimum(step, 2.0 * self._noise + 1.0) - self._noise)

    def _learn_scene(self, cells: Cells, rest: Cells, other: Mask) -> None:
        """Shadows that creep are followed where nothing else has changed, and what was hidden is seen once it is still."""
        self._kept = np.where(other, self._kept, self._kept + _FOLLOWED * rest)
        new = self._still & ~self._known
        if new.any():
            self._kept = np.where(new, cells, self._kept)
            self._known = self._known | new


def _median(values: NDArray[np.float32]) -> float:
    """The upper of two: `np.median` takes three times as long."""
    flat = values.reshape(-1)
    return float(np.partition(flat, flat.size // 2)[flat.size // 2])


def _touching(mask: Mask) -> Mask:
    """Those cells that have another beside, above or below them."""
    beside = np.zeros_like(mask)
    beside[1:] = mask[:-1]
    beside[:-1] |= mask[1:]
    beside[:, 1:] |= mask[:, :-1]
    beside[:, :-1] |= mask[:, 1:]
    return mask & beside


def _around(mask: Mask) -> Mask:
    """These cells and all that touch them."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide
