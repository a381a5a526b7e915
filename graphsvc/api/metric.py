"""The figures behind `GET /metrics`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


# What the service counts itself: (its name, ours, whether it only grows, help).
_COUNTED = (
    ("batches", "graphsvc_commits", True, "Log entries committed."),
    ("committed", "graphsvc_records_committed", True, "Records committed, decisions among them."),
    (
        "refusals",
        "graphsvc_commits_rejudged",
        True,
        "Batches judged again because another replica was faster.",
    ),
    ("commit_seconds", "graphsvc_commit_seconds", True, "Time spent waiting for commits."),
    ("seq", "graphsvc_log_number", False, "Number of the newest record that was read."),
    ("drawn", "graphsvc_drawn_number", False, "Number of the newest record that the drawn graph shows."),
)


class _Service:
    """Figures that the service keeps, as of the moment they are asked for."""

    def __init__(self, figures: Mapping[str, float]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """One metric a figure."""
        for name, told, grows, text in _COUNTED:
            if name in self._figures:
                kind = CounterMetricFamily if grows else GaugeMetricFamily
                yield kind(told, text, value=self._figures[name])


class Metrics:
    """Counters of one API; each has its own registry, so two services in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Counter(
            "graphsvc_decisions", "Decisions answered, by verdict.", ["verdict"], registry=self.registry
        )
        self.decide_seconds = Histogram(
            "graphsvc_decide_seconds",
            "Time to answer decide or decideMany.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.refused = Counter(
            "graphsvc_refused_calls",
            "Calls refused at the door, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.subscriptions = Gauge(
            "graphsvc_subscriptions", "Subscriptions open now.", registry=self.registry
        )
        self.ready = Gauge("graphsvc_ready", "1 when decisions can be made, else 0.", registry=self.registry)

    def text(self, figures: Mapping[str, float]) -> bytes:
        """The figures in the Prometheus text format. figures: of `Service.metrics`."""
        own = CollectorRegistry()
        own.register(_Service(figures))
        return generate_latest(self.registry) + generate_latest(own)
