"""Figures for Prometheus. No meter, key or value is among their labels."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from recognizer.domain.reading import Report


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter("meter_requests", "Requests answered", ("method", "route", "status"), registry=own)
        self._latency = Histogram("meter_request_seconds", "Time to answer", ("route",), registry=own)
        self.inference = Histogram("meter_inference_seconds", "Time to read a photo", registry=own)
        self._photos = Counter("meter_photos", "Photos concluded", ("status",), registry=own)
        self._reasons = Counter(
            "meter_photo_reasons", "Why photos were not accepted", ("status", "reason"), registry=own
        )
        self.waiting = Gauge("meter_uploads_waiting", "Uploads that are read or wait for it", registry=own)
        self.webhook = Gauge("meter_webhook_deliveries", "Deliveries of the webhook by state", ("state",), registry=own)
        self.queue = Gauge("meter_review_queue", "Readings that wait for a person", registry=own)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def concluded(self, reports: Iterable[Report]) -> None:
        for report in reports:
            self._photos.labels(report.status).inc()
            if report.status != "accepted":
                against = [f for r in report.readings for f in r.findings] + list(report.findings)
                for code in dict.fromkeys(f.code for f in against if not f.note):
                    self._reasons.labels(report.status, code).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
