"""A folder in the layout SpeechBrain publishes its emotion model in, and a tiny wav2vec 2.0 to put into it.

The layout: ``hyperparams.yaml`` says which modules there are, ``custom_interface.py`` how they are called,
``label_encoder.txt`` what each output means, ``wav2vec2.ckpt`` and ``model.ckpt`` hold the weights. Ours also brings
the configuration of its encoder along, in ``wav2vec2/``; the published one names ``facebook/wav2vec2-base``.
"""

from pathlib import Path

from ser_helpers import home
from ser_helpers.models.quiet import quiet_libraries
from ser_helpers.models.torchaudio_shim import ensure_torchaudio

#: What a published folder holds.
FILES = ("hyperparams.yaml", "custom_interface.py", "label_encoder.txt", "wav2vec2.ckpt", "model.ckpt")

LABELS = ("neu", "ang", "hap", "sad")

HYPERPARAMS = """\
# {note}
stand_in: {stand_in}

wav2vec2_hub: !PLACEHOLDER
pretrained_path: !PLACEHOLDER
encoder_dim: {encoder_dim}
out_n_neurons: {n_labels}

wav2vec2: !new:speechbrain.integrations.huggingface.wav2vec2.Wav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: True
    save_path: wav2vec2_checkpoints

avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False

output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: False

model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]

modules:
    wav2vec2: !ref <wav2vec2>
    output_mlp: !ref <output_mlp>
    avg_pool: !ref <avg_pool>

softmax: !new:speechbrain.nnet.activations.Softmax

label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        wav2vec2: !ref <wav2vec2>
        model: !ref <model>
        label_encoder: !ref <label_encoder>
    paths:
        wav2vec2: !ref <pretrained_path>/wav2vec2.ckpt
        model: !ref <pretrained_path>/model.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""

INTERFACE = '''\
"""How the modules of hyperparams.yaml are called. SpeechBrain's foreign_class imports and runs this file."""

import torch
from speechbrain.inference.interfaces import Pretrained


class CustomEncoderWav2vec2Classifier(Pretrained):
    def encode_batch(self, wavs, wav_lens=None):
        """One vector for each waveform: (batch, samples) at 16 kHz become (batch, dims)."""
        if wav_lens is None:
            wav_lens = torch.ones(len(wavs))
        frames = self.mods.wav2vec2(wavs.to(self.device).float())
        return self.mods.avg_pool(frames, wav_lens.to(self.device)).flatten(1)

    def classify_batch(self, wavs, wav_lens=None):
        """Probabilities (batch, labels), the largest, its place, and its label."""
        probabilities = self.hparams.softmax(self.mods.output_mlp(self.encode_batch(wavs, wav_lens)))
        score, index = probabilities.max(dim=-1)
        return probabilities, score, index, self.hparams.label_encoder.decode_torch(index)

    def classify_file(self, path):
        """The same for one recording."""
        return self.classify_batch(self.load_audio(path)[None])
'''


def make_speechbrain_stand_in(folder, seed=0):
    """Write a tiny untrained network into `folder`, in the layout of the published emotion model.

    It runs where the real one cannot be fetched: the same files, calls and shapes. Its answers are chance, and its
    ``hyperparams.yaml`` says so.

    Parameters
    ----------
    folder : str or path
        Made if need be; replaced if it is there.
    seed : int
        For the random weights.

    Returns
    -------
    pathlib.Path
        The folder.

    Notes
    -----
    Lesson 08.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     sorted(path.name for path in make_speechbrain_stand_in(f"{base}/stand-in").iterdir() if path.is_file())
    ['custom_interface.py', 'hyperparams.yaml', 'label_encoder.txt', 'model.ckpt', 'wav2vec2.ckpt']
    """
    ensure_torchaudio(required=True)
    import torch
    from speechbrain.dataio.encoder import CategoricalEncoder
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
    from speechbrain.nnet.linear import Linear

    labels = CategoricalEncoder()
    labels.update_from_iterable(LABELS)
    with home.atomic_folder(folder) as aside, quiet_libraries(), torch.random.fork_rng():
        encoder = make_tiny_wav2vec2(aside / "wav2vec2", seed)
        torch.manual_seed(seed)
        lobe = Wav2Vec2(str(encoder), save_path=str(aside), output_norm=True, freeze=True)
        dims = lobe.model.config.hidden_size
        head = torch.nn.ModuleList([Linear(input_size=dims, n_neurons=len(LABELS), bias=False)])
        _write(aside, lobe, head, labels, "A tiny untrained stand-in: it has learnt nothing, its answers are chance.")
    return Path(folder)


def make_tiny_wav2vec2(folder, seed=0, dims=32, layers=2):
    """Write an untrained wav2vec 2.0 of `layers` layers into `folder`, as transformers saves one; give the folder back.

    Like the real one it reads raw samples at 16 kHz and gives a frame every 20 ms.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     sorted(path.name for path in make_tiny_wav2vec2(f"{base}/tiny").iterdir())
    ['config.json', 'model.safetensors', 'preprocessor_config.json']
    """
    ensure_torchaudio()
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    config = Wav2Vec2Config(
        hidden_size=dims,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * dims,
        conv_dim=(dims,) * 3,
        conv_kernel=(20, 8, 4),
        conv_stride=(20, 4, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        layerdrop=0.0,
    )
    with quiet_libraries(), torch.random.fork_rng():
        torch.manual_seed(seed)
        Wav2Vec2Model(config).save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return Path(folder)


def _write(folder, lobe, head, labels, note=""):
    """The five files of a published folder, for a Wav2Vec2 lobe, a list with one linear layer, and a label encoder."""
    import torch

    text = HYPERPARAMS.format(
        note=note, stand_in=bool(note), encoder_dim=lobe.model.config.hidden_size, n_labels=len(labels)
    )
    (folder / "hyperparams.yaml").write_text(text, encoding="utf-8")
    (folder / "custom_interface.py").write_text(INTERFACE, encoding="utf-8")
    labels.save(folder / "label_encoder.txt")
    torch.save(lobe.state_dict(), folder / "wav2vec2.ckpt")
    torch.save(head.state_dict(), folder / "model.ckpt")
