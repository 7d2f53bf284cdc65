# ---
# title: Who may go home?
# minutes: 65
# datasets: [asthma-paradox]
# ---

# %% [markdown]
# # Lab: who may go home?
#
# A hospital has thousands of records of patients with pneumonia: what was found at the door, who went to intensive care, who
# died. It wants a model that says at the door who is safe to be treated at home. You will train one that anybody can read and
# one that nobody can, find out what both have learnt about asthma, and ask what would happen to the patients whom they send
# home.
#
# The patients are **synthetic**: a program drew them so that the share who die matches a published study, and so that models
# learn from them what models learnt there. The program also knows what would have happened to each patient *with* and *without*
# intensive care. No hospital knows that, and you will not see it either; but your estimates are marked against it. No real person
# is in this file, and nothing here is medical advice.
#
# **How to work.** Run the cells from top to bottom with Shift + Enter. Where you see `# YOUR CODE HERE`, put your code in place
# of that line and of the line `raise NotImplementedError()` below it. The cells that begin with `# Test` check your work: if
# one complains, read its message, mend your cell, run both again. Of a long report in red, only the last lines are the message
# for you: scroll down to them. The tests that you see are not all: marking also tries your functions on other data.
#
# **Before you hand in**, choose *Kernel → Restart Kernel and Run All Cells*, then scroll from the top. Running stops at the first
# cell that fails; if you are stuck on one task, run the later cells one by one. Then save.
#
# You need about 65 minutes for tasks 1 to 8 if you know a little pandas, and 20 to 30 more for the memo.

# %% id="setup"
import logging
import warnings
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# Libraries warn about one another here, not about your work.
warnings.filterwarnings("ignore")
logging.getLogger("shap").setLevel(logging.ERROR)
import shap
from scipy.stats import binomtest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

# What is known when the patient stands at the door.
AT_THE_DOOR = [
    "age",
    "asthma",
    "inhaler",
    "heart_failure",
    "nursing_home",
    "confused",
    "respiratory_rate",
    "oxygen",
    "systolic_bp",
    "urea",
    "temperature",
]
WITH_ICU = [*AT_THE_DOOR, "icu"]  # and, in addition, whether the patient went to intensive care
HOME = 0.3  # the share of patients whom the hospital would like to treat at home


def interval(share, n):
    """Wilson's 95 % interval for a `share` of `n` patients."""
    return tuple(binomtest(round(share * n), int(n)).proportion_ci(method="wilson"))


def train_opaque(table, inputs):
    """Two hundred small decision trees, added up: more accurate, and nobody can read it."""
    trees = GradientBoostingClassifier(n_estimators=200, max_depth=3, subsample=0.3, random_state=0)
    return trees.fit(table[inputs], table["died"])


# %% id="data"
patients = pd.read_csv("data/asthma-paradox.csv")
train = patients.sample(frac=0.5, random_state=0)  # models learn from this half
test = patients.drop(train.index)  # and are judged on the other

# %% id="first-rows" display=true
patients.head().astype(object).T  # the first five, turned on their side so that every column can be seen

# %% [markdown]
# In the file each row is one patient (here, five of them stand side by side). In the columns that answer yes or no, 1 is yes and
# 0 is no.
#
# - *At the door:* `age`, `asthma`, `inhaler` (carries one), `heart_failure`, `nursing_home` (lives in one), `confused`,
#   `respiratory_rate`, `oxygen` (saturation in %), `systolic_bp`, `urea`, `temperature`.
# - *Afterwards:* `icu` (went to intensive care), `oxygen_day2` (saturation next morning), `died` (in hospital).

# %% id="overview" display=true
patients.drop(columns="patient_id").agg(["mean", "min", "max"]).T.round(2)

# %% [markdown]
# ## Task 1. Predict before you measure
#
# Asthma makes it harder to breathe through a pneumonia. In this file about 11 of 100 patients died. *Of 100 patients **with
# asthma**, how many died? Of 100 **others**? And of 100 patients with asthma, how many would have died if nobody had been sent to
# intensive care?* Write three shares between 0 and 1 (11 of 100 is `0.11`). You are not marked on being right, only on committing
# yourself.

# %% id="predict" competency="R2"
# Write: prediction = {"asthma": ..., "others": ..., "asthma_without_icu": ...} with your numbers for the dots.
### BEGIN SOLUTION
prediction = {"asthma": 0.14, "others": 0.11, "asthma_without_icu": 0.16}
### END SOLUTION

# %% id="test-predict" points=1 competency="R2"
# Test: three shares between 0 and 1
for name in ("asthma", "others", "asthma_without_icu"):
    guess = prediction.get(name)
    assert isinstance(guess, (int, float)) and 0 <= guess <= 1, (
        f"prediction['{name}'] is {guess!r}; write a number between 0 and 1, such as 0.11"
    )

# %% [markdown]
# ## Task 2. What the records say
#
# Complete `deaths_by`: a table with one row for each value of `column` and four columns:
#
# - `patients`: how many there are;
# - `died`: the share of them who died;
# - `low`, `high`: a 95 % interval for that share; call `interval(share, n)`, which is given to you, for each row.
#
# In pandas: `table.groupby(column)["died"].agg(["size", "mean"])` counts and averages; the mean of zeros and ones is a share.
# `.rename(columns={"size": "patients", "mean": "died"})` renames, `.assign(low=[...], high=[...])` adds columns, and
# `zip(found["died"], found["patients"])` walks through two columns at once: `bounds = [interval(share, n) for share, n in
# zip(...)]` is a list of pairs, and `[low for low, high in bounds]` takes the first of each.

# %% id="deaths" competency="R4"
def deaths_by(table, column):
    """Deaths by the values of `column`: a table with the columns patients, died, low, high."""
    ### BEGIN SOLUTION
    found = table.groupby(column)["died"].agg(["size", "mean"]).rename(columns={"size": "patients", "mean": "died"})
    bounds = [interval(share, n) for share, n in zip(found["died"], found["patients"])]
    return found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])
    ### END SOLUTION


