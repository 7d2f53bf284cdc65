# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="percent-for-share" replaces="predict" loses={"test-predict": 1}
# Percent instead of shares.
prediction = {"auroc": 0.75, "sensitivity": 60, "ppv": 30}

# %% mistake="looks-past-the-onset" replaces="stays" loses={"test-stays": 3}
# Scores from after the onset count too: the future leaks into the validation, and every alert seems to come in time.
def one_row_per_stay(rows):
    return rows.groupby("stay_id").agg(
        hospital=("hospital", "first"), day=("day", "first"), sepsis=("sepsis", "first"), highest=("score", "max")
    )


stays = one_row_per_stay(rows)

# %% mistake="last-score-for-highest" replaces="stays" loses={"test-stays": 3}
# The last score before the onset instead of the highest: an alert that went off and fell silent is forgotten.
def one_row_per_stay(rows):
    in_time = rows[rows["after_onset"] == 0]
    return in_time.groupby("stay_id").agg(
        hospital=("hospital", "first"), day=("day", "first"), sepsis=("sepsis", "first"), highest=("score", "last")
    )


stays = one_row_per_stay(rows)

# %% mistake="auroc-of-the-alert" replaces="auroc" loses={"test-auroc": 2}
# The AUROC of yes or no instead of that of the score.
def auroc_by_hospital(stays):
    return MetricFrame(
        metrics=roc_auc_score,
        y_true=stays["sepsis"],
        y_pred=(stays["highest"] >= DEPLOYED).astype(int),
        sensitive_features=stays["hospital"],
    ).by_group

# %% mistake="truth-and-alert-swapped" replaces="threshold" loses={"test-threshold": 3}
# Sepsis and alert change places, so that sensitivity and PPV do too.
def at_threshold(stays, threshold):
    table = MetricFrame(
        metrics={
            "alerted": selection_rate,
            "sensitivity": true_positive_rate,
            "specificity": true_negative_rate,
            "ppv": precision_score,
        },
        y_true=stays["highest"] >= threshold,
        y_pred=stays["sepsis"],
        sensitive_features=stays["hospital"],
    ).by_group
    return table.assign(evaluate=1 / table["ppv"])

# %% mistake="evaluations-from-sensitivity" replaces="threshold" loses={"test-threshold": 3}
# The number needed to evaluate is taken from the sensitivity: it starts from the septic, not from the alerted.
def at_threshold(stays, threshold):
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
    return table.assign(evaluate=1 / table["sensitivity"])

# %% mistake="whole-stays-dropped" replaces="orders" loses={"test-orders": 2}
# Stays with any order are dropped whole, the hours before it included: of the septic hardly anyone remains.
def before_any_order(rows):
    ordered = rows[(rows["culture_ordered"] == 1) | (rows["antibiotic_given"] == 1)]["stay_id"]
    return rows[~rows["stay_id"].isin(ordered)]

# %% mistake="antibiotics-only" replaces="orders" loses={"test-orders": 2}
# Only antibiotics count as a sign of suspicion; the culture, which comes first, stays in.
def before_any_order(rows):
    return rows[rows["antibiotic_given"] == 0]

# %% mistake="stated-and-observed-swapped" replaces="reliability" loses={"test-reliability": 2}
# calibration_curve returns the observed shares first.
def reliability(sepsis, risk, groups=5):
    stated, observed = calibration_curve(sepsis, risk, n_bins=groups, strategy="quantile")
    return pd.DataFrame({"stated": stated, "observed": observed})

# %% mistake="groups-of-equal-width" replaces="reliability" loses={"test-reliability": 2}
# Equal steps of risk instead of equal numbers of stays: the highest groups hold a handful of patients.
def reliability(sepsis, risk, groups=5):
    observed, stated = calibration_curve(sepsis, risk, n_bins=groups)
    return pd.DataFrame({"stated": stated, "observed": observed})

# %% mistake="base-of-no-risk" replaces="brier" loses={"test-brier": 2}
# The yardstick gives everyone a risk of 0 instead of the share with sepsis, and is too easy to beat.
def brier(sepsis, risk):
    return {"score": brier_score_loss(sepsis, risk), "base": brier_score_loss(sepsis, np.zeros(len(sepsis)))}

