"""Speech emotion recognition, from a recording to a decision, as the course teaches it.

The package is a street that a recording walks down, one sub-package per stage:

``corpora`` → ``audio`` → ``features`` → ``models`` → ``evaluation`` and ``streaming`` → ``applications``, with
``synthesis`` making the embedded speech and ``course`` holding what only the lessons need. Importing ``ser_helpers`` is
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
        "applications",
        "audio",
        "corpora",
        "course",
        "evaluation",
        "features",
        "models",
        "streaming",
        "synthesis",
    ],
)
