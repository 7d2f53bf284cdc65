# ---
# title: What does the score predict?
# minutes: 45
# datasets: [cost-as-need]
# ---

# %% [markdown]
# # Lab: what does the score predict?
#
# A health system has a programme for its sickest patients: a nurse who calls, a pharmacist, a lift to the clinic. It has places for
# three patients in a hundred. A model reads last year's records and gives each patient a score; those with the highest scores get a
# place. Somebody had to decide *what the score should predict*. That column is called the **label**.
#
# You will train the same model on three labels, see who gets a place under each, and find out what an explanation of the model
# tells you about it. The patients are **synthetic**: a program drew them so that published averages by recorded race come out. No
# real person is in this file, and nothing here is medical advice.
#
# **How to work.** Run the cells from top to bottom with Shift + Enter. Where you see `# YOUR CODE HERE`, put your code in place of
# that line and of the line `raise NotImplementedError()` below it. The cells that begin with `# Test` check your work: if one
# complains, read its message, mend your cell, run both again. Of a long report in red, only the last lines are the message for
# you: scroll down to them. The tests that you see are not all: marking also tries your functions on other data.
#
# **Before you hand in**, choose *Kernel → Restart Kernel and Run All Cells*, then scroll from the top. Running stops at the first
# cell that fails; if you are stuck on one task, run the later cells one by one. Then save.
#
# You need about 45 minutes for tasks 1 to 8 if you know a little pandas, and 30 more for the memo.

# %% id="setup"
import logging
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# Libraries warn about one another here, not about your work.
warnings.filterwarnings("ignore")
logging.getLogger("shap").setLevel(logging.ERROR)
import shap
from fairlearn.metrics import MetricFrame, count, false_negative_rate, selection_rate
from scipy.stats import binomtest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RACES = ["White", "Black"]  # as recorded by the source
# What the model may look at: the year before.
FEATURES = [
    "age",
    "cost_before",
    "avoidable_cost_before",
    "visits_before",
    "emergency_before",
    "hospital_days_before",
    "conditions_before",
]
LABELS = ["cost", "avoidable_cost", "conditions"]  # what it may learn to predict: the year after
SEVERE = 5  # active chronic conditions from which we call a patient severely ill: our own cut


def interval(share, n):
    """Wilson's 95 % interval for a `share` of `n` patients."""
    return tuple(binomtest(round(share * n), int(n)).proportion_ci(method="wilson"))


# %% id="data"
patients = pd.read_csv("data/cost-as-need.csv")
train = patients.sample(frac=0.5, random_state=0)  # the model learns from this half
test = patients.drop(train.index)  # and is judged on the other

# %% id="first-rows" display=true
patients.sample(4, random_state=226).set_index("patient_id").T  # four patients, a column each

# %% [markdown]
# In the file each row is one patient; above, four of them stand side by side. What ends in `_before` is known when the score is
# made. The rest comes from the year after:
#
# - `cost`: everything that was spent on the patient, in dollars;
# - `avoidable_cost`: the part spent on emergency visits and hospital stays, which good care might have prevented;
# - `conditions`: how many chronic conditions were active, as far as they were recorded.
#
# `recorded_race` is what the record says. The model never gets it. `systolic_bp` is the patient's blood pressure in the year after;
# no model gets that either.

# %% id="overview" display=true
averages = patients.groupby("recorded_race").mean(numeric_only=True).loc[RACES]
averages.drop(columns="patient_id").T.assign(ratio=lambda table: table["Black"] / table["White"]).round(2)

# %% [markdown]
# ## Task 1. Predict before you measure
#
# Of 100 patients in this file, about 12 are recorded as Black. *Of 100 patients who get a place, how many are recorded as Black if
# the model predicts total cost? Avoidable cost? Chronic conditions?* Write three shares between 0 and 1 (12 of 100 is
# `0.12`, not `12` or `12%`). If you wrote guesses on the case page, type those. You are not marked on being right, only on
# committing yourself.

