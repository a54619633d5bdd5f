"""What it is all for: a podcast archive, a call centre, and the service and page that show it live."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "affect",
        "alerts",
        "archive",
        "call_centre",
        "call_inputs",
        "call_scores",
        "call_turns",
        "diarisation",
        "episodes",
        "laughter",
        "podcast",
        "podcast_figures",
        "report",
        "service",
        "serving",
        "settings",
        "transcripts",
    ],
    submod_attrs={
        "affect": ["DimensionModel", "dimension_model"],
        "alerts": ["Alert", "AlertRule"],
        "archive": ["bill", "process"],
        "call_centre": ["CallMonitor", "CallReport", "analyse", "demo_calls"],
        "call_scores": ["choose_rule", "score_calls"],
        "diarisation": ["PARTIES", "diarise", "name_parties"],
        "episodes": ["Episode", "Show"],
        "laughter": ["LaughterDetector", "laughs_per_10_minutes", "laughter_summary"],
        "podcast": ["analyse_episode", "dimensions", "emotions_over_time", "pie"],
        "report": ["report_of", "write_report"],
        "service": ["create_app"],
        "serving": ["running", "serve"],
        "settings": ["Settings"],
    },
)