# %% id="test-deaths" points=3 competency="R4"
# Test: an example small enough to count by hand
example = pd.DataFrame({"asthma": [0, 0, 0, 0, 1, 1], "died": [0, 1, 0, 0, 0, 1]})
found = deaths_by(example, "asthma")
assert {"patients", "died", "low", "high"} <= set(found.columns), (
    f"the table has the columns {list(found.columns)}; it needs patients, died, low and high"
)
assert abs(found.loc[0, "died"] - 0.25) < 1e-9 and found.loc[0, "patients"] == 4, (
    f"of four patients without asthma one died: patients 4, died 0.25. You have {found.loc[0, 'patients']:.0f} and"
    f" {found.loc[0, 'died']:.2f}"
)
low, high = interval(0.25, 4)
assert np.allclose(found.loc[0, ["low", "high"]].astype(float), [low, high], atol=1e-6), (
    f"one of four gives the interval {low:.3f} to {high:.3f}; you have {found.loc[0, 'low']:.3f} to {found.loc[0, 'high']:.3f}. Call"
    " interval(share, n) for each row, with the share and the number of patients of that row"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("asthma-paradox", n=2000, seed=unseen(501)).observed
for column in ("icu", "heart_failure"):
    found = deaths_by(fresh, column)
    for value, group in fresh.groupby(column):
        share, row = group["died"].mean(), found.loc[value]
        assert abs(row["died"] - share) < 1e-9, (
            f"in another cohort your share who died at {column} = {value} is {row['died']:.4f}, expected {share:.4f}: the share of the"
            " patients in that row"
        )
        low, high = interval(share, len(group))
        assert abs(row["low"] - low) + abs(row["high"] - high) < 1e-6, (
            f"in another cohort your interval at {column} = {value} is {row['low']:.4f} to {row['high']:.4f}, expected {low:.4f} to"
            f" {high:.4f}. Call interval(share, patients) for each row"
        )
### END HIDDEN TESTS

# %% id="two-riddles" display=true
by_asthma = deaths_by(patients, "asthma").assign(went_to_icu=patients.groupby("asthma")["icu"].mean())
guesses = pd.Series({0: prediction["others"], 1: prediction["asthma"]})
display(by_asthma.assign(your_prediction=guesses).round(3))
display(deaths_by(patients, "icu").round(3))

# %% [markdown]
# Two riddles. Patients with asthma died *less* often than others. Patients who went to intensive care died *more* often than
# those who did not. Both tables are true. Before you read on: would you conclude that asthma protects, and that intensive care
# kills?
#
# ## Task 3. A model that can be read
#
# A **logistic regression** adds up one push for each input. The pushes are on the scale of **log-odds**: above zero raises the
# risk, below zero lowers it. Every push stands in the open, in `model.coef_`: a **glass box**. Complete `train_glass_box`: fit
# `LogisticRegression(C=1e6, solver="newton-cholesky")` on the columns `inputs` of `table`, to predict the column `died`, and
# return the fitted model. (`C=1e6` switches off the usual pull of all coefficients towards zero, so that they can be read.)
#
# The opaque model is given. `roc_auc_score(truth, risk)` says how often a model ranks a patient who died above one who did not.

# %% id="train" competency="R1"
def train_glass_box(table, inputs):
    """A logistic regression fitted on the columns `inputs` of `table`, predicting `died`."""
    ### BEGIN SOLUTION
    return LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["died"])
    ### END SOLUTION


glass_box = train_glass_box(train, AT_THE_DOOR)
opaque = train_opaque(train, AT_THE_DOOR)

# %% id="test-train" points=2 competency="R1"
# Test: the right columns go in
assert glass_box is not None, "train_glass_box returns nothing; end it with return and the fitted model"
used = list(getattr(glass_box, "feature_names_in_", []))
assert used == AT_THE_DOOR, f"the model was fitted on {used or 'unnamed columns'}; fit it on table[inputs]"
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("asthma-paradox", n=3000, seed=unseen(502)).observed
for inputs in (["age", "urea", "asthma"], WITH_ICU):
    expected = LogisticRegression(C=1e6, solver="newton-cholesky").fit(fresh[inputs], fresh["died"]).coef_[0]
    coefficients = np.asarray(train_glass_box(fresh, inputs).coef_)[0]
    assert len(coefficients) == len(inputs), (
        f"asked for the inputs {inputs}, your model has {len(coefficients)} coefficients: fit it on table[inputs]"
    )
    off = np.abs(coefficients - expected).max()
    assert off < 1e-3, (
        f"in another cohort a coefficient of your model is off by {off:.3f}. Fit LogisticRegression with C=1e6 and"
        " solver='newton-cholesky' on table[inputs] and table['died'], without scaling"
    )
### END HIDDEN TESTS

# %% id="pushes" display=true
pushes = pd.Series(glass_box.coef_[0], index=AT_THE_DOOR)
print(f"asthma: a push of {pushes['asthma']:+.2f} on the log-odds of death, which multiplies the odds by {np.exp(pushes['asthma']):.2f}")
for name, model in (("glass box", glass_box), ("opaque", opaque)):
    print(f"{name}: AUROC {roc_auc_score(test['died'], model.predict_proba(test[AT_THE_DOOR])[:, 1]):.3f}")
(pushes * train[AT_THE_DOOR].std()).plot.barh(figsize=(7, 3.8), xlabel="push on the log-odds, for one standard deviation of the input")
plt.axvline(0, color="gray")
plt.tight_layout()
plt.show()

