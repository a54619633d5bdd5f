"""The checkers of the exercises, one module per lesson."""
