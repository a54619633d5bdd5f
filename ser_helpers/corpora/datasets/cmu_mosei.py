"""CMU-MOSEI: people give their opinion in YouTube videos; raters score each segment (Zadeh et al. 2018).

The layout is that of the publisher's CMU-MultimodalSDK and of its CMU_MOSEI.zip. ``CMU_MOSEI_Labels.csd``, an HDF5
file, has under ``All Labels/data/<video>`` the ``intervals`` (start and end of each segment in seconds) and the
``features``: the mean scores of sentiment (-3 to 3) and of six emotions (0 to 3). The sound is
``Raw/Audio/Full/WAV_16000/<video>.wav``, and ``Raw/Transcript/Segmented/Combined/<video>.txt`` has the words, a line
``<video>___<number>___<start>___<end>___<words>`` for each segment.

The publisher does not say who speaks: a person may be in several videos, so the speakers are missing and the video is
the session. Its own folds are lists of videos in the SDK. https://doi.org/10.18653/v1/P18-1208
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers.corpora import files
from ser_helpers.corpora.corpus_cards import card, how_to_get
from ser_helpers.errors import CorpusError, CorpusMissing

LINE = re.compile(r".+___\d+___(\d+\.?\d*)___(\d+\.?\d*)___\s*(.*?)\s*")
#: The columns of ``features`` after sentiment.
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")


def load(root):
    """The utterance table of the CMU-MOSEI segments whose video's sound is under `root`, and notes on what is odd.

    An utterance is called ``<video>[<number>]``, as in the SDK. Valence is the sentiment. The emotion is the one with
    the highest intensity: ``none`` if all are 0, ``no agreement`` if several are equally high. Extra columns:
    ``intensity_happiness`` and so on, 0 to 3.
    """
    table = labels(root).assign(speaker=None, language="en").reset_index()
    table["utterance"] = table["utterance"].str.removeprefix("cmu-mosei/")
    videos = {video: rows.to_dict("records") for video, rows in table.groupby("session")}
    unknown = "left out because they are not named like a labelled video"
    return files.read(root, "cmu-mosei", lambda path: videos.get(f"cmu-mosei-{path.stem}", unknown))


def labels(root):
    """The labels under `root` without the sound, a row per segment: `corpora.load_text`."""
    path = files.shallowest(root, "CMU_MOSEI_Labels.csd")
    if path is None:
        raise CorpusMissing(
            f"There is no CMU_MOSEI_Labels.csd in {root}: it contains the labels. {how_to_get(card('cmu-mosei'))}"
        )
    words = dict(_words(root))
    rows = [
        {
            "utterance": f"cmu-mosei/{video}[{number}]",
            "session": f"cmu-mosei-{video}",
            "start": max(start, 0.0),
            "end": end,
            "text": words.get((video, f"{start:.2f}", f"{end:.2f}")),
            "emotion": _strongest(intensities),
            "valence": sentiment,
            **{f"intensity_{emotion}": value for emotion, value in zip(EMOTIONS, intensities, strict=True)},
        }
        for video, number, (start, end), (sentiment, *intensities) in _segments(path)
    ]
    return pd.DataFrame(rows).set_index("utterance")


def _segments(path):
    """(video, number, interval, scores) of each segment of the label file."""
    try:
        import h5py
    except ImportError as error:
        raise CorpusError(f"To read {path}, h5py is needed: pip install h5py.") from error
    try:
        with h5py.File(path) as file:
            for video, group in file["All Labels/data"].items():
                pairs = zip(group["intervals"][:].tolist(), group["features"][:].tolist(), strict=True)
                yield from ((video, number, *pair) for number, pair in enumerate(pairs))
    except (OSError, KeyError, ValueError) as error:
        raise CorpusError(f"{path} is damaged ({error}): get it again from {card('cmu-mosei').url}.") from error


def _words(root):
    """((video, start, end), words) of each segment of the transcripts."""
    for path in filter(Path.is_file, root.rglob("Transcript/Segmented/Combined/*.txt")):
        for match in map(LINE.fullmatch, path.read_text(encoding="utf-8", errors="replace").splitlines()):
            if match:
                yield (path.stem, f"{float(match[1]):.2f}", f"{float(match[2]):.2f}"), match[3]


def _strongest(intensities):
    highest = max(intensities)
    if not highest > 0:
        return "none"
    return EMOTIONS[np.argmax(intensities)] if intensities.count(highest) == 1 else "no agreement"
