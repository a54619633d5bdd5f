import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from ser_helpers.synthesis import EMOTIONS
from ser_helpers.synthesis.acted import clip

FOLDER = Path(__file__).parents[2] / "data" / "samples"
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_one_sample_per_emotion_and_all_are_listed():
    names = sorted(path.name for path in FOLDER.glob("*.flac"))
    assert [EMOTIONS[int(name.split("-")[2]) - 1] for name in names] == list(EMOTIONS)
    assert re.findall(r"^\| (\w+) \| \[([\w.-]+)\]\(\2\) \|$", README, re.MULTILINE) == list(
        zip(EMOTIONS, names, strict=True)
    )
    assert sum(path.stat().st_size for path in FOLDER.glob("*.flac")) < 500_000


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_sample_is_what_the_code_makes_on_this_machine(emotion):
    code = EMOTIONS.index(emotion) + 1
    (path,) = FOLDER.glob(f"03-01-{code:02d}-*.flac")
    _, _, _, intensity, statement, repetition, actor = map(int, path.stem.split("-"))
    stored, sr = sf.read(path, dtype="int16")
    made, _ = clip(actor, emotion, intensity, statement, repetition)
    assert sr == 16_000
    assert stored.shape == made.shape
    assert np.abs(stored.astype(int) - made).max() <= 1


def test_the_readmes_code_makes_the_samples(tmp_path, monkeypatch):
    (tmp_path / "data" / "samples").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1), {})
    made = sorted(path.name for path in (tmp_path / "data" / "samples").iterdir())
    assert made == sorted(path.name for path in FOLDER.glob("*.flac"))
