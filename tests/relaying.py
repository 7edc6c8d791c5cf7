"""A real TURN server (coturn) on a free port of this machine."""

import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

TURNSERVER = shutil.which("turnserver")
needs_turnserver = pytest.mark.skipif(TURNSERVER is None, reason="no coturn; Debian: apt-get install coturn")

_BINDING = bytes.fromhex("000100002112a442") + bytes(12)  # RFC 5389, 6


@asynccontextmanager
async def relay(*rights: str) -> AsyncGenerator[int]:
    """Its port, on 127.0.0.1. rights: flags that say who may use it."""
    assert TURNSERVER is not None
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [TURNSERVER, "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}", "--realm=test"]
        command += ["--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp", "--no-multicast-peers", "--lt-cred-mech"]
        command += [f"--pidfile={folder}/pid", f"--userdb={folder}/db", "--log-file=stdout", *rights]
        async with await anyio.open_process(command, stdin=None, stderr=None, stdout=None) as process:
            try:
                await _answers(port)
                yield port
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


async def _answers(port: int) -> None:
    """Wait until it does."""
    with anyio.fail_after(20):
        async with await anyio.create_connected_udp_socket("127.0.0.1", port) as ours:
            while True:
                with anyio.move_on_after(0.2):
                    try:
                        await ours.send(_BINDING)
                        await ours.receive()
                    except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionRefusedError):
                        await anyio.sleep_forever()  # nobody is there yet
                    return
