"""First calls that are slow, made once before any kernel is forked.

A library's first call compiles, caches fonts or builds tables. Only libraries that are imported already are warmed,
so that a lab which uses none of them pays nothing.
"""

from __future__ import annotations

import io
import sys
import warnings


def up() -> None:
    """Warm whatever is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library, warm in FIRST_CALLS.items():
            if library in sys.modules:
                warm()


def _matplotlib() -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib import pyplot
    from matplotlib_inline.backend_inline import configure_inline_support

    pyplot.switch_backend("module://matplotlib_inline.backend_inline")
    configure_inline_support(InteractiveShell.instance(), "module://matplotlib_inline.backend_inline")
    figure, axis = pyplot.subplots(layout="constrained")
    axis.errorbar([1, 2], [1, 2], xerr=[0.1, 0.2], label="a")
    axis.legend()
    axis.set(title="a", xlabel="b")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    pyplot.close("all")


def _example():
    import numpy
    import pandas

    rng = numpy.random.default_rng(0)
    table = pandas.DataFrame(rng.random((60, 2)), columns=["a", "b"])
    return table, table["a"] > 0.5, pandas.Series(["x", "y", "z"] * 20)


def _sklearn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table, truth, _ = _example()
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, truth)
    roc_auc_score(truth, fitted.predict_proba(table)[:, 1])
    table.groupby(truth).mean()


def _fairlearn() -> None:
    from fairlearn.metrics import MetricFrame, selection_rate

    _, truth, group = _example()
    frame = MetricFrame(metrics={"rate": selection_rate}, y_true=truth, y_pred=truth, sensitive_features=group)
    frame.difference()


def _shap() -> None:
    import shap
    from sklearn.linear_model import LogisticRegression

    table, truth, _ = _example()
    shap.LinearExplainer(LogisticRegression().fit(table.to_numpy(), truth), table.to_numpy())(table.to_numpy())


FIRST_CALLS = {"matplotlib.pyplot": _matplotlib, "sklearn": _sklearn, "fairlearn": _fairlearn, "shap": _shap}
