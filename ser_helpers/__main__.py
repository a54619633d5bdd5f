"""``python -m ser_helpers`` is the command ``ser``."""

from ser_helpers.cli import main

main()
