"""What the client wishes for → how the session goes on, and what it is told about that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from multimodal_assistant.core.protocols import ManyVoices, ToolCalling
from multimodal_assistant.core.types import Message, Tool
from multimodal_assistant.pipeline.reply import Engines, Manner
from multimodal_assistant.pipeline.respond import Toolbox
from multimodal_assistant.pipeline.rules import Rules
from multimodal_assistant.transports.realtime_messages import BadMessage, complaint
from multimodal_assistant.transports.realtime_wishes import ChosenFunction, Function, ResponseWishes, SemanticVad, SessionWishes, merged

_PATIENCE = {"low": 1.6, "medium": 1.0, "auto": 1.0, "high": 0.7}
"""Eagerness → how much longer the end of a turn is waited for."""
_HYSTERESIS = 0.15  # between the probability that begins voice and the one that ends it

_Choice = ChosenFunction | str


@dataclass(frozen=True, slots=True)
class Own:
    """What the server has, whatever is wished for."""

    manner: Manner
    rules: Rules
    voice: str
    voices: Mapping[str, str]
    """All there are → their languages; empty where there is only the one."""
    models: dict[str, str]
    """Kind of engine → its model."""
    can_call: bool
    sees: bool
    choice: tuple[str, ...]
    """The language models that a conversation may begin with."""

    @classmethod
    def of(cls, engines: Engines, manner: Manner, *, sees: bool, choice: tuple[str, ...] = ()) -> "Own":
        """From the engines. sees: whether there is a point in showing something."""
        models = {kind: dict(getattr(engines, kind).details).get("model", "") for kind in ("stt", "llm", "tts")}
        return cls(
            manner,
            Rules(),
            dict(engines.tts.details).get("voice", ""),
            engines.tts.voices if isinstance(engines.tts, ManyVoices) else {},
            models,
            isinstance(engines.llm, ToolCalling),
            sees,
            choice,
        )


class Wishes:
    """Of one client."""

    def __init__(self, own: Own) -> None:
        self._own = own
        heard = {"transcription": {"language": own.manner.language}}
        audio = {"input": heard, "output": {"voice": own.voice}}
        base = {"instructions": own.manner.system, "max_output_tokens": own.manner.max_tokens, "audio": audio}
        self.session = SessionWishes.model_validate(base)

    def update(self, wishes: dict[str, Any], event_id: str | None) -> list[str]:
        """Take what can be had of them; what cannot, in sentences. Raises `BadMessage` where they make no sense: then nothing is taken."""
        try:
            session = SessionWishes.model_validate(merged(self.session.model_dump(mode="json"), wishes))
        except ValidationError as error:
            raise BadMessage(f"session.update: session.{complaint(error)}", "invalid_value", event_id) from None
        refused: list[str] = []
        voice = session.audio.output
        name = voice.voice if isinstance(voice.voice, str) else ""
        if name != self._own.voice and name not in self._own.voices:
            refused.append(self._no_voice)
            name = self.session.audio.output.voice
        if voice.speed != 1.0:
            refused.append("The voice has one speed, 1.0.")
        voice = voice.model_copy(update={"voice": name, "speed": 1.0})
        session = session.model_copy(update={"audio": session.audio.model_copy(update={"output": voice})})
        if session.model in self._own.choice and session.model != self._own.models["llm"]:
            refused.append("Which model answers is settled when a conversation begins.")
            session = session.model_copy(update={"model": None})
        if session.tools and not self._own.can_call:
            refused.append("The language model of this server cannot call functions.")
            session = session.model_copy(update={"tools": []})
        _toolbox(session.tools, session.tool_choice, event_id)
        self.session = session
        return refused

    @property
    def _no_voice(self) -> str:
        if not self._own.voices:
            return f"The voice of this server is {self._own.voice or 'its own'}; there is no other."
        return f"There is no such voice. Voices: {', '.join(sorted(self._own.voices))}."

    @property
    def manual(self) -> bool:
        """The client says what a turn is."""
        return self.session.audio.input.turn_detection is None

    @property
    def manner(self) -> Manner:
        """How to answer."""
        session = self.session
        heard = session.audio.input
        return replace(
            self._own.manner,
            system=session.instructions,
            max_tokens=self._limit(session.max_output_tokens),
            language=None if heard.transcription is None else heard.transcription.language,
            toolbox=_toolbox(session.tools, session.tool_choice, None),
            voice="" if session.audio.output.voice == self._own.voice else str(session.audio.output.voice),
            aloud=session.output_modalities == ["audio"],
            memory=self._own.manner.memory if session.assistant.memory else None,
            answers=heard.turn_detection is not None and heard.turn_detection.create_response,
        )

    @property
    def rules(self) -> Rules:
        """How turns are taken."""
        rules, detection = self._own.rules, self.session.audio.input.turn_detection
        if detection is None:
            return replace(rules, listening=False)
        rules = replace(rules, interruptible=detection.interrupt_response)
        if isinstance(detection, SemanticVad):
            return rules.slower(_PATIENCE[detection.eagerness])
        rules = replace(
            rules,
            voice_on=detection.threshold,
            voice_off=max(detection.threshold - _HYSTERESIS, 0.01),
            before_speech=detection.prefix_padding_ms / 1000,
        )
        return rules.by_silence(detection.silence_duration_ms / 1000)

    def manner_of(self, response: ResponseWishes, event_id: str | None) -> Manner:
        """For one answer. Raises `BadMessage`."""
        manner = self.manner
        if response.instructions is not None:
            manner = replace(manner, system=response.instructions)
        if response.max_output_tokens is not None:
            manner = replace(manner, max_tokens=self._limit(response.max_output_tokens))
        if response.output_modalities is not None:
            manner = replace(manner, aloud=response.output_modalities == ["audio"])
        if response.tools is not None or response.tool_choice is not None:
            tools = self.session.tools if response.tools is None else response.tools
            choice = self.session.tool_choice if response.tool_choice is None else response.tool_choice
            if tools and not self._own.can_call:
                raise BadMessage("The language model of this server cannot call functions.", "unsupported_value", event_id)
            manner = replace(manner, toolbox=_toolbox(tools, choice, event_id))
        return manner

    def _limit(self, tokens: int | str) -> int:
        return tokens if isinstance(tokens, int) else self._own.manner.max_tokens

    def described(self, name: str) -> dict[str, Any]:
        """The session, as the API describes it."""
        session: dict[str, Any] = self.session.model_dump(mode="json")
        session["audio"]["input"]["transcription"] = {
            **(session["audio"]["input"]["transcription"] or {}),
            "model": self._own.models["stt"],
        }
        session["audio"]["input"]["noise_reduction"] = None
        for side in session["audio"].values():
            if side["format"]["type"] == "audio/pcm":
                side["format"]["rate"] = 24_000
            else:
                del side["format"]["rate"]
        del session["prompt"]
        beyond: dict[str, Any] = {"vision": True} if self._own.sees else {}
        if self._own.sees and self.session.assistant.shows is not None:
            beyond["shows"] = self.session.assistant.shows
        if len(self._own.choice) > 1:
            beyond["models"] = list(self._own.choice)
        if self._own.voices:
            beyond["voices"] = dict(sorted(self._own.voices.items()))
        if self._own.manner.memory is not None:
            beyond["memory"] = self.session.assistant.memory
        del session["assistant"]
        if beyond:  # not of the API
            session["assistant"] = beyond
        return {**session, "object": "realtime.session", "id": f"sess_{name}", "model": self._own.models["llm"]}


def context(response: ResponseWishes) -> tuple[Message, ...] | None:
    """What is read for one answer alone, where the client says what."""
    return None if response.input is None else tuple(Message(item.role, item.text) for item in response.input)


def _toolbox(tools: list[Function], choice: _Choice, event_id: str | None) -> Toolbox | None:
    """The functions as a reply may ask for them: one that has to be called is the only one there is."""
    if isinstance(choice, ChosenFunction):
        tools = [tool for tool in tools if tool.name == choice.name]
        if not tools:
            raise BadMessage(f"There is no function {choice.name!r} to choose.", "invalid_value", event_id)
    if not tools or choice == "none":
        return None
    known = tuple(Tool(tool.name, tool.description or "", tool.parameters or {}) for tool in tools)
    return Toolbox(known, required=choice != "auto")
