"""Features normalised within each speaker, whether named or found by clustering; folds of whole speakers."""

import warnings

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError


class SpeakerNormaliser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give every column mean 0 and standard deviation 1 within each speaker, among the rows at hand.

    It uses no labels: ``transform`` takes mean and deviation from the rows it is given. A test speaker is therefore
    normalised by their own test utterances. That is fair only if unlabelled speech of this speaker is available before
    the answer is due, and never for the first sentence of a new speaker.

    Few utterances say little about a speaker: normalised by two of them, the two are always opposites. A speaker with
    fewer than `min_utterances` therefore counts as if the missing ones were average utterances of the data it was
    fitted on, with a warning: from n utterances, the mean is (n · own + (min_utterances - n) · fitted) /
    min_utterances, and so is the mean of squares. This is the maximum a posteriori estimate in which the fitted data
    weigh as much as the missing utterances (Gauvain and Lee 1994, doi:10.1109/89.279278; as speaker models are adapted,
    Reynolds et al. 2000, doi:10.1006/dspr.1999.0361).

    A column that is constant within a speaker with enough utterances becomes 0. A DataFrame stays a DataFrame, with its
    index and columns. Raises EvaluationError if `speakers` is given and X has no index of utterances, or has an
    utterance they lack. Lesson 05.

    Parameters
    ----------
    speakers : Series of str, indexed by utterance, optional
        Who says what, as ``table["speaker"]``; looked up by the index of X. None: all rows are one speaker.
    min_utterances : int
        A speaker with so many is normalised by these alone; 1 never looks at the fitted data. 10 scored about as the
        default on RAVDESS (eGeMAPS).

    Examples
    --------
    >>> X = pd.DataFrame({"pitch": [100.0, 120.0, 200.0, 240.0]}, index=["a/1", "a/2", "b/1", "b/2"])
    >>> speakers = pd.Series(["a", "a", "b", "b"], index=X.index)
    >>> SpeakerNormaliser(speakers, min_utterances=2).fit_transform(X).pitch.tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(self, speakers=None, min_utterances=8):
        self.speakers = speakers
        self.min_utterances = min_utterances

    def fit(self, X, y=None):
        """Learn mean and deviation of all rows, for speakers with few utterances."""
        whole = StandardScaler().fit(validate_data(self, X, dtype=float))
        self.mean_, self.deviation_ = whole.mean_, np.sqrt(whole.var_)
        return self

    def transform(self, X):
        """`X` of shape (utterances, features), each row relative to the other rows of its speaker."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=float, reset=False)
        normalised = np.empty_like(values)
        speakers = self.speakers
        groups = {"unknown": np.arange(len(values))} if speakers is None else rows_by_speaker(X, speakers)
        few = sum(len(rows) < self.min_utterances for rows in groups.values())
        if few:
            warnings.warn(
                f"{few} of {len(groups)} speakers have fewer than {self.min_utterances} utterances: they are normalised"
                " partly by the data SpeakerNormaliser was fitted on.",
                stacklevel=2,
            )
        for rows in groups.values():
            own, weights = values[rows], None
            missing = self.min_utterances - len(rows)
            if missing > 0:  # two rows with the mean and variance of the fitted data stand for the missing ones
                own = np.vstack([own, self.mean_ - self.deviation_, self.mean_ + self.deviation_])
                weights = np.r_[np.ones(len(rows)), missing / 2, missing / 2]
            normalised[rows] = StandardScaler().fit(own, sample_weight=weights).transform(values[rows])
        return pd.DataFrame(normalised, X.index, X.columns) if isinstance(X, pd.DataFrame) else normalised


class RunningNormaliser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Measure a voice against itself while it speaks: what `SpeakerNormaliser` does, live and from the first window on.

    Each row is normalised by the mean and deviation of this voice's rows so far, itself included. They are shrunk
    towards the speakers in training: the first row counts as if `weight` rows had come before it, with the mean of the
    training speakers and the deviation that one speaker has. From n rows, the mean is (n · own + weight · prior) /
    (n + weight), and so is the mean of squares: a maximum a posteriori estimate (Gauvain and Lee 1994,
    doi:10.1109/89.279278). So loudness of a microphone, colour of a line and pitch of a voice wear off within a minute
    of speech; what the voice does all the time wears off too, its mood included.

    Parameters
    ----------
    weight : float
        How many rows the prior counts for, above 0.

    Attributes
    ----------
    mean_, deviation_ : ndarray (features,)
        The prior.

    Examples
    --------
    >>> X = np.array([[100.0], [120.0], [200.0], [240.0]])
    >>> normaliser = RunningNormaliser(weight=2).fit(X, ["a", "a", "b", "b"])
    >>> normaliser.mean_.tolist(), normaliser.deviation_.round(1).tolist()
    ([165.0], [15.8])
    >>> voice = normaliser.voice()
    >>> voice.update([[240.0]]).round(2).tolist(), voice.update([[200.0]]).round(2).tolist()
    ([[1.33]], [[0.23]])
    """

    def __init__(self, weight=8.0):
        self.weight = weight

    def fit(self, X, speakers):
        """Learn the prior from rows X (n, features) of several `speakers` (n,), who count alike.

        Raises EvaluationError if there is not one speaker for each row; ValueError if `weight` is not above 0.
        """
        if not self.weight > 0:
            raise ValueError(f"weight is a number of rows above 0, not {self.weight!r}.")
        X, speakers = validate_data(self, X, dtype=float), np.asarray(speakers)
        if speakers.shape != (len(X),):
            raise EvaluationError(f"X has {len(X)} rows, and speakers the shape {speakers.shape}: give each row one.")
        own = [X[speakers == name] for name in np.unique(speakers)]
        self.mean_ = np.mean([rows.mean(axis=0) for rows in own], axis=0)
        self.deviation_ = np.sqrt(np.mean([rows.var(axis=0) for rows in own], axis=0))
        return self

    def voice(self, keep=False):
        """A new `Voice`, without any rows yet; with `keep` it remembers every row, for ``Voice.whole``."""
        check_is_fitted(self)
        return Voice(self, keep)

    def transform(self, X):
        """X (n, features), the rows of one voice in the order of time, each relative to the rows up to it."""
        return self.voice().update(X)

    def by_speaker(self, X, speakers):
        """X (n, features), each speaker's rows in the order given, each relative to that speaker's rows up to it."""
        X, speakers = np.asarray(X, float), np.asarray(speakers)
        normalised = np.empty_like(X)
        for name in np.unique(speakers):
            normalised[speakers == name] = self.transform(X[speakers == name])
        return normalised


