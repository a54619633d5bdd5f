"""What the service says and hears, as schemas: they check what comes in and write the OpenAPI page."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Probabilities = dict[str, Share]
PARTIES = {1: ("customer",), 2: ("agent", "customer")}


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Message):
    """Why a request was refused, in one sentence. Lesson 13."""

    error: str


class Health(_Message):
    """The service is up, and what it infers. Lesson 13."""

    status: Literal["ok"] = "ok"
    emotions: list[str]
    inferred: list[str] = Field(description="Parties whose emotions are inferred; of others only who speaks is shown.")
    calls: int = Field(description="Live calls.")
    version: str


FASTEST = 192_000
"""Most samples per second that a stream or an upload may have."""


class Hello(_Message):
    """The first message on a stream: how to read the bytes that follow. Lesson 13."""

    rate: int = Field(ge=4000, le=FASTEST, description="Samples per second.")
    format: Literal["int16", "float32"] = "int16"
    channels: Literal[1, 2] = 1
    parties: list[Literal["agent", "customer"]] | None = Field(None, description="Who speaks on each channel.")
    name: str | None = Field(None, max_length=80)
    resume: str | None = Field(None, max_length=80, description="The key of a call that goes on, from its `ready`.")

    @model_validator(mode="after")
    def _one_party_per_channel(self):
        self.parties = list(self.parties or PARTIES[self.channels])
        if len(self.parties) != self.channels or len(set(self.parties)) != self.channels:
            raise ValueError("parties must name each channel once")
        return self


class Ready(_Message):
    """The answer to `Hello`: the service listens. Lesson 13."""

    type: Literal["ready"] = "ready"
    call: str = Field(description="Its id.")
    emotions: list[str]
    inferred: list[str]
    seconds: float = Field(ge=0, description="Sound that the call has, gaps included: go on from there.")
    resume: str = Field(description="The key that lets the call go on over another connection; keep it secret.")
    resume_seconds: float = Field(ge=0, description="How long the call waits when its line is lost.")


class Window(_Message):
    """Three seconds of one party: who spoke, and, where it is inferred, how it sounded. Lesson 13."""

    party: str
    start: float
    end: float
    speech: Share = Field(description="Share of the window that is speech.")
    emotion: str | None = Field(description="After smoothing and hysteresis; null without speech.")
    probabilities: Probabilities | None = Field(description="Of this window alone.")
    smoothed: Probabilities | None
    level: Share | None = Field(
        description="What the alert rule compares: the smoothed probability against this voice's own."
    )
    gap: bool = Field(description="Audio is missing here.")


class Alert(_Message):
    """A customer's emotion that persisted, with the reason. Lesson 13."""

    id: str
    call: str
    name: str
    time: float = Field(description="Seconds into the call.")
    party: str
    emotion: str
    explanation: str
    raised: str = Field(description="Wall clock, ISO 8601.")
    acknowledged: bool


class Seen(_Message):
    """Alerts that have been seen. Lesson 13."""

    alerts: list[Annotated[str, Field(max_length=80)]] = Field(max_length=10_000, description="Their ids.")


class Turn(_Message):
    """What a customer is known to feel for a while. Lesson 13."""

    start: float
    end: float
    emotion: str


class Call(_Message):
    """A call, live or ended. Lesson 13."""

    id: str
    name: str
    source: Literal["stream", "replay"]
    state: Literal["live", "ended"]
    waiting: bool = Field(description="Its line was lost; it is live for a while, for its caller to come back.")
    why: str | None = Field(description="Why it ended.")
    started: str = Field(description="Wall clock, ISO 8601.")
    seconds: float = Field(ge=0, description="Audio heard so far.")
    parties: list[str]
    inferred: list[str]
    alerts: int = Field(ge=0)
    truth: list[Turn] | None = Field(description="What the customer of an embedded call feels; null where unknown.")


class CallWindows(Call):
    """A call with its windows. Lesson 13."""

    windows: list[Window]


class Prediction(_Message):
    """What an uploaded recording sounds like. Lesson 13."""

    seconds: float
    emotion: str | None = Field(description="The most frequent one; null when nobody speaks.")
    shares: Probabilities = Field(description="Share of the windows with speech that each emotion has.")
    windows: list[Window]
    problem: str | None = Field(description="Where the recording is damaged; only what comes before was heard.")


class ReplayRequest(_Message):
    """Which embedded call to replay, and how much faster than life. Lesson 13."""

    call: str | None = Field(None, max_length=80, description="A name from GET /replay; the next one by default.")
    speed: float | None = Field(None, gt=0, le=50)


class Replays(_Message):
    """The embedded calls that can be replayed, and how much faster than life unless asked otherwise. Lesson 13."""

    calls: list[str]
    speed: float
