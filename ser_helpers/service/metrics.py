"""What the service counts and times, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STAGES = ("queue", "work", "features", "model", "send", "total")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    r"""Counters, gauges and histograms of one service, with a registry of their own. Lesson 13.

    Of a chunk: `queue` waits for a thread, `work` is all that is done to it, `total` runs from its arrival until its
    estimates are shown. Of a batch of windows: `features` and `model`. Of a message to a client: `send`.

    >>> metrics = Metrics()
    >>> metrics.windows.labels(party="customer").inc()
    >>> "ser_windows_total{party=\"customer\"} 1.0" in metrics.text().decode()
    True
    """

    def __init__(self):
        self.registry = CollectorRegistry()
        own = {"registry": self.registry}
        self.requests = Counter("ser_responses", "HTTP responses", ["code"], **own)
        self.refused = Counter("ser_refused", "Requests refused at the door", ["reason"], **own)
        self.calls = Gauge("ser_calls_live", "Live calls", **own)
        self.waiting = Gauge("ser_calls_waiting", "Live calls whose line was lost, waiting for their caller", **own)
        self.resumed = Counter("ser_calls_resumed", "Times that a call went on over another connection", **own)
        self.opened = Counter("ser_calls", "Calls begun", ["source"], **own)
        self.dashboards = Gauge("ser_dashboards", "Open pages", **own)
        self.behind = Counter("ser_dashboards_behind", "Times that a slow page was given a fresh picture", **own)
        self.dropped = Counter("ser_clients_dropped", "Clients dropped because they took no message", **own)
        self.audio = Counter("ser_audio_seconds", "Seconds of audio heard", **own)
        self.windows = Counter("ser_windows", "Windows estimated", ["party"], **own)
        self.alerts = Counter("ser_alerts", "Alerts raised", **own)
        self.uploads = Counter("ser_uploads", "Recordings predicted", ["outcome"], **own)
        self.batch = Histogram("ser_batch_windows", "Windows judged together", buckets=(1, 2, 4, 8, 16, 32), **own)
        self.stage = Histogram("ser_stage_seconds", "Time per stage", ["stage"], buckets=_BUCKETS, **own)
        for stage in STAGES:
            self.stage.labels(stage=stage)

    def time(self, stage, seconds):
        """Add one duration of a stage."""
        self.stage.labels(stage=stage).observe(seconds)

    def text(self):
        """Everything in Prometheus's text format, as bytes."""
        return generate_latest(self.registry)
