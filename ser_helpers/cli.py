"""The command ``ser``: each command imports what it needs, so that help is instant."""

import contextlib
import importlib.metadata
import os
import shutil
import sys
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from ser_helpers import paths
from ser_helpers.errors import SerError

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Speech emotion recognition: run the course; train, judge and use models.",
)

Lessons = Annotated[list[str] | None, typer.Argument(help="Lesson numbers, such as 04; all by default.")]
Scheduler = Annotated[str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://10.0.0.5:8786.")]
Corpus = Annotated[
    str, typer.Option(help="synthetic, auto (the real corpus if it is on this machine), or the name of a corpus.")
]

MODEL_HELP = (
    "A model file of `ser train`; or best (that of `ser train --recipe` on this machine, else real), real (trained on"
    " RAVDESS and synthetic voices), linear, cnn or encoder (synthetic voices alone)."
)
ENCODERS = ("openai/whisper-base", "facebook/wav2vec2-base", "facebook/hubert-base-ls960", "microsoft/wavlm-base-plus")
EXTRAS = ("audio", "dask", "encoders", "export", "features", "keras", "lessons", "models", "service", "transcription")


def plain_errors(command):
    """Print the package's own errors, and the file system's, as one sentence without a traceback."""

    @wraps(command)
    def wrapped(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except SerError as error:
            print(f"Error: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("ser_helpers"):
                raise
            print(f"Error: this needs {error.name}: pip install 'ser-helpers[course]'.", file=sys.stderr)
            raise typer.Exit(2) from error
        except BrokenPipeError:  # whoever reads the output, such as `head`, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            raise typer.Exit(130) from None
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
            print(f"Error: {reason}. Check that the folder may be written and that the disk has room.", file=sys.stderr)
            raise typer.Exit(2) from error

    return wrapped


@app.command()
@plain_errors
def run(lessons: Lessons = None, corpus: Corpus = "synthetic"):
    """Execute the lessons in build/ and print the leaderboard; the stored notebooks stay as they are."""
    from ser_helpers.course import runner
    from ser_helpers.evaluation import leaderboard

    outcomes = runner.run_lessons(lessons, corpus)
    status = runner.report(outcomes)
    print(f"\nThe executed lessons, as pages: {os.path.relpath(paths.build_home() / 'html')}\n")
    print(leaderboard.show())
    raise typer.Exit(status)


@app.command()
@plain_errors
def notebooks(lessons: Lessons = None, corpus: Corpus = "auto"):
    """Execute the lessons and store their outputs in notebooks/, and on synthetic speech in tests/notebooks/."""
    from ser_helpers.course import runner

    os.environ["SER_LEADERBOARD"] = str(runner.leaderboard_file(corpus))
    shown = runner.run_lessons(lessons, corpus, keep=runner.store)
    os.environ["SER_LEADERBOARD"] = str(runner.leaderboard_file("synthetic"))
    os.environ["SER_MODELS_HOME"] = str(paths.build_home() / "no-models")  # as on a machine without pretrained weights
    reference = runner.run_lessons(lessons, "synthetic", keep=runner.store_reference)
    raise typer.Exit(runner.report(shown + reference))


@app.command()
@plain_errors
def student():
    """Write copies of the lessons without solutions and outputs to build/student/."""
    from ser_helpers.course.notebooks import write_student_copies

    for path in write_student_copies():
        print(os.path.relpath(path))


@app.command()
@plain_errors
def leaderboard(
    readme: Annotated[bool, typer.Option(help="Rewrite the results table in README.md.")] = False,
):
    """Print the leaderboard of the last run."""
    from ser_helpers.course import runner as page
    from ser_helpers.evaluation import leaderboard as board

    if readme:
        page.update()
    else:
        print(board.show(gaps=True))


@app.command()
@plain_errors
def corpora():
    """List the corpora this package reads, and whether they are on this machine."""
    from ser_helpers import corpora as registry
    from ser_helpers.errors import CorpusMissing

    table = Table("name", "title", "utterances", "licence", "on this machine")
    for card in map(registry.card, registry.cards().index):
        try:
            here = "yes" if card.synthetic or registry.find(card.name) else "no"
        except CorpusMissing:
            here = "no"
        table.add_row(card.name, card.title, str(card.utterances), card.licence, here)
    Console().print(table)


@app.command()
@plain_errors
def models(folder: Annotated[Path, typer.Argument(help="Folder with model files of `ser train`.")] = Path()):
    """List model files with their cards, and the pretrained networks that are on this machine."""
    from ser_helpers import download as downloads
    from ser_helpers.models import read_card
    from ser_helpers.models.ready_models import REAL, recipe_file
    from ser_helpers.pretrained import find_encoder

    programs = {recipe_file(): "of ser train --recipe", REAL: "real"}
    files = Table("file", "model", "on unseen speakers", "licence of the speech")
    for path in [*sorted(folder.glob("*.ser")), *filter(Path.is_file, (recipe_file(), REAL))]:
        try:
            card = read_card(path)
            told = [card.title, card.verdict, "; ".join(dict.fromkeys(card.licences.values()))] if card else ["no card"]
        except SerError as error:
            told = [str(error)]
        files.add_row(programs.get(path, path.name), *told)
    networks = Table("network", "on this machine")
    for name in ENCODERS:
        networks.add_row(name, "yes" if find_encoder(name) else f"no: ser download {name}")
    for name in downloads.weights_cards():
        networks.add_row(name, "yes" if (paths.models_home() / name).is_dir() else f"no: ser download {name}")
    Console().print(files)
    if not any(folder.glob("*.ser")):
        print(f"There is no model file in {folder.resolve()}: make one with `ser train`.")
    Console().print(networks)


@app.command()
@plain_errors
def doctor():
    """Check the installation: versions, missing packages, device, folders and corpora."""
    from packaging.requirements import Requirement

    print(f"ser-helpers {importlib.metadata.version('ser-helpers')} on Python {sys.version.split()[0]}")
    missing = {}
    for line in importlib.metadata.requires("ser-helpers"):
        wanted = Requirement(line)
        for extra in ("", *EXTRAS):
            if (wanted.marker is None and extra == "") or (wanted.marker and wanted.marker.evaluate({"extra": extra})):
                try:
                    importlib.metadata.version(wanted.name)
                except importlib.metadata.PackageNotFoundError:
                    missing.setdefault(extra, []).append(wanted.name)
    for extra, names in missing.items():
        print(f"Missing: {', '.join(names)}: pip install 'ser-helpers[{extra}]'")
    if not missing:
        print("All packages are installed.")
    if "encoders" not in missing:
        from ser_helpers.pretrained import hub

        print(f"Networks run on: {hub.choose_device()}")
    for what, folder in (
        ("Corpora", paths.data_home()),
        ("Networks", paths.models_home()),
        ("Cache", paths.cache_home()),
    ):
        here = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(here).free / 1e9
        print(f"{what}: {folder} ({'' if folder.exists() else 'not there yet, '}{free:.0f} GB free)")
    raise typer.Exit(int(bool(missing)))


@app.command()
@plain_errors
def download(
    name: Annotated[
        str, typer.Argument(help="A corpus, such as ravdess; or a network: vggish, or an encoder's owner/name.")
    ],
):
    """Download a corpus or the weights of a network from the publisher; an interrupted download is resumed."""
    from ser_helpers import download as downloads
    from ser_helpers.pretrained import download_encoder, download_sentence_encoder, download_speechbrain

    own = {"speechbrain": download_speechbrain, "sentence-transformers": download_sentence_encoder}
    hub = own.get(name.partition("/")[0], download_encoder)
    publisher = hub if "/" in name else downloads.download
    fetch = downloads.download_weights if name in downloads.weights_cards() else publisher
    print(f"{name} is at {os.path.relpath(fetch(name))}")


def _print_version(wanted):
    if wanted:
        print(f"ser-helpers {importlib.metadata.version('ser-helpers')}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
):
    """Speech emotion recognition: run the course; train, judge and use models."""


@app.command()
@plain_errors
def train(
    corpora: Annotated[
        list[str] | None, typer.Argument(help="Names of corpora on this machine; `ser corpora` lists them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write the model to, such as voice.ser; needed without --recipe.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="A kind of feature (quick, egemaps, compare, ...) or an encoder, such as whisper-base.")
    ] = "quick",
    scheme: Annotated[
        str | None,
        typer.Option(help="Labels: common, shared, polarity or iemocap4; by default shared for several corpora."),
    ] = None,
    utterances: Annotated[
        bool, typer.Option("--utterances", help="Train on whole utterances; podcasts and calls need windows of 3 s.")
    ] = False,
    target: Annotated[
        str,
        typer.Option(
            help="What to predict: emotion, or numbers such as arousal, or valence,arousal,dominance together; these "
            "three on a scale from -1 to 1."
        ),
    ] = "emotion",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that compute features.")] = None,
    recipe: Annotated[
        bool,
        typer.Option(
            "--recipe",
            help="Pool corpora (by default all real ones here) with synthetic voices (not for an encoder), through "
            "noise, rooms and telephones; measure each voice against itself; calibrate, and say when the "
            "emotion is uncertain. Without --out, the programs take the model from then on.",
        ),
    ] = False,
    scheduler: Scheduler = None,
    on_disk: Annotated[
        bool,
        typer.Option("--on-disk", help="Keep features in a file and train on batches of them, if memory is too small."),
    ] = False,
):
    """Judge a model on unseen speakers, then train it on all of them and write it to a file with its card.

    Features are cached: a second call goes on where the first was stopped.
    """
    from ser_helpers import workflow

    if recipe:
        if scheme or utterances or target != "emotion":
            raise typer.BadParameter("--recipe has its own labels and windows: leave --scheme, --utterances, --target.")
        if scheduler or on_disk:
            raise typer.BadParameter("--recipe computes in the memory of this machine: leave --scheduler, --on-disk.")
        _train_recipe(corpora, out, workflow.find_features(features), jobs)
        return
    if not corpora or out is None:
        raise typer.BadParameter("give the names of corpora and --out, or --recipe.")
    seconds = None if utterances else workflow.SECONDS
    kind = workflow.find_features(features)
    table = workflow.load_corpora(corpora, scheme)
    targets = tuple(target.split(","))
    where = {"jobs": jobs, "scheduler": scheduler, "on_disk": on_disk}
    model, result, X = workflow.train(table, kind, seconds, target=targets if len(targets) > 1 else target, **where)
    card = workflow.save(model, out, result, X, seconds)
    _print_training(result, card, out)


def _train_recipe(corpora, out, kind, jobs):
    from ser_helpers import models, recipe
    from ser_helpers.models.ready_models import recipe_file

    model, result, X = recipe.train(corpora, kind, jobs)
    if out is None:
        out = recipe_file()
        out.parent.mkdir(parents=True, exist_ok=True)
    models.save(model, out, X=X, table=result.table, card=model.card)
    _print_training(result, model.card, out)


def _print_training(result, card, out):
    from ser_helpers.evaluation.result import gap_words

    for one in result if isinstance(result, list) else [result]:
        print(one.summary())
    for gap in card.gaps:
        if gap["column"] != "gender":  # that one is in the summary
            what = f"of {gap['target']} " if "target" in gap else ""
            print(f"Gap {what}by {gap['column']}: {gap_words(gap)}.")
    for note in card.notes:
        print(note)
    print(f"Trained on all {len(card.speakers)} speakers; the model is at {os.path.relpath(out)}")


@app.command()
@plain_errors
def evaluate(
    model: Annotated[Path, typer.Argument(help="A model file of `ser train`.")],
    corpora: Annotated[list[str], typer.Argument(help="Corpora whose speakers were not in training.")],
    scheme: Annotated[
        str | None, typer.Option(help="Labels of the corpora; by default, the scheme that fits the model best.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that compute features.")] = None,
):
    """Judge a trained model on other corpora; speakers that were in training are refused."""
    from ser_helpers import workflow

    judged = workflow.evaluate(model, corpora, scheme, jobs)
    for result in judged if isinstance(judged, list) else [judged]:
        print(result.summary())
        if result.labels:
            print(result.recall().round(2).to_string())


@app.command()
@plain_errors
def predict(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings of any length, in any audio format.")] = None,
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "best",
    per: Annotated[Literal["file", "window"], typer.Option(help="One row per file, or per window of 3 s.")] = "file",
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="How to print them.")] = "table",
    same_speaker: Annotated[
        bool,
        typer.Option("--same-speaker", help="All files are of one voice, which a model may measure against itself."),
    ] = False,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Listen to the microphone, a row every second, until Ctrl-C.")
    ] = False,
):
    """Print the emotion of recordings; files that cannot be read are named, and the others done."""
    from ser_helpers import audio, models, workflow

    if bool(files) == microphone:
        raise typer.BadParameter("give recordings, or --microphone.")
    loaded = models.window_model(model)
    print(_name_of(loaded), file=sys.stderr)  # standard output has the results alone
    if microphone:
        tables = workflow.predict_live(audio.microphone_blocks(), loaded)
        with contextlib.suppress(KeyboardInterrupt):
            for number, table in enumerate(tables):
                _print_predictions(table, format, header=number == 0, lines=True)
        return
    table = workflow.predict(files, loaded, per, same_speaker=same_speaker)
    _print_predictions(table, format)
    for row in table[table.problem != ""].itertuples():
        print(f"{row.file}: {row.problem}", file=sys.stderr)
    raise typer.Exit(int((table.problem != "").any()))


def _name_of(model):
    """Which model it is, with its score where that is known."""
    return f"Model: {getattr(model, 'card', None) or getattr(model, 'label', type(model).__name__)}"


def _print_predictions(table, style, header=True, lines=False):
    if style == "csv":
        print(table.to_csv(index=False, float_format="%.4f", header=header), end="", flush=True)
    elif style == "json":
        layout = {"lines": True} if lines else {"indent": 1}
        print(table.to_json(orient="records", double_precision=4, **layout), end="" if lines else "\n", flush=True)
    elif lines:  # columns of one width, so that row stands under row
        print(table.round(2).to_string(index=False, na_rep="", header=header, col_space=8), flush=True)
    else:
        print(table.round(2).to_string(index=False, na_rep=""))


@app.command()
@plain_errors
def podcast(
    episodes: Annotated[
        list[str], typer.Argument(help="Recordings of any length: wav, flac, mp3, ogg, m4a, webm, aiff or mp4.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the report and the analysed episodes.")],
    transcript: Annotated[
        str | None,
        typer.Option(
            help="An SRT, VTT or JSON transcript, or a folder of them; by default, those next to the recordings."
        ),
    ] = None,
    scheduler: Scheduler = None,
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes on this machine.")] = 2,
    transcribe: Annotated[
        bool,
        typer.Option(
            "--transcribe",
            help="Recognise the words of episodes without a transcript: with Whisper if its weights are on this "
            "machine (ser download openai/whisper-base) and faster-whisper is installed, else with PocketSphinx, which "
            "takes about 13 minutes of a core for an hour of audio and gets one word in four wrong, or more.",
        ),
    ] = False,
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "best",
    dimensions: Annotated[
        str | None,
        typer.Option(help="Draw valence and arousal of the voice over time: linear, audeering or a model file."),
    ] = None,
    laughter: Annotated[
        bool,
        typer.Option(
            help="Detect laughter: about 15 s of a core for an hour of audio, or about 1,100 s if the published "
            "network is on this machine."
        ),
    ] = True,
    title: Annotated[
        str | None, typer.Option(help="Name of the show; by default, from the feed, the tags or the folder.")
    ] = None,
    feed: Annotated[
        str | None, typer.Option(help="The show's RSS feed, a file, for the titles of the episodes.")
    ] = None,
    compare: Annotated[str | None, typer.Option(help="The --out folder of another show to compare with.")] = None,
):
    """Analyse podcast episodes and write an HTML report, OUT/report.html; a second call resumes the first.

    The report plays the recordings from where they are, relative to OUT: share them together. The numbers are in
    OUT/report.csv and OUT/report.json, the chapters of each episode in OUT/chapters.
    """
    from ser_helpers import models, podcast, pretrained

    detector = pretrained.LaughterDetector() if laughter else None
    recogniser = pretrained.Recogniser() if transcribe else None
    settings = {"transcript": transcript, "scheduler": scheduler, "jobs": jobs, "laughter": detector}
    settings["recogniser"] = recogniser
    if dimensions is not None:
        settings["dimensions"] = models.window_dimensions(dimensions)
    loaded = models.window_model(model)
    print(_name_of(loaded))
    outcomes = podcast.process(episodes, out, model=loaded, **settings)
    for name, row in outcomes[outcomes.reason != ""].iterrows():
        verdict = "Not analysed" if row.state == "failed" else "Analysed in part"
        print(f"{verdict}: {name}. {row.reason}", file=sys.stderr)
    report = podcast.report_of(out, outcomes, title, feed, compare)
    print(f"The report is at {os.path.relpath(report)}")
    raise typer.Exit(int((outcomes.state == "failed").any()))


@app.command()
@plain_errors
def calls(
    folder: Annotated[
        Path, typer.Argument(help="Folder of recorded calls; calls.csv in it may say the agent and time of each.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report and the analysed calls.")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "best",
    customer: Annotated[
        Literal["left", "right"],
        typer.Option(help="The customer's channel; in a single channel the voices are told apart first."),
    ] = "right",
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes on this machine.")] = 2,
    title: Annotated[str | None, typer.Option(help="Title of the report; by default, the name of the folder.")] = None,
):
    """Find the frustrated calls in a folder and write an HTML report, OUT/report.html; a second call resumes the first.

    A call is frustrated if the live monitor of `ser serve` would have raised an alert. For shares by agent, hour and
    queue, put calls.csv into FOLDER, a row per call with the columns file, agent, queue and start, such as
    2026-11-22 14:05; without it, they are not guessed. The numbers are in OUT/report.csv and OUT/report.json.
    """
    from ser_helpers import call_centre

    found = call_centre.analyse_folder(folder, out, model, customer=customer, jobs=jobs)
    for name, reason in found.failed.items():
        print(f"Not analysed: {name}. {reason}", file=sys.stderr)
    embedded = folder.resolve().is_relative_to(paths.cache_home())
    report = call_centre.write_calls_page(found, out / "report.html", title, "synthetic speech" if embedded else None)
    print(f"The report is at {os.path.relpath(report)}")
    raise typer.Exit(int(bool(found.failed)))


@app.command()
@plain_errors
def serve(
    host: Annotated[str, typer.Option(help="Address to bind; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.", min=1, max=65535)] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help="Replay embedded calls continuously.")] = False,
    speed: Annotated[float, typer.Option(help="Speed of replays; 1 is real time.", min=0.1, max=50)] = 1.0,
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "best",
    dimensions: Annotated[
        str,
        typer.Option(help="The plane of valence and arousal: linear, audeering, a model file of `ser train`, or none."),
    ] = "linear",
    token: Annotated[str | None, typer.Option(help="Token that clients must send.", envvar="SER_TOKEN")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Another host name browsers may use for it.")] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address of a reverse proxy: its X-Forwarded-For header says where requests come from."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder for the predictions of each finished call; audio is never stored.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="Address that gets each alert as a signed POST request.")] = None,
    webhook_secret: Annotated[
        str | None, typer.Option(help="What these requests are signed with.", envvar="SER_WEBHOOK_SECRET")
    ] = None,
    agent_emotions: Annotated[
        bool,
        typer.Option("--agent-emotions", help="Infer agents' emotions too; Article 5 of the EU AI Act prohibits it."),
    ] = False,
):
    """Run the call centre's web page and API until Ctrl-C."""
    from ser_helpers.service import Settings, server

    hosts = (*server.LOCAL, *(allow_host or [])) if host in server.LOCAL else ("*",)
    options = {"speed": speed, "model": model, "token": token, "store": store, "agent_emotions": agent_emotions}
    about = {
        "dimensions": dimensions,
        "proxies": tuple(proxy or ()),
        "webhook": webhook,
        "webhook_secret": webhook_secret,
    }
    settings = Settings(hosts=hosts, demo=3 * demo, **about, **options)
    server.serve(host, port, settings, tell=partial(print, flush=True))


@app.command()
@plain_errors
def cache(clear: Annotated[bool, typer.Option(help="Delete it all; it is computed again when needed.")] = False):
    """Show the size of the cache (synthetic speech, calls, features, fitted models), or clear it."""
    folder = paths.cache_home()
    for part in (folder / name for name in ("synthesis", "calls", "features", "checkpoints")):
        size = sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
        print(f"{size / 1e6:8.1f} MB  {part.name}")
        if clear and part.is_dir():
            shutil.rmtree(part.resolve())
            if part.is_symlink():  # to a larger disk, say: it stays
                part.resolve().mkdir()
    print(f"{'Deleted from' if clear else 'In'} {folder}")


def main():
    """Entry point of ``python -m ser_helpers``."""
    app()
