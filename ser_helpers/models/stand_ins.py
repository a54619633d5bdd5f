"""Tiny untrained networks that take the place of encoders which are not on this machine."""

from ser_helpers.errors import ModelError

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
