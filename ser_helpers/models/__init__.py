"""Numbers to emotions: every model here is a scikit-learn estimator, so one protocol can judge them all.

Classical models need no code of ours: a lesson writes ``make_pipeline(StandardScaler(), SVC())``. This room holds what
scikit-learn lacks: :class:`KerasClassifier`, a Keras network with ``fit``, ``predict_proba``, ``classes_`` and a seed.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__, submodules=["neural"], submod_attrs={"neural": ["KerasClassifier"]}
)
