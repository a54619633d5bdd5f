import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio
from ser_helpers.errors import AudioError


@pytest.fixture
def write(tmp_path):
    """Write samples to a file and return its path."""

    def write(samples, sr=16000, name="clip.wav", **options):
        path = tmp_path / name
        soundfile.write(path, samples, sr, **options)
        return path

    return write


def noise(seconds, sr=16000, channels=None):
    size = int(seconds * sr) if channels is None else (int(seconds * sr), channels)
    return np.random.default_rng(0).uniform(-0.5, 0.5, size).astype(np.float32)


@pytest.mark.parametrize("name", ["clip.wav", "clip.flac", "clip.ogg", "clip.mp3", "clip.aiff", "clip.w64"])
def test_any_format_loads_as_mono_float32(write, name):
    y = audio.load(write(noise(0.5), name=name))
    assert y.dtype == np.float32
    assert y.shape == (8000,)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_sample_format_gives_the_same_samples(write, subtype):
    steps = {"PCM_U8": 2**-7, "ULAW": 2**-5}
    expected = noise(0.5)
    np.testing.assert_allclose(audio.load(write(expected, subtype=subtype)), expected, atol=steps.get(subtype, 2**-15))


def test_channels_are_averaged(write):
    stereo = noise(0.5, channels=2)
    np.testing.assert_allclose(audio.load(write(stereo, subtype="FLOAT")), stereo.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("file_sr", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("sr", [16000, 22050, None])
def test_equals_librosa_load(write, file_sr, sr):
    librosa = pytest.importorskip("librosa")
    path = write(noise(0.3, file_sr, channels=2), file_sr)
    np.testing.assert_array_equal(audio.load(path, sr), librosa.load(path, sr=sr)[0])


def test_digital_silence_loads(write):
    assert not audio.load(write(np.zeros(16000))).any()


def test_nan_start_and_end_mean_the_whole_file(write):
    path = write(noise(1))
    np.testing.assert_array_equal(audio.load(path, start=float("nan"), end=float("nan")), audio.load(path))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 15600), st.integers(400, 16000))
def test_a_part_is_that_part_of_the_whole(tmp_path_factory, first, length):
    path = tmp_path_factory.getbasetemp() / "whole.wav"
    if not path.exists():
        soundfile.write(path, noise(1), 16000)
    last = min(first + length, 16000)
    part = audio.load(path, start=first / 16000, end=last / 16000)
    np.testing.assert_array_equal(part, audio.load(path)[first:last])


def test_rounded_end_may_overshoot_by_less_than_a_frame(write):
    path = write(noise(1))
    assert len(audio.load(path, start=0.5, end=1.02)) == 8000


@pytest.mark.parametrize(
    ("start", "end"), [(1.5, None), (None, 1.03), (-0.1, None), (0.8, 0.2), (2, 3), (None, np.inf)]
)
def test_part_outside_the_file_is_refused(write, start, end):
    with pytest.raises(AudioError, match=r"clip\.wav from .* it lasts 1\.000 s"):
        audio.load(write(noise(1)), start=start, end=end)


def refusals(folder):
    """Every unusable recording, with a word its message must hold."""
    (folder / "folder.wav").mkdir()
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no audio" * 100)
    (folder / "raw.raw").write_bytes(bytes(1000))
    (folder / "header.wav").write_bytes(b"RIFF")
    (folder / "letter.mp3").write_bytes(b"Dear listener, " * 100)
    soundfile.write(folder / "none.wav", np.zeros(0), 16000)
    soundfile.write(folder / "short.wav", np.zeros(399), 16000)
    soundfile.write(folder / "nan.wav", np.where(np.arange(16000) == 8000, np.nan, 0), 16000, subtype="FLOAT")
    soundfile.write(folder / "inf.wav", np.where(np.arange(16000) == 8000, np.inf, 0), 16000, subtype="FLOAT")
    return {
        "missing.wav": "there is no such file; check the path",
        "folder.wav": "it is a folder; give the path of a recording",
        "empty.wav": "the file is empty; copy or download it again",
        "text.wav": "libsndfile cannot read it as audio",
        "raw.raw": "libsndfile cannot read it as audio",
        "header.wav": "libsndfile cannot read it as audio",
        "letter.mp3": "libsndfile cannot read it as audio (it holds no sound)",
        "none.wav": "it lasts 0 ms, less than one frame of 25 ms; leave it out",
        "short.wav": "it lasts 24.9 ms, less than one frame of 25 ms; leave it out",
        "nan.wav": "NaN or infinite samples; repair it or leave it out",
        "inf.wav": "NaN or infinite samples; repair it or leave it out",
    }


def test_unusable_recordings_are_refused_in_one_sentence_that_names_them(tmp_path):
    for name, words in refusals(tmp_path).items():
        with pytest.raises(AudioError) as refusal:
            audio.load(tmp_path / name)
        message = str(refusal.value)
        assert message.startswith(f"Cannot use {tmp_path / name}: ")
        assert words in message
        assert re.fullmatch(r"[^\n]+[^.]\.", message)


def test_truncated_flac_is_refused(write):
    path = write(noise(2), name="clip.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"clip\.flac"):
        audio.load(path)


@pytest.mark.parametrize("name", ["missing.wav", "folder.wav", "empty.wav", "text.wav", "raw.raw"])
def test_duration_refuses_what_is_no_recording(tmp_path, name):
    words = refusals(tmp_path)[name]
    with pytest.raises(AudioError, match=re.escape(words)):
        audio.duration(tmp_path / name)


@pytest.mark.parametrize("sr", [8000, 44100])
def test_duration_is_samples_over_rate(write, sr):
    assert audio.duration(write(noise(1.25, sr), sr)) == 1.25


def test_path_may_be_text(write):
    path = write(noise(0.5))
    np.testing.assert_array_equal(audio.load(str(path)), audio.load(path))
