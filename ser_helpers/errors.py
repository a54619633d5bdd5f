"""The package's own errors: each message is one sentence that says what was wrong and what to do."""


class SerError(Exception):
    """Base of every error this package raises on purpose; the command line prints it without a traceback."""


class AudioError(SerError, ValueError):
    """A recording cannot be used: it is missing, empty, too short, not audio, or contains NaN."""


class LimitError(AudioError):
    """A recording takes more samples, time or memory to decode than it may, or crashes its decoder."""


class CacheError(SerError, OSError):
    """The cache cannot be written; the message says where, and what to do."""


class CorpusError(SerError, ValueError):
    """A corpus, or a table made from one, is invalid."""


class CorpusMissing(CorpusError, FileNotFoundError):
    """The files of a corpus were not found; the message says how to get them."""


class DownloadError(SerError, OSError):
    """A download failed; it left nothing half-done."""


class WeightsMissing(SerError, FileNotFoundError):
    """The weights of a pretrained network are not on this machine; the message names the command that gets them."""


class ModelError(SerError, ValueError):
    """A model cannot be saved, loaded, or used on these data."""


class EvaluationError(SerError, ValueError):
    """A model, feature table and utterance table cannot be evaluated together."""


class TranscriptError(SerError, ValueError):
    """A transcript cannot be used: it is missing, in an unknown format, or one of its cues cannot be read."""


class StreamError(SerError, ValueError):
    """A stream gets invalid data, or data after its end."""


class ClusterError(SerError):
    """A Dask cluster cannot be used: nothing answers at the address, it has no worker, or its workers differ."""


class ArchiveError(SerError):
    """An archive cannot be processed: no episodes, or two episodes of one name."""
