"""What only the lessons need: the banner, exercise checks, figures of ideas, and the runner behind ``make run``."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "checks": ["check", "exercises"],
        "first_cell": ["banner"],
    },
)
