"""Transcripts of podcasts as one table of sentences: SRT, WebVTT and the JSON of Podcasting 2.0."""

import html
import json
import re
from pathlib import Path

import pandas as pd

from ser_helpers.errors import TranscriptError

SUFFIXES = (".srt", ".vtt", ".json")
"""The formats that `read` knows, in the order in which `find` looks for them."""

COLUMNS = ["start", "end", "speaker", "text"]
LATEST = 1e8
"""Seconds, three years: a cue that ends later is an error."""

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_CUE = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^\s<>][^<>]*)>")
_NAME = re.compile(r"^(?:>>\s*)?([A-Z][\w.'’-]*(?: [\w.'’-]+){0,2}):\s+(?=\S)")
_SENTENCE = re.compile(r"\S.*?(?:[.!?…][\"'”’)\]]*(?=\s|$)|$)")
_ENDS = re.compile(r"[.!?…][\"'”’)\]]*$")


def read(path):
    r"""The cues of a transcript: who said what, from when to when.

    Tags, entities, byte-order marks and Windows line ends are handled; cues may overlap or come in any order, and cues
    without words are left out. A speaker is read from ``<v Name>``, from ``"speaker"``, or from ``Name: `` before the
    words.

    The file ends in ``.srt`` (SubRip), ``.vtt`` (WebVTT, https://www.w3.org/TR/webvtt1/) or ``.json`` (Podcasting 2.0,
    https://github.com/Podcastindex-org/podcast-namespace). Returned is a table in the order of time: ``start``, ``end``
    (s), ``speaker`` (str or None) and ``text``. Raises TranscriptError if the file is missing, of another format, not
    text, or has no cue, or one that cannot be read. Lesson 11.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "episode.vtt"
    ...     _ = path.write_text("WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ana>Good <i>morning</i>!\n")
    ...     read(path).to_numpy().tolist()
    [[1.0, 2.5, 'Ana', 'Good morning!']]
    """
    path = Path(path)
    readers = {".srt": _subtitles, ".vtt": _subtitles, ".json": _podcast_json}
    if path.suffix.lower() not in readers:
        raise TranscriptError(f"Cannot read {path}: a transcript ends in {', '.join(SUFFIXES)}.")
    if path.exists() and not path.is_file() and not path.is_dir():  # to open a pipe may take for ever
        raise TranscriptError(f"Cannot read {path}: it is a pipe or device; give the path of a file.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise TranscriptError(f"Cannot read {path}: there is no such file; check the path.") from None
    except UnicodeDecodeError:
        raise TranscriptError(f"Cannot read {path}: it is not UTF-8 text; save it again as UTF-8.") from None
    except OSError as error:
        raise TranscriptError(f"Cannot read {path}: {error.strerror}; give the path of a transcript.") from error
    rows = [row for row in readers[path.suffix.lower()](path, text.replace("\r\n", "\n").replace("\r", "\n")) if row[3]]
    if not rows:
        raise TranscriptError(f"Cannot read {path}: there is no cue with words in it; check that it is a transcript.")
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"start": float, "end": float, "speaker": object})
    return table.sort_values(["start", "end"], kind="stable", ignore_index=True)


def find(episode, folder=None):
    """The transcript with an episode's name: ``talk.srt``, ``.vtt`` or ``.json`` for ``talk.mp3``; or None.

    It is looked for in `folder`, by default beside the episode and in a folder ``transcripts`` there or one level up.
    Lesson 11.
    """
    episode = Path(episode)
    beside = (episode.parent, episode.parent / "transcripts", episode.parent.parent / "transcripts")
    folders = beside if folder is None else (Path(folder),)
    named = (folder / (episode.stem + suffix) for folder in folders for suffix in SUFFIXES)
    return next((path for path in named if path.is_file()), None)


