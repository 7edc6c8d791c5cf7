"""What is said about photographs against what is in them: the named rightly, nothing invented, and nothing described in the dark.

The truth was written down by looking at the photographs (tests/photographs.toml), before any answer was. Three questions of one kind:
"what do you see" (right: something that is there is named; invented: something is named that is not), "is there a …" of what is there,
and of what is not (invented: it is affirmed). Then questions about what nobody can see: the lens covered, a frame of ten seconds ago, no
camera at all.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import numpy as np

from benchmarks.machine import Section
from benchmarks.vision.photographs import photo
from multimodal_assistant.app import assemble, settings_from
from multimodal_assistant.core.protocols import LanguageModel, Sight
from multimodal_assistant.core.types import VideoFrame
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.live import LiveView
from multimodal_assistant.pipeline.respond import respond
from multimodal_assistant.pipeline.sight import LiveSight, NoSight, ShownSight, Viewer
from multimodal_assistant.pipeline.views import StillView
from multimodal_assistant.processors.visual_words import LABELS, singular
from multimodal_assistant.seeing import encoded, eyes_of
from multimodal_assistant.transports.camera_track import CameraTrack

_TRUTH = {
    "astronaut": ("person woman astronaut flag rocket shuttle helmet suit", "person flag", "dog car"),
    "camera": ("person man camera tripod grass building", "person tripod", "cat bus"),
    "chelsea": ("cat tabby egyptian tiger", "cat", "dog person"),
    "coffee": ("cup coffee espresso spoon table saucer plate", "cup spoon", "laptop bottle"),
    "horse": ("horse", "horse", "dog person"),
    "motorcycle_left": ("motorcycle motorbike moped scooter wheel garage box", "motorcycle", "car person"),
    "rocket": ("rocket missile projectile tower light", "rocket", "airplane bus"),
    "china": ("palace temple pagoda tower building tree bell", "tree", "boat dog"),
    "flower": ("flower daisy dahlia plant", "flower", "cat orange"),
    "quokka": ("animal quokka wallaby marmot", "", "cat person"),
    "desk": ("laptop computer chair mouse desk table keyboard", "laptop chair mouse", "person cup"),
    "collection": ("book camera table shirt letter", "book", "cat bicycle"),
    "notebook": ("notebook book table desk", "", "person car"),
    "cameras": ("camera reflex table lens", "camera", "laptop dog"),
    "old-book": ("book pan knife bowl table mortar", "book bowl", "person laptop"),
    "pens": ("pen box table paintbrush", "pen", "person cat"),
    "sea": ("sea water ocean seashore", "", "boat person"),
    "smartphone": ("phone smartphone", "phone", "laptop cat"),
    "laptop": ("laptop computer person hand plant notebook desk table", "laptop plant", "dog cup"),
    "laughing": ("person woman", "person", "cat phone"),
    "cap": ("person man cap hat", "person", "dog umbrella"),
    "texting": ("person woman phone necklace", "person phone", "laptop car"),
    "map": ("map bag backpack camera book pencil purse handbag lens", "camera", "person dog"),
    "telephone": ("telephone phone dial", "telephone", "laptop clock"),
    "blank-page": ("phone book notebook laptop pencil plant glasses keyboard table", "phone laptop", "person cup"),
    "space-walk": ("astronaut person panel station", "", "dog car"),
    "for-sale": ("astronaut person sign shuttle", "", "cat bus"),
    "cafe": ("person table chair people plant cafe restaurant", "person", "horse airplane"),
    "barista": ("person woman cup machine espresso bottle counter hat glasses", "person", "dog bus"),
    "cups": ("cup coffee table espresso bowl saucer", "cup table", "person laptop"),
    "croissant": ("croissant bagel bread pastry hand person plate tray sandwich", "", "cat car"),
    "scissors": ("scissors pen pencil paper envelope letter clip", "scissors", "person cat"),
    "notes": ("paper pencil envelope book notebook", "pencil", "person dog"),
    "pencil": ("pencil pen", "pencil", "person car"),
    "strawberries": ("strawberry strawberries bowl plate fruit", "bowl", "person dog"),
    "coins": ("coin", "", "clock person"),
    "brick": ("brick wall pavement", "", "person cat"),
    "moon": ("moon crater surface", "", "person dog"),
}
"""Photograph → what may rightly be named, what is there to be asked for, what is not."""

_BLIND = (
    "What do you see?",
    "Describe what you see.",
    "What am I holding?",
    "Is there anybody behind me?",
    "What colour is my shirt?",
    "Can you see me?",
    "How many people do you see?",
    "What's in front of the camera?",
    "Look at this!",
    "What is in the picture?",
)
_DENIES = re.compile(r"\b(?:no|not|cannot|can't|don't|isn't|aren't|unable|nothing|without|nobody)\b", re.IGNORECASE)
_DECOYS = {*"man woman child tree house window door flower water sky book phone table hat glasses ball toy food".split()}
_MOST_TOKENS = 48


@dataclass
class _Tally:
    """One way to answer."""

    right: list[bool] = field(default_factory=list[bool])
    invented: list[bool] = field(default_factory=list[bool])
    yes: list[bool] = field(default_factory=list[bool])
    affirmed: list[bool] = field(default_factory=list[bool])
    described: list[bool] = field(default_factory=list[bool])


async def run() -> Section:
    """All paths on the same questions."""
    eyes = eyes_of(settings_from())
    async with aclosing(eyes):
        tallies = {"recognizers and a rule (with the embedded models)": await _measured(eyes, None)}
        for name in ("qwen2.5-0.5b", "smollm2-135m"):
            async with await assemble(settings_from(llm={"model": name}), hears=False) as assistant:
                await assistant.engines.llm.warm()
                tallies[f"the same, told to {name} in words"] = await _measured(eyes, assistant.engines.llm)
    lines = [
        f"{len(_TRUTH)} photographs; three kinds of questions, and ten that nobody can answer, each under three conditions.",
        "",
        "| who answers | named rightly | named wrongly | found what is asked for | affirmed what is not there | described the dark |",
        "|---|---|---|---|---|---|",
        *(f"| {name} | {_share(t.right)} | {_share(t.invented)} | {_share(t.yes)} | {_share(t.affirmed)} | {_share(t.described)} |"
          for name, t in tallies.items()),
    ]  # fmt: skip
    return Section("Answers about photographs", "\n".join(lines))


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found)} of {len(found)}"


async def _measured(eyes: Eyes, llm: LanguageModel | None) -> _Tally:
    tally = _Tally()
    viewer = Viewer(small=llm is None)
    for name, (truth, there, absent) in _TRUTH.items():
        sight = ShownSight(StillView(photo(name), encoded, eyes), viewer)
        answer = await _answer("What do you see?", sight, llm)
        named = _named(answer)
        allowed = {singular(word) for word in truth.split()}
        tally.right.append(any(word in allowed for word in _words(answer)))
        tally.invented.append(any(not (set(label.split()) & allowed) for label in named))
        for thing in there.split():
            tally.yes.append(_affirms(await _answer(f"Is there a {thing} in the picture?", sight, llm)))
        for thing in absent.split():
            tally.affirmed.append(_affirms(await _answer(f"Is there a {thing} in the picture?", sight, llm)))
    async for blind in _blind(eyes, viewer):
        for question in _BLIND:
            tally.described.append(not _DENIES.search(await _answer(question, blind, llm)))
    return tally


async def _answer(said: str, sight: Sight, llm: LanguageModel | None) -> str:
    glance = await sight.look(said)
    if llm is None:
        return glance.answer
    async with aclosing(respond(said, llm, glance=glance, max_tokens=_MOST_TOKENS)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def _blind(eyes: Eyes, viewer: Viewer) -> AsyncGenerator[Sight]:
    """A hand over the lens; a camera that has stood still; none."""
    yield NoSight()
    for pixels, age in ((np.full((720, 1280, 3), 5, np.uint8), 0.0), (photo("chelsea"), 12.0)):
        view = LiveView(CameraTrack(), encoded, eyes)
        frames = [VideoFrame(pixels, anyio.current_time() - age - back) for back in (2.0, 1.0, 0.0)]

        async def shown(frames: Sequence[VideoFrame] = frames) -> AsyncGenerator[VideoFrame]:
            for frame in frames:
                yield frame
            await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(view.watch, shown())
            await anyio.sleep(0.5)
            yield LiveSight(view, viewer)
            tasks.cancel_scope.cancel()


def _words(text: str) -> set[str]:
    return {singular(word) for word in re.findall(r"[a-z'-]+", text.lower())}


def _named(answer: str) -> set[str]:
    """The things it claims to see: kinds that a detector knows, some others, and whatever the picture is said to be like."""
    words = answer.lower()
    claims = {label for label in LABELS | _DECOYS if re.search(rf"(?<!no )\b{label}(?:s|es)?\b", words)}
    return claims | {match.strip() for match in re.findall(r"(?:looks like|may be) an? ([a-z' -]+)", words)}


def _affirms(answer: str) -> bool:
    """Whether it says that it is there."""
    begins = answer.lower().lstrip(" \"'(")
    return begins.startswith(("yes", "perhaps", "it looks like", "it may be")) or (not _DENIES.search(begins) and bool(begins))
