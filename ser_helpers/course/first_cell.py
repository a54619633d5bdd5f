"""The first cell of every lesson: which corpus it runs on, whether the voices are real, on what machine."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import warnings

import joblib
import pandas as pd
import soundfile as sf

from ser_helpers import corpora, quick_mode
from ser_helpers.errors import CorpusMissing

PACKAGES = ("ser-helpers", "numpy", "scikit-learn", "librosa", "keras")
ENCODER_PACKAGES = ("torch", "transformers")  # from lesson 08 on
EMBEDDED = {"ravdess": "synthetic", "iemocap": "synthetic-iemocap"}
CONVERSATIONS = ("iemocap", "synthetic-iemocap", "synthetic-iemocap-small")


def banner(lesson, corpus="ravdess", embedded_speakers=None):
    """Say what `lesson` runs on and return its utterance table, or its table of recordings.

    The environment variable ``SER_CORPUS`` decides: ``auto`` (the default) takes the real `corpus` when its files are
    on this machine and its embedded counterpart otherwise; ``synthetic`` takes the counterpart; the name of a corpus
    takes exactly that one, unless the lesson is about conversations and that corpus holds none.

    `lesson` is its number, such as ``"04"``; `corpus` the real corpus it is about, ``"ravdess"`` or ``"iemocap"``, or
    ``"show"`` or ``"calls"``, the podcast and the call centre that exist only as synthetic speech. A lesson that trains
    much takes only so many `embedded_speakers` of the embedded corpus, and in quick mode even fewer.

    Returned is the utterance table, as from :func:`ser_helpers.corpora.load`. For ``"show"`` it has one row per
    episode: ``title``, ``path``, ``transcript`` (a path), ``seconds``, ``format``, ``rate`` (Hz), ``channels``; for
    ``"calls"`` one row per call, as in :func:`ser_helpers.synthesis.build_calls`, with absolute paths. CorpusMissing is
    raised if ``SER_CORPUS`` names a real corpus that is not on this machine.

    Used in every lesson. It also quietens TensorFlow's start-up messages.
    """
    _prepare_libraries()
    if quick_mode.is_on():
        caps = ", ".join(f"{number} {what}" for what, number in quick_mode.LIMITS.items())
        # Tests execute two lessons at a time, and every further process would import TensorFlow again.
        joblib.parallel_config(backend="sequential")
        print(f"QUICK MODE (SER_QUICK): at most {caps}. Its scores say nothing and are not stored.")
    kind = "SYNTHETIC speech, made by this package"
    if corpus in RECORDINGS:  # always the embedded ones
        title, unit, read = RECORDINGS[corpus]
        table, title = read(), f"Embedded {title}"
        size = f"{len(table)} {unit}, {table.seconds.sum() / 60:.0f} minutes"
        note = "For episodes of your own: ser podcast EPISODE... --out FOLDER" if corpus == "show" else ""
    else:
        table, note = _choose(corpus, os.environ.get("SER_CORPUS") or "auto")
        card = corpora.card(table.corpus.iloc[0])
        speakers = sorted(table.speaker.unique())
        wanted = quick_mode.limited("speakers", embedded_speakers) if embedded_speakers else len(speakers)
        if card.synthetic and len(speakers) > wanted:
            table = table[table.speaker.isin(speakers[:wanted])]
            note += f" {wanted} of its {len(speakers)} speakers are enough here; real speech gets all."
        title, kind = card.title, kind if card.synthetic else "real speech"
        size = f"{len(table)} utterances, {table.speaker.nunique()} speakers"
    print(f"Lesson {lesson} · {title}: {kind}, {size}")
    print(f"Device: {device()} · Python {platform.python_version()} · {_versions(lesson)}")
    if note:
        print(note)
    return table


def _show():
    from ser_helpers.synthesis import ensure_show, show_episodes

    table = show_episodes(ensure_show())
    sounds = table["path"].map(sf.info)
    names = {"seconds": "duration", "format": "format", "rate": "samplerate", "channels": "channels"}
    return table.assign(**{column: [getattr(sound, name) for sound in sounds] for column, name in names.items()})


def _calls():
    from ser_helpers.synthesis import ensure_calls

    root = ensure_calls()
    table = pd.read_csv(root / "calls.csv", index_col="call")
    return table.assign(**{column: str(root) + "/" + table[column] for column in ("path", "truth")})


RECORDINGS = {"show": ("podcast", "episodes", _show), "calls": ("call centre", "calls", _calls)}


def _choose(corpus, choice):
    """The utterance table that `choice` asks for, and a line to print when it is not the real corpus."""
    if corpus in CONVERSATIONS and choice not in ("auto", "synthetic", *CONVERSATIONS):
        about = f"This lesson is about conversations, and {corpora.card(choice).title} holds none."
        table, note = _choose(corpus, "auto")
        return table, " ".join(filter(None, (about, note)))
    if choice == "synthetic":
        return corpora.load(EMBEDDED[corpus]), f"You asked for this corpus with SER_CORPUS={choice}."
    if choice != "auto":
        note = "" if choice == corpus else f"You asked for this corpus with SER_CORPUS={choice}."
        return _load_quietly(choice), note
    try:
        return _load_quietly(corpus), ""
    except CorpusMissing:
        known = corpora.card(corpus)
        note = f"{known.title} is not on this machine. To run this lesson on it: {known.how}"
        if not known.licensed:
            note = f"{known.title} is not on this machine. To run this lesson on it: ser download {corpus}"
        return corpora.load(EMBEDDED[corpus]), note


def _load_quietly(name):
    """Known dirt in a published corpus is lesson 03's subject; elsewhere the warnings would only distract."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        return corpora.load(name)


def device():
    """The processor the lesson will use, in words.

    >>> "CPU" in device() or "GPU" in device()
    True
    """
    cores = f"CPU, {os.cpu_count()} cores"
    if not shutil.which("nvidia-smi"):
        return cores
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    names = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip().splitlines()
    if not names:
        return cores
    if _installed("tensorflow-cpu") and os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        return f"{cores} (this machine has a GPU, {names[0]}; to use it: make env GPU=1)"
    return f"GPU, {names[0]}"


def _prepare_libraries():
    """Settings that must stand before TensorFlow and tqdm are first imported."""
    warnings.filterwarnings("ignore", message="IProgress not found")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    if importlib.util.find_spec("tensorflow") is None and importlib.util.find_spec("torch") is not None:
        os.environ.setdefault("KERAS_BACKEND", "torch")


def _installed(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions(lesson):
    packages = PACKAGES + (ENCODER_PACKAGES if lesson >= "08" else ())
    return ", ".join(f"{package} {version}" for package in packages if (version := _installed(package)))