def sentences(transcript, longest=30.0):
    """Cues as sentences: split where a cue contains several, joined where a sentence runs over several cues.

    Within a cue, time is divided by the number of letters. A sentence ends at ``.``, ``!``, ``?`` or ``…``, where the
    speaker changes, or where it would last longer than `longest` seconds. `transcript` is a table as `read` returns it,
    and so is the result, a row per sentence; other tables raise TranscriptError. Lesson 11.

    >>> cues = pd.DataFrame([[0.0, 3.0, "Ana", "Yes! Come"], [3.0, 4.0, "Ana", "in."]], columns=COLUMNS)
    >>> sentences(cues).text.tolist()
    ['Yes!', 'Come in.']
    """
    check(transcript)
    done, begun = [], {}  # finished sentences, and the unfinished one of each speaker
    for cue in transcript.itertuples(index=False):
        speaker = cue.speaker if isinstance(cue.speaker, str) else None
        for other in [name for name in begun if name != speaker]:
            done.append(begun.pop(other))
        for start, end, text in _pieces(cue.start, cue.end, cue.text):
            if speaker in begun and end - begun[speaker][0] <= longest:
                first, last, _, before = begun.pop(speaker)
                start, end, text = first, max(last, end), f"{before} {text}"
            elif speaker in begun:
                done.append(begun.pop(speaker))
            row = (start, end, speaker, text)
            if _ENDS.search(text):
                done.append(row)
            else:
                begun[speaker] = row
    table = pd.DataFrame([*done, *begun.values()], columns=COLUMNS)
    table = table.astype({"start": float, "end": float, "speaker": object})
    return table.sort_values(["start", "end"], kind="stable", ignore_index=True)


def check(table):
    """Raise a TranscriptError unless a table of cues or sentences has its columns, and times in seconds."""
    if not isinstance(table, pd.DataFrame) or not set(COLUMNS) <= set(table):
        raise TranscriptError(f"Sentences are a table with the columns {', '.join(COLUMNS)}: see transcripts.read.")
    times = table[["start", "end"]]
    if len(times) and not (all(map(pd.api.types.is_numeric_dtype, times.dtypes)) and times.notna().all(axis=None)):
        raise TranscriptError("Every sentence needs a start and an end in seconds: a time is missing, or no number.")


def _pieces(start, end, text):
    """The sentences of one cue, each with its share of the time."""
    texts = _SENTENCE.findall(text) if isinstance(text, str) else []
    letters = [len(text) for text in texts]
    rate = (end - start) / max(sum(letters), 1)
    begin = start
    for text, count in zip(texts, letters, strict=True):
        yield begin, begin + count * rate, text
        begin += count * rate


def _subtitles(path, text):
    """Cues of SRT or VTT: a line with two times, then lines of words until an empty one."""
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if "-->" not in line:
            continue
        times = _CUE.match(line)
        if not times:
            problem = f"line {number} has no times such as 00:01:02.500: {line.strip()!r}"
            raise TranscriptError(f"Cannot read {path}: {problem}.")
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        words = []
        for later, text_line in lines:
            if not text_line.strip():
                break
            if _CUE.match(text_line):
                problem = f"an empty line is missing before the cue of line {later}"
                raise TranscriptError(f"Cannot read {path}: {problem}.")
            words.append(text_line)
        yield _cue(path, f"the cue in line {number}", start, end, None, " ".join(words))


def _seconds(parts):
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _podcast_json(path, text):
    try:
        segments = json.loads(text)["segments"]
        listed = [(segment["startTime"], segment.get("endTime"), segment["body"] + "", segment) for segment in segments]
        starts = [float(start) for start, *_ in listed]
        ends = [float(end) if end is not None else None for _, end, *_ in listed]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise TranscriptError(
            f"Cannot read {path}: it has no list of segments with startTime, endTime and body ({error!r})."
        ) from error
    later = [*starts[1:], starts[-1] + 1] if starts else []
    rows = zip(starts, ends, later, listed, strict=True)
    for number, (start, end, following, (_, _, body, segment)) in enumerate(rows, start=1):
        end = following if end is None else end
        speaker = segment.get("speaker")
        speaker = speaker if isinstance(speaker, str | int) else None
        yield _cue(path, f"segment {number}", start, end, speaker, body)


def _cue(path, name, start, end, speaker, markup):
    """One cue, checked: (start, end, speaker, plain text)."""
    if not 0 <= start <= end < LATEST:
        raise TranscriptError(f"Cannot read {path}: {name} lasts from {start:g} s to {end:g} s; correct its times.")
    voice = _VOICE.search(markup)
    plain = " ".join(html.unescape(re.sub(r"<[^<>]*>|\{\\[^{}]*\}", "", markup)).split())
    named = None if voice or speaker else _NAME.match(plain)
    if named:
        plain = plain[named.end() :]
    speaker = (voice or named)[1] if voice or named else speaker
    return start, end, " ".join(html.unescape(str(speaker)).split()) if speaker else None, plain
