# ---
# title: Does it read the lung or the letter?
# minutes: 60
# datasets: [xray-shortcut]
# ---

# %% [markdown]
# # Lab: does it read the lung or the letter?
#
# A model has learnt to find pneumonia on chest films of two hospitals, A and B. It is to be used in a third, C. You will train
# it, find out how much of its success has nothing to do with lungs, ask an explanation where it looks, cover what it should not
# see, and test again. At the end you measure what a reader does with the model's advice: yourself, if you have been at the
# reading station of the case.
#
# The films are **phantoms**: a program drew them, so that what is known about three real hospital systems comes out. No real
# person is in this file, and nothing here is medical advice, or practice in radiology beyond the idea that a consolidated lung
# is white.
#
# **How to work.** Run the cells from top to bottom with Shift + Enter. Where you see `# YOUR CODE HERE`, put your code in place
# of that line and of the line `raise NotImplementedError()` below it. The cells that begin with `# Test` check your work: if
# one complains, read its message, mend your cell, run both again. Of a long report in red, only the last lines are the message
# for you: scroll down to them. The tests that you see are not all: marking also tries your functions on other data.
#
# **Before you hand in**, choose *Kernel → Restart Kernel and Run All Cells*, then scroll from the top. Running stops at the first
# cell that fails; if you are stuck on one task, run the later cells one by one. Then save.
#
# You need 55 to 60 minutes for tasks 1 to 8 if you know a little pandas, and 20 more for the memo.

# %% id="setup"
import logging
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# Libraries warn about one another here, not about your work.
warnings.filterwarnings("ignore")
logging.getLogger("shap").setLevel(logging.ERROR)
import shap
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

# For sums as small as these, two threads wait for one another longer than they compute.
threadpool_limits(1)


def patches(films):
    """What the model sees: the mean grey of each 4 x 4 pixels.

    From n x 64 x 64 to n rows of 16 * 16 = 256 numbers.
    """
    return films.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4)).reshape(-1, 256)


def auroc_interval(auroc, ill, well):
    """A 95 % interval for an AUROC of that many ill and well films, by Hanley and McNeil."""
    both_ill, both_well = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = (
        auroc * (1 - auroc)
        + (ill - 1) * (both_ill - auroc**2)
        + (well - 1) * (both_well - auroc**2)
    )
    half = 1.96 * np.sqrt(spread / (ill * well))
    return max(auroc - half, 0), min(auroc + half, 1)


def interval(share, n):
    """Wilson's 95 % interval for a `share` of `n` films."""
    return tuple(binomtest(round(share * n), int(n)).proportion_ci(method="wilson"))


# %% id="data"
table = pd.read_csv("data/xray-shortcut.csv")
films = np.load("data/xray-shortcut.npy")  # one film for each row of the table, in the same order

home = table[table["site"] != "C"]
known = home.sample(frac=2 / 3, random_state=0)  # films of A and B from which the model learns
new = home.drop(known.index)  # films of A and B that it has not seen: the internal test
away = table[table["site"] == "C"]  # the external test
tested = pd.concat([new, away])  # nothing that the model learns from

# %% id="first-rows" display=true
print(films.shape, films.dtype)
table.head()

# %% [markdown]
# Each row is one patient and one film. `site` is the hospital, `room` the room in it, `pneumonia` is 1 or 0. The film of the
# row with the index `i` is `films[i]`, so `films[known.index]` are the films of the table `known`.
#
# Hospital C did not send its ordinary work, of which 1 % is pneumonia: it sent an enriched set, in which three in ten are ill,
# so that there is something to find. `stands_for` says how many ordinary films each one stands for.

# %% id="overview" display=true
fig, axes = plt.subplots(2, 4, figsize=(9, 4.9), layout="constrained")
places = table["site"].where(table["site"] != "C", "C, room " + table["room"].astype(str))
wanted = [(ill, place) for ill in (0, 1) for place in ("A", "B", "C, room 1", "C, room 2")]
for axis, (ill, place) in zip(axes.flat, wanted):
    first = table[(places == place) & (table["pneumonia"] == ill)].index[0]
    axis.imshow(films[first], cmap="gray", vmin=0, vmax=255)
    axis.set(title=f"{place}\n{'pneumonia' if ill else 'no pneumonia'}", xticks=[], yticks=[])
plt.show()
by_site = table.groupby("site")["pneumonia"]
by_site.agg(films="size", with_pneumonia="sum", share="mean").round(3)

# %% [markdown]
# ## Task 1. Predict before you measure
#
# A model gives each film a score. The **AUROC** asks: take one film with pneumonia and one without; how often does the first
# get the higher score? 0.5 is a coin, 1 is perfect. How many films of each kind there are does not matter.
#
# *What AUROC will a model trained on A and B have on new films from A and B (`internal`)? What on films from C (`external`)?*
# Write two numbers between 0 and 1; if you wrote guesses on the case's page, enter those. You are not marked on being right, only
# on committing yourself.

