"""First sound of the answer: from the end of transcription, models warm, language model and voice embedded."""

import anyio

from multimodal_assistant.app import assemble, settings_from
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import SpokenChunk
from multimodal_assistant.pipeline.exchange import exchange

from .machine import Section, percentile

QUESTIONS = (
    "What is the capital of France?",
    "Why is the sky blue?",
    "How many legs does a spider have?",
    "Tell me something about the moon.",
    "What can I cook with eggs?",
    "Who wrote Romeo and Juliet?",
    "Good morning!",
    "How do I get a red wine stain out of a shirt?",
    "What is a good name for a cat?",
    "Should I take an umbrella when it is cloudy?",
)

ARMS = (("joe", "qwen2.5-0.5b"), ("joe", "smollm2-135m"), ("af_heart", "qwen2.5-0.5b"), ("af_heart", "smollm2-135m"))


class _FirstSound:
    """Ends the exchange with its first piece of audio: the rest of the answer is not what is measured."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self._scope = scope

    async def write(self, chunk: SpokenChunk) -> None:
        self._scope.cancel()


async def run() -> Section:
    """Every pair of voice and model on the same questions, three times."""
    lines = [
        "| voice | language model | first token p50 | first sound p50 | p95 | n |",
        "|---|---|---|---|---|---|",
    ]
    for voice, llm in ARMS:
        settings = settings_from(llm={"model": llm}, tts={"voice": voice})
        tokens: list[float] = []
        sounds: list[float] = []
        async with await assemble(settings) as assistant:
            await assistant.warm(hears=False)
            for question in QUESTIONS * 3:
                watch = Stopwatch()
                with anyio.CancelScope() as scope:
                    await exchange(question, assistant.engines, _FirstSound(scope), manner=assistant.manner, watch=watch)
                tokens.append(watch.between("heard", "first_token") or 0.0)
                sounds.append(watch.between("heard", "first_audio") or 0.0)
        lines.append(
            f"| {voice} | {llm} | {percentile(tokens, 50) * 1000:.0f} ms | **{percentile(sounds, 50) * 1000:.0f} ms** "
            f"| {percentile(sounds, 95) * 1000:.0f} ms | {len(sounds)} |"
        )
    return Section("First sound of the answer, from the end of transcription", "\n".join(lines))
