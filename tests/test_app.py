"""Which engines are chosen, and what is said about it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engines.llm.servers import Answer, as_json, nobody, serve
from multimodal_assistant.app import PROFILES as PROFILES_OF_APP
from multimodal_assistant.app import Assistant, assemble, choose_llm, choose_stt, other_models, settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineUnavailable, ModelMissing, UnknownName
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from multimodal_assistant.models.manifest import load_manifest
from multimodal_assistant.models.store import ModelStore
from multimodal_assistant.pipeline.reply import Engines, Manner
from multimodal_assistant.pipeline.stopgap import Patience
from multimodal_assistant.voices import choose_voice

BALANCED, FAST = PROFILES_OF_APP["balanced"], PROFILES_OF_APP["fast"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no setting of this machine is seen."""
    for name in list(os.environ):
        if name.startswith(("ASSISTANT_", "OLLAMA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def settings(*, profile: str = "balanced", **sections: Mapping[str, object]) -> Settings:
    return settings_from(profile=profile, **sections)


def placed(store: ModelStore, *names: str) -> None:
    """Let these models look as if they had been fetched: files of the right size, without content."""
    manifest = load_manifest()
    for name in names:
        for file in manifest.model(name).files:
            blob = store.home / "models" / "blobs" / file.sha256
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.touch()
            os.truncate(blob, file.bytes)
            place = store.home / "models" / name / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(blob)


async def chosen(**llm: Any) -> tuple[LanguageModel, str]:
    """The language model of these settings in a home that has the embedded one."""
    profile = llm.pop("profile", "balanced")
    made = settings(profile=profile, llm=llm)
    store = store_of(made)
    placed(store, BALANCED.llm, FAST.llm)
    return await choose_llm(made, store, PROFILES_OF_APP[profile])


def ollama(*names: str) -> dict[str, Answer | list[Answer]]:
    return {"/api/tags": as_json({"models": [{"model": name} for name in names]})}


# Flags.


def test_flags_that_were_not_given_leave_the_rest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_LLM__MODEL", "scripted")
    monkeypatch.setenv("ASSISTANT_PROFILE", "fast")
    made = settings_from(profile=None, threads=2, llm={"model": None}, stt={"model": None, "language": "de"})
    assert (made.profile, made.threads, made.llm.model, made.stt.language) == ("fast", 2, "scripted", "de")


# The language model.


@pytest.mark.anyio
async def test_without_ollama_the_embedded_model_answers_and_the_note_says_why() -> None:
    host = await nobody()
    model, note = await chosen(ollama_host=host)
    assert (model.details["engine"], model.details["model"]) == ("llama.cpp", BALANCED.llm)
    assert note == f"Language model: {BALANCED.llm}, embedded (no Ollama answers at {host})."


@pytest.mark.anyio
async def test_an_ollama_that_runs_and_has_the_model_is_chosen() -> None:
    async with serve(ollama("llama3.2:latest", "gemma3:4b")) as server:
        model, note = await chosen(ollama_host=server.url)
        assert (model.details["engine"], model.details["model"], model.details["host"]) == ("ollama", "gemma3:4b", server.url)
        assert note == f"Language model: gemma3:4b on Ollama at {server.url} (it runs and has the model)."
        assert [request.path for request in server.requests] == ["/api/tags"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("installed", "others"), [((), ""), (("a:1", "b:2", "c:3", "d:4"), "; it has a:1, b:2, c:3: choose one with --llm ollama:NAME")]
)
async def test_an_ollama_without_the_model_comes_with_the_command_that_fetches_it(installed: tuple[str, ...], others: str) -> None:
    async with serve(ollama(*installed)) as server:
        model, note = await chosen(ollama_host=server.url)
    assert model.details["engine"] == "llama.cpp"
    assert (
        note
        == f"Language model: {BALANCED.llm}, embedded (Ollama runs but has no gemma3:4b: `assistant models pull ollama:gemma3:4b`{others})."
    )


@pytest.mark.anyio
async def test_the_models_of_this_machine_and_of_ollama_are_offered_to_conversations() -> None:
    async with serve(ollama("llama3.2:latest")) as server:
        made = settings(llm={"ollama_host": server.url})
        store = store_of(made)
        placed(store, FAST.llm)
        found = await other_models(made, store)
        assert list(found) == [FAST.llm, "llama3.2:latest"]
        made_of = [found[name]().details for name in found]
        assert [(details["engine"], details["model"]) for details in made_of] == [("llama.cpp", FAST.llm), ("ollama", "llama3.2:latest")]
    assert list(await other_models(settings(llm={"ollama_host": await nobody()}), store)) == [FAST.llm]


@pytest.mark.anyio
async def test_the_fast_profile_does_not_ask_for_ollama() -> None:
    async with serve(ollama("gemma3:4b")) as server:
        model, note = await chosen(ollama_host=server.url, profile="fast")
        assert server.requests == []
    assert model.details["model"] == FAST.llm
    assert "the fast profile" in note


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "engine", "name"),
    [
        ("ollama:qwen3:8b", "ollama", "qwen3:8b"),
        ("ollama:", "ollama", "gemma3:4b"),
        ("openai:big", "openai", "big"),
        ("openai:", "openai", "the first listed"),
        ("somewhere/else.gguf", "llama.cpp", "else"),
        (FAST.llm, "llama.cpp", FAST.llm),
        ("scripted", "scripted", "llm"),
    ],
)
async def test_what_was_asked_for_is_chosen(wanted: str, engine: str, name: str) -> None:
    model, note = await chosen(model=wanted, base_url="http://127.0.0.1:9/v1")
    assert (model.details["engine"], model.details["model"]) == (engine, name)
    assert "(as you chose)" in note


