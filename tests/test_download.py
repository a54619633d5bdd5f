"""Corpora and weights come from a local server: resumed, checked, and never half-done."""

import dataclasses
import hashlib
import io
import multiprocessing
import os
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from ser_helpers import corpora, download, features, paths
from ser_helpers.cli import app
from ser_helpers.errors import DownloadError


def zipped(files):
    """A zip archive of {name: content}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


GOOD = zipped({f"Actor_01/03-01-01-01-01-0{i}-01.wav": bytes([i]) * 200_000 for i in (1, 2)} | {"readme.txt": b"hello"})


class Handler(BaseHTTPRequestHandler):
    """Serves `server.content` with ranges; the first `server.cut` answers stop half-way."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range") if server.ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        server.asked.append(start)
        if self.path != "/file":
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
        running.url = f"http://127.0.0.1:{running.server_port}/file"
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
        corpus = dataclasses.replace(corpora.card("ravdess"), files=[file], utterances=2)
        monkeypatch.setattr(download, "card", lambda name: corpus)

    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path / "data"))
    change()
    server.change = change
    return tmp_path / "data"


@pytest.fixture
def publish_weights(server, tmp_path, monkeypatch):
    """Make VGGish one file, published by the local server; return the folder of all weights."""

    def change(**file):
        checksum = f"md5:{hashlib.md5(server.content).hexdigest()}"
        file = {"name": "vggish.ckpt", "url": server.url, "checksum": checksum} | file
        network = dataclasses.replace(download.weights_cards()["vggish"], files=[file])
        monkeypatch.setattr(download, "weights_cards", lambda: {"vggish": network})

    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "models"))
    change()
    server.change = change
    return tmp_path / "models"


