"""Wrong answers to the exercises of lesson 12."""

import collections

import numpy as np


class _Detector:
    """A right detector, for the wrong ones to vary."""

    def __init__(self, model, window, hop):
        self.model, self.window, self.hop = model, window, hop
        self.buffer = np.zeros(0, np.float32)

    def process_chunk(self, chunk):
        self.buffer, answers = np.concatenate([self.buffer, chunk]), []
        while self.complete(answers):
            answers.append(self.model(self.buffer[: self.window]))
            self.buffer = self.rest()
        return answers

    def complete(self, answers):
        return len(self.buffer) >= self.window

    def rest(self):
        return self.buffer[self.hop :]


class _First(_Detector):
    def process_chunk(self, chunk):
        answers = super().process_chunk(chunk)
        return answers[0] if answers else 0


class _NoneIfEmpty(_Detector):
    def process_chunk(self, chunk):
        return super().process_chunk(chunk) or None


class _LastOnly(_Detector):
    def process_chunk(self, chunk):
        return super().process_chunk(chunk)[-1:]


class _Forgetful(_Detector):
    def process_chunk(self, chunk):
        answers = super().process_chunk(chunk)
        self.buffer = np.zeros(0, np.float32)
        return answers


class _NoLoop(_Detector):
    def complete(self, answers):
        return super().complete(answers) and not answers


class _AtMostTwo(_Detector):
    def complete(self, answers):
        return super().complete(answers) and len(answers) < 2


class _TooLate(_Detector):
    def complete(self, answers):
        return len(self.buffer) > self.window


class _ByTheWindow(_Detector):
    def rest(self):
        return self.buffer[self.window :]


class _Ring:
    """A right ring buffer, but slow, for the wrong ones to vary."""

    def __init__(self, capacity):
        self.values, self.next = np.zeros(capacity, np.float32), 0

    def write(self, chunk):
        for value in chunk:
            self.values[self.next] = value
            self.next = (self.next + 1) % len(self.values)

    def last(self):
        return np.concatenate([self.values[self.next :], self.values[: self.next]])


class _List(_Ring):
    def __init__(self, capacity):
        self.capacity, self.values = capacity, []

    def write(self, chunk):
        self.values.extend(chunk)

    def last(self):
        return np.array(self.values)[-self.capacity :]


class _Deque(_List):
    def __init__(self, capacity):
        self.capacity, self.values = capacity, collections.deque(maxlen=capacity)


class _Joined(_Ring):
    def write(self, chunk):
        self.values = np.concatenate([self.values, chunk])[-len(self.values) :]


class _Unrolled(_Ring):
    def last(self):
        return self.values.copy()


class _NoWrap(_Ring):
    def write(self, chunk):
        self.values[self.next : self.next + len(chunk)] = chunk
        self.next += len(chunk)


class _View(_Ring):
    def last(self):
        self.values[:], self.next = super().last(), 0
        return self.values


class _NoResult(_Ring):
    def last(self):
        pass


class _Stuck(_Ring):
    def write(self, chunk):
        self.values[: len(chunk)] = chunk


def _quantised(weights, steps=127, largest=None, rounded=np.round, zeros=1.0):
    scale = (np.abs(weights).max() if largest is None else largest) / steps or zeros
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(rounded(weights / scale), -steps, steps).astype(np.int64).astype(np.int8), scale


WRONG = {
    "12.1": [
        lambda model, window, hop: "a detector",
        _First,
        _NoneIfEmpty,
        _LastOnly,
        _Forgetful,
        _NoLoop,
        _AtMostTwo,
        _TooLate,
        _ByTheWindow,
    ],
    "12.2": [lambda capacity: "a ring", _List, _Deque, _Joined, _Unrolled, _NoWrap, _View, _NoResult, _Stuck],
    "12.3": [
        lambda weights: _quantised(weights, rounded=np.trunc),
        lambda weights: _quantised(weights, zeros=0.0),
        lambda weights: _quantised(weights, steps=128),
        lambda weights: _quantised(weights, largest=weights.max() or 1.0),
        lambda weights: _quantised(weights, steps=1),
        lambda weights: _quantised(weights)[0],
        lambda weights: (_quantised(weights)[0].astype(float), _quantised(weights)[1]),
        lambda weights: (_quantised(weights)[0].ravel(), _quantised(weights)[1]),
        lambda weights: _quantised(weights)[::-1],
    ],
}
