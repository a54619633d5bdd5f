"""How good the alerts are: precision, recall and delay over a hundred embedded calls, by a rule chosen on others.

An alert is right when the call holds anger that a supervisor should be told of (`synthesis.calls.alert`), and it
comes while that anger lasts or up to `GRACE` seconds later. The delay counts from the moment it should have come: from
inside the anger an alert may also be early.
"""

import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed
from tqdm import tqdm

from ser_helpers import models, paths, quick_mode, streaming, synthesis
from ser_helpers.cache import cached, version
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.call_centre.monitor import CallMonitor
from ser_helpers.evaluation.bootstrap import draw, interval
from ser_helpers.synthesis.calls import PARTIES

GRACE = 10.0
THRESHOLDS = np.arange(0.20, 0.86, 0.05).round(2)
PERSISTENCES = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
_CODE = (__name__, "ser_helpers.features.quick95")  # the registry imports the features by name


def score_calls(model="linear", denoise=(True, False), jobs=2, progress=True):
    """Precision, recall and delay over the hundred calls, one row with noise reduction and one without (Lesson 13).

    Parameters
    ----------
    model : str or object
        A name for ``models.window_model(name, band="phone")``, whose results are kept on disk; or a model.
    denoise : sequence of bool
        Whether to reduce noise, one row each. Each has a rule of its own, from `choose_rule`.
    jobs : int
        Processes.
    progress : bool
        Show a bar.

    Returns
    -------
    DataFrame
        As `score` gives it, with ``threshold`` and ``persistence_s`` of the rule; on ``noise reduction``, yes or no.
    """
    rows = {}
    for reduce in denoise:
        rule = choose_rule(model, reduce, jobs, progress)
        found = outcomes(hear("full", model, reduce, jobs, progress), rule, calls("full"))
        name = "yes" if reduce else "no"
        rows[name] = {**score(found), "threshold": rule.threshold, "persistence_s": rule.persistence_s}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("noise reduction")


def choose_rule(model="linear", denoise=True, jobs=2, progress=True):
    """The `AlertRule` that does best on the forty tuning calls: largest F1, then the least delay (Lesson 13).

    Their customers are not those of the hundred calls.
    """
    heard, table = _estimates(hear("tuning", model, denoise, jobs, progress)), calls("tuning")
    best, rank = None, (-1.0, 0.0)
    for persistence in PERSISTENCES:
        for threshold in THRESHOLDS:
            rule = AlertRule(threshold=float(threshold), persistence_s=persistence)
            found = score(_outcomes(heard, rule, table), intervals=False)
            new = (round(found["f1"], 6), -found["delay"])
            if new > rank:
                best, rank = rule, new
    return best


def calls(variant="full"):
    """The table of the embedded calls, on their names (Lesson 13); in quick mode always that of the small variant.

    >>> calls("small")["story"].tolist()[:2]
    ['rising', 'calm']
    """
    root = synthesis.ensure_calls(quick_mode.variant(variant), progress=False)
    return pd.read_csv(root / "calls.csv", index_col="call")


def hear(variant="full", model="linear", denoise=True, jobs=2, progress=True):
    """Every window of the customer in every call: ``call``, ``start``, ``end``, ``speech``, ``angry``, ``gap``.

    ``angry`` is the smoothed probability, NaN where the window was not judged. Kept on disk for a model by name,
    and heard again where what is kept is damaged.
    """
    variant = quick_mode.variant(variant)
    synthesis.ensure_calls(variant, progress=progress)
    if not isinstance(model, str):
        return _hear(variant, model, denoise, jobs, progress)
    path = paths.cache_home() / "calls" / f"heard-{variant}-{model}-{denoise:d}-{version(*_CODE)}.zip"

    def make(aside):
        known = models.window_model(model, band="phone")
        _hear(variant, known, denoise, jobs, progress).to_csv(aside, index=False)

    return cached(path, make, pd.read_csv)  # a zip file tells when it is damaged


