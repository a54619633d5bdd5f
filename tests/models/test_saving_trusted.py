"""A crafted file cannot run code, and is refused in one sentence."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser_helpers import models
from ser_helpers.errors import ModelError
from ser_helpers.models import saving

X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))
Y = np.tile(["angry", "calm", "sad"], 10)
TABLE = pd.DataFrame({"corpus": "toy"}, index=X.index)


def network(input_shape, n_classes):
    import keras

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_classes, "softmax", name="last")])
    model.compile("adam", "categorical_crossentropy")
    return model


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def saved(model, folder):
    models.save(model.fit(X, Y), folder / "model.ser", X=X, table=TABLE)
    return unzipped((folder / "model.ser").read_bytes())


@pytest.fixture(scope="module")
def classical(tmp_path_factory):
    """The parts of a file with a scikit-learn model."""
    return saved(LogisticRegression(), tmp_path_factory.mktemp("classical"))


@pytest.fixture(scope="module")
def keras_parts(tmp_path_factory):
    """The parts of a file with a Keras network."""
    return saved(models.KerasClassifier(network, epochs=1), tmp_path_factory.mktemp("keras"))


@pytest.fixture
def refused(tmp_path):
    """Load these bytes: the file must be refused in one sentence, and no `Trap` may have gone off."""

    def check(content, words="is damaged, or no model saved by models.save"):
        path = tmp_path / "crafted.ser"
        path.write_bytes(content if isinstance(content, bytes) else zipped(content))
        with pytest.raises(ModelError, match=words) as error:
            models.load(path)
        assert str(error.value).startswith(str(path))
        assert "\n" not in str(error.value)
        assert not (tmp_path / "trap").exists()

    return check


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_pickle_is_refused(refused, classical, tmp_path):
    bomb = pickle.dumps(Trap(tmp_path / "trap"))
    refused(bomb)
    refused({**classical, "model.skops": bomb})
    refused({**classical, "model.pkl": bomb})
    refused({**classical, "about.json": bomb})
    pickle.loads(bomb)
    assert (tmp_path / "trap").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": None},
        {"versions": {"scikit-learn": None}},
        {"model": None},
        {"kind": 5},
        {"parameters": None},
        {"columns": 3},
        {"shape": None},
        {"shape": ["many"]},
        {"corpus": None},
        {"corpus": [1]},
        {"threshold": None},
        {"seconds": "3"},
        {"seconds": 3.0, "kind": None},
    ],
    ids=str,
)
def test_null_and_wrong_fields_are_refused(refused, classical, changes):
    about = json.loads(classical["about.json"])
    refused({**classical, "about.json": json.dumps(about | changes).encode()})


@pytest.mark.parametrize("changes", [{"score": None}, {"corpora": [1]}, {"gaps": [1]}, {"licences": []}, {"date": 1}])
def test_a_card_with_wrong_fields_is_refused(classical, tmp_path, changes):
    card = dict.fromkeys(("estimator", "features", "target", "protocol", "metric", "date"), "")
    card |= {key: [] for key in ("labels", "corpora", "speakers", "gaps")} | {"licences": {}, "synthetic": True}
    card |= dict.fromkeys(("examples", "seconds", "score", "low", "high", "chance"), 1)
    about = json.loads(classical["about.json"])
    for number, changed in enumerate((card, card | changes)):
        (tmp_path / f"{number}.ser").write_bytes(
            zipped({**classical, "about.json": json.dumps(about | {"card": changed}).encode()})
        )
    assert models.load(tmp_path / "0.ser").card.score == 1
    with pytest.raises(ModelError, match="card is damaged"):
        models.load(tmp_path / "1.ser")


def test_a_pickle_in_the_place_of_an_array_is_refused(refused, classical, tmp_path):
    inner = unzipped(classical["model.skops"])
    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap(tmp_path / "trap")], dtype=object), allow_pickle=True)
    arrays = {name: buffer.getvalue() if name.endswith(".npy") else data for name, data in inner.items()}
    refused({**classical, "model.skops": zipped(arrays)})


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("subprocess", "Popen"),
        ("ser_helpers.models.keras_estimators", "KerasClassifier"),
    ],
)
def test_a_type_that_is_not_trusted_is_named(refused, classical, module, kind):
    inner = unzipped(classical["model.skops"])
    schema = json.loads(inner["schema.json"])
    schema["__module__"], schema["__class__"] = module, kind
    refused({**classical, "model.skops": zipped({**inner, "schema.json": json.dumps(schema)})}, f"{module}.{kind}")


def test_a_function_is_named(refused, classical):
    model = make_pipeline(FunctionTransformer(os.getcwd), LogisticRegression())
    refused({**classical, "model.skops": skops.io.dumps(model)}, "getcwd, which is not known to be safe")


def test_a_model_that_is_no_estimator_is_refused(refused, classical):
    refused({**classical, "model.skops": skops.io.dumps({"a": 1})})


@pytest.mark.parametrize("change", [{"format": 3}, {"format": "x"}])
def test_another_format_is_named(refused, classical, change):
    about = json.loads(classical["about.json"]) | change
    refused({**classical, "about.json": json.dumps(about)}, f"has the format {change['format']}, and this version .* 2")


def test_a_file_of_the_first_format_is_named(refused, classical):
    about = json.loads(classical["about.json"]) | {"format": 1}
    refused(
        {**classical, "about.json": json.dumps(about)}, "saved by an earlier version .*: fit and save the model again"
    )


@pytest.mark.parametrize("change", [{"labels": ["a", "b", "c"]}, {"labels": None}, {"columns": ...}])
def test_a_description_of_another_model_is_refused(refused, classical, change):
    about = json.loads(classical["about.json"]) | change
    about = {name: value for name, value in about.items() if value is not ...}
    refused({**classical, "about.json": json.dumps(about)})


@pytest.mark.parametrize("about", [b"", b"[]", b"{}", b"{", b"\xff", b"[" * 100_000])
def test_a_description_that_is_none_is_refused(refused, classical, about):
    refused({**classical, "about.json": about})


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "..\\evil.py", "sub/model.skops", "evil.py"])
def test_other_names_are_refused(refused, classical, tmp_path, name):
    refused({**classical, name: b"import os"})
    assert [item.name for item in tmp_path.iterdir()] == ["crafted.ser"]


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.99])
def test_a_truncated_file_is_refused(refused, classical, keras_parts, share):
    for parts in (classical, keras_parts):
        whole = zipped(parts)
        refused(whole[: int(share * len(whole))])
        inner = {name: data[: int(share * len(data))] if name != "about.json" else data for name, data in parts.items()}
        refused(inner)


def test_a_changed_byte_is_noticed(refused, classical):
    whole = bytearray(zipped(classical))
    whole[len(whole) // 2] ^= 255
    refused(bytes(whole))


def test_compressed_parts_are_refused(refused, classical, keras_parts):
    refused(zipped(classical, zipfile.ZIP_DEFLATED))
    for parts, name in ((classical, "model.skops"), (keras_parts, "network.keras")):
        refused({**parts, name: zipped(unzipped(parts[name]), zipfile.ZIP_DEFLATED)})


def test_a_file_that_is_not_there_is_said(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.ser"):
        with pytest.raises(ModelError, match="There is no file"):
            models.load(path)


def layer(**change):
    """Put something else in the place of the network's last layer."""

    def put(config):
        config["config"]["layers"][-1].update(change)

    return put


