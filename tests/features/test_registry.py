import numpy as np
import pytest

from ser_helpers import features
from ser_helpers.features import registry

DIMS = {"vector193": 193, "prosody": 16, "voice_quality": 16, "egemaps": 88, "compare": 6373, "logmel": 64, "mfcc": 40}
DIMS |= {"patchdct": 128, "vggish": 128, "quick": 95, "speech": 1}


def test_the_kinds_are_known():
    assert set(features.kinds()) == set(DIMS)


@pytest.mark.parametrize(("kind", "dims"), DIMS.items())
def test_every_kind_names_each_of_its_numbers_once(kind, dims):
    names = features.names(kind)
    assert len(names) == len(set(names)) == dims
    if features.available(kind):
        assert registry.compute(kind, np.random.default_rng(0).normal(size=16000), 16000).shape[-1] == dims


@pytest.mark.parametrize("function", [features.names, registry.find])
def test_unknown_kind_is_refused_with_the_list(function):
    with pytest.raises(ValueError, match=r"no kind of feature called 'mfccs'; choose one of vector193, .*, mfcc, "):
        function("mfccs")


def test_version_follows_the_code_and_the_libraries(monkeypatch):
    versions = {kind: registry.version.__wrapped__(kind) for kind in features.kinds()}
    assert versions["vector193"] != versions["egemaps"]
    assert versions == {kind: registry.version.__wrapped__(kind) for kind in features.kinds()}
    monkeypatch.setattr(registry.importlib.metadata, "version", lambda library: "99.0")
    assert all(registry.version.__wrapped__(kind) != version for kind, version in versions.items())
