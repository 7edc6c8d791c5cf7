"""Settings: TOML file, then ASSISTANT_* environment, then flags. Read once in `app.py` and frozen."""

import os
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError, TomlConfigSettingsSource

from .core.errors import InvalidSetting

Profile = Literal["balanced", "fast", "quality", "auto"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SttSettings(_Section):
    """Speech recognition."""

    model: str = ""
    """Model name, size (base, small, …) or folder; empty: the profile's."""
    compute_type: str = "int8"
    """As CTranslate2 names it: int8, float32, float16, …"""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    language: str | None = None
    """ISO 639-1; unset: recognized from the speech."""


class LlmSettings(_Section):
    """The language model."""

    model: str = "auto"
    """auto, a model of the store, a .gguf file, ollama:NAME, openai:NAME, or the name of an engine."""
    ollama_host: str = "http://127.0.0.1:11434"
    ollama_model: str = "gemma3:4b"
    """What `auto` looks for on a running Ollama."""
    base_url: str = ""
    """Of an OpenAI-compatible server, with its /v1."""
    api_key: SecretStr | None = None
    sees: bool = False
    """The model of the OpenAI-compatible server takes pictures; it does not tell by itself, as Ollama does."""
    context: int = Field(default=4096, ge=512, le=1_048_576)
    """Tokens."""
    max_tokens: int = Field(default=160, ge=1, le=8192)
    """Longest reply."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Unset: 0 for the embedded models, which ramble otherwise, and a server's own choice for what it serves."""
    repeat_penalty: float = Field(default=1.1, ge=0.5, le=2)
    system: str = ""
    """Standing instruction; empty: the built-in one for spoken answers."""


class TtsSettings(_Section):
    """The voice."""

    voice: str = "auto"
    """auto, a Kokoro voice (af_heart), a voice of the store (joe), a Piper .onnx file, or the name of an engine."""
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    follows_language: bool = True
    """An answer to French is spoken by a French voice, if the voice is one of Kokoro's and there is one for that language."""


class AudioSettings(_Section):
    """Microphone and loudspeaker."""

    microphone: str = ""
    """Number, name or a part of the name of the device; empty: the system's choice."""
    speaker: str = ""
    """The same of the loudspeaker."""
    echo_cancellation: bool = True
    """Take the assistant's own voice out of what the microphone hears. With headphones it is not needed and does no harm."""


class PatienceSettings(_Section):
    """How long an answer may take, in seconds from the end of the turn to its first sound."""

    stopgap_after: float = Field(default=1.5, gt=0)
    """Then "let me think" is said."""
    give_up_after: float = Field(default=4.0, gt=0)
    """Then the answer is given up, and that is said. More for a large model on a slow machine."""


class MemorySettings(_Section):
    """What is remembered across conversations."""

    enabled: bool = True
    folder: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("multimodal-assistant")) / "memory")
    """Where memories are kept: on this machine, and nowhere else."""
    user: str = Field(default="me", min_length=1, max_length=200)
    """Whose they are."""
    embedder: str = "minilm"
    """What finds memories by meaning: a model of the store, or a folder with `model.onnx` and `tokenizer.json` of a sentence-transformers
    model, for other languages or more likeness. Another one embeds everything again at the next start."""
    enrich: bool = False
    """While nobody talks to `assistant serve`, its language model works through what was kept: keywords, contexts, links, and a summary
    of each conversation, all checked against the words. Worth it with a model of some size; the embedded ones add little."""
    qdrant_url: str = ""
    """Of a Qdrant server for the index; empty: the engine in this process. The words stay in `folder` and go to neither."""
    qdrant_api_key: SecretStr | None = None


class VisionSettings(_Section):
    """What the camera sees."""

    remember: bool = False
    """Keep small pictures of what the camera sees, and what is in them, so that "where did you last see my cup?" has an answer. They are
    kept in the folder of the memory, on this machine alone."""
    keep_days: float = Field(default=7.0, gt=0, le=3650)
    """What was last seen longer ago is deleted."""
    most_views: int = Field(default=2000, ge=1, le=100_000)
    """Pictures of one user; the oldest go first. Of 10 to 20 kB each."""
    clip: Path | None = None
    """A folder with a CLIP (docs/models.md), to find pictures by words and to say what one may show. Unset: a classifier and a stand-in
    that know a thousand things."""
    phrases: Path | None = None
    """With a CLIP: what a picture may show, a phrase to a line; unset: 264 things and scenes."""


