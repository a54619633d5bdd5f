"""One mend for a torchaudio that does not load, so that transformers and speechbrain can be imported beside it.

The torchaudio of the Python package index is built against CUDA. Beside a torch without CUDA, its compiled part looks
for ``libc10_cuda.so`` and fails, and so do the libraries that import torchaudio: speechbrain, and the audio models of
transformers. The compiled part is needed by nothing in this course, so a stand-in without it does.

What transformers and speechbrain say while they load is about their insides: kept from the reader's page.
"""

import contextlib
import importlib
import importlib.machinery
import importlib.util
import logging
import sys
import warnings

from ser_helpers.errors import ModelError


def ensure_torchaudio(required=False):
    """Make ``import torchaudio`` work; call it before the first import of transformers or speechbrain.

    A torchaudio that loads is left alone. If only its compiled part cannot load, a stand-in for that part takes its
    place, and the rest of torchaudio works: transforms, filters, Kaldi features. What is written in C++ is missing
    (forced alignment, the RNN-T loss), and so is ``torchaudio.load``, which needs torchcodec: read recordings with
    `ser_helpers.audio.load`.

    Parameters
    ----------
    required : bool
        Whether torchaudio must be there. speechbrain needs it; transformers does not.

    Returns
    -------
    str
        ``"works"``, ``"mended"`` or ``"absent"``.

    Raises
    ------
    ModelError
        If it is required and not installed.

    Notes
    -----
    Lesson 08.

    Examples
    --------
    >>> ensure_torchaudio() in ("works", "mended", "absent")
    True
    """
    if "torchaudio" not in sys.modules:
        if importlib.util.find_spec("torchaudio") is None:
            if required:
                raise ModelError(
                    "speechbrain needs torchaudio, which is not installed: run `pip install torchaudio`; "
                    "beside a torch without CUDA it need not load, the course mends that."
                )
            return "absent"
        try:
            importlib.import_module("torchaudio")
        except (OSError, ImportError, RuntimeError):
            _import_without_extension()
    return "mended" if isinstance(sys.modules.get("torchaudio._extension"), _Extension) else "works"


class _Extension(type(sys)):
    """What torchaudio asks of its compiled part, with the answer that there is none."""

    _IS_TORCHAUDIO_EXT_AVAILABLE = False
    _IS_ALIGN_AVAILABLE = False

    def fail_if_no_align(self, function):
        """Let a function that needs forced alignment fail when it is called."""

        def failing(*args, **kwargs):
            raise RuntimeError(f"{function.__name__} needs torchaudio's compiled part, which cannot load here.")

        return failing

    def lazy_import_sox_ext(self):
        """Say that there is no SoX (older versions of torchaudio ask)."""
        raise RuntimeError("This needs torchaudio's compiled part, which cannot load here.")

    def _check_cuda_version(self):
        return None


def _import_without_extension():
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
        del sys.modules[name]
    extension = _Extension("torchaudio._extension")
    extension.__spec__ = importlib.machinery.ModuleSpec("torchaudio._extension", None)
    sys.modules["torchaudio._extension"] = extension
    try:
        importlib.import_module("torchaudio")
    except Exception:
        del sys.modules["torchaudio._extension"]
        raise


@contextlib.contextmanager
def quiet_libraries():
    """Within the ``with`` block, no progress bars of transformers and no log below an error from anyone.

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
