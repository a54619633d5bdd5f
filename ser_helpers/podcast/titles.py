"""Titles of a show and of its episodes, from the tags of the recordings or from an RSS feed."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from ser_helpers.audio.decoding import open_container
from ser_helpers.errors import ArchiveError

LONGEST = 200


def from_tags(path):
    """The title of an episode and of its show (the album) in the tags of a recording; None where there is none.

    Without PyAV, or if it cannot read the file, there is none. Used by ``ser podcast``.

    >>> from_tags("no-such-file.mp3")
    (None, None)
    """
    try:
        import av
    except ImportError:
        return None, None
    tags = {}
    try:
        with open_container(path) as container:
            for part in (container, *container.streams.audio):  # Ogg has its tags in the stream
                tags |= {name.lower(): value for name, value in part.metadata.items()}
    except (av.FFmpegError, OSError):
        pass
    return _plain(tags.get("title")), _plain(tags.get("album"))


def from_feed(path):
    """The title of a show, and those of its episodes by the name of their file, from an RSS feed.

    The format is https://www.rssboard.org/rss-specification; ArchiveError if the file cannot be read.
    Used by ``ser podcast``.

    >>> from ser_helpers.synthesis import ensure_show
    >>> from_feed(ensure_show("small", progress=False) / "feed.xml")[1]
    {'episode-01': 'A wedding', 'episode-02': 'The lost suitcase'}
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise ArchiveError(f"Cannot read {path}: {error}; give the RSS feed of the show as a file.") from error
    titles = {}
    for item in root.iter("item"):
        enclosure, title = item.find("enclosure"), _plain(item.findtext("title"))
        if enclosure is not None and title:
            titles[PurePosixPath(unquote(urlsplit(enclosure.get("url", "")).path)).stem] = title
    return _plain(root.findtext("channel/title")), titles


def _plain(text):
    """One line of printable characters, or None: tags may contain line ends, control characters and broken text."""
    words = "".join(letter if letter.isprintable() else " " for letter in (text or "")[: 10 * LONGEST]).split()
    return " ".join(words)[:LONGEST] or None
