"""Run every ``bench_*.py`` of this folder and print its table: ``python -m benchmarks``."""

import importlib
import os
from pathlib import Path

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of every GPU it does not find
for path in sorted(Path(__file__).parent.glob("bench_*.py")):
    module = importlib.import_module(f"benchmarks.{path.stem}")
    typer.secho(f"\n{module.__doc__.splitlines()[0]}", bold=True)
    typer.echo(module.bench().to_string())
