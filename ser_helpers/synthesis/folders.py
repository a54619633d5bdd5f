"""The folders of the embedded corpora, each made once on a machine, and the wav files in them."""

import io

import soundfile as sf

from ser_helpers.cache import cached, existing, version
from ser_helpers.errors import CorpusError
from ser_helpers.paths import cache_home
from ser_helpers.synthesis.vocoder import SAMPLE_RATE


def corpus_folder(module, variants, variant, build, seed):
    """The folder of one variant of a corpus; `build(folder, variants[variant])` makes it if it is not there.

    It lies in ``cache_home()/synthesis``, and its name carries the version of `module`, which makes it, and the seed.
    Raises CorpusError if there is no such variant, CacheError if there is no room to write.
    """
    if variant not in variants:
        raise CorpusError(f"There is no variant {variant!r} of the embedded corpus: choose {' or '.join(variants)}.")
    name = f"{module.rpartition('.')[2]}-{variant}-{version(module, seed)}"
    return cached(
        cache_home() / "synthesis" / name,
        lambda temporary: build(temporary, variants[variant]),
        existing,
        folder=True,
    )


def wav(pcm):
    """The bytes of a wav file at 16 kHz: `pcm` is int16, (n,) or (n, channels)."""
    buffer = io.BytesIO()
    sf.write(buffer, pcm, SAMPLE_RATE, format="WAV")
    return buffer.getvalue()
