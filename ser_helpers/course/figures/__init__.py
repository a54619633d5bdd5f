"""The figures of ideas, one module per lesson."""
