import dataclasses
import hashlib
import io
import multiprocessing
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from ser_helpers import corpora, download
from ser_helpers.errors import DownloadError


def zipped(files):
    """A zip archive of {name: content}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


GOOD = zipped({f"Actor_01/03-01-01-01-01-0{i}-01.wav": bytes([i]) * 200_000 for i in (1, 2)} | {"readme.txt": b"hello"})


class Handler(BaseHTTPRequestHandler):
    """Serves `server.content` with ranges; `server.cut` answers stop half-way first."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range") if server.ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        server.asked.append(start)
        if self.path != "/corpus.zip":
            return self.send_error(404)
        if asked and start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = server.content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut:
            server.cut -= 1
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.content, running.ranges, running.cut, running.asked = GOOD, True, 0, []
        running.url = f"http://127.0.0.1:{running.server_port}/corpus.zip"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def publish(server, tmp_path, monkeypatch):
    """Make RAVDESS a corpus of two recordings, published by the local server; return the folder of all corpora."""

    def change(content=GOOD, **file):
        server.content = content
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        file = {"url": server.url, "size": len(content), "checksum": checksum} | file
        known = dataclasses.replace(corpora.card("ravdess"), files=[file], utterances=2)
        monkeypatch.setattr(download, "card", lambda name: known)

    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path / "data"))
    change()
    server.change = change
    return tmp_path / "data"


def left(folder):
    """What a download left behind, but for its lock."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def test_a_corpus_is_fetched_checked_and_unpacked(publish, server, capsys):
    assert download.download("ravdess") == publish / "ravdess"
    assert (publish / "ravdess/Actor_01/03-01-01-01-01-02-01.wav").read_bytes() == bytes([2]) * 200_000
    assert (publish / "ravdess/SOURCE.txt").read_text().split() == [
        server.url,
        f"sha256:{hashlib.sha256(GOOD).hexdigest()}",
    ]
    assert left(publish) == ["ravdess"]
    assert "RAVDESS is in" in capsys.readouterr().out


def test_a_second_call_does_nothing_and_says_so(publish, server, capsys):
    download.download("ravdess", progress=False)
    assert capsys.readouterr() == ("", "")
    assert download.download("ravdess") == publish / "ravdess"
    assert len(server.asked) == 1
    assert "already in" in capsys.readouterr().out


def test_a_broken_connection_is_resumed_where_it_stopped(publish, server):
    server.cut = 2
    download.download("ravdess", progress=False)
    first, second, third = server.asked
    assert first == 0
    assert len(GOOD) / 4 < second < len(GOOD) / 2 < third
    assert left(publish) == ["ravdess"]


def test_what_came_before_is_kept_for_the_next_call(publish, server):
    publish.mkdir()
    (publish / "ravdess-0.zip.part").write_bytes(GOOD[:1000])
    download.download("ravdess", progress=False)
    assert server.asked == [1000]


@pytest.mark.parametrize("kept", [GOOD, GOOD + b"more"])
def test_a_part_that_is_whole_or_too_long_does_no_harm(publish, server, kept):
    publish.mkdir()
    (publish / "ravdess-0.zip.part").write_bytes(kept)
    download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess"]


def test_a_server_without_ranges_starts_again(publish, server):
    publish.mkdir()
    (publish / "ravdess-0.zip.part").write_bytes(b"0" * 1000)
    server.ranges = False
    download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess"]


def test_a_connection_that_brings_nothing_is_given_up_and_its_part_kept(publish, server):
    server.cut, server.ranges = 99, False
    with pytest.raises(DownloadError, match=r"connection to 127.0.0.1.* failed.*goes on where it stopped"):
        download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess-0.zip.part"]


def test_no_network_is_said_in_words(publish, server):
    server.change(url="http://127.0.0.1:9/corpus.zip")
    with pytest.raises(DownloadError, match="check the network and call `ser download ravdess` again"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_a_moved_file_is_said_in_words(publish, server):
    server.change(url=server.url.replace("corpus", "gone"))
    with pytest.raises(DownloadError, match="answered 404"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_a_wrong_checksum_removes_the_file(publish, server):
    server.change(checksum=f"md5:{'0' * 32}")
    with pytest.raises(DownloadError, match="checksum and was removed"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_without_a_checksum_the_one_seen_is_said(publish, server, capsys):
    server.change(checksum=None)
    download.download("ravdess")
    assert f"sha256:{hashlib.sha256(GOOD).hexdigest()}" in capsys.readouterr().out


def corrupt():
    damaged = bytearray(GOOD)
    damaged[20_000] ^= 255
    return bytes(damaged)


def linked():
    entry = zipfile.ZipInfo("Actor_01/link.wav")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(entry, "elsewhere.wav")
    return buffer.getvalue()


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros.wav", bytes(10_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Please log in</html>", "damaged"),
        (corrupt(), "damaged"),
        (GOOD[:50_000], "damaged"),
        (zipped({"../evil.wav": b""}), "outside its folder"),
        (zipped({"Actor_01/../../evil.wav": b""}), "outside its folder"),
        (zipped({"/evil.wav": b""}), "outside its folder"),
        (zipped({"..\\evil.wav": b""}), "outside its folder"),
        (zipped({"C:/evil.wav": b""}), "outside its folder"),
        (linked(), "holds a link"),
        (bomb(), "would unpack to"),
    ],
)
def test_a_bad_archive_is_refused_and_leaves_nothing(publish, server, content, words):
    server.change(content)
    with pytest.raises(DownloadError, match=words):
        download.download("ravdess", progress=False)
    assert left(publish) == []
    assert left(publish.parent) == ["data"]


def test_a_full_disk_is_noticed_before_and_said_in_words(publish, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match="make room"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_a_full_disk_while_unpacking_leaves_nothing(publish, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(DownloadError, match=r"No space left on device.*make room"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_an_interrupted_run_leaves_nothing_half_done(publish, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "unpack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_what_a_killed_run_left_is_cleared_away(publish):
    (publish / ".ravdess-abandoned").mkdir(parents=True)
    download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess"]


def test_an_empty_folder_is_filled(publish):
    (publish / "ravdess").mkdir(parents=True)
    download.download("ravdess", progress=False)
    assert (publish / "ravdess" / "readme.txt").read_bytes() == b"hello"


def test_a_partial_corpus_is_not_overwritten(publish):
    mine = publish / "RAVDESS" / "03-01-01-01-01-01-01.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"holds 1 of the 2 recordings.*move it away"):
        download.download("ravdess", progress=False)
    assert mine.read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_is_said_in_words(publish, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path / "file" / "data"))
    with pytest.raises(DownloadError, match="SER_DATA_HOME"):
        download.download("ravdess", progress=False)


def test_two_downloads_at_once_fetch_it_once(publish, server):
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=download.download, args=("ravdess", False)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert len(server.asked) == 1
    assert left(publish) == ["ravdess"]


@pytest.mark.parametrize("name", ["iemocap", "msp-podcast", "savee", "synthetic"])
def test_what_cannot_be_downloaded_says_whom_to_ask(name):
    with pytest.raises(DownloadError) as error:
        download.download(name)
    assert corpora.card(name).how in str(error.value)
