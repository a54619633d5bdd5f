"""Fetch a corpus from its publisher: resumed, checked, and unpacked so that nothing half-done is ever seen.

Weights of pretrained networks: which there are, whether they are on this machine, and how they get there.
"""

import contextlib
import dataclasses
import errno
import functools
import os
import shutil
import stat
import tomllib
import zipfile
import zlib
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from tqdm import tqdm

from ser_helpers import paths
from ser_helpers.corpora.corpus_cards import card, find
from ser_helpers.corpora.files import recordings
from ser_helpers.errors import CorpusMissing, DownloadError, WeightsMissing

TIMEOUT = 30
LARGEST_RATIO = 50


def download(name, progress=True):
    """Get a corpus from its publisher and unpack it into the folder of all corpora (``SER_DATA_HOME``).

    An interrupted download is resumed by the next call. The archive is compared with the checksum on the corpus's card
    before it is unpacked; where a publisher gives none, the archive's own checks of each file must do, and the SHA-256
    that was seen is written to ``SOURCE.txt`` in the corpus's folder. The archive is deleted afterwards. A corpus that
    is there already is left as it is, and two calls at once download it once.

    Parameters
    ----------
    name : str
        The corpus, such as ``"ravdess"``.
    progress : bool
        Show a progress bar, and say what is done.

    Returns
    -------
    Path
        The folder of the corpus.

    Raises
    ------
    DownloadError
        Its publisher does not give it without a licence, the network failed, the archive is not what it should be, or
        the disk is full. The message says what to do; the corpus's folder is not touched.

    Used in Lesson 03. ``ser download ravdess`` is the same from the command line.

    >>> download("iemocap")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: IEMOCAP cannot be downloaded by this command. Ask the University of Southern ...
    """
    known = card(name)
    if not known.files:
        raise DownloadError(f"{known.title} cannot be downloaded by this command. {known.how}")
    target = paths.data_home() / known.name
    say = tqdm.write if progress else lambda text: None
    with plain_words(known, target, "SER_DATA_HOME"), paths.lock(target):
        there = _complete(known)
        if there:
            say(f"{known.title} is already in {there}: nothing to do.")
            return there
        for abandoned in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        with paths.atomic_folder(target) as aside:
            for number in range(len(known.files)):
                _fetch(known, number, aside, say, progress)
    say(f"{known.title} is in {target}.")
    return target


def _complete(known):
    """The folder of a complete corpus, None when there is none or it is empty; a partial one is never overwritten."""
    try:
        folder = find(known.name)
    except CorpusMissing:
        return None
    if not any(folder.iterdir()):
        return None
    count = len({path.stem for path in recordings(folder, {})})
    if count < known.utterances:
        raise DownloadError(
            f"{folder} holds {count} of the {known.utterances} recordings of {known.title}: move it away and try again."
        )
    return folder


def _fetch(known, number, folder, say, progress):
    """Download one archive of a corpus and unpack it into `folder`."""
    import pooch

    source = known.files[number]
    archive = paths.data_home() / f"{known.name}-{number}.zip"
    check_space(archive.parent, source.get("size", 0))
    pooch.get_logger().setLevel("WARNING")
    checksum = source.get("checksum")
    resuming = Resuming(archive.with_name(f"{archive.name}.part"), progress)
    try:
        pooch.retrieve(source["url"], checksum, archive.name, archive.parent, downloader=resuming)
    except ValueError as error:
        raise DownloadError(
            f"The download of {known.title} does not have the publisher's checksum and was removed; try again."
        ) from error
    try:
        unpack(archive, folder)
        seen = f"sha256:{pooch.file_hash(str(archive))}"
    finally:
        archive.unlink()
    if not checksum:
        say(f"The publisher gives no checksum for {known.title}; what came has {seen}.")
    with (folder / "SOURCE.txt").open("a", encoding="utf-8") as file:
        file.write(f"{source['url']}\n{seen}\n")