# %% id="predict" competency="R2"
# Write: prediction = {"cost": ..., "avoidable_cost": ..., "conditions": ...} with your numbers for the dots.
### BEGIN SOLUTION
prediction = {"cost": 0.12, "avoidable_cost": 0.12, "conditions": 0.12}
### END SOLUTION

# %% id="test-predict" points=1 competency="R2"
# Test: three shares between 0 and 1
for label in LABELS:
    guess = prediction.get(label)
    assert isinstance(guess, (int, float)) and 0 <= guess <= 1, (
        f"prediction['{label}'] is {guess!r}; write a number between 0 and 1, such as 0.12"
    )

# %% [markdown]
# ## Task 2. Look at the label before you train on it
#
# If cost stood for need, two equally ill patients would cost the same. Complete `spending_by_illness`: a table with one row for
# each number of `conditions`, from 0 to 4, and a row 5 for **five or more together**; one column for each `recorded_race`; in each
# field the **mean** `cost`.
#
# In pandas: `.clip(upper=5)` turns every number above 5 into 5. `table.groupby([first, second])["cost"].mean()` takes the mean in
# each combination; `first` and `second` may be names of columns, or a column itself, such as `table["age"]`. `.unstack()` at the
# end turns the second one into columns.

# %% id="spending" competency="R4"
def spending_by_illness(table):
    """Mean cost by number of conditions (rows 0 to 5, the last for 5 or more) and recorded race (columns)."""
    ### BEGIN SOLUTION
    illness = table["conditions"].clip(upper=5)
    return table.groupby([illness, "recorded_race"])["cost"].mean().unstack()
    ### END SOLUTION


