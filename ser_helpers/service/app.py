"""The service: recordings and live calls in, estimates, alerts and a supervisor's page out (FastAPI).

``ser serve --demo`` starts it with embedded calls. HTTP: /predict, /calls, /alerts, /replay, /healthz, /metrics and
/openapi.json; WebSockets: /stream hears one call, /events shows all (`sockets`). What may come in is decided at the
door (`limits`), what is remembered in `sessions`, by the `switchboard`. Lesson 13.
"""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, File, HTTPException, Path, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

import ser_helpers
from ser_helpers.errors import SerError, StreamError
from ser_helpers.service import inference, schemas, websockets
from ser_helpers.service.metrics import Metrics
from ser_helpers.service.replay import Player
from ser_helpers.service.security import SECURITY_HEADERS, AccessControl
from ser_helpers.service.sessions import CallManager
from ser_helpers.service.settings import Settings

PAGE = FilePath(__file__).parent / "page"
_REFUSALS = {
    400: "Cannot be read",
    401: "No or a wrong token",
    403: "Asked by another website's page",
    413: "Larger than allowed",
    421: "Asked under a host name that is not served",
    422: "Not as it should be",
    429: "Too many requests",
    503: "Busy",
}
_SOCKETS = """
**WebSocket /stream** hears one call. Send `{"rate": 8000, "format": "int16", "channels": 2}` (format int16 or float32,
one or two channels; optional: `parties`, who speaks on each channel, and `name`), wait for `{"type": "ready"}`, then
send raw little-endian samples, channels interleaved, in messages of any length. Messages of type `window` and `alert`
come back. `{"type": "gap", "seconds": 1.5}` says that audio was lost, `{"type": "end"}` hangs up; `ended` answers it.
A message of type `error` tells in one sentence why the service ends a stream.

A line that is lost before `end` does not end its call: it waits, for the `resume_seconds` that `ready` told. Connect
again, send the same first message with the key of `ready` as `"resume"`, and the same call goes on; an older connection
that is still open is closed. The new `ready` tells how many `seconds` of your sound the service has: go on from there,
or say `gap` for what you skip. The service itself adds no gap, so nothing counts twice.

**WebSocket /events** tells a page everything: `snapshot`, `call`, `window`, `alert`, `forgotten`.

A browser sends the token as the subprotocol `token.<base64url of the token>` beside the subprotocol `ser`.
"""
_BEARER = Depends(HTTPBearer(auto_error=False, description="The token that the service was started with."))
_PROBLEMS = {code: {"model": schemas.Problem, "description": text} for code, text in _REFUSALS.items()}
_MISSING = {404: {"model": schemas.Problem, "description": "There is none of that name"}}
open_routes = APIRouter(responses={code: _PROBLEMS[code] for code in (403, 421, 429)})
routes = APIRouter(responses=_PROBLEMS)
Name = Annotated[str, Path(max_length=80)]


def create_app(settings=None, model=None, rule=None, calls=None):
    """The service as an ASGI application; `uvicorn` or a test client runs it. Lesson 13.

    settings : `Settings`; by default the limits of one machine that serves itself.
    model : a window model; by default `models.window_model(settings.model, band="phone")`, fitted at the first start.
    rule : an `AlertRule`; by default that of `CallMonitor`.
    calls : paths of two-channel recordings that may be replayed; by default the embedded calls.

    >>> from fastapi.testclient import TestClient
    >>> app = create_app()
    >>> sorted(app.openapi()["paths"])[:3]
    ['/alerts', '/alerts/acknowledge', '/alerts/{name}/acknowledge']
    """
    settings, metrics = settings or Settings(), Metrics()

    @asynccontextmanager
    async def lifespan(app):
        ear = await asyncio.to_thread(inference.InferenceEngine, settings, metrics, model, rule)
        board = CallManager(settings, metrics, ear.monitor, ear.emotions, ear.rule)
        player = Player(board, await asyncio.to_thread(inference.demo_paths) if calls is None else calls)
        app.state.board, app.state.ear, app.state.player = board, ear, player
        for _ in range(settings.demo):
            await app.state.player.start(again=True)
        yield
        await app.state.player.stop()
        await board.shut()
        await asyncio.to_thread(ear.close)

    app = FastAPI(
        title="Speech emotion recognition",
        summary="How recordings and live calls sound; estimates of a model, never facts about a person.",
        description=_SOCKETS,
        version=ser_helpers.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = metrics
    app.add_middleware(AccessControl, settings=settings, metrics=metrics)
    app.add_exception_handler(StarletteHTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(SerError, _own_problem)
    app.add_exception_handler(Exception, _unforeseen)
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
    board = request.app.state.board
    inferred = list(board.settings.inferred)
    return schemas.Health(
        emotions=board.emotions, inferred=inferred, calls=len(board.live), version=ser_helpers.__version__
    )


@routes.get("/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(request: Request) -> Response:
    """Counters and times in Prometheus's format."""
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
            description="Hear this channel only, counted from 0; of a recording with several channels it must be told.",
        ),
    ] = None,
) -> schemas.Prediction:
    """How an uploaded recording sounds, window by window; it is deleted as soon as it has been heard.

    Send only a voice that may be analysed: of a two-channel call the customer's channel. A recording with several
    channels is refused unless `channel` says which one is the customer's, or the service was started to infer agents'
    emotions too: then they are mixed. Of a damaged recording what can be read is heard, and `problem` says so.
    """
    state = request.app.state
    outcome = "refused"
    try:
        heard = await asyncio.to_thread(state.ear.hear_file, file.file, file.filename or "", channel)
        outcome = "predicted"
    finally:
        state.metrics.uploads.labels(outcome=outcome).inc()
    seconds, windows, problem = heard
    counts = Counter(window["emotion"] for window in windows if window["emotion"] is not None)
    shares = {emotion: counts[emotion] / max(1, counts.total()) for emotion in state.board.emotions}
    emotion = max(shares, key=shares.get) if counts else None
    return schemas.Prediction(seconds=seconds, emotion=emotion, shares=shares, windows=windows, problem=problem)