CODE = {"class_name": "__lambda__", "config": {"value": "x"}}


@pytest.mark.parametrize(
    ("craft", "words"),
    [
        (layer(class_name="Lambda", config={"name": "a", "function": CODE}), "contains a Lambda, which is not known"),
        (layer(module="os", class_name="system", config={}), "contains a system"),
        (layer(module="kerasx.layers", class_name="Dense"), "contains a Dense"),
        (layer(module="builtins", class_name="function", config="eval"), "contains a function"),
        (layer(module=None, class_name="Dense"), "contains a Dense"),
        (layer(registered_name="other>Evil", module="other"), "contains a Dense"),
        (layer(class_name="TFSMLayer", config={"filepath": "x"}), "contains a TFSMLayer"),
        (layer(class_name="TorchModuleWrapper", config={"module": "x"}), "contains a TorchModuleWrapper"),
        (layer(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}), "contains a StringLookup"),
        (layer(module="keras.config", class_name="enable_unsafe_deserialization", config={}), "is damaged"),
        (layer(module="keras.saving", class_name="load_model", config={"filepath": "x"}), "is damaged"),
        (layer(module="keras.utils", class_name="get_file", config={"origin": "http://127.0.0.1:9/x"}), "is damaged"),
        (layer(registered_name="ser_helpers>Nothing", module="os", class_name="system"), "is damaged"),
        (lambda config: config["config"]["layers"][-1]["config"].update(activation=CODE), "contains a __lambda__"),
    ],
)
def test_a_network_of_other_things_than_layers_is_refused(refused, keras_parts, craft, words):
    inner = unzipped(keras_parts["network.keras"])
    config = json.loads(inner["config.json"])
    craft(config)
    refused({**keras_parts, "network.keras": zipped({**inner, "config.json": json.dumps(config)})}, words)


