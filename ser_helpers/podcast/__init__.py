"""Recordings of any length become a report: emotions over time, V-A-D of each sentence, laughter."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "analysis": ["analyse_episode", "dimensions", "emotions_over_time"],
        "archive": ["estimate_cost", "process"],
        "episode": ["Episode", "Show"],
        "report": ["report_of", "write_report"],
        "sentence_model": ["DimensionModel", "dimension_model"],
    },
)
