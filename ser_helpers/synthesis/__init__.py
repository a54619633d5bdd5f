"""Emotional speech made here, offline, in seconds: the corpus every lesson can run on.

A recording starts as a sentence spoken in a neutral voice and stored as source-filter frames (`frames`). It takes an
actor's voice (`speakers`), one row of the table of prosody per emotion and some chance (`prosody`), and becomes a
waveform in a small vocoder (`render`). `say` makes one utterance; `ensure_corpus` makes all 1440, in RAVDESS's own
layout and names.

`ensure_conversations` makes dialogues in IEMOCAP's layout. Two people feel something that persists, drifts and spreads
(`feelings`), along a script or a scene (`dialogues`); they put it into words (`lines`), which tell the valence, and
into the voice (`acting`), which tells the arousal; three raters disagree about it (`raters`).

`ensure_show` makes a podcast: episodes (`episodes`) with moods, jingles (`jingles`) and laughter (`laughs`), in the
file formats and with the transcripts (`captions`) that podcasts come with.

What is measured on any of them is about the tables here, not about people: every title says *synthetic*.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "acted": ["build_corpus", "ensure_corpus"],
        "calls": ["build_calls", "ensure_calls"],
        "conversations": ["build_conversations", "ensure_conversations"],
        "german": ["build_german", "ensure_german"],
        "prosody": ["CUES", "EMOTIONS", "cue_table", "prosody_table", "vad_table"],
        "shows": ["build_show", "ensure_show", "show_episodes"],
        "sounds": ["laugh"],
        "vocoder": ["sentences"],
        "voices": ["perform", "say", "speaker"],
    },
)
