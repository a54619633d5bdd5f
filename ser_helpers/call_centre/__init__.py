"""A call becomes turns, windows and alerts, live or recorded."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "alert_evaluation": ["choose_rule", "score_calls"],
        "alerts": ["PARTIES", "Alert", "AlertRule", "AlertState"],
        "call_folder": ["CallFolder", "analyse_folder"],
        "calls_page": ["write_calls_page"],
        "diarisation": ["diarise", "name_parties"],
        "monitor": ["CallMonitor", "CallReport", "WindowEvent", "analyse", "demo_calls"],
    },
)
