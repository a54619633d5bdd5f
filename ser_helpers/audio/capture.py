"""Sound from this machine's microphone, block by block."""

import queue

import numpy as np

from ser_helpers.errors import AudioError

PATIENCE = 5  # seconds without a block, after which the microphone counts as gone


def microphone_blocks(sr=16000, seconds=0.25, device=None):
    """Yield blocks of what the microphone picks up, (n,) float32 within ±1, until the caller stops. Lesson 12.

    Parameters
    ----------
    sr : int
        Rate in Hz.
    seconds : float
        Length of a block.
    device : int or str, optional
        As `sounddevice <https://python-sounddevice.readthedocs.io>`_ counts or names them; by default the system's.

    Raises AudioError if sounddevice or the PortAudio library is missing, there is no microphone that gives this rate,
    or it stops.

    >>> detector_input = microphone_blocks()  # for block in detector_input: detector.feed(block)
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: sounddevice is here, and PortAudio is not
        raise AudioError(
            "The microphone needs sounddevice: pip install 'ser-helpers[microphone]', and on Linux PortAudio"
            " (apt-get install libportaudio2)."
        ) from error
    blocks = queue.SimpleQueue()  # PortAudio calls back in a thread of its own
    try:
        with sounddevice.InputStream(
            sr, round(sr * seconds), device, 1, "float32", callback=lambda block, *_: blocks.put(block[:, 0].copy())
        ):
            while True:
                yield np.asarray(blocks.get(timeout=PATIENCE))
    except queue.Empty:
        raise AudioError(f"The microphone has given no sound for {PATIENCE} s: check that it is plugged in.") from None
    except sounddevice.PortAudioError as error:
        raise AudioError(f"The microphone cannot be used ({error}): plug one in, or choose another device.") from error
