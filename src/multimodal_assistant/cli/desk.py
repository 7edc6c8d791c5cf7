"""The person at the terminal of a live conversation: keys one way, the status line the other."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager

import anyio

from multimodal_assistant.transports.local import LocalConnection

from .keyboard import Keys, single_keys, typed
from .talk_view import Status, TalkView

_REFRESH_SECONDS = 0.1


class Desk:
    """Carries out what is asked for by keys."""

    def __init__(self, view: TalkView, connection: LocalConnection, forget: Callable[[], None]) -> None:
        self._view = view
        self._connection = connection
        self._forget = forget
        self._keys = Keys()

    def status(self) -> Status:
        """How things are."""
        troubles = self._connection.troubles
        return Status(
            level=self._connection.level.dbfs,
            muted=self._connection.muted,
            typed=self._keys.typed,
            gaps=troubles.starved + troubles.device,
            lost=troubles.lost,
        )

    def press(self, text: str) -> None:
        """These characters were typed."""
        for wish in self._keys.press(text):
            match wish:
                case "mute":
                    self._connection.muted = not self._connection.muted
                case "forget":
                    self._forget()
                    self._view.notice("(the conversation so far is forgotten)")
                case "quit":
                    self._connection.hang_up()
        self._view.refresh()

    async def read(self, descriptor: int) -> None:
        """Keys of a terminal, until its end."""
        async with aclosing(typed(descriptor)) as pieces:
            async for text in pieces:
                self.press(text)

    async def keep_fresh(self) -> None:
        """The level moves."""
        while True:
            self._view.refresh()
            await anyio.sleep(_REFRESH_SECONDS)


@asynccontextmanager
async def at_the_keyboard(view: TalkView, connection: LocalConnection, forget: Callable[[], None]) -> AsyncGenerator[None]:
    """Inside, keys are obeyed and the status is shown, each where there is a terminal for it."""
    desk = Desk(view, connection, forget)
    descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    try:
        with ExitStack() as terminal:
            if descriptor is not None:
                terminal.enter_context(single_keys(descriptor))
            terminal.enter_context(view.live(desk.status))
            async with anyio.create_task_group() as tasks:
                if descriptor is not None:
                    tasks.start_soon(desk.read, descriptor, name="keys")
                tasks.start_soon(desk.keep_fresh, name="status line")
                yield
                tasks.cancel_scope.cancel()
    finally:
        view.devices_end(desk.status())
