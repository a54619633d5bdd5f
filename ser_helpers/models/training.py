"""The training loop of fine-tuning: warm-up, rates by layer, mixed precision, a stop when strangers gain nothing."""

import contextlib
import math
import time

import pandas as pd
import torch
from tqdm import tqdm

WARM_UP = 0.1
CLIP = 1.0


def train(
    network,
    arrays,
    numbers,
    loss,
    watch,
    *,
    groups,
    epochs,
    batch_size,
    patience,
    weight_decay,
    device,
    mixed,
    seed,
    progress,
):
    """Train a `TunedNetwork` in place and leave it with the weights of its best epoch; returns the history.

    Parameters
    ----------
    network : TunedNetwork
    arrays : list of array (frames, dims)
        Input of every utterance.
    numbers : list of int
        Which of them to train on.
    loss : callable
        ``loss(frames, embeddings, mask, numbers)`` of a batch, one number.
    watch : callable or None
        ``watch()`` after each epoch: a dict of scores on utterances that are not trained on, the first of them the one
        that decides (more is better).
    groups : list of dict
        As from ``TunedNetwork.groups``.
    patience : int
        Stop after so many epochs without a better score.
    device : str
    mixed : bool
        Compute in bfloat16 where that is safe.
    epochs, batch_size, weight_decay, seed, progress
        As in ``EncoderClassifier``.

    Returns
    -------
    DataFrame
        One row per epoch: ``loss``, what `watch` gives, ``seconds``.

    Notes
    -----
    AdamW (arXiv:1711.05101); rates rise over the first tenth of the steps and fall along half a cosine to 0. Behind
    ``EncoderClassifier``, Lesson 08.
    """
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)
    steps = epochs * max(1, round(len(numbers) / batch_size))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    trained = [parameter for group in groups for parameter in group["params"]]
    history, best = [], None
    with tqdm(total=epochs, desc="fine-tuning", unit="epoch", delay=1, leave=False, disable=not progress) as bar:
        for _ in range(epochs):
            begun = time.perf_counter()
            network.train()
            total = 0.0
            for part in _batches(numbers, batch_size, shuffle):
                x, mask = network.collate([arrays[number] for number in part], device)
                with autocast(device, mixed):
                    value = loss(*network(x, mask), mask, part)
                optimizer.zero_grad()
                value.backward()
                torch.nn.utils.clip_grad_norm_(trained, CLIP)
                optimizer.step()
                schedule.step()
                total += value.item() * len(part)
            network.eval()
            scores = watch() if watch else {}
            history.append({"loss": total / len(numbers), **scores, "seconds": time.perf_counter() - begun})
            bar.update()
            bar.set_postfix({name: f"{value:.3f}" for name, value in scores.items()})
            if scores:
                score = next(iter(scores.values()))
                if best is None or score > best[0]:
                    best = score, len(history), network.learnt()
                elif len(history) - best[1] >= patience:
                    break
    if best:
        network.load_state_dict(best[2], strict=False)
    return pd.DataFrame(history, index=pd.RangeIndex(1, len(history) + 1, name="epoch"))


def autocast(device, mixed):
    """Mixed precision in a ``with`` block, or nothing."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16) if mixed else contextlib.nullcontext()


def _rate(step, steps):
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def _batches(numbers, size, generator):
    """Random batches of nearly equal size, none of a single example, which has no deviation to standardise by."""
    order = torch.randperm(len(numbers), generator=generator).tolist()
    count = max(1, min(round(len(numbers) / size), len(numbers) // 2))
    return [[numbers[place] for place in order[start::count]] for start in range(count)]