def outcomes(windows, rule, table):
    """What the rule makes of each call, on the index of `table` (Lesson 13).

    Columns: ``customer``; ``due``, when an alert should come; ``alerts``, how many came, ``right`` of them; ``first``,
    the first right one; ``delay``. Times in seconds, NaN where there is none.
    """
    return _outcomes(_estimates(windows), rule, table)


def score(found, intervals=True, seed=0):
    """Precision and recall of the alerts, F1, and the median delay in seconds, of the table of `outcomes` (Lesson 13).

    With `intervals` also ``precision_low``, ``precision_high`` and so on: the middle 95 % when customers are resampled.

    >>> found = pd.DataFrame({"due": [9, np.nan], "alerts": 1, "right": [1, 0], "delay": [2.5, np.nan]})
    >>> score(found, intervals=False)
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6666666666666666, 'delay': 2.5}
    """
    measured = _measure(found, np.ones((1, len(found)), int))
    result = {name: float(values[0]) for name, values in measured.items()}
    if intervals:
        codes, weights = draw(found["customer"], seed=seed)
        for name, draws in _measure(found, weights[:, codes]).items():
            result[f"{name}_low"], result[f"{name}_high"] = map(float, interval(draws))
    return result


def _measure(found, weights):
    """Each measure in each draw, (draws,); `weights` (draws, calls) says how often a draw holds a call."""
    alerts, right, due = (found[name].to_numpy() for name in ("alerts", "right", "due"))
    with np.errstate(invalid="ignore"):
        precision = weights @ right / (weights @ alerts)
        recall = weights @ (right > 0) / (weights @ ~np.isnan(due))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    known = found["delay"].notna().to_numpy()
    delays = found["delay"].to_numpy()[known]
    median = [np.median(np.repeat(delays, row)) if row.any() else np.nan for row in weights[:, known]]
    return {"precision": precision, "recall": recall, "f1": f1, "delay": np.array(median)}


def _estimates(windows):
    """{call: its windows as estimates that a rule can read}."""
    return {name: [_estimate(row) for row in table.itertuples()] for name, table in windows.groupby("call")}


def _estimate(row):
    smoothed = None if np.isnan(row.angry) else [row.angry]
    return streaming.WindowPrediction(row.start, row.end, row.speech, smoothed, smoothed, None, bool(row.gap))


def _outcomes(heard, rule, table):
    rows = {}
    for name, call in table.iterrows():
        times = np.array([alert.time for alert in rule.apply(heard[name], [rule.emotion])])
        right = times[(times >= call.anger_start) & (times <= call.anger_end + GRACE)]
        first = right[0] if len(right) else np.nan
        rows[name] = (call.customer, call.alert, len(times), len(right), first, first - call.alert)
    columns = ["customer", "due", "alerts", "right", "first", "delay"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("call")


def _hear(variant, model, denoise, jobs, progress):
    root, table = synthesis.ensure_calls(variant, progress=False), calls(variant)
    made = Parallel(jobs, return_as="generator")(
        delayed(_customer)(root / path, name, model, denoise) for name, path in table["path"].items()
    )
    bar = tqdm(made, "Hearing calls", len(table), unit="call", leave=False, disable=not progress)
    return pd.concat(list(bar), ignore_index=True)


def _customer(path, name, model, denoise):
    """The windows of the customer of one call."""
    y, sr = soundfile.read(path, dtype="float32")
    monitor = CallMonitor(model, parties=["customer"], sr=sr, denoise=denoise)
    customer = y[:, PARTIES.index("customer")]
    estimates = [event.estimate for event in monitor.feed(customer) + monitor.finish() if hasattr(event, "estimate")]
    angry = list(monitor.classes_).index("angry")
    levels = [np.nan if estimate.smoothed is None else estimate.smoothed[angry] for estimate in estimates]
    table = streaming.to_timeline(estimates, monitor.classes_)[["start", "end", "speech", "gap"]]
    return table.assign(angry=levels, call=name)[["call", "start", "end", "speech", "angry", "gap"]]
