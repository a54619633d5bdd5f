"""What it is all for: a podcast archive, a call centre, and the service and page that show it live."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[],
    submod_attrs={},
)
