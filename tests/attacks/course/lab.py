# ---
# title: The target of the attack suite
# minutes: 10
# datasets: [target]
# ---

# %% [markdown]
# # Lab: a target
#
# Every kind of answer that a lab of the course asks for is here once, each tested as strictly as a lab should.

# %% id="setup"
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

patients = pd.read_csv("data/target.csv")

# %% [markdown]
# ## Task 1. A number
#
# `mean_severity`: the mean of the column `severity`.

# %% id="mean" competency="R4"
mean_severity = None
### BEGIN SOLUTION
mean_severity = patients["severity"].mean()
### END SOLUTION

# %% id="test-mean" points=1 competency="R4"
# Test: the mean over all patients
assert isinstance(mean_severity, float), f"mean_severity is {mean_severity!r}; it must be a number"
assert abs(mean_severity - patients["severity"].mean()) < 1e-9, (
    f"mean_severity is {mean_severity:.4f}, expected {patients['severity'].mean():.4f}"
)

# %% [markdown]
# ## Task 2. A table
#
# `rates`: one row for each `group`, the columns `patients` (how many) and `rate` (the share that was harmed).

# %% id="rates" competency="R4"
### BEGIN SOLUTION
rates = patients.groupby("group")["harmed"].agg(patients="size", rate="mean")
### END SOLUTION

# %% id="test-rates" points=2 competency="R4"
# Test: both columns, for both groups
expected = patients.groupby("group")["harmed"].agg(patients="size", rate="mean")
assert list(rates.columns) == ["patients", "rate"], f"the columns are {list(rates.columns)}, expected patients and rate"
pd.testing.assert_frame_equal(rates, expected, check_names=False, check_dtype=False, obj="your table of rates")
np.testing.assert_allclose(rates["rate"].to_numpy(float), expected["rate"], err_msg="the rate is the share harmed")
assert rates["patients"].sum() == len(patients), f"your groups hold {rates['patients'].sum()} patients in all"

# %% [markdown]
# ## Task 3. A function
#
# `largest_gap`: the largest difference between any two values of a pandas Series.


# %% id="gap" competency="R4"
def largest_gap(shares):
    """The largest difference between any two values of a pandas Series."""
    ### BEGIN SOLUTION
    return shares.max() - shares.min()
    ### END SOLUTION


# %% id="test-gap" points=3 competency="R4"
# Test: the two values furthest apart, in any order
gap = largest_gap(pd.Series([0.1, 0.5, 0.2]))
assert abs(gap - 0.4) < 1e-9, f"for the shares 0.1, 0.5 and 0.2 you return {gap:.2f}, expected 0.40"
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen  # noqa: E402

hidden = "canary-of-the-hidden-tests"
for number in (201, 202, 203):
    shares = generate("target", n=50, seed=unseen(number)).observed["severity"]
    expected = max(shares) - min(shares)
    gap = largest_gap(shares)
    assert abs(gap - expected) < 1e-9, f"for other shares you return {gap:.2f}, expected {expected:.2f}"
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4. A fitted model
#
# `model`: a `LinearRegression` fitted on `patients[["severity"]]` that predicts whether the patient was harmed.

# %% id="model" competency="R1"
### BEGIN SOLUTION
model = LinearRegression().fit(patients[["severity"]], patients["harmed"].astype(float))
### END SOLUTION

# %% id="test-model" points=2 competency="R1"
# Test: the right column, and what the model says of new patients
assert list(model.feature_names_in_) == ["severity"], "fit the model on patients[['severity']]"
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen  # noqa: E402

hidden = "canary-of-the-hidden-tests"
fresh = generate("target", n=40, seed=unseen(204)).observed
slope, level = np.polyfit(patients["severity"], patients["harmed"].astype(float), 1)
error = np.abs(model.predict(fresh[["severity"]]) - (level + slope * fresh["severity"].to_numpy())).max()
assert error < 1e-6, f"on new patients your predictions are off by up to {error:.3f}"
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5. A function that reads the lab's table
#
# `patients_above`: how many patients in `data/target.csv` have a severity of more than `limit`.


# %% id="count" competency="R4"
def patients_above(limit):
    """How many patients in data/target.csv have a severity of more than `limit`."""
    ### BEGIN SOLUTION
    return int((pd.read_csv("data/target.csv")["severity"] > limit).sum())
    ### END SOLUTION


# %% id="test-count" points=2 competency="R4"
# Test: the file is counted again for each limit
found, expected = patients_above(0), int((patients["severity"] > 0).sum())
assert found == expected, f"above 0 you count {found}, expected {expected}"
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen  # noqa: E402

for limit in np.random.default_rng(unseen(205)).normal(size=5):
    found, expected = patients_above(limit), int((patients["severity"] > limit).sum())
    assert found == expected, f"above {limit:.2f} you count {found}, expected {expected}"
### END HIDDEN TESTS

# %% [markdown]
# ## Memo
#
# A person marks it, with this rubric.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R2"
# ### BEGIN SOLUTION
# One of several good answers.
# ### END SOLUTION
