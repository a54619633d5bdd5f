"""The wheel is complete: what it contains, and the README's example run from an installation of it alone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import soundfile

ROOT = Path(__file__).resolve().parent.parent
FILES = ("pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("ser_helpers", "data/registry", "data/samples")

pytestmark = pytest.mark.slow


def run(folder, *command):
    """What a command prints, far from this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built in a copy: in place, setuptools would also take what earlier builds left in ``build``."""
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("wheel")
    for name in FILES:
        shutil.copy(ROOT / name, project)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(target, sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", project)
    return next(target.glob("*.whl"))


def test_it_contains_every_module_and_all_data(wheel):
    inside = {re.sub(r".*/share/ser_helpers/", "data/", name) for name in zipfile.ZipFile(wheel).namelist()}
    files = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.parent.name != "__pycache__"}
    assert wanted - inside == set()
    assert len(wanted) > 150


def test_the_example_of_the_readme_runs_from_a_fresh_installation(wheel, tmp_path):
    fresh = tmp_path / "venv"
    venv.create(fresh)
    bases = {"base": str(fresh), "platbase": str(fresh)}
    python = Path(sysconfig.get_path("scripts", vars=bases)) / Path(sys.executable).name
    run(tmp_path, sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel)
    # The dependencies are this environment's. A folder named in a .pth file does not bring its own .pth files along, so
    # the editable installation stays out.
    site = Path(sysconfig.get_path("purelib", vars=bases))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    y, sr = soundfile.read(next((fresh / "share" / "ser_helpers" / "samples").glob("*.flac")))
    soundfile.write(tmp_path / "hello.wav", y, sr)
    (example,) = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    example = example.replace('load("ravdess")', 'load("synthetic")') + "\nprint(corpora.__file__)\n"
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    printed = run(tmp_path, python, "example.py")
    *_, said, where = printed.splitlines()
    assert "UAR" in printed
    assert said in ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    assert Path(where).is_relative_to(site)
