"""The service: recordings and live calls in; emotions, alerts and a supervisor's page out (FastAPI).

``ser serve --demo`` starts it with embedded calls. HTTP: /predict, /calls, /alerts, /replay, /healthz, /metrics and
/openapi.json; WebSockets: /stream receives one call, /events shows all (`websockets`). `security` decides on access,
`sessions` keeps the calls. Lesson 13.
"""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path as FilePath
from typing import Annotated, Literal

import pandas as pd
from fastapi import APIRouter, Depends, FastAPI, File, HTTPException, Path, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

import ser_helpers
from ser_helpers.call_centre import demo_calls
from ser_helpers.errors import SerError, StreamError
from ser_helpers.service import inference, schemas, websockets
from ser_helpers.service.feedback import COLUMNS, feedback_rows, read_feedback
from ser_helpers.service.prometheus import Metrics
from ser_helpers.service.replay import Player
from ser_helpers.service.security import SECURITY_HEADERS, AccessControl
from ser_helpers.service.sessions import CallManager
from ser_helpers.service.settings import Settings
from ser_helpers.service.webhook import Webhook

PAGE = FilePath(__file__).parent / "page"
_REFUSALS = {
    400: "Unreadable, or sent to a host name that is not served",
    401: "No token, or a wrong one",
    403: "Sent by a page of another website",
    408: "The request took too long to arrive",
    413: "Larger than allowed",
    422: "Invalid",
    429: "Too many requests",
    503: "Busy",
}
_SOCKETS = """
**WebSocket /stream** carries one call. Send `{"rate": 8000, "format": "int16", "channels": 2}` (format int16 or
float32, one or two channels; optional: `parties`, who speaks on each channel, and the names `name`, `agent` and
`queue`), wait for `{"type": "ready"}`, then send raw little-endian samples, channels interleaved, in messages of any
length. Messages of type `window` and `alert` come back; a window has `dimensions`, valence, arousal and dominance from
-1 to 1, where the service predicts them. `{"type": "gap", "seconds": 1.5}` reports lost audio, `{"type": "end"}` hangs
up; `ended` answers it. A message of type `error` says in one sentence why the service ends a stream. If the connection
is lost, the call ends.

**WebSocket /events** sends everything to a page: `snapshot`, `call`, `window`, `alert`, `rule`,
`forgotten`.

A browser sends the token as the subprotocol `token.<base64url of the token>`, next to the subprotocol `ser`.
"""
_BEARER = Depends(HTTPBearer(auto_error=False, description="The token that the service was started with."))
_PROBLEMS = {code: {"model": schemas.Problem, "description": text} for code, text in _REFUSALS.items()}
_MISSING = {404: {"model": schemas.Problem, "description": "There is none with this name"}}
open_routes = APIRouter(responses={code: _PROBLEMS[code] for code in (400, 403, 429)})
routes = APIRouter(responses=_PROBLEMS)
Name = Annotated[str, Path(max_length=80)]


