"""A table of features larger than memory: 50,000 utterances × 7168 numbers, extracted and trained on within 2 GB.

``python -m benchmarks.large_table``. Linux only; about 8 GB of disk. The system refuses this process and both workers
of a Dask cluster more than half of the 2 GB each (RLIMIT_DATA, which counts all memory but mapped files), and what they
hold together is measured. One worker is killed on the way. A classifier is cross-validated by speaker on the file.
`features.extract` without `on_disk` is tried under the same limit. Then this process extracts the table alone, and the
two files are compared byte by byte.

The utterances are parts of 0.5 s of the embedded corpus, one every 80 ms or so. The 7168 numbers, as many as mean and
deviation of all layers of Whisper-base, are levels of the spectrum: cheap, so that the time is that of the
machinery.
"""

import contextlib
import filecmp
import math
import os
import resource
import shutil
import threading
import time
from pathlib import Path
from unittest import mock

os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # its own reserves a GB of addresses, which the limit would count

import numpy as np
import typer
from sklearn.linear_model import SGDClassifier

from ser_helpers import audio, corpora, evaluation, features, paths
from ser_helpers.course.cluster import kill_a_worker, local_cluster
from ser_helpers.models import InBatches

GB = 1e9
SECONDS, WORKERS = 0.5, 2
SGD = SGDClassifier(loss="log_loss", alpha=0.001, learning_rate="constant", eta0=1 / 7168, average=True)
MODEL = InBatches(SGD, epochs=1)


class Spectrum:
    """7168 levels of a recording's spectrum: an `Embedder`."""

    label, sample_rate, batch_seconds, version = "spectrum", 16000, 30.0, "1"

    def __init__(self):
        self.parameters, self.columns = {}, [f"level{number}" for number in range(1, 7169)]

    def compute(self, waveforms):
        """One array (7168,) of float32 per recording."""
        spectra = (np.fft.rfft(y, 2 * 7168)[1:] for y in waveforms)
        return [np.log(np.abs(spectrum) + 1e-3).astype(np.float32) for spectrum in spectra]

    def select(self, cached):
        """What `compute` gave."""
        return cached


def main(utterances: int = 50_000, memory: float = 2.0, folder: Path | None = None):
    """Run it with so many utterances and GB of memory, in a folder."""
    limit = int(memory * GB / 2)
    folder, table = folder or paths.build_home() / "large-table", parts(utterances)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    size = 4 * len(table) * 7168
    typer.echo(f"{len(table)} utterances by {table.speaker.nunique()} speakers; the table has {size / GB:.2f} GB")
    for name in ("cluster", "alone"):
        shutil.rmtree(folder / name, ignore_errors=True)
    with cache_in(folder / "cluster"):
        store = paths.cache_home() / "features" / "embeddings.sqlite"
        with local_cluster(WORKERS) as cluster, peak_memory(cluster) as peak:
            killed = kill_a_worker(cluster, lambda: store.is_file() and store.stat().st_size > size / 3)
            options = {"scheduler": cluster.scheduler_address, "on_disk": True, "progress": False}
            X = timed("extracted by 2 workers", lambda: features.extract(table, Spectrum(), **options))
            typer.echo(f"a worker was killed: {killed.result()}; rows that are empty: {sum(np.isnan(x[0]) for x in X)}")
            timed("found again", lambda: features.extract(table, Spectrum(), **options))
            settings = {"n_splits": 2, "progress": False}
            result = timed("cross-validated", lambda: evaluation.cross_validate(MODEL, X, table, **settings))
        typer.echo(result.summary())
        typer.echo(f"all processes together held at most {peak[0] / GB:.2f} GB, without mapped files")
        first = table_file()
        try:
            features.extract(table, Spectrum(), progress=False)
            typer.echo("without on_disk: fits into this memory")
        except MemoryError as error:
            typer.echo(f"without on_disk: {error}")
    alone = {"on_disk": True, "progress": False}
    with cache_in(folder / "alone"):
        timed("extracted by this process", lambda: features.extract(table, Spectrum(), jobs=1, **alone))
        typer.echo(f"the same bytes: {filecmp.cmp(first, table_file(), shallow=False)}")


def parts(utterances):
    """An utterance table of so many parts of the embedded corpus, evenly spaced in each recording."""
    table = corpora.load("synthetic")
    table = table.loc[table.index.repeat(math.ceil(utterances / len(table)))][:utterances]
    number = table.groupby(level=0).cumcount()
    last = table["path"].map({path: audio.duration(path) - SECONDS for path in table["path"].unique()})
    start = last * number / (number.max() + 1)
    table = table.assign(start=start, end=start + SECONDS)
    return table.set_axis(table.index + "#" + number.astype(str), axis=0).rename_axis("utterance")


def table_file():
    """The only table in the cache."""
    (path,) = (paths.cache_home() / "features" / "tables").glob("*.npy")
    return path


def cache_in(folder):
    """In the ``with`` block the package's cache is in `folder`."""
    return mock.patch.dict(os.environ, SER_CACHE_HOME=str(folder))


@contextlib.contextmanager
def peak_memory(cluster):
    """Yields a list of one number: the most bytes that this process and the workers held together."""
    import psutil

    peak, ended = [0], threading.Event()

    def watch():
        while not ended.wait(0.2):
            held = 0
            for pid in [os.getpid(), *(worker.pid for worker in cluster.workers.values())]:
                with contextlib.suppress(psutil.Error):
                    memory = psutil.Process(pid).memory_info()
                    held += memory.rss - memory.shared
            peak[0] = max(peak[0], held)

    watching = threading.Thread(target=watch)
    watching.start()
    yield peak
    ended.set()
    watching.join()


def timed(what, work):
    """The result of ``work()``, after printing how long it took."""
    start, result = time.perf_counter(), work()
    typer.echo(f"{what} in {time.perf_counter() - start:.0f} s")
    return result


if __name__ == "__main__":
    typer.run(main)
