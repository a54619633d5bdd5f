"""The text that tells one fit from another: it changes with what a lesson changes, and with nothing else."""

import functools
import sys
import types

import joblib
import numpy as np
import pytest

from ser_helpers.models import checkpoints

LESSON = """
import functools
import numpy as np

PRIORS = np.arange(2000.0)
LOSSES = {"square": lambda error: error ** 2}
unrelated = 1

class Base:
    power = 2

class Scale(Base):
    factor = 3

    def call(self, x):
        return x * self.factor

class Settings:
    def __init__(self, units):
        self.units = units

settings = Settings(8)

def helper(x):
    return [Scale, settings.units]

def build(shape, classes, kinds={"a", "b", "c"}):
    network = functools.partial(LOSSES["square"], 1)
    return helper(shape.unrelated), PRIORS[:classes], network
"""


def lesson(source=LESSON):
    """The `build` of a lesson that has just been run."""
    variables = {"__name__": "__main__"}
    exec(source, variables)
    return variables["build"]


@functools.cache
def original():
    return checkpoints.code(lesson())


def test_running_a_lesson_again_changes_nothing():
    assert checkpoints.code(lesson()) == original()
    assert checkpoints.code(lesson(LESSON.replace("unrelated = 1", "unrelated = 2"))) == original()


def test_a_worker_finds_the_same_text():
    (text,) = joblib.Parallel(2)([joblib.delayed(checkpoints.code)(lesson())])
    assert text == original()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("np.arange(2000.0)", "np.r_[np.arange(1000.0), 7, np.arange(1001.0, 2000)]"),
        ("error ** 2", "error ** 4"),
        ("factor = 3", "factor = 4"),
        ("power = 2", "power = 3"),
        ("x * self.factor", "x + self.factor"),
        ("Settings(8)", "Settings(9)"),
        ("[Scale, settings.units]", "[settings.units, Scale]"),
        ('{"a", "b", "c"}', '{"a", "b", "d"}'),
        ('LOSSES["square"], 1', 'LOSSES["square"], 2'),
    ],
)
def test_what_the_lesson_changes_changes_the_text(old, new):
    assert old in LESSON
    assert checkpoints.code(lesson(LESSON.replace(old, new))) != original()


def test_a_module_of_ones_own_counts_and_a_library_does_not(monkeypatch):
    own = types.ModuleType("my_layers")
    monkeypatch.setitem(sys.modules, "my_layers", own)
    texts = []
    for units in (8, 9):
        exec(f"def dense():\n    return {units}", vars(own))
        for source in (
            "import my_layers\ndef build(): return my_layers.dense()",
            "def build(): import my_layers as m; m.dense()",
        ):
            texts.append(checkpoints.code(lesson(source)))
    assert len(set(texts)) == 4
    assert len(checkpoints.code(np.linalg.norm)) < 100


def test_functions_that_call_each_other_in_circles_come_to_an_end():
    text = checkpoints.code(lesson("def even(n): return n == 0 or build(n - 1)\ndef build(n): return even(n - 1)"))
    assert "even" in text


def test_a_lambda_layer_has_no_file_name_in_its_text():
    import keras

    def network(file):
        variables = {}
        exec(compile("double = lambda x: 2 * x", file, "exec"), variables)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(variables["double"])])
        model.compile("adam", "mse")
        return checkpoints.network(model)

    assert network("first session") == network("second session")


def test_the_code_of_the_layers_counts():
    import keras

    from ser_helpers.models import AttentionPooling

    def network(*layers):
        model = keras.Sequential([keras.Input((4, 3)), *layers, keras.layers.Dense(2, "softmax")])
        model.compile("adam", "categorical_crossentropy")
        return model

    plain = checkpoints.versions(network(keras.layers.Flatten()))
    assert plain == checkpoints.versions(network(keras.layers.Flatten()))
    assert plain != checkpoints.versions(network(AttentionPooling()))
