"""Who may come in, and for how long."""

import json
import ssl
import subprocess
from pathlib import Path

import anyio
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from calling import calling
from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.server import faults, listen
from multimodal_assistant.server.host import check_certificate, check_exposure
from multimodal_assistant.server.keys import KeyFile
from multimodal_assistant.server.logins import SECONDS, Logins
from running import Running, serving

pytestmark = pytest.mark.anyio

KEY = "a-long-enough-secret"


def browser(server: Running) -> httpx.AsyncClient:
    """It keeps cookies."""
    return httpx.AsyncClient(base_url=server.address)


def websocket(server: Running, **headers: str) -> connect:
    return connect(server.address.replace("http", "ws") + "/v1/realtime", additional_headers=headers)


async def test_a_page_trades_the_key_for_a_cookie_that_no_script_sees() -> None:
    async with serving(key=KEY) as server, browser(server) as client:
        assert (await client.get("/v1/models")).status_code == 401
        entered = await client.post("/login", json={"key": KEY})
        assert entered.status_code == 204
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert KEY not in cookie
        assert (await client.get("/v1/models")).status_code == 200
        async with websocket(server, cookie=f"assistant_login={client.cookies['assistant_login']}") as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"
        kept = client.cookies["assistant_login"]
        await client.post("/logout")
        assert (await client.get("/v1/models", headers={"cookie": f"assistant_login={kept}"})).status_code == 401