def create_app(settings=None, model=None, rule=None, calls=None, dimensions=None):
    """The service as an ASGI application, for `serve` or a test client. Lesson 13.

    settings : `Settings`; the defaults suit one machine that serves only itself.
    model : a window model; by default `models.window_model(settings.model, band="phone")`.
    rule : an `AlertRule`; by default that of `CallMonitor`.
    calls : paths of recordings that can be replayed; by default the embedded calls.
    dimensions : a window model of valence and arousal; by default `models.window_dimensions(settings.dimensions)`.

    >>> from fastapi.testclient import TestClient
    >>> app = create_app()
    >>> sorted(app.openapi()["paths"])[:3]
    ['/alerts', '/alerts/acknowledge', '/alerts/{name}/acknowledge']
    """
    settings, metrics = settings or Settings(), Metrics()
    webhook = settings.webhook and Webhook(settings.webhook, settings.webhook_secret)

    @asynccontextmanager
    async def lifespan(app):
        engine = await asyncio.to_thread(inference.InferenceEngine, settings, metrics, model, rule, dimensions)
        about = {"model": engine.label, "dimensions": engine.dimensions, "on_alert": webhook and webhook.send}
        manager = CallManager(settings, metrics, engine.make_monitor, engine.emotions, engine.rule, **about)
        player = Player(manager, await asyncio.to_thread(demo_calls) if calls is None else calls)
        app.state.manager, app.state.engine, app.state.player = manager, engine, player
        for _ in range(settings.demo):
            await player.start(repeat=True)
        yield
        await player.stop()
        await manager.shut()
        if webhook:
            await webhook.close()
        await asyncio.to_thread(engine.close)

    app = FastAPI(
        title="Speech emotion recognition",
        summary="Emotions in recordings and live calls: estimates of a model, never facts about a person.",
        description=_SOCKETS,
        version=ser_helpers.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings, app.state.metrics, app.state.analysing = settings, metrics, 0
    hosts = [f"[{host}]" if ":" in host else host for host in settings.hosts]  # as browsers write IPv6 addresses
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.add_middleware(AccessControl, settings=settings, metrics=metrics)  # the last one added is the outermost
    app.add_exception_handler(StarletteHTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SerError, _ser_problem)
    app.add_exception_handler(Exception, _unexpected)
    app.include_router(open_routes)
    app.include_router(routes, dependencies=[_BEARER] if settings.token else [])
    app.include_router(websockets.router)
    app.mount("/page", StaticFiles(directory=PAGE))
    return app


@open_routes.get("/", include_in_schema=False)
async def page():
    """The supervisor's page."""
    return FileResponse(PAGE / "index.html")


@open_routes.get("/healthz")
async def healthz(request: Request) -> schemas.Health:
    """Whether the service is up."""
    manager = request.app.state.manager
    return schemas.Health(
        emotions=manager.emotions,
        inferred=manager.settings.inferred,
        calls=len(manager.live),
        model=manager.model,
        dimensions=manager.dimensions,
        version=ser_helpers.__version__,
    )


@routes.get("/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(request: Request) -> Response:
    """Counters and durations in Prometheus's format."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@routes.post("/predict")
async def predict(
    request: Request,
    file: Annotated[UploadFile, File(description="A recording: wav, flac, mp3, ogg, m4a, webm, ...")],
    channel: Annotated[
        int | None,
        Query(
            ge=0,
            le=7,
            description="Analyse this channel only, counted from 0; needed for recordings with several channels.",
        ),
    ] = None,
) -> schemas.Prediction:
    """The emotions in an uploaded recording, window by window; the recording is deleted afterwards.

    Send only a voice that may be analysed: of a two-channel call, the customer's channel. A recording with several
    channels is refused unless `channel` says which one is the customer's, or the service was started to infer agents'
    emotions too: then the channels are mixed. A damaged recording is analysed as far as it can be read, and `problem`
    says so.
    """
    state = request.app.state
    uploads = state.settings.uploads
    if state.analysing >= uploads:  # asked only now: an upload that trickles in keeps nobody else from being analysed
        sentence = f"{uploads} recordings are being analysed already: try again in a moment."
        raise HTTPException(503, sentence, {"retry-after": "2"})
    outcome = "refused"
    state.analysing += 1
    try:
        seconds, windows, problem = await asyncio.to_thread(state.engine.analyse_upload, file.file, channel)
        outcome = "predicted"
    finally:
        state.analysing -= 1
        state.metrics.uploads.labels(outcome=outcome).inc()
    counts = Counter(window["emotion"] for window in windows if window["emotion"] is not None)
    shares = {emotion: counts[emotion] / max(1, counts.total()) for emotion in state.engine.emotions}
    emotion = counts.most_common(1)[0][0] if counts else None
    about = {"model": state.engine.label, "dimensions": state.engine.dimensions}
    return schemas.Prediction(
        seconds=seconds, emotion=emotion, shares=shares, windows=windows, problem=problem, **about
    )


@routes.get("/calls")
async def calls(
    request: Request,
    state: Literal["live", "ended"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[schemas.Call]:
    """The calls in memory, newest first."""
    summaries = [session.summary() for session in reversed(request.app.state.manager.sessions.values())]
    return [summary for summary in summaries if state in (None, summary["state"])][:limit]


@routes.get("/calls/{name}", responses=_MISSING)
async def call(request: Request, name: Name) -> schemas.CallWindows:
    """One call with its windows."""
    details = request.app.state.manager.details(_session(request, name))
    return JSONResponse(details)  # thousands of windows: checking what we made ourselves would take longest


@routes.patch("/calls/{name}", responses=_MISSING)
async def label(request: Request, name: Name, labels: schemas.Labels) -> schemas.Call:
    """Say who takes a call and in which queue it waited, or write a note."""
    session = _session(request, name)
    await request.app.state.manager.label(session, **labels.model_dump(exclude_unset=True))
    return session.summary()


@routes.delete("/calls/{name}", responses=_MISSING, status_code=204)
async def forget(request: Request, name: Name):
    """End a call if it is live, and forget it and its alerts."""
    await request.app.state.manager.forget(_session(request, name))


@routes.get("/alerts")
async def alerts(request: Request, acknowledged: bool | None = None) -> list[schemas.Alert]:
    """The alerts of the calls in memory, newest first."""
    newest_first = reversed(request.app.state.manager.alerts.values())
    return [alert for alert in newest_first if acknowledged in (None, alert["acknowledged"])]


@routes.post("/alerts/acknowledge")
async def acknowledge_all(request: Request, seen: schemas.Seen) -> list[schemas.Alert]:
    """Mark several alerts as seen; unknown ones, such as those of forgotten calls, are skipped."""
    manager = request.app.state.manager
    return [manager.acknowledge(name) for name in seen.alerts if name in manager.alerts]


@routes.post("/alerts/{name}/acknowledge", responses=_MISSING)
async def acknowledge(request: Request, name: Name) -> schemas.Alert:
    """Mark an alert as seen, on every open page."""
    with _known_alert(name):
        return request.app.state.manager.acknowledge(name)


@routes.post("/alerts/{name}/feedback", responses=_MISSING)
async def judge(request: Request, name: Name, said: schemas.Feedback) -> schemas.Alert:
    """Say whether an alert was right or wrong; it is stored with the call, if calls are stored."""
    with _known_alert(name):
        return await request.app.state.manager.judge(name, said.feedback)


@routes.get("/feedback", responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}})
async def feedback(request: Request, format: Literal["json", "csv"] = "json") -> list[schemas.Judged]:
    """The alerts with feedback, of the calls in memory and of those in the folder `--store`: labels for retraining."""
    manager = request.app.state.manager
    stored = [] if manager.settings.store is None else await asyncio.to_thread(_stored_feedback, manager.settings.store)
    rows = {(row["call"], row["end"]): row for row in stored}
    for session in manager.sessions.values():  # newer than what is stored: an answer may have been taken back
        rows = {key: row for key, row in rows.items() if key[0] != session.id}
        found = feedback_rows({**session.summary(), "alerts": session.alerts})
        rows |= {(row["call"], row["end"]): row for row in found}
    if format == "json":
        return list(rows.values())
    text = pd.DataFrame(list(rows.values()), columns=COLUMNS).to_csv(index=False)
    return Response(text, media_type="text/csv; charset=utf-8")


@routes.get("/rule")
async def rule(request: Request) -> schemas.Rule:
    """What raises an alert."""
    return request.app.state.manager.rule_summary()


@routes.put("/rule")
async def change_rule(request: Request, wanted: schemas.Threshold) -> schemas.Rule:
    """Change the threshold of the rule, for all calls, until the service ends."""
    request.app.state.manager.set_threshold(wanted.threshold)
    return request.app.state.manager.rule_summary()


@routes.get("/replay")
async def replays(request: Request) -> schemas.Replays:
    """The embedded calls that can be replayed."""
    player = request.app.state.player
    return schemas.Replays(calls=list(player.paths), speed=player.manager.settings.speed)


@routes.post("/replay", responses=_MISSING, status_code=201)
async def replay(request: Request, choice: schemas.ReplayRequest) -> schemas.Call:
    """Replay an embedded call as if it came in now."""
    try:
        session = await request.app.state.player.start(choice.call, choice.speed)
    except KeyError:
        raise HTTPException(404, "There is no such call to replay: GET /replay lists them.") from None
    return session.summary()


@routes.get("/replay/{name}", responses={**_MISSING, 200: {"content": {"audio/wav": {}}}}, response_class=FileResponse)
async def recording(request: Request, name: Name):
    """An embedded call as a wav file, to listen to."""
    path = request.app.state.player.paths.get(name)
    if path is None:
        raise HTTPException(404, "There is no such call to replay: GET /replay lists them.")
    return FileResponse(path, media_type="audio/wav")


def _stored_feedback(folder):
    return read_feedback(folder).astype(object).where(lambda table: table.notna(), None).to_dict("records")


@contextmanager
def _known_alert(name):
    try:
        yield
    except KeyError:
        raise HTTPException(404, f"There is no alert {name!r}: its call may have been forgotten.") from None


def _session(request, name):
    try:
        return request.app.state.manager.sessions[name]
    except KeyError:
        raise HTTPException(404, f"There is no call {name!r}: it may have been forgotten.") from None


async def _http_problem(request, error):
    return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)


async def _invalid(request, error):
    return JSONResponse({"error": websockets.sentence(error)}, 422)


async def _ser_problem(request, error):
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, StreamError) else 422)


async def _unexpected(request, error):
    sentence = "The service failed at this request; its log says why."
    return JSONResponse({"error": sentence}, 500, headers=SECURITY_HEADERS)
