"""What an operator can set: who has access, how much the service accepts, and whose emotions it may infer."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Limits and permissions of the service; the defaults suit one machine that serves only itself. Lesson 13.

    By default emotions are inferred only from the customer's voice; for the agent the page shows when they speak.
    Inferring emotions at the workplace is prohibited by the EU AI Act, Art. 5(1)(f), except for medical or safety
    reasons (https://eur-lex.europa.eu/eli/reg/2024/1689/oj): set `agent_emotions` only where such a reason applies, or
    no such law. Nothing is written to disk unless `store` names a folder, and audio is never stored.

    >>> Settings().inferred
    ('customer',)
    """

    token: str | None = None  # needed for access, as ``Authorization: Bearer TOKEN``; with None no token is needed
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")  # host names allowed, against DNS rebinding; ("*",): any
    agent_emotions: bool = False  # infer the agent's emotions too: read the note on the law above first
    store: Path | None = None  # folder that gets one JSON file per finished call; None stores nothing
    webhook: str | None = None  # address that gets each alert as a signed POST request; see `webhook.Webhook`
    webhook_secret: str | None = None  # what it is signed with; needed with `webhook`
    demo: int = 0  # how many embedded calls are replayed all the time
    speed: float = 1.0  # default speed of replays; 2 is twice as fast as real time
    model: str = "best"  # of `models.window_model`: "best", "real", "linear", "cnn", "encoder" or a model file's path
    dimensions: str = "linear"  # of `models.window_dimensions`, for the plane of emotions; "none": there is no plane
    denoise: bool = True  # reduce the noise of each channel first
    workers: int = os.cpu_count() or 1  # threads that analyse calls
    batch: bool = False  # send windows of several calls through the model at once; pays if it is most of the work
    calls: int = 24  # live calls at once: about what one process analyses in real time, with noise reduction
    dashboards: int = 16  # open pages at once
    uploads: int = 4  # uploads analysed at once
    uploads_per_address: int = 3  # uploads from one address at once, from the first byte to the answer
    bodies: int = 16  # uploads that arrive at once
    upload_bytes: int = 50_000_000  # largest upload
    upload_seconds: float = 600.0  # longest recording in an upload
    body_seconds: float = 120.0  # an upload must have arrived after this long
    decoded_bytes: float = 500e6  # largest upload when decoded, all channels as float32
    decoding_seconds: float = 60.0  # longest decoding of an upload, of the clock and of one processor
    call_seconds: float = 4 * 3600.0  # longest live call
    chunk_bytes: int = 1 << 18  # largest message on a stream
    first_seconds: float = 10.0  # a connection is closed if its first request, or message, takes longer than this
    idle_seconds: float = 60.0  # a stream is ended after this long without a message
    slow_seconds: float = 10.0  # a client is dropped if it takes longer than this to read a message
    connections: int = 512  # connections at once, of any kind
    connections_per_address: int = 64  # the same from one address
    proxies: tuple[str, ...] = ()  # addresses of reverse proxies, whose X-Forwarded-For says where a request is from
    requests_per_minute: int = 600  # per address
    backlog: int = 256  # messages queued for one page; beyond this it gets a new snapshot instead
    points: int = 3600  # windows remembered per party of a call
    finished: int = 50  # finished calls remembered
    forget_seconds: float = 3600.0  # a finished call is forgotten after this long

    @property
    def threads(self):
        """Threads in all."""
        return 4 * self.workers if self.batch else self.workers  # most of them wait for a batch

    @property
    def inferred(self):
        """The parties whose emotions are inferred."""
        return ("agent", "customer") if self.agent_emotions else ("customer",)
