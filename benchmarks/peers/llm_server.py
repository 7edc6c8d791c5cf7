"""The same llama.cpp as ours behind its own OpenAI-compatible door: python -m benchmarks.peers.llm_server MODEL.gguf THREADS."""

import sys
from typing import Any, cast

import xllamacpp

from multimodal_assistant.app import quiet_threads


def main(model: str, threads: int) -> None:
    """Load, print the address, serve until standard input ends."""
    quiet_threads()
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 4096
    params.n_parallel = 1
    params.verbosity = -1
    params.warmup = True
    params.cache_ram_mib = 0
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = threads
        cpu.poll = 0
    params.hostnames = ["127.0.0.1"]
    cast(Any, params).port = 0  # any that is free
    params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
