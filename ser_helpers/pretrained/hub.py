"""Pretrained networks on this machine: where their files are, how to download them, and which device runs them.

An encoder that is missing is replaced by a tiny untrained network of the same class, whose configuration is here too.
"""

import functools
import hashlib
import itertools
import json
import re
from pathlib import Path

from ser_helpers import paths
from ser_helpers.errors import DownloadError, ModelError

WEIGHTS = ("model.safetensors", "model-*.safetensors", "pytorch_model.bin", "pytorch_model-*.bin")
"""Names of weight files, in the order in which they are looked for."""

WRITING = ("generation_config.json", "tokenizer.json", "tokenizer_config.json")
"""Files beside the weights of Whisper with which the whole network writes text; its encoder alone needs none."""

_CONFIGS = ("config.json", "preprocessor_config.json")
_NAME = re.compile(r"([\w-][\w.-]*/)?[\w.-]+")  # the owner may be missing


def choose_device(device="auto"):
    """The name of a torch device; "auto" is the first of "cuda", "mps" and "cpu" that this machine has.

    Raises ValueError if this machine does not have the device. Behind every ``device`` of `ser_helpers.pretrained`.

    >>> choose_device("cpu")
    'cpu'
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"This machine has no device {device!r}: use 'auto' or 'cpu'.") from error
    return device


def locate(name, is_complete):
    """The first folder with the files of a hub name for which ``is_complete(folder)`` is true, or None.

    It looks in ``paths.models_home()``, for a folder called like the last part of the name ("whisper-base") or that
    with "-encoder", then in the Hugging Face caches there and at the usual place. Nothing is downloaded.

    >>> locate("nobody/no-such-model", Path.is_dir) is None
    True
    """
    last = str(name).rsplit("/", 1)[-1]
    places = [paths.models_home() / last, paths.models_home() / f"{last}-encoder"]
    return next((folder for folder in itertools.chain(places, _snapshots(str(name))) if is_complete(folder)), None)


def _snapshots(name):
    import huggingface_hub

    for cache in (paths.models_home(), None):
        try:
            yield Path(huggingface_hub.snapshot_download(name, cache_dir=cache, local_files_only=True))
        except (huggingface_hub.errors.LocalEntryNotFoundError, OSError, ValueError):
            continue


def fetch(name, patterns):
    """Download the files of a hub name that match `patterns` into ``paths.models_home()``; returns their folder.

    Files that are there are not downloaded again. Raises DownloadError if the hub has no such name or does not answer.
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
    """The first line of an error without its full stop, for use within a sentence.

    >>> reason(OSError("No space left. Sorry.")), reason(KeyError())
    ('No space left. Sorry', 'KeyError')
    """
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def find_encoder(name):
    """The folder with an encoder's configuration and weights on this machine, or None; nothing is downloaded.

    `name` is a folder, or a name on the Hugging Face hub such as "openai/whisper-base" (see `locate`). Raises
    ModelError if it is a folder without configuration or weights, or a path that does not exist. Lesson 08.

    >>> find_encoder("nobody/whisper-nothing") is None
    True
    """
    if Path(name).is_dir():
        if not _is_encoder(Path(name)):
            raise ModelError(f"The folder {name} has no config.json with weights ({WEIGHTS[0]}): give the right one.")
        return Path(name)
    if isinstance(name, Path) or not _NAME.fullmatch(name):
        raise ModelError(f"There is no folder {name}: give one that exists, or owner/name on the Hugging Face hub.")
    return locate(name, _is_encoder)


def _is_encoder(folder):
    return (folder / "config.json").is_file() and bool(weight_files(folder))


def weight_files(folder):
    """The weight files in a folder, of the first kind in `WEIGHTS` that it has; an empty list if it has none."""
    return next((files for pattern in WEIGHTS if (files := sorted(Path(folder).glob(pattern)))), [])


def read_config(folder):
    """An encoder's configuration as a dict, with ``do_normalize`` from its preprocessor's."""
    try:
        config, preprocessor = (
            json.loads((folder / file).read_text(encoding="utf-8")) if (folder / file).is_file() else {}
            for file in _CONFIGS
        )
        config["do_normalize"] = preprocessor.get("do_normalize", True)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise unreadable(folder, error) from error
    kind, known = config.get("model_type"), sorted(set(FAMILIES.values()))
    if kind not in known:
        raise ModelError(f"{folder} contains a network of type {kind!r}, not one of {', '.join(known)}.")
    return config


