"""Promises of the package as a whole: cheap to import, one way to import, documented, packaged in agreement."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ser_helpers

ROOT = Path(__file__).resolve().parent.parent
HEAVY = [
    "fastapi",
    "onnxruntime",
    "dask",
    "tensorflow",
    "keras",
    "torch",
    "librosa",
    "numba",
    "opensmile",
    "parselmouth",
    "matplotlib",
]
MODULES = [
    name for _, name, _ in pkgutil.walk_packages(ser_helpers.__path__, "ser_helpers.") if not name.endswith("__main__")
]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements):
    """The distribution names in a list of requirements, the project's own extras left out."""
    found = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!;~ ]", name)[0].lower()) for name in requirements}
    return found - {"ser-helpers"}


def test_importing_the_package_and_its_rooms_loads_nothing_heavy():
    code = (
        "import sys, ser_helpers as s; s.corpora, s.audio, s.features, s.models, s.evaluation, s.synthesis, s.course\n"
        "s.streaming, s.plots, s.podcast, s.call_centre, s.service, s.pretrained\n"
    )
    code += f"print([name for name in {HEAVY} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_imports_go_one_way():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_documented_and_names_lessons_that_exist(module):
    lessons = {path.name[:2] for path in (ROOT / "notebooks" / "src").glob("*.py")}
    module = importlib.import_module(module)
    public = [
        item
        for name, item in vars(module).items()
        if not name.startswith("_") and (inspect.isfunction(item) or inspect.isclass(item))
        if item.__module__ == module.__name__
    ]
    for item in [module, *public]:
        text = inspect.getdoc(item)
        assert text, f"{item} has no docstring"
        named = set(re.findall(r"[Ll]essons? (\d\d)", text))
        assert named <= lessons, f"{item} names lessons that do not exist: {named - lessons}"


def test_every_dependency_is_pinned_and_conda_installs_the_same():
    extras = project()["optional-dependencies"]
    wanted = names(project()["dependencies"]) | names(name for extra in extras.values() for name in extra)
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+\-]+", pin) for pin in pins)
    no_deps = (ROOT / "no-deps.txt").read_text(encoding="utf-8").splitlines()
    assert names(pins) >= wanted | names(line for line in no_deps if not line.startswith("#"))
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "--constraint constraints.txt" in conda
    assert "--editable .[dev]" in conda
    assert re.search(r"python=3\.1[123]", conda)


@pytest.mark.parametrize("place", ["Makefile", "README.md", "environment.yml", ".github/workflows/test.yml"])
def test_every_installation_gets_what_is_installed_without_dependencies(place):
    assert "--no-deps --requirement no-deps.txt" in (ROOT / place).read_text(encoding="utf-8")


def test_the_installed_environment_is_the_pinned_one():
    from importlib.metadata import PackageNotFoundError, version

    for name in names(project()["dependencies"]) | {"librosa", "keras", "opensmile"}:
        pin = re.search(rf"(?im)^{re.escape(name)}==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
        try:
            assert version(name) == pin[1], f"{name}: run `make env`, or update constraints.txt"
        except PackageNotFoundError:
            pytest.fail(f"{name} is not installed: run `make env`")


def test_no_machine_paths_are_written_anywhere():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    texts = [
        ROOT / name for name in tracked if Path(name).suffix in {".py", ".md", ".toml", ".ipynb", ".yml", ".txt", ""}
    ]
    machine = re.compile(r"(?<![\w.~])/(?:work|root|home/\w+|Users/\w+)/")
    for path in texts:
        if path.is_file() and path != Path(__file__):
            assert not machine.search(path.read_text(encoding="utf-8", errors="ignore")), path.name


FILES = [path for path in (ROOT / "ser_helpers").rglob("*.py") if not path.name.startswith("__")]


def test_a_module_name_occurs_once():
    """Fuzzy search finds the right file; only the lessons have a module of their name in several folders."""
    names = [path.stem for path in FILES if not path.stem.startswith("lesson")]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    "room", sorted({path.parent.name for path in FILES if path.parent.parent.name == "ser_helpers"})
)
def test_no_exported_name_is_hidden_by_a_module_of_the_same_name(room):
    """Importing ``package.module`` sets the package's attribute ``module``, whatever the package exports."""
    modules = {path.stem for path in FILES if path.parent.name == room}
    package = importlib.import_module(f"ser_helpers.{room}")
    assert modules.isdisjoint(package.__all__)
