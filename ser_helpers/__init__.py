"""Speech emotion recognition, from a recording to a decision, as the course teaches it.

A recording passes through the sub-packages in this order: ``corpora`` → ``audio`` → ``features`` → ``models`` and
``pretrained`` → ``evaluation`` and ``plots`` → ``streaming`` → ``podcast``, ``call_centre`` and ``service``.
``synthesis`` makes the embedded speech, ``course`` contains what only the lessons need. Importing ``ser_helpers`` is
cheap: a sub-package is loaded when it is first used, and heavy libraries (TensorFlow, librosa, openSMILE) when a
function needs them.

>>> import ser_helpers as ser
>>> "ravdess" in ser.corpora.available()
True
"""

import lazy_loader as _lazy

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "audio",
        "call_centre",
        "corpora",
        "course",
        "download",
        "evaluation",
        "features",
        "models",
        "plots",
        "podcast",
        "pretrained",
        "service",
        "streaming",
        "synthesis",
    ],
)
