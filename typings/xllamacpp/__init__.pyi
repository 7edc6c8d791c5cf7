# What we use of xllamacpp.
from collections.abc import Callable
from typing import Any

class CpuParams:
    n_threads: int
    poll: int

class CommonParamsModel:
    path: str

class CommonParams:
    model: CommonParamsModel
    cpuparams: CpuParams
    cpuparams_batch: CpuParams
    n_ctx: int
    n_parallel: int
    verbosity: int
    warmup: bool
    cache_ram_mib: int
    hostnames: list[str]
    api_keys: list[str]
    ui: bool
    endpoint_slots: bool
    n_threads_http: int

class Server:
    listening_address: str
    def __init__(self, params: CommonParams) -> None: ...
    def handle_chat_completions(self, request: dict[str, Any], callback: Callable[[dict[str, Any]], bool]) -> None: ...
    def handle_completions(self, request: dict[str, Any]) -> dict[str, Any]: ...
