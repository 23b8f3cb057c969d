"""Figures for Prometheus."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

KIND = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ARTICLES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one service; each app has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "escalation_requests", "Requests answered.", ("method", "path", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "escalation_request_seconds", "Time to an answer.", ("path",), buckets=SECONDS, registry=self.registry
        )
        self.articles = Histogram(
            "escalation_batch_articles", "Articles scored together.", buckets=ARTICLES, registry=self.registry
        )
        self.batch_seconds = Histogram(
            "escalation_batch_seconds", "Time to score a batch.", buckets=SECONDS, registry=self.registry
        )
        self.waiting = Gauge(
            "escalation_waiting_articles", "Articles that no worker has taken yet.", registry=self.registry
        )
        self.model = Info("escalation_model", "The model that is served.", registry=self.registry)

    def batch(self, articles: int, seconds: float) -> None:
        """Note a batch."""
        self.articles.observe(articles)
        self.batch_seconds.observe(seconds)

    def request(self, scope: Scope, status: int, seconds: float, notes: dict[str, Any]) -> None:
        """Count a request that has been answered by its route, not by address: those that nobody serves share one."""
        path = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        self.requests.labels(method, path, status).inc()
        self.seconds.labels(path).observe(seconds)

    def exposition(self) -> bytes:
        """All figures in the format that Prometheus reads."""
        return generate_latest(self.registry)
