"""The embedded corpora: emotional speech synthesised offline, in seconds, that every lesson can run on.

`vocoder` turns stored source-filter frames of a neutral sentence into a waveform, with an actor's voice (`voices`) and
a row of the table of prosody (`prosody`). `say` makes one utterance; `ensure_corpus` makes 1440 in RAVDESS's layout
(`acted`), `ensure_german` a second language in EmoDB's (`german`).

`dialogue` writes conversations; `ensure_conversations` makes them in IEMOCAP's layout (`conversations`), `ensure_show`
a podcast (`shows`) and `ensure_calls` telephone calls (`calls`), with the noises of `sounds`.

Results on them tell about the tables here, not about people: every title says *synthetic*.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "acted": ["build_corpus", "ensure_corpus"],
        "calls": ["build_calls", "ensure_calls"],
        "conversations": ["build_conversations", "ensure_conversations"],
        "german": ["build_german", "ensure_german"],
        "prosody": ["CUES", "EMOTIONS"],
        "shows": ["build_show", "ensure_show", "show_episodes"],
        "sounds": ["laugh"],
        "vocoder": ["sentences"],
        "voices": ["perform", "say", "speaker"],
    },
)
