"""Emotional speech made here, offline, in seconds: the corpus every lesson can run on.

A recording starts as a sentence spoken in a neutral voice and stored as source-filter frames (`frames`). It takes an
actor's voice (`speakers`), one row of the table of prosody per emotion and some chance (`prosody`), and becomes a
waveform in a small vocoder (`render`). `say` makes one utterance; `ensure_corpus` makes all 1440, in RAVDESS's own
layout and names. What is measured on it is about the table, not about people: every title says *synthetic*.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["chance", "corpus", "frames", "prosody", "render", "speakers", "speech"],
    submod_attrs={
        "corpus": ["build_corpus", "ensure_corpus"],
        "frames": ["sentences"],
        "prosody": ["CUES", "EMOTIONS", "cue_table", "prosody_table", "vad_table"],
        "speakers": ["speaker"],
        "speech": ["perform", "say"],
    },
)