@pytest.mark.anyio
async def test_an_openai_server_needs_an_address() -> None:
    with pytest.raises(EngineUnavailable) as caught:
        await chosen(model="openai:big")
    assert "ASSISTANT_LLM__BASE_URL" in caught.value.remedy


@pytest.mark.anyio
async def test_an_unknown_language_model_comes_with_near_names() -> None:
    with pytest.raises(UnknownName) as caught:
        await chosen(model="qwen2.5-0.5")
    assert "'qwen2.5-0.5'" in caught.value.problem
    assert BALANCED.llm in caught.value.remedy


@pytest.mark.anyio
@pytest.mark.parametrize("wanted", ["auto", "qwen2.5-0.5b"])
async def test_a_missing_language_model_comes_with_the_command_that_fetches_it(wanted: str) -> None:
    made = settings(llm={"model": wanted, "ollama_host": await nobody()})
    with pytest.raises(ModelMissing) as caught:
        await choose_llm(made, store_of(made), BALANCED)
    assert caught.value.remedy == f"Run: assistant models pull {BALANCED.llm}"


# The recognizer.


@pytest.mark.parametrize("profile", ["balanced", "fast"])
def test_the_profile_names_the_recognizer(profile: str) -> None:
    made, defaults = settings(profile=profile), PROFILES_OF_APP[profile]
    store = store_of(made)
    placed(store, defaults.stt)
    assert choose_stt(made, store, defaults).details["model"] == defaults.stt


@pytest.mark.parametrize(("wanted", "name"), [("base", "whisper-base"), ("whisper-base", "whisper-base"), ("tiny.en", "whisper-tiny.en")])
def test_a_recognizer_is_known_by_its_size_and_by_its_name(wanted: str, name: str) -> None:
    made = settings(stt={"model": wanted})
    store = store_of(made)
    placed(store, name)
    assert choose_stt(made, store, BALANCED).details["model"] == name


def test_a_recognizer_of_ones_own_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my whisper"
    folder.mkdir()
    made = settings(stt={"model": str(folder)})
    assert choose_stt(made, store_of(made), BALANCED).details["model"] == "my whisper"


def test_a_missing_recognizer_comes_with_the_command_that_fetches_it() -> None:
    made = settings()
    with pytest.raises(ModelMissing) as caught:
        choose_stt(made, store_of(made), BALANCED)
    assert caught.value.remedy == f"Run: assistant models pull {BALANCED.stt}"


def test_an_unknown_recognizer_comes_with_the_sizes() -> None:
    made = settings(stt={"model": "bse"})
    with pytest.raises(UnknownName) as caught:
        choose_stt(made, store_of(made), BALANCED)
    assert "'bse'" in caught.value.problem
    assert "base" in caught.value.remedy


def test_a_size_that_is_neither_here_nor_within_reach_is_missing() -> None:
    made = settings(stt={"model": "medium"})
    with pytest.raises(ModelMissing) as caught:
        choose_stt(made, store_of(made), BALANCED)
    assert "'medium'" in caught.value.problem


# The voice.


@pytest.mark.parametrize(
    ("profile", "here", "engine", "words"),
    [
        ("balanced", ("kokoro", "kokoro-voices", "joe"), "kokoro", "af_heart (Kokoro)"),
        ("balanced", ("joe",), "vits", "Kokoro is not here: `assistant models pull`"),
        ("fast", ("kokoro", "kokoro-voices", "joe"), "vits", "joe (VITS)"),
        ("fast", ("kokoro", "kokoro-voices"), "kokoro", "joe is not here"),
    ],
)
def test_the_profile_names_the_voice_unless_only_the_other_is_here(profile: str, here: tuple[str, ...], engine: str, words: str) -> None:
    made = settings(profile=profile)
    store = store_of(made)
    placed(store, *here)
    voice, note = choose_voice(made, store, PROFILES_OF_APP[profile].voice)
    assert voice.details["engine"] == engine
    assert words in note


