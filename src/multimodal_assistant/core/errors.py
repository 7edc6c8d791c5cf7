"""Every failure a caller can meet, as one tree.

AssistantError                  one sentence, and what to do about it
├── UsageError                  the request cannot be carried out as asked           (exit 2)
│   ├── UnreadableAudio         not audio, damaged, empty, or far too long
│   ├── UnreadablePicture       not a picture or video, damaged, empty, or far too large
│   ├── NoSpeech                audio without a word in it
│   ├── InvalidSetting          a setting, flag or manifest entry makes no sense
│   └── UnknownName             no model, engine or voice goes by that name
├── EngineError                 a model or its server did not do its work            (exit 3)
│   ├── EngineUnavailable       not installed, not reachable, or not configured
│   ├── EngineFailed            it ran, and failed
│   └── EngineTimeout           no answer within its deadline
├── ModelError                  weights are not there, or not what they should be    (exit 3)
│   ├── ModelMissing            not in the store
│   ├── ModelMismatch           bytes that do not have the hash of the manifest
│   └── ModelFetchFailed        no source delivered
├── DeviceError                 a microphone, speaker or camera is absent or busy     (exit 3)
└── MemoryStoreError            memories cannot be opened, read or written            (exit 3)
    └── IndexDamaged            what finds them cannot be used, and can be built again from what is kept

Vendor errors become one of these at the adapter's edge and nowhere else.
"""

from typing import cast


class AssistantError(Exception):
    """A failure in words a user can act on.

    `problem` says what is wrong and where, in one sentence; `remedy` what to do, or is empty.
    """

    exit_code = 3

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".rstrip()


class UsageError(AssistantError):
    """The request cannot be carried out as asked."""

    exit_code = 2


class UnreadableAudio(UsageError):
    """The input is not audio, is damaged, empty, or far too long."""


class UnreadablePicture(UsageError):
    """The input is not a picture or a video, is damaged, empty, or far too large."""


class NoSpeech(UsageError):
    """The audio holds no word."""


class InvalidSetting(UsageError):
    """A setting, a flag or a manifest entry makes no sense."""


class UnknownName(UsageError):
    """No model, engine or voice goes by that name."""


class EngineError(AssistantError):
    """A model or its server did not do its work."""


class EngineUnavailable(EngineError):
    """Not installed, not reachable or not configured."""


class EngineFailed(EngineError):
    """It ran, and failed."""


class EngineTimeout(EngineError):
    """No answer within its deadline."""


class ModelError(AssistantError):
    """Weights are not there, or not what they should be."""


class ModelMissing(ModelError):
    """Not in the store."""


class ModelMismatch(ModelError):
    """Bytes that do not have the hash of the manifest."""


class ModelFetchFailed(ModelError):
    """No source delivered the file."""


class DeviceError(AssistantError):
    """A microphone, speaker or camera is absent or busy."""


class MemoryStoreError(AssistantError):
    """Memories cannot be opened, read or written."""


class IndexDamaged(MemoryStoreError):
    """The index is there and cannot be used: a new one, built from the log in its place, can."""


def leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that says most of those a task group gathered: one of ours if there is any, else the first."""
    ours, others = group.split(AssistantError)
    error: BaseException = ours or others or group
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return error