class Voice:
    """What a `RunningNormaliser` knows of one voice; a detector has one for its stream.

    Attributes
    ----------
    count : int
        How many rows so far.
    kept : list of ndarray, or None
        These rows, relative to the prior, if it keeps them.
    """

    def __init__(self, normaliser, keep=False):
        self.normaliser, self.count, self.kept = normaliser, 0, [] if keep else None
        self._sum = self._squares = np.zeros_like(normaliser.mean_)  # of (rows - prior mean) / prior deviation
        self._scale = np.where(normaliser.deviation_ > 0, normaliser.deviation_, 1.0)

    def update(self, X):
        """The rows X (n, features) in the order of time, each normalised by those up to it; they are remembered."""
        return np.array([self._next(row) for row in self._relative(X)]).reshape(np.shape(X))

    def whole(self, rows=None):
        """The kept rows, or the last so many of them, each normalised by all of the voice's rows: (rows, features).

        Raises EvaluationError if the voice keeps no rows.
        """
        if self.kept is None:
            raise EvaluationError("This voice keeps no rows: make it with normaliser.voice(keep=True).")
        kept = self.kept[len(self.kept) - rows :] if rows is not None else self.kept
        return self._normalised(np.reshape(kept, (-1, len(self._scale))))

    def _relative(self, X):
        X = np.asarray(X, float)
        if X.ndim != 2 or X.shape[1] != len(self._scale):
            raise EvaluationError(f"A voice is rows of {len(self._scale)} features, not an array of shape {X.shape}.")
        return (X - self.normaliser.mean_) / self._scale

    def _next(self, row):
        self.count += 1
        self._sum, self._squares = self._sum + row, self._squares + row**2
        if self.kept is not None:
            self.kept.append(row.astype(np.float32))
        return self._normalised(row)

    def _normalised(self, rows):
        weight = self.normaliser.weight
        mean = self._sum / (self.count + weight)
        square = (self._squares + weight) / (self.count + weight)  # the prior's mean is 0, its deviation 1
        return (rows - mean) / np.sqrt(square - mean**2)


