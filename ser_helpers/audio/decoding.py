"""Decode recordings that others sent: in a process of its own, which can be ended, and within limits.

What a decoder does is decided by the file it reads: it may take gigabytes, hang, crash, or, told so by a playlist, open
other files. `GuardedDecoder` therefore starts ``python -m ser_helpers.audio.decoding``, which accepts only formats that
hold sound and refer to nothing else, and sends back raw samples. The samples are those of `audio.blocks`.
"""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ser_helpers.audio import io
from ser_helpers.errors import AudioError, LimitError

RATES = (4000, 192_000)
"""Lowest and highest sample rate of a recording, in Hz."""
ACCEPTED = "wav, flac, mp3, ogg, m4a, webm, aiff or the sound of an mp4 video"
_LIBSNDFILE = {"WAV", "WAVEX", "W64", "RF64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"}
_CONTAINERS = "mov,mp4,m4a,3gp,matroska,webm,aac,amr,mp3,ogg,flac,wav,aiff,caf"  # FFmpeg's names; none is a playlist
_CODECS = (
    "aac,ac3,alac,amrnb,amrwb,eac3,flac,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,pcm_alaw,pcm_mulaw,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le"
)
_FFMPEG = {"format_whitelist": _CONTAINERS, "codec_whitelist": _CODECS, "protocol_whitelist": "file"}
_LOUDEST, _FEW = 8.0, 0.01  # samples beyond this are damage, if no more than this share of a second is
_LINE = 1 << 16  # bytes; no message is longer


@dataclass(frozen=True)
class Limits:
    """What decoding one recording may cost; the defaults suit a podcast. Lesson 13.

    The memory and the processor time are limited where the platform can do it (Linux; macOS limits the time alone);
    the waits are limited everywhere.
    """

    seconds: float = 24 * 3600.0  # of sound
    decoded_bytes: float = 2.0**37  # of all channels, as float32
    channels: int = 8
    block_wait: float = 60.0  # seconds to wait for one block
    total_wait: float = 3600.0  # seconds to wait for all of them; the time between two blocks does not count
    cpu_seconds: int = 3600
    memory_bytes: int = 1 << 30  # of address space


class GuardedDecoder:
    """An iterator over the blocks of a recording, as `audio.blocks` yields them, decoded in a process of its own.

    `path`, `sr` (one or several rates in Hz) and `seconds` are those of `audio.blocks`. `channel` picks one channel,
    counted from 0; by default all are averaged. Use it in a ``with`` block, which ends the process. Lesson 13.

    Reading raises AudioError as `audio.blocks` does, and if the recording has no such channel or a format that is not
    accepted; LimitError, also between blocks, if it exceeds the `limits`.

    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/two.wav", np.zeros((8000, 2)), 8000)
    ...     with GuardedDecoder(f"{folder}/two.wav", channel=1) as decoder:
    ...         decoder.channels, [block.shape for block in decoder]
    (2, [(16000,)])
    """

    def __init__(self, path, sr=16000, seconds=30.0, channel=None, limits=None):
        self.path, self.limits = path, limits or Limits()
        self._single, self._rates = not isinstance(sr, tuple), sr if isinstance(sr, tuple) else (sr,)
        self._left, self._reason = self.limits.total_wait, None
        request = {"path": os.path.abspath(path), "name": str(path), "rates": self._rates, "seconds": seconds}
        request |= {"channel": channel, "limits": asdict(self.limits)}
        package = str(Path(__file__).parents[2])
        # -P: a file in the working directory must not stand in for a module of the standard library.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, json.dumps(request)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))}
            | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),  # threads would reserve address space
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    @functools.cached_property
    def channels(self):
        """How many channels the recording has."""
        return self._receive()[0]["channels"]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        _ = self.channels  # comes before the first block
        message, block = self._receive()
        while "warning" in message:
            warnings.warn(message["warning"], stacklevel=2)
            message, block = self._receive()
        if "lengths" not in message:
            self.close()
            raise StopIteration
        return block[0] if self._single else block

    def close(self):
        """End the process, whatever it is doing; from any thread."""
        self._end("it was stopped")

    def _end(self, reason):
        self._reason = self._reason or reason
        self._process.kill()

    def _receive(self):
        """The next message, and the samples that belong to it."""
        patience = min(self.limits.block_wait, self._left)
        late = threading.Timer(patience, self._end, [f"decoding took longer than {patience:g} s"])
        late.daemon = True
        begun = time.monotonic()
        late.start()
        try:
            message = json.loads(self._process.stdout.readline(_LINE))
            block = tuple(self._samples(length) for length in message.get("lengths", ()))
        except (ValueError, OSError) as error:
            reason = self._reason or self._why_it_ended()
            raise LimitError(f"Cannot use {self.path}: {reason}; convert it or get it again.") from error
        finally:
            late.cancel()
            self._left -= time.monotonic() - begun
        if "error" in message:
            raise (LimitError if message["limit"] else AudioError)(message["error"])
        return message, block

    def _samples(self, length):
        data = self._process.stdout.read(4 * length)
        if len(data) < 4 * length:
            raise ValueError("The process has ended.")
        return np.frombuffer(data, np.float32)

    def _why_it_ended(self):
        status = self._process.wait()
        if status == -getattr(signal, "SIGXCPU", 0):
            return f"decoding took more than {self.limits.cpu_seconds} s of the processor"
        return "its decoder crashed"

    def __del__(self):
        if hasattr(self, "_process"):
            self.close()
            self._process.stdout.close()
            self._process.wait()


