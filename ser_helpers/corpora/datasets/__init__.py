"""One module per corpus: how its publisher names files and labels them. `corpora.load` chooses among them."""
