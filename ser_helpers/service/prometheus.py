"""Counters and durations of the service, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STAGES = ("queue", "work", "features", "model", "send", "total")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    r"""Counters, gauges and histograms of one service, with a registry of their own. Lesson 13.

    Stages of a chunk: `queue` is the wait for a thread, `work` the time in it, `total` the time from the chunk's
    arrival until its windows are shown. Stages of a batch of windows: `features` and `model`; of a message: `send`.

    >>> metrics = Metrics()
    >>> metrics.windows.labels(party="customer").inc()
    >>> "ser_windows_total{party=\"customer\"} 1.0" in metrics.text().decode()
    True
    """

    def __init__(self):
        self.registry = CollectorRegistry()
        own = {"registry": self.registry}
        self.responses = Counter("ser_responses", "HTTP responses", ["code"], **own)
        self.refused = Counter("ser_refused", "Requests refused by access control", ["reason"], **own)
        self.live = Gauge("ser_calls_live", "Live calls", **own)
        self.opened = Counter("ser_calls", "Calls opened", ["source"], **own)
        self.dashboards = Gauge("ser_dashboards", "Open pages", **own)
        self.behind = Counter("ser_dashboards_behind", "Times that a slow page was sent a new snapshot", **own)
        self.dropped = Counter("ser_clients_dropped", "Clients dropped because they read too slowly", **own)
        self.audio = Counter("ser_audio_seconds", "Seconds of audio received", **own)
        self.windows = Counter("ser_windows", "Windows analysed", ["party"], **own)
        self.alerts = Counter("ser_alerts", "Alerts raised", **own)
        self.uploads = Counter("ser_uploads", "Recordings uploaded", ["outcome"], **own)
        self.batch = Histogram("ser_batch_windows", "Windows per batch", buckets=(1, 2, 4, 8, 16, 32), **own)
        self.stage = Histogram("ser_stage_seconds", "Time per stage", ["stage"], buckets=_BUCKETS, **own)
        for stage in STAGES:
            self.stage.labels(stage=stage)

    def time(self, stage, seconds):
        """Add one duration of a stage."""
        self.stage.labels(stage=stage).observe(seconds)

    def text(self):
        """All metrics in Prometheus's text format, as bytes."""
        return generate_latest(self.registry)
