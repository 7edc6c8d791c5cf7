"""The gate of frames: whether it sees what is put down, how often it looks at a scene where nothing happens, and what it costs.

Scenes are drawn by seed, or are photographs of Debian's opencv-doc, whose videos are used too: `BENCH_VIDEOS` names the folder with them
(/usr/share/doc/opencv-doc/examples/data). Without it that part says that it was not measured.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from benchmarks.machine import Section, percentile
from multimodal_assistant.core.types import Box, VideoFrame
from multimodal_assistant.processors.frame_gate import HEARTBEAT_SECONDS, FrameGate, Verdict
from multimodal_assistant.transports.video_file import VideoFile

from .scenes import HEIGHT, WIDTH, Film, Scene, drawn, photographed, with_thing

TRIALS = 100
SHARES = (0.04, 0.08, 0.2)
NOISES = (3.0, 6.0, 12.0)
MINUTES = 10
VIDEOS = ("vtest.avi", "Megamind.avi", "tree.avi")
_BEFORE, _AFTER = 5, 4  # frames of a trial, one a second


async def run() -> Section:
    """Trials, a still scene, cost, and videos."""
    folder = Path(os.environ["BENCH_VIDEOS"]) if "BENCH_VIDEOS" in os.environ else None
    photos = photographed(folder) if folder else []
    parts = [_trials(photos), _still(), await _videos(folder)]
    return Section("Frames worth a look", "\n\n".join(parts))


def _trials(photos: Sequence[Scene]) -> str:
    about = (
        f"A thing is put into a still scene of {WIDTH}x{HEIGHT} that is filmed once a second, with noise and with light that rises and "
        f"falls by 15 %. Kept: a frame in which it is new, and lies where the gate says, within {_AFTER - 1} s; n = {TRIALS} each. "
        "A frame that is kept before there is anything new counts as a failure."
    )
    head = "| scene, noise (standard deviation of 255) | " + " | ".join(f"{share:.0%} of the width" for share in SHARES) + " |"
    lines = [about, "", head, "|---|" + "---|" * len(SHARES)]
    lines += [_row(f"drawn, {noise:g}", noise) for noise in NOISES]
    lines.append(_row("drawn, 6, while something else moves", 6.0, passing=True))
    if not photos:
        return "\n".join([*lines, "", "Photographs: not measured (BENCH_VIDEOS is not set)."])
    lines += [_row(f"{len(photos)} photographs, {noise:g}", noise, photos) for noise in NOISES]
    return "\n".join(lines)


def _row(name: str, noise: float, photos: Sequence[Scene] = (), *, passing: bool = False) -> str:
    return f"| {name} | " + " | ".join(_kept(share, noise, photos, passing=passing) for share in SHARES) + " |"


def _kept(share: float, noise: float, photos: Sequence[Scene], *, passing: bool) -> str:
    film = Film(1, noise=noise)
    outcomes: Counter[str] = Counter()
    for seed in range(TRIALS):
        scene = photos[seed % len(photos)] if photos else drawn(seed)
        others = [photo for photo in photos if photo is not scene]
        changed, place = with_thing(scene, share, 1000 + seed, others)
        outcomes[_outcome(film, scene, changed, place, passing=passing)] += 1
    rest = ", ".join(f"{count} {what}" for what, count in outcomes.items() if what != "kept")
    return f"**{outcomes['kept'] / TRIALS:.0%}**" + (f" ({rest})" if rest else "")


def _outcome(film: Film, before: Scene, after: Scene, place: Box, *, passing: bool) -> str:
    gate = FrameGate()
    for second in range(_BEFORE + _AFTER):
        scene = after if second >= _BEFORE else before
        verdict = gate.look(VideoFrame(film.shot(_passed(scene, second) if passing else scene, second), second))
        if second == 0 or not verdict.kept:
            continue
        if second < _BEFORE:
            return "false"
        return "kept" if any(_overlap(box, place) for box in verdict.changed) else "wrong place"
    return "missed"


def _passed(scene: Scene, second: int) -> Scene:
    """A dark thing of a tenth of the width that walks through the picture."""
    walked = scene.copy()
    left = second * WIDTH // 9
    walked[HEIGHT // 3 : HEIGHT * 2 // 3, left : left + WIDTH // 10] = 40
    return walked


def _overlap(one: Box, other: Box) -> bool:
    across = one.left < other.left + other.width and other.left < one.left + one.width
    return across and one.top < other.top + other.height and other.top < one.top + one.height


def _still() -> str:
    lines = [
        f"A still scene, {MINUTES} minutes, light that rises and falls by 15 % every 5 minutes; the heartbeat is {HEARTBEAT_SECONDS:g} s.",
        "",
        "| noise, frames a second | kept a minute | of these by heartbeat | one frame, p50 (p95) |",
        "|---|---|---|---|",
    ]
    for noise, rate in ((3.0, 1), (6.0, 1), (12.0, 1), (20.0, 1), (6.0, 3)):
        film, gate, scene, times = Film(2, noise=noise), FrameGate(), drawn(1), list[float]()
        reasons: Counter[str] = Counter()
        for count in range(MINUTES * 60 * rate):
            frame = VideoFrame(film.shot(scene, count / rate), count / rate)
            begun = time.perf_counter()
            verdict = gate.look(frame)
            times.append((time.perf_counter() - begun) * 1000)
            reasons[verdict.reason or "none"] += 1
        kept = sum(reasons.values()) - reasons["none"]
        lines.append(
            f"| {noise:g}, {rate} | **{kept / MINUTES:.1f}**{_besides(reasons)} | {reasons['heartbeat'] / MINUTES:.1f} "
            f"| {percentile(times, 50):.2f} ({percentile(times, 95):.2f}) ms |"
        )
    return "\n".join(lines)


def _besides(reasons: Counter[str]) -> str:
    """What else than the first frame and the heartbeat."""
    rest = [f"{count} {reason}" for reason, count in reasons.items() if reason not in ("none", "first", "heartbeat")]
    return f" ({', '.join(rest)})" if rest else ""


async def _videos(folder: Path | None) -> str:
    if folder is None:
        return "Videos: not measured (BENCH_VIDEOS is not set)."
    lines = ["| video | frames a second | looked at | kept | why | where, in seconds |", "|---|---|---|---|---|---|"]
    for name in VIDEOS:
        for rate in (1.0, 3.0):
            if not (folder / name).is_file():
                lines.append(f"| {name} | {rate:g} | not there | | | |")
                continue
            verdicts = await _watched(folder / name, rate)
            kept = [(at, verdict) for at, verdict in verdicts if verdict.kept]
            why = Counter(verdict.reason for _, verdict in kept)
            said = ", ".join(f"{count} {reason}" for reason, count in why.items())
            times = ", ".join(f"{at:.0f}" for at, _ in kept)
            lines.append(f"| {name} | {rate:g} | {len(verdicts)} | **{len(kept)}** | {said} | {times} |")
    return "\n".join(lines)


async def _watched(path: Path, rate: float) -> list[tuple[float, Verdict]]:
    gate = FrameGate()
    async with aclosing(VideoFile(path, rate=rate, paced=False).frames()) as frames:
        return [(frame.at, gate.look(frame)) async for frame in frames]