# %% [markdown]
# There it stands: asthma *lowers* the risk, says the model, whatever the age and however ill. (Does any other bar point to a
# side that you would not expect? Write it down; we come back to it.) The opaque model is the more accurate one. What has it
# learnt about asthma?
#
# ## Task 4. Ask the opaque model
#
# SHAP values share out a prediction among the inputs: by how much did each push *this* patient's log-odds up or down from the
# average? Complete `push_of_asthma`: a pandas Series with the index of `table`, the SHAP value of `asthma` for each patient.
#
# For a model made of trees, `explainer = shap.TreeExplainer(model)` is exact. `values = explainer(table[AT_THE_DOOR]).values`
# has one row a patient and one column an input, in the order of `AT_THE_DOOR`; `values[:, 3]` is the fourth column, and
# `AT_THE_DOOR.index("asthma")` the place of asthma. `pd.Series(numbers, index=...)` makes the Series.

# %% id="shap" competency="explainability"
def push_of_asthma(model, table):
    """The SHAP value of `asthma` for each row of `table`: a Series with the index of `table`."""
    ### BEGIN SOLUTION
    values = shap.TreeExplainer(model)(table[AT_THE_DOOR]).values
    return pd.Series(values[:, AT_THE_DOOR.index("asthma")], index=table.index)
    ### END SOLUTION


