"""Samples to numbers: the 193-d vector, prosody, voice quality, openSMILE, spectrograms."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["vector193"],
    submod_attrs={},
)
