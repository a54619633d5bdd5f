"""The messages that the service receives and sends, as schemas: they check the input and write the OpenAPI page."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ser_helpers.call_centre.alerts import PARTIES

MAX_RATE = 192_000
"""Highest sample rate of a stream or an upload, in Hz."""
Share = Annotated[float, Field(ge=0, le=1)]
Probabilities = dict[str, Share]
Name = Annotated[str, Field(max_length=80)]
Values = dict[str, Annotated[float, Field(ge=-1, le=1)]]
Verdict = Literal["right", "wrong"]  # not "false": readers of CSV would take that for a truth value


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Message):
    """Why a request was refused, in one sentence. Lesson 13."""

    error: str


class Dimensions(_Message):
    """The model of valence, arousal and so on. Lesson 13."""

    names: list[str]
    model: str = Field(description="What it is, and on whose voices it was trained.")


class Health(_Message):
    """The service is up, and what it infers. Lesson 13."""

    status: Literal["ok"] = "ok"
    emotions: list[str]
    inferred: list[str] = Field(description="Parties whose emotions are inferred; others only speak.")
    calls: int = Field(description="Live calls.")
    model: str = Field(description="What the model is, and on whose voices it was trained.")
    dimensions: Dimensions | None = Field(description="Null if there is no such model.")
    version: str


class Hello(_Message):
    """The first message on a stream: how to read the bytes that follow. Lesson 13."""

    rate: int = Field(ge=4000, le=MAX_RATE, description="Samples per second.")
    format: Literal["int16", "float32"] = "int16"
    channels: Literal[1, 2] = 1
    parties: list[Literal["agent", "customer"]] | None = Field(None, description="Who speaks on each channel.")
    name: Name | None = None
    agent: Name | None = Field(None, description="Who takes the call.")
    queue: Name | None = Field(None, description="The queue it waited in.")

    @model_validator(mode="after")
    def _one_party_per_channel(self):
        self.parties = list(self.parties or PARTIES[-self.channels :])
        if len(self.parties) != self.channels or len(set(self.parties)) != self.channels:
            raise ValueError("parties must name each channel once")
        return self


class Control(_Message):
    """A text message on a stream: audio was lost, or the caller hangs up. Lesson 13."""

    type: Literal["gap", "end"]
    seconds: float = Field(0.0, ge=0, le=3600, description="Length of the gap.")


class Ready(_Message):
    """The answer to `Hello`: send samples now. Lesson 13."""

    type: Literal["ready"] = "ready"
    call: str = Field(description="The call's id.")
    emotions: list[str]
    inferred: list[str]
    dimensions: Dimensions | None


class Window(_Message):
    """Three seconds of one party: who spoke and, where emotions are inferred, which one. Lesson 13."""

    party: str
    start: float
    end: float
    speech: Share = Field(description="Share of the window that is speech.")
    emotion: str | None = Field(description='After smoothing and hysteresis; or "uncertain"; null without speech.')
    probabilities: Probabilities | None = Field(description="Of this window alone.")
    smoothed: Probabilities | None
    level: Share | None = Field(
        description="What the alert rule compares: the smoothed probability relative to this voice's baseline."
    )
    dimensions: Values | None = Field(
        description="Valence, arousal and so on, from -1 to 1, smoothed; null without speech or such a model."
    )
    gap: bool = Field(description="Audio is missing here.")


class Alert(_Message):
    """A customer's emotion that persisted, with the reason. Lesson 13."""

    id: str
    call: str
    name: str
    start: float = Field(description="Seconds into the call: where the emotion began.")
    time: float = Field(description="Seconds into the call.")
    party: str
    emotion: str
    level: Share = Field(description="Mean level of the emotion since it began.")
    explanation: str
    raised: str = Field(description="Wall clock, ISO 8601.")
    acknowledged: bool
    truth: Verdict | None = Field(description="Whether it is right, where the true emotions are known; else null.")
    feedback: Verdict | None = Field(description="What a supervisor said of it.")


class Seen(_Message):
    """Alerts that have been seen. Lesson 13."""

    alerts: list[Name] = Field(max_length=10_000, description="Their ids.")


class Feedback(_Message):
    """What a supervisor says of an alert; null takes it back. Lesson 13."""

    feedback: Verdict | None


class Labels(_Message):
    """What a supervisor writes about a call; what is left out stays. Lesson 13."""

    agent: Name | None = None
    queue: Name | None = None
    note: str = Field("", max_length=2000)


class Rule(_Message):
    """What raises an alert: the emotion, and the level above which it must persist. Lesson 13."""

    emotion: str
    threshold: float


class Threshold(_Message):
    """A new threshold of the rule. Lesson 13."""

    threshold: float = Field(ge=0.01, le=0.99)


class Judged(_Message):
    """An alert with feedback, as `feedback.read_feedback` describes it. Lesson 13."""

    call: str
    name: str
    agent: str | None
    queue: str | None
    started: str
    party: str
    start: float
    end: float
    emotion: str
    level: float
    feedback: Verdict
    note: str


class Turn(_Message):
    """The customer's true emotion for a while, in an embedded call. Lesson 13."""

    start: float
    end: float
    emotion: str


class Call(_Message):
    """A call, live or ended. Lesson 13."""

    id: str
    name: str
    source: Literal["stream", "replay"]
    state: Literal["live", "ended"]
    why: str | None = Field(description="Why it ended.")
    started: str = Field(description="Wall clock, ISO 8601.")
    ended: str | None = Field(description="Wall clock, ISO 8601.")
    agent: str | None = Field(description="Who takes the call.")
    queue: str | None
    note: str = Field(description="What a supervisor wrote about it.")
    recording: str | None = Field(description="The name of the recording that is replayed, to listen to.")
    seconds: float = Field(ge=0, description="Audio received so far.")
    parties: list[str]
    inferred: list[str]
    alerts: int = Field(ge=0)
    truth: list[Turn] | None = Field(description="The customer's true emotions in an embedded call; null otherwise.")
    missed: bool = Field(description="The true anger of an embedded call lasted, and no right alert came in time.")


class CallWindows(Call):
    """A call with its windows. Lesson 13."""

    windows: list[Window]


class Prediction(_Message):
    """The emotions in an uploaded recording. Lesson 13."""

    seconds: float
    emotion: str | None = Field(description='The most frequent one, or "uncertain"; null when nobody speaks.')
    shares: Probabilities = Field(description="Share of each emotion among the windows with speech.")
    windows: list[Window]
    model: str = Field(description="What the model is, and on whose voices it was trained.")
    dimensions: Dimensions | None
    problem: str | None = Field(description="Where the recording is damaged; only what comes before was analysed.")


class ReplayRequest(_Message):
    """Which embedded call to replay, and how fast. Lesson 13."""

    call: Name | None = Field(None, description="A name from GET /replay; the next one by default.")
    speed: float | None = Field(None, gt=0, le=50, description="2 is twice as fast as real time.")


class Replays(_Message):
    """The embedded calls that can be replayed, and their default speed. Lesson 13."""

    calls: list[str]
    speed: float