async def test_a_login_ends_with_the_key_it_was_made_with(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("phone")
    keys.add("other")
    async with serving(keys=keys) as server, browser(server) as client:
        await client.post("/login", json={"key": key})
        assert (await client.get("/v1/models")).status_code == 200
        keys.revoke("phone")
        assert (await client.get("/v1/models")).status_code == 401


def test_a_login_ends_after_its_time() -> None:
    logins = Logins()
    cookie = logins.enter(KEY, 100.0)
    assert logins.key(cookie, 100.0 + SECONDS - 1) == KEY
    assert logins.key(cookie, 100.0 + SECONDS) == ""
    assert logins.key("another", 100.0) == ""


async def test_who_guesses_is_slowed_down_even_if_right_at_last() -> None:
    async with serving(key=KEY) as server, browser(server) as client:
        answers = [(await client.post("/login", json={"key": f"guess-{number}"})).status_code for number in range(11)]
        assert answers == [401] * 10 + [429]
        refused = await client.get("/v1/models", headers={"authorization": f"Bearer {KEY}"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert refused.json()["error"]["message"] == "Too many wrong keys from this address. Wait a minute."
        assert (await client.get("/healthz")).status_code == 200


async def test_a_missing_key_is_no_guess() -> None:
    async with serving(key=KEY) as server, browser(server) as client:
        assert {(await client.get("/v1/models")).status_code for _ in range(20)} == {401}


async def test_requests_are_limited() -> None:
    async with serving(requests_per_minute=5) as server, browser(server) as client:
        answers = [(await client.get("/healthz")).status_code for _ in range(7)]
        assert answers == [200] * 5 + [429] * 2
        with pytest.raises(InvalidStatus) as refused:
            await websocket(server)
        assert refused.value.response.status_code == 429


async def test_one_client_takes_no_more_than_its_share() -> None:
    async with serving(conversations_per_client=1) as server, websocket(server) as first:
        await first.recv()
        async with websocket(server) as second:
            with pytest.raises(ConnectionClosed) as closed:
                await second.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.reason == "One client may hold 1 conversations at once. End one of them."


async def test_minutes_run_out_with_a_goodbye() -> None:
    async with serving(minutes_per_day=1.5 / 60) as server:
        async with websocket(server) as socket:
            await socket.send('{"type": "assistant.heartbeat"}')
            with anyio.fail_after(5):
                *_, last = [json.loads(event) async for event in socket]
            assert (last["type"], last["message"]) == ("assistant.goodbye", "Your minutes of conversation are used up.")
            assert (socket.close_code, socket.close_reason) == (1001, "Your minutes of conversation are used up.")
        await server.emptied(3)
        async with websocket(server) as again:
            with pytest.raises(ConnectionClosed) as closed:
                await again.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013


async def test_a_server_that_closes_says_goodbye() -> None:
    with anyio.fail_after(10):
        async with serving() as server, calling(server.address) as caller, websocket(server) as socket:
            caller.send(type="assistant.heartbeat")
            await caller.until("assistant.heartbeat")
            server.host.closing.set()
            assert (await caller.until("assistant.goodbye"))["message"] == "The server is closing."
            assert [json.loads(event)["type"] async for event in socket] == ["session.created"]
            assert (socket.close_code, socket.close_reason) == (1001, "The server is closing.")
            await server.emptied(3)


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return certificate, key


async def test_with_a_certificate_all_of_it_is_encrypted(tmp_path: Path) -> None:
    certificate, key = await anyio.to_thread.run_sync(_certificate, tmp_path)
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with serving(key=KEY, certificate=certificate, certificate_key=key) as server:
        assert server.address.startswith("https://")
        async with httpx.AsyncClient(base_url=server.address, verify=trusted) as client:
            entered = await client.post("/login", json={"key": KEY})
            assert "secure" in entered.headers["set-cookie"].lower()


@pytest.mark.parametrize(("wrong", "said"), [("certificate", "No such file"), ("key", "cannot be used")])
def test_a_certificate_that_does_not_work_is_one_sentence(tmp_path: Path, wrong: str, said: str) -> None:
    certificate, key = _certificate(tmp_path)
    if wrong == "certificate":
        certificate.unlink()
    else:
        key.write_text("nonsense")
    with pytest.raises(InvalidSetting, match=said):
        check_certificate(ServerSettings(certificate=certificate, certificate_key=key))


async def _drip(server: Running, data: bytes) -> bytes:
    """Send it a byte at a time; what the server said until it hung up."""
    host, port = server.address.removeprefix("http://").split(":")
    said = b""
    async with await anyio.connect_tcp(host, int(port)) as stream:
        with anyio.fail_after(8):
            try:
                for byte in data:
                    await stream.send(bytes([byte]))
                    with anyio.move_on_after(0.05):
                        said += await stream.receive()
                while True:
                    said += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return said


async def test_who_takes_his_time_over_a_request_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_HEAD_SECONDS", 0.5)
    async with serving() as server:
        assert await _drip(server, b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"x: y\r\n" * 100) == b""
        async with browser(server) as client:
            assert (await client.get("/healthz")).status_code == 200
            await anyio.sleep(0.7)
            assert (await client.get("/healthz")).status_code == 200, "an idle connection is another thing"
        async with websocket(server) as socket:
            await socket.recv()
            await anyio.sleep(0.7)
            await socket.send('{"type": "assistant.heartbeat"}')
            assert json.loads(await socket.recv())["type"] == "assistant.heartbeat"


async def test_who_takes_his_time_over_a_body_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_BODY_SECONDS", 0.5)
    async with serving() as server:
        head = b"POST /login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n"
        host, port = server.address.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(head + b"{")
            with anyio.fail_after(5):
                said = await stream.receive()
        assert said.startswith(b"HTTP/1.1 408 ")


async def test_nobody_hangs_up_for_another(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    mine, other = keys.add("mine"), keys.add("other")
    async with serving(keys=keys) as server, calling(server.address, key=mine):
        (name,) = server.host.live
        async with browser(server) as client:
            path = f"/v1/realtime/calls/{name}/hangup"
            assert (await client.post(path, headers={"authorization": f"Bearer {other}"})).status_code == 404
            assert server.host.live
            assert (await client.post(path, headers={"authorization": f"Bearer {mine}"})).status_code == 200
        await server.emptied(5)


OTHER = "http://localhost:5173"


async def test_a_page_of_another_origin_comes_in_where_it_is_named() -> None:
    async with serving(origins=(OTHER,), key=KEY) as server, browser(server) as client:
        ask = {"origin": OTHER, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
        may = await client.options("/v1/realtime/calls", headers=ask)
        assert (may.status_code, may.headers["access-control-allow-origin"]) == (200, OTHER)
        assert "authorization" in may.headers["access-control-allow-headers"].lower()
        models = await client.get("/v1/models", headers={"origin": OTHER, "authorization": f"Bearer {KEY}"})
        assert (models.status_code, models.headers["access-control-allow-origin"]) == (200, OTHER)
        keyless = await client.get("/v1/models", headers={"origin": OTHER})
        assert (keyless.status_code, keyless.headers["access-control-allow-origin"]) == (401, OTHER)
        assert "access-control-allow-credentials" not in models.headers
        async with websocket(server, origin=OTHER, authorization=f"Bearer {KEY}") as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"
        stranger = {**ask, "origin": "http://localhost:5174"}
        assert (await client.options("/v1/realtime/calls", headers=stranger)).status_code == 400
        refused = await client.get("/v1/models", headers={"origin": "http://localhost:5174", "authorization": f"Bearer {KEY}"})
        assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)


@pytest.mark.parametrize("origin", ["*", "null", "localhost:5173", "http://localhost:5173/", "https://a.example/page", "file://"])
def test_what_is_no_origin_is_refused(origin: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="is no origin of a page"):
        check_exposure(ServerSettings(origins=(origin,)), KeyFile(tmp_path / "keys.json"))
    check_exposure(ServerSettings(origins=("https://talk.example.org", "http://[::1]:80")), KeyFile(tmp_path / "keys.json"))
