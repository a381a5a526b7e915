"""The figures behind `GET /metrics`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from graphsvc.core.verdict import Verdict
from graphsvc.decide.figure import SECONDS, Distribution

__all__ = ["Metrics"]

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
    ("overloads", "graphsvc_overloads", True, "Requests turned away because too many were waiting."),
    ("queued", "graphsvc_queue_depth", False, "Requests that wait to be judged."),
    (
        "subscribers",
        "graphsvc_log_readers",
        False,
        "Readers of the stream of records, subscriptions' groups among them.",
    ),
    (
        "forwarded",
        "graphsvc_forwarded_decisions",
        True,
        "Requests that were sent on to the owner of their chain.",
    ),
    (
        "unreachable",
        "graphsvc_owner_unreachable",
        True,
        "Requests decided here because their chain's owner did not answer.",
    ),
    (
        "refused_connections",
        "graphsvc_refused_connections",
        True,
        "Connections turned away because too many were open.",
    ),
    (
        "late_requests",
        "graphsvc_late_requests",
        True,
        "Connections cut off because their request was not whole in time.",
    ),
    ("seq", "graphsvc_log_number", False, "Number of the newest record that was read."),
    ("drawn", "graphsvc_drawn_number", False, "Number of the newest record that the drawn graph shows."),
    (
        "undrawn_seconds",
        "graphsvc_drawn_lag_seconds",
        False,
        "How long the oldest record that is not drawn waits.",
    ),
)
# What it counts by size: (its name, ours, help).
_DISTRIBUTED = (
    ("commit_seconds", "graphsvc_commit_seconds", "Time that one commit took."),
    ("batch_records", "graphsvc_batch_records", "Records in one commit."),
)


class _Service(Collector):
    """Figures that the service keeps, as of the moment they are asked for."""

    def __init__(self, figures: Mapping[str, float], distributions: Mapping[str, Distribution]) -> None:
        self._figures = figures
        self._distributions = distributions

    def collect(self) -> Iterator[Metric]:
        """One metric a figure."""
        for name, told, grows, text in _COUNTED:
            if name in self._figures:
                kind = CounterMetricFamily if grows else GaugeMetricFamily
                yield kind(told, text, value=self._figures[name])
        for name, told, text in _DISTRIBUTED:
            if name in self._distributions:
                yield _histogram(told, text, self._distributions[name])


class _Decisions(Collector):
    """What the API counts of every decision, without the library's costs."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Verdicts and latency."""
        verdicts = CounterMetricFamily(
            "graphsvc_decisions", "Decisions answered, by verdict.", labels=["verdict"]
        )
        for verdict, count in self._metrics.verdicts.items():
            verdicts.add_metric([verdict.value], count)
        yield verdicts
        yield _histogram(
            "graphsvc_decide_seconds", "Time to answer decide or decideMany.", self._metrics.decide_seconds
        )
        yield _histogram(
            "graphsvc_evaluate_seconds", "Time to answer an evaluation.", self._metrics.evaluate_seconds
        )


class Metrics:
    """Counters of one API; each has its own registry, so two services in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.verdicts = dict.fromkeys(Verdict, 0)
        self.decide_seconds = Distribution(SECONDS)
        self.evaluate_seconds = Distribution(SECONDS)
        self.registry.register(_Decisions(self))
        self.refused = Counter(
            "graphsvc_refused_calls",
            "Calls refused at the door, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.subscriptions = Gauge(
            "graphsvc_subscriptions", "Subscriptions open now.", registry=self.registry
        )
        self.connections = Gauge(
            "graphsvc_open_streams", "Sockets and event streams open now.", registry=self.registry
        )
        self.dropped = Counter(
            "graphsvc_subscription_drops",
            "Events that subscribers were not sent but told of, because they read too slowly.",
            registry=self.registry,
        )
        self.stalled = Counter(
            "graphsvc_stalled_readers",
            "Connections that were cut off because nothing was read from them.",
            registry=self.registry,
        )
        self.ready = Gauge("graphsvc_ready", "1 when decisions can be made, else 0.", registry=self.registry)

    def text(self, figures: Mapping[str, float], distributions: Mapping[str, Distribution]) -> bytes:
        """The figures in the Prometheus text format. figures, distributions: those of the service."""
        own = CollectorRegistry()
        own.register(_Service(figures, distributions))
        return generate_latest(self.registry) + generate_latest(own)


def _histogram(name: str, text: str, values: Distribution) -> HistogramMetricFamily:
    buckets = [
        ("+Inf" if bound == float("inf") else str(bound), count) for bound, count in values.cumulative()
    ]
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=values.total)
