"""A folder of recorded calls: in which of them the live monitor would have raised an alert, by agent, hour and queue.

A call is frustrated if the rule of `call_centre.alerts` raises an alert in it, on the windows that `CallMonitor` would
have seen live. Only the customer's emotion is inferred, as there.
"""

import dataclasses
import datetime
import functools
import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile
from scipy.stats import binom, binomtest
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ser_helpers import audio, models, paths
from ser_helpers.cache import content_hash, hash_of
from ser_helpers.call_centre.alerts import PARTIES, AlertRule, AlertState
from ser_helpers.call_centre.monitor import analyse
from ser_helpers.errors import ArchiveError, AudioError, SerError
from ser_helpers.scheduler import processes
from ser_helpers.streaming.predictions import as_window_model

LIST = "calls.csv"
ABOUT = ("agent", "queue", "start")
SUFFIXES = (".aif", ".aiff", ".amr", ".au", ".flac", ".m4a", ".mp3", ".mp4", ".ogg", ".opus", ".wav", ".webm", ".wma")
FEW = 10
"""Intervals from fewer calls are rough."""

ONE_CHANNEL = (
    "The recording has one channel: the voices were told apart first, and the first to speak was taken for the agent."
)


@dataclasses.dataclass
class CallFolder:
    """The results of `analyse_folder` (Lesson 13)."""

    name: str
    table: pd.DataFrame
    """A row per call, on the path of its file in the folder: ``agent``, ``queue`` and ``start`` as in calls.csv (None
    where it does not say), ``hour`` ("14:00"), ``minutes``, ``speech`` (minutes of the customer's), ``alerts``,
    ``first`` (s, NaN without an alert), ``frustrated``."""
    calls: dict
    """{file: results}: ``seconds``, ``notes``, ``recording`` (the path from `out`), ``windows`` of the customer (a dict
    of lists: ``start``, ``end``, ``speech``, ``level``) and ``alerts`` (the fields of an `Alert`)."""
    failed: dict
    """{file: why it could not be analysed}."""
    listed: bool
    """Whether there is a calls.csv."""
    rule: AlertRule
    model: str
    card: dict | None
    """The name of the model, and its `ModelCard` as a dict."""

    def shares(self, by=None):
        """The share of frustrated calls in each group of calls, and its 95 % interval over calls (Lesson 13).

        `by` is a column of the table, such as "agent" or "hour", or None for all calls. Calls of which the group is
        unknown are left out. Returned is a DataFrame on the groups, in order: ``calls``, ``frustrated`` (numbers of
        calls), ``share``, ``low``, ``high``. The interval is that of the bootstrap, the middle 95 % of the shares when
        the calls of the group are resampled: their number of frustrated calls is then binomial, so no draws are needed.
        Where no call is frustrated, or every one is, all draws would be alike, and the interval is the exact one of
        Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.
        """
        groups = self.table.groupby(by, sort=True) if by else [("all calls", self.table)]
        rows = {name: _share(rows["frustrated"]) for name, rows in groups}
        columns = ["calls", "frustrated", "share", "low", "high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis(by or "group")


def analyse_folder(folder, out, model=None, rule=None, customer="right", jobs=2, progress=True):
    """Analyse the recorded calls in a folder and its sub-folders, as a `CallFolder` (Lesson 13).

    Each finished call is stored in ``out/calls``; a second run analyses again only what has changed: the recording,
    the model, the rule or the customer's channel. A damaged call is left out, with the reason in ``failed``.

    Parameters
    ----------
    folder : str or Path
        With recordings of one or two channels. The file ``calls.csv`` in it says more about them, a row per call:
        ``file`` (its path in the folder) and, where they are known, ``agent``, ``queue`` and ``start``, the local time
        as ISO 8601 writes it, such as 2026-11-22 14:05. Without it calls have no agent and no hour: the times of files
        are not used, because copying changes them.
    out : str or Path
        The folder of the results.
    model : object, str or Path
        A window model, or its name or file for `models.window_model`, whose ready models are then those for the
        telephone.
    rule : AlertRule
        By default that of the live monitor.
    customer : "right" or "left"
        The customer's channel. In a single channel the voices are told apart first, see `analyse`.
    jobs : int
        Number of processes.

    Raises
    ------
    ArchiveError
        If there is no recording, or calls.csv cannot be used.
    ModelError, StreamError
        If the model is none of windows, or does not know the rule's emotion.
    OSError
        If `out` cannot be written to, or its disk is full; finished calls stay.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/monday.wav", np.zeros((24000, 2)), 8000)
    ...     calls = analyse_folder(folder, f"{folder}/out", jobs=1, progress=False)
    >>> calls.shares()[["calls", "frustrated"]].to_dict("index")
    {'all calls': {'calls': 1, 'frustrated': 0}}
    """
    folder, out, rule = Path(folder).resolve(), Path(out).resolve(), rule or AlertRule()
    if not folder.is_dir():
        raise ArchiveError(f"There is no folder {folder}: give the folder of the recordings.")
    if customer not in ("left", "right"):
        raise ArchiveError(f"The customer's channel is 'left' or 'right', not {customer!r}.")
    about = _about(folder / LIST)
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    files = sorted({*about.index, *(path.relative_to(folder).as_posix() for path in found if path.is_file())})
    if not files:
        raise ArchiveError(f"There is no recording in {folder}: give a folder of recorded calls, such as .wav files.")
    if model is None or isinstance(model, str | Path):
        model = models.window_model(model or "linear", band="phone")
    AlertState(rule, as_window_model(model, classifier=True).output_names)  # refuses what cannot work
    parties = PARTIES if customer == "right" else PARTIES[::-1]
    store = out / "calls"
    store.mkdir(parents=True, exist_ok=True)
    version = hash_of({"model": model, "rule": rule}, {"parties": parties})
    work = functools.partial(_finished, folder=folder, store=store, version=version, settings=(model, rule, parties))
    outcomes = processes(jobs, return_as="generator")(joblib.delayed(work)(file) for file in files)
    bar = tqdm(outcomes, "calls", len(files), disable=None if progress else True, delay=1)
    results = dict(zip(files, bar, strict=True))
    failed = {file: result for file, result in results.items() if isinstance(result, str)}
    calls = {file: result for file, result in results.items() if file not in failed}
    for file, call in calls.items():
        call["recording"] = paths.relative(folder / file, out)
    card = getattr(model, "card", None)
    label = str(card or getattr(model, "label", type(model).__name__))
    listed = (folder / LIST).exists()
    return CallFolder(folder.name, _table(calls, about), calls, failed, listed, rule, label, card and card.to_dict())


def _about(path):
    """The rows of calls.csv on ``file``, with `ABOUT` and ``hour``; no row if there is no such file."""
    if not path.exists():
        return pd.DataFrame(columns=[*ABOUT, "hour"])
    wanted = f"write a row per call with the columns file, {', '.join(ABOUT)}, separated by commas"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise ArchiveError(f"Cannot read {path}: {error}; {wanted}.") from error
    if "file" not in table:
        raise ArchiveError(f"{path} has no column 'file': {wanted}.")
    table = table[table["file"] != ""]
    table.index = [Path(file).as_posix() for file in table["file"]]
    if not table.index.is_unique:
        raise ArchiveError(f"{path} lists {table.index[table.index.duplicated()][0]} twice: leave one of the rows.")
    table = table.reindex(columns=ABOUT).astype(object)
    table = table.where(table.notna() & (table != ""), None)
    return table.assign(hour=[_hour(path, *row) for row in table["start"].items()])


def _hour(path, file, start):
    if start is None:
        return None
    try:
        return f"{datetime.datetime.fromisoformat(start).hour:02d}:00"
    except ValueError:
        problem = f"{path} gives {start!r} as the start of {file}"
        raise ArchiveError(f"{problem}: write it like 2026-11-22 14:05.") from None


def _finished(file, folder, store, version, settings):
    """The results of one call, stored or new; why there are none, if it cannot be analysed. Runs in a worker."""
    path = folder / file
    stored = store / f"{content_hash(path) if path.is_file() else None}-{version}.json"
    try:
        return json.loads(stored.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass  # it is to be analysed
    try:
        with threadpool_limits(1):  # the same numbers on any number of cores
            call = _analysed(path, *settings)
    except SerError as error:
        return str(error).replace(str(path), file)
    except Exception as error:  # one call must not stop the others
        return f"{type(error).__name__}: {error}"
    with paths.atomic_file(stored) as aside:
        aside.write_text(json.dumps(call), encoding="utf-8")
    return call


def _analysed(path, model, rule, parties):
    """The results of one call as a dict for JSON."""
    y, sr = _read(path)
    notes = []
    if y.shape[1] == 2 and np.array_equal(*y.T):
        y = y[:, :1]
    if y.shape[1] == 1:
        parties, notes = PARTIES, [ONE_CHANNEL]
    report = analyse(y, model, rule, sr, parties)
    windows = report.trajectory("customer")[["start", "end", "speech", "level"]].round(4)
    return {
        "seconds": report.seconds,
        "notes": notes,
        "windows": windows.astype(object).where(windows.notna(), None).to_dict("list"),
        "alerts": [alert._asdict() for alert in report.alerts],
    }


def _read(path):
    """Samples (n, channels) and their rate; AudioError if the file is missing, no audio, or its end is damaged."""
    audio.check_file(path)
    audio.duration(path)  # says what is wrong with most files
    try:
        with soundfile.SoundFile(path) as file:
            y, missing = file.read(dtype="float32", always_2d=True), file.frames - file.tell()
            if missing < file.samplerate / 2:
                return y, file.samplerate
        reason = f"the last {missing / file.samplerate:.1f} s are missing"
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    raise AudioError(f"Cannot use {path}: it is damaged, or no format for calls ({reason}); get it again as .wav.")


def _table(calls, about):
    rows = {}
    for file, call in calls.items():
        end, speech = (np.array(call["windows"][name], float) for name in ("end", "speech"))
        new = np.diff(end, prepend=0.0)  # windows overlap: only the new part counts
        alerts = call["alerts"]
        rows[file] = {
            "minutes": call["seconds"] / 60,
            "speech": float(new @ speech) / 60,
            "alerts": len(alerts),
            "first": alerts[0]["time"] if alerts else np.nan,
            "frustrated": bool(alerts),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["minutes", "speech", "alerts", "first", "frustrated"])
    about = about.reindex(table.index).astype(object)
    return pd.concat([about.where(about.notna(), None), table], axis=1).rename_axis("file")


def _share(frustrated):
    """A row of `CallFolder.shares`."""
    n, k = len(frustrated), int(frustrated.sum())
    if 0 < k < n:
        low, high = np.divide(binom.interval(0.95, n, k / n), n)
    elif n:
        low, high = binomtest(k, n).proportion_ci()
    else:
        return 0, 0, np.nan, np.nan, np.nan
    return n, k, k / n, float(low), float(high)
