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

    It learns nothing in ``fit`` and uses no labels: ``transform`` takes mean and deviation from the rows it is given.
    A test speaker is therefore normalised by their own test utterances. That is fair only if unlabelled speech of this
    speaker is available before the answer is due, and never for the first sentence of a new speaker.

    A column that is constant within a speaker becomes 0. So does the only row of a speaker, with a warning. A DataFrame
    stays a DataFrame, with its index and columns. Raises EvaluationError if `speakers` is given and X has no index of
    utterances, or has an utterance they lack. Lesson 05.

    Parameters
    ----------
    speakers : Series of str, indexed by utterance, optional
        Who says what, as ``table["speaker"]``; looked up by the index of X. None: all rows are one speaker.

    Examples
    --------
    >>> X = pd.DataFrame({"pitch": [100.0, 120.0, 200.0, 240.0]}, index=["a/1", "a/2", "b/1", "b/2"])
    >>> speakers = pd.Series(["a", "a", "b", "b"], index=X.index)
    >>> SpeakerNormaliser(speakers).fit_transform(X).pitch.tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(self, speakers=None):
        self.speakers = speakers

    def fit(self, X, y=None):
        """Store the names of the columns; there is nothing else to learn."""
        validate_data(self, X, dtype=float)
        return self

    def transform(self, X):
        """`X` of shape (utterances, features), each row relative to the other rows of its speaker."""
        values = validate_data(self, X, dtype=float, reset="n_features_in_" not in vars(self))
        normalised = np.empty_like(values)
        speakers = self.speakers
        groups = {"unknown": np.arange(len(values))} if speakers is None else rows_by_speaker(X, speakers)
        for speaker, rows in groups.items():
            if len(rows) == 1:
                warnings.warn(f"Speaker {speaker} has one utterance only: its features become 0.", stacklevel=2)
            normalised[rows] = StandardScaler().fit_transform(values[rows])
        return pd.DataFrame(normalised, X.index, X.columns) if isinstance(X, pd.DataFrame) else normalised

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


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


class VoiceNormaliser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give every column mean 0 and standard deviation 1 within each voice; the voices are found by clustering.

    ``fit`` learns from the *training* speakers which directions separate them (linear discriminant analysis after PCA),
    and at which height to cut a tree of utterances (Ward's linkage) into speakers. For the height it holds out some
    training speakers, learns the directions from the others, and clusters those held out. ``transform`` then clusters
    the utterances it is given and normalises each cluster. Unlike `SpeakerNormaliser` it needs no name of a test
    speaker; like it, it needs several of their unlabelled utterances.

    ``fit_transform`` normalises the training utterances by their true speakers, and so differs from ``fit`` and then
    ``transform``, as with scikit-learn's TargetEncoder. A column that is constant within a voice becomes 0. If the
    speakers' utterances vary in too few directions (all alike, or two of each), the discriminant analysis is left out.
    Ward (1963), doi:10.1080/01621459.1963.10500845.

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
        voices = np.ones(len(X), dtype=int)
        if len(X) > 1:
            voices = fcluster(linkage(self.space_.transform(X), "ward"), self.height_, "distance")
        return pd.Series(voices, X.index, name="voice")

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
