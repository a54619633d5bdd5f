"""A transcript in the formats that podcasts are published with: SubRip, WebVTT, and Podcasting 2.0's JSON."""

import html
import json


def srt(sentences):
    """SubRip; the speaker stands before the words. A sentence is a dict: start, end (s), speaker, text.

    >>> print(srt([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}]))
    1
    00:00:00,500 --> 00:00:02,000
    Ben: Really?
    <BLANKLINE>
    """
    blocks = (
        f"{number}\n{_clock(s['start'], ',')} --> {_clock(s['end'], ',')}\n{s['speaker']}: {s['text']}\n"
        for number, s in enumerate(sentences, 1)
    )
    return "\n".join(blocks)


def vtt(sentences):
    """WebVTT, the speaker in a voice tag: https://www.w3.org/TR/webvtt1/.

    >>> print(vtt([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}]))
    WEBVTT
    <BLANKLINE>
    00:00:00.500 --> 00:00:02.000
    <v Ben>Really?
    <BLANKLINE>
    """
    blocks = (
        f"{_clock(s['start'], '.')} --> {_clock(s['end'], '.')}\n<v {s['speaker']}>{html.escape(s['text'], False)}\n"
        for s in sentences
    )
    return "\n".join(["WEBVTT\n", *blocks])


def podcast_json(sentences):
    """The JSON of Podcasting 2.0's transcript tag: a segment per sentence.

    >>> podcast_json([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}])[:19]
    '{"version": "1.0.0"'
    """
    segments = [
        {"speaker": s["speaker"], "startTime": s["start"], "endTime": s["end"], "body": s["text"]} for s in sentences
    ]
    return json.dumps({"version": "1.0.0", "segments": segments}, ensure_ascii=False)


def _clock(seconds, point):
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


#: Format -> (its media type, what writes it).
FORMATS = {
    "srt": ("application/x-subrip", srt),
    "vtt": ("text/vtt", vtt),
    "json": ("application/json", podcast_json),
}
