"""What is made once per machine and kept in the cache."""

import hashlib
import io
import shutil
from pathlib import Path

import soundfile as sf

from .. import home
from ..errors import CorpusError
from .frames import SAMPLE_RATE


def kept(kind, variants, variant, sources, build, seed):
    """The folder of one variant of a corpus; `build(folder, variants[variant])` makes it if it is not there.

    Its name carries a hash of the files `sources` and the seed. Processes that start together make it once, and an
    interrupted build leaves nothing half-done. Raises CorpusError when there is no such variant, or no room to write.
    """
    if variant not in variants:
        raise CorpusError(f"There is no variant {variant!r} of the embedded corpus: choose {' or '.join(variants)}.")
    folder = home.cache_home() / kind / f"{variant}-{version(sources, seed)}"
    if folder.is_dir():
        return folder
    try:
        with home.lock(folder):
            if not folder.is_dir():
                for abandoned in folder.parent.glob(f".{folder.name}-*"):
                    shutil.rmtree(abandoned, ignore_errors=True)
                with home.atomic_folder(folder) as aside:
                    build(aside, variants[variant])
    except OSError as error:
        raise CorpusError(
            f"The embedded corpus cannot be written to {folder.parent} ({error.strerror or error}):"
            " it needs up to 150 MB; make room there or set SER_CACHE_HOME to another folder."
        ) from error
    return folder


def version(sources, seed):
    """A short hash of these files and the seed."""
    digest = hashlib.sha256(str(seed).encode())
    for source in sources:
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]


def wav(pcm):
    """The bytes of a wav file at 16 kHz: `pcm` is int16, (n,) or (n, channels)."""
    buffer = io.BytesIO()
    sf.write(buffer, pcm, SAMPLE_RATE, format="WAV")
    return buffer.getvalue()
