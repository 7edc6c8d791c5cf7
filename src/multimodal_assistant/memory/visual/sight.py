"""The eyes of a conversation, with a memory: what is asked of the past is answered from what was kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from multimodal_assistant.core.protocols import Sight
from multimodal_assistant.core.types import Glance, Picture, RememberedView
from multimodal_assistant.processors.visual_words import labels_for

from .keeper import Forgetting, ViewKeeper
from .ranking import wanted
from .requests import Past, past
from .store import EVERYTHING
from .telling import forgetting, found, moment_of, not_found, summary
from .view import Recalled

_MOST_VIEWS = 500
"""That a summary is made of."""
_MISSING = ("I see no", "No,", "I cannot", "Nothing")
"""How the answers begin that say that something is not in view."""


class RememberingSight:
    """A `core.protocols.Sight` over another one, for the views of one user.

    small: the model is not to be asked where there is an answer. pictures: whether it may be given the pictures that were kept; not where
    it runs on another machine.
    """

    def __init__(
        self,
        inner: Sight,
        keeper: ViewKeeper,
        user: str,
        *,
        small: bool,
        pictures: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        self._inner = inner
        self._keeper = keeper
        self._memory = keeper.memory
        self._user = user
        self._small = small
        self._pictures = pictures
        self._clock = clock
        self._to_forget: Past | None = None

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`."""
        return self._inner.live

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        now = self._clock()
        request = past(said, now)
        self._to_forget = request if request is not None and request.kind == "forget" else None
        if request is None:
            return await self._inner.look(said)
        if request.kind == "forget":
            views = await self._memory.latest(self._user, EVERYTHING, since=request.since, until=request.until)
            return Glance(answer=forgetting(len(views), request.span))
        if request.kind == "what":
            return await self._summary(request, now)
        present = await self._inner.look(said) if request.now else Glance()
        if present.answer and not present.answer.startswith(_MISSING):
            return present
        hits = await self._memory.recall_visual(self._user, request.thing, since=request.since, until=request.until, most=1)
        if hits:
            return await self._told(request, hits[0], present, now)
        if _certain(request):
            return self._plain(not_found(request), present)
        return present if request.now else await self._inner.look(said)

    async def ahead(self) -> Picture | None:
        """See `core.protocols.Sight`: most of what is asked is about what is there now."""
        return await self._inner.ahead()

    def answering(self) -> bool:
        """The answer to what was said last is being given: what is to be forgotten is forgotten now, and not for words that were taken
        back. To be called with each of its words, since an answer that is asked for begins before anybody has looked.

        Returns whether there was something to forget.
        """
        request, self._to_forget = self._to_forget, None
        if request is not None:
            self._keeper.forget(self._user, Forgetting(request.since, request.until))
        return request is not None

    async def _summary(self, request: Past, now: datetime) -> Glance:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        since = midnight if request.since is None else request.since
        views = await self._memory.latest(self._user, _MOST_VIEWS, since=since, until=request.until)
        return self._plain(summary(request, views, now), Glance())

    async def _told(self, request: Past, hit: Recalled, present: Glance, now: datetime) -> Glance:
        """The view that was found, in words, and to be shown. Where the model looks at what is there now, that is what it answers about."""
        sentence = found(request, hit, now)
        glance = self._plain(sentence, present)
        picture = None if present.picture is not None else await self._memory.picture(self._user, hit.view.id)
        if picture is None:
            return glance
        view, at = hit.view, moment_of(hit, request.until)
        glance = replace(glance, remembered=RememberedView(view.id, at, view.source, view.caption or view.words, picture))
        if self._small or not self._pictures:
            return glance
        return replace(glance, picture=picture, words=f"nothing of it now; this picture is from before. {sentence}")

    def _plain(self, sentence: str, present: Glance) -> Glance:
        if self._small:
            return Glance(answer=sentence)
        now = f"now: {present.words}" if present.words else "now: the picture" if present.picture is not None else "nothing of it now"
        return Glance(present.picture, f"{now}; from memory: {sentence}")


def _certain(request: Past) -> bool:
    """Whether it surely is about what was seen, so that "I have not seen it" is an answer. "Have you seen Casablanca" is not."""
    if request.kind in {"where", "when"}:
        return not request.now or bool(labels_for(wanted(request.thing).text))
    return bool(labels_for(wanted(request.thing).text)) or request.thing.startswith(("my ", "our "))