def left(folder):
    """What a download left behind, but for its lock."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def test_a_corpus_is_fetched_checked_and_unpacked(publish, server, capsys):
    assert download.download("ravdess") == publish / "ravdess"
    assert (publish / "ravdess/Actor_01/03-01-01-01-01-02-01.wav").read_bytes() == bytes([2]) * 200_000
    assert (publish / "ravdess/SOURCE.txt").read_text().split() == [server.url, sha256(GOOD)]
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


@pytest.mark.parametrize("part", [GOOD[:1000], GOOD, GOOD + b"more"])
def test_what_an_earlier_call_received_is_used(publish, server, part):
    publish.mkdir()
    (publish / "ravdess-0.zip.part").write_bytes(part)
    download.download("ravdess", progress=False)
    assert server.asked[0] == len(part)
    assert left(publish) == ["ravdess"]


def test_a_server_without_ranges_starts_again(publish, server):
    publish.mkdir()
    (publish / "ravdess-0.zip.part").write_bytes(b"0" * 1000)
    server.ranges = False
    download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess"]


def test_a_connection_that_brings_nothing_new_is_given_up_and_its_part_stays(publish, server):
    server.cut, server.ranges = 99, False
    with pytest.raises(DownloadError, match=r"connection to 127.0.0.1.* failed.*resumes where it stopped"):
        download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess-0.zip.part"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"url": "http://127.0.0.1:9/file"}, "check the network and call `ser download ravdess` again"),
        ({"url": "gone"}, "answered 404"),
        ({"checksum": f"md5:{'0' * 32}"}, "checksum on the card of RAVDESS and was removed"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(publish, server, file, words):
    server.change(**(file if file.get("url") != "gone" else {"url": server.url.replace("file", "gone")}))
    with pytest.raises(DownloadError, match=words):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_without_a_checksum_the_one_seen_is_printed(publish, server, capsys):
    server.change(checksum=None)
    download.download("ravdess")
    assert sha256(GOOD) in capsys.readouterr().out


def corrupt():
    damaged = bytearray(GOOD)
    damaged[20_000] ^= 255
    return bytes(damaged)


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
        (bomb(), "would unpack to"),
    ],
)
def test_a_bad_archive_is_refused_and_leaves_nothing(publish, server, content, words):
    server.change(content)
    with pytest.raises(DownloadError, match=words):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_no_entry_of_an_archive_leaves_its_folder_or_becomes_a_link(publish, server):
    link = zipfile.ZipInfo("Actor_01/link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    names = ("../evil.wav", "Actor_01/../../evil.wav", "/evil.wav", "..\\evil.wav", "C:/evil.wav", link)
    server.change(zipped(dict.fromkeys(names, b"elsewhere.wav")))
    download.download("ravdess", progress=False)
    assert left(publish) == ["ravdess"]
    assert left(publish.parent) == ["data"]
    assert not any(path.is_symlink() for path in publish.rglob("*"))


def test_a_full_disk_is_noticed_before_the_download(publish, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match="make room"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_end_while_unpacking_leaves_nothing(publish, monkeypatch, error):
    def interrupted(*args):
        raise error

    monkeypatch.setattr(zipfile.ZipFile, "extractall", interrupted)
    with pytest.raises((DownloadError, KeyboardInterrupt), match=r"No space left on device.*make room|^$"):
        download.download("ravdess", progress=False)
    assert left(publish) == []


def test_an_empty_folder_is_filled_and_what_a_killed_run_left_is_removed(publish):
    (publish / "ravdess").mkdir(parents=True)
    (publish / ".ravdess-abandoned").mkdir()
    download.download("ravdess", progress=False)
    assert (publish / "ravdess" / "readme.txt").read_bytes() == b"hello"
    assert left(publish) == ["ravdess"]


def test_a_partial_corpus_is_not_overwritten(publish):
    mine = publish / "RAVDESS" / "03-01-01-01-01-01-01.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"contains 1 of the 2 recordings.*move it away"):
        download.download("ravdess", progress=False)
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("variable", "fetch", "name"),
    [("SER_DATA_HOME", "download", "ravdess"), ("SER_MODELS_HOME", "download_weights", "vggish")],
)
def test_a_folder_that_cannot_be_written_names_the_setting(
    publish, publish_weights, monkeypatch, tmp_path, variable, fetch, name
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(variable, str(tmp_path / "file" / "home"))
    with pytest.raises(DownloadError, match=f"or set {variable} to a different one"):
        getattr(download, fetch)(name, progress=False)


@pytest.mark.parametrize(("fetch", "name"), [("download", "ravdess"), ("download_weights", "vggish")])
def test_two_downloads_at_once_fetch_it_once(publish, publish_weights, server, fetch, name):
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=getattr(download, fetch), args=(name, False)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert server.asked == [0]


@pytest.mark.parametrize("name", ["iemocap", "msp-podcast", "savee", "synthetic"])
def test_a_corpus_without_a_download_says_whom_to_ask(name):
    with pytest.raises(DownloadError) as error:
        download.download(name)
    assert corpora.card(name).how in str(error.value)


def test_every_file_of_vggish_has_a_checksum():
    for file in download.weights_cards()["vggish"].files:
        assert file["url"] == f"https://storage.googleapis.com/audioset/{file['name']}"
        algorithm, digest = file["checksum"].split(":")
        assert len(digest) == 2 * hashlib.new(algorithm).digest_size


def test_weights_are_fetched_once_and_then_available(publish_weights, server, capsys):
    assert not features.available("vggish")
    assert download.download_weights("vggish") == publish_weights / "vggish"
    assert features.available("vggish")
    assert (publish_weights / "vggish" / "vggish.ckpt").read_bytes() == GOOD
    assert (publish_weights / "vggish" / "SOURCE.txt").read_text().split() == [server.url, sha256(GOOD)]
    assert f"The weights of VGGish are in {publish_weights}" in capsys.readouterr().out
    download.download_weights("vggish", progress=False)
    assert server.asked == [0]
    assert left(publish_weights / "vggish") == ["SOURCE.txt", "vggish.ckpt"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["vggish.ckpt", "vggish.ckpt.part"])
def test_damaged_weights_are_fetched_again_and_partial_ones_completed(publish_weights, name):
    (publish_weights / "vggish").mkdir(parents=True)
    (publish_weights / "vggish" / name).write_bytes(GOOD[:1000])
    download.download_weights("vggish", progress=False)
    assert (publish_weights / "vggish" / "vggish.ckpt").read_bytes() == GOOD


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            {"checksum": f"md5:{'0' * 32}"},
            "vggish.ckpt does not have the checksum on the card of VGGish and was removed",
        ),
        ({"url": "http://127.0.0.1:9/file"}, "check the network and call `ser download vggish` again"),
        ({"size": 10**18}, "make room"),
    ],
)
def test_failed_weights_are_one_sentence_and_leave_nothing(publish_weights, server, file, words):
    server.change(**file)
    with pytest.raises(DownloadError, match=words):
        download.download_weights("vggish", progress=False)
    assert left(publish_weights / "vggish") == []
    assert not features.available("vggish")


def test_the_command_gets_weights(publish_weights):
    done = CliRunner().invoke(app, ["download", "vggish"])
    assert done.exit_code == 0
    assert f"vggish is at {os.path.relpath(publish_weights / 'vggish')}" in done.output


def test_the_folder_is_the_one_of_the_hugging_face_libraries_unless_set(monkeypatch, tmp_path):
    for variable in ("SER_MODELS_HOME", "HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.models_home() == tmp_path / "huggingface" / "hub"
    for variable, value, folder in [
        ("HF_HOME", "a", "a/hub"),
        ("HF_HUB_CACHE", "b", "b"),
        ("SER_MODELS_HOME", "c", "c"),
    ]:
        monkeypatch.setenv(variable, str(tmp_path / value))
        assert paths.models_home() == tmp_path / folder
