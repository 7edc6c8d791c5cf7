"""Conversations over WebRTC, at /v1/realtime/calls as the OpenAI Realtime API has it: an offer comes in, an answer goes out, and the
call lives on its own from then on, until its client leaves or it is hung up.
"""

import json
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup, TaskStatus
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.ice import within_reach
from multimodal_assistant.transports.realtime_items import ServerEvent
from multimodal_assistant.transports.realtime_story import Story
from multimodal_assistant.transports.webrtc import VoiceTrack, WebRtcConnection
from multimodal_assistant.transports.webrtc_peer import BadOffer, Peer

from .camera import ClientCamera
from .conversation import Conversation
from .door import Door, address
from .faults import fault
from .host import Host, NoRoom
from .limits import Pace
from .minds import Mind, asked_model

log = logging.getLogger(__name__)

_LARGEST_OFFER = 64 << 10  # bytes
_FLUSH_SECONDS = 0.2  # for a goodbye to reach the client


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call begins with."""

    call: str
    """Its name."""
    sdp: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Of one call."""

    name: str
    seconds: float
    """That it may last."""
    mind: Mind


class Calls:
    """All calls of a server. They are children of `tasks`: cancelled with it, they end."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tasks: TaskGroup | None = None
        self._ends: dict[str, anyio.Event] = {}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Calls may come in; at the end, they are hung up."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def begin(self, client: str, offer: str, wishes: str = "") -> Answer:
        """Answer the offer. client: whom limits count for. wishes: for the session, JSON. Raises `BadOffer` and `NoRoom`."""
        if self._tasks is None:
            raise NoRoom("The server is closing.")
        return await self._tasks.start(self._hold, client, offer, wishes, name="call")

    def hang_up(self, client: str, call: str) -> bool:
        """End it; False where `client` has none of that name."""
        if self._host.live.get(call) != client or call not in self._ends:
            return False
        self._ends[call].set()
        return True

    async def _hold(self, client: str, offer: str, wishes: str, *, task_status: TaskStatus[Answer]) -> None:
        """One call, from the offer to its end."""
        with self._host.conversation("webrtc", client) as (name, seconds):
            async with self._host.minds.of(_model(wishes)) as mind:
                await self._call(_Place(name, seconds, mind), offer, wishes, task_status)

    async def _call(self, place: _Place, offer: str, wishes: str, task_status: TaskStatus[Answer]) -> None:
        """What goes wrong in it is its own affair, once the offer is answered."""
        told: list[Peer] = []
        host, name = self._host, place.name

        def tell(event: ServerEvent) -> None:
            told[0].send(event)

        voice = VoiceTrack()
        story = Story(name, tell, carries_sound=False, held=lambda held: connection.hold(held))

        def play(sound: Samples) -> None:
            voice.say(sound)
            story.played(sound)

        connection = WebRtcConnection(play)
        vision = host.vision.of(place.mind.viewer)
        camera = ClientCamera(vision, host.user(name)) if vision.possible else None
        async with Peer(connection, voice, camera and camera.track, host.ice.of_a_call(time.time())) as peer:
            told.append(peer)
            task_status.started(Answer(name, await peer.answer(offer)))
            self._ends[name] = peer.gone
            log.info("call %s begins", name)
            try:
                if await peer.connect():
                    async with anyio.create_task_group() as tasks:
                        conversation = Conversation(host, place.mind, name, connection, story, tasks, camera=camera)
                        if camera is not None:
                            tasks.start_soon(camera.watch, lambda: conversation.making, name="view")
                        tasks.start_soon(_part, conversation, peer, place.seconds, name="end of the call")
                        await self._converse(conversation, tasks, peer, wishes)
                        tasks.cancel_scope.cancel()
                else:
                    log.info("call %s was never connected", name)
            except Exception:
                log.exception("call %s failed", name)
            finally:
                del self._ends[name]
                log.info("call %s is over", name)

    async def _converse(self, conversation: Conversation, tasks: TaskGroup, peer: Peer, wishes: str) -> None:
        """From the greeting to the end."""
        conversation.greet()
        if wishes:
            await conversation.obey(wishes)
        await conversation.begin()
        tasks.start_soon(peer.listen, name="microphone")
        tasks.start_soon(peer.look, name="camera")
        tasks.start_soon(peer.watch, name="watch")
        tasks.start_soon(_obey, conversation, peer, name="events")
        await peer.gone.wait()


def _model(wishes: str) -> str:
    """That the session is to begin with; of the event that sets it up."""
    return asked_model(json.loads(wishes)["session"]) if wishes else ""


async def _obey(conversation: Conversation, peer: Peer) -> None:
    pace = Pace()
    async with aclosing(peer.events()) as events:
        async for event in events:
            await pace.wait(len(event))
            await conversation.obey(event)


async def _part(conversation: Conversation, peer: Peer, seconds: float) -> None:
    """End it where it has to end, with a goodbye."""
    await conversation.until_over(seconds)
    await anyio.sleep(_FLUSH_SECONDS)
    peer.leave()


def calls_routes(calls: Calls, door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/realtime/calls")

    @routes.post("")
    async def begin(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        offer, wishes = await _offered(request)
        secret = door.secret(request)
        if secret is not None and not wishes:
            wishes = json.dumps({"type": "session.update", "session": secret.wishes})
        try:
            answer = await calls.begin(door.client(request), within_reach(offer, address(request)), wishes)
        except NoRoom as error:
            return fault(503, str(error), "rate_limit_exceeded", "server_error")
        return Response(answer.sdp, 201, {"location": f"/v1/realtime/calls/{answer.call}"}, "application/sdp")

    @routes.post("/{call}/hangup")
    async def hang_up(call: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response() if calls.hang_up(door.client(request), call) else fault(404, "There is no such call.", "not_found")

    return routes


async def _offered(request: Request) -> tuple[str, str]:
    """The offer, and the event that sets up the session, "" without wishes. Raises `BadOffer`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return _text(await request.body()), ""
    async with request.form(max_files=2, max_fields=2, max_part_size=_LARGEST_OFFER) as form:
        parts = {name: await part.read() if isinstance(part, UploadFile) else part.encode() for name, part in form.items()}
    wishes = parts.get("session", b"")
    return _text(parts.get("sdp", b"")), f'{{"type": "session.update", "session": {_json(wishes)}}}' if wishes else ""


def _text(offer: bytes) -> str:
    if len(offer) > _LARGEST_OFFER:
        raise BadOffer(f"The offer has more than {_LARGEST_OFFER >> 10} KiB.")
    try:
        return offer.decode()
    except UnicodeDecodeError:
        raise BadOffer("The offer is not text.") from None


def _json(wishes: bytes) -> str:
    try:
        return json.dumps(json.loads(wishes))
    except ValueError:
        raise BadOffer('The "session" of the offer is not JSON.') from None