# %% id="test-shap" points=2 competency="explainability"
# Test: one value for each patient
rows = test.iloc[:50]
push = push_of_asthma(opaque, rows)
assert isinstance(push, pd.Series) and push.index.equals(rows.index), (
    "for 50 patients you do not return a Series with the index of the table; write pd.Series(values, index=table.index)"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("asthma-paradox", n=1500, seed=unseen(503)).observed
# A model of admission, for which asthma matters more than anything else: values of another column lie far away.
other = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(fresh[AT_THE_DOOR], fresh["icu"])
few = fresh.iloc[:200]
expected = shap.TreeExplainer(other)(few[AT_THE_DOOR]).values[:, AT_THE_DOOR.index("asthma")]
off = np.abs(push_of_asthma(other, few).to_numpy() - expected).max()
assert off < 1e-6, (
    f"for another model your values are off by up to {off:.3f}. Explain the model that is passed in, and take the column of asthma"
    " for every patient"
)
### END HIDDEN TESTS

# %% id="dependence" display=true
shown = test.sample(3000, random_state=0)  # enough to see, and done at once
push = push_of_asthma(opaque, shown)
has = shown["asthma"] == 1
# The same for the glass box: for a sum of pushes, a SHAP value is the coefficient times the distance from the average.
coefficient = glass_box.coef_[0, AT_THE_DOOR.index("asthma")]
line = coefficient * (shown["asthma"] - train["asthma"].mean())
fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
for group, marker, label in ((~has, ".", "no asthma"), (has, "x", "asthma")):
    axis.scatter(shown["age"][group], push[group], s=14, marker=marker, alpha=0.5, label=f"{label}, opaque model")
for group, style in ((~has, "--"), (has, "-")):
    axis.axhline(line[group].iloc[0], color="black", ls=style, label=f"{'asthma' if group is has else 'no asthma'}, glass box")
axis.set(xlabel="age", ylabel="push of asthma on the log-odds")
axis.legend(fontsize=9)
plt.show()
print(f"opaque: with asthma {push[has].mean() - push[~has].mean():+.2f} against without; glass box {coefficient:+.2f}")

# %% [markdown]
# Both models agree: asthma lowers the risk. The explanation is exact and tells the truth *about the model*, and the model tells
# the truth about the records. But you want to know something else: what happens to a patient with asthma **who is sent home**.
# No record and no explanation says that, because in the records hardly anyone with asthma was treated like a patient at home.
#
# The neural networks of the 1990s could not be read, and there was no SHAP. That asthma lowers the risk came to light in
# another model, which was made of readable rules.
#
# ## Task 5. Draw what causes what
#
# **5a.** A doctor who worked in this hospital tells you:
#
# > "How **ill** patients were when they arrived, which is what our examination showed, decided much of who died. So did their
# > **age**. **Asthma** made a pneumonia more dangerous, if we did nothing. Whom did we send to intensive care? Those who looked
# > very ill, and those with asthma, straight away; we did not go by age. **Intensive care** saved lives. The **oxygen next
# > morning** was better in those who had been in intensive care, and worse in those who had arrived very ill. Most patients
# > with asthma carried an **inhaler**. It was of no use against the pneumonia."
#
# Write this as a set of arrows, each a pair `("cause", "effect")`, between the names in `THINGS`. Draw only *direct* effects,
# and only what the doctor says. The first is given as an example.

# %% id="things"
THINGS = ["age", "illness", "asthma", "inhaler", "icu", "oxygen_day2", "died"]

# %% id="arrows" competency="R4"
# Write: arrows = {("illness", "died"), ...} with the other arrows for the dots.
### BEGIN SOLUTION
arrows = {
    ("illness", "died"), ("age", "died"), ("asthma", "died"), ("icu", "died"),
    ("illness", "icu"), ("asthma", "icu"),
    ("illness", "oxygen_day2"), ("icu", "oxygen_day2"),
    ("asthma", "inhaler"),
}
### END SOLUTION

# %% id="test-arrows" points=2 competency="R4"
# Test: pairs of known names, and nothing that acts backwards in time
drawn = {tuple(arrow) for arrow in arrows}
assert all(len(arrow) == 2 and set(arrow) <= set(THINGS) for arrow in drawn), (
    f"each arrow is a pair of names from {THINGS}; yours are {sorted(drawn)}"
)
came_before = {name: place for place, name in enumerate(["illness", "icu", "oxygen_day2", "died"])}
for cause, effect in drawn:
    backwards = came_before.get(cause, 0) > came_before.get(effect, 0)
    assert not backwards and cause != effect, f"the arrow from {cause} to {effect} acts backwards in time"
assert len(drawn) == 9, f"the doctor speaks of nine direct effects; your diagram has {len(drawn)} arrows. Read sentence by sentence"
### BEGIN HIDDEN TESTS
said = {
    ("illness", "died"): "how ill patients were decided much of who died",
    ("age", "died"): "so did their age",
    ("asthma", "died"): "asthma made a pneumonia more dangerous",
    ("illness", "icu"): "those who looked very ill were sent to intensive care",
    ("asthma", "icu"): "those with asthma were sent to intensive care straight away",
    ("icu", "died"): "intensive care saved lives",
    ("icu", "oxygen_day2"): "the oxygen next morning was better in those who had been in intensive care",
    ("illness", "oxygen_day2"): "it was worse in those who had arrived very ill",
    ("asthma", "inhaler"): "most patients with asthma carried an inhaler",
}
given = set(map(tuple, arrows))
for arrow, sentence in said.items():
    assert arrow in given, f"the doctor says that {sentence}; your diagram has no arrow for it"
for cause, effect in given - set(said):
    raise AssertionError(f"your diagram has an arrow from {cause} to {effect}; the doctor says nothing of the kind")
### END HIDDEN TESTS

# %% id="diagram" display=true
places = {
    "illness": (0, 1.5),
    "asthma": (0, 0),
    "inhaler": (1.2, -0.9),
    "icu": (1.5, 0.55),
    "oxygen_day2": (3, 1.9),
    "died": (3.2, 0.3),
    "age": (2.6, -0.9),
}
fig, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for cause, effect in arrows:
    arrow = {"arrowstyle": "-|>", "lw": 1.8, "shrinkA": 26, "shrinkB": 50 if effect == "oxygen_day2" else 24}
    axis.annotate("", places[effect], places[cause], arrowprops=arrow)
for name, (x, y) in places.items():
    axis.text(x, y, name, ha="center", va="center", bbox={"boxstyle": "round", "fc": "white"})
axis.set(xlim=(-0.4, 3.7), ylim=(-1.2, 2.2))
axis.axis("off")
plt.show()

# %% [markdown]
# Look at the road from `asthma` to `died`. There are two: one straight, and one through `icu`. The models saw the sum of both.
#
# **5b.** Patients in intensive care differ from the others in more than intensive care. What leads to *both* intensive care and
# death is a **common cause**: it makes the two go together even where one does nothing for the other. Complete `common_causes`:
# the **set** of all names from which one arrow leads to `one` and another arrow leads to `other`.
#
# In Python: `{cause for cause, effect in arrows if effect == one}` is the set of everything that points to `one`; `a & b` holds
# what is in both sets.

# %% id="causes" competency="R4"
def common_causes(arrows, one, other):
    """The set of names that point to both `one` and `other`."""
    ### BEGIN SOLUTION
    def causes_of(name):
        return {cause for cause, effect in arrows if effect == name}

    return causes_of(one) & causes_of(other)
    ### END SOLUTION


# %% id="test-causes" points=2 competency="R4"
# Test: rain makes people carry umbrellas, and makes streets wet
weather = {("rain", "umbrella"), ("rain", "wet street"), ("umbrella", "dry hair"), ("broken pipe", "wet street")}
found = common_causes(weather, "umbrella", "wet street")
assert set(found) == {"rain"}, (
    f"umbrellas and wet streets go together because of rain, which points to both; you return {found}. The broken pipe points to one"
    " of them only"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(504))
for _ in range(10):
    random_arrows = {(f"cause {a}", f"effect {b}") for a, b in rng.integers(0, 4, (9, 2)).tolist()}
    expected = {c for c, _ in random_arrows if {(c, "effect 0"), (c, "effect 1")} <= random_arrows}
    found = common_causes(random_arrows, "effect 0", "effect 1")
    assert set(found) == expected, (
        f"in the diagram {sorted(random_arrows)} you find {set(found) or 'no'} common causes of effect 0 and effect 1, expected"
        f" {expected or 'none'}: names that point to both"
    )
### END HIDDEN TESTS

# %% id="adjust-for" display=true
print("To learn what intensive care does, compare patients who are alike in:", common_causes(arrows, "icu", "died"))

# %% [markdown]
# These are what we must hold equal. Asthma is recorded. Illness is seen through the examination at the door: breathing, oxygen,
# pressure, urea, confusion. That the record holds *everything* the doctors went by is an **assumption**. In this file it is
# true. In a hospital nobody can prove it.
#
# `oxygen_day2` is not among them, although it goes with death more closely than anything else: it comes *after* intensive care
# and shows what intensive care did. The number on the monitor kills nobody, so there is no arrow from it to death; it is a trace
# of how the patient is by then, and to hold that equal hides part of the effect.
#
# ## Task 6. What does intensive care do?
#
# A model that knows `icu` as an input can be asked two questions about the same patient: your risk *if* you go to intensive care,
# and your risk *if* you do not. One of the two never happened.
#
# **6a.** Complete `risk_if`: the risk of death of every patient in `table`, an array, if `icu` were the given value (1 or 0)
# **for all of them**, whatever it was. `table.assign(icu=icu)` is a copy of the table in which the column `icu` has that value
# everywhere; `model.predict_proba(a_table[WITH_ICU])[:, 1]` is the risk.

# %% id="risk-if" competency="R4"
def risk_if(model, table, icu):
    """The risk of each patient in `table` if `icu` were 1, or 0, for all. An array."""
    ### BEGIN SOLUTION
    return model.predict_proba(table.assign(icu=icu)[WITH_ICU])[:, 1]
    ### END SOLUTION


adjusted = train_glass_box(train, WITH_ICU)

# %% id="test-risk-if" points=2 competency="R4"
# Test: one risk for each patient, which does not depend on where the patient really went
rows = test.iloc[:40]
moved = rows.assign(icu=1 - rows["icu"])
risk = np.asarray(risk_if(adjusted, rows, 0))
assert risk.shape == (40,), f"for 40 patients you return {risk.shape}; expected one risk for each"
assert np.abs(risk - np.asarray(risk_if(adjusted, moved, 0))).max() < 1e-9, (
    "the risk without intensive care changes when the record says that the patient went elsewhere. Set icu to the given value for all"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("asthma-paradox", n=3000, seed=unseen(505)).observed
other = LogisticRegression(C=1e6, solver="newton-cholesky").fit(fresh[WITH_ICU], fresh["died"])
for icu in (0, 1):
    expected = other.predict_proba(fresh.assign(icu=icu)[WITH_ICU])[:, 1]
    off = np.abs(np.asarray(risk_if(other, fresh, icu)) - expected).max()
    assert off < 1e-9, (
        f"in another cohort your risk if icu = {icu} is off by up to {off:.3f}. Ask the model that is passed in, with"
        f" table.assign(icu={icu})[WITH_ICU], for predict_proba(...)[:, 1]"
    )
### END HIDDEN TESTS

# %% [markdown]
# **6b.** Now the effect. Complete `effect_of_icu`, which gets a table of records: train your glass box on it with the inputs
# `WITH_ICU`; take the **mean** risk of *all* its patients if all went to intensive care, and if none did. Return a dictionary
# with `"with_icu"`, `"without_icu"` and `"difference"` (the first minus the second). This is called **standardisation**: the
# same patients twice, so that they are as ill, as old and as asthmatic in one world as in the other.
#
# Marking compares your estimate with the true effect in a fresh cohort, where both fates of every patient are known.

# %% id="effect" competency="R4"
def effect_of_icu(table):
    """The mean risk of all patients in `table` with and without intensive care, and the difference: a dictionary."""
    ### BEGIN SOLUTION
    model = train_glass_box(table, WITH_ICU)
    with_icu, without = risk_if(model, table, 1).mean(), risk_if(model, table, 0).mean()
    return {"with_icu": with_icu, "without_icu": without, "difference": with_icu - without}
    ### END SOLUTION


# %% id="test-effect" points=4 competency="R4"
# Test: three numbers that belong together
found = effect_of_icu(patients.head(3000))
assert {"with_icu", "without_icu", "difference"} <= set(found), (
    f"your dictionary has {sorted(found)}; it needs with_icu, without_icu and difference"
)
assert abs(found["with_icu"] - found["without_icu"] - found["difference"]) < 1e-9, (
    f"the difference is with_icu minus without_icu; {found['with_icu']:.3f} minus {found['without_icu']:.3f} is not"
    f" {found['difference']:.3f}"
)
first, mirror = patients.head(3000), patients.head(3000).assign(died=lambda table: 1 - table["died"])
mirrored = effect_of_icu(mirror)["difference"]
# A slip in task 3 has been paid for: this asks only whether the model was trained on the table that was passed in.
risks = [train_glass_box(table, WITH_ICU).predict_proba(first[WITH_ICU])[:, 1] for table in (first, mirror)]
assert abs(mirrored + found["difference"]) < 1e-3 or np.abs(sum(risks) - 1).max() > 1e-3, (
    f"with death and survival exchanged in the table, the difference must change its sign; yours goes from {found['difference']:+.3f}"
    f" to {mirrored:+.3f}. Train on table, inside the function"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

cohort = generate("asthma-paradox", n=20_000, seed=unseen(506))
fresh, truth = cohort.observed, cohort.truth
found = effect_of_icu(fresh)
model = train_glass_box(fresh, WITH_ICU)
reference = LogisticRegression(C=1e6, solver="newton-cholesky").fit(fresh[WITH_ICU], fresh["died"])
for key, icu in (("with_icu", 1), ("without_icu", 0)):
    true = truth[f"counterfactual_died_{key}"].mean()
    # A slip in an earlier task has been paid for: then what that task gives is enough.
    own = np.asarray(risk_if(model, fresh, icu)).mean()
    slipped = abs(own - reference.predict_proba(fresh.assign(icu=icu)[WITH_ICU])[:, 1].mean()) > 1e-3
    assert abs(found[key] - true) < 0.02 or (slipped and abs(found[key] - own) < 1e-9), (
        f"in a fresh cohort, in which both fates of each patient are known, {true:.3f} would die {key.replace('_', ' ')}; your estimate is"
        f" {found[key]:.3f}. Train on WITH_ICU, and average risk_if over all patients, not only over those who were there"
    )
### END HIDDEN TESTS

# %% id="two-answers" display=true
crude = deaths_by(patients, "icu")["died"]
crude = {"with_icu": crude[1], "without_icu": crude[0], "difference": crude[1] - crude[0]}
drawn_again = [effect_of_icu(patients.sample(frac=1, replace=True, random_state=seed)) for seed in range(25)]
answers = pd.DataFrame({"crude": crude, "adjusted": effect_of_icu(patients), "sd": pd.DataFrame(drawn_again).std()})
answers = answers.assign(low=answers["adjusted"] - 1.96 * answers["sd"], high=answers["adjusted"] + 1.96 * answers["sd"])
display(answers.drop(columns="sd").round(3))

too_late = train_glass_box(patients, [*WITH_ICU, "oxygen_day2"])
late = [too_late.predict_proba(patients.assign(icu=icu)[[*WITH_ICU, "oxygen_day2"]])[:, 1].mean() for icu in (1, 0)]
print(f"If one also 'adjusts' for the oxygen next morning, the difference shrinks to {late[0] - late[1]:.3f}.")
worlds = pd.DataFrame({"with_icu": risk_if(adjusted, test, 1), "without_icu": risk_if(adjusted, test, 0)}, index=test.index)
worlds = worlds.groupby(test["asthma"]).mean().assign(as_it_was=test.groupby("asthma")["died"].mean()).round(3)
print("Deaths with and without asthma, in the test half only:")
display(worlds.assign(your_prediction_without=pd.Series({0: "–", 1: prediction["asthma_without_icu"]})))
unknown, equal = (pd.Series(model.coef_[0][: len(AT_THE_DOOR)], index=AT_THE_DOOR) for model in (glass_box, adjusted))
turned = pd.DataFrame({"icu unknown": unknown, "at equal treatment": equal}).round(2)
turned[unknown * equal < 0]  # the pushes whose sign has turned

# %% [markdown]
# (`low` and `high` are a 95 % interval for the adjusted column. To see how much chance there is in it, the 30,000 patients were
# drawn again 25 times, with replacement, and the effect was estimated each time: a *bootstrap*.)
#
# The crude comparison put intensive care in the dock because it gets the sickest. In this file, it saves many among like
# patients. And the last table shows pushes whose sign has turned. In this file, at equal treatment, asthma *raises* the risk
# (among real patients nobody has shown us). So does confusion: confused patients look very ill, so they go to intensive care.
# Did you see that bar in task 3? Everybody knows something about asthma.
# **The fault that nobody expects is found by nobody who only looks for what they know.** Nothing in the records was wrong. They
# answered another question.
#
# ## Task 7. Edit the model
#
# A glass box can be mended by hand. Complete `edit`: a **copy** of `model` in which the coefficient of the input `name` is
# `value`; the model that was passed in must stay as it was. `deepcopy(model)` copies it, `list(model.feature_names_in_)` are
# its inputs in order, and `copied.coef_[0, 3] = ...` changes the fourth coefficient.

# %% id="edit" competency="R6"
def edit(model, name, value):
    """A copy of `model` with the coefficient of the input `name` set to `value`."""
    ### BEGIN SOLUTION
    edited = deepcopy(model)
    edited.coef_[0, list(model.feature_names_in_).index(name)] = value
    return edited
    ### END SOLUTION


# %% id="test-edit" points=2 competency="R6"
# Test: one coefficient changes, in the copy only
before = np.array(glass_box.coef_)
after = np.array(edit(glass_box, "asthma", 0.25).coef_)
assert np.flatnonzero(before != after).tolist() == [AT_THE_DOOR.index("asthma")], (
    f"the coefficients that changed stand at the places {np.flatnonzero(before != after).tolist()}; expected only that of asthma, place"
    f" {AT_THE_DOOR.index('asthma')}. If none changed, you may have changed glass_box itself: run the cell of task 3 again, and work on a copy"
)
assert abs(after[0, AT_THE_DOOR.index("asthma")] - 0.25) < 1e-9, (
    f"the new coefficient of asthma is {after[0, AT_THE_DOOR.index('asthma')]:.3f}, expected 0.25"
)
assert np.array_equal(before, glass_box.coef_), (
    "the model that was passed in has changed. Work on deepcopy(model), and run the cell of task 3 again to get glass_box back"
)
backwards = LogisticRegression(C=1e6, solver="newton-cholesky").fit(train[AT_THE_DOOR[::-1]], train["died"])
assert edit(backwards, "age", 0).coef_[0, -1] == 0, (
    "edit must also work for a model with other inputs, or the same in another order: where age comes last, its coefficient was not set."
    " Look the name up in list(model.feature_names_in_)"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("asthma-paradox", n=1000, seed=unseen(507)).observed
other = LogisticRegression(C=1e6, solver="newton-cholesky").fit(fresh[WITH_ICU], fresh["died"])
for name in ("urea", "icu"):
    expected = other.coef_.copy()
    expected[0, WITH_ICU.index(name)] = -1.5
    off = np.abs(np.asarray(edit(other, name, -1.5).coef_) - expected).max()
    assert off < 1e-9, f"in another model, with the coefficient of {name} set to -1.5, yours are off by up to {off:.3f}"
### END HIDDEN TESTS

# %% id="delete-instead" display=true
without_asthma = [name for name in AT_THE_DOOR if name != "asthma"]
again = train_glass_box(train, without_asthma)
for title, model, names in (("glass box", glass_box, AT_THE_DOOR), ("trained again without asthma", again, without_asthma)):
    print(f"{title}: push of the inhaler {model.coef_[0, names.index('inhaler')]:+.2f}")

# %% [markdown]
# Why not simply delete the column and train again? Look at the inhaler. It does nothing here; but once asthma is gone, it is
# the nearest thing left, and inherits its push. **Deleting a column is not forgetting what it knew.** An edit of the finished
# model leaves the other pushes alone. (Which value is right, who may choose it, and who signs for it, is a question for your
# memo.)
#
# ## Task 8. Send them home, and count
#
# **8a.** Complete `send_home`: for an array of risks, an array of True and False, True for the `share` of patients with the
# **lowest** risks. `np.quantile(risk, share)` is the risk that this share lies at or below.

# %% id="home" competency="R3"
def send_home(risk, share=HOME):
    """True for the `share` of patients with the lowest risks."""
    ### BEGIN SOLUTION
    return risk <= np.quantile(risk, share)
    ### END SOLUTION


# %% id="test-home" points=1 competency="R3"
# Test: the lowest risks, and as many as asked for
chosen = np.asarray(send_home(np.array([0.25, 0.05, 0.45, 0.10, 0.35, 0.15, 0.20, 0.02, 0.40, 0.30]), share=0.2))
assert chosen.shape == (10,) and set(np.flatnonzero(chosen)) == {1, 7}, (
    "of ten patients with the risks 0.25, 0.05, 0.45, 0.10, 0.35, 0.15, 0.20, 0.02, 0.40, 0.30, a share of 0.2 are the two with 0.02 and"
    f" 0.05, at the positions 7 and 1. You chose the positions {np.flatnonzero(chosen).tolist()}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

risk = np.random.default_rng(unseen(508)).beta(1, 8, 1000)
for share in (0.3, 0.6):
    chosen = np.asarray(send_home(risk, share)).astype(bool)
    assert abs(chosen.sum() - 1000 * share) <= 1, (
        f"of 1,000 other risks you choose {chosen.sum()} for a share of {share}, expected {1000 * share:.0f}. A quantile counts patients;"
        " it is not a risk of that size"
    )
    assert risk[chosen].max() <= risk[~chosen].min(), "you send someone home whose risk is higher than that of one who stays"
### END HIDDEN TESTS

# %% [markdown]
# **8b.** At home there is no intensive care. Who would not have gone there anyway loses nothing by staying at home, in this
# simplified world; who would have gone, loses what it does. Complete `excess_deaths`: the **expected number of additional
# deaths** if the patients marked True in `home` were at home. For each of them, take the risk without intensive care, minus the
# risk under the treatment that they really had (with intensive care if their `icu` is 1, without if it is 0), both by your
# `risk_if`; add up.
#
# `np.where(condition, a, b)` takes each value from `a` where the condition holds and from `b` elsewhere. `values[home].sum()`
# adds up the values where `home` is True. Marking compares your number with the deaths that really would have been added in a
# fresh cohort.

# %% id="excess" competency="R4"
def excess_deaths(model, table, home):
    """The expected number of additional deaths if the patients in `home` (True or False for each row) were at home."""
    ### BEGIN SOLUTION
    without = risk_if(model, table, 0)
    as_treated = np.where(table["icu"] == 1, risk_if(model, table, 1), without)
    return (without - as_treated)[home].sum()
    ### END SOLUTION


# %% id="test-excess" points=3 competency="R4"
# Test: nobody loses what they never had
nobody = np.zeros(len(test), dtype=bool)
assert abs(excess_deaths(adjusted, test, nobody)) < 1e-9, "if nobody is sent home, no death is added"
on_the_ward = (test["icu"] == 0).to_numpy()
lost = excess_deaths(adjusted, test, on_the_ward)
assert abs(lost) < 1e-6, (
    f"patients who did not go to intensive care lose nothing at home, yet you count {lost:.1f} additional deaths among them. Compare"
    " with the treatment that each patient really had"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

cohort = generate("asthma-paradox", n=40_000, seed=unseen(509))
fresh, truth = cohort.observed, cohort.truth
other = LogisticRegression(C=1e6, solver="newton-cholesky").fit(fresh[WITH_ICU], fresh["died"])
risks = [other.predict_proba(fresh.assign(icu=icu)[WITH_ICU])[:, 1] for icu in (0, 1)]
own_risks = [np.asarray(risk_if(other, fresh, icu)) for icu in (0, 1)]
# A slip in an earlier task has been paid for: then what that task gives is enough.
slipped = max(np.abs(own - right).max() for own, right in zip(own_risks, risks)) > 1e-6
for who, home in (("aged under 65", fresh["age"] < 65), ("with asthma", fresh["asthma"] == 1)):
    home = home.to_numpy()
    true = (truth["counterfactual_died_without_icu"] - fresh["died"])[home].sum()
    own = (own_risks[0] - np.where(fresh["icu"] == 1, own_risks[1], own_risks[0]))[home].sum()
    found = float(excess_deaths(other, fresh, home))
    assert abs(found - true) < 0.3 * true or (slipped and abs(found - own) < 1e-6), (
        f"in a fresh cohort, in which both fates of each patient are known, {true:.0f} more would die if all patients {who} were at home;"
        f" your number is {found:.1f}. Add up risk without intensive care minus risk as treated, over the patients in home"
    )
### END HIDDEN TESTS

# %% id="policies" display=true
by_hand = float(adjusted.coef_[0, AT_THE_DOOR.index("asthma")])  # what adjustment says about asthma
without_asthma = [name for name in AT_THE_DOOR if name != "asthma"]
again = train_glass_box(train, without_asthma)
risks = {
    "opaque, as learnt": opaque.predict_proba(test[AT_THE_DOOR])[:, 1],
    "glass box, as learnt": glass_box.predict_proba(test[AT_THE_DOOR])[:, 1],
    "asthma deleted, trained again": again.predict_proba(test[without_asthma])[:, 1],
    "asthma edited to 0": edit(glass_box, "asthma", 0).predict_proba(test[AT_THE_DOOR])[:, 1],
    f"asthma edited to {by_hand:+.2f}": edit(glass_box, "asthma", by_hand).predict_proba(test[AT_THE_DOOR])[:, 1],
    "glass box, without intensive care": risk_if(adjusted, test, 0),
    "opaque, without intensive care": risk_if(train_opaque(train, WITH_ICU), test, 0),
}
resampled = [train_glass_box(train.sample(frac=1, replace=True, random_state=seed), WITH_ICU) for seed in range(25)]
rows = {}
for policy, risk in risks.items():
    home = send_home(risk)
    asthma_home = home & (test["asthma"] == 1).to_numpy()
    expected = excess_deaths(adjusted, test, home)
    half = 1.96 * np.std([excess_deaths(model, test, home) for model in resampled])
    rows[policy] = {
        "AUROC": f"{roc_auc_score(test['died'], risk):.3f}",
        "sent home": home.sum(),
        "with asthma": asthma_home.sum(),
        "died in the records": test["died"][home].sum(),
        "additional deaths": f"{expected:.1f} ({expected - half:.1f} to {expected + half:.1f})",
        "per 1,000 sent home": f"{1000 * expected / home.sum():.1f}",
        "with asthma among these": f"{excess_deaths(adjusted, test, asthma_home):.1f}",
    }
pd.DataFrame(rows).T

# %% [markdown]
# Five cautions, before you read it.
#
# - The additional deaths are expectations of your adjusted model, which also chose in a row of its own: it marks its own
#   homework. The hidden truth is kinder to the two opaque rows, which see that fever and chill are both bad, as no straight
#   line can.
# - The intervals cover chance in the training half. They cover no mistake in the diagram.
# - About half of the patients hardly ever went to intensive care. What it would do for them is the model's extension, not
#   experience.
# - An edit mends what the editor has seen. Both edits left the push of confusion as it was.
# - "Home" is simplified: real patients at home lose more than intensive care.
#
# Now read the table twice: as the person who buys models by their AUROC, and as a patient with asthma. Every row sends 30 % home.
# In the records few of them died, whichever model chose. **The most accurate model is not the safest here:** it is the best at
# predicting what happened to patients *who were treated*. (If you guessed on the page of the case what 1,000 patients sent home
# cost, your guess belongs beside the last column but one.)
#
# The last row is nearly as accurate as the first, and costs about half as many deaths. In this table the question that a model is
# asked moved the deaths more than whether it can be read. Who would have known which question to ask, though, if nothing could
# have been read?
#
# Why count *additional* deaths, and not all deaths of those sent home? Because whoever is not sent home can die too, in
# hospital. Between two rows, only the additional deaths differ: they are what the decision itself costs.

# %% [markdown] level="postgraduate"
# ## Extension: the same question by weights, and what nobody wrote down
#
# There is a second road to the effect. Model not who dies, but **who goes to intensive care**; then give each patient the
# weight one over the probability of the treatment that they had. A patient who was unlikely to be treated as they were stands
# for many. The weighted groups are alike in everything at the door, and the difference between them is the effect (*inverse
# probability weighting*). It leans on another model, so if both roads lead to the same place, that is worth something; how much,
# depends. Here 49 % of the patients have a chance of intensive care below 5 %. The few of them who went there get enormous
# weights, so the probabilities are kept away from 0 and 1, and the answer hangs on how far.
#
# Run the cell, then try the three questions at its end. What happens to the estimate when the examination is taken away, as if
# the doctors had looked at their patients and written nothing down? Would anything *in the data* have told you?

# %% display=true
# Try things here; nothing below depends on it.
def chance_of_icu(table, inputs):
    """The probability of intensive care, fitted apart for patients with and without asthma: the rule for them differs."""
    chance = pd.Series(0.0, index=table.index)
    for _, group in table.groupby("asthma"):
        scaled = (group[inputs] - table[inputs].mean()) / table[inputs].std()
        chance[group.index] = LogisticRegression(C=1e3).fit(scaled, group["icu"]).predict_proba(scaled)[:, 1]
    return chance


def weighted_effect(table, chance, least=0.001):
    """The difference in deaths between the weighted groups. Probabilities are kept between `least` and 1 - `least`."""
    chance, treated = chance.clip(least, 1 - least), table["icu"] == 1
    with_icu = np.average(table["died"][treated], weights=1 / chance[treated])
    return with_icu - np.average(table["died"][~treated], weights=1 / (1 - chance[~treated]))


examined = ["confused", "respiratory_rate", "oxygen", "systolic_bp", "urea"]
unwritten = [name for name in AT_THE_DOOR if name not in examined]
print(f"standardisation: {effect_of_icu(patients)['difference']:+.3f}")
for title, inputs in (("weights", AT_THE_DOOR), ("weights, nothing of the examination written down", unwritten)):
    chance = chance_of_icu(patients, inputs)
    for least in (0.001, 0.01):
        used = chance.clip(least, 1 - least)
        weight = np.where(patients["icu"] == 1, 1 / used, 1 / (1 - used))
        found = weighted_effect(patients, chance, least)
        print(f"{title}: {found:+.3f}; probabilities kept above {least}, the largest weight is {weight.max():.0f}")
# 1. Add 0.05 to the two limits. What do you gain, and what do you give up?
# 2. plt.hist(chance_of_icu(patients, AT_THE_DOOR), bins=50) shows who could hardly go any other way. What can be known about them?
# 3. Use inputs=[*AT_THE_DOOR, "oxygen_day2"]. Why is that worse, although it knows more?

# %% [markdown]
# ## Memo
#
# Write to the chief of medicine, in **at most 250 words**. *What part may the risk of a model have in deciding who goes home?*
#
# 1. *None.* A risk learnt from treated patients decides no treatment, until a trial of the decision itself.
# 2. *A part, once corrected:* the risk **without** intensive care, adjusted, or a glass box that named people have edited and
#    signed.
# 3. *A second reader only:* the doctor decides first, then sees the risk; where they disagree, a second doctor looks.
#
# Say what you decide, give two numbers from this lab with their uncertainty (`interval(share, n)` works for a share of n patients), argue
# the strongest case **against** your choice, and name what you would monitor, by what date, and what would change your mind. Say
# who gains and who loses, who was not asked, and which principles pull against each other here. If anyone may edit the model, say
# who, by what evidence, and who may undo it. A person marks the memo, with this rubric; each row is worth 0 to 3 points.
#
# Double-click the cell below the rubric to write in it, and press Shift + Enter when you have written it.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R2"
# ### BEGIN SOLUTION
# *One of several good answers.*
#
# To the chief of medicine. The model predicts well what happened to patients whom we treated. Sending home takes the treatment
# away, and about that it knows nothing. Patients with asthma died less (8.7 %; 95 % interval 7.8 to 9.8; others 11.2 %) because
# 83 % went to intensive care. Adjusted for how ill they were, about 20 % would have died without it. If 4,500 of 15,000 go home
# by the model as learnt, I expect 17 additional deaths (13 to 21), nearly all with asthma; by the risk without intensive care 5
# (4 to 6). The patients are synthetic, and this assumes that all our reasons are written down.
#
# I recommend the second option: the risk *without* intensive care, shown with its assumption. Patients with asthma and those in
# the corridor were not asked; one of each joins the committee that signs.
#
# The strongest case against me: the estimate needs a diagram that nobody can prove. One unwritten reason and it is as wrong as
# before, and looks like science. An edit repairs only what someone noticed; confusion had the wrong sign too. Beneficence wants
# beds tonight, non-maleficence waits; I let beneficence lead only because doctors may always overrule towards admission.
#
# Nobody edits alone: a respiratory physician and a statistician sign, with reason and date; either may undo it. Monthly we
# publish deaths of those sent home, by asthma. Two more than expected by 1 June, and we stop, and draw lots.
# ### END SOLUTION

# %% [markdown] id="end"
# When the memo stands above, you are done. Restart and run all, save, then hand in.
