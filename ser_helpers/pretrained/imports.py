"""Imports of torchaudio, transformers and speechbrain: they work without CUDA, and they print nothing."""

import contextlib
import importlib
import logging
import sys
import warnings


def ensure_torchaudio():
    """Make torchaudio work beside a torch without CUDA; call it before importing transformers or speechbrain.

    The torchaudio of the Python package index is compiled for CUDA. Beside a torch without CUDA its compiled part fails
    to load (``libc10_cuda.so``), and so does every library that imports torchaudio. Nothing here needs that part:
    transforms, filters and Kaldi features are Python. A torchaudio that works, or is not installed, is left alone.
    Lesson 08.

    >>> ensure_torchaudio()
    >>> from transformers import Wav2Vec2Model
    """
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        return  # transformers works without it; speechbrain says itself that it needs it
    except (OSError, ImportError, RuntimeError):
        loader = sys.modules.get("torchaudio._extension.utils")  # it stays imported when the compiled part fails
        if loader is None:
            raise
        loader._load_lib = lambda name: False  # torchaudio's own answer where it was built without compiled code
        importlib.import_module("torchaudio")


@contextlib.contextmanager
def quiet_libraries():
    """Within the ``with`` block, transformers shows no progress bars and nothing below an error is logged.

    >>> with quiet_libraries():
    ...     logging.getLogger("speechbrain").warning("The encoder is frozen.")
    """
    from transformers.utils import logging as transformers_logging

    bars, level = transformers_logging.is_progress_bar_enabled(), logging.root.manager.disable
    transformers_logging.disable_progress_bar()
    logging.disable(max(level, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Module 'speechbrain")
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            yield
    finally:
        logging.disable(level)
        if bars:
            transformers_logging.enable_progress_bar()