def rows_by_speaker(X, speakers):
    """Positions of each speaker's rows in `X`; an EvaluationError says what is wrong with `speakers`."""
    if not isinstance(X, pd.DataFrame):
        raise EvaluationError(
            f"Speakers are looked up by utterance, and X is a {type(X).__name__} without utterance names: put the"
            " normaliser first in the pipeline and give it a feature table."
        )
    if not isinstance(speakers, pd.Series):
        raise EvaluationError(
            f"speakers is a {type(speakers).__name__}: give the normaliser the column table['speaker']."
        )
    if speakers.index.has_duplicates:
        raise EvaluationError("An utterance has two speakers: give the normaliser a table without repeated names.")
    named = speakers.reindex(X.index)
    if named.isna().any():
        raise EvaluationError(
            f"The speaker of {X.index[named.isna()][0]!r} is not known: give the normaliser the column 'speaker' of a"
            " table with every utterance."
        )
    return pd.Series(np.arange(len(X))).groupby(named.to_numpy()).indices


HEIGHTS = 40  # number of heights at which the trees of the training speakers are cut for comparison
SMALL = 8  # utterances: a voice with fewer is probably a part of one
MOST_IN_SMALL = 0.05  # of the utterances; up to .04 among unseen speakers in lesson 08
FAR = 3  # deviations of the training speakers' means
MOST_FAR = 0.1  # of the columns; groups of unseen speakers reached .09, single utterances .14


