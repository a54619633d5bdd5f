"""A text branch on real text: MELD's published split, weighted F1 near the published text-only models'."""

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ser_helpers import corpora, features
from ser_helpers.errors import CorpusMissing
from ser_helpers.evaluation import weighted_f1


@pytest.mark.real
@pytest.mark.slow
def test_words_letters_and_lexicon_reach_the_published_text_only_score():
    try:
        meld = corpora.load_text("meld")
    except CorpusMissing as missing:
        pytest.skip(str(missing))
    parts = {part: rows for part, rows in meld.groupby("split")}
    counts = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+(?:'\w+)?|[?!]")
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    lexicon = make_pipeline(FunctionTransformer(features.lexicon), SimpleImputer(), StandardScaler())
    share = parts["train"].emotion.value_counts(normalize=True)
    model = LogisticRegression(max_iter=1000, class_weight=(share**-0.5).to_dict())
    reader = make_pipeline(make_union(counts, letters, lexicon), model).fit(parts["train"].text, parts["train"].emotion)
    scores = {part: weighted_f1(parts[part].emotion, reader.predict(parts[part].text)) for part in ("dev", "test")}
    assert scores["dev"] > 0.53
    assert scores["test"] > 0.57
