"""Metrics of a server, in Prometheus' form."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class Metrics:
    """What one server counts; nothing in it names a client or an image."""

    def __init__(self, waiting: Callable[[], int], under_way: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "conda_docker_requests", "Requests by kind and status.", ["kind", "status"], registry=self._registry
        )
        self.images = Counter(
            "conda_docker_images",
            "Images asked for: known, made, joined (made for somebody else at that moment), stale or failed.",
            ["result"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "conda_docker_build_seconds",
            "Seconds that making an image took.",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.blobs = Counter(
            "conda_docker_blobs", "Blobs sent: kept, made again or redirected.", ["source"], registry=self._registry
        )
        for name, meaning, number in (
            ("conda_docker_builds_waiting", "Builds that wait for their turn.", waiting),
            ("conda_docker_builds", "Builds that run or wait.", under_way),
        ):
            Gauge(name, meaning, registry=self._registry).set_function(number)

    def text(self) -> bytes:
        """Return all of them as text."""
        return generate_latest(self._registry)
