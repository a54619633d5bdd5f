"""How good the alerts are: precision, recall and delay over a hundred embedded calls, by a rule chosen on others.

An alert is right when the call contains anger that a supervisor should be told of (`synthesis.calls.alert`) and the
alert comes while that anger lasts, or up to `GRACE` seconds later. The delay counts from the moment the alert is due,
which lies inside the anger, so an alert may also be early.
"""

import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed
from tqdm import tqdm

from ser_helpers import models, paths, quick_mode, streaming, synthesis
from ser_helpers.cache import cached, version
from ser_helpers.call_centre.alerts import PARTIES, AlertRule
from ser_helpers.call_centre.monitor import CallMonitor, WindowEvent, window_table
from ser_helpers.evaluation.bootstrap import draw, interval

GRACE = 10.0
THRESHOLDS = np.arange(0.20, 0.86, 0.05).round(2)
PERSISTENCES = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
_CODE = (__name__, "ser_helpers.features.quick95")  # the registry imports the features by name


def score_calls(rule, model="linear", denoise=(True, False), first=None, jobs=2, progress=True):
    """Precision, recall and delay of a rule over the hundred calls, with noise reduction and without (Lesson 13).

    `rule` is an `AlertRule`, such as `choose_rule` returns; `model` a name for ``models.window_model(name,
    band="phone")``, whose windows are cached, or a model. `denoise` says for each row whether to reduce noise. With
    `first`, only so many of the calls are analysed, by `jobs` processes.

    Returned is a table of what `score` gives, with ``calls``, how many there are, and ``threshold`` and
    ``persistence_s`` of the rule; on ``noise reduction``, yes or no.
    """
    rows, table = {}, call_table("full").head(first)
    for reduce in denoise:
        scores = score(outcomes(customer_windows("full", model, reduce, first, jobs, progress), rule, table))
        name = "yes" if reduce else "no"
        rows[name] = {**scores, "calls": len(table), "threshold": rule.threshold, "persistence_s": rule.persistence_s}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("noise reduction")


def choose_rule(model="linear", denoise=True, jobs=2, progress=True):
    """The `AlertRule` with the largest F1 on the forty tuning calls, then the least delay (Lesson 13).

    The tuning calls' customers are not those of the hundred calls.
    """
    windows, table = customer_windows("tuning", model, denoise, None, jobs, progress), call_table("tuning")
    predictions = _predictions(windows)
    best, rank = None, (-1.0, 0.0)
    for persistence in PERSISTENCES:
        for threshold in THRESHOLDS:
            rule = AlertRule(threshold=float(threshold), persistence_s=persistence)
            scores = score(_outcomes(predictions, rule, table), intervals=False)
            new = (round(scores["f1"], 6), -scores["delay"])
            if new > rank:
                best, rank = rule, new
    return best


def call_table(variant="full"):
    """The table of the embedded calls, on their names (Lesson 13); in quick mode always that of the small variant.

    >>> call_table("small")["story"].tolist()[:2]
    ['rising', 'calm']
    """
    root = synthesis.ensure_calls(quick_mode.variant(variant), progress=False)
    return pd.read_csv(root / "calls.csv", index_col="call")


def customer_windows(variant="full", model="linear", denoise=True, first=None, jobs=2, progress=True):
    """Each window of the customer in the (`first`) calls: ``call``, ``start``, ``end``, ``speech``, ``angry``, ``gap``.

    ``angry`` is the smoothed probability, NaN for windows without speech. Cached for a model by name. Lesson 13.
    """
    variant = quick_mode.variant(variant)
    synthesis.ensure_calls(variant, progress=progress)
    calls = call_table(variant).head(first)
    if not isinstance(model, str):
        return _analysed(variant, calls, model, denoise, jobs, progress)
    name = f"windows-{variant}-{len(calls)}-{model}-{denoise:d}-{version(*_CODE)}.zip"

    def make(temporary):
        fitted = models.window_model(model, band="phone")
        _analysed(variant, calls, fitted, denoise, jobs, progress).to_csv(temporary, index=False)

    return cached(paths.cache_home() / "calls" / name, make, pd.read_csv)  # reading a damaged zip file fails


