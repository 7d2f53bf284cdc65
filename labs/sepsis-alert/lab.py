# ---
# title: Does the alert know more than we do?
# minutes: 75
# datasets: [sepsis-alert]
# ---

# %% [markdown]
# # Lab: does the alert know more than we do?
#
# A vendor sells a score that warns of sepsis. It was developed in hospital A. Hospital B has bought it, and for two years it
# has run there silently: it was computed every hour, and shown to nobody. Now B must decide whether to switch it on.
#
# You will check the vendor's figures in both hospitals, find out where they come from, count what the alert would cost the
# nurses, mend the score with B's own data, and draw the curve on which a decision can rest. The patients are **synthetic**: a
# program drew them so that what happens in B matches a published study of a real score (Wong and others, 2021). The score is
# invented too. No real person is in this file, and nothing here is medical advice.
#
# **How to work.** Run the cells from top to bottom with Shift + Enter. Where you see `# YOUR CODE HERE`, put your code in place
# of that line and of the line `raise NotImplementedError()` below it. The cells that begin with `# Test` check your work: if
# one complains, read its message, mend your cell, run both again. Of a long report in red, only the last lines are the
# message for you: scroll down to them. The tests that you see are not all: marking also tries your functions on other data.
#
# **Before you hand in**, choose *Kernel → Restart Kernel and Run All Cells*, then scroll from the top. Running stops at the
# first cell that fails; if you are stuck on one task, run the later cells one by one. Then save.
#
# You need about 75 minutes for tasks 1 to 8 if you know a little pandas, and 30 more for the memo.

# %% id="setup"
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")  # libraries warn about one another here, not about your work
from fairlearn.metrics import MetricFrame, selection_rate, true_negative_rate, true_positive_rate
from scipy.special import logit
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, precision_score, roc_auc_score

HOSPITALS = ["A", "B"]  # A: where the score was developed; B: where it would be switched on
DEPLOYED = 8.0  # the vendor's advice: alert from a score of 8 %
PATIENTS_PER_NURSE = 5  # our assumption about the wards of hospital B
SHIFT_HOURS = 12


def interval(share, n):
    """Wilson's 95 % interval for a `share` of `n` stays."""
    return tuple(binomtest(round(share * n), int(n)).proportion_ci(method="wilson"))


def auroc_interval(auroc, ill, well):
    """A 95 % interval for an AUROC found in `ill` and `well` stays, after Hanley and McNeil."""
    spread = auroc * (1 - auroc)
    spread += (ill - 1) * (auroc / (2 - auroc) - auroc**2) + (well - 1) * (2 * auroc**2 / (1 + auroc) - auroc**2)
    half = 1.96 * np.sqrt(spread / (ill * well))
    return auroc - half, auroc + half


# %% id="data"
rows = pd.read_csv("data/sepsis-alert.csv")

# %% id="first-rows" display=true
rows[rows["stay_id"] == 3065].set_index("hour").T  # one stay, a column for each hour

# %% [markdown]
# In the file each row is one **hour** of one **stay**; the rows of a stay follow one another, hour by hour. (Above, the rows of
# one stay stand side by side.) We follow only the first hours of each stay, 6 to 24 of them. `day` is the day of admission,
# counted over two years. Vital signs are as last charted; `hours_since_vitals` says how old they are. The columns that matter
# most:
#
# - `score`: the vendor's score in that hour, in %. The vendor says: *this is the patient's risk of sepsis during the stay*.
# - `culture_ordered`, `antibiotic_given`: 1 from the hour in which a clinician first did so.
# - `sepsis`: 1 in **all** rows of a stay that met the hospital's definition of sepsis at some hour, otherwise 0.
# - `after_onset`: 1 from the hour in which the definition was met. An alert in such a row comes too late. (In two septic stays
#   that hour comes later than we follow.)

# %% id="overview" display=true
stay_facts = rows.groupby("stay_id").agg(hospital=("hospital", "first"), sepsis=("sepsis", "max"), hours=("hour", "size"))
overview = stay_facts.groupby("hospital").agg(stays=("hours", "size"), patient_hours=("hours", "sum"), septic=("sepsis", "sum"))
overview.assign(prevalence=(overview["septic"] / overview["stays"]).round(3))

# %% [markdown]
# ## Task 1. Predict before you measure
#
# The vendor's brochure speaks of hospital A: "AUROC about 0.8". (The **AUROC** is how often the score ranks a patient with
# sepsis above one without, when one of each is drawn at random: 0.5 is a coin, 1 is perfect.) *And in hospital B?*
#
# - `auroc`: what is the AUROC there?
# - `sensitivity`: of 100 stays with sepsis, how many get an alert **before** the onset?
# - `ppv`: of 100 stays with an alert, how many have sepsis?
#
# Write three numbers between 0 and 1 (30 of 100 is `0.3`, not `30` or `30%`). If you wrote guesses on the case page, type those.
# You are not marked on being right, only on committing yourself.

# %% id="predict" competency="R4"
# Write: prediction = {"auroc": ..., "sensitivity": ..., "ppv": ...} with your numbers for the dots.
### BEGIN SOLUTION
prediction = {"auroc": 0.75, "sensitivity": 0.6, "ppv": 0.3}
### END SOLUTION

# %% id="test-predict" points=1 competency="R4"
# Test: three numbers between 0 and 1
for name in ("auroc", "sensitivity", "ppv"):
    guess = prediction.get(name)
    assert isinstance(guess, (int, float)) and 0 <= guess <= 1, (
        f"prediction['{name}'] is {guess!r}; write a number between 0 and 1, such as 0.3"
    )

