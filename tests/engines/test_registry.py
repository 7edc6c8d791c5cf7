"""Engine names → classes, ours and those that other packages bring."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from multimodal_assistant.core.errors import EngineUnavailable, UnknownName
from multimodal_assistant.engines import registry
from multimodal_assistant.engines.scripted import ScriptedLlm

Install = Callable[[str, Mapping[str, str]], Path]

HEAD = f"[{registry.GROUP}]\n"


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_built_in_target_can_be_imported(name: str) -> None:
    module, _, attribute = registry.BUILT_IN[name].partition(":")
    assert isinstance(getattr(importlib.import_module(module), attribute), type)


def test_names_are_those_of_one_kind() -> None:
    assert registry.names("vad") == ["scripted", "silero"]
    assert registry.names("llm") == ["llama.cpp", "ollama", "openai", "scripted"]
    assert registry.names("nose") == []


def test_an_engine_is_built_with_its_options() -> None:
    engine = registry.build("llm", "scripted", replies=("Yes.",))
    assert isinstance(engine, ScriptedLlm)
    assert registry.build("llm", "scripted") is not engine


@pytest.mark.parametrize(
    ("kind", "wrong", "nearest"),
    [("llm", "olama", "ollama"), ("tts", "kokro", "kokoro"), ("stt", "Whisper", "whisper"), ("llm", "llama", "llama.cpp")],
)
def test_an_unknown_name_comes_with_the_nearest(kind: str, wrong: str, nearest: str) -> None:
    with pytest.raises(UnknownName) as caught:
        registry.build(kind, wrong)
    assert repr(wrong) in caught.value.problem
    assert nearest in caught.value.remedy.removeprefix("Known: ").rstrip(".").split(", ")


def test_a_name_like_no_other_comes_with_all_of_them() -> None:
    with pytest.raises(UnknownName) as caught:
        registry.build("vad", "zzzzzzzz")
    assert caught.value.remedy == "Known: scripted, silero."


def test_an_installed_engine_joins_and_may_replace_ours(install: Install) -> None:
    source = "class Mine:\n    def __init__(self, word='none'):\n        self.word = word\n"
    install(f"{HEAD}llm.mine = joining_plugin:Mine\nvad.silero = joining_plugin:Mine\n", {"joining_plugin.py": source})
    assert "mine" in registry.names("llm")
    assert registry.build("llm", "mine", word="hello").word == "hello"
    assert type(registry.build("vad", "silero")).__name__ == "Mine"


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("no_such_module_anywhere:Engine", ""),
        ("broken_plugin_a:Absent", "x = 1\n"),
        ("broken_plugin_b:Engine", "import no_such_module_anywhere\n"),
        ("broken_plugin_c:Engine", "def broken(:\n"),
        ("broken_plugin_d:Engine", "raise RuntimeError('no driver')\n"),
    ],
    ids=["no module", "no class", "missing dependency", "bad syntax", "fails on import"],
)
def test_a_broken_engine_is_unavailable_and_harms_no_other(install: Install, target: str, source: str) -> None:
    install(f"{HEAD}llm.broken = {target}\n", {f"{target.split(':')[0]}.py": source} if source else {})
    assert "broken" in registry.names("llm")
    with pytest.raises(EngineUnavailable) as caught:
        registry.build("llm", "broken")
    assert caught.value.problem.startswith("The llm engine broken cannot be loaded: ")
    assert caught.value.remedy
    assert registry.build("llm", "scripted")