@pytest.mark.parametrize("name", ["assets/../../evil.txt", "../evil.txt", "assets/vocabulary.txt"])
def test_a_network_with_other_files_is_refused(refused, keras_parts, tmp_path, name):
    inner = unzipped(keras_parts["network.keras"])
    refused({**keras_parts, "network.keras": zipped({**inner, name: b"evil"})})
    assert [item.name for item in tmp_path.iterdir()] == ["crafted.ser"]


def test_an_old_network_file_is_refused(refused, keras_parts):
    refused({**keras_parts, "network.keras": unzipped(keras_parts["network.keras"])["model.weights.h5"]})


def test_a_network_without_its_description_is_refused(refused, keras_parts):
    about = json.loads(keras_parts["about.json"])
    for name in ("network", "history"):
        refused({**keras_parts, "about.json": json.dumps({k: v for k, v in about.items() if k != name})})


@pytest.mark.parametrize(
    ("node", "field", "value"),
    [(0, "left_child", 10**9), (0, "right_child", -5), (0, "left_child", 0), (0, "feature", 10**6), (0, "feature", -9)],
)
def test_a_tree_that_points_outside_is_refused(refused, tmp_path, node, field, value):
    """Its C code would read whatever lies there."""
    forest = RandomForestClassifier(2, random_state=0).fit(X, Y)
    models.save(forest, tmp_path / "model.ser", X=X, table=TABLE)
    parts = unzipped((tmp_path / "model.ser").read_bytes())
    (tmp_path / "model.ser").unlink()
    tree = forest.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][field][node] = value
    tree.__setstate__(state)
    refused({**parts, "model.skops": skops.io.dumps(forest)})


def test_a_forest_of_trees_for_other_features_is_refused(refused, tmp_path):
    forest = RandomForestClassifier(2, random_state=0).fit(X, Y)
    models.save(forest, tmp_path / "model.ser", X=X, table=TABLE)
    parts = unzipped((tmp_path / "model.ser").read_bytes())
    (tmp_path / "model.ser").unlink()
    wide = RandomForestClassifier(2, random_state=0).fit(np.tile(X.to_numpy(), 9), Y)
    forest.n_features_in_ = 36
    forest.estimators_[1] = wide.estimators_[1]
    refused({**parts, "model.skops": skops.io.dumps(forest)})


def test_only_known_types_are_trusted():
    assert not {name for name in saving.TYPES if name.split(".")[0] in {"builtins", "os", "sys", "subprocess"}}
