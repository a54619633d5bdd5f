"""Wrong answers to the exercises of lesson 04."""

WRONG = {
    "04.1": [
        lambda sizes: sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)),
        lambda sizes: sum(sizes),
        lambda sizes: (sizes[0] + 1) * sizes[1],
    ],
    "04.2": [
        lambda result: result.by("speaker").uar.nlargest(3).index.tolist(),
        lambda result: result.by("speaker").uar.index.tolist()[:3],
        lambda result: result.by("speaker").uar.nsmallest(3).index.tolist()[::-1],
        lambda result: result.by("speaker").uar.nsmallest(3),
    ],
    "04.3": [
        lambda uar, n_classes: uar - 1 / n_classes,
        lambda uar, n_classes: uar * n_classes,
        lambda uar, n_classes: max(0, (uar - 1 / n_classes) / (1 - 1 / n_classes)),
    ],
}