class VoiceNormaliser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give every column mean 0 and standard deviation 1 within each voice; the voices are found by clustering.

    ``fit`` learns from the *training* speakers which directions separate them (linear discriminant analysis after PCA),
    and at which height to cut a tree of utterances (Ward's linkage) into speakers. For the height it holds out some
    training speakers, learns the directions from the others, and clusters those held out. ``transform`` then clusters
    the utterances it is given and normalises each cluster. Unlike `SpeakerNormaliser` it needs no name of a test
    speaker; like it, it needs several of their unlabelled utterances.

    It suits unseen speakers of the corpora it was fitted on. Another corpus lies elsewhere and has other spreads:
    fitted on ten German speakers, it found 1,439 voices among 24 actors of RAVDESS (193-d vector). Every column is
    therefore scaled by the new data's own mean and deviation (26 voices then) if that leaves fewer utterances in small
    voices, and a warning says that the voices are not to be relied on. A corpus counts as another one if in a tenth of
    the columns its mean is more than three deviations away from that of the training speakers, or a twentieth of the
    utterances is in voices of fewer than eight. Even if the number of voices is right then, who is in them often is
    not: take `SpeakerNormaliser` with the names of speakers or, to measure against the whole corpus, without.

    ``fit_transform`` normalises the training utterances by their true speakers, and so differs from ``fit`` and then
    ``transform``, as with scikit-learn's TargetEncoder. A column that is constant within a voice becomes 0. A voice of
    fewer than eight utterances is partly normalised by all utterances given. If the speakers' utterances vary in too
    few directions (all alike, or two of each), the discriminant analysis is left out. Ward (1963),
    doi:10.1080/01621459.1963.10500845.

    Raises EvaluationError if X is no feature table, a training utterance has no speaker, there are fewer than four
    speakers or fewer than two utterances of each, or no column varies among the speakers that directions are learned
    from; ValueError if `groups` or `dims` is too small. Lesson 08.

    Parameters
    ----------
    speakers : Series of str, indexed by utterance
        Who says what in the training set, as ``table["speaker"]``; looked up by the index of X, in ``fit`` only.
    dims : int
        Dimensions of the PCA; the discriminant analysis keeps at most 12.
    groups : int
        How many times training speakers are held out to find the height at which the tree is cut (``height_``). It is
        learned on groups of ``utterances / groups`` rows and suits about that many.
    seed : int
        For the groups and the PCA.

    Examples
    --------
    >>> rng, names = np.random.default_rng(0), np.repeat(list("abcdefghijkl"), 20)
    >>> voice = {name: rng.normal(0, 10, 5) for name in names}
    >>> X = pd.DataFrame([voice[name] + rng.normal(size=5) for name in names]).rename("u{}".format)
    >>> train, test = X[names < "i"], X[names >= "i"]
    >>> normaliser = VoiceNormaliser(pd.Series(names, X.index)).fit(train)
    >>> normaliser.voices(test).groupby(names[names >= "i"]).nunique().tolist()
    [1, 1, 1, 1]
    """

    def __init__(self, speakers, dims=60, groups=4, seed=0):
        self.speakers = speakers
        self.dims = dims
        self.groups = groups
        self.seed = seed

    def fit(self, X, y=None):
        """Learn from training utterances what separates voices; `y` is not used."""
        rows_by_speaker(X, self.speakers)  # checks both
        names = self.speakers.reindex(X.index).to_numpy()
        everyone = np.random.default_rng(self.seed).permutation(np.unique(names))
        if len(everyone) < 4:
            raise EvaluationError(
                f"To learn what makes a voice takes at least four training speakers, and here are {len(everyone)}."
            )
        if self.groups < 2 or self.dims < 1:
            raise ValueError(f"groups must be at least 2 and dims at least 1, not {self.groups} and {self.dims}.")
        if len(X) < 2 * len(everyone):
            raise EvaluationError(
                f"What makes a voice is learned from several utterances of each, and here are {len(X)} of"
                f" {len(everyone)} speakers: give at least two of each."
            )
        trials = []
        for held_out in np.array_split(everyone, min(self.groups, len(everyone) // 2)):
            rows = np.isin(names, held_out)
            space = self._space(X[~rows], names[~rows])
            trials.append((linkage(space.transform(X[rows]), "ward"), names[rows]))
        merges = np.concatenate([tree[:, 2] for tree, _ in trials])
        heights = np.geomspace(max(merges.min(), 1e-6), merges.max(), HEIGHTS)
        agreement = [
            np.mean([adjusted_rand_score(truth, fcluster(tree, height, "distance")) for tree, truth in trials])
            for height in heights
        ]
        self.height_ = float(heights[np.argmax(agreement)])
        self.space_ = self._space(X, names)
        speakers = X.groupby(names).mean()
        self.mean_, self.between_ = speakers.mean().to_numpy(), speakers.var().to_numpy()
        self.within_ = ((X - speakers.loc[names].to_numpy()) ** 2).mean().to_numpy()
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X):
        """`X` of shape (utterances, features), each row relative to the other rows of its cluster."""
        return SpeakerNormaliser(self.voices(X)).fit_transform(X)

    def fit_transform(self, X, y=None):
        """Learn from the training utterances, and normalise them within their true speakers."""
        self.fit(X, y)
        return SpeakerNormaliser(self.speakers).fit_transform(X)

    def voices(self, X):
        """The voice of each row of `X`, as numbers from 1 in a Series on its index."""
        check_is_fitted(self, "height_")
        if not isinstance(X, pd.DataFrame):
            raise EvaluationError(f"X is a {type(X).__name__}: give VoiceNormaliser a feature table.")
        voices = self._clusters(self.space_, X)
        if len(X) > 1 and (self._is_far(X) or _in_small(voices) > MOST_IN_SMALL):
            own = make_pipeline(StandardScaler().fit(X), *(step for _, step in self.space_.steps[1:]))
            voices = min(voices, self._clusters(own, X), key=_in_small)
            warnings.warn(
                "These utterances are unlike those VoiceNormaliser was fitted on, perhaps from another corpus: do not"
                f" rely on the {voices.max()} voices it found in them. Give SpeakerNormaliser the names of speakers, or"
                " none, which measures against the whole corpus.",
                stacklevel=2,
            )
        return pd.Series(voices, X.index, name="voice")

    def _is_far(self, X):
        """Whether the mean of `X` is too far from the training's for other speakers of the same corpus."""
        spread = np.sqrt(self.between_ + self.within_ / len(X)) + 1e-9 * np.abs(self.mean_)  # the latter for rounding
        return (np.abs(X.to_numpy(dtype=float).mean(axis=0) - self.mean_) > FAR * spread).mean() > MOST_FAR

    def _clusters(self, space, X):
        """The number of the cluster of each row, from 1."""
        if len(X) == 1:
            return np.ones(1, dtype=int)
        return fcluster(linkage(space.transform(X), "ward"), self.height_, "distance")

    def _space(self, X, names):
        """The transformer to a space of at most 12 dimensions, in which utterances of one voice lie together."""
        if not np.ptp(X.to_numpy(dtype=float), axis=0).any():
            raise EvaluationError(
                f"No feature varies among {len(set(names))} of the training speakers, so their voices cannot be told"
                " apart: give features that differ, or leave VoiceNormaliser out."
            )
        dims = min(self.dims, len(X) - 1, X.shape[1])
        reduce = make_pipeline(StandardScaler(), PCA(dims, random_state=self.seed))
        components = min(12, len(set(names)) - 1, dims)
        try:
            separate = LinearDiscriminantAnalysis("eigen", shrinkage="auto", n_components=components)
            return make_pipeline(*reduce, separate).fit(X, names)
        except np.linalg.LinAlgError:
            return reduce.fit(X)


def _in_small(voices):
    """The share of utterances in voices of fewer than SMALL."""
    counts = np.bincount(voices)
    return counts[counts < SMALL].sum() / len(voices)


class SpeakerFolds:
    """A scikit-learn splitter: no speaker is in both parts of a fold.

    For nested searches, ``GridSearchCV(pipeline, grid, cv=SpeakerFolds(table), scoring="recall_macro")``: settings are
    then chosen on unseen speakers, like the final score. ``recall_macro`` is scikit-learn's name for the UAR. `split`
    raises EvaluationError if X has no index of utterances, or has utterances that the table lacks; CorpusError if X has
    fewer speakers than folds. Lesson 05.

    Parameters
    ----------
    table : DataFrame
        An utterance table with every utterance of X, in any order; it may have more.
    n_splits : int
        Number of folds, at most the number of speakers in X.
    seed : int
        Decides which speakers fall into which fold.

    Examples
    --------
    >>> table = corpora.load("synthetic-small")
    >>> folds = SpeakerFolds(table, n_splits=2)
    >>> [len(test) for train, test in folds.split(table[["arousal"]])]
    [120, 120]
    """

    def __init__(self, table, n_splits=3, seed=0):
        self.table = table
        self.n_splits = n_splits
        self.seed = seed

    def split(self, X, y=None, groups=None):
        """Positions of the training and of the test rows of X, for each fold."""
        if not isinstance(X, pd.DataFrame | pd.Series):
            raise EvaluationError(
                f"Speakers are looked up by utterance, and X is a {type(X).__name__} without utterance names: search"
                " with the feature table itself, and put scalers into the pipeline."
            )
        unknown = X.index.difference(self.table.index, sort=False)
        if len(unknown):
            raise EvaluationError(f"SpeakerFolds knows no {unknown[0]!r}: give it a table with every utterance.")
        for parts in corpora.split(self.table.loc[X.index], "speaker", self.n_splits, self.seed):
            yield tuple(X.index.get_indexer(part) for part in parts)

    def get_n_splits(self, X=None, y=None, groups=None):
        """The number of folds."""
        return self.n_splits

    def __repr__(self):
        speakers = self.table["speaker"].nunique()
        return f"SpeakerFolds({speakers} speakers, n_splits={self.n_splits}, seed={self.seed})"
