"""From corpora to a model file, and from that to predictions: ``ser train``, ``ser evaluate``, ``ser predict``."""

import contextlib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from ser_helpers import corpora, evaluation, features, models, podcast, streaming
from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import AudioError, CorpusError, EvaluationError, ModelError, StreamError
from ser_helpers.evaluation.cross_validation import join
from ser_helpers.evaluation.result import Result
from ser_helpers.models.batches import InBatches, as_array
from ser_helpers.models.saving import LoadedModel
from ser_helpers.pretrained import Encoder
from ser_helpers.streaming.timeline import to_timeline

SECONDS = 3.0  # of a window
FOLDS = 5
C, RIDGE = 0.01, 1000  # how much the default classifier and regressor are regularised


def load_corpora(names, scheme=None):
    """One utterance table of several corpora with labels that all of them share.

    Utterances whose speaker is not known are left out, with a warning.

    Parameters
    ----------
    names : list of str
        As for ``corpora.load``.
    scheme : str, optional
        A scheme of ``corpora.harmonise``; by default "shared" for several corpora, and the corpus's own words for one.

    Raises CorpusError if a corpus is unknown, not on this machine or without any known speaker, or the scheme is
    unknown.

    >>> load_corpora(["synthetic-small"], "iemocap4").emotion.unique().tolist()
    ['neutral', 'happy', 'sad', 'angry']
    """
    table = _of_known_speakers(names)
    several = len(set(table["corpus"])) > 1
    return corpora.harmonise(table, scheme or "shared") if scheme or several else table


def _of_known_speakers(names):
    table = corpora.combine([corpora.load(name) for name in dict.fromkeys(names)])
    known = table["speaker"].notna()
    lost = table["corpus"][~known].value_counts()
    none = sorted(set(lost.index) - set(table["corpus"][known]))
    if none:
        raise CorpusError(
            f"The publisher of {none[0]} does not say who speaks, so new speakers cannot be told from known ones."
        )
    for name, count in lost.items():
        note = f"{name}: utterances left out because their speakers are not known: {count}."
        warnings.warn(note, corpora.CorpusWarning, stacklevel=3)
    return table[known]


def find_features(name):
    """A kind of feature, or the `Encoder` of that name: "whisper-base" is short for "openai/whisper-base".

    Raises ModelError if there is neither, or the encoder is not on this machine.

    >>> find_features("quick")
    'quick'
    """
    if name in features.kinds():
        return name
    short = {"whisper": "openai/", "wav2vec2": "facebook/", "hubert": "facebook/", "wavlm": "microsoft/"}
    owner = next((owner for start, owner in short.items() if "/" not in name and name.startswith(start)), "")
    try:
        encoder = Encoder(owner + name)
    except ModelError:
        encoder = None
    if encoder is None or encoder.stand_in:
        hint = f", or get the encoder with `ser download {owner + name}`" if encoder else ""
        raise ModelError(f"There are no features called {name!r} here: choose {', '.join(features.kinds())}{hint}.")
    return encoder


