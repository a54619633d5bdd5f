"""The speaker encoder's network and its published weights: three LSTM layers that end in one vector per window."""

import importlib.util
from pathlib import Path

import torch
from torch import nn

from ser_helpers import home
from ser_helpers.errors import ModelError

MELS, HIDDEN, LAYERS = 40, 256, 3
WEIGHTS = "pretrained.pt"


class SpeakerNetwork(nn.Module):
    """Three LSTM layers of 256, a linear layer and ReLU; the output has length 1. Wan et al. (2018), Lesson 13.

    Trained with the GE2E loss, which draws windows of one speaker together and others away:
    https://doi.org/10.1109/ICASSP.2018.8462665.

    >>> SpeakerNetwork()(torch.ones(2, 160, 40)).norm(dim=1).round().tolist()
    [1.0, 1.0]
    """

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(MELS, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, mels):
        """Vectors (windows, 256) of mel spectrograms (windows, frames, 40)."""
        _, (hidden, _) = self.lstm(mels.to(self.linear.weight.device))
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), eps=1e-12)


def find_weights():
    """Path of Resemblyzer's weights: ``models_home()/resemblyzer``, else in the installed package; None if neither.

    The package itself is not imported.

    >>> path = find_weights()
    >>> path is None or path.name
    'pretrained.pt'
    """
    spec = importlib.util.find_spec("resemblyzer")
    installed = spec.submodule_search_locations or () if spec else ()
    folders = [home.models_home() / "resemblyzer", *map(Path, installed)]
    return next((folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()), None)


def load_network(path, device="auto"):
    """The network with the weights in `path`, ready to be used; ModelError if the file holds something else."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        network = SpeakerNetwork()
        network.load_state_dict({name: state[name] for name in network.state_dict()})
    except Exception as error:
        raise ModelError(f"{path} does not hold Resemblyzer's weights: install Resemblyzer again.") from error
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return network.eval().to(device)