# %% id="predict" competency="R2"
# Write: prediction = {"internal": ..., "external": ...} with your numbers for the dots.
### BEGIN SOLUTION
prediction = {"internal": 0.9, "external": 0.85}
### END SOLUTION

# %% id="test-predict" points=1 competency="R2"
# Test: two numbers between 0 and 1
for where in ("internal", "external"):
    guess = prediction.get(where)
    assert isinstance(guess, (int, float)) and 0 <= guess <= 1, (
        f"prediction['{where}'] is {guess!r}; write a number between 0 and 1, such as 0.9"
    )

# %% [markdown]
# ## Task 2. How well does one do without looking?
#
# Imagine a reader who never looks at a film, and knows only which hospital it came from. Complete `hospital_only`: in `learnt`,
# take the share of pneumonia of each hospital; give each film of `judged` the share of its hospital as a score; return the
# AUROC of this score on `judged`.
#
# In pandas, `t.groupby("site")["pneumonia"].mean()` has one number for each site, and `t["site"].map(numbers)` puts the right
# one in each row. `roc_auc_score(truth, score)` is the AUROC; the truth comes first.

# %% id="hospital" competency="R4"
def hospital_only(learnt, judged):
    """AUROC on `judged` of a score: the share of pneumonia in `learnt` of the film's hospital."""
    ### BEGIN SOLUTION
    share = learnt.groupby("site")["pneumonia"].mean()
    return roc_auc_score(judged["pneumonia"], judged["site"].map(share))
    ### END SOLUTION