# %% [markdown]
# ## Task 2. From hours to stays
#
# An alert is worth something if it comes in time. So a stay counts by its **highest score before the onset**; without sepsis,
# by its highest score of all. Complete `one_row_per_stay`: a table with one row for each stay, named by `stay_id`, and four
# columns:
#
# - `hospital`, `day`, `sepsis`: as in the rows of that stay;
# - `highest`: the largest `score` among the rows with `after_onset` equal to 0.
#
# In pandas: `table[table["column"] == 0]` keeps some rows. `table.groupby("stay_id").agg(new=("old", "max"), other=("other",
# "first"))` makes one row for each stay, with a column `new` that holds the largest `old`, and a column `other` that holds the
# first `other`.

# %% id="stays" competency="R4"
def one_row_per_stay(rows):
    """For each stay_id: hospital, day, sepsis, and the highest score before the onset."""
    ### BEGIN SOLUTION
    in_time = rows[rows["after_onset"] == 0]
    return in_time.groupby("stay_id").agg(
        hospital=("hospital", "first"), day=("day", "first"), sepsis=("sepsis", "first"), highest=("score", "max")
    )
    ### END SOLUTION


stays = one_row_per_stay(rows)

# %% id="test-stays" points=3 competency="R4"
# Test: two stays, small enough to do by hand
example = pd.DataFrame(
    {
        "stay_id": [7, 7, 7, 7, 9, 9],
        "hospital": ["B", "B", "B", "B", "A", "A"],
        "day": [12, 12, 12, 12, 40, 40],
        "score": [3.0, 11.0, 6.0, 30.0, 5.0, 2.0],
        "sepsis": [1, 1, 1, 1, 0, 0],
        "after_onset": [0, 0, 0, 1, 0, 0],
    }
)
found = one_row_per_stay(example)
assert {"hospital", "day", "sepsis", "highest"} <= set(found.columns) and set(found.index) == {7, 9}, (
    f"your table has the columns {list(found.columns)} and the rows {list(found.index)}; expected hospital, day, sepsis and highest,"
    " and the rows 7 and 9, named by stay_id"
)
assert found.loc[7, "highest"] == 11 and found.loc[9, "highest"] == 5, (
    f"stay 7 scores 3, 11 and 6 before its onset and 30 after it: its highest score in time is 11, yours {found.loc[7, 'highest']}."
    f" Stay 9 has no sepsis and scores 5 and 2: 5, yours {found.loc[9, 'highest']}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("sepsis-alert", n=300, seed=unseen(401)).observed
found, expected = one_row_per_stay(fresh), fresh[fresh["after_onset"] == 0].groupby("stay_id")["score"].max()
assert set(found.index) == set(expected.index), (
    f"in another cohort you have {len(found)} rows, expected one for each of {len(expected)} stays"
)
wrong = (found.loc[expected.index, "highest"] != expected).sum()
assert wrong == 0, (
    f"in another cohort {wrong} of {len(expected)} stays have a wrong highest score: take the largest among the rows with after_onset 0"
)
for column in ("hospital", "day", "sepsis"):
    same = fresh.groupby("stay_id")[column].first()
    wrong = (found.loc[same.index, column] != same).sum()
    assert wrong == 0, f"in another cohort {wrong} stays have another {column} than their rows"
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3. The vendor's figures, checked
#
# **3a.** Complete `auroc_by_hospital`: the AUROC of `highest` for `sepsis`, in each hospital. fairlearn's `MetricFrame`
# computes any metric for each group, be it patients or hospitals: `MetricFrame(metrics=roc_auc_score, y_true=..., y_pred=...,
# sensitive_features=...).by_group` is a Series with one value a group. `y_true` is what is to be found, `y_pred` the score
# itself, and the group is `stays["hospital"]`.

# %% id="auroc" competency="R4"
def auroc_by_hospital(stays):
    """A Series: the AUROC of the highest score for sepsis, by hospital."""
    ### BEGIN SOLUTION
    return MetricFrame(
        metrics=roc_auc_score,
        y_true=stays["sepsis"],
        y_pred=stays["highest"],
        sensitive_features=stays["hospital"],
    ).by_group
    ### END SOLUTION


# %% id="test-auroc" points=2 competency="R4"
# Test: seven stays, small enough to count pairs by hand
example = pd.DataFrame(
    {
        "hospital": ["A", "A", "A", "B", "B", "B", "B"],
        "sepsis": [0, 0, 1, 1, 0, 1, 0],
        "highest": [9.0, 2.0, 12.0, 1.0, 5.0, 9.0, 3.0],
    }
)
found = auroc_by_hospital(example)
assert abs(found["A"] - 1) < 1e-9 and abs(found["B"] - 0.5) < 1e-9, (
    f"in A the one septic stay scores above both others: 1. In B one septic stay wins both its comparisons, the other loses both: 0.5."
    f" Yours are {found['A']:.2f} and {found['B']:.2f}. Pass the score itself as y_pred, not whether it raises an alert"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(402))
fresh = pd.DataFrame({"hospital": np.tile(HOSPITALS, 400), "sepsis": (rng.random(800) < 0.2).astype(int)})
fresh["highest"] = np.round(rng.gamma(2, 3, 800) + 4 * fresh["sepsis"] * (fresh["hospital"] == "A"), 1)
found = auroc_by_hospital(fresh)
for hospital, here in fresh.groupby("hospital"):
    expected = roc_auc_score(here["sepsis"], here["highest"])
    assert abs(found[hospital] - expected) < 1e-9, (
        f"on other data your AUROC in {hospital} is {found[hospital]:.3f}, expected {expected:.3f}: y_true is sepsis, y_pred is highest"
    )
### END HIDDEN TESTS

# %% [markdown]
# **3b.** Nobody sees an AUROC; people see alerts. Complete `at_threshold`: one row for each hospital, and, if every stay with a
# `highest` score **of at least** `threshold` gets an alert, the columns
#
# - `alerted`: the share of all stays that get one;
# - `sensitivity`: of the stays with sepsis, the share with an alert;
# - `specificity`: of those without, the share left in peace;
# - `ppv` (positive predictive value): of the stays with an alert, the share with sepsis;
# - `evaluate`: how many alerted patients someone must evaluate to find one with sepsis. This number needed to evaluate is 1 /
#   `ppv`.
#
# `metrics` may also be a dictionary: `MetricFrame(metrics={"name": function, ...}, ...).by_group` then is a table. The
# functions, in this order, are `selection_rate`, `true_positive_rate`, `true_negative_rate` and `precision_score`. `y_pred` is
# now True or False. Add the last column with `.assign(evaluate=...)`.

# %% id="threshold" competency="R4"
def at_threshold(stays, threshold):
    """By hospital: alerted, sensitivity, specificity, ppv, evaluate, if alerts begin at `threshold` (in %)."""
    ### BEGIN SOLUTION
    table = MetricFrame(
        metrics={
            "alerted": selection_rate,
            "sensitivity": true_positive_rate,
            "specificity": true_negative_rate,
            "ppv": precision_score,
        },
        y_true=stays["sepsis"],
        y_pred=stays["highest"] >= threshold,
        sensitive_features=stays["hospital"],
    ).by_group
    return table.assign(evaluate=1 / table["ppv"])
    ### END SOLUTION


# %% id="test-threshold" points=3 competency="R4"
# Test: ten stays in one hospital, small enough to count by hand
example = pd.DataFrame(
    {
        "hospital": ["B"] * 10,
        "sepsis": [1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        "highest": [8.0, 2.0, 9.0, 20.0, 8.0, 1.0, 1.0, 2.0, 7.9, 3.0],
    }
)
row = at_threshold(example, 8.0).loc["B"]
for name, value in {"alerted": 0.4, "sensitivity": 0.5, "specificity": 0.625, "ppv": 0.25, "evaluate": 4.0}.items():
    assert name in row.index and abs(row[name] - value) < 1e-9, (
        f"of ten stays two have sepsis, one of them with an alert; of the eight others three have one (a score of exactly 8 counts). So"
        f" {name} is {value}; yours is {row.get(name)}"
    )
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(403))
fresh = pd.DataFrame({"hospital": np.tile(HOSPITALS, 500), "sepsis": (rng.random(1000) < 0.2).astype(int)})
fresh["highest"] = np.round(rng.gamma(2, 3, 1000) + 3 * fresh["sepsis"])
for threshold in (5.0, 12.0):
    found = at_threshold(fresh, threshold)
    for hospital, here in fresh.groupby("hospital"):
        alert, septic = here["highest"] >= threshold, here["sepsis"] == 1
        expected = {
            "alerted": alert.mean(),
            "sensitivity": alert[septic].mean(),
            "specificity": 1 - alert[~septic].mean(),
            "ppv": septic[alert].mean(),
            "evaluate": 1 / septic[alert].mean(),
        }
        for name, value in expected.items():
            assert abs(found.loc[hospital, name] - value) < 1e-9, (
                f"on other data, at a threshold of {threshold:g}, your {name} in {hospital} is {found.loc[hospital, name]:.3f}, expected"
                f" {value:.3f}"
            )
### END HIDDEN TESTS

# %% id="checked" display=true
aurocs, septic = auroc_by_hospital(stays), stays.groupby("hospital")["sepsis"].sum()
others = stays.groupby("hospital").size() - septic
bounds = [auroc_interval(aurocs[h], septic[h], others[h]) for h in HOSPITALS]
low, high = ([pair[end] for pair in bounds] for end in (0, 1))
display(pd.DataFrame({"auroc": aurocs, "low": low, "high": high, "septic": septic}).round(3))
table = at_threshold(stays, DEPLOYED)
display(table.assign(alerts=(stays["highest"] >= DEPLOYED).groupby(stays["hospital"]).sum()).round(3))
found = {"auroc": aurocs["B"], **table.loc["B", ["sensitivity", "ppv"]]}
pd.DataFrame({"your prediction for B": prediction, "found in B": found}).round(2)

# %% [markdown]
# The brochure did not lie about hospital A. In B the same score ranks far less well, misses two septic stays of three in time,
# and of eight patients evaluated one has sepsis. And yet the share of stays with an alert is about the same in both hospitals:
# **whoever had only counted alerts would have noticed nothing.**
#
# ## Task 4. Where did the score get it from?
#
# The score reads the whole record, orders included. A blood culture is ordered by somebody who already suspects an infection.
# Complete `before_any_order`: the rows (all columns) of hours in which **neither** a culture had been ordered **nor** an
# antibiotic given. Keep the early hours of patients who get a culture later. In pandas, `(first) & (second)` is True where both
# conditions hold; each needs its round brackets, as in `(table["x"] == 0) & (table["y"] == 0)`.

# %% id="orders" competency="robustness"
def before_any_order(rows):
    """The rows in which neither a culture had been ordered nor an antibiotic given."""
    ### BEGIN SOLUTION
    return rows[(rows["culture_ordered"] == 0) & (rows["antibiotic_given"] == 0)]
    ### END SOLUTION


# %% id="test-orders" points=2 competency="robustness"
# Test: three stays
example = pd.DataFrame(
    {
        "stay_id": [1, 1, 1, 2, 2, 3, 3],
        "hour": [1, 2, 3, 1, 2, 1, 2],
        "culture_ordered": [0, 1, 1, 0, 0, 0, 0],
        "antibiotic_given": [0, 0, 1, 0, 0, 0, 1],
    }
)
kept = before_any_order(example)
kept = sorted(zip(kept["stay_id"].tolist(), kept["hour"].tolist()))
assert kept == [(1, 1), (2, 1), (2, 2), (3, 1)], (
    "stay 1 has a culture from hour 2, stay 2 no order, stay 3 an antibiotic from hour 2. Expected are, as (stay, hour), (1, 1), (2, 1),"
    f" (2, 2) and (3, 1); you keep {kept}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("sepsis-alert", n=400, seed=unseen(404)).observed
kept = before_any_order(fresh)
expected = fresh[fresh["culture_ordered"] + fresh["antibiotic_given"] == 0]
got, wanted = (set(zip(t["stay_id"].tolist(), t["hour"].tolist())) for t in (kept, expected))
assert got == wanted, (
    f"in another cohort you keep {len(got)} hours, expected {len(wanted)}: hours, not whole stays, and both kinds of order count"
)
### END HIDDEN TESTS

# %% id="echo" display=true
early, septic = one_row_per_stay(before_any_order(rows)), stays.groupby("hospital")["sepsis"].sum()
compared = pd.DataFrame({"all hours before onset": auroc_by_hospital(stays), "before any order": auroc_by_hospital(early)})
remain = early.groupby("hospital")["sepsis"].agg(["sum", "size"])
bounds = [auroc_interval(compared.loc[h, "before any order"], ill, size - ill) for h, (ill, size) in remain.iterrows()]
compared = compared.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds], septic_then=remain["sum"])
display(compared.round(3).rename_axis("AUROC in hospital"))
timely = rows[(rows["sepsis"] == 1) & (rows["after_onset"] == 0)]
alert = timely["score"] >= DEPLOYED
per_stay = timely.assign(alert=alert, unasked=alert & (timely["culture_ordered"] == 0))
per_stay = per_stay.groupby(["hospital", "stay_id"])[["alert", "unasked", "culture_ordered"]].max().groupby("hospital").sum()
per_stay.columns = ["alert before onset", "alert before any culture", "culture before onset"]
display(per_stay.assign(septic=septic).astype(int).rename_axis("septic stays in hospital"))
ordered = rows[rows["culture_ordered"] == 1].groupby("stay_id")["hour"].min().rename("first")
around = rows[rows["sepsis"] == 1].join(ordered, on="stay_id", how="inner")
around = around.assign(relative=around["hour"] - around["first"]).query("-5 <= relative <= 4")
fig, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for hospital, line in zip(HOSPITALS, ("o-", "s--")):
    median = around[around["hospital"] == hospital].groupby("relative")["score"].median()
    axis.plot(median.index, median, line, label=f"hospital {hospital}")
