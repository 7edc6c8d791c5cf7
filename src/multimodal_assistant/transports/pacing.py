"""How often → when the next frame is due, where that may change while it is waited for."""

import math

import anyio

from multimodal_assistant.core.errors import InvalidSetting

FASTEST = 120.0
"""Frames a second."""


class Pace:
    """`rate` times a second, for any number of readers."""

    def __init__(self, rate: float) -> None:
        self._rate = _checked(rate)
        self._changed = anyio.Event()

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = _checked(rate)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def next(self, last: float) -> float:
        """Wait until 1/rate seconds after `last`, on the loop's clock, and return when that was: the `last` of the next call.

        A wait that is under way follows a change of the rate at once. What was missed is not made up for.
        """
        while (due := last + 1 / self._rate) > anyio.current_time():
            changed = self._changed
            with anyio.CancelScope(deadline=due):
                await changed.wait()
        now = anyio.current_time()
        return due if now - due < 1 / self._rate else now


def _checked(rate: float) -> float:
    if not (math.isfinite(rate) and 0 < rate <= FASTEST):
        raise InvalidSetting(f"{rate:g} frames a second make no sense.", f"Choose more than 0 and at most {FASTEST:g}.")
    return rate
