"""Settings: where they come from, which one wins, and what is said about a wrong one."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from multimodal_assistant.config import Settings, config_file, default_threads, load
from multimodal_assistant.core.errors import InvalidSetting

SECRET = "sk-very-secret-1234567890"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine is seen."""
    for name in list(os.environ):
        if name.startswith("ASSISTANT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings file that ASSISTANT_CONFIG names."""
    path = tmp_path / "my settings.toml"
    path.touch()
    monkeypatch.setenv("ASSISTANT_CONFIG", str(path))
    return path


def refusal(**flags: object) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        load(**flags)
    error = caught.value
    assert error.exit_code == 2
    for text in (error.problem, error.remedy):
        assert text.endswith(".")
        assert "\n" not in text
    assert error.__suppress_context__ or error.__context__ is None  # no library's words below ours
    return error


def test_defaults_need_nothing() -> None:
    settings = load()
    assert (settings.profile, settings.stt.model, settings.llm.model, settings.tts.voice) == ("balanced", "", "auto", "auto")
    assert settings.threads == default_threads()
    assert settings.llm.api_key is None
    assert not settings.vision.remember
    assert settings.home.is_absolute()


@pytest.mark.parametrize(
    ("in_file", "in_environment", "as_flag", "wins"),
    [
        (None, None, None, 160),
        (11, None, None, 11),
        (11, "22", None, 22),
        (11, "22", 33, 33),
        (None, "22", None, 22),
        (None, "22", 33, 33),
        (11, None, 33, 33),
    ],
)
def test_file_then_environment_then_flags(
    file: Path, monkeypatch: pytest.MonkeyPatch, in_file: int | None, in_environment: str | None, as_flag: int | None, wins: int
) -> None:
    if in_file is not None:
        file.write_text(f"[llm]\nmax_tokens = {in_file}\n")
    if in_environment is not None:
        monkeypatch.setenv("ASSISTANT_LLM__MAX_TOKENS", in_environment)
    assert load(**({} if as_flag is None else {"llm": {"max_tokens": as_flag}})).llm.max_tokens == wins


def test_sources_complete_one_another_within_a_section(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('profile = "fast"\n[llm]\nmodel = "ollama:a"\ntemperature = 0.7\n[tts]\nspeed = 1.5\n')
    monkeypatch.setenv("ASSISTANT_LLM__MODEL", "ollama:b")
    monkeypatch.setenv("ASSISTANT_THREADS", "3")
    settings = load(llm={"context": 8192})
    assert (settings.profile, settings.threads, settings.tts.speed) == ("fast", 3, 1.5)
    assert (settings.llm.model, settings.llm.temperature, settings.llm.context) == ("ollama:b", 0.7, 8192)


def test_the_platforms_own_file_is_read_without_being_named(monkeypatch: pytest.MonkeyPatch) -> None:
    path = config_file()
    path.parent.mkdir(parents=True)
    path.write_text("threads = 5\n")
    assert load().threads == 5


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.profile = "fast"
    with pytest.raises(ValidationError, match="frozen"):
        settings.llm.model = "other"


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ASSISTANT_PROFILE", "quick", "profile"),
        ("ASSISTANT_THREADS", "many", "threads"),
        ("ASSISTANT_THREADS", "0", "threads"),
        ("ASSISTANT_THREADS", "1000", "threads"),
        ("ASSISTANT_LLM__TEMPERATURE", "hot", "llm.temperature"),
        ("ASSISTANT_LLM__TEMPERATURE", "-1", "llm.temperature"),
        ("ASSISTANT_LLM__MAX_TOKENS", "0", "llm.max_tokens"),
        ("ASSISTANT_LLM__CONTEXT", "12", "llm.context"),
        ("ASSISTANT_STT__DEVICE", "abacus", "stt.device"),
        ("ASSISTANT_TTS__SPEED", "9", "tts.speed"),
        ("ASSISTANT_VISION__KEEP_DAYS", "0", "vision.keep_days"),
        ("ASSISTANT_VISION__MOST_VIEWS", "0", "vision.most_views"),
        ("ASSISTANT_VISION__REMEMBER", "perhaps", "vision.remember"),
        ("ASSISTANT_LLM__MODEL_", "x", "llm.model_"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str) -> None:
    monkeypatch.setenv(variable, value)
    error = refusal()
    assert f"setting {named} " in error.problem
    assert "ASSISTANT_" in error.remedy


def test_a_variable_for_a_whole_section_is_not_blamed_on_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_LLM", "no section")
    problem = refusal().problem
    assert "llm" in problem
    assert "TOML" not in problem


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('threads = "many"\n', "threads"),
        ("[llm]\nmodel_ = 'x'\n", "llm.model_"),
        ("llm = 3\n", "llm"),
        ("[tts]\nspeed = 0.1\n", "tts.speed"),
    ],
)
def test_a_wrong_value_in_the_file_is_named_with_the_file(file: Path, content: str, named: str) -> None:
    file.write_text(content)
    error = refusal()
    assert f"setting {named} " in error.problem
    assert str(file) in error.remedy


def test_a_wrong_flag_is_named() -> None:
    assert "setting tts.speed " in refusal(tts={"speed": 7}).problem


@pytest.mark.parametrize("content", ["profile = \n", "[llm\n", "threads = 2\nthreads = 3\n"])
def test_bad_toml_is_said_with_its_file(file: Path, content: str) -> None:
    file.write_text(content)
    error = refusal()
    assert error.problem.startswith(f"{file} is not valid TOML: ")
    assert "line" in error.problem


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name = '\xe4'\n"])
def test_a_file_that_is_no_text_is_said_with_its_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert str(file) in refusal().problem


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSISTANT_CONFIG", str(tmp_path / "nowhere.toml"))
    assert f"{tmp_path / 'nowhere.toml'}, which is not a file" in refusal().problem
    monkeypatch.setenv("ASSISTANT_CONFIG", str(tmp_path))
    assert "is not a file" in refusal().problem


def test_a_secret_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_LLM__API_KEY", SECRET)
    settings = load()
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == SECRET
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.llm)):
        assert SECRET not in shown


def test_a_secret_does_not_show_in_what_is_said_about_another_setting(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("ASSISTANT_LLM__API_KEY", SECRET)
    monkeypatch.setenv("ASSISTANT_LLM__CONTEXT", "12")
    assert SECRET not in str(refusal())
    monkeypatch.delenv("ASSISTANT_LLM__CONTEXT")
    file.write_text(f"[llm]\napi_key = ['{SECRET}']\n")
    monkeypatch.delenv("ASSISTANT_LLM__API_KEY")
    assert SECRET not in str(refusal())


@pytest.mark.parametrize("field", ["stt", "llm", "tts"])
def test_every_section_says_what_it_is(field: str) -> None:
    section = Settings.model_fields[field].annotation
    assert section is not None
    assert section.__doc__