axis.axhline(DEPLOYED, color="gray", ls=":", label="an alert from here")
axis.set(xlabel="hours from the first culture (0: ordered in this hour)", ylabel="median score (%)", ylim=(0, None))
axis.legend()
plt.show()

# %% [markdown]
# In both hospitals the score jumps when a culture is ordered. In A that mostly happens *before* the recorded onset, because
# clinicians there act early and because A reads the onset from treatment and codes. So the score is praised for telling them
# what they have just told it. This is **label leakage**: something that follows from the label, or from those who set it,
# stands among the inputs. Take it away, and in A the AUROC falls from 0.81 to 0.60. In B there was nothing to take away: 0.62 and
# 0.63. The jump is even higher there, because by then the patients are more ill. But of the septic stays with a culture in B, two
# in three have it only after the onset, when an alert is too late; that is why leakage flatters the score in A only.
#
# (`low` and `high` are a 95 % interval of the AUROC before any order; `septic_then` says how many septic stays remain. In A many
# drop out, because their culture came in the first hour, and those that remain were watched more briefly. So do not read the
# difference between A and B there; the two intervals overlap, too.)
#
# Now read the second table. Which alerts told somebody something?
#
# ## Task 5. Does 8 % mean 8 %?
#
# The vendor says that the score is a risk. A risk is **calibrated** if, of the patients with a stated risk of 20 %, about 20 in
# 100 have sepsis. From here on we write it as a share: 20 % is 0.2. A stay has many scores; we take the
# highest, because it is what an alert acts on. The highest of many honest risks overstates a little, so judge A and B by the same
# yardstick.
#
# **5a.** Complete `reliability`: cut the stays by stated risk into `groups` groups **of equal size**; one row for each, lowest
# first, with the columns `stated` (mean stated risk) and `observed` (share with sepsis). scikit-learn does it:
# `calibration_curve(truth, risk, n_bins=..., strategy="quantile")` returns two arrays, **the observed shares first**, then the
# stated ones.