def guarded_blocks(path, sr=16000, seconds=30.0, limits=None):
    """Yield the blocks of a recording as `audio.blocks` does, from a `GuardedDecoder`. Lesson 11.

    >>> list(guarded_blocks("no-such-file.mp3"))
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use no-such-file.mp3: there is no such file; check the path.
    """
    with GuardedDecoder(path, sr, seconds, limits=limits) as decoder:
        yield from decoder


def open_container(path):
    """A file opened by PyAV, if it is a container of sound that refers to no other file; av.FFmpegError if not.

    ImportError without PyAV. Used by ``ser podcast``.
    """
    import av

    return av.open(os.path.abspath(path), options=_FFMPEG, metadata_errors="replace")


class _LimitExceeded(Exception):
    """Not an AudioError, which `audio.blocks` takes for a damaged end."""


class _OneChannel:
    """An open SoundFile of which only one channel is read."""

    def __init__(self, file, channel):
        self.file, self.channel, self.samplerate, self.frames = file, channel, file.samplerate, file.frames

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def read(self, frames, **settings):
        return self.file.read(frames, **settings)[:, [self.channel]]


def _decode(request, send):
    """Send the blocks of a recording: runs in the process of its own."""
    path, channel, limits = request["path"], request["channel"], Limits(**request["limits"])
    channels, rate, chunks = _open(path, channel)
    if channels > limits.channels:
        raise _LimitExceeded(f"it has {channels} channels; convert it to at most {limits.channels}")
    if not RATES[0] <= rate <= RATES[1]:
        raise _LimitExceeded(f"it has {rate} samples per second; convert it to {RATES[0]} to {RATES[1]}")
    if channel is not None and channel >= channels:
        raise AudioError(f"Cannot use {path}: it has {channels} channels, counted from 0, and no channel {channel}.")
    send({"channels": channels})
    chunks = _limited(chunks, rate, channels, limits)
    for parts in io._blocks(path, rate, chunks, request["rates"], request["seconds"]):
        send({"lengths": [len(part) for part in parts]}, *parts)


def _open(path, channel):
    """Number of channels, sample rate in Hz, and an iterator over mono float32 chunks."""
    try:
        file = io._open(path)
    except AudioError as error:
        if not isinstance(error.__cause__, io.soundfile.LibsndfileError | TypeError):
            raise
        return _with_av(path, channel, error)
    if file.format not in _LIBSNDFILE:
        raise AudioError(f"Cannot use {path}: its format ({file.format}) is not accepted; convert it to {ACCEPTED}.")
    chosen = file if channel is None or channel >= file.channels else _OneChannel(file, channel)
    return file.channels, file.samplerate, io._with_soundfile(chosen)