def train(
    table,
    kind="quick",
    seconds=SECONDS,
    estimator=None,
    name=None,
    target="emotion",
    jobs=None,
    progress=True,
    scheduler=None,
    on_disk=False,
):
    """Judge a model by speaker, then fit it on everything.

    Parameters
    ----------
    table : DataFrame
        An utterance table, such as from `load_corpora`.
    kind : str or Encoder
        The features; the computed ones are cached, so a second call goes on where the first was stopped.
    seconds : float or None
        3.0 for a model of windows, which podcasts, calls and the service take; None for one of whole utterances.
    estimator : scikit-learn classifier or regressor, optional
        By default a scaler and logistic regression (C = 0.01, classes weighted equally), or ridge regression (alpha =
        1000) of numbers.
    name : str, optional
        What to call the estimator.
    target : str or sequence of str
        The column to predict: "emotion", or one of numbers such as "arousal"; or several of numbers, for one model of
        all of them. Utterances without a value are left out. Valence, arousal and dominance are put on a scale from -1
        to 1, whatever the corpus's own is.
    jobs, progress, scheduler
        As for ``features.extract``.
    on_disk : bool
        For features that do not fit into memory: they are kept in a file, and the default estimator is a
        ``models.InBatches`` with the same loss and penalty. An estimator of yours must take the rows as they are.

    Returns
    -------
    (model, result, X)
        The fitted model, the `Result` of its cross-validation (at most five folds of speakers; for several targets a
        list, with one for each), and the features.

    Examples
    --------
    >>> model, result, X = train(load_corpora(["synthetic-small"], "iemocap4"), progress=False)
    >>> model.classes_.tolist(), result.verdict
    (['angry', 'happy', 'neutral', 'sad'], 'No speaker crosses between training and test.')
    """
    targets = [target] if isinstance(target, str) else list(target)
    table = _with_targets(table, targets)
    numbers = all(pd.api.types.is_numeric_dtype(table[one]) for one in targets)
    if len(targets) > 1 and not numbers:
        raise EvaluationError(f"Several targets must all be numbers, such as {', '.join(DIMENSIONS)}.")
    if len(targets) > 1 and on_disk:
        raise EvaluationError("With features on disk, a model learns one target: train a model for each.")
    if seconds:
        table = features.cut_windows(table, seconds, jobs=jobs, progress=progress, scheduler=scheduler)
    X = features.extract(table, kind, jobs, progress, seconds=seconds, scheduler=scheduler, on_disk=on_disk)
    if estimator is None:
        estimator = _in_batches(numbers, X) if on_disk else _in_memory(numbers)
        name = name or ("ridge" if numbers else "logistic regression") + (" in batches" if on_disk else "")
    options = {"n_splits": min(FOLDS, table["speaker"].nunique()), "name": name, "progress": progress}
    results = [evaluation.cross_validate(estimator, X, table, target=one, **options) for one in targets]
    table = results[0].table
    X, y = X.loc[table.index], table[targets if len(targets) > 1 else targets[0]]
    if not seconds:
        model = estimator.fit(X, y)
    elif numbers:
        model = models.WindowRegressor(kind, estimator, tuple(targets)).fit_features(X, y)
    else:
        model = models.WindowClassifier(kind, estimator).fit_features(X, y)
    return model, results[0] if isinstance(target, str) else results, X


def _with_targets(table, targets):
    """The utterances with a value of every target; valence, arousal and dominance from -1 to 1."""
    names = ", ".join(sorted(set(table["corpus"])))
    table = table.copy()
    for target in targets:
        if target not in table or table[target].isna().all():
            raise EvaluationError(f"No utterance of {names} has a value of {target!r}.")
        if target in DIMENSIONS:
            for corpus, values in table.groupby("corpus")[target]:
                table.loc[values.index, target] = _rescaled(values, corpus)
    table = table[table[targets].notna().all(axis=1)]
    if table.empty:
        raise EvaluationError(f"No utterance of {names} has values of all of {', '.join(targets)}.")
    return table


def _rescaled(values, corpus):
    try:
        scale = corpora.card(corpus).scale
    except CorpusError:  # a table of the user's own
        scale = None
    if scale is None:
        if values.abs().max() > 1:
            raise EvaluationError(
                f"The scale of {corpus}'s {values.name} is not known: put its values between -1 and 1 first."
            )
        scale = (-1, 1)
    return 2 * (values - scale[0]) / (scale[1] - scale[0]) - 1


def _in_memory(numbers):
    last = Ridge(alpha=RIDGE) if numbers else LogisticRegression(C=C, class_weight="balanced", max_iter=3000)
    return make_pipeline(StandardScaler(), last)


def _in_batches(numbers, X):
    """The same loss and penalty, whose weight is per example here; longer steps diverge on scaled rows of this size."""
    settings = {"learning_rate": "constant", "average": True}
    dims = np.size(X.iloc[0])
    if numbers:
        return InBatches(SGDRegressor(alpha=RIDGE / len(X), eta0=0.1 / dims, **settings))
    return InBatches(SGDClassifier(loss="log_loss", alpha=1 / (C * len(X)), eta0=1 / dims, **settings))


def save(model, path, result, X, seconds=SECONDS):
    """Write a model of `train` to a file with its card, which has the largest gaps by gender and by corpus.

    `result` is what `train` gave. Raises ModelError as ``models.save`` does.
    """
    results = result if isinstance(result, list) else [result]
    card = models.ModelCard.of(result, seconds, gaps(result))
    models.save(model, path, X=X, table=results[0].table, card=card)
    return card


def gaps(result):
    """The largest gaps of a `Result`, or of one per target, by gender and by corpus, as a model's card lists them."""
    found, results = [], result if isinstance(result, list) else [result]
    for one in results:
        for column in ("gender", "corpus"):
            about = {"column": column} if len(results) == 1 else {"column": column, "target": one.target}
            with contextlib.suppress(EvaluationError):  # one group only
                found += [about | row for row in one.gaps(column).to_dict("records")]
    return found