# %% id="reliability" competency="R4"
def reliability(sepsis, risk, groups=5):
    """Mean stated risk and observed share of sepsis in groups of equal size: columns stated, observed."""
    ### BEGIN SOLUTION
    observed, stated = calibration_curve(sepsis, risk, n_bins=groups, strategy="quantile")
    return pd.DataFrame({"stated": stated, "observed": observed})
    ### END SOLUTION


# %% id="test-reliability" points=2 competency="R4"
# Test: eight stays in two groups
found = reliability(np.array([0, 0, 0, 1, 0, 1, 1, 0]), np.array([0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.8]), groups=2)
assert len(found) == 2 and {"stated", "observed"} <= set(found.columns), (
    f"you return {len(found)} rows with the columns {list(found.columns)}; expected two rows with stated and observed"
)
assert np.allclose(found["stated"], [0.03, 0.35]) and np.allclose(found["observed"], [0.25, 0.5]), (
    "the four lowest risks are 0.03 on average and one of the four has sepsis (0.25); the four highest are 0.35 on average, two"
    f" of them septic (0.5). Yours: stated {np.round(found['stated'], 3).tolist()}, observed {np.round(found['observed'], 3).tolist()}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(405))
risk = rng.beta(1, 9, 2000)
truth = (rng.random(2000) < risk**0.8).astype(int)
found = reliability(truth, risk, groups=8)
order = np.argsort(risk).reshape(8, 250)
for name, values in (("stated", risk), ("observed", truth)):
    off = np.abs(found[name].to_numpy() - values[order].mean(axis=1)).max() if len(found) == 8 else 1
    assert off < 0.01, (
        f"on other data, in eight groups of equal size, your column '{name}' is off by up to {off:.3f}. Use strategy='quantile' and n_bins=groups"
    )
### END HIDDEN TESTS

# %% [markdown]
# **5b.** The **Brier score** is one number for how far stated risks lie from what happened: the mean of (risk − outcome)², with
# an outcome of 1 or 0. Smaller is better. On its own it says little, because it is small whenever illness is rare. So complete
# `brier`: a dictionary with
#
# - `score`: the Brier score of the stated risks, `brier_score_loss(truth, risk)`;
# - `base`: the Brier score that one gets by giving **everyone** the same risk, the share of stays with sepsis.
#
# A score that does not beat `base` tells less than one line on the ward's notice board. `np.full(n, value)` is an array of `n`
# equal numbers.

# %% id="brier" competency="R4"
def brier(sepsis, risk):
    """A dictionary: the Brier score of `risk`, and that of the same risk for everyone."""
    ### BEGIN SOLUTION
    everyone = np.full(len(sepsis), np.mean(sepsis))
    return {"score": brier_score_loss(sepsis, risk), "base": brier_score_loss(sepsis, everyone)}
    ### END SOLUTION


# %% id="test-brier" points=2 competency="R4"
# Test: four stays
found = brier(np.array([1, 0, 0, 0]), np.array([0.5, 0.5, 0.2, 0.0]))
assert abs(found["score"] - 0.135) < 1e-9, (
    f"stated risks of 0.5, 0.5, 0.2 and 0 for outcomes of 1, 0, 0 and 0: (0.25 + 0.25 + 0.04 + 0) / 4 = 0.135, yours {found['score']:.4f}"
)
assert abs(found["base"] - 0.1875) < 1e-9, (
    f"one of four has sepsis, so everyone gets 0.25: (0.5625 + 3 × 0.0625) / 4 = 0.1875, yours {found['base']:.4f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(406))
risk = rng.beta(1, 9, 1000)
truth = (rng.random(1000) < 0.3).astype(int)
found = brier(truth, risk)
for name, value in (("score", np.mean((risk - truth) ** 2)), ("base", truth.var())):
    assert abs(found[name] - value) < 1e-9, f"on other data your '{name}' is {found[name]:.4f}, expected {value:.4f}"
### END HIDDEN TESTS

# %% id="calibrated" display=true
ticks, ends = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2], (0.003, 0.4)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained", sharex=True, sharey=True)
for axis, hospital in zip(axes, HOSPITALS):
    here = stays[stays["hospital"] == hospital]
    curve = reliability(here["sepsis"], here["highest"] / 100, groups=10)
    axis.plot(ends, ends, ":", color="gray", label="as stated")
    axis.plot(curve["stated"], curve["observed"], "o-", label="found")
    axis.set(title=f"hospital {hospital}", xlabel="stated risk", xscale="log", yscale="log", xlim=ends, ylim=ends)
    axis.set(xticks=ticks, yticks=ticks, xticklabels=ticks, yticklabels=ticks)
    axis.minorticks_off()
axes[0].set_ylabel("share with sepsis")
axes[0].legend()
plt.show()
scores = {h: brier(here["sepsis"], here["highest"] / 100) for h, here in stays.groupby("hospital")}
pd.DataFrame(scores).T.round(4).rename_axis("Brier score in hospital")

# %% [markdown]
# (Both scales are stretched towards the low risks, where most stays are; one point is a tenth of the stays.) In A the points lie
# near the line. In B they lie flat: whoever is said to be at low risk is at more, whoever is said to be at
# high risk is at less. Measured by Brier, B would do better to forget the score and tell everyone the average.
#
# ## Task 6. What does it cost the nurses?
#
# An alert goes off in an hour in which the score is **at least** the threshold and was not so in the hour before *in the same
# stay*; in the first hour of a stay it needs no hour before. While the score stays up, no new alert goes off. Complete
# `alerts_per_nurse_shift`:
#
# the number of alerts in all `rows`, divided by the number of patient-hours (each row is one), times `PATIENTS_PER_NURSE`,
# times `SHIFT_HOURS`.
#
# In pandas: `rows["score"] >= threshold` is True or False for each row; call it `above`. Then
# `above.groupby(rows["stay_id"]).shift(fill_value=False)` is its value one row earlier within the same stay, and False in a
# first row. `~` turns True and False round.

# %% id="burden" competency="R5"
def alerts_per_nurse_shift(rows, threshold):
    """Alerts that one nurse meets in one shift, if alerts go off from a score of `threshold` (in %)."""
    ### BEGIN SOLUTION
    above = rows["score"] >= threshold
    before = above.groupby(rows["stay_id"]).shift(fill_value=False)
    return (above & ~before).sum() / len(rows) * PATIENTS_PER_NURSE * SHIFT_HOURS
    ### END SOLUTION


# %% id="test-burden" points=3 competency="R5"
# Test: two stays, six hours
example = pd.DataFrame({"stay_id": [1, 1, 1, 1, 2, 2], "hour": [1, 2, 3, 4, 1, 2], "score": [9.0, 9.0, 3.0, 8.0, 9.0, 1.0]})
found = alerts_per_nurse_shift(example, 8.0)
assert abs(found - 30) < 1e-9, (
    "stay 1 sets off an alert in hours 1 and 4 (in hour 2 the score was up already), stay 2 in hour 1: three alerts in six patient-hours,"
    f" 3 / 6 × 5 × 12 = 30. Yours is {found:.1f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import generate, unseen

fresh = generate("sepsis-alert", n=500, seed=unseen(407)).observed
for threshold in (3.0, 15.0):
    alerts = 0
    for _, scores in fresh.groupby("stay_id")["score"]:
        up = np.concatenate([[False], scores.to_numpy() >= threshold])
        alerts += int((up[1:] & ~up[:-1]).sum())
    expected = alerts / len(fresh) * PATIENTS_PER_NURSE * SHIFT_HOURS
    found = alerts_per_nurse_shift(fresh, threshold)
    assert abs(found - expected) < 1e-6, (
        f"in another cohort, at a threshold of {threshold:g} %, you find {found:.3f} alerts for each nurse and shift, expected {expected:.3f}:"
        " count an hour only if the hour before it in the same stay was below, and divide by all patient-hours"
    )
### END HIDDEN TESTS

# %% id="burdens" display=true
in_b = rows[rows["hospital"] == "B"]
lines = {}
for threshold in (4.0, DEPLOYED, 15.0, 25.0):
    at = at_threshold(stays, threshold).loc["B"]
    lines[f"{threshold:g} %"] = {"alerts per nurse and shift": alerts_per_nurse_shift(in_b, threshold), **at.drop("specificity")}
display(pd.DataFrame(lines).T.round(2).rename_axis("alert in B from"))
halves = {"first year": in_b["day"] <= 365, "second year": in_b["day"] > 365}
pd.Series({year: alerts_per_nurse_shift(in_b[when], DEPLOYED) for year, when in halves.items()}).round(2)

# %% [markdown]
# One or two alerts a shift do not sound like much. A nurse hears others too: pumps, monitors, falls. And look at the two years:
# nobody touched the score, yet there are half as many alerts again. In this synthetic world patients got sicker as time went
# by, for reasons *other than infection*. The score cannot tell, so it is as if somebody had quietly lowered the threshold.
#
# ## Task 7. Mend it with B's own data
#
# B has two years of data of its own. A logistic regression can learn what a score of 8 % *really* means in B. Whoever
# recalibrates must then judge the result on patients who came **later**: that is how it will be used, and what drifts would
# otherwise stay hidden.
#
# **7a.** Complete `earlier_and_later`: two tables. The first holds the earliest `share` of the stays, that is, all admitted on
# or before a certain day; the second all admitted after that day. `stays["day"].quantile(share)` finds the day. The rows are in
# no order of time. (`return one, two` returns two things.)

# %% id="split" competency="robustness"
def earlier_and_later(stays, share=0.6):
    """Two tables: the earliest `share` of the stays, by day of admission, and the later ones."""
    ### BEGIN SOLUTION
    cut = stays["day"].quantile(share)
    return stays[stays["day"] <= cut], stays[stays["day"] > cut]
    ### END SOLUTION


# %% id="test-split" points=2 competency="robustness"
# Test: the past on one side, the future on the other
example = pd.DataFrame({"day": [300, 20, 510, 40, 75, 600, 10, 90, 33, 90]})
known, new = earlier_and_later(example, 0.6)
assert len(known) + len(new) == 10 and known["day"].max() < new["day"].min(), (
    f"ten stays, the days {sorted(example['day'])}: your first table holds the days {sorted(known['day'])}, the second {sorted(new['day'])}."
    " Every day in the first must come before every day in the second; stays of one day stay together"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

# Three stays a day, and the cut falls within a day.
fresh = pd.DataFrame({"day": np.random.default_rng(unseen(408)).permutation(1000) // 3 + 1, "number": range(1000)})
for share in (0.5, 0.7):
    known, new = earlier_and_later(fresh, share)
    assert known["day"].max() < new["day"].min(), (
        f"on other data your earlier stays reach day {known['day'].max()} and your later ones begin on day {new['day'].min()}: split by day,"
        " not by lot and not by the order of rows"
    )
    assert abs(len(known) - 1000 * share) <= 2 and len(known) + len(new) == 1000, (
        f"of 1,000 other stays and a share of {share}, you put {len(known)} into the first table and {len(new)} into the second"
    )
### END HIDDEN TESTS

# %% [markdown]
# **7b.** Complete `recalibrate`: fit `LogisticRegression(C=1e6)` on the stays in `known`, with the score **on the log-odds
# scale** as its only input and `sepsis` as its label; return the risks that it gives to the stays in `new`, as an array of
# shares between 0 and 1.
#
# `logit(known[["highest"]] / 100)`, with two pairs of brackets, is the input as a table; `logit` stretches risks onto a scale
# without ends, on which a risk can be moved and squeezed. `model.predict_proba(...)[:, 1]` is the risk.

# %% id="recalibrate" competency="R6"
def recalibrate(known, new):
    """For each stay in `new`: its risk of sepsis, learnt from the scores and outcomes in `known`."""
    ### BEGIN SOLUTION
    model = LogisticRegression(C=1e6).fit(logit(known[["highest"]] / 100), known["sepsis"])
    return model.predict_proba(logit(new[["highest"]] / 100))[:, 1]
    ### END SOLUTION


# %% id="test-recalibrate" points=2 competency="R6"
# Test: one risk for each new stay
known, new = earlier_and_later(stays[stays["hospital"] == "B"])
risk = np.asarray(recalibrate(known, new))
assert risk.shape == (len(new),) and ((risk > 0) & (risk < 1)).all(), (
    f"you return an array of shape {risk.shape}; expected {len(new)} risks between 0 and 1, the second column of predict_proba"
)
past = pd.DataFrame({"highest": [2.0] * 10 + [50.0] * 10, "sepsis": [1] + [0] * 9 + [1] * 5 + [0] * 5})
risk = np.asarray(recalibrate(past, pd.DataFrame({"highest": [2.0, 10.0, 50.0], "sepsis": [1, 0, 0]})))
assert np.abs(risk - [0.1, 0.224, 0.5]).max() < 0.005, (
    "of ten stays with a score of 2 % one was septic, of ten with 50 % five: in new stays these scores mean 0.1 and 0.5, and on the"
    f" log-odds scale 10 % lies between them at 0.224. Yours are {np.round(risk, 3).tolist()}. Is the input logit(highest / 100), and is"
    " known the only source?"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(409))
few = pd.DataFrame({"highest": np.round(100 / (1 + np.exp(2.5 - rng.normal(0, 1.2, 4000))), 1).clip(0.1, 99.9)})
chance = 1 / (1 + np.exp(1.5 - 0.4 * logit(few["highest"] / 100)))
chance[2000:] /= 3  # the future is not like the past
few["sepsis"] = (rng.random(4000) < chance).astype(int)
known, new = few.iloc[:2000], few.iloc[2000:]
model = LogisticRegression(C=1e6).fit(logit(known[["highest"]] / 100), known["sepsis"])
expected, found = model.predict_proba(logit(new[["highest"]] / 100))[:, 1], np.asarray(recalibrate(known, new))
off = np.abs(found - expected).max()
assert off < 0.005, (
    f"on other data some of your risks are off by {off:.3f} (your mean is {found.mean():.3f}, expected {expected.mean():.3f}). Is the input"
    " logit(highest / 100), and is known the only source?"
)
### END HIDDEN TESTS

# %% id="mended" display=true
known, new = earlier_and_later(stays[stays["hospital"] == "B"])
by_lot = stays[stays["hospital"] == "B"].sample(frac=1, random_state=0)
cut = len(known)
trials = {
    "as sold, later stays": (new, new["highest"] / 100),
    "recalibrated, later stays": (new, recalibrate(known, new)),
    "recalibrated, split by lot": (by_lot.iloc[cut:], recalibrate(by_lot.iloc[:cut], by_lot.iloc[cut:])),
}
lines = {}
for name, (table, risk) in trials.items():
    ill, auroc = table["sepsis"].sum(), roc_auc_score(table["sepsis"], risk)
    low, high = auroc_interval(auroc, ill, len(table) - ill)
    lines[name] = {"septic": ill, "mean stated risk": np.mean(risk), "share with sepsis": table["sepsis"].mean()}
    lines[name] |= {**brier(table["sepsis"], risk), "auroc": auroc, "low": low, "high": high}
display(pd.DataFrame(lines).T.astype({"septic": int}).round(4))
fifths = {name: reliability(table["sepsis"], risk, groups=5) for name, (table, risk) in list(trials.items())[:2]}
pd.concat(fifths, axis=1).round(3).rename(lambda row: f"fifth {row + 1}")

# %% [markdown]
# Recalibration changed what the numbers *say*. The second table cuts the later stays into fifths by stated risk: as sold, the
# highest fifth is said to be at 0.19 and turns out at 0.12; recalibrated, the highest risks come true. The low ones are now
# overstated, and so is the average. All in all, the Brier score is about as good as the ward's notice board. What did not change
# is whom the score ranks above whom: the AUROC of both is the same. (It is 0.67 here, in later stays only, and was 0.62 in task 3;
# the interval from `low` to `high` has room for both.)
#
# Now compare stated with observed in the last two lines of the first table. Split by lot, past and future are mixed, and the two
# tend to agree. Judged on later stays, the mended score overstates the risk again, because the patients have changed. (There are
# fewer than 130 septic stays in each line, so one draw can blur this; the direction is built into this cohort.)
#
# ## Task 8. Go or no-go
#
# Is the alert worth its alarms? That depends on how many needless evaluations one accepts for one septic stay found in time.
# Somebody who evaluates from a risk of 5 % on accepts 19 in vain for one hit; from 10 % on, 9. This **threshold** is a
# statement of values, not of fact.
#
# The **net benefit** counts the hits and takes off the false alarms at that rate of exchange:
#
# $$\text{net benefit} = \frac{\text{true alerts}}{\text{all stays}} - \frac{\text{false alerts}}{\text{all stays}} \times \frac{\text{threshold}}{1 - \text{threshold}}$$
#
# A net benefit of 0.01 is worth as much as finding 10 septic stays in 1,000 without any false alarm. Alerting nobody has 0.
# Complete `net_benefit`: an alert goes to every stay with a `risk` **of at least** `threshold` (a share, such as 0.08).

# %% id="benefit" competency="R4"
def net_benefit(sepsis, risk, threshold):
    """Net benefit of alerting from `threshold` on. `sepsis` is 0 or 1 for each stay, `risk` a share."""
    ### BEGIN SOLUTION
    alert, septic = np.asarray(risk) >= threshold, np.asarray(sepsis) == 1
    return (alert & septic).mean() - (alert & ~septic).mean() * threshold / (1 - threshold)
    ### END SOLUTION


# %% id="test-benefit" points=4 competency="R4"
# Test: ten stays, small enough to do by hand
truth = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
risk = np.array([0.3, 0.1, 0.2, 0.5, 0.1, 0.0, 0.1, 0.0, 0.1, 0.1])
found = net_benefit(truth, risk, 0.2)
assert abs(found - 0.05) < 1e-9, (
    "from a threshold of 0.2 on, one of ten stays is alerted rightly and two in vain (0.2 itself counts): 0.1 - 0.2 × 0.2 / 0.8 = 0.05."
    f" Yours is {found:.4f}"
)
### BEGIN HIDDEN TESTS
from equipoise.datasets import unseen

rng = np.random.default_rng(unseen(410))
risk = rng.beta(1, 6, 3000).round(2)
truth = (rng.random(3000) < risk).astype(int)
for threshold in (0.03, 0.1, 0.4):
    hits, vain = np.sum((risk >= threshold) & (truth == 1)), np.sum((risk >= threshold) & (truth == 0))
    expected = hits / 3000 - vain / 3000 * threshold / (1 - threshold)
    found = net_benefit(pd.Series(truth), pd.Series(risk), threshold)
    assert abs(found - expected) < 1e-9, (
        f"on other data, at a threshold of {threshold}, your net benefit is {found:.4f}, expected {expected:.4f}: both terms are shares of all"
        " stays, and false alerts weigh threshold / (1 - threshold)"
    )
### END HIDDEN TESTS

# %% id="decision" display=true
known, new = earlier_and_later(stays[stays["hospital"] == "B"])
risks = {
    "score as sold": new["highest"] / 100,
    "score recalibrated": recalibrate(known, new),
    "alert for everyone": np.ones(len(new)),
}
thresholds = np.arange(0.02, 0.2501, 0.005)
fig, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
for (name, risk), line in zip(risks.items(), ("-", "--", ":")):
    axis.plot(thresholds, [1000 * net_benefit(new["sepsis"], risk, t) for t in thresholds], line, lw=2, label=name)
axis.axhline(0, color="gray", lw=1, label="alert for nobody")
axis.set(xlabel="threshold: the risk from which one would evaluate", ylabel="net benefit for 1,000 stays", ylim=(-15, 50))
axis.legend()
plt.show()
few = [0.03, 0.05, 0.06, 0.08, 0.12, 0.2]
table = pd.DataFrame({name: [1000 * net_benefit(new["sepsis"], risk, t) for t in few] for name, risk in risks.items()}, index=few)
display(table.assign(in_vain_for_one_hit=[(1 - t) / t for t in few]).round(1).rename_axis("threshold"))
alerted = {f"alerted, {name}": [np.mean(risks[name] >= t) for t in few] for name in list(risks)[:2]}
pd.DataFrame(alerted, index=few).round(2).rename_axis("threshold")

# %% [markdown]
# Read the curve from left to right. Far left, where a missed sepsis weighs so much that one would evaluate almost everyone, no
# score is needed. Far right, where false alarms weigh heavily, the score as sold does *harm*: less than nothing. In between
# there is a window in which it gives a little more than either. How wide is it, and does your hospital stand in it? There were
# 113 septic stays to draw it with, so it wobbles by a few stays in 1,000.
#
# Between about 4 and 8 % the recalibrated score does *worse* here than the one as sold. That is no slip of yours. The ranking is
# the same; the threshold sits elsewhere on it. At 6 % the recalibrated score alerts 71 % of stays, as sold 31 %, and 71 % is too
# many, since it overstates the risk of later patients (task 7). How much worse is luck of the draw: in eighty other cohorts from
# the same program it alerted more stays at 6 % every time, and was the worse of the two in forty. Mended risks are worth something
# to whoever acts on a risk, and only as long as they stay true.
#
# The curve knows nothing of nurses who stop listening, of antibiotics given in vain, of patients whom an alert finds an hour
# before the doctor would have, or of what else the money could buy.

# %% [markdown] level="specialty"
# ## Extension: a nurse between the score and the pager
#
# Some hospitals raise the threshold and let a triage nurse look first; only if she agrees is a doctor paged. Below, `sees` is
# the share of septic patients whom she passes on, `spares` the share of the others whom she holds back. Both are
# **assumptions**: nobody measured them. Run it, then ask: for which `sees` and `spares` would you prefer 12 % with her to
# 8 % without? Who pays for her time, if an alert takes her ten minutes (our assumption)? What becomes of `sees` in the second
# year, when alerts are half as many again and she has learnt that most are in vain? What would you measure in a silent trial before you believed any of these numbers?

# %% display=true
# Try things here; nothing below depends on it.
sees, spares = 0.8, 0.6
here = stays[stays["hospital"] == "B"]
ill = here["sepsis"] == 1
lines = {}
for threshold in (5.0, DEPLOYED, 12.0, 20.0):
    alert = here["highest"] >= threshold
    hits, vain = (alert & ill).sum(), (alert & ~ill).sum()
    paged = sees * hits + (1 - spares) * vain
    lines[f"{threshold:g} %"] = {
        "nurse sees, of 1,000 stays": 1000 * alert.mean(),
        "doctor paged, of 1,000": 1000 * paged / len(here),
        "% of septic found in time": 100 * sees * hits / ill.sum(),
        "% found without her": 100 * hits / ill.sum(),
        "pages for one of them": paged / (sees * hits),
        "alerts for one without her": alert.sum() / hits,
    }
pd.DataFrame(lines).T.round(1).rename_axis("alert from")

# %% [markdown]
# ## Memo
#
# Write to the executive board of hospital B, in **at most 250 words**. *Shall the alert be switched on?*
#
# 1. *No:* end the contract, or at least keep the alert off.
# 2. *Yes, with a raised threshold* and a triage nurse between the score and the doctor.
# 3. *Not yet:* on only after a silent local validation with limits fixed in advance, recalibrated, and checked again every
#    quarter.
#
# Say what you decide, give two numbers from this lab with their uncertainty, say who gains and who loses, and which principles
# collide, argue the strongest case **against** your choice, and name what you would monitor and what would change your mind. A
# person marks the memo, with this rubric; each row is worth 0 to 3 points.
#
# `interval(share, n)` works for a share **of n stays**: for a sensitivity, n is the number of septic stays; for a PPV, the number
# of alerts. `auroc_interval` is for an AUROC. Neither works for a net benefit.
#
# Your memo goes into the cell below the rubric: double-click it to edit it, and press Shift + Enter when you have written it.

# %% [markdown] id="rubric" rubric=true

# %% [markdown] id="memo" points=18 competency="R5"
# ### BEGIN SOLUTION
# *One of several good answers.*
#
# To the board. In hospital A the AUROC is 0.81, because there the culture usually comes before the recorded onset and the score
# reads the culture. Here it is 0.62 (95 % interval 0.58 to 0.65). From 8 % on the score found 108 of 313 septic stays in time
# (35 %; 29 to 40), and 12 % of alerts were true (10 to 14): eight evaluations for one patient. The data are synthetic; ours
# must be measured.
#
# I recommend: not yet. Run it silently for three months, recalibrated, with limits fixed today.
#
# The strongest case against me: for 82 septic patients, one in four, an alert came before anyone had ordered a culture. While
# we measure, such patients wait, and a tired ward might welcome a poor helper. Beneficence pulls towards switching on. But
# seven of eight alerts mean blood and antibiotics in vain and teach nurses not to listen; I let non-maleficence prevail for
# three months, not for ever.
#
# Patients and night nurses were not asked; the vendor keeps its formula secret and gains from a quick yes. Put a nurse and a
# former patient on the committee, and disclosure of inputs into the contract.
#
# We count each month alerts per nurse and shift, PPV, and septic patients alerted before any order. If by 1 April PPV exceeds
# 20 % at one alert a shift, I will support switching on with a triage nurse; if not, ending the contract.
# ### END SOLUTION

# %% [markdown] id="end"
# When the memo stands above, you are done. Restart and run all, save, then hand in.