def outcomes(windows, rule, table):
    """The alerts that a rule raises in each call, on the index of `table` (Lesson 13).

    Columns: ``customer``; ``due``, when an alert should come; ``alerts``, how many came, ``right`` of them; ``first``,
    the first right one; ``delay``. Times in seconds, NaN where there is none.
    """
    return _outcomes(_predictions(windows), rule, table)


def score(table, intervals=True, seed=0):
    """Precision, recall and F1 of the alerts, and their median delay in seconds, from `outcomes` (Lesson 13).

    With `intervals` also ``precision_low``, ``precision_high`` and so on: the middle 95 % when customers are resampled.

    >>> table = pd.DataFrame({"due": [9, np.nan], "alerts": 1, "right": [1, 0], "delay": [2.5, np.nan]})
    >>> score(table, intervals=False)
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6666666666666666, 'delay': 2.5}
    """
    measures = _measure(table, np.ones((1, len(table)), int))
    result = {name: float(values[0]) for name, values in measures.items()}
    if intervals:
        codes, weights = draw(table["customer"], seed=seed)
        for name, draws in _measure(table, weights[:, codes]).items():
            result[f"{name}_low"], result[f"{name}_high"] = map(float, interval(draws))
    return result


def _measure(table, weights):
    """Each measure in each draw, (draws,); `weights` (draws, calls) says how often a draw contains a call."""
    alerts, right, due = (table[name].to_numpy() for name in ("alerts", "right", "due"))
    with np.errstate(invalid="ignore"):
        precision = weights @ right / (weights @ alerts)
        recall = weights @ (right > 0) / (weights @ ~np.isnan(due))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    has_delay = table["delay"].notna().to_numpy()
    delays = table["delay"].to_numpy()[has_delay]
    median = [np.median(np.repeat(delays, row)) if row.any() else np.nan for row in weights[:, has_delay]]
    return {"precision": precision, "recall": recall, "f1": f1, "delay": np.array(median)}


def _predictions(windows):
    """{call: its windows as `WindowPrediction` with the probability of anger alone}."""
    return {name: [_prediction(row) for row in table.itertuples()] for name, table in windows.groupby("call")}


def _prediction(row):
    smoothed = None if np.isnan(row.angry) else [row.angry]
    return streaming.WindowPrediction(row.start, row.end, row.speech, smoothed, smoothed, None, bool(row.gap))


def _outcomes(predictions, rule, table):
    rows = {}
    for name, call in table.iterrows():
        times = np.array([alert.time for alert in rule.apply(predictions[name], [rule.emotion])])
        right = times[(times >= call.anger_start) & (times <= call.anger_end + GRACE)]
        first = right[0] if len(right) else np.nan
        rows[name] = (call.customer, call.alert, len(times), len(right), first, first - call.alert)
    columns = ["customer", "due", "alerts", "right", "first", "delay"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("call")


def _analysed(variant, calls, model, denoise, jobs, progress):
    root = synthesis.ensure_calls(variant, progress=False)
    made = Parallel(jobs, return_as="generator")(
        delayed(_customer)(root / path, name, model, denoise) for name, path in calls["path"].items()
    )
    bar = tqdm(made, "Analysing calls", len(calls), unit="call", leave=False, disable=not progress)
    return pd.concat(list(bar), ignore_index=True)


def _customer(path, name, model, denoise):
    """The windows of the customer of one call."""
    y, sr = soundfile.read(path, dtype="float32")
    monitor = CallMonitor(model, parties=["customer"], sr=sr, denoise=denoise)
    events = monitor.feed(y[:, PARTIES.index("customer")]) + monitor.finish()
    smoothed = [event.prediction.smoothed for event in events if isinstance(event, WindowEvent)]
    angry = list(monitor.classes_).index("angry")
    table = window_table(events, monitor.classes_)[["start", "end", "speech", "gap"]]
    table = table.assign(angry=[np.nan if p is None else p[angry] for p in smoothed], call=name)
    return table[["call", "start", "end", "speech", "angry", "gap"]]