def encoder_size(config):
    """Number of attention blocks, and dimensions of their outputs."""
    whisper = config["model_type"] == "whisper"
    names = ("encoder_layers", "d_model") if whisper else ("num_hidden_layers", "hidden_size")
    defaults = (4, 384) if whisper else (12, 768)
    sizes = tuple(config.get(name, default) for name, default in zip(names, defaults, strict=True))
    if not all(isinstance(number, int) and number > 0 for number in sizes):
        raise ModelError(f"The encoder's config.json is damaged ({names[0]}, {names[1]}: {sizes}): get it again.")
    return sizes


def unreadable(folder, error):
    """The ModelError for an encoder's folder that cannot be read."""
    return ModelError(f"The encoder in {folder} cannot be read ({reason(error)}): delete that folder and get it again.")


def content_hash(folder):
    """A hash of an encoder's configuration and weights."""
    files = [folder / name for name in _CONFIGS if (folder / name).is_file()] + weight_files(folder)
    stamps = [(file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return _content_hash(tuple(files), tuple(stamps))


@functools.lru_cache(maxsize=8)
def _content_hash(files, stamps):  # gigabytes: read again only when sizes or times change
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest())
    return digest.hexdigest()


def download_encoder(name):
    """Download an encoder's configuration and weights from the Hugging Face hub into ``paths.models_home()``.

    `name` is "owner/name", such as "openai/whisper-base"; returns the folder, which `find_encoder` finds too. Whisper's
    weights come with its decoder and tokenizer, so `Recogniser` can use them too. Files that are there are not
    downloaded again, and an interrupted download is resumed. Raises DownloadError if the hub has no encoder of that
    name or cannot be reached. ``ser download openai/whisper-base`` is the same from the command line.

    >>> download_encoder("no name")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: no name could not be downloaded (...): check the name and the connection, ...
    """
    files = [*_CONFIGS, *(WRITING if "whisper" in name.lower() else ())]
    folder = fetch(name, [*files, *WEIGHTS[:2]])
    if not weight_files(folder):  # an old checkpoint, without safetensors
        folder = fetch(name, [*files, *WEIGHTS])
    if not _is_encoder(folder):
        raise DownloadError(f"{name} has no encoder's configuration and weights: choose another.")
    return folder


FAMILIES = {
    "whisper": "whisper",
    "wavlm": "wavlm",
    "hubert": "hubert",
    "data2vec": "data2vec-audio",
    "wav2vec2": "wav2vec2",
    "xls-r": "wav2vec2",
    "mms-": "wav2vec2",
}
"""Parts of hub names, and the model type in transformers that each stands for."""

_LARGE = ("large", "xls-r", "mms-")
_BLOCKS, _DIMS, _HEADS, _FEED_FORWARD = 4, 96, 4, 192
_WHISPER = {
    "d_model": _DIMS,
    "encoder_layers": _BLOCKS,
    "encoder_attention_heads": _HEADS,
    "encoder_ffn_dim": _FEED_FORWARD,
    "num_mel_bins": 80,
}
_WAVE = {
    "hidden_size": _DIMS,
    "num_hidden_layers": _BLOCKS,
    "num_attention_heads": _HEADS,
    "intermediate_size": _FEED_FORWARD,
    "conv_dim": [_DIMS // 2] * 7,
    "num_conv_pos_embedding_groups": 8,
}


def tiny_config(name):
    """The configuration, as a dict, of a tiny network of the class that a hub name belongs to.

    Raises ModelError if the name does not say which class that is. Used by ``Encoder``, Lesson 08.

    >>> tiny_config("facebook/hubert-base-ls960")["model_type"], tiny_config("openai/whisper-base")["encoder_layers"]
    ('hubert', 4)
    """
    last = name.rsplit("/", 1)[-1].lower()
    family = next((family for part, family in FAMILIES.items() if part in last), None)
    if family is None:
        raise ModelError(
            f"{name!r} is not on this machine, and its name does not say which kind of network it is: get it with "
            f"`ser download {name}`, or give a folder or a name with one of {', '.join(FAMILIES)} in it."
        )
    if family == "whisper":
        return {"model_type": family, **_WHISPER}
    config = {"model_type": family, **_WAVE}
    if family != "data2vec-audio":
        # Base models normalise the first convolution over time (group norm) and each block's output; large ones
        # normalise every convolution over its channels (layer norm) and each block's input.
        large = any(part in last for part in _LARGE)
        norm = "layer" if large else "group"
        config |= {"num_conv_pos_embeddings": 32, "do_stable_layer_norm": large, "feat_extract_norm": norm}
    return config
