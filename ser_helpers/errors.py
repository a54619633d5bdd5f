"""The package's own errors: each message is one sentence that says what was wrong and what to do."""


class SerError(Exception):
    """Base of every error this package raises on purpose; the command line prints it without a traceback."""


class AudioError(SerError, ValueError):
    """A recording cannot be used: it is missing, empty, too short, not audio, or holds NaN."""


class CacheError(SerError, OSError):
    """Nothing can be written to the cache; the message says where, and what to do."""


class CorpusError(SerError, ValueError):
    """A corpus, or a table made from one, is not as it should be."""


class CorpusMissing(CorpusError, FileNotFoundError):
    """The files of a corpus are not where they were looked for; the message says how to get them."""


class DownloadError(SerError, OSError):
    """A download failed; nothing half-done was left behind."""


class WeightsMissing(SerError, FileNotFoundError):
    """The weights of a pretrained network are not on this machine; the message names the command that gets them."""


class ModelError(SerError, ValueError):
    """A model cannot be saved, loaded, or used on what it was given."""


class EvaluationError(SerError, ValueError):
    """A model, feature table and utterance table cannot be evaluated together."""


class TranscriptError(SerError, ValueError):
    """A transcript cannot be used: it is missing, of another format, or a cue in it cannot be read."""


class StreamError(SerError, ValueError):
    """A stream is fed with what it cannot take, or after it has ended."""


class ArchiveError(SerError):
    """An archive cannot be worked through: nothing to hear, two episodes of one name, no worker."""