class ServerSettings(_Section):
    """`assistant serve`."""

    host: str = "127.0.0.1"
    """Address to listen on; one beyond this machine needs a key."""
    port: int = Field(default=8765, ge=0, le=65535)
    """0: any that is free."""
    key: SecretStr | None = None
    """What clients have to show, as they would to OpenAI; at least 16 characters."""
    origins: tuple[str, ...] = ()
    """Whose pages may call besides its own: https://talk.example.org, http://localhost:5173."""
    conversations: int = Field(default=4, ge=1, le=1000)
    """At once; one more is told to come back later."""
    conversations_per_client: int | None = Field(default=None, ge=1, le=1000)
    """Of these, by one key, or by one address where no key is needed. Unset: as many as there are."""
    minutes_per_day: float | None = Field(default=None, gt=0, le=1440)
    """Of conversation, for one key or address; what is used up comes back evenly over a day. Unset: no limit."""
    requests_per_minute: float = Field(default=600, gt=0)
    """By one key or address."""
    certificate: Path | None = None
    """TLS: a PEM file with the certificate, and those between it and its authority. Browsers give the microphone only to pages of
    this machine or with TLS."""
    certificate_key: Path | None = None
    """PEM file of its private key, without a passphrase."""
    ice_servers: tuple[str, ...] = ()
    """STUN and TURN servers that both ends of a call ask, where they do not reach each other directly: stun:HOST:PORT,
    turn:HOST:PORT?transport=tcp. Unset: nobody is asked."""
    turn_secret: SecretStr | None = None
    """What the TURN server has as static-auth-secret: each call gets a password of its own, for an hour."""
    turn_username: str = ""
    turn_password: SecretStr | None = None
    """For one that has users instead. Everybody who may call is told both."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(env_prefix="ASSISTANT_", env_nested_delimiter="__", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("multimodal-assistant")))
    """Where models and what is derived from them are kept."""
    models_dir: Path | None = None
    """A folder with models placed by hand, looked through before anything is fetched."""
    profile: Profile = "balanced"
    latency_goal: float = Field(default=0.8, ge=0.3, le=10)
    """Seconds from the end of a question to the answer that the profile `auto` aims at."""
    threads: int = Field(default_factory=lambda: default_threads(), ge=1, le=64)
    """Threads a model may use."""
    stt: SttSettings = SttSettings()
    llm: LlmSettings = LlmSettings()
    tts: TtsSettings = TtsSettings()
    audio: AudioSettings = AudioSettings()
    patience: PatienceSettings = PatienceSettings()
    memory: MemorySettings = MemorySettings()
    vision: VisionSettings = VisionSettings()
    server: ServerSettings = ServerSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def default_threads() -> int:
    """Half of the logical processors, at least two where there are two, at most four: more make small models slower."""
    processors = os.cpu_count() or 1
    return max(min(processors // 2, 4), min(processors, 2))


def config_file() -> Path:
    """The TOML file: ASSISTANT_CONFIG, or assistant.toml in the platform's configuration folder."""
    named = os.environ.get("ASSISTANT_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir("multimodal-assistant")) / "assistant.toml"


def load(**flags: Any) -> Settings:
    """Read the settings; `flags` win (nested: llm={"model": …}). Raises `InvalidSetting` naming the setting and the remedy."""
    named = os.environ.get("ASSISTANT_CONFIG")
    if named and not Path(named).is_file():
        raise InvalidSetting(f"ASSISTANT_CONFIG names {named}, which is not a file.", "Create it or unset the variable.")
    try:
        return Settings(**flags)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidSetting(
            f"The setting {name} is wrong: {first['msg']}.", f"Look at the flags, ASSISTANT_* variables and {config_file()}."
        ) from None
    except SettingsError as error:  # a variable for a whole section that is no JSON
        raise InvalidSetting(
            f"An ASSISTANT_* variable is wrong: {error}.",
            'Name section and setting, as in ASSISTANT_LLM__MODEL; write a list as ["one", "two"].',
        ) from None
    except ValueError as error:  # tomllib
        raise InvalidSetting(f"{config_file()} is not valid TOML: {error}.", "Correct or remove the file.") from None
