"""Fetch corpora and the weights of pretrained networks from their publishers: resumed, checked, never half-done."""

import contextlib
import dataclasses
import errno
import functools
import os
import shutil
import tomllib
import zipfile
import zlib
from urllib.parse import urlsplit

from tqdm import tqdm

from ser_helpers import paths
from ser_helpers.corpora.corpus_cards import card, find
from ser_helpers.corpora.files import recordings
from ser_helpers.errors import CorpusMissing, DownloadError, WeightsMissing

TIMEOUT = 30  # seconds without an answer
LARGEST_RATIO = 50  # of unpacked to packed size; recordings compress by less


def download(name, progress=True):
    """Download a corpus and unpack it into the folder of all corpora, ``SER_DATA_HOME``; returns its own (Lesson 03).

    An interrupted download is resumed by the next call. The archive is compared with the checksum on the corpus's card
    before it is unpacked; if the card has none, the archive's own checks of each file must do. ``SOURCE.txt`` in the
    corpus's folder names the URL and the SHA-256 of the archive. A corpus that is already there is left as it is, and
    two simultaneous calls download it once. `progress` shows a progress bar, and messages. ``ser download ravdess`` is
    the same from the command line. Raises DownloadError if the publisher requires a licence, the network failed, the
    archive is not what it should be, or the disk is full; the corpus's folder is then not touched.

    >>> download("iemocap")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: IEMOCAP cannot be downloaded by this command. Ask the University of Southern ...
    """
    corpus = card(name)
    if not corpus.files:
        raise DownloadError(f"{corpus.title} cannot be downloaded by this command. {corpus.how}")
    target = paths.data_home() / corpus.name
    say = tqdm.write if progress else lambda text: None
    with _one_sentence(corpus, target, "SER_DATA_HOME"), paths.lock(target):
        folder = _complete(corpus)
        if folder:
            say(f"{corpus.title} is already in {folder}: nothing to do.")
            return folder
        for abandoned in target.parent.glob(f".{target.name}-*"):  # by a process that was ended
            shutil.rmtree(abandoned, ignore_errors=True)
        with paths.atomic_folder(target) as temporary:
            sources = []
            for number, file in enumerate(corpus.files):
                archive = target.parent / f"{corpus.name}-{number}.zip"
                sources.append(_fetch(corpus, file, archive, say, progress))
                try:
                    _unpack(archive, temporary)
                finally:
                    archive.unlink()
            (temporary / "SOURCE.txt").write_text("".join(sources), encoding="utf-8")
    say(f"{corpus.title} is in {target}.")
    return target


def download_weights(name, progress=True):
    """Download a network's pretrained weights into ``SER_MODELS_HOME``; returns their folder (Lesson 05).

    `name` is a key of `weights_cards`. An interrupted download is resumed by the next call; a file that is already
    there is compared with its checksum and fetched again if it differs. ``SOURCE.txt`` names URLs and SHA-256 digests.
    Two simultaneous calls download once. `progress` shows a progress bar, and messages. ``ser download vggish`` is the
    same from the command line. Raises DownloadError if there are no weights of that name, the network failed, a file is
    not what it should be, or the disk is full.

    >>> download_weights("vggish2")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: There are no weights called 'vggish2'; choose one of laughter-resnet, vggish.
    """
    if name not in weights_cards():
        raise DownloadError(f"There are no weights called {name!r}; choose one of {', '.join(weights_cards())}.")
    network, target = weights_cards()[name], paths.models_home() / name
    say = tqdm.write if progress else lambda text: None
    with _one_sentence(network, target, "SER_MODELS_HOME"), paths.lock(target):
        target.mkdir(exist_ok=True)
        sources = [_fetch(network, file, target / file["name"], say, progress) for file in network.files]
        (target / "SOURCE.txt").write_text("".join(sources), encoding="utf-8")
    say(f"The weights of {network.title} are in {target}.")
    return target


@dataclasses.dataclass(frozen=True)
class Weights:
    """The card of a pretrained network, from ``data/registry/models``.

    Each of the ``files`` has a ``name``, a ``url`` and, if known, a ``checksum`` (``"sha256:..."``) and a ``size`` in
    bytes.
    """

    name: str
    title: str
    url: str
    licence: str
    citation: str
    files: list[dict]
    doi: str | None = None


