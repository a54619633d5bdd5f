"""The Hugging Face hub: what of it is on this machine, and how more gets here when somebody asks for it.

Encoders on disk: where a name's weights are, how they are read, and how they get there.

Tiny untrained networks that take the place of encoders which are not on this machine.
"""

import functools
import hashlib
import itertools
import json
import re
from pathlib import Path

from ser_helpers import paths
from ser_helpers.errors import DownloadError, ModelError


def cached(name):
    """Folders of the Hugging Face caches that hold something of a name: ``SER_MODELS_HOME``'s, then the usual one.

    Nothing is downloaded.

    >>> list(cached("nobody/no-such-model"))
    []
    """
    import huggingface_hub

    for cache in (paths.models_home(), None):
        try:
            yield Path(huggingface_hub.snapshot_download(name, cache_dir=cache, local_files_only=True))
        except (huggingface_hub.errors.LocalEntryNotFoundError, OSError, ValueError):
            continue


def fetch(name, patterns):
    """Get the files of a name that match `patterns` into ``paths.models_home()``; returns their folder.

    What is there already is not fetched again. Raises DownloadError when the hub has no such name or cannot be reached.

    >>> fetch("no name", ["*.json"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: no name could not be downloaded (...): check the name and the connection, ...
    """
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(name, cache_dir=paths.models_home(), allow_patterns=list(patterns))
        )
    except Exception as error:
        raise DownloadError(
            f"{name} could not be downloaded ({reason(error)}): check the name and the connection, then try again."
        ) from error


def reason(error):
    """The first line of an error, without its full stop, to be put into a sentence.

    >>> reason(OSError("No space left. Sorry.")), reason(KeyError())
    ('No space left. Sorry', 'KeyError')
    """
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


WEIGHTS = ("model.safetensors", "model-*.safetensors", "pytorch_model.bin", "pytorch_model-*.bin")
"""Names of weight files, in the order in which they are looked for."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_NAME = re.compile(r"([\w-][\w.-]*/)?[\w.-]+")  # without an owner, too
_CONFIGS = ("config.json", "preprocessor_config.json")


def find(name):
    """The folder that holds an encoder's configuration and weights on this machine, or None; nothing is downloaded.

    Parameters
    ----------
    name : str or Path
        A folder, or a name on the Hugging Face hub such as "openai/whisper-base". A name is looked for in
        ``paths.models_home()``, as a folder called like its last part ("whisper-base") or that with "-encoder", and in
        the Hugging Face cache.

    Raises
    ------
    ModelError
        If `name` is a folder without configuration or weights, or a path where there is no folder.

    Examples
    --------
    Lesson 08.

    >>> find("nobody/whisper-nothing") is None
    True
    """
    if Path(name).is_dir():
        if not _is_complete(Path(name)):
            raise ModelError(f"The folder {name} holds no config.json with weights ({WEIGHTS[0]}): give the right one.")
        return Path(name)
    if isinstance(name, Path) or not _NAME.fullmatch(name):
        raise ModelError(f"There is no folder {name}: give one that exists, or owner/name on the Hugging Face hub.")
    last = name.rsplit("/", 1)[-1]
    places = [paths.models_home() / last, paths.models_home() / f"{last}-encoder"]
    return next((place for place in itertools.chain(places, cached(name)) if _is_complete(place)), None)


def _is_complete(folder):
    return (folder / "config.json").is_file() and bool(weight_files(folder))


def weight_files(folder):
    """The files in a folder that hold weights, of the first kind there is; an empty list if there are none."""
    return next((files for pattern in WEIGHTS if (files := sorted(Path(folder).glob(pattern)))), [])


def read_config(folder):
    """The configuration in a folder, as a dict, with what the preprocessor's says of normalisation."""
    try:
        config, preprocessor = (
            json.loads((folder / file).read_text(encoding="utf-8")) if (folder / file).is_file() else {}
            for file in _CONFIGS
        )
        config["do_normalize"] = preprocessor.get("do_normalize", True)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise damaged(folder, error) from error
    kind, known = config.get("model_type"), sorted(set(FAMILIES.values()))
    if kind not in known:
        raise ModelError(f"{folder} holds a network of type {kind!r}, not one of {', '.join(known)}.")
    return config


