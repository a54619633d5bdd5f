"""What only the lessons need: the banner, exercise checks, figures of ideas, and the runner behind ``make run``."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["first_cell", "notebooks", "runner"],
    submod_attrs={"first_cell": ["banner"], "checks": ["check"]},
)
