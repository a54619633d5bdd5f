"""Fine-tuned encoders on disk: a folder with what was learnt, and what it was learnt on top of; no pickles."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers import home
from ser_helpers.errors import ModelError
from ser_helpers.models.finetuning import EncoderClassifier, EncoderRegressor

FORMAT = 1
KINDS = {kind.__name__: kind for kind in (EncoderClassifier, EncoderRegressor)}
_NOT_KEPT = ("augment", "extra_loss", "device", "progress")


def save_tuned(model, folder):
    """Write a fitted `EncoderClassifier` or `EncoderRegressor` to a folder.

    ``weights.safetensors`` holds only what was trained, which for a head or LoRA is small: the encoder under it must be
    on the machine where the model is read. ``model.json`` holds the rest, without augmentation and ``extra_loss``.

    Parameters
    ----------
    model : EncoderClassifier or EncoderRegressor
    folder : str or Path
        It is made, or replaced as a whole.

    Raises
    ------
    ModelError
        If the model is not fitted.

    Examples
    --------
    Lesson 08.

    >>> save_tuned(EncoderClassifier("nobody/no-such-hubert"), "folder")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: This EncoderClassifier is not fitted yet: fit it before saving it.
    """
    import safetensors.torch

    kind = type(model).__name__
    if KINDS.get(kind) is not type(model):
        raise ModelError(f"A {kind} is no fine-tuned encoder: use models.save.")
    if not hasattr(model, "history_"):
        raise ModelError(f"This {kind} is not fitted yet: fit it before saving it.")
    about = {
        "format": FORMAT,
        "kind": kind,
        "parameters": {name: value for name, value in model.get_params().items() if name not in _NOT_KEPT},
        "encoder": {"label": model.label_, "weights": model.encoder_weights_},
        "outputs": model.outputs_,
        "learnt": {name: np.asarray(getattr(model, name)).tolist() for name in model.learnt_names},
        "history": model.history_.to_dict("list"),
    }
    learnt = model.network_.learnt().items()
    weights = {name: value.cpu().contiguous() for name, value in learnt if not name.startswith("extra.")}
    with home.atomic_folder(folder) as aside:
        safetensors.torch.save_file(weights, aside / "weights.safetensors")
        (aside / "model.json").write_text(json.dumps(about, indent=1, default=str), encoding="utf-8")


def load_tuned(folder, device="auto"):
    """Read a model that `save_tuned` wrote; it predicts as before, and nothing in the folder can run code.

    Parameters
    ----------
    folder : str or Path
    device : str
        As for ``Encoder``.

    Raises
    ------
    ModelError
        If the folder is damaged, was written by a newer version, or the encoder under the model is not on this machine
        as it was.

    Examples
    --------
    Lesson 08.

    >>> load_tuned("nowhere")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: nowhere holds no fine-tuned encoder that can be read: save it again with save_tuned.
    """
    import safetensors.torch

    folder = Path(folder)
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        weights = safetensors.torch.load_file(folder / "weights.safetensors")
        if about["format"] != FORMAT:
            raise ModelError(f"{folder} has the format {about['format']}, and this version reads {FORMAT}: update it.")
        model = KINDS[about["kind"]](**about["parameters"], device=device)
        model.restore(about["outputs"], {name: np.array(value) for name, value in about["learnt"].items()}, weights)
        model.history_ = pd.DataFrame(about["history"]).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        expected = about["encoder"]
    except ModelError:
        raise
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise ModelError(
            f"{folder} holds no fine-tuned encoder that can be read: save it again with save_tuned."
        ) from error
    if model.encoder_weights_ != expected["weights"]:
        raise ModelError(
            f"{folder} was trained on top of {expected['label']}, and here {model.encoder!r} is {model.label_} with"
            " other weights: get the same."
        )
    return model