def size(config):
    """Number of attention blocks, and dimensions of their outputs."""
    whisper = config["model_type"] == "whisper"
    names = ("encoder_layers", "d_model") if whisper else ("num_hidden_layers", "hidden_size")
    defaults = (4, 384) if whisper else (12, 768)
    sizes = tuple(config.get(name, default) for name, default in zip(names, defaults, strict=True))
    if not all(isinstance(number, int) and number > 0 for number in sizes):
        raise ModelError(f"The encoder's config.json is damaged ({names[0]}, {names[1]}: {sizes}): get it again.")
    return sizes


def damaged(folder, error):
    """The ModelError for a folder that cannot be read."""
    return ModelError(f"The encoder in {folder} cannot be read ({reason(error)}): delete that folder and get it again.")


def content(folder):
    """A fingerprint of an encoder's configuration and weights."""
    files = [folder / name for name in _CONFIGS if (folder / name).is_file()] + weight_files(folder)
    stamps = [(file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return _digest(tuple(files), tuple(stamps))


@functools.lru_cache(maxsize=8)
def _digest(files, stamps):
    """Of the files' content; `stamps` tell when it must be read anew."""
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest())
    return digest.hexdigest()


def download_encoder(name):
    """Get an encoder's configuration and weights from the Hugging Face hub into ``paths.models_home()``.

    What is there already is not fetched again, and an interrupted download is resumed.

    Parameters
    ----------
    name : str
        "owner/name", as "openai/whisper-base".

    Returns
    -------
    Path
        The folder; `find` knows it too.

    Raises
    ------
    DownloadError
        If the hub has nothing of that name, or nothing with an encoder's files, or cannot be reached.

    Examples
    --------
    ``ser download openai/whisper-base`` is the same from the command line.

    >>> download_encoder("whisper")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: 'whisper' is no name on the Hugging Face hub: give owner/name, as
    openai/whisper-base.
    """
    if not _HUB_NAME.fullmatch(name):
        raise DownloadError(f"{name!r} is no name on the Hugging Face hub: give owner/name, as openai/whisper-base.")
    folder = fetch(name, [*_CONFIGS, *WEIGHTS[:2]])
    if not weight_files(folder):
        folder = fetch(name, [*_CONFIGS, *WEIGHTS])
    if not _is_complete(folder):
        raise DownloadError(f"{name} holds no encoder's configuration and weights: choose another.")
    return folder


FAMILIES = {"whisper": "whisper", "wavlm": "wavlm", "hubert": "hubert", "data2vec": "data2vec-audio"}
FAMILIES |= {"wav2vec2": "wav2vec2", "xls-r": "wav2vec2", "mms-": "wav2vec2"}
"""Which part of a name tells of which of transformers' model types."""

_LARGE = ("large", "xls-r", "mms-")
_BLOCKS, _DIMS, _HEADS, _WIDE = 4, 96, 4, 192
_WHISPER = {
    "d_model": _DIMS,
    "encoder_layers": _BLOCKS,
    "encoder_attention_heads": _HEADS,
    "encoder_ffn_dim": _WIDE,
    "num_mel_bins": 80,
}
_WAVE = {
    "hidden_size": _DIMS,
    "num_hidden_layers": _BLOCKS,
    "num_attention_heads": _HEADS,
    "intermediate_size": _WIDE,
    "conv_dim": [_DIMS // 2] * 7,
    "num_conv_pos_embedding_groups": 8,
}


def config_for(name):
    """The configuration, as a dict, of a tiny network of the class that `name` belongs to.

    Raises ModelError when the name tells of no class of network. Used by ``Encoder``, Lesson 08.

    Examples
    --------
    >>> config_for("facebook/hubert-base-ls960")["model_type"], config_for("openai/whisper-base")["encoder_layers"]
    ('hubert', 4)
    """
    last = name.rsplit("/", 1)[-1].lower()
    family = next((family for part, family in FAMILIES.items() if part in last), None)
    if family is None:
        raise ModelError(
            f"{name!r} is not on this machine, and its name does not tell which kind of network it is: get it with "
            f"`ser download {name}`, or give a folder or a name with one of {', '.join(FAMILIES)} in it."
        )
    if family == "whisper":
        return {"model_type": family, **_WHISPER}
    config = {"model_type": family, **_WAVE}
    if family != "data2vec-audio":
        large = any(part in last for part in _LARGE)
        norm = "layer" if large else "group"
        config |= {"num_conv_pos_embeddings": 32, "do_stable_layer_norm": large, "feat_extract_norm": norm}
    return config
