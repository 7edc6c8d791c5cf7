"""What a server counts and measures, for Prometheus and for the dashboard, which reads the same text."""

import logging
from collections.abc import Iterator

import anyio
import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.worker import workers
from multimodal_assistant.pipeline.reply import Engines

log = logging.getLogger(__name__)

_SECONDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 4.0)
_LAGS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 4.0)
_LOOK_SECONDS = 0.1
_STALL_SECONDS = 0.25  # sound is late then, in every conversation


class Metrics:
    """One per server. Nothing that was said is in it, and no name of a client."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.conversations = Gauge("assistant_conversations", "Conversations that are going on.", ["transport"], registry=registry)
        self.begun = Counter("assistant_conversations_begun", "Conversations that began.", ["transport"], registry=registry)
        self.refused = Counter("assistant_refused", "Clients and requests turned away.", ["reason"], registry=registry)
        self._answers = Counter("assistant_answers", "Answers that were taken, by how they ended.", ["end"], registry=registry)
        self._counted: dict[type[ev.Event], Counter] = {
            ev.TurnCommitted: Counter("assistant_turns", "Turns of users that were taken.", registry=registry),
            ev.AudioFinished: self._answers.labels("finished"),
            ev.AnswerGivenUp: self._answers.labels("given up"),
            ev.StopgapStarted: Counter("assistant_stopgaps", "Things said because an answer was late.", registry=registry),
            ev.DraftRetracted: Counter("assistant_drafts_retracted", "Answers made in a pause and never heard.", registry=registry),
            ev.Failure: Counter("assistant_errors", "Failures that a user was told of.", registry=registry),
        }
        help_text = "Where the time from the end of speech to the first sound goes."
        self._stages = Histogram("assistant_stage_seconds", help_text, ["stage"], buckets=_SECONDS, registry=registry)
        self._lag = Histogram("assistant_event_loop_lag_seconds", "How late the event loop is.", buckets=_LAGS, registry=registry)
        registry.register(_Machine())

    def introduce(self, engines: Engines) -> None:
        """Name the engines in use."""
        for kind in ("stt", "llm", "tts"):
            info = Info(f"assistant_{kind}", "The engine in use.", registry=self.registry)
            info.info({name.replace(" ", "_"): str(value) for name, value in getattr(engines, kind).details.items()})

    def hear(self, event: ev.Event) -> None:
        """Something happened in a conversation."""
        match event:
            case ev.TurnMetrics():
                for stage, milliseconds in event.stages.items():
                    if milliseconds is not None:
                        self._stages.labels(stage).observe(milliseconds / 1000)
            case ev.AudioStopped():
                self._answers.labels("cut short" if event.reason == ev.CUT else "interrupted").inc()
            case _ if (counter := self._counted.get(type(event))) is not None:
                counter.inc()
            case _:
                pass

    async def watch(self) -> None:
        """Measure how late the event loop is, for ever; say so where it makes sound late."""
        due = anyio.current_time()
        while True:
            due = max(due, anyio.current_time()) + _LOOK_SECONDS
            await anyio.sleep_until(due)
            lag = anyio.current_time() - due
            self._lag.observe(lag)
            if lag > _STALL_SECONDS:
                log.warning("the event loop stood still for %.2f s: something blocks it", lag)

    def text(self) -> bytes:
        """In the exposition format of Prometheus."""
        return generate_latest(self.registry)


class _Machine(Collector):
    """Read when asked."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """See the base."""
        process = self._process
        with process.oneshot():
            times, memory, threads = process.cpu_times(), process.memory_info().rss, process.num_threads()
        cpu = CounterMetricFamily("assistant_cpu_seconds", "Processor time of this process.")
        cpu.add_metric([], times.user + times.system)
        yield cpu
        yield GaugeMetricFamily("assistant_cpu_count", "Processors of this machine.", value=psutil.cpu_count() or 1)
        yield GaugeMetricFamily("assistant_resident_memory_bytes", "Memory of this process.", value=memory)
        yield GaugeMetricFamily("assistant_threads", "Threads of this process.", value=threads)
        queued = GaugeMetricFamily("assistant_engine_queue", "Work that runs or waits for its turn, by engine.", labels=["engine"])
        for worker in workers():
            queued.add_metric([worker.name], worker.waiting)
        yield queued
