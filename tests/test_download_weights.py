import dataclasses
import functools
import hashlib
import multiprocessing
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from ser_helpers import download, features, paths
from ser_helpers.cli import app
from ser_helpers.errors import DownloadError

CONTENT = bytes(range(256)) * 1000


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Make YAMNet a file published by a local server; the fixture changes its card and gives the server."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "yamnet.h5").write_bytes(CONTENT)
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "models"))
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path / "web")) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def change(**file):
            url = f"http://127.0.0.1:{server.server_port}/yamnet.h5"
            known = {"name": "yamnet.h5", "url": url, "checksum": f"md5:{hashlib.md5(CONTENT).hexdigest()}"} | file
            card = dataclasses.replace(download.cards()["yamnet"], files=[known])
            monkeypatch.setattr(download, "cards", lambda: {"yamnet": card})
            return server

        change()
        yield change
        server.shutdown()
        thread.join()


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / "models").rglob("*") if path.is_file() and path.suffix != ".lock")


def test_every_kind_with_weights_has_a_card_with_a_checksum():
    for kind in ("vggish", "yamnet"):
        card = download.cards()[kind]
        assert card.licence == "Apache 2.0"
        for file in card.files:
            assert file["url"] == f"https://storage.googleapis.com/audioset/{file['name']}"
            algorithm, digest = file["checksum"].split(":")
            assert len(digest) == 2 * hashlib.new(algorithm).digest_size


def test_kinds_without_weights_are_available_and_unknown_ones_are_refused():
    assert features.available("egemaps")
    with pytest.raises(ValueError, match="no kind of feature called 'vgg'"):
        features.available("vgg")


def test_weights_are_fetched_once_and_then_available(publish, tmp_path, capsys):
    assert not features.available("yamnet")
    assert download.download_weights("yamnet") == tmp_path / "models" / "yamnet"
    assert features.available("yamnet")
    assert (tmp_path / "models" / "yamnet" / "yamnet.h5").read_bytes() == CONTENT
    assert f"The weights of YAMNet are in {tmp_path}" in capsys.readouterr().out
    download.download_weights("yamnet", progress=False)
    assert publish().asked == ["/yamnet.h5"]
    assert left(tmp_path) == ["yamnet.h5"]
    assert capsys.readouterr() == ("", "")


def test_a_damaged_file_is_fetched_again(publish, tmp_path):
    (tmp_path / "models" / "yamnet").mkdir(parents=True)
    (tmp_path / "models" / "yamnet" / "yamnet.h5").write_bytes(b"half")
    download.download_weights("yamnet", progress=False)
    assert (tmp_path / "models" / "yamnet" / "yamnet.h5").read_bytes() == CONTENT


def test_an_interrupted_download_goes_on(publish, tmp_path):
    (tmp_path / "models" / "yamnet").mkdir(parents=True)
    (tmp_path / "models" / "yamnet" / "yamnet.h5.part").write_bytes(CONTENT)
    download.download_weights("yamnet", progress=False)
    assert left(tmp_path) == ["yamnet.h5"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"checksum": f"md5:{'0' * 32}"}, "yamnet.h5 does not have the checksum on the card of YAMNet and was removed"),
        ({"url": "http://127.0.0.1:9/yamnet.h5"}, "check the network and call `ser download yamnet` again"),
        ({"size": 10**18}, "make room"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(publish, tmp_path, file, words):
    publish(**file)
    with pytest.raises(DownloadError, match=words):
        download.download_weights("yamnet", progress=False)
    assert left(tmp_path) == []
    assert not features.available("yamnet")


def test_a_moved_file_is_said_in_words(publish, tmp_path):
    os.remove(tmp_path / "web" / "yamnet.h5")
    with pytest.raises(DownloadError, match="answered 404"):
        download.download_weights("yamnet", progress=False)


def test_without_a_checksum_the_one_seen_is_said_and_written(publish, tmp_path, capsys):
    publish(checksum=None)
    download.download_weights("yamnet")
    seen = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert f"what came has {seen}" in capsys.readouterr().out
    assert seen in (tmp_path / "models" / "yamnet" / "SOURCE.txt").read_text()


def test_a_folder_that_cannot_be_written_is_said_in_words(publish, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "file" / "models"))
    with pytest.raises(DownloadError, match="or set SER_MODELS_HOME to another one"):
        download.download_weights("yamnet", progress=False)


def test_two_downloads_at_once_fetch_it_once(publish, tmp_path):
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=download.download_weights, args=("yamnet", False)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert publish().asked == ["/yamnet.h5"]


def test_the_command_gets_them(publish):
    done = CliRunner().invoke(app, ["download", "yamnet"])
    assert done.exit_code == 0
    assert "yamnet is at" in done.output
    assert features.available("yamnet")


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