@routes.get("/calls")
async def calls(
    request: Request,
    state: Literal["live", "ended"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[schemas.Call]:
    """The calls that are remembered, the newest first."""
    summaries = [session.summary() for session in reversed(request.app.state.board.sessions.values())]
    return [summary for summary in summaries if state in (None, summary["state"])][:limit]


@routes.get("/calls/{name}", responses=_MISSING)
async def call(request: Request, name: Name) -> schemas.CallWindows:
    """One call with its windows."""
    return Response(_session(request, name).text(), media_type="application/json")


@routes.delete("/calls/{name}", responses=_MISSING, status_code=204)
async def forget(request: Request, name: Name):
    """End a call if it is live, and forget it and its alerts."""
    await request.app.state.board.forget(_session(request, name))


@routes.get("/alerts")
async def alerts(request: Request, acknowledged: bool | None = None) -> list[schemas.Alert]:
    """The alerts of the remembered calls, the newest first."""
    found = reversed(request.app.state.board.alerts.values())
    return [alert for alert in found if acknowledged in (None, alert["acknowledged"])]


@routes.post("/alerts/acknowledge")
async def acknowledge_all(request: Request, seen: schemas.Seen) -> list[schemas.Alert]:
    """Say that several alerts have been seen; those that have been forgotten since are passed over."""
    board = request.app.state.board
    return [board.acknowledge(name) for name in seen.alerts if name in board.alerts]


@routes.post("/alerts/{name}/acknowledge", responses=_MISSING)
async def acknowledge(request: Request, name: Name) -> schemas.Alert:
    """Say that an alert has been seen; every open page shows it."""
    try:
        return request.app.state.board.acknowledge(name)
    except KeyError:
        raise HTTPException(404, f"There is no alert {name!r}: its call may have been forgotten.") from None


@routes.get("/replay")
async def replays(request: Request) -> schemas.Replays:
    """The embedded calls that can be replayed."""
    player = request.app.state.player
    return schemas.Replays(calls=list(player.paths), speed=player.board.settings.speed)


@routes.post("/replay", responses=_MISSING, status_code=201)
async def replay(request: Request, wanted: schemas.ReplayRequest) -> schemas.Call:
    """Replay an embedded call as if it came in now."""
    try:
        session = await request.app.state.player.start(wanted.call, wanted.speed)
    except KeyError:
        raise HTTPException(404, "There is no such call to replay: GET /replay lists them.") from None
    return session.summary()


def _session(request, name):
    try:
        return request.app.state.board.sessions[name]
    except KeyError:
        raise HTTPException(404, f"There is no call {name!r}: it may have been forgotten.") from None


async def _http_problem(request, error):
    return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)


async def _not_valid(request, error):
    return JSONResponse({"error": websockets.sentence(error)}, 422)


async def _own_problem(request, error):
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, StreamError) else 422)


async def _unforeseen(request, error):
    sentence = "The service failed at this request; its log says how."
    return JSONResponse({"error": sentence}, 500, headers=SECURITY_HEADERS)