# %% id="test-spending" points=3 competency="R4"
# Test: an example small enough to do by hand
example = pd.DataFrame(
    {
        "conditions": [0, 0, 5, 6, 9, 1, 1, 5],
        "recorded_race": ["White"] * 5 + ["Black"] * 3,
        "cost": [100.0, 300.0, 1000.0, 2000.0, 6000.0, 50.0, 70.0, 900.0],
    }
)
found = spending_by_illness(example)
assert set(found.columns) == {"White", "Black"} and 5 in found.index, (
    f"your table has the columns {list(found.columns)} and the rows {list(found.index)}; expected one column for each recorded race"
    " and rows named by the number of conditions"
)
assert abs(found.loc[5, "White"] - 3000) < 1e-6, (
    f"three White patients have 5, 6 and 9 conditions and cost 1,000, 2,000 and 6,000: 3,000 on average in row 5. Yours is"
    f" {found.loc[5, 'White']:,.0f}. Row 5 stands for five or more; take the mean"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("cost-as-need", n=2000, seed=unseen(201)).observed
found, ill = spending_by_illness(fresh), fresh["conditions"].clip(upper=5)
for (row, race), costs in fresh["cost"].groupby([ill, fresh["recorded_race"]]):
    assert abs(found.loc[row, race] - costs.mean()) < 1e-6 * (1 + costs.mean()), (
        f"in another cohort your mean cost at {row} conditions for {race} is {found.loc[row, race]:,.0f}, expected"
        f" {costs.mean():,.0f}: the mean over all patients of that race in that row"
    )
### END HIDDEN TESTS

# %% id="label-audit" display=true
spending = spending_by_illness(patients)[RACES]
display(spending.assign(ratio=spending["Black"] / spending["White"]).round(2))
fig, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for race, line in zip(RACES, ("o-", "s--")):
    axis.plot(spending.index, spending[race], line, label=f"{race}, as recorded")
axis.set(xlabel="active chronic conditions (5: five or more)", ylabel="mean cost in the year ($)", ylim=(0, None))
axis.legend()
plt.show()

# %% [markdown]
# At the same number of conditions, less was spent on Black patients. Nobody has trained a model yet: **the difference is in the
# label.** In this synthetic world it has one cause, barriers to care: distance, unpaid time off work, gaps in insurance, distrust
# that was earned. Who cannot reach a clinic costs little, until the ambulance comes. How steep the two lines are is our
# assumption; the averages of the whole groups follow a published table (Obermeyer and others, 2019).
#
# ## Task 3. One model, three labels
#
# Complete `train_on`: fit a pipeline of `StandardScaler` and `LinearRegression` on the columns `FEATURES`, to predict the column
# named by `label`. `make_pipeline(StandardScaler(), ...)` builds it (mind the brackets: each step is made, not only named);
# `.fit(inputs, truth)` trains it; return the fitted pipeline. A linear regression is a weighted sum: so many dollars more for each
# visit, each hospital day, and so on.

# %% id="train" competency="R1"
def train_on(table, label):
    """A pipeline fitted on the columns FEATURES of `table`, predicting the column `label`."""
    ### BEGIN SOLUTION
    return make_pipeline(StandardScaler(), LinearRegression()).fit(table[FEATURES], table[label])
    ### END SOLUTION


cost_model = train_on(train, "cost")

# %% id="test-train" points=2 competency="R1"
# Test: the right columns go in
used = list(getattr(cost_model[0], "feature_names_in_", []))
assert used == FEATURES, f"the model was fitted on {used or 'unnamed columns'}; fit it on table[FEATURES]"
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("cost-as-need", n=1000, seed=unseen(202)).observed
for label in LABELS:
    expected = LinearRegression().fit(fresh[FEATURES], fresh[label]).predict(fresh[FEATURES])
    predicted = np.asarray(train_on(fresh, label).predict(fresh[FEATURES]))
    off = np.abs(predicted - expected).max()
    assert off < 1e-4 * expected.std(), (
        f"in another cohort your model for '{label}' predicts {predicted.mean():,.2f} on average, expected {expected.mean():,.2f}, and"
        f" single patients differ by up to {off:,.2f}. Fit it to table[label], the year after, without changing it"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4. Three places for a hundred patients
#
# Complete `most_at_risk`: for an array of scores, an array of True and False of the same length, True for the patients at or
# above the quantile that leaves `share` above it. For 3 % that is the 97th percentile: `np.quantile(score, 0.97)`. `share` may be
# another number too.

# %% id="select" competency="R1"
def most_at_risk(score, share=0.03):
    """True for the `share` of patients with the highest scores."""
    ### BEGIN SOLUTION
    return score >= np.quantile(score, 1 - share)
    ### END SOLUTION


# %% id="test-select" points=2 competency="R1"
# Test: the highest scores, and as many as there are places
chosen = np.asarray(most_at_risk(np.array([5.0, 1.0, 9.0, 2.0, 7.0, 3.0, 4.0, 0.0, 8.0, 6.0]), share=0.2))
assert chosen.shape == (10,) and set(np.flatnonzero(chosen)) == {2, 8}, (
    f"of ten patients with the scores 5, 1, 9, 2, 7, 3, 4, 0, 8, 6, a share of 0.2 are the two with 9 and 8, at the positions 2"
    f" and 8. You chose the positions {np.flatnonzero(chosen).tolist()}. Use `share`, not 0.03"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

score = np.random.default_rng(unseen(203)).exponential(size=1000)
for share in (0.03, 0.1):
    chosen = np.asarray(most_at_risk(score, share)).astype(bool)
    assert abs(chosen.sum() - 1000 * share) <= 1, (
        f"of 1,000 other scores you choose {chosen.sum()} for a share of {share}, expected {1000 * share:.0f}. A quantile counts"
        " patients; it is not a fraction of the highest score"
    )
    assert score[chosen].min() >= score[~chosen].max(), "you leave out a patient whose score is higher than that of one you chose"
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5. Who gets a place?
#
# Complete `who_is_selected`: a table with one row for each recorded race and three columns:
#
# - `count`: how many patients there are;
# - `selection_rate`: the share of them who get a place;
# - `false_negative_rate`: of the **severely ill** (`SEVERE` or more conditions), the share who get **no** place.
#
# Use fairlearn's `MetricFrame`, which computes any metric for each group:
# `MetricFrame(metrics={"name": function, ...}, y_true=..., y_pred=..., sensitive_features=...).by_group` is a table with one row a
# group. The three functions are imported, under these names. `y_true` and `y_pred` are True or False
# for each patient: severely ill or not, chosen or not. So `y_true` is a comparison, not the number of conditions itself.

# %% id="who" competency="fairness"
def who_is_selected(table, chosen):
    """By recorded race: count, selection_rate, false_negative_rate. `chosen` is True or False for each row."""
    ### BEGIN SOLUTION
    return MetricFrame(
        metrics={"count": count, "selection_rate": selection_rate, "false_negative_rate": false_negative_rate},
        y_true=table["conditions"] >= SEVERE,
        y_pred=chosen,
        sensitive_features=table["recorded_race"],
    ).by_group
    ### END SOLUTION


# %% id="test-who" points=3 competency="fairness"
# Test: an example small enough to count by hand
example = pd.DataFrame({"conditions": [5, 6, 7, 8, 0, 1, 4, 9], "recorded_race": ["White"] * 6 + ["Black"] * 2})
found = who_is_selected(example, np.array([True, False, False, False, True, False, False, True]))
assert {"count", "selection_rate", "false_negative_rate"} <= set(found.columns), (
    f"the table has the columns {list(found.columns)}; it needs count, selection_rate and false_negative_rate"
)
assert abs(found.loc["White", "false_negative_rate"] - 0.75) < 1e-9, (
    f"four White patients have five or more conditions, and three of them get no place: the false negative rate is 0.75, yours is"
    f" {found.loc['White', 'false_negative_rate']:.2f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("cost-as-need", n=3000, seed=unseen(204)).observed
lucky = np.random.default_rng(unseen(205)).random(3000) < 0.3
found = who_is_selected(fresh, lucky)
for race in RACES:
    here, severe = (fresh["recorded_race"] == race).to_numpy(), (fresh["conditions"] >= SEVERE).to_numpy()
    expected = {
        "count": here.sum(),
        "selection_rate": lucky[here].mean(),
        "false_negative_rate": (~lucky[here & severe]).mean(),
    }
    for metric, value in expected.items():
        assert abs(found.loc[race, metric] - value) < 1e-9, (
            f"in another cohort your {metric} for {race} is {found.loc[race, metric]:.3f}, expected {value:.3f}. y_true is"
            " conditions >= SEVERE, y_pred is chosen; use every row"
        )
### END HIDDEN TESTS

# %% id="places" display=true
score = cost_model.predict(test[FEATURES])
chosen = most_at_risk(score)
table = who_is_selected(test, chosen).loc[RACES]
severe = test[test["conditions"] >= SEVERE].groupby("recorded_race").size()
bounds = [interval(share, n) for share, n in zip(table["false_negative_rate"], severe.loc[RACES])]
table = table.assign(severely_ill=severe, low=[low for low, _ in bounds], high=[high for _, high in bounds])
placed = test[chosen].groupby("recorded_race")["conditions"].agg(["size", "mean", "sem"]).loc[RACES]
placed = placed.assign(low=placed["mean"] - 1.96 * placed["sem"], high=placed["mean"] + 1.96 * placed["sem"])
display(table.astype({"count": int}).round(3))
display(placed.rename(columns={"size": "places", "mean": "mean conditions"}).drop(columns="sem").round(2))

# %% [markdown]
# (`low` and `high` are 95 % intervals: of the false negative rate in the first table, of the mean in the second. Only 59 Black
# patients have a place, so the last interval is wide.)
#
# The first table holds a riddle: the selection rates are nearly alike, and many would call that fair. Look at the other columns.
# How many patients of each group are severely ill, and how many of them go without? And in the second table: how ill were those
# who got one? Which of these numbers one calls "the gap" decides what one sees.
#
# ## Task 6. The same score, the same need?
#
# A score is fair to need if patients with the same score are equally ill. Complete `by_decile`: cut the patients, **all
# together**, by their score into ten groups of equal size, 1 the lowest and 10 the highest. Return a table with the rows 1 to 10,
# one column for each recorded race, and in each field the mean of `column`.
#
# `pd.qcut(score, 10, labels=False)` numbers ten equal groups from 0 to 9. It gives an array, which may stand in a `groupby` like
# a column, as in task 2.

# %% id="decile" competency="R4"
def by_decile(table, score, column):
    """Mean of `column` by decile of `score` (rows 1 to 10) and recorded race (columns). `score` is an array."""
    ### BEGIN SOLUTION
    decile = pd.qcut(score, 10, labels=False) + 1
    return table.groupby([decile, "recorded_race"])[column].mean().unstack()
    ### END SOLUTION


# %% id="test-decile" points=3 competency="R4"
# Test: twenty patients, two in each decile
example = pd.DataFrame({"conditions": range(20), "recorded_race": ["White"] * 12 + ["Black"] * 8}, index=range(100, 120))
found = by_decile(example, np.arange(20.0), "conditions")
assert sorted(found.index) == list(range(1, 11)), f"your rows are {list(found.index)}; expected 1 to 10"
assert abs(found.loc[10, "Black"] - 18.5) < 1e-9 and abs(found.loc[1, "White"] - 0.5) < 1e-9, (
    "the two highest scores of all belong to Black patients with 18 and 19 conditions: in decile 10 the mean is 18.5, yours"
    f" {found.loc[10, 'Black']:.2f}. The two lowest belong to White patients with 0 and 1: 0.5, yours {found.loc[1, 'White']:.2f}. Cut"
    " all patients together, by score"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("cost-as-need", n=2000, seed=unseen(206)).observed
# Spread so that deciles of each race alone would differ from deciles of all.
centre = fresh["conditions"] + 2 * (fresh["recorded_race"] == "Black")
score = np.random.default_rng(unseen(207)).normal(centre.to_numpy(), 3)
for column in ("conditions", "cost"):
    found = by_decile(fresh, score, column)
    assert sorted(found.index) == list(range(1, 11)), (
        f"in another cohort your rows are {list(found.index)}, expected 1 to 10: ten groups of equal size, not equal steps of score"
    )
    place = 1 + (10 * np.argsort(np.argsort(score))) // len(score)
    for (decile, race), values in fresh[column].groupby([place, fresh["recorded_race"]]):
        assert abs(found.loc[decile, race] - values.mean()) < 1e-6 * (1 + values.mean()), (
            f"in another cohort your mean of {column} in decile {decile} for {race} is {found.loc[decile, race]:,.2f}, expected"
            f" {values.mean():,.2f}. Cut all patients together, then group by decile and race"
        )
### END HIDDEN TESTS

# %% id="two-questions" display=true
score = cost_model.predict(test[FEATURES])
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for axis, column, title in zip(axes, ("cost", "conditions"), ("what the score predicts", "what the programme is for")):
    means = by_decile(test, score, column)
    for race, line in zip(RACES, ("o-", "s--")):
        axis.plot(means.index, means[race], line, label=f"{race}, as recorded")
    axis.set(title=title, xlabel="decile of the cost score", ylabel=f"mean {column}", ylim=(0, None))
axes[0].legend()
plt.show()
by_decile(test, score, "conditions")[RACES].round(2)

# %% [markdown]
# On the left the lines lie close together: the score keeps its promise about *cost* for both groups. On the right they part: at
# the same score, Black patients are more ill. The model is right about the wrong thing.
#
# ## Task 7. Ask for an explanation
#
# SHAP values share out a prediction among the inputs: by how many dollars did each move this patient's predicted cost away from the
# average? A patient's values add up to the predicted cost minus the average prediction for the *background*, the patients with whom
# one compares. Complete `explain`: a table with one row for each row of `table`, one column for each of `FEATURES` in that order,
# and the index of `table`.
#
# For a linear model `explainer = shap.LinearExplainer(a_model, background_data)` is exact, and `explainer(data).values` has one column a
# feature. Mind that the pipeline has two steps: `pipeline[-1]` is the model that you explain, and it only ever sees *scaled* numbers.
# Scale **both** the background and the table with `pipeline[0].transform(...[FEATURES])`. `pd.DataFrame(values, index=...,
# columns=...)` makes the table.

# %% id="shap" competency="explainability"
def explain(pipeline, background, table):
    """SHAP values: a DataFrame with the index of `table` and the columns FEATURES."""
    ### BEGIN SOLUTION
    explainer = shap.LinearExplainer(pipeline[-1], pipeline[0].transform(background[FEATURES]))
    values = explainer(pipeline[0].transform(table[FEATURES])).values
    return pd.DataFrame(values, index=table.index, columns=FEATURES)
    ### END SOLUTION


# %% id="test-shap" points=2 competency="explainability"
# Test: one value for each patient and each feature
rows = test.iloc[:50]
values = explain(cost_model, train.head(100), rows)
assert list(values.columns) == FEATURES and values.index.equals(rows.index), (
    f"for 50 patients you return the columns {list(values.columns)} and {len(values)} rows; expected the columns FEATURES and the"
    " index of the table"
)
shared_out = cost_model.predict(rows[FEATURES]) - cost_model.predict(train.head(100)[FEATURES]).mean()
off = np.abs(values.sum(axis=1) - shared_out).max()
assert off < 1, (
    "the values of each patient must add up to the predicted cost minus the average prediction for the background; yours are off"
    f" by up to {off:,.0f} dollars. Did you scale both, background and table?"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

# For a linear model, a SHAP value is the coefficient times the distance of the scaled input from the background's mean. SHAP keeps
# at most 100 rows of a background.
fresh = generate("cost-as-need", n=1000, seed=unseen(208)).observed
few = fresh.iloc[:100]
other = make_pipeline(StandardScaler(), LinearRegression()).fit(fresh[FEATURES], fresh["avoidable_cost"])
scaled = other[0].transform(few[FEATURES])
expected = other[-1].coef_ * (scaled - scaled.mean(axis=0))
values = explain(other, few, few)
off = np.abs(values.to_numpy() - expected).max()
assert off < 1e-6 * np.abs(expected).max(), (
    f"for another model your values are off by up to {off:,.0f} dollars. Explain pipeline[-1]; send the background and the table"
    " through pipeline[0].transform"
)
### END HIDDEN TESTS

# %% id="explained" display=true
values = explain(cost_model, train, test)
strength = values.abs().groupby(test["recorded_race"]).mean().loc[RACES].T
strength.plot.barh(figsize=(7, 3.6), xlabel="mean push on the predicted cost ($), up or down", ylabel="")
plt.legend(title="race as recorded", reverse=True)  # in the order of the bars
plt.tight_layout()
plt.show()
swapped = test.assign(recorded_race=test["recorded_race"].map({"White": "Black", "Black": "White"}))
moved = np.abs(cost_model.predict(swapped[FEATURES]) - cost_model.predict(test[FEATURES])).max()
print(f"If every patient's recorded race were swapped, the largest change of a score would be {moved:.0f} dollars.")

# %% [markdown]
# A reviewer who reads this plot sees sober inputs, no race, and nothing that changes when race is swapped. All of this is true.
# (Visits weigh most; only someone who knows already who can get to a clinic will stop at that.) The explanation says how the inputs
# lead to the *predicted cost*. Whether cost was the right thing to predict is a question that it cannot even ask. **An explanation
# does not audit a label.**
#
# ## Task 8. Compare the labels
#
# Complete `compare_labels`. For each label in `LABELS`: train on `known` with your `train_on`, score the rows of `new`, choose with
# your `most_at_risk`. Return a table with one row for each label, in this order, and four columns:
#
# - `black_share`: of the patients who get a place, the share recorded as Black;
# - `cost`, `avoidable_cost`, `conditions`: of each of these, summed over **all** patients in `new`, the share that falls on those
#   who get a place. If they bear 15 % of all costs, it is 0.15.
#
# One way: begin with `lines = {}`; in a loop over the labels, set `lines[label] = {"black_share": ..., "cost": ...}` and so on;
# `pd.DataFrame(lines).T` then has one row a label. `new[chosen]` are the rows of those chosen, and the mean of a column of True and
# False is a share.

# %% id="compare" competency="R4"
def compare_labels(known, new):
    """One row for each label: who gets a place, and how much cost and illness the places reach."""
    ### BEGIN SOLUTION
    rows = {}
    for label in LABELS:
        chosen = most_at_risk(train_on(known, label).predict(new[FEATURES]))
        rows[label] = {"black_share": (new.loc[chosen, "recorded_race"] == "Black").mean()}
        rows[label] |= {column: new.loc[chosen, column].sum() / new[column].sum() for column in LABELS}
    return pd.DataFrame(rows).T
    ### END SOLUTION


# %% id="test-compare" points=4 competency="R4"
# Test: three rows, four shares in each
few = patients.head(2000)
found = compare_labels(few.head(1000), few.tail(1000))
assert list(found.index) == LABELS, f"your rows are {list(found.index)}; expected one for each of {LABELS}"
assert {"black_share", *LABELS} <= set(found.columns), (
    f"your columns are {list(found.columns)}; expected black_share, cost, avoidable_cost and conditions"
)
shares = found[["black_share", *LABELS]].to_numpy(float)
assert ((shares >= 0) & (shares <= 1)).all(), (
    f"your numbers run from {shares.min():.2f} to {shares.max():.2f}; all are shares between 0 and 1: a sum over the patients who get"
    " a place, divided by the same sum over all patients in new"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("cost-as-need", n=2500, seed=unseen(209)).observed
known, new = fresh.iloc[:1000], fresh.iloc[1000:]
found = compare_labels(known, new)
for label in LABELS:
    chosen = np.asarray(most_at_risk(np.asarray(train_on(known, label).predict(new[FEATURES])))).astype(bool)
    share = (new["recorded_race"] == "Black")[chosen].mean()
    assert abs(found.loc[label, "black_share"] - share) < 1e-9, (
        f"in another cohort, trained on '{label}', your black_share is {found.loc[label, 'black_share']:.3f}, expected {share:.3f}: the"
        " share recorded as Black among the patients of new who get a place, not the share of Black patients who get one"
    )
    for column in LABELS:
        reached = new[column][chosen].sum() / new[column].sum()
        assert abs(found.loc[label, column] - reached) < 1e-9, (
            f"in another cohort, trained on '{label}', your places reach {found.loc[label, column]:.3f} of all {column}, expected"
            f" {reached:.3f}: the sum over the chosen patients of new, divided by the sum over all patients of new"
        )
### END HIDDEN TESTS

# %% id="labels" display=true
compared = compare_labels(train, test)
places = int(most_at_risk(cost_model.predict(test[FEATURES])).sum())
bounds = [interval(share, places) for share in compared["black_share"]]
compared = compared.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])
compared = compared.assign(guess=pd.Series(prediction))
print(f"{places} places; {(test['recorded_race'] == 'Black').mean():.1%} of the patients are recorded as Black")
names = {"black_share": "Black share of places", "low": "95 % interval from", "high": "to", "guess": "your prediction"}
names |= {label: f"share of all {label}" for label in LABELS}
compared[list(names)].rename(columns=names).rename_axis("trained on").round(3)

# %% [markdown]
# Read the table as the person who pays would, then as a patient just below the line would. What does each label gain, what does it
# give up, and for whom?
#
# **Is the new label innocent?** The number of conditions is not illness itself. It is what somebody wrote down. Blood pressure is
# measured on whoever is in the room; look at it in patients with the *same* recorded number of conditions:

# %% id="new-label" display=true
recorded = patients.assign(conditions=patients["conditions"].clip(upper=5))
pressure = recorded.groupby(["conditions", "recorded_race"])["systolic_bp"].agg(["mean", "sem", "size"]).unstack()
fig, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for race, marker, shift in zip(RACES, "os", (-0.06, 0.06)):
    mean, half = pressure["mean"][race], 1.96 * pressure["sem"][race]
    axis.errorbar(mean.index + shift, mean, yerr=half, fmt=marker, capsize=3, label=f"{race}, as recorded")
axis.set(xlabel="recorded chronic conditions (5: five or more)", ylabel="mean systolic pressure (mmHg)")
axis.legend()
plt.show()

# %% [markdown]
# Even at the same count the pressures differ: here, because barriers keep some conditions from being diagnosed and others from being
# treated. How much is our assumption; that a diagnosis needs a doctor is not. A better label is still a label.

# %% [markdown] level="postgraduate"
# ## Extension: mix two labels
#
# Must one choose? Below, two scores are mixed: `weight` 0 is cost alone, 1 is conditions alone. Run it, then change it: mix in
# avoidable cost, or double the number of places (`share`). Which mixture would you defend before the person who pays, and which
# before a patient? Is there a weight at which the places of both groups go to equally ill patients? The columns `±` are 1.96
# standard errors of the mean beside them, half a 95 % interval: with at most about 100 Black patients, a few tenths mean
# nothing.

# %% display=true
# Try things here; nothing below depends on it.
scores = {label: train_on(train, label).predict(test[FEATURES]) for label in ("cost", "conditions")}
standard = {label: (score - score.mean()) / score.std() for label, score in scores.items()}
lines = {}
for weight in (0, 0.25, 0.5, 0.75, 1):
    mixed = (1 - weight) * standard["cost"] + weight * standard["conditions"]
    got = test[most_at_risk(mixed, share=0.03)]
    black = got["recorded_race"] == "Black"
    line = {"places to Black patients": black.mean(), "of all cost": got["cost"].sum() / test["cost"].sum()}
    for race in RACES:
        ill = got["conditions"][got["recorded_race"] == race]
        line |= {f"conditions, {race}": ill.mean(), f"± {race}": 1.96 * ill.sem()}
    lines[weight] = line
pd.DataFrame(lines).T.round(2).rename_axis("weight")

# %% [markdown]
# ## Memo
#
# Write to the board that pays for the programme, in **at most 250 words**. *What should the score predict from next year?*
#
# 1. *Cost, as now*, with a correction where places are given out.
# 2. *Illness* (active chronic conditions) or avoidable cost, even if the places then reach less of the spending.
# 3. *Nothing decides alone:* end automatic enrolment; clinicians refer, with a target for each group that is reviewed every year.
#
# Say what you decide, give two numbers from this lab with their uncertainty, say who gains and who loses, and which principles
# collide, argue the strongest case **against** your choice, and name what you would monitor and what would change your mind. A
# person marks the memo, with this rubric; each row is worth 0 to 3 points.
#
# `interval(share, n)` works for a share **of n patients**: for a false negative rate, n is the number of severely ill; for the
# Black share of places, the number of places. It does not work for a share of dollars or of conditions.
#
# Your memo goes into the cell below the rubric: double-click it to edit it, and press Shift + Enter when you have written it.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R2"
# ### BEGIN SOLUTION
# *One of several good answers.*
#
# To the board. The score predicts cost, and does so equally well for both groups. But equally ill patients do not cost the same:
# whoever meets barriers to care is cheap until it is too late. Under cost, Black patients with a place had 4.8 conditions (4.0 to 5.6),
# White patients 3.8 (3.5 to 4.0). Of 450 places, 13 % (10 to 17) went to Black patients, who were 151 of the 637 severely ill. The
# data are synthetic, from one invented system; ours must be measured.
#
# I recommend: train on chronic conditions from next year. 22 % of places (19 to 27) would go to Black patients, and the places
# would reach 14 % of all illness instead of 9 %. No one's race need be used.
#
# The strongest case against me: the places would reach 10 % of spending instead of 16 %. If savings pay for the nurses, fewer places
# may follow, and all lose. And conditions must be diagnosed to be counted: at equal counts, blood pressure was still higher in Black
# patients. Stewardship pulls towards cost, justice towards need; I let justice prevail while the programme can be paid for.
#
# Patients below the line bear the present rule and were not asked. Give two of them seats on this board.
#
# We publish each quarter, by recorded race: illness of those admitted, the severely ill without a place, hospital stays. If savings
# do not cover two thirds of the nurses by 1 December, I will support mixing in avoidable cost.
# ### END SOLUTION

# %% [markdown] id="end"
# When the memo stands above, you are done. Restart and run all, save, then hand in.
