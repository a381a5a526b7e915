"""The figures behind `GET /metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


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

    def text(self) -> bytes:
        """The figures in the Prometheus text format."""
        return generate_latest(self.registry)
