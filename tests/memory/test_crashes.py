"""Killed at any moment, the memory has every note that was acknowledged, once, whole, and in the index."""

import os
import random
from pathlib import Path

import pytest
from crashing import POINTS, die_at, forked, inspect, write

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "30"))
"""More of them: `CRASH_ROUNDS=200 pytest tests/memory/test_crashes.py`."""

pytestmark = pytest.mark.timeout(120 + 4 * ROUNDS)


def check(folder: Path, told: list[str], expected: dict[str, str]) -> None:
    """What was acknowledged is there, once; a deletion that had begun may have come to its end."""
    doubtful: set[str] = set()
    for line in told:
        kind, *rest = line.split()
        if kind == "added":
            expected[rest[1]] = rest[0]
        elif kind == "deleting":
            doubtful.add(rest[0])
    lines, code = forked(lambda out: inspect(folder, out))
    assert code == 0, lines
    assert not [line for line in lines if line.startswith("wrong")], lines
    found = [tuple(line.split()[1:]) for line in lines if line.startswith("has")]
    assert len({id for _, id in found}) == len(found)
    there = {id: number for number, id in found}
    missing = {id for id in expected if id not in there}
    assert missing <= doubtful
    assert all(there[id] == number for id, number in expected.items() if id in there)
    expected.clear()
    expected.update(there)


def test_killed_at_any_moment_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = random.Random(1)
    expected: dict[str, str] = {}
    for round_number in range(ROUNDS):
        first = 1000 * round_number
        told, code = forked(lambda out, first=first: write(tmp_path, first, first, out), seconds=chance.uniform(0.0, 0.25))
        assert code == -9
        check(tmp_path, told, expected)
    assert len(expected) > ROUNDS


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point_nothing_that_was_acknowledged_is_lost(tmp_path: Path, point: str, *, after: bool) -> None:
    expected: dict[str, str] = {}
    for call in (1, 2, 5):

        def work(out: int, call: int = call) -> None:
            die_at(point, call, after=after)
            write(tmp_path, 1000 * call, 3, out)

        told, code = forked(work)
        assert code in {-9, 0}  # some points are not come by so often
        check(tmp_path, told, expected)
