"""Keys: made once, kept as hashes, revoked at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from click.testing import CliRunner

from multimodal_assistant.cli.keys import command
from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting, UnknownName
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner
from multimodal_assistant.server.host import Host
from multimodal_assistant.server.keys import KeyFile
from running import serving


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "keys.json"


@pytest.fixture
def damaged(path: Path) -> Path:
    path.parent.mkdir()
    path.write_text("[1]")
    return path


def test_a_key_opens_until_it_is_revoked(path: Path) -> None:
    keys = KeyFile(path)
    anna, bert = keys.add("Anna"), keys.add("Bert")
    assert keys.admits(anna)
    assert keys.admits(bert)
    assert not keys.admits("")
    assert not keys.admits(anna[:-1])
    KeyFile(path).revoke("Anna")
    assert not keys.admits(anna)
    assert keys.admits(bert)
    assert [key.name for key in keys.keys] == ["Bert"]


def test_the_file_opens_nothing_and_is_its_owners(path: Path) -> None:
    key = KeyFile(path).add("Anna")
    kept = path.read_text()
    assert key not in kept
    assert key.removeprefix("mma-") not in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_made_at_the_same_time_are_all_kept(path: Path) -> None:
    def add(number: int) -> str:
        return KeyFile(path).add(f"program {number}")

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(add, range(24)))
    keys = KeyFile(path)
    assert len(keys.keys) == 24
    assert all(keys.admits(key) for key in made)


def test_a_name_has_one_key(path: Path) -> None:
    KeyFile(path).add("Anna")
    with pytest.raises(InvalidSetting, match="already"):
        KeyFile(path).add("Anna")


def test_an_unknown_name_is_named(path: Path) -> None:
    with pytest.raises(UnknownName, match="Anna"):
        KeyFile(path).revoke("Anna")


@pytest.mark.parametrize("damage", ["", "{", '[{"name": "Anna"}]', "[1]"])
def test_a_damaged_file_lets_nobody_in(path: Path, damage: str) -> None:
    path.parent.mkdir()
    path.write_text(damage)
    with pytest.raises(InvalidSetting, match=r"keys\.json is not a list of keys"):
        KeyFile(path).admits("anything")


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assistant.toml").touch()
    monkeypatch.setenv("ASSISTANT_CONFIG", str(tmp_path / "assistant.toml"))
    shell = CliRunner()
    key = shell.invoke(command, ["add", "Anna"]).stdout.strip()
    assert KeyFile(tmp_path / "keys.json").admits(key)
    assert "Anna" in shell.invoke(command, ["list"]).stdout
    assert shell.invoke(command, ["revoke", "Anna"]).exit_code == 0
    assert shell.invoke(command, ["list"]).stdout == ""
    assert shell.invoke(command, ["add", "../x\n"]).exception is not None


@pytest.mark.anyio
async def test_as_soon_as_there_is_a_key_everybody_needs_one(path: Path) -> None:
    keys = KeyFile(path)
    async with serving(keys=keys) as server, server.client("nothing") as stranger:
        assert await stranger.models.list()
        key = KeyFile(path).add("Anna")
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()
        async with server.client(key) as anna:
            assert await anna.models.list()
            KeyFile(path).add("Bert")
            KeyFile(path).revoke("Anna")
            with pytest.raises(openai.AuthenticationError):
                await anna.models.list()


@pytest.mark.anyio
async def test_a_damaged_file_is_no_open_door(damaged: Path) -> None:
    async with serving(keys=KeyFile(damaged)) as server, server.client("nothing") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()


@pytest.mark.parametrize(("host", "opens"), [("127.0.0.1", True), ("0.0.0.0", False), ("192.168.1.5", False)])
def test_the_last_key_that_is_revoked_opens_nothing_to_strangers(path: Path, host: str, opens: bool) -> None:
    keys = KeyFile(path)
    keys.add("Anna")
    engines = Engines(ScriptedVad(), ScriptedStt(), ScriptedLlm(), ScriptedTts())
    door = Host(engines, EndOfTurn(ScriptedTurn()), Manner(), ServerSettings(host=host), keys)
    assert not door.admits("")
    keys.revoke("Anna")
    assert door.admits("") == opens