class Resuming:
    """A downloader for pooch that goes on where it stopped; what has arrived is kept in the file `part`."""

    def __init__(self, part, progress=True):
        self.part = part
        self.progress = progress

    def __call__(self, url, output_file, pooch):
        """Fetch `url` into `output_file`, trying again for as long as each try brings more of it."""
        import requests

        while True:
            before = self._size()
            try:
                self._fetch(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if self._size() <= before:
                    raise
        os.replace(self.part, output_file)

    def _size(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def _fetch(self, url):
        import requests

        have = self._size()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
            if reply.status_code == 416:
                if reply.headers.get("Content-Range") == f"bytes */{have}":
                    return None
                self.part.unlink()
                return self._fetch(url)
            reply.raise_for_status()
            if reply.status_code != 206:
                have = 0
            length = reply.headers.get("Content-Length")
            total = have + int(length) if length else None
            with (
                tqdm(total=total, initial=have, unit="B", unit_scale=True, disable=not self.progress) as bar,
                self.part.open("ab" if have else "wb") as file,
            ):
                for chunk in reply.iter_content(1 << 16):
                    file.write(chunk)
                    bar.update(len(chunk))


def unpack(archive, folder):
    """Unpack a zip archive, refusing entries that would leave `folder`, links, and more than the disk can hold."""
    try:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                _check_entry(archive, entry)
            size = sum(entry.file_size for entry in packed.infolist())
            if size > LARGEST_RATIO * archive.stat().st_size:
                raise DownloadError(
                    f"{archive.name} would unpack to {size / 1e9:.1f} GB, as no recordings do: refused."
                )
            check_space(folder, size)
            packed.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"{archive.name} is damaged ({error}) and was removed; try again.") from error


def _check_entry(archive, entry):
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise DownloadError(f"{archive.name} would write outside its folder ({entry.filename}): refused.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DownloadError(f"{archive.name} holds a link ({entry.filename}): refused.")


def check_space(folder, needed):
    """Raise a DownloadError if the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"{needed / 1e6:.0f} MB are needed in {folder}, and {free / 1e6:.0f} MB are free: make room."
        )


@contextlib.contextmanager
def plain_words(known, target, variable):
    """Turn what can go wrong on the way into one sentence each; `variable` names the setting that moves `target`."""
    import requests

    again = f"`ser download {known.name}`"
    try:
        yield
    except requests.HTTPError as error:
        reply = error.response
        raise DownloadError(
            f"{urlsplit(reply.url).netloc} answered {reply.status_code} ({reply.reason}) for {known.title}:"
            f" try {again} later, or see {known.url}."
        ) from error
    except requests.RequestException as error:
        host = urlsplit(known.files[0]["url"]).netloc
        raise DownloadError(
            f"The connection to {host} failed: check the network and call {again} again; it goes on where it stopped."
        ) from error
    except OSError as error:
        if isinstance(error, DownloadError) or error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DownloadError(
            f"{target} cannot be written ({error.strerror}): {'make room' if full else 'check the folder'}, or set"
            f" {variable} to another one, and call {again} again."
        ) from error


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
    files = sorted((paths.registry() / "models").glob("*.toml"))
    return {path.stem: Weights(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))) for path in files}


def folder(name):
    """The folder that holds a network's weights, or a WeightsMissing that names the command which gets them."""
    card, path = cards()[name], paths.models_home() / name
    if not all((path / file["name"]).is_file() for file in card.files):
        raise WeightsMissing(f"The weights of {card.title} are not in {path}: get them with `ser download {name}`.")
    return path


def download_weights(name, progress=True):
    """Get a network's pretrained weights from their publisher into ``paths.models_home()``.

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
    card, target = cards()[name], paths.models_home() / name
    say = tqdm.write if progress else lambda text: None
    with plain_words(card, target, "SER_MODELS_HOME"), paths.lock(target):
        target.mkdir(exist_ok=True)
        for file in card.files:
            _fetch_weights(card, file, target, say, progress)
    say(f"The weights of {card.title} are in {target}.")
    return target


def _fetch_weights(card, file, target, say, progress):
    import pooch

    check_space(target, 0 if (target / file["name"]).exists() else file.get("size", 0))
    pooch.get_logger().setLevel("WARNING")
    resuming = Resuming(target / f"{file['name']}.part", progress)
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
