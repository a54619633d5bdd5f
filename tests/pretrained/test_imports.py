"""Whatever torchaudio is like, transformers and speechbrain can be imported; each case in a process of its own."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("torch")

ABSENT = """
import importlib.machinery, sys

class Nothing(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "torchaudio" else super().find_spec(name, path, target)

sys.meta_path[:] = [Nothing if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2]


def package(folder, extension="", body="from torchaudio import _extension"):
    """A small torchaudio of our own, in front of any other."""
    (folder / "torchaudio").mkdir()
    (folder / "torchaudio" / "__init__.py").write_text(body)
    (folder / "torchaudio" / "_extension.py").write_text(extension)
    return f"import sys; sys.path.insert(0, {str(folder)!r})\n"


CALL = "from ser_helpers.pretrained.imports import ensure_torchaudio\n"


def test_a_working_torchaudio_is_left_alone(tmp_path):
    code = package(tmp_path, "real = True") + CALL
    assert run(code + "print(ensure_torchaudio(), sys.modules['torchaudio._extension'].real)") == "works True"


@pytest.mark.parametrize(
    "trouble",
    [
        "raise OSError('libc10_cuda.so: cannot open shared object file')",
        "raise ImportError('Failed to load libtorchaudio')",
        "raise RuntimeError('Detected that PyTorch and TorchAudio were compiled with different CUDA versions.')",
    ],
)
def test_a_compiled_part_that_cannot_load_is_replaced(tmp_path, trouble):
    body = (
        "from torchaudio._extension import _IS_TORCHAUDIO_EXT_AVAILABLE, _IS_ALIGN_AVAILABLE, fail_if_no_align\n"
        "from torchaudio._extension import lazy_import_sox_ext, _check_cuda_version\n"
        "@fail_if_no_align\ndef forced_align(): pass\n"
    )
    code = package(tmp_path, trouble, body) + CALL
    code += "first, second = ensure_torchaudio(), ensure_torchaudio(required=True)\nimport torchaudio\n"
    code += "try:\n    torchaudio.forced_align()\nexcept RuntimeError as error:\n    print(first, second, error)"
    assert run(code) == "mended mended forced_align needs torchaudio's compiled part, which cannot load here."


def test_another_trouble_of_torchaudio_is_not_hidden(tmp_path):
    code = package(tmp_path, "", "raise ImportError('something else')") + CALL
    code += "try:\n    ensure_torchaudio()\nexcept ImportError as error:\n    print(error, 'torchaudio' in sys.modules)"
    assert run(code) == "something else False"


def test_absent_is_no_problem_for_transformers_and_one_sentence_for_speechbrain():
    code = ABSENT + CALL + "from ser_helpers.errors import ModelError\n"
    code += "state = ensure_torchaudio()\nfrom transformers import Wav2Vec2Model\n"
    code += "try:\n    ensure_torchaudio(required=True)\n"
    code += "except ModelError as error:\n    print(state, str(error).partition(':')[0])"
    assert run(code) == "absent speechbrain needs torchaudio, which is not installed"


@pytest.mark.skipif(not find_spec("speechbrain"), reason="speechbrain is not installed")
def test_transformers_and_speechbrain_load_here():
    code = CALL + "ensure_torchaudio(required=True)\n"
    code += "from transformers import Wav2Vec2Model, WhisperModel, pipeline\n"
    code += "from speechbrain.inference.interfaces import foreign_class\n"
    code += "import torch\nfrom torchaudio.transforms import MelSpectrogram\n"
    code += "print(tuple(MelSpectrogram()(torch.zeros(1, 16000)).shape))"
    assert run(code) == "(1, 128, 81)"
