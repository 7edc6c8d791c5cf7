"""Opening GGUF models with llama.cpp in this process, on a machine where several models share a few cores."""

import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing

if TYPE_CHECKING:
    import xllamacpp

_NICENESS = 5
"""A model that writes yields to the voice where they share cores: the first sound matters more than the words after it."""


def open_server(model: Path, *, context: int, threads: int, yields: bool) -> "xllamacpp.Server":
    """Load `model` for one conversation of at most `context` tokens.

    `yields`: its threads, and the calling one, get a lower priority than the rest of the process.
    """
    if not model.is_file():
        raise ModelMissing(f"The language model {model} is not there.", "Fetch it with `assistant models pull`.")
    try:
        import xllamacpp
    except ImportError as error:
        raise EngineUnavailable("xllamacpp is not installed.", "Install it with `pip install xllamacpp`.") from error
    if yields:
        _yield_to_others()
    # The object always opens an HTTP door of its own: it goes into a private folder that is removed once it stands.
    with tempfile.TemporaryDirectory(prefix=f"assistant-{os.getpid()}-") as folder:
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx = context
        params.n_parallel = 1
        params.verbosity = -1
        params.warmup = True
        params.cache_ram_mib = 0  # keeps copies of old prompts in memory; one conversation needs none
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = threads
            cpu.poll = 0  # sleep between calls: an idle model must not hold a core
        params.hostnames = [f"{folder}/llm.sock"]
        params.api_keys = [secrets.token_urlsafe(32)]
        params.ui = False
        params.endpoint_slots = False
        params.n_threads_http = 1
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise EngineFailed(
                f"{model.name} is not a model that llama.cpp can load.", "Check it with `assistant models verify`."
            ) from error


def _yield_to_others() -> None:
    """Lower the priority of this thread and of those it starts from now on.

    Linux keeps niceness by thread and hands it down; elsewhere it would be the whole process that yields.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