# %% id="test-hospital" points=2 competency="R4"
# Test: an example small enough to do by hand
earlier = pd.DataFrame({"site": list("AAAABBBB"), "pneumonia": [1, 1, 1, 0, 1, 0, 0, 0]})
later = pd.DataFrame({"site": list("AABB"), "pneumonia": [1, 0, 0, 0]})
found = hospital_only(earlier, later)
assert abs(found - 5 / 6) < 1e-9, (
    "in this example the only ill film is from A, as is one of the three well ones. Against two of"
    " three its score is higher, against one the same, which counts half: 2.5 of 3, 0.83. You"
    f" return {found:.2f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("xray-shortcut", n=3000, seed=unseen(601)).observed
learnt, judged = fresh.iloc[:1500], fresh.iloc[1500:]
flipped = judged.assign(site=judged["site"].map({"A": "B", "B": "A", "C": "C"}))
for table_judged, which in (
    (judged, "other films"),
    (flipped, "films in which the names of A and B are exchanged"),
):
    share = learnt.groupby("site")["pneumonia"].mean()
    expected = roc_auc_score(table_judged["pneumonia"], table_judged["site"].map(share))
    found = hospital_only(learnt, table_judged)
    assert abs(found - expected) < 1e-9, (
        f"on {which} you return {found:.5f}, expected {expected:.5f}: the shares come from learnt,"
        " the AUROC from judged"
    )
### END HIDDEN TESTS

# %% id="without-looking" display=true
print(f"AUROC on new films of A and B, from the hospital alone: {hospital_only(known, new):.3f}")

# %% [markdown]
# A model with this AUROC could be sold. It has not looked at one lung. In the published study, sorting by hospital alone
# reached 0.861 on the films of two hospital systems (Zech and others, 2018). So the question is never only "how high?", but
# "high compared with what?"
#
# ## Task 3. Train a model
#
# Complete `train`: fit a pipeline of `StandardScaler()` and `LogisticRegression(C=0.01, max_iter=1000)` on
# `patches(some_films)`, to predict `target`, and return it. `make_pipeline(step1, step2)` builds it, `.fit(inputs, truth)`
# trains it.
#
# The model is a weighted sum of 256 grey levels. Published ones are deep networks with millions of weights; ours has the
# advantage that one can look into it. Below, `score(model, some_films)` gives each film its score.

# %% id="train" competency="R1"
def train(some_films, target):
    """A pipeline fitted on the patches of the films, predicting `target`, one value for each."""
    ### BEGIN SOLUTION
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(
        patches(some_films), target
    )
    ### END SOLUTION


def score(model, some_films):
    return model.decision_function(patches(some_films))


model = train(films[known.index], known["pneumonia"])

# %% id="test-train" points=2 competency="R1"
# Test: a model of patches that knows ill from well
inputs_seen = getattr(model[0], "n_features_in_", None)
assert inputs_seen == 256, (
    f"the first step has seen {inputs_seen} numbers for each film; fit the pipeline on"
    " patches(some_films), which has 256"
)
few = films[:50]
assert len(model.decision_function(patches(few))) == 50, (
    "the model should give one score for each film"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("xray-shortcut", n=700, seed=unseen(602))
for target in (fresh.observed["pneumonia"], (fresh.observed["site"] == "B").astype(int)):
    mine = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(
        patches(fresh.images), target
    )
    expected = mine.decision_function(patches(fresh.images))
    found = np.asarray(train(fresh.images, target).decision_function(patches(fresh.images)))
    assert np.abs(found - expected).max() < 0.01 * expected.std(), (
        "fitted to other films, your model gives other scores than a pipeline of StandardScaler()"
        " and LogisticRegression(C=0.01, max_iter=1000) would: single films differ by up to"
        f" {np.abs(found - expected).max():.2f}. Scale first; fit on the target that is given"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4. At home and away
#
# Complete `at_home_and_away`: for a table and an array with the score of each of its rows, a DataFrame with four rows, named
# `"A + B"`, `"A"`, `"B"` and `"C"` in this order, and five columns:
#
# - `films`, `ill`: how many films there are, and how many of them show pneumonia;
# - `auroc`: on these films;
# - `low`, `high`: its interval, from `auroc_interval(auroc, ill, well)`, which is given above; `well` is how many do not show
#   pneumonia.
#
# The row `"A + B"` takes both hospitals together, as one would who tests a model where it was trained. If `t` is the table,
# `chosen = t["site"].isin(["A", "B"]).to_numpy()` is True where the site is in the list, and `values[chosen]` picks these from an
# array. `pd.DataFrame.from_dict({"A + B": {"films": ..., ...}, "A": {...}}, orient="index")` makes a table with one row for each
# name.

# %% id="sites" competency="universality"
def at_home_and_away(t, scores):
    """AUROC with its interval for A and B together, A, B and C; a score for each row of `t`."""
    ### BEGIN SOLUTION
    rows = {}
    for name, sites in (("A + B", ["A", "B"]), ("A", ["A"]), ("B", ["B"]), ("C", ["C"])):
        chosen = t["site"].isin(sites).to_numpy()
        truth = t["pneumonia"].to_numpy()[chosen]
        auroc, ill = roc_auc_score(truth, scores[chosen]), truth.sum()
        low, high = auroc_interval(auroc, ill, len(truth) - ill)
        rows[name] = {"films": len(truth), "ill": ill, "auroc": auroc, "low": low, "high": high}
    return pd.DataFrame.from_dict(rows, orient="index")
    ### END SOLUTION


# %% id="test-sites" points=3 competency="universality"
# Test: an example small enough to do by hand
example = pd.DataFrame(
    {"site": list("AABBCCAB"), "pneumonia": [1, 0, 1, 0, 1, 0, 1, 0]}, index=range(20, 28)
)
found = at_home_and_away(example, np.array([0.9, 0.8, 0.3, 0.1, 0.5, 0.7, 0.6, 0.2]))
assert list(found.index) == ["A + B", "A", "B", "C"], (
    f"your rows are {list(found.index)}; expected 'A + B', 'A', 'B', 'C'"
)
assert {"films", "ill", "auroc", "low", "high"} <= set(found.columns), (
    f"your columns are {list(found.columns)}"
)
assert abs(found.loc["A + B", "auroc"] - 7 / 9) < 1e-9, (
    "in this example three ill and three well films are from A or B: nine pairs, and in seven the"
    f" ill film has the higher score, 0.78. Yours is {found.loc['A + B', 'auroc']:.2f}. Put the"
    " films of both hospitals together before you compare"
)
low, high = found.loc["A + B", "low"], found.loc["A + B", "high"]
by_hand = auroc_interval(7 / 9, 3, 3)
assert abs(low - by_hand[0]) + abs(high - by_hand[1]) < 1e-6, (
    f"in this example the interval of 'A + B' runs from {by_hand[0]:.4f} to {by_hand[1]:.4f}: that"
    f" is auroc_interval(7 / 9, 3, 3), of three ill and three well films. Yours runs from {low:.4f}"
    f" to {high:.4f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("xray-shortcut", n=2500, seed=unseen(603)).observed.sample(frac=1, random_state=1)
scores = np.random.default_rng(unseen(604)).normal(
    (fresh["pneumonia"] + (fresh["site"] == "A")).to_numpy(), 1.5
)
found = at_home_and_away(fresh, scores)
for name, sites in (("A + B", "AB"), ("A", "A"), ("B", "B"), ("C", "C")):
    here = fresh["site"].isin(list(sites)).to_numpy()
    truth = fresh["pneumonia"].to_numpy()[here]
    auroc = roc_auc_score(truth, scores[here])
    low, high = auroc_interval(auroc, truth.sum(), (1 - truth).sum())
    for column, value in (
        ("films", here.sum()),
        ("ill", truth.sum()),
        ("auroc", auroc),
        ("low", low),
        ("high", high),
    ):
        assert abs(found.loc[name, column] - value) < 1e-6, (
            f"on other films your {column} in the row '{name}' is {found.loc[name, column]:.6g},"
            f" expected {value:.6g}. Match films to scores by their place, and give auroc_interval"
            " the ill first, then the well"
        )
### END HIDDEN TESTS

# %% id="home-and-away" display=true
result = at_home_and_away(tested, score(model, films[tested.index]))
print(f"Your prediction: {prediction}. From the hospital alone: {hospital_only(known, new):.3f}")
result.round(3)

# %% [markdown]
# Read the first row as a vendor would. Then read the others. Within A, and within B, the model is worse than in both together.
# How can that be? Together, most pairs of an ill and a well film come from different hospitals, and these are easy for whoever
# knows the hospital. Does the model? (B has very few ill films: look at the interval before you say anything about B alone.)
#
# ## Task 5. Ask whether it knows the hospital
#
# A **probe** is a second model that is asked another question: not "is this patient ill?", but "where was this film taken?" If
# that can be answered, the answer is in the film. Complete `recognised`: with your `train`, fit a model to tell whether a film is
# from A, and return the share of `judged_films` that it gets right. `sites == "A"` is True for A. `train` takes films, and makes
# the patches itself; `.predict(patches(...))` does not, and gives the answers, True or False. `(one == other).mean()` is the
# share in which two arrays agree.

# %% id="probe" competency="robustness"
def recognised(learnt_films, learnt_sites, judged_films, judged_sites):
    """Share of `judged_films` that a probe, trained on the first two, rightly calls A or not A."""
    ### BEGIN SOLUTION
    probe = train(learnt_films, learnt_sites == "A")
    return (probe.predict(patches(judged_films)) == (judged_sites == "A")).mean()
    ### END SOLUTION


# %% id="test-probe" points=3 competency="robustness"
# Test: a share, of the films that are judged
learnt, judged = known.iloc[:300], new.iloc[:200]
found = recognised(films[learnt.index], learnt["site"], films[judged.index], judged["site"])
assert 0 <= found <= 1, f"you return {found!r}; expected a share between 0 and 1"
exchanged = judged["site"].map({"A": "B", "B": "A"})
contrary = recognised(films[learnt.index], learnt["site"], films[judged.index], exchanged)
assert abs(found + contrary - 1) < 1e-9, (
    f"you return {found:.3f}, and {contrary:.3f} once the names of A and B are exchanged in the"
    " films that are judged, and only there: then every right answer becomes a wrong one, so that"
    " the two should add up to 1. Train on the first two arguments, and count right answers on the"
    " last two"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("xray-shortcut", n=900, seed=unseen(605))
at_home = (fresh.observed["site"] != "C").to_numpy()
# The upper quarter is painted grey: it is then not easy to tell the hospitals apart, and a slip shows.
pictures, sites = (
    fresh.images[at_home].copy(),
    fresh.observed["site"][at_home].reset_index(drop=True),
)
pictures[:, :16] = 128
half = len(pictures) // 2
probe_trained = train(pictures[:half], sites[:half] == "A")
expected = (
    np.asarray(probe_trained.predict(patches(pictures[half:]))) == (sites[half:] == "A").to_numpy()
).mean()
found = recognised(pictures[:half], sites[:half], pictures[half:], sites[half:])
assert abs(found - expected) < 1e-9, (
    f"on other films, with their upper part painted over, you return {found:.3f}, expected"
    f" {expected:.3f}: train on the first two arguments, and count right answers, for A and for B,"
    " on the last two"
)
### END HIDDEN TESTS

# %% id="probed" display=true
right = recognised(films[known.index], known["site"], films[new.index], new["site"])
always_b = (new["site"] == "B").mean()
print(
    f"The probe names the hospital of {right:.1%} of {len(new)} new films. Always saying B would be"
    f" right in {always_b:.1%}."
)

# %% [markdown]
# The hospital is written on the film. (Zech and others report that their network recognised more than 99.9 % of films.
# *Second-hand: we saw this number quoted by others.*) That the hospital *can* be read does not prove that the pneumonia model
# *reads* it. For that, look into it.
#
# ## Task 6. Where does it look?
#
# SHAP values share out a film's score among its patches: by how much did each one move it away from the average film's? They add
# up to the film's score minus the mean score of the background films. (Of a background with more than 100 films, SHAP takes 100.)
# Complete `explain`: an array of the shape (number of films, 16, 16).
#
# For a linear model `explainer = shap.LinearExplainer(a_model, background_data)` is exact, and `explainer(data).values` has one
# row for each film and one column for each patch. Mind that the pipeline has two steps: `pipeline[-1]` is the model that you
# explain, and it only ever sees *scaled* numbers. Scale **both** the background and the films with
# `pipeline[0].transform(patches(...))`. At the end, `.reshape(-1, 16, 16)` turns each row into a picture.

# %% id="shap" competency="explainability"
def explain(pipeline, background_films, some_films):
    """SHAP values of each patch: an array of the shape (films, 16, 16)."""
    ### BEGIN SOLUTION
    explainer = shap.LinearExplainer(pipeline[-1], pipeline[0].transform(patches(background_films)))
    return explainer(pipeline[0].transform(patches(some_films))).values.reshape(-1, 16, 16)
    ### END SOLUTION


# %% id="test-shap" points=3 competency="explainability"
# Test: one value for each patch of each film
background, some = films[known.index[:100]], films[new.index[:20]]
values = np.asarray(explain(model, background, some))
assert values.shape == (20, 16, 16), (
    f"for 20 films your array has the shape {values.shape}; expected (20, 16, 16)"
)
average = model.decision_function(patches(background)).mean()
moved = model.decision_function(patches(some)) - average
off = np.abs(values.sum(axis=(1, 2)) - moved).max()
assert off < 1e-6, (
    "the values of a film should add up to its score minus the mean score of the background films;"
    f" yours are off by up to {off:.2f}. Did background and films both go through"
    " pipeline[0].transform(patches(...))?"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

# For a linear model, a SHAP value is the coefficient times the distance of the scaled patch from the background's mean. SHAP
# keeps at most 100 rows of a background.
fresh = generate("xray-shortcut", n=300, seed=unseen(606))
some = fresh.images[:100]
other = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
other.fit(patches(fresh.images), fresh.observed["pneumonia"])
scaled = other[0].transform(patches(some))
expected = (other[-1].coef_ * (scaled - scaled.mean(axis=0))).reshape(-1, 16, 16)
off = np.abs(np.asarray(explain(other, some, some)) - expected).max()
assert off < 1e-6 * np.abs(expected).max(), (
    f"for another model your values are off by up to {off:.2f}. Explain pipeline[-1]; send"
    " background and films through pipeline[0].transform(patches(...)); reshape the values without"
    " turning them over"
)
### END HIDDEN TESTS

# %% id="where-it-looks" display=true
well_in_1 = away[(away["room"] == 1) & (away["pneumonia"] == 0)]
ill_in_2 = away[(away["room"] == 2) & (away["pneumonia"] == 1)]
shown = [well_in_1.index[0], ill_in_2.index[0]]
values = explain(model, films[known.index], films[shown])
# Each patch is 4 x 4 pixels: show its value in all of them.
pixels = np.kron(values, np.ones((1, 4, 4)))
names = [["no pneumonia, room 1 of C"], ["pneumonia, room 2 of C"]]
shap.image_plot(
    pixels[..., None], films[shown][..., None] / 255, labels=np.array(names), show=False
)
plt.show()
strength = np.abs(explain(model, films[known.index], films[new.index])).mean(axis=0)
fig, axis = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
fig.colorbar(
    axis.imshow(strength, cmap="magma"), ax=axis, label="mean push on the score, up or down"
)
axis.set(title="Where the model looks", xticks=[], yticks=[])
plt.show()
corners = strength[:3, :3].sum() + strength[:3, -3:].sum()
part = corners / strength.sum()
print(
    f"Of all that moves the score, {part:.0%} comes from the two upper corners: {18 / 256:.0%} of"
    " the film."
)

# %% [markdown]
# In the first pictures, red patches push the score towards pneumonia, blue ones away from it. On the film without pneumonia the R
# pushes up, and so does the empty place where an L could be. On the film with pneumonia, patches in both lungs push up, and the L
# pushes down. In the last picture, bright patches move the score most. Many lie in the lungs, as they should; the brightest lie
# in the upper corners, outside any lung. Look at the films at the top again: what lies there? Hospital A clips an **R** to the
# plate beside the right shoulder, B an **L** beside the left one. In C it depends on the room: the R in room 1, the L in room 2.
#
# This explanation could be read because you knew that no lung is there, and because this model is a sum of patches, so that the
# picture is exact, once it is settled with which films one compares. With a network, such a picture is an approximation, and
# people disagree how far it can be trusted: some call explanations a prerequisite for use (DeGrave and others, 2021), others a
# false hope for the single patient, and ask for tests in other places instead (Ghassemi and others, 2021).
#
# What the letter does to patients of C: at the threshold that finds 80 % of the ill at home,

# %% id="by-room"
def by_room(a_model, change=lambda pictures: pictures):
    """Found and falsely flagged films of C, by room, where 80 % of the ill at home are found."""
    scores = {
        name: score(a_model, change(films[part.index]))
        for name, part in (("new", new), ("away", away))
    }
    threshold = np.quantile(scores["new"][new["pneumonia"] == 1], 0.2)
    flagged, shares = scores["away"] >= threshold, {}
    for room, letter in ((1, "R"), (2, "L")):
        for ill, name in ((1, "ill, and found"), (0, "well, and flagged")):
            here = ((away["room"] == room) & (away["pneumonia"] == ill)).to_numpy()
            share, n = flagged[here].mean(), here.sum()
            low, high = interval(share, n)
            shares[f"room {room} ({letter}): {name}"] = {
                "films": n,
                "share": share,
                "low": low,
                "high": high,
            }
    return pd.DataFrame.from_dict(shares, orient="index").round(2)


# %% id="rooms" display=true
by_room(model)

# %% [markdown]
# Look at the first row and the third: both are ill patients of C, and as we drew the films, the rooms differ in the letter alone.
# In which row is the man on the trolley? And who pays in the second row?
#
# These intervals take model and threshold as given. The threshold rests on only 76 ill films of A and B; others would have set it
# elsewhere, so that the truth is less certain than they look. In the figure of the case, drawn from 12,000 films, with more of
# them to learn from and to set the threshold on, room 2 comes to about 28 %.
#
# ## Task 7. Cover the letter and test again
#
# Complete `cover_corners`: return a **copy** of the films in which both upper corners, 12 x 12 pixels each, have the grey level
# 128; the films that were handed in must stay as they were. `some_films.copy()` makes a copy. An array of films has three
# places: film, row (from the top), column (from the left). `pictures[:, :12, -12:] = 128` paints the first 12 rows of the last
# 12 columns.

# %% id="cover" competency="robustness"
def cover_corners(some_films):
    """A copy of the films with the two upper corners, 12 x 12 pixels each, painted grey (128)."""
    ### BEGIN SOLUTION
    covered = some_films.copy()
    covered[:, :12, :12] = covered[:, :12, -12:] = 128
    return covered
    ### END SOLUTION


covered_films = cover_corners(films)
originals_kept = not np.array_equal(covered_films, films)

# %% id="test-cover" points=3 competency="robustness"
# Test: both upper corners, nothing else, on a copy
assert originals_kept, (
    "after covering, films itself has its corners covered too: change a copy. Then run the cells"
    " from the top, which loads the films anew"
)
plain = np.zeros((2, 64, 64), dtype=np.uint8)
covered = np.asarray(cover_corners(plain))
assert covered.shape == (2, 64, 64), (
    f"two films went in, and an array of the shape {covered.shape} came out"
)
assert (covered[:, :12, :12] == 128).all() and (covered[:, :12, -12:] == 128).all(), (
    "after covering, every pixel of the first 12 rows in the first 12 and in the last 12 columns"
    " should be 128"
)
assert (covered == 128).sum() == 2 * 2 * 12 * 12, (
    f"on two films you painted {(covered == 128).sum()} pixels, expected {2 * 2 * 12 * 12}: two"
    " corners of 12 x 12 on each"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

pictures = generate("xray-shortcut", n=40, seed=unseen(607)).images
expected = pictures.copy()
expected[:, :12, :12] = expected[:, :12, -12:] = 128
assert (np.asarray(cover_corners(pictures)) == expected).all(), (
    "on other films you change pixels outside the two upper corners, or not all pixels inside them"
)

### END HIDDEN TESTS

# %% id="blind"
# The same model, trained on covered films
blind = train(covered_films[known.index], known["pneumonia"])

# %% id="covered" display=true
for title, a_model, pictures in (
    ("Whole film", model, films),
    ("Corners covered", blind, covered_films),
):
    print(title)
    display(at_home_and_away(tested, score(a_model, pictures[tested.index])).round(3))
right = recognised(covered_films[known.index], known["site"], covered_films[new.index], new["site"])
always_b = (new["site"] == "B").mean()
print(
    f"With the corners covered, the probe still names the hospital of {right:.1%}; always saying B:"
    f" {always_b:.1%}."
)
print("Mean grey below the corners, of films without pneumonia (95 % interval):")
for site, well in table[table["pneumonia"] == 0].groupby("site"):
    grey = films[well.index, 12:].mean(axis=(1, 2))
    half = 1.96 * grey.std(ddof=1) / np.sqrt(len(grey))
    print(
        f"  {site}: {grey.mean():.1f} ({grey.mean() - half:.1f} to {grey.mean() + half:.1f}),"
        f" {len(grey)} films"
    )
by_room(blind, cover_corners)

# %% [markdown]
# The internal AUROC has fallen, the external one has risen, and they have come close: the second model is worse on paper, and
# better for the patients of C. Mind the intervals, and that one draw of films is one draw. How much was gained follows from how
# we drew the films; no published figure says so.
#
# **Is it safe now?** The probe does only a little better than always saying B, so little that here it may be chance. It is not:
# besides the letter, the exposure of the films differs. The films of A are brighter than those of B, as the mean grey shows, and
# as we know because we drew them. We covered what we had found. What we have not found, we have not covered; and an external test
# shows only those shortcuts that fail *there* (DeGrave and others, 2021): had C taken all its films in room 2, what would you
# have seen?
#
# ## Task 8. And the reader?
#
# A model decides nothing; someone reads its advice. At the reading station of the case, twelve films are read twice: first
# without advice, then with it. Each row of the table below is one such read: `truth`, the reader's `first` answer, the `advice`
# and the `second` answer, each 1 for pneumonia and 0 for none. A **conflict** is a read in which the first answer and the
# advice differ; a **switch** is a conflict in which the second answer is what the advice said. Where two yes-or-no answers
# differ, one is right: so each switch either **helps** (the advice was right) or **harms** (it was wrong).
#
# Complete `reliance`: a dictionary with
#
# - `alone`, `with_advice`: the share of all reads in which the first, and the second, answer is right;
# - `conflicts`: how many there are;
# - `switch_rate`: of the conflicts, the share that are switches;
# - `harmful_share`: of the **switches**, the share that harm.
#
# You may take it for granted that there is at least one switch.

# %% id="example-reads"
# An invented reader, for whoever has not been at the reading station.
example_reads = pd.DataFrame(
    {
        "truth": [1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1],
        "advice": [1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1],
        "first": [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0],
        "second": [1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1],
    }
)

# %% id="reliance" competency="R5"
def reliance(reads):
    """alone, with_advice, conflicts, switch_rate and harmful_share of `reads`: a dictionary."""
    ### BEGIN SOLUTION
    conflict = reads["first"] != reads["advice"]
    switch = conflict & (reads["second"] == reads["advice"])
    return {
        "alone": (reads["first"] == reads["truth"]).mean(),
        "with_advice": (reads["second"] == reads["truth"]).mean(),
        "conflicts": conflict.sum(),
        "switch_rate": switch.sum() / conflict.sum(),
        "harmful_share": (reads["advice"] != reads["truth"])[switch].mean(),
    }
    ### END SOLUTION


# %% id="test-reliance" points=3 competency="R5"
# Test: six reads that can be counted by hand
few_reads = pd.DataFrame(
    {
        "truth": [1, 1, 0, 0, 1, 0],
        "first": [1, 0, 0, 1, 0, 0],
        "advice": [1, 1, 1, 0, 1, 0],
        "second": [1, 1, 1, 0, 0, 1],
    }
)
found = reliance(few_reads)
expected = {
    "alone": 3 / 6,
    "with_advice": 3 / 6,
    "conflicts": 4,
    "switch_rate": 3 / 4,
    "harmful_share": 1 / 3,
}
assert set(expected) <= set(found), (
    f"your dictionary has {sorted(found)}; expected {sorted(expected)}"
)
for name, by_hand in expected.items():
    assert abs(found[name] - by_hand) < 1e-9, (
        f"in these six reads {name} is {by_hand:.3f}, yours is {found[name]:.3f}. First answer and"
        " advice differ in four; in three of these the second answer follows the advice; in one of"
        " the three the advice is wrong. In the last read the mind changed against the advice: no"
        " conflict"
    )
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

draw = np.random.default_rng(unseen(608))
for _ in range(3):
    other = pd.DataFrame(
        draw.random((60, 4)) < [0.5, 0.6, 0.4, 0.7], columns=["truth", "first", "advice", "second"]
    ).astype(int)
    answer, (truth, before, advice, after) = reliance(other), other.to_numpy().T
    switched = (before != advice) & (after == advice)
    counted = {
        "alone": np.mean(before == truth),
        "with_advice": np.mean(after == truth),
        "conflicts": np.sum(before != advice),
        "switch_rate": switched.sum() / np.sum(before != advice),
        "harmful_share": np.mean(advice[switched] != truth[switched]),
    }
    for key, wanted in counted.items():
        assert abs(answer[key] - wanted) < 1e-9, (
            f"in sixty other reads {key} is {wanted:.3f}, yours is {answer[key]:.3f}. Mind of what"
            " it is the share: switch_rate of the conflicts, harmful_share of the switches"
        )
### END HIDDEN TESTS

# %% id="reads" display=true
# Put the file reads.csv from the reading station beside this notebook, and run this cell:
# then the table is your own.
own = Path("reads.csv").exists()
reads = pd.read_csv("reads.csv") if own else example_reads
pd.DataFrame([reliance(reads)], index=["your own reads" if own else "an invented reader"]).round(2)

# %% [markdown]
# If you never switched, `harmful_share` is nan: there is nothing to take a share of.
#
# Twelve reads say little about a reader: one read more or less moves a share by eight points or more. In an experiment with 27
# radiologists and 50 mammograms, readers with little, middling and much experience chose the right category in 80, 81 and 82 %
# of cases when the (pretended) AI was right, and in 20, 25 and 46 % when it was wrong (Dratsch and others, 2023. *Second-hand:
# we saw these numbers quoted by others*).

# %% [markdown] level="specialty"
# ## Extension: what the ward of C would live through
#
# An AUROC knows no threshold and no prevalence. In its ordinary work C has 1 ill in 100, not 30: `stands_for` turns its test
# films back into ordinary work. The cell below counts, for 1,000 ordinary films at the threshold that finds 80 % of the ill at
# home, how many are flagged and how many of these are ill. Who reads the flagged ones, and what becomes of that reader's
# attention?
#
# A second thing to try: an explanation that does not look inside. SHAP's partition explainer covers parts of the film with grey
# and watches the score, so it works with any model, a network too. Does it find the corner? (It takes ten to twenty seconds.)
#
# ```python
# masker = shap.maskers.Image(np.full((64, 64, 1), 128.0))
# explainer = shap.PartitionExplainer(lambda pictures: score(model, pictures[..., 0]), masker)
# asked = films[away.index[:2]][..., None].astype(float)
# shap.image_plot(explainer(asked, max_evals=400, batch_size=100))
# ```

# %% display=true
# Try things here; nothing below depends on it.
for name, a_model, pictures in (
    ("whole film", model, films),
    ("corners covered", blind, covered_films),
):
    threshold = np.quantile(score(a_model, pictures[new.index])[new["pneumonia"] == 1], 0.2)
    flagged = score(a_model, pictures[away.index]) >= threshold
    weights = 1000 * away["stands_for"] / away["stands_for"].sum()
    ill = weights[flagged & (away["pneumonia"] == 1)].sum()
    alarms = weights[flagged].sum()
    print(
        f"{name}: of 1,000 ordinary films of C {alarms:.0f} are flagged, {ill:.1f} of these are"
        " ill, of 10 ill in all"
    )

# %% [markdown]
# ## Memo
#
# Write to the medical director of hospital C, in **at most 250 words**. *Does C use this model, and under what conditions?*
#
# 1. *Yes, as a second reader,* for films that nobody would otherwise read within hours, with advice shown after the reader's
#    own answer.
# 2. *Not yet:* only after it has been trained without shortcuts, tested on C's own ordinary films, and explained.
# 3. *Yes, silently first:* it runs for half a year without being shown, its errors are counted by room and group, then C decides.
#
# Say what you decide, give two numbers from this lab with their uncertainty (the tables have the interval of each AUROC;
# `interval(share, n)` works for a share of n films, but not for the weighted counts of the extension), say who gains and who
# loses, and which principles collide, argue the strongest case **against** your choice, and name what you would monitor and what
# would change your mind. A person marks the memo, with this rubric; each row is worth 0 to 3 points.
#
# Your memo goes into the cell below the rubric: double-click it to edit it, and press Shift + Enter when you have written it.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R2"
# ### BEGIN SOLUTION
# *One of several good answers.*
#
# To the medical director. At home the model reached an AUROC of 0.93 (0.89 to 0.97); on our films 0.80 (0.76 to 0.84). Knowing
# the hospital alone gives 0.87 at home. It reads the letter beside the shoulder: in our room 2 it found 31 of 171 ill patients
# (18 %; 13 to 25), in room 1, where the letter is that of a hospital full of ill people, 19 of 22 (86 %; 67 to 95). The films
# are phantoms, the set was enriched, and the threshold was chosen elsewhere.
#
# I recommend option 3: the version with covered corners runs silently until 30 June. It found 79 % in room 2 and 77 % in room 1.
#
# The strongest case against me: while it runs silently, films wait unread at night, and some of these patients would have been
# found by an imperfect reader. Beneficence asks for use now, non-maleficence for knowing whom it fails; I let the second
# prevail because a false all-clear stops others from looking. Covering costs, too: of 1,000 ordinary films 261 would be flagged
# instead of 49.
#
# Patients in room 2 bear the risk, and were asked by nobody; radiologists answer for reports that they did not choose to be
# advised on. Both should sit on the group that decides.
#
# We count each month, by room, machine, sex and age: ill patients missed, alarms per shift, and how often readers change a
# right answer. If sensitivity differs between rooms by more than ten points, or readers are misled more than they are helped,
# we stop. If a third shortcut is found, we train again.
# ### END SOLUTION

# %% [markdown] id="end"
# When the memo stands above, you are done. Restart and run all, save, then hand in.
