"""Recordings of strangers: the samples of `audio.blocks`, or one sentence, whatever the file does to its decoder."""

import os
import signal
import sys
import wave

import numpy as np
import pytest
import soundfile

from ser_helpers import audio
from ser_helpers.audio import GuardedDecoder, Limits, guarded_blocks
from ser_helpers.errors import AudioError, LimitError

linux = pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")


@pytest.fixture
def write(tmp_path):
    def write(samples, sr=16000, name="clip.wav", **options):
        path = tmp_path / name
        soundfile.write(path, samples, sr, **options)
        return path

    return write


@pytest.fixture
def zeros(tmp_path):
    """An hour of silence at 192 kHz and more: a sparse file."""
    path = tmp_path / "zeros.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 192_000, 0, "NONE", ""))
        file.writeframes(bytes(2))
    with path.open("r+b") as file:
        for at, size in ((4, 2**31 - 8), (40, 2**31 - 44)):
            file.seek(at)
            file.write(size.to_bytes(4, "little"))
        file.truncate(2**31)
    return path


def noise(n, channels=None):
    return np.random.default_rng(0).uniform(-0.5, 0.5, n if channels is None else (n, channels)).astype(np.float32)


def refusal(path, **limits):
    with pytest.raises(AudioError) as refused:
        list(guarded_blocks(path, limits=Limits(**limits)))
    sentence = str(refused.value)
    assert sentence.startswith(f"Cannot use {path}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence, refused.type


@pytest.mark.parametrize(("name", "sr"), [("a.wav", 44100), ("a.mp3", 48000), ("a.ogg", 16000)])
def test_the_samples_are_those_of_blocks_to_the_bit(write, name, sr):
    path = write(noise(sr * 3, 2), sr, name)
    expected = list(audio.blocks(path, (16000, 8000), seconds=1.0))
    for found, block in zip(guarded_blocks(path, (16000, 8000), seconds=1.0), expected, strict=True):
        for one, other in zip(found, block, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", ["m4a", "mp4"])
def test_what_pyav_reads_is_the_same_too_and_a_channel_can_be_chosen(tmp_path, suffix):
    av = pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="stereo")
        if suffix == "mp4":
            video = container.add_stream("mpeg4", rate=5)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
            container.mux(video.encode())
        frame = av.AudioFrame.from_ndarray(np.stack([noise(32000), np.zeros(32000, np.float32)]), "fltp", "stereo")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    mixed = np.concatenate(list(guarded_blocks(path)))
    np.testing.assert_array_equal(mixed, np.concatenate(list(audio.blocks(path))))
    with GuardedDecoder(path, channel=1) as decoder:
        assert decoder.channels == 2
        silent = np.concatenate(list(decoder))
    assert len(silent) == len(mixed)
    assert np.abs(silent).max() < 0.01 < np.abs(mixed).max()


def test_a_channel_of_many_is_that_channel(write):
    y = noise(16000, 8)
    path = write(y, subtype="FLOAT")
    with GuardedDecoder(path, channel=3) as decoder:
        assert decoder.channels == 8
        np.testing.assert_array_equal(np.concatenate(list(decoder)), y[:, 3])
    with pytest.raises(AudioError, match="8 channels, counted from 0, and no channel 8"):
        next(GuardedDecoder(path, channel=8))


def test_what_is_no_recording_gets_the_sentence_that_blocks_gives(tmp_path, write):
    (tmp_path / "letter.mp3").write_text("Dear listener, " * 100)
    (tmp_path / "folder").mkdir()
    names = ["absent.wav", "letter.mp3", "folder", write(noise(300), name="short.wav").name]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        names.append("pipe.wav")
    for name in names:
        with pytest.raises(AudioError) as expected:
            list(audio.blocks(tmp_path / name))
        assert refusal(tmp_path / name) == (str(expected.value), AudioError)


@pytest.mark.parametrize("ending", ["#EXT-X-ENDLIST\n", ""])  # without it FFmpeg waits for more
def test_a_playlist_is_not_followed(write, tmp_path, ending):
    pytest.importorskip("av")
    local = write(noise(16000), name="local.mp3")
    path = tmp_path / "a.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{local.as_uri()}\n{ending}")
    assert "libsndfile cannot read it as audio" in refusal(path)[0]


def test_other_formats_are_not_opened(write):
    assert "its format (VOC) is not accepted; convert it to wav" in refusal(write(noise(16000), name="a.voc"))[0]


def test_a_damaged_end_costs_the_end_alone(write):
    path = write(noise(44100 * 4), 44100, "a.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = []
    with pytest.raises(AudioError, match=r"a\.flac is damaged after 1\.\d s .*what comes before was read") as problem:
        found.extend(guarded_blocks(path, seconds=0.5))
    assert problem.type is AudioError
    assert 1 <= sum(map(len, found)) / 16000 < 3


def test_a_few_samples_far_beyond_full_scale_cost_themselves_alone(write):
    y = noise(32000)
    y[[100, 20000]] = 250, -3e30
    with pytest.warns(UserWarning, match=r"clip\.wav: NaN or infinite samples were taken as silence: 2\."):
        (found,) = guarded_blocks(write(y, subtype="FLOAT"))
    np.testing.assert_array_equal(found, np.where(np.abs(y) > 1, 0, y))
    scaled = 32768 * y[200:16000]
    np.testing.assert_array_equal(*guarded_blocks(write(scaled, subtype="FLOAT")), scaled)  # the detector says why


@pytest.mark.parametrize(
    ("samples", "sr", "limits", "sentence"),
    [
        (noise(16000), 16000, {"seconds": 0.5}, "it lasts longer than 0.5 s; split it."),
        (noise(16000, 2), 16000, {"decoded_bytes": 1e5}, "its 2 channels at 16000 Hz are more than 0.1 MB when"),
        (noise(100, 9), 16000, {}, "it has 9 channels; convert it to at most 8."),
        (noise(100), 1, {}, "it has 1 samples per second; convert it to 4000 to 192000."),
    ],
)
def test_what_is_too_much_is_refused(write, samples, sr, limits, sentence):
    found, kind = refusal(write(samples, sr), **limits)
    assert sentence in found
    assert kind is LimitError


def test_the_wait_for_a_decoder_is_limited(zeros):
    assert refusal(zeros, block_wait=0.01) == (
        f"Cannot use {zeros}: decoding took longer than 0.01 s; convert it or get it again.",
        LimitError,
    )


@linux
def test_its_processor_time_is_limited(zeros):
    assert "decoding took more than 1 s of the processor" in refusal(zeros, cpu_seconds=1)[0]


@linux
def test_its_memory_is_limited(write):
    assert "decoding takes more than 67 MB" in refusal(write(noise(192_000, 8), 192_000), memory_bytes=1 << 26)[0]


@linux
def test_a_crash_is_a_sentence(zeros):
    with GuardedDecoder(zeros) as decoder:
        next(decoder)
        os.kill(decoder._process.pid, signal.SIGSEGV)
        with pytest.raises(LimitError, match=r"zeros\.wav: its decoder crashed"):
            list(decoder)


def test_it_ends_when_it_is_closed_and_prints_nothing(zeros, capfd):
    with GuardedDecoder(zeros, seconds=1.0) as decoder:
        assert len(next(decoder)) == 16000
    assert decoder._process.wait(5) is not None
    with pytest.raises(LimitError, match="it was stopped"):
        list(decoder)
    assert capfd.readouterr() == ("", "")
