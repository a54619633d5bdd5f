"""What an operator may set: who may come in, how much the service takes, and what it may infer."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Limits and rights of the service; the defaults suit one machine that serves itself. Lesson 13.

    By default emotions are inferred only from the customer's voice; of the agent the page shows when they speak.
    Inferring emotions at the workplace is prohibited by the EU AI Act, Art. 5(1)(f), except for medical or safety
    reasons (https://eur-lex.europa.eu/eli/reg/2024/1689/oj): set `agent_emotions` only where such a reason applies, or
    no such law. Nothing is written to disk unless `store` names a folder, and audio is never kept.

    >>> Settings().inferred
    ('customer',)
    """

    token: str | None = None
    """Whoever knows it may come in, as ``Authorization: Bearer TOKEN``; None lets everybody in."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    """Names under which a browser may reach the service (against DNS rebinding); ``("*",)`` for any."""
    agent_emotions: bool = False
    """Infer the agent's emotions too: read the note on the law above first."""
    store: Path | None = None
    """Folder that gets one JSON file per finished call; None keeps nothing."""
    demo: int = 0
    """How many embedded calls are replayed all the time."""
    speed: float = 1.0
    """How many times faster than life a replay runs unless it is asked otherwise."""
    model: str = "linear"
    """Which of `models.window_model` listens: "linear", "cnn" or "encoder"."""
    denoise: bool = True
    """Reduce the line's noise before anything else."""
    workers: int = os.cpu_count() or 1
    """Threads that listen to calls."""
    batch: bool = False
    """Let windows of several calls go through the model together; pays when the model is most of the work."""
    calls: int = 24
    """Live calls at once: about what one process hears in time, with noise reduction."""
    dashboards: int = 16
    """Open pages at once."""
    uploads: int = 4
    """Uploads at once."""
    upload_bytes: int = 50_000_000
    """Largest upload."""
    upload_seconds: float = 600.0
    """Longest recording that an upload may hold."""
    call_seconds: float = 4 * 3600.0
    """Longest live call."""
    chunk_bytes: int = 1 << 18
    """Largest message on a stream."""
    idle_seconds: float = 60.0
    """A stream that sends nothing for so long is ended."""
    resume_seconds: float = 15.0
    """A call whose line was lost waits so long for its caller to come back; 0 ends it at once."""
    slow_seconds: float = 10.0
    """A client that does not take a message for so long is dropped."""
    connections: int = 512
    """Connections at once, of whatever kind."""
    requests_per_minute: int = 600
    """From one address."""
    backlog: int = 256
    """Messages that wait for one page; when there are more, it gets one fresh picture of everything instead."""
    points: int = 3600
    """Windows remembered per party of a call."""
    finished: int = 50
    """Finished calls remembered."""
    forget_seconds: float = 3600.0
    """A finished call is forgotten after so long."""

    @property
    def threads(self):
        """Threads in all."""
        return 4 * self.workers if self.batch else self.workers  # most of them wait for a batch

    @property
    def inferred(self):
        """The parties whose emotions are inferred."""
        return ("agent", "customer") if self.agent_emotions else ("customer",)