def spoken_order(table, seed=0):
    """Positions of the rows of a table of windows as if everyone spoke their utterances in a random order.

    A file name often begins with the emotion: in the order of files, a voice would be measured against its anger alone.

    >>> table = pd.DataFrame({"window_of": ["a", "a", "b", "c"]}, ["a#0", "a#1", "b#0", "c#0"])
    >>> table.index[spoken_order(table)].tolist()
    ['b#0', 'c#0', 'a#0', 'a#1']
    """
    utterances, names = pd.factorize(table["window_of"])
    turn = np.random.default_rng(seed).permutation(len(names))
    return np.argsort(turn[utterances], kind="stable")


def evaluate(path, names, scheme=None, jobs=None, progress=True):
    """Judge a saved model on other corpora: a `Result` with an interval over their speakers.

    For a model of several numbers it is a list, with one for each.
    Labels are mapped to those of the model by the scheme; utterances with a label that the model does not know are left
    out. Raises EvaluationError if a speaker of these corpora was in training, or the model and the corpora share fewer
    than two labels.
    """
    model = models.load(path)
    card = model.card
    if card is None:
        raise ModelError(f"{path} does not say whom it was trained on: train it with `ser train`.")
    table = _of_known_speakers(names)
    known = sorted(set(table["speaker"]) & set(card.speakers))
    if known:
        raise EvaluationError(
            f"{len(known)} speakers of {', '.join(names)} were in training, {known[0]} first: such a score would be for"
            " known voices. Evaluate on another corpus."
        )
    table = _with_labels_of(card, table, scheme) if card.labels else _with_targets(table, list(card.targets))
    if card.seconds:
        table = features.cut_windows(table, card.seconds, jobs=jobs, progress=progress)
        kind, parameters = model.feature_extractor, model.parameters or {}
    else:
        kind, parameters = (model.about["kind"], model.about["parameters"])
        if kind not in features.kinds():
            kind, parameters = model.encoder(), {}
    X = features.extract(table, kind, jobs, progress, seconds=card.seconds, **parameters)
    results = [_judged(model, X, table, card, number) for number in range(len(card.targets))]
    return results if len(results) > 1 else results[0]


def _with_labels_of(card, table, scheme):
    """The utterances whose emotion the model knows, in its words: by `scheme`, or the one that keeps most of them."""
    tries = [corpora.harmonise(table, name) for name in ([scheme] if scheme else corpora.SCHEMES)]
    table = max(tries, key=lambda one: one["emotion"].isin(card.labels).sum())
    table = table[table["emotion"].isin(card.labels)]
    if table["emotion"].nunique() < 2:
        raise EvaluationError(
            f"The model predicts {', '.join(card.labels)}, and these corpora have fewer than two of them: choose"
            " another corpus or scheme."
        )
    return table


def _judged(model, X, table, card, number=0):
    """The `Result` of a fitted model on a table of others, who chooses among the labels that the table has.

    Of several targets, that of this number.
    """
    target = card.targets[number]
    X, table = join(X, table, target)
    if normaliser := getattr(model, "normaliser_", None):
        order = spoken_order(table)
        X, table = X.iloc[order], table.iloc[order]
        X = pd.DataFrame(normaliser.by_speaker(as_array(X), table["speaker"]), X.index)
    labels = label_order(table[target]) if card.labels else []
    values = as_array(X) if card.seconds else X
    if labels:
        probabilities = model.predict_features(values) if card.seconds else model.predict_proba(values)
        frame = pd.DataFrame(probabilities, table.index, list(model.classes_))[labels]
        frame = frame.div(frame.sum(axis=1), axis=0)
        predicted = frame.idxmax(axis=1)
    else:
        predicted = np.asarray(model.predict_features(values) if card.seconds else model.predict(values))
        predicted = predicted.reshape(len(table), -1)[:, number]
        frame = pd.DataFrame(index=table.index)
    predictions = pd.DataFrame({"fold": 1, "truth": table[target], "predicted": predicted}, table.index)
    score = getattr(evaluation, card.metric)(predictions["truth"], predictions["predicted"])
    return Result(
        folds=pd.DataFrame({card.metric: [score]}, index=[1]),
        predictions=predictions.join(frame.add_prefix("p_")),
        table=table,
        labels=labels,
        audits=[],
        protocol=f"trained on {' + '.join(card.corpora)}",
        target=target,
        name=card.estimator,
        features=card.features,
    )