def _with_av(path, channel, error):
    try:
        import av

        container = open_container(path)
    except ImportError:
        raise AudioError(f"{error} To read m4a, webm and video: pip install av.") from error
    except (av.FFmpegError, OSError, ValueError):
        raise error from None
    stream = next((found for found in container.streams.audio), None)
    if stream is None:
        raise AudioError(f"Cannot use {path}: it contains no sound; give a recording.") from error
    codec = stream.codec_context
    if codec is None or codec.name not in _CODECS.split(","):
        name = codec.name if codec else "unknown"
        raise AudioError(f"Cannot use {path}: its codec ({name}) is not accepted; convert it to {ACCEPTED}.")
    return codec.channels, stream.rate, _frames(av, container, stream, channel)


def _frames(av, container, stream, channel):
    with container:
        planar = av.AudioResampler(format="fltp", rate=stream.rate)  # any sample format to (channels, n) floats
        try:
            for frame in container.decode(stream):
                for part in planar.resample(frame):
                    y = part.to_ndarray()
                    yield y.mean(axis=0, dtype=np.float32) if channel is None else y[channel]
        except (av.FFmpegError, ValueError, IndexError) as error:  # the last two: rate or channels change on the way
            raise AudioError(getattr(error, "strerror", None) or type(error).__name__) from error


def _limited(chunks, rate, channels, limits):
    """The chunks, until they are too much; a few samples far beyond full scale become NaN."""
    samples = 0
    for chunk in chunks:
        samples += len(chunk)
        if samples > limits.seconds * rate:
            raise _LimitExceeded(f"it lasts longer than {limits.seconds:g} s; split it")
        if 4 * samples * channels > limits.decoded_bytes:
            size = f"{channels} channels at {rate} Hz are more than {limits.decoded_bytes / 1e6:g} MB when decoded"
            raise _LimitExceeded(f"its {size}; convert it to one channel at 16000 Hz")
        wild = np.abs(chunk) > _LOUDEST
        yield np.where(wild, np.float32(np.nan), chunk) if 0 < wild.mean() <= _FEW else chunk


def _limit_process(limits):
    """Limit this process, where the platform can do it."""
    with contextlib.suppress(ImportError):
        import resource

        cpu = limits.cpu_seconds
        wanted = {"RLIMIT_CPU": (cpu, cpu + 5), "RLIMIT_AS": 2 * (limits.memory_bytes,)}  # SIGXCPU comes first
        for name, most in (wanted | {"RLIMIT_FSIZE": (0, 0), "RLIMIT_CORE": (0, 0)}).items():
            with contextlib.suppress(AttributeError, ValueError, OSError):  # unknown, or above the hard limit already
                resource.setrlimit(getattr(resource, name), most)


def _main(request):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when this ends
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not end up between the answers
    _limit_process(Limits(**request["limits"]))

    def send(message, *arrays):
        answers.write(json.dumps(message).encode() + b"\n")
        for array in arrays:
            answers.write(array.tobytes())
        answers.flush()

    def named(text):
        return str(text).replace(request["path"], request["name"])

    end = {"end": True}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _decode(request, send)
        except BrokenPipeError:  # the parent has gone
            os._exit(0)
        except AudioError as error:
            end = {"error": named(error), "limit": False}
        except Exception as error:
            problem = str(error) if isinstance(error, _LimitExceeded) else "its decoder failed; convert it"
            if isinstance(error, MemoryError):
                problem = f"decoding takes more than {request['limits']['memory_bytes'] / 1e6:.0f} MB; convert it"
            end = {"error": f"Cannot use {request['name']}: {problem}.", "limit": True}
    for warning in caught:
        if warning.category is UserWarning:
            send({"warning": named(warning.message)})
    send(end)


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