# %% mistake="base-of-the-mean-risk" replaces="brier" loses={"test-brier": 2}
# Everyone gets the mean of what the score says, not the share with sepsis: the yardstick is made from what it should measure.
def brier(sepsis, risk):
    everyone = np.full(len(sepsis), np.mean(risk))
    return {"score": brier_score_loss(sepsis, risk), "base": brier_score_loss(sepsis, everyone)}

# %% mistake="every-hour-an-alert" replaces="burden" loses={"test-burden": 3}
# Each hour with a high score counts as an alert, although the nurse has been called already.
def alerts_per_nurse_shift(rows, threshold):
    return (rows["score"] >= threshold).mean() * PATIENTS_PER_NURSE * SHIFT_HOURS

# %% mistake="the-patient-in-the-row-above" replaces="burden" loses={"test-burden": 3}
# The hour before is that of the row above, which may belong to another patient.
def alerts_per_nurse_shift(rows, threshold):
    above = rows["score"] >= threshold
    before = above.shift(fill_value=False)
    return (above & ~before).sum() / len(rows) * PATIENTS_PER_NURSE * SHIFT_HOURS

# %% mistake="alerts-per-stay" replaces="burden" loses={"test-burden": 3}
# Divided by stays instead of patient-hours.
def alerts_per_nurse_shift(rows, threshold):
    above = rows["score"] >= threshold
    before = above.groupby(rows["stay_id"]).shift(fill_value=False)
    return (above & ~before).sum() / rows["stay_id"].nunique() * PATIENTS_PER_NURSE

# %% mistake="past-and-future-shuffled" replaces="split" loses={"test-split": 2}
# Stays are split by lot, so that the score is judged on days from which it learnt, and drift stays hidden.
def earlier_and_later(stays, share=0.6):
    known = stays.sample(frac=share, random_state=0)
    return known, stays.drop(known.index)

# %% mistake="order-of-rows-for-time" replaces="split" loses={"test-split": 2}
# The first rows are taken for the earliest stays.
def earlier_and_later(stays, share=0.6):
    cut = round(share * len(stays))
    return stays.iloc[:cut], stays.iloc[cut:]

# %% mistake="cut-through-a-day" replaces="split" loses={"test-split": 2}
# Sorted by day, but cut at a number of rows, so that stays of one day lie on both sides.
def earlier_and_later(stays, share=0.6):
    cut = round(share * len(stays))
    in_order = stays.sort_values("day")
    return in_order.iloc[:cut], in_order.iloc[cut:]

# %% mistake="learns-from-the-future" replaces="recalibrate" loses={"test-recalibrate": 2}
# The recalibration learns from all stays, those to be judged included.
def recalibrate(known, new):
    both = pd.concat([known, new])
    model = LogisticRegression(C=1e6).fit(logit(both[["highest"]] / 100), both["sepsis"])
    return model.predict_proba(logit(new[["highest"]] / 100))[:, 1]

# %% mistake="percent-as-input" replaces="recalibrate" loses={"test-recalibrate": 2}
# The score goes in as it is, in percent, where a step from 1 to 2 means much and one from 50 to 51 little.
def recalibrate(known, new):
    model = LogisticRegression(C=1e6).fit(known[["highest"]], known["sepsis"])
    return model.predict_proba(new[["highest"]])[:, 1]

# %% mistake="exchange-upside-down" replaces="benefit" loses={"test-benefit": 4}
# A low threshold should make false alarms cheap; here it makes them dear.
def net_benefit(sepsis, risk, threshold):
    alert, septic = np.asarray(risk) >= threshold, np.asarray(sepsis) == 1
    return (alert & septic).mean() - (alert & ~septic).mean() * (1 - threshold) / threshold

# %% mistake="shares-of-the-alerted" replaces="benefit" loses={"test-benefit": 4}
# Shares of the alerted stays instead of all: a score that alerts nearly nobody looks splendid.
def net_benefit(sepsis, risk, threshold):
    alert, septic = np.asarray(risk) >= threshold, np.asarray(sepsis) == 1
    hits = septic[alert].mean()
    return hits - (1 - hits) * threshold / (1 - threshold)

# %% mistake="threshold-for-odds" replaces="benefit" loses={"test-benefit": 4}
# False alarms weigh the threshold instead of its odds.
def net_benefit(sepsis, risk, threshold):
    alert, septic = np.asarray(risk) >= threshold, np.asarray(sepsis) == 1
    return (alert & septic).mean() - (alert & ~septic).mean() * threshold
