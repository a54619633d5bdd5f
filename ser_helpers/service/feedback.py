"""What supervisors said about alerts, as a table for the next training. Lesson 13."""

import json
from pathlib import Path

import pandas as pd

COLUMNS = ("call", "name", "agent", "queue", "started", "party", "start", "end", "emotion", "level", "feedback", "note")
"""Columns of `read_feedback`."""


def feedback_rows(call):
    """The alerts of a call that have feedback, as dicts with `COLUMNS`.

    `call` is a `schemas.Call` as a dict, its ``alerts`` replaced by a list of `schemas.Alert`: a stored call.
    """
    about = {"call": call["id"], "note": call.get("note", "")}
    about |= {name: call.get(name) for name in ("name", "agent", "queue", "started")}
    judged = [alert for alert in call["alerts"] if alert.get("feedback")]
    return [{name: {**alert, "end": alert["time"], **about}[name] for name in COLUMNS} for alert in judged]


def read_feedback(folder):
    """The alerts in a folder of stored calls (``ser serve --store``) that have feedback, oldest call first.

    Columns: ``call``, its id, ``name``, ``agent``, ``queue``, ``started`` (ISO 8601) and ``note``; ``party``, whose
    voice it is, ``start`` and ``end``, in seconds from the beginning of the call, between which it was found to express
    ``emotion`` at this ``level``, 0 to 1; ``feedback``: "right" or "wrong". With the recording of the call, which the
    service does not keep, a row is an utterance with a label: that of ``emotion``, or of any other. Files that are no
    stored calls are passed over.

    >>> import tempfile
    >>> read_feedback(tempfile.mkdtemp()).shape
    (0, 12)
    """
    rows = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            rows += feedback_rows(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return pd.DataFrame(rows, columns=COLUMNS)