@pytest.mark.parametrize(("language", "voice"), [("fr", "ff_siwis"), ("en", "af_heart"), ("de", "af_heart"), (None, "af_heart")])
def test_whoever_says_which_language_is_spoken_gets_its_voice(language: str | None, voice: str) -> None:
    made = settings(stt={"language": language})
    store = store_of(made)
    placed(store, "kokoro", "kokoro-voices")
    chosen, note = choose_voice(made, store, BALANCED.voice)
    assert chosen.details["voice"] == voice
    assert voice in note


@pytest.mark.parametrize(
    ("wanted", "engine", "name"),
    [("bm_george", "kokoro", "bm_george"), ("joe", "vits", None), ("my/voice.onnx", "vits", "voice"), ("scripted", "scripted", None)],
)
def test_the_voice_that_was_asked_for_is_chosen(wanted: str, engine: str, name: str | None) -> None:
    made = settings(tts={"voice": wanted})
    store = store_of(made)
    placed(store, "kokoro", "kokoro-voices", "joe")
    voice, note = choose_voice(made, store, BALANCED.voice)
    assert voice.details["engine"] == engine
    assert name is None or voice.details["voice"] == name
    assert note == f"Voice: {wanted} (as you chose)."


@pytest.mark.parametrize(
    ("profile", "wanted", "missing"),
    [("balanced", "auto", "kokoro"), ("fast", "auto", "joe"), ("balanced", "joe", "joe"), ("fast", "af_heart", "kokoro")],
)
def test_a_missing_voice_comes_with_the_command_that_fetches_it(profile: str, wanted: str, missing: str) -> None:
    made = settings(profile=profile, tts={"voice": wanted})
    with pytest.raises(ModelMissing) as caught:
        choose_voice(made, store_of(made), PROFILES_OF_APP[profile].voice)
    assert caught.value.remedy == f"Run: assistant models pull {missing}"


@pytest.mark.parametrize("here", [(), ("kokoro", "kokoro-voices")])
def test_an_unknown_voice_is_called_unknown_whatever_is_here(here: tuple[str, ...]) -> None:
    made = settings(tts={"voice": "xx_nobody"})
    store = store_of(made)
    placed(store, *here)
    with pytest.raises(UnknownName) as caught:
        choose_voice(made, store, BALANCED.voice)
    assert "'xx_nobody'" in caught.value.problem


# All of them.


@pytest.mark.anyio
async def test_an_assistant_is_assembled_without_loading_anything() -> None:
    made = settings(
        stt={"model": "scripted", "language": "de"},
        llm={"model": "scripted", "system": "Be brief.", "max_tokens": 9},
        tts={"voice": "scripted"},
    )
    async with await assemble(made) as assistant:
        assert [note.partition(":")[0] for note in assistant.notes] == ["Language model", "Voice"]
        assert assistant.manner == Manner(system="Be brief.", language="de", max_tokens=9)
        assert assistant.engines.vad.details["engine"] == "silero"
        for engine in (assistant.engines.stt, assistant.engines.llm, assistant.engines.tts):
            assert engine.details["engine"] == "scripted"


@pytest.mark.anyio
async def test_in_an_empty_home_the_first_error_says_which_command_helps() -> None:
    with pytest.raises(ModelMissing) as caught:
        await assemble(settings(llm={"ollama_host": await nobody()}))
    assert caught.value.remedy.startswith("Run: assistant models pull ")


class Deaf(ScriptedStt):
    """Cannot be loaded."""

    async def warm(self) -> None:
        raise EngineFailed("The ears broke.", "Buy new ones.")


def together(stt: ScriptedStt | None = None) -> tuple[Assistant, list[Any]]:
    parts: list[Any] = [ScriptedVad(), stt or ScriptedStt(), ScriptedLlm(script=Script()), ScriptedTts()]
    return Assistant(Engines(*parts), Manner(), Patience(), ()), parts


@pytest.mark.anyio
async def test_all_engines_are_warmed_and_closed() -> None:
    assistant, parts = together()
    async with assistant:
        await assistant.warm()
    assert [(engine.ledger.warmed, engine.ledger.closed) for engine in parts] == [(1, 1)] * 4


@pytest.mark.anyio
async def test_a_written_question_warms_no_ears() -> None:
    assistant, parts = together()
    await assistant.warm(hears=False)
    assert [engine.ledger.warmed for engine in parts] == [0, 0, 1, 1]


@pytest.mark.anyio
async def test_an_engine_that_cannot_be_loaded_is_the_error_of_all() -> None:
    assistant, parts = together(Deaf())
    with pytest.raises(AssistantError) as caught:
        async with assistant:
            await assistant.warm()
    assert caught.value.problem == "The ears broke."
    assert [engine.ledger.closed for engine in parts] == [1] * 4
