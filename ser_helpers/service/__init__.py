"""HTTP, WebSockets and the supervisor's page around the call centre."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "app": ["create_app"],
        "feedback": ["read_feedback"],
        "server": ["running", "serve"],
        "settings": ["Settings"],
    },
)
