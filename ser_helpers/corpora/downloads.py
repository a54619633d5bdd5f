"""Fetch a corpus from its publisher: resumed, checked, and unpacked so that nothing half-done is ever seen."""

import contextlib
import errno
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from tqdm import tqdm

from ser_helpers import home
from ser_helpers.corpora.files import recordings
from ser_helpers.corpora.locate import find
from ser_helpers.corpora.registry import card
from ser_helpers.errors import CorpusMissing, DownloadError

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
    target = home.data_home() / known.name
    say = tqdm.write if progress else lambda text: None
    with plain_words(known, target, "SER_DATA_HOME"), home.lock(target):
        there = _complete(known)
        if there:
            say(f"{known.title} is already in {there}: nothing to do.")
            return there
        for abandoned in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        with home.atomic_folder(target) as aside:
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
    archive = home.data_home() / f"{known.name}-{number}.zip"
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
