# ---
# title: TODO
# minutes: 45
# datasets: [new-slug]
# ---

# %% [markdown]
# # Lab: TODO
#
# TODO: what the student will find out, in two sentences. The patients are **synthetic**.

# %% id="setup"
import pandas as pd

table = pd.read_csv("data/new-slug.csv")
table.head()

# %% [markdown]
# ## Task 1. Predict before you measure
#
# TODO: ask for the number that the lab will measure.

# %% id="predict" competency="R2"
prediction = None
### BEGIN SOLUTION
prediction = 0.1
### END SOLUTION

# %% id="test-predict" points=1 competency="R2"
# Test: a share between 0 and 1
assert isinstance(prediction, float) and 0 <= prediction <= 1, (
    f"prediction is {prediction!r}; write a share between 0 and 1, such as 0.1"
)

# %% [markdown]
# ## Task 2. Measure
#
# TODO: say what to compute, in words and with its name.

# %% id="rates" competency="R4"
def rates(rows):
    """The share of patients who came to harm, a pandas Series by group."""
    ### BEGIN SOLUTION
    return rows.groupby("group")["harmed"].mean()
    ### END SOLUTION


# %% id="test-rates" points=2 competency="R4"
# Test: one share for each group
found = rates(table)
assert list(found.index) == ["a", "b"], f"the groups are {list(found.index)}, expected ['a', 'b']"
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("new-slug", n=3000, seed=unseen(101)).observed
found = rates(fresh)
for group, rows in fresh.groupby("group"):
    assert abs(found[group] - rows["harmed"].mean()) < 1e-9, (
        f"in another cohort your share for {group} is {found[group]:.3f}, expected {rows['harmed'].mean():.3f}"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3. One number for the gap
#
# Return the largest difference between any two groups.

# %% id="gap" competency="R4"
def largest_gap(shares):
    """The largest difference between any two values of a pandas Series."""
    ### BEGIN SOLUTION
    return shares.max() - shares.min()
    ### END SOLUTION


# %% id="test-gap" points=2 competency="R4"
# Test: the two groups furthest apart, in any order
for shares, expected in (([0.1, 0.2, 0.5], 0.4), ([0.5, 0.1, 0.3], 0.4)):
    gap = largest_gap(pd.Series(shares))
    assert abs(gap - expected) < 1e-9, f"for the shares {shares} you return {gap:.2f}, expected {expected}"

# %% [markdown]
# ## Memo
#
# TODO: who asks, what must be decided, in at most 250 words. A person marks it, with this rubric.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R2"
# ### BEGIN SOLUTION
# TODO: one of several good answers.
# ### END SOLUTION