@functools.cache
def weights_cards():
    """The cards of the pretrained networks that `download_weights` knows, by name.

    >>> weights_cards()["vggish"].licence
    'Apache 2.0'
    """
    files = sorted((paths.registry() / "models").glob("*.toml"))
    return {path.stem: Weights(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))) for path in files}


def weights_folder(name):
    """The folder of a network's weights; raises WeightsMissing, which names the command that gets them."""
    network, folder = weights_cards()[name], paths.models_home() / name
    if not all((folder / file["name"]).is_file() for file in network.files):
        raise WeightsMissing(
            f"The weights of {network.title} are not in {folder}: get them with `ser download {name}`."
        )
    return folder


def _complete(corpus):
    """The folder of a complete corpus; None if there is none or it is empty. A partial one is never overwritten."""
    try:
        folder = find(corpus.name)
    except CorpusMissing:
        return None
    if not any(folder.iterdir()):
        return None
    count = len({path.stem for path in recordings(folder, {})})
    if count < corpus.utterances:
        raise DownloadError(
            f"{folder} contains {count} of the {corpus.utterances} recordings of {corpus.title}: move it away and try"
            " again."
        )
    return folder


def _fetch(source, file, path, say, progress):
    """Download one file of a card to `path`, unless it is there; returns its URL and SHA-256 for SOURCE.txt."""
    import pooch

    if not path.exists():
        _check_space(path.parent, file.get("size", 0))
    pooch.get_logger().setLevel("WARNING")
    resuming = _Resuming(path.with_name(f"{path.name}.part"), progress)
    try:
        pooch.retrieve(file["url"], file.get("checksum"), path.name, path.parent, downloader=resuming)
    except ValueError as error:
        raise DownloadError(
            f"{path.name} does not have the checksum on the card of {source.title} and was removed; try again."
        ) from error
    digest = f"sha256:{pooch.file_hash(str(path))}"
    if not file.get("checksum"):
        say(f"The publisher of {source.title} gives no checksum; {path.name} has {digest}.")
    return f"{file['url']}\n{digest}\n"


class _Resuming:
    """A downloader for pooch that resumes: what has arrived stays in the file `part`, for this call and the next."""

    def __init__(self, part, progress):
        self.part = part
        self.progress = progress

    def __call__(self, url, output_file, pooch):
        """Fetch `url` into `output_file`, trying again as long as each try brings more of it."""
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
            if reply.status_code == 416:  # nothing follows what we have: it is complete, or longer than the file
                if reply.headers.get("Content-Range") == f"bytes */{have}":
                    return
                self.part.unlink()
                return self._fetch(url)
            reply.raise_for_status()
            if reply.status_code != 206:  # the server sends the whole file
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


def _unpack(archive, folder):
    """Unpack a zip archive that is no zip bomb. `zipfile` itself lets no entry leave `folder`, and makes no links."""
    try:
        with zipfile.ZipFile(archive) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
            if size > LARGEST_RATIO * archive.stat().st_size:
                raise DownloadError(
                    f"{archive.name} would unpack to {size / 1e9:.1f} GB, as no recordings do: refused."
                )
            _check_space(folder, size)
            packed.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"{archive.name} is damaged ({error}) and was removed; try again.") from error


def _check_space(folder, needed):
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"{needed / 1e6:.0f} MB are needed in {folder}, and {free / 1e6:.0f} MB are free: make room."
        )


@contextlib.contextmanager
def _one_sentence(source, target, variable):
    """Turn errors of the network and the disk into one sentence each; `variable` is the setting that moves `target`."""
    import requests

    again = f"`ser download {source.name}`"
    try:
        yield
    except requests.HTTPError as error:
        reply = error.response
        raise DownloadError(
            f"{urlsplit(reply.url).netloc} answered {reply.status_code} ({reply.reason}) for {source.title}:"
            f" try {again} later, or see {source.url}."
        ) from error
    except requests.RequestException as error:
        host = urlsplit(source.files[0]["url"]).netloc
        raise DownloadError(
            f"The connection to {host} failed: check the network and call {again} again; it resumes where it stopped."
        ) from error
    except OSError as error:
        if isinstance(error, DownloadError) or error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DownloadError(
            f"{target} cannot be written ({error.strerror}): {'make room' if full else 'check the folder'}, or set"
            f" {variable} to a different one, and call {again} again."
        ) from error
