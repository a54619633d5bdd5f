"""What transformers and speechbrain say while they load is about their insides: kept from the reader's page."""

import contextlib
import logging
import warnings


@contextlib.contextmanager
def quiet_libraries():
    """Within the ``with`` block, no progress bars of transformers and no log below an error from anyone.

    >>> with quiet_libraries():
    ...     logging.getLogger("speechbrain").warning("The encoder is frozen.")
    """
    from transformers.utils import logging as transformers_logging

    bars, level = transformers_logging.is_progress_bar_enabled(), logging.root.manager.disable
    transformers_logging.disable_progress_bar()
    logging.disable(max(level, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Module 'speechbrain")
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            yield
    finally:
        logging.disable(level)
        if bars:
            transformers_logging.enable_progress_bar()
