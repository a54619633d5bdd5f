"""Blocks of a recording: the same samples as load, in constant memory, from whatever can still be read."""

import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_helpers import audio
from ser_helpers.errors import AudioError


def noise(n, channels=None, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n if channels is None else (n, channels)).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    def write(samples, sr=16000, name="episode.wav", **options):
        path = tmp_path / name
        soundfile.write(path, samples, sr, **options)
        return path

    return write


def read(path, **settings):
    """What can be read, and the error that ended it."""
    found = []
    try:
        found.extend(audio.blocks(path, **settings))
    except AudioError as error:
        return found, str(error)
    return found, None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(1300, 60000),
    rate=st.sampled_from([8000, 11025, 16000, 44100, 48000]),
    sr=st.sampled_from([16000, 22050, None]),
    seconds=st.floats(0.03, 3),
    channels=st.sampled_from([None, 2]),
)
def test_together_they_are_what_load_returns_to_the_bit(write, n, rate, sr, seconds, channels):
    path = write(noise(n, channels), rate, subtype="FLOAT")
    found = list(audio.blocks(path, sr, seconds))
    size = int(seconds * (sr or rate))
    assert all(len(block) == size for block in found[:-1])
    assert 0 < len(found[-1]) <= size
    assert all(block.dtype == np.float32 for block in found)
    np.testing.assert_array_equal(np.concatenate(found), audio.load(path, sr))


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_compressed_formats_are_read_block_by_block(write, name):
    path = write(noise(200_000, 2), 44100, name=name)
    found = list(audio.blocks(path, seconds=1.0))
    np.testing.assert_allclose(np.concatenate(found), audio.load(path), atol=1e-6)
    assert len(found) == 5


@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("mp4", "aac"), ("webm", "libopus")])
def test_what_libsndfile_does_not_know_is_read_by_pyav(tmp_path, suffix, codec):
    av = pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000).astype(np.float32)
    with av.open(str(path), "w") as container:
        if suffix == "mp4":
            video = container.add_stream("mpeg4", rate=5)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        if suffix == "mp4":
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
            container.mux(video.encode(picture))
            container.mux(video.encode())
        for part in np.split(tone, 100):
            kind = "flt" if codec == "libopus" else "fltp"
            samples = np.repeat(part, 2)[None] if kind == "flt" else np.stack([part, part])
            frame = av.AudioFrame.from_ndarray(samples, kind, "stereo")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    y = np.concatenate(list(audio.blocks(path)))
    assert abs(len(y) - 32_000) < 1600
    spectrum = np.abs(np.fft.rfft(y[8000:24000]))
    assert spectrum.argmax() == 440
    assert np.abs(y[8000:24000]).max() == pytest.approx(0.3, abs=0.05)


def test_an_hour_takes_no_more_memory_than_a_minute(write):
    def peak(minutes):
        path = write(np.zeros(0), 8000, subtype="PCM_U8")
        with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
            for _ in range(minutes):
                file.write(np.zeros(8000 * 60, np.float32))
        tracemalloc.start()
        length = sum(len(block) for block in audio.blocks(path))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert length == minutes * 60 * 16000
        return used

    assert peak(60) < 1.2 * peak(1) < 20e6


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_what_comes_before_a_damaged_end_is_kept(write, name):
    path = write(noise(44100 * 12), 44100, name=name)
    whole = np.concatenate(list(audio.blocks(path)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, problem = read(path, seconds=2.0)
    assert "is damaged after" in problem
    assert "what comes before was read" in problem
    y = np.concatenate(found)
    assert 4 * 16000 < len(y) < 7 * 16000
    np.testing.assert_allclose(y[: 4 * 16000], whole[: 4 * 16000], atol=1e-6)


def test_samples_that_are_no_numbers_become_silence(write):
    y = noise(16000)
    y[100:200] = np.nan
    y[300] = np.inf
    with pytest.warns(UserWarning, match=r"NaN or infinite samples were taken as silence: 101\."):
        (found,) = audio.blocks(write(y, subtype="FLOAT"))
    assert not found[100:200].any()
    np.testing.assert_array_equal(found[400:], y[400:])


def test_silence_is_read_without_a_warning(write):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.concatenate(list(audio.blocks(write(np.zeros(16000))))).any()


def test_unusable_recordings_get_one_sentence(tmp_path, write):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.wav").write_text("Dear listener, " * 50)
    for name, sentence in {
        "none.wav": "there is no such file",
        ".": "it is a folder",
        "empty.wav": "the file is empty",
        "letter.wav": "libsndfile cannot read it as audio",
    }.items():
        with pytest.raises(AudioError, match=sentence):
            audio.blocks(tmp_path / name)
    with pytest.raises(AudioError, match="it lasts 10 ms, less than one frame of 25 ms"):
        list(audio.blocks(write(noise(160))))
    with pytest.raises(AudioError, match="it lasts 0 ms"):
        list(audio.blocks(write(noise(0))))
    with pytest.raises(ValueError, match="shorter than one frame"):
        audio.blocks(write(noise(16000)), seconds=0)


def test_a_video_without_sound_is_named(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())
    with pytest.raises(AudioError, match="there is no sound in it"):
        audio.blocks(path)
