"""The leaderboard: one line per model, corpus and protocol, in a CSV file that every lesson adds to.

``COLUMNS`` lists its columns. A classification leaves those of CCC empty, a regression those of UAR, accuracy and F1.
``gap`` is the difference of the score between the genders ``gap_groups``, first minus second, empty where gender is not
known. A result of ``evaluation.transfer`` has the test corpus as its corpus, and "trained on X" as its protocol.
The first lines are the best of their corpus and protocol.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers import paths, quick_mode
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.result import html

NEVER_BLANK = ["synthetic", "classes", "chance", "utterances", "speakers"]
KEY = ["lesson", "corpus", "model", "features", "protocol", "target", "classes"]
WORDS = ["lesson", "corpus", "model", "features", "protocol", "target", "gap_groups", "audit"]
GAP = ["gap", "gap_groups", "gap_low", "gap_high"]  # files written before these columns are read, too
COLUMNS = [
    *("lesson", "corpus", "synthetic", "model", "features", "protocol", "target", "classes", "chance"),
    *("uar", "uar_low", "uar_high", "accuracy", "weighted_f1", "ccc", "ccc_low", "ccc_high"),
    *GAP,
    *("utterances", "speakers", "audit"),
]


class Board:
    """Lines of the leaderboard that print as an aligned table and show as HTML in a notebook."""

    def __init__(self, rows, gaps=False):
        self.rows, self.gaps = rows, gaps

    def __repr__(self):
        return to_markdown(self.rows, self.gaps)

    def _repr_html_(self):
        return html(_for_reading(self.rows, self.gaps), index=False)


def default_path():
    """The leaderboard's file: ``SER_LEADERBOARD``, or ``leaderboard.csv`` in the build folder. Lesson 04."""
    chosen = os.environ.get("SER_LEADERBOARD")
    return Path(chosen).expanduser() if chosen else paths.build_home() / "leaderboard.csv"


def add(result, lesson, path=None):
    """Write a :class:`Result` as one line and return the line as a dict. Lessons 00 and 04 end with it.

    A line of the same lesson, corpus, model, features, protocol, target and number of classes is replaced, so running a
    lesson twice changes nothing. Safe when lessons write at the same time. A file that is no leaderboard is renamed to
    ``.bak``, with a warning. `path` defaults to :func:`default_path`. In quick mode nothing is written.

    Raises EvaluationError if the file cannot be read or written; it then stays as it was.

    >>> import tempfile
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers import corpora, evaluation
    >>> table = corpora.load("synthetic-small")
    >>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
    >>> result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     line = add(result, "04", Path(folder) / "leaderboard.csv")
    >>> line["corpus"], line["synthetic"], line["chance"]
    ('synthetic', True, 0.125)
    """
    path = Path(path or default_path())
    line = _line(result, lesson)
    if quick_mode.is_on():
        return line
    try:
        _put(line, path)
    except OSError as error:
        raise EvaluationError(
            f"The leaderboard {path} cannot be written ({error.strerror or error}): make room, or set SER_LEADERBOARD"
            " to another file."
        ) from error
    return line


def replace(lesson, rows, path):
    """Write `rows`, as from `read`, as all lines of one lesson; those of other lessons stay. ``ser notebooks``."""
    with paths.lock(path):
        other = read(path).query("lesson != @lesson")
        _write(pd.DataFrame([*other.to_dict("records"), *rows.to_dict("records")], columns=COLUMNS), path)


def _put(line, path):
    with paths.lock(path):
        try:
            rows = read(path)
        except EvaluationError as error:
            if isinstance(error.__cause__, OSError):
                raise
            backup = path.with_name(path.name + ".bak")
            os.replace(path, backup)
            warnings.warn(f"{error} It is renamed to {backup.name}, and a new leaderboard begins.", stacklevel=3)
            rows = read(path)
        other = rows[(rows[KEY] != pd.Series(line)[KEY]).any(axis=1)]
        _write(pd.DataFrame([*other.to_dict("records"), line], columns=COLUMNS), path)


def _write(rows, path):
    with paths.atomic_file(path) as aside:
        _sorted(rows).to_csv(aside, index=False, lineterminator="\n")


