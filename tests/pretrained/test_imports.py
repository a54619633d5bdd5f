"""Whatever torchaudio is like, transformers and speechbrain can be imported; each case in a process of its own."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("torch")

CALL = "from ser_helpers.pretrained.imports import ensure_torchaudio\n"


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2]


def package(folder, trouble, body="from torchaudio import _extension"):
    """A small torchaudio of our own, in front of any other, whose compiled part fails to load as in `trouble`."""
    extension = folder / "torchaudio" / "_extension"
    extension.mkdir(parents=True)
    (folder / "torchaudio" / "__init__.py").write_text(body)
    (extension / "utils.py").write_text(f"def _load_lib(name):\n    {trouble}\n")
    (extension / "__init__.py").write_text("from .utils import _load_lib\navailable = _load_lib('_torchaudio')\n")
    return f"import sys; sys.path.insert(0, {str(folder)!r})\n"


def test_a_working_torchaudio_is_left_alone(tmp_path):
    code = package(tmp_path, "return True") + CALL
    assert run(code + "ensure_torchaudio()\nimport torchaudio; print(torchaudio._extension.available)") == "True"


@pytest.mark.parametrize(
    "trouble",
    [
        "if name: raise OSError('libc10_cuda.so: cannot open shared object file')",
        "if name: raise RuntimeError('PyTorch and TorchAudio were compiled with different CUDA versions.')",
    ],
)
def test_a_compiled_part_that_cannot_load_is_left_out(tmp_path, trouble):
    code = package(tmp_path, trouble) + CALL
    code += "ensure_torchaudio()\nensure_torchaudio()\nimport torchaudio; print(torchaudio._extension.available)"
    assert run(code) == "False"


def test_another_trouble_of_torchaudio_is_not_hidden(tmp_path):
    code = package(tmp_path, "return True", "raise ImportError('something else')") + CALL
    code += "try:\n    ensure_torchaudio()\nexcept ImportError as error:\n    print(error, 'torchaudio' in sys.modules)"
    assert run(code) == "something else False"


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("speechbrain"), reason="speechbrain is not installed")
def test_transformers_and_speechbrain_load_here():
    code = CALL + "ensure_torchaudio()\n"
    code += "from transformers import Wav2Vec2Model, WhisperModel, pipeline\n"
    code += "from speechbrain.inference.interfaces import foreign_class\n"
    code += "import torch\nfrom torchaudio.transforms import MelSpectrogram\n"
    code += "print(tuple(MelSpectrogram()(torch.zeros(1, 16000)).shape))"
    assert run(code) == "(1, 128, 81)"