def predict(paths, model, per="file", progress=True, same_speaker=False):
    """The emotion of recordings, one row per file or per window of 3 s.

    Parameters
    ----------
    paths : list of str or Path
        Recordings of any length that ``audio.blocks`` reads.
    model : object, str or Path
        A model of windows or of utterances, such as ``models.load`` gives, or its path.
    per : "file" or "window"
        A file's probabilities are the mean of those of its windows with speech. A model of utterances takes the whole
        file as one.
    progress : bool
        Show a progress bar.
    same_speaker : bool
        All recordings are of one voice: a model that measures voices against themselves goes on from file to file.

    Returns
    -------
    DataFrame
        ``file``; per window ``start`` and ``end`` (s); ``speech`` (share, NaN for a model of utterances); a column of
        probabilities per emotion, or of numbers per output of a regressor; ``emotion`` ("uncertain" below the model's
        threshold, None without speech, and of a regressor); ``problem``, why a file could not be read, or "".

    Raises
    ------
    ModelError
        If the model cannot be loaded, or needs more than one recording of a speaker.
    ValueError
        If `per` is "window" for a model of utterances.

    Examples
    --------
    >>> table = predict(["lost.wav"], models.window_model(), progress=False)
    >>> table.problem[0]
    'Cannot use lost.wav: there is no such file; check the path.'
    """
    if isinstance(model, str | Path):
        model = models.window_model(model)
    if per == "window" and isinstance(model, LoadedModel):
        raise ValueError("This model was trained on whole utterances, and knows no windows: predict per file.")
    normaliser = getattr(model, "normaliser_", None) if same_speaker else None
    voice = normaliser and normaliser.voice(keep=True)
    tables = []
    for path in tqdm(paths, "files", disable=not progress, delay=1, leave=False):
        try:
            rows = (
                _of_utterance(path, model) if isinstance(model, LoadedModel) else _of_windows(path, model, per, voice)
            )
        except (AudioError, StreamError) as error:  # the latter: samples that are not on the scale from -1 to 1
            rows = pd.DataFrame([{"problem": str(error)}])
        rows.insert(0, "file", str(path))
        tables.append(rows)
    table = pd.concat(tables, ignore_index=True)
    last = ["emotion", "problem"]
    table = table.reindex(columns=[*(column for column in table if column not in last), *last])
    return table.assign(problem=table["problem"].astype(object).fillna(""))


def predict_live(blocks, model):
    """Yield a table of one row for each window of a stream, as soon as it is complete: ``ser predict --microphone``.

    `blocks` are arrays (n,) at 16 kHz, such as ``audio.microphone_blocks()``; `model` and the columns are those of
    `predict` per window. Raises ModelError as `predict` does.

    >>> import numpy as np
    >>> tables = predict_live([np.zeros(16000, np.float32)] * 4, models.window_model())
    >>> [table["end"].item() for table in tables]
    [3.0, 4.0]
    """
    detector = streaming.Detector(model)
    for block in blocks:
        for prediction in detector.feed(block):
            yield to_timeline([prediction], detector.classes_).drop(columns="gap")


def _of_utterance(path, model):
    X = model.features_of(path)
    if model.classes_ is None:
        values = np.ravel(model.predict(X)[0]).astype(float)
        unnamed = ["value"] if len(values) == 1 else [f"value {number}" for number in range(1, len(values) + 1)]
        return pd.DataFrame([dict(zip(model.card.targets if model.card else unnamed, values, strict=True))])
    row = {}
    if hasattr(model.model, "predict_proba"):
        row = dict(zip(map(str, model.classes_), model.predict_proba(X)[0], strict=True))
    return pd.DataFrame([{**row, "emotion": model.predict(X)[0]}])


def _of_windows(path, model, per, voice):
    timeline = podcast.emotions_over_time(path, model, weight=1.0, margin=0.0, voice=voice)
    problem = timeline.attrs.get("problem", "")
    timeline = timeline.drop(columns="gap").assign(problem=problem)
    if per == "window":
        return timeline
    emotions = list(timeline.columns[timeline.columns.get_loc("speech") + 1 : timeline.columns.get_loc("emotion")])
    seconds = timeline["end"] - timeline["start"]
    means = timeline[emotions].mean()
    best = None if means.isna().all() or timeline["emotion"].isna().all() else means.idxmax()
    if best and means.max() < getattr(model, "threshold_", 0.0):
        best = streaming.UNCERTAIN
    speech = (timeline["speech"] * seconds).sum() / max(seconds.sum(), 1e-9)
    return pd.DataFrame([{"speech": speech, **means, "emotion": best, "problem": problem}])