def read(path=None):
    """The leaderboard as a DataFrame, sorted by corpus, protocol and score; without lines when there is no file yet.

    Raises EvaluationError when the file is not a leaderboard. Lesson 04.

    >>> read("no-such-file.csv").columns[:4].tolist()
    ['lesson', 'corpus', 'synthetic', 'model']
    """
    path = Path(path or default_path())
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        blank = {column: [""] for column in COLUMNS if column not in WORDS}
        rows = pd.read_csv(
            path, dtype=dict.fromkeys(WORDS, str), keep_default_na=False, na_values=blank, encoding="utf-8"
        )
        if list(rows.columns) == [column for column in COLUMNS if column not in GAP]:
            rows = rows.assign(gap_groups="").reindex(columns=COLUMNS)
        if list(rows.columns) != COLUMNS or (
            len(rows) and not all(map(pd.api.types.is_numeric_dtype, rows.drop(columns=WORDS).dtypes))
        ):
            raise ValueError("its columns are not those of a leaderboard")
        if rows[[*WORDS, *NEVER_BLANK]].isna().any(axis=None):
            raise ValueError("a line of it is incomplete")
    except (ValueError, OSError) as error:  # pandas' parser errors and UnicodeDecodeError are ValueErrors
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(f"The leaderboard {path} cannot be read ({reason}).") from error
    return _sorted(rows)


def show(path=None, gaps=False):
    """The leaderboard as a table to look at: text when printed, HTML in a notebook. Lesson 04.

    With `gaps`, a column has the largest gap by gender.

    >>> show("no-such-file.csv")
    The leaderboard is empty: run a lesson that trains a model, such as 04.
    """
    return Board(read(path), gaps)


def to_markdown(rows, gaps=False):
    """Lines of :func:`read` as an aligned Markdown table; `gaps` as in :func:`show`. Lesson 04."""
    if len(rows) == 0:
        return "The leaderboard is empty: run a lesson that trains a model, such as 04."
    table = _for_reading(rows, gaps)
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [list(table.columns), *table.to_numpy().tolist()]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(result, lesson):
    names = ("uar", "accuracy", "weighted_f1") if result.labels else ("ccc",)
    low, high = result.interval
    scores = {name: getattr(result, name) for name in names}
    scores |= {f"{result.metric}_low": low, f"{result.metric}_high": high, "chance": result.chance_level}
    gap = result.largest_gap
    if gap:
        scores |= {"gap": gap["difference"], "gap_low": gap["low"], "gap_high": gap["high"]}
    crossing = any(audit.speakers for audit in result.audits)
    return dict.fromkeys(COLUMNS, np.nan) | {
        "lesson": str(lesson),
        "corpus": result.corpus,
        "synthetic": result.synthetic,
        "model": result.name,
        "features": result.features,
        "protocol": result.protocol,
        "target": result.target,
        "classes": len(result.labels),
        **{name: round(float(value), 4) for name, value in scores.items()},
        "utterances": len(result.table),
        "speakers": int(result.table["speaker"].nunique()),
        "gap_groups": f"{gap['first']} − {gap['second']}" if gap else "",
        "audit": "speakers cross" if crossing else "no speaker crosses",
    }


def _sorted(rows):
    score = rows["uar"].fillna(rows["ccc"]).astype(float)
    order = rows.assign(score=-score).sort_values(["corpus", "protocol", "score", *KEY], kind="stable").index
    return rows.loc[order].reset_index(drop=True)


def _for_reading(rows, gaps):
    """What a reader wants of each line, as words; `gaps` is for the largest one by gender."""
    table = pd.DataFrame([_words(row) for row in rows.itertuples()])
    return table if gaps else table.drop(columns="gap", errors="ignore")


def _words(row):
    labelled = row.classes > 0
    score, low, high = (row.uar, row.uar_low, row.uar_high) if labelled else (row.ccc, row.ccc_low, row.ccc_high)
    return {
        "corpus": row.corpus,
        "protocol": row.protocol,
        "model": row.model,
        "features": row.features,
        "predicts": f"{row.target}, {row.classes} classes" if labelled else row.target,
        "score": f"{'UAR' if labelled else 'CCC'} {score:.2f}",
        "95 % interval": "" if np.isnan(low) else f"{low:.2f} to {high:.2f}",
        "chance": f"{row.chance:.3g}",
        "accuracy": f"{row.accuracy:.2f}" if labelled else "",
        "gap": f"{row.gap_groups} {row.gap:+.2f}" if row.gap_groups else "",
        "speakers": str(row.speakers),
        "audit": row.audit,
        "lesson": row.lesson,
    }
