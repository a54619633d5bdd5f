"""Weights of pretrained networks: which there are, whether they are on this machine, and how they get there."""

import dataclasses
import functools
import tomllib

from tqdm import tqdm

from ser_helpers import home
from ser_helpers.corpora import downloads
from ser_helpers.errors import DownloadError, WeightsMissing


@dataclasses.dataclass(frozen=True)
class Weights:
    """The card of a pretrained network, from ``data/registry/models``.

    ``files`` are what `download_weights` fetches: ``name``, ``url``, ``checksum`` (``"sha256:..."``; where none is
    known, the one seen is written to ``SOURCE.txt``) and, where known, ``size`` in bytes.
    """

    name: str
    title: str
    url: str
    licence: str
    citation: str
    files: list[dict]
    doi: str | None = None


@functools.cache
def cards():
    """The cards of all pretrained networks, by name.

    >>> cards()["yamnet"].licence
    'Apache 2.0'
    """
    files = sorted((home.registry() / "models").glob("*.toml"))
    return {path.stem: Weights(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))) for path in files}


def folder(name):
    """The folder that holds a network's weights, or a WeightsMissing that names the command which gets them."""
    card, path = cards()[name], home.models_home() / name
    if not all((path / file["name"]).is_file() for file in card.files):
        raise WeightsMissing(f"The weights of {card.title} are not in {path}: get them with `ser download {name}`.")
    return path


def download_weights(name, progress=True):
    """Get a network's pretrained weights from their publisher into ``home.models_home()``.

    An interrupted download is resumed by the next call. A file that is there already is compared with its checksum and
    fetched again when it differs. Two calls at once download once.

    Parameters
    ----------
    name : str
        "laughter-resnet", "vggish" or "yamnet".
    progress : bool
        Show a progress bar, and say what is done.

    Returns
    -------
    Path
        The folder of the weights.

    Raises
    ------
    DownloadError
        There are no weights of that name, the network failed, a file is not what it should be, or the disk is full. The
        message says what to do.

    Examples
    --------
    ``ser download vggish`` is the same from the command line.

    >>> download_weights("vggish2")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: There are no weights called 'vggish2'; choose one of laughter-resnet, ...
    """
    if name not in cards():
        raise DownloadError(f"There are no weights called {name!r}; choose one of {', '.join(cards())}.")
    card, target = cards()[name], home.models_home() / name
    say = tqdm.write if progress else lambda text: None
    with downloads.plain_words(card, target, "SER_MODELS_HOME"), home.lock(target):
        target.mkdir(exist_ok=True)
        for file in card.files:
            _fetch(card, file, target, say, progress)
    say(f"The weights of {card.title} are in {target}.")
    return target


def _fetch(card, file, target, say, progress):
    import pooch

    downloads.check_space(target, 0 if (target / file["name"]).exists() else file.get("size", 0))
    pooch.get_logger().setLevel("WARNING")
    resuming = downloads.Resuming(target / f"{file['name']}.part", progress)
    checksum = file.get("checksum")
    try:
        path = pooch.retrieve(file["url"], checksum, file["name"], target, downloader=resuming)
    except ValueError as error:
        raise DownloadError(
            f"{file['name']} does not have the checksum on the card of {card.title} and was removed; try again."
        ) from error
    if not checksum:
        seen = f"sha256:{pooch.file_hash(path)}"
        say(f"No checksum is known for {file['name']}; what came has {seen}.")
        (target / "SOURCE.txt").write_text(f"{file['url']}\n{seen}\n", encoding="utf-8")
