import audmetric
import numpy as np
import pandas as pd
import pytest

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import rater_ceiling


def rated(noise, utterances=200, raters=3, seed=0):
    """Raters who hear the same truth through `noise`; ten speakers."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(3, 1, utterances)
    names = [f"u{n:03}" for n in range(utterances)]
    scores = truth[:, None] + noise * rng.normal(size=(utterances, raters))
    ratings = pd.DataFrame(
        [(name, f"E{k}", score) for name, row in zip(names, scores, strict=True) for k, score in enumerate(row)],
        columns=["utterance", "rater", "arousal"],
    )
    table = pd.DataFrame({"speaker": [f"s{n % 10}" for n in range(utterances)]}, index=names)
    return ratings, table, scores


def test_it_is_the_ccc_of_each_rater_with_the_mean_of_the_others():
    ratings, table, scores = rated(0.8)
    pairs = [(np.delete(scores, k, axis=1).mean(axis=1), scores[:, k]) for k in range(3)]
    others, one = (np.concatenate(side) for side in zip(*pairs, strict=True))
    found = rater_ceiling(ratings, table, ["arousal"]).loc["arousal"]
    assert found.ccc == pytest.approx(audmetric.concordance_cc(others, one))
    assert found.low < found.ccc < found.high
    assert (found.utterances, found.raters) == (200, 3)


def test_agreement_is_one_without_noise_and_falls_with_it():
    cccs = [rater_ceiling(*rated(noise)[:2], ["arousal"]).ccc["arousal"] for noise in (0, 0.3, 1, 10)]
    assert cccs[0] == pytest.approx(1)
    assert cccs == sorted(cccs, reverse=True)
    assert cccs[-1] < 0.2


def test_missing_scores_lonely_raters_and_other_utterances_do_not_count():
    ratings, table, _ = rated(0.5)
    wanted = rater_ceiling(ratings, table.iloc[:150], ["arousal"])
    ratings.loc[ratings.utterance == "u160", "arousal"] = np.nan
    lonely = pd.DataFrame({"utterance": ["u149", "v1"], "rater": ["E0", "E9"], "arousal": [3.0, 1.0]})
    ratings = pd.concat([ratings[ratings.utterance != "u149"], lonely])
    found = rater_ceiling(ratings, table.iloc[:150], ["arousal"])
    assert found.utterances["arousal"] == 149
    assert found.raters["arousal"] == 3
    assert found.ccc["arousal"] == pytest.approx(wanted.ccc["arousal"], abs=0.01)


def test_one_rater_does_not_agree_with_anybody():
    ratings, table, _ = rated(0.5, raters=1)
    with pytest.raises(EvaluationError, match=r"two scores of arousal: agreement needs two raters"):
        rater_ceiling(ratings, table, ["arousal"])


def test_one_speaker_gives_no_interval():
    ratings, table, _ = rated(0.5)
    found = rater_ceiling(ratings, table.assign(speaker="s0"), ["arousal"]).loc["arousal"]
    assert np.isnan(found.low)
    assert found.ccc > 0.5
