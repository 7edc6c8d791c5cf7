"""Chromium at the page, with a recording as its microphone; what it said and what it heard, on one clock."""

import base64
import io
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.transports.resampling import StreamResampler

RATE = 48_000
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)

_KEEP_HOLD = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => (window.bench_microphone = await real(wanted));
const Peer = RTCPeerConnection;
window.RTCPeerConnection = class extends Peer { constructor(...given) { super(...given); window.bench_peer = this; } };
"""
_RECORD = """() => {
  const context = new AudioContext({ sampleRate: 48000 });
  const both = context.createChannelMerger(2);
  context.createMediaStreamSource(window.bench_microphone).connect(both, 0, 0);
  const loudspeaker = document.querySelector("audio");
  const heard = context.createGain(); // the stream does not know when its player is muted
  loudspeaker.addEventListener("volumechange", () => heard.gain.setValueAtTime(loudspeaker.muted ? 0 : 1, context.currentTime));
  context.createMediaStreamSource(loudspeaker.srcObject).connect(heard).connect(both, 0, 1);
  const sink = context.createMediaStreamDestination();
  both.connect(sink);
  const recorder = new MediaRecorder(sink.stream, { mimeType: "audio/webm;codecs=pcm" });
  window.bench_pieces = [];
  recorder.ondataavailable = (event) => window.bench_pieces.push(event.data);
  recorder.start(1000);
  window.bench_recorder = recorder;
}"""
_STOP = """async () => {
  const stopped = new Promise((done) => (window.bench_recorder.onstop = done));
  window.bench_recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(window.bench_pieces).arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}"""
_STATISTICS = """async () => {
  for (const one of (await window.bench_peer.getStats()).values())
    if (one.type === "inbound-rtp" && one.kind === "audio")
      return [one.jitterBufferTargetDelay, one.jitterBufferEmittedCount, one.concealedSamples - one.silentConcealedSamples,
              one.concealedSamples, one.totalSamplesReceived];
  return null;
}"""
_LOOK_MS = 5000


@dataclass(frozen=True, slots=True)
class Heard:
    """A conversation as the browser had it."""

    said: Samples
    """At 48 kHz, from the moment of the recording's first sample."""
    heard: Samples
    """The same clock."""
    connected: float
    """Seconds from the click to the connection."""
    targets: Sequence[float]
    """Seconds that the jitter buffer aimed at, every five seconds."""
    concealed: float
    """Share of the samples that were made up while something was to be heard."""


def converse(address: str, recording: AudioChunk) -> Heard:
    """Press the button, let the recording be said, and listen to the end of it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "microphone.wav"
        soundfile.write(str(file), StreamResampler(recording.rate, RATE).push(recording.samples), RATE)
        with _page(file) as page:
            page.goto(address)
            connected: float = page.evaluate(
                """async () => {
                  const begin = performance.now();
                  document.querySelector("#talk").click();
                  while (document.body.dataset.state !== "live") await new Promise((done) => setTimeout(done, 5));
                  return (performance.now() - begin) / 1000;
                }"""
            )
            page.evaluate(_RECORD)
            looks: list[list[float]] = []
            for _ in range(round((recording.seconds + 1.0) * 1000 / _LOOK_MS)):
                page.wait_for_timeout(_LOOK_MS)
                looks.append(page.evaluate(_STATISTICS))
            sound = _decoded(base64.b64decode(page.evaluate(_STOP)))
    return _aligned(sound, recording, connected, np.asarray(looks, np.float32))


@contextmanager
def _page(microphone: Path) -> Generator[Page]:
    with sync_playwright() as playwright:
        flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=flags)
        try:
            page = browser.new_page()
            page.add_init_script(_KEEP_HOLD)
            yield page
        finally:
            browser.close()


def _decoded(data: bytes) -> Samples:
    """Shape [2, n]."""
    pieces: list[Any] = []
    with av.open(io.BytesIO(data)) as opened:
        container: Any = opened
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()
            pieces.append(samples if frame.format.is_planar else samples.reshape(-1, 2).T)
    whole: Any = np.concatenate(pieces, axis=1)
    return np.asarray(whole, np.float32) / np.float32(32768 if whole.dtype == np.int16 else 1)


def _aligned(sound: Samples, recording: AudioChunk, connected: float, looks: Samples) -> Heard:
    """From the first sample of the recording on: found by its first word, since the two do not begin together."""
    first, _ = audible(recording.samples, recording.rate)
    onset, _ = audible(sound[0], RATE)
    shift = onset - round(first / recording.rate * RATE)
    said, heard = (np.concatenate([np.zeros(max(-shift, 0), np.float32), channel[max(shift, 0) :]]) for channel in sound)
    steps = np.diff(looks, axis=0)
    targets = list(steps[:, 0] / np.maximum(steps[:, 1], 1))
    return Heard(said, heard, connected, targets, float(steps[:, 2].sum() / max(steps[:, 4].sum(), 1)))
