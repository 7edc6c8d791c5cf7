"""Work for idle moments: a thread that does it step by step, and stops in the middle of one when something more important comes."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from multimodal_assistant.engines.onnx import StoppableRun

_log = logging.getLogger(__name__)

Step = Callable[[StoppableRun], bool]
"""One step; False when there is none left. A run that was stopped raises: the step is then done again later."""


class Background:
    """Steps never run while somebody is in `held_off`. Between two steps it rests as long as the first of them took.

    A step that fails for a reason of its own ends the work, and `failed` tells why.
    """

    def __init__(self, step: Step, *, name: str) -> None:
        self._step = step
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._changed = threading.Condition()
        self._busy = threading.Lock()
        self._run = StoppableRun()
        self._stopped = False
        self._holders = 0
        self._closed = False
        self._hurries = False
        self.failed: Exception | None = None

    def start(self) -> None:
        """Begin, unless that happened before."""
        with self._changed:
            if not self._closed and self._thread.ident is None:
                self._thread.start()

    @contextmanager
    def held_off(self) -> Generator[None]:
        """Stop the present step and begin none. From any thread."""
        with self._changed:
            self._holders += 1
            self._interrupt()
        try:
            with self._busy:
                yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all is done, without the rests."""
        with self._changed:
            self._hurries = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop and wait for the thread. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._interrupt()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _interrupt(self) -> None:
        self._stopped = True
        self._run.stop()

    def _work(self) -> None:
        more, rest = True, 0.0
        while more:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._hurries, rest)
                self._changed.wait_for(lambda: self._closed or not self._holders)
                if self._closed:
                    return
                self._run, self._stopped = StoppableRun(), False
                self._busy.acquire()  # free: a holder gives it back before it leaves
            begin = time.monotonic()
            try:
                more = self._step(self._run)
            except Exception as error:  # whatever onnxruntime raises when it is stopped
                if not self._stopped:
                    _log.warning("%s ended: %s", self._thread.name, error)
                    self.failed = error
                    return
            finally:
                self._busy.release()
            rest = time.monotonic() - begin
