"""Recordings of any format, whole or in blocks: the same samples, in constant memory, from whatever can be read."""

import re
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
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
        "letter.mp3": "libsndfile cannot read it as audio (it contains no sound)",
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


def random_samples(n, channels=None):
    return np.random.default_rng(0).uniform(-0.5, 0.5, n if channels is None else (n, channels)).astype(np.float32)


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
    path = write(random_samples(n, channels), rate, subtype="FLOAT")
    found = list(audio.blocks(path, sr, seconds))
    size = int(seconds * (sr or rate))
    assert all(len(block) == size for block in found[:-1])
    assert 0 < len(found[-1]) <= size
    assert all(block.dtype == np.float32 for block in found)
    np.testing.assert_array_equal(np.concatenate(found), audio.load(path, sr))


@pytest.mark.parametrize("rate", [8000, 44100])
def test_several_rates_are_decoded_at_once(write, rate):
    path = write(random_samples(100_000), rate, subtype="FLOAT")
    pairs = list(audio.blocks(path, (16000, 8000), seconds=1.0))
    for sr, blocks in zip((16000, 8000), zip(*pairs, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(blocks), audio.load(path, sr))


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_compressed_formats_are_read_block_by_block(write, name):
    path = write(random_samples(200_000, 2), 44100, name=name)
    found = list(audio.blocks(path, seconds=1.0))
    np.testing.assert_allclose(np.concatenate(found), audio.load(path), atol=1e-6)
    assert len(found) == 5


@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("mp4", "aac"), ("webm", "libopus")])
def test_other_formats_are_read_by_pyav(tmp_path, suffix, codec):
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
    path = write(random_samples(44100 * 12), 44100, name=name)
    whole = np.concatenate(list(audio.blocks(path)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, problem = read(path, seconds=2.0)
    assert "is damaged after" in problem
    assert "what comes before was read" in problem
    y = np.concatenate(found)
    assert 4 * 16000 < len(y) < 7 * 16000
    np.testing.assert_allclose(y[: 4 * 16000], whole[: 4 * 16000], atol=1e-6)


def test_nan_and_infinite_samples_become_silence(write):
    y = random_samples(16000)
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
        list(audio.blocks(write(random_samples(160))))
    with pytest.raises(AudioError, match="it lasts 0 ms"):
        list(audio.blocks(write(random_samples(0))))
    with pytest.raises(ValueError, match="shorter than one frame"):
        audio.blocks(write(random_samples(16000)), seconds=0)


def test_a_video_without_sound_is_named(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())
    with pytest.raises(AudioError, match="it contains no sound"):
        audio.blocks(path)
