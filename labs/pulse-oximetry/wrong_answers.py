# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="share-of-all-readings" replaces="occult" loses={"test-occult": 3}
# The rate is taken over all readings, as if every reading could reassure.
def occult_rate(table, group):
    frame = MetricFrame(
        metrics={"count": count, "rate": mean_prediction},
        y_true=table["hypoxaemic"],
        y_pred=(table["hypoxaemic"] & table["spo2"].between(92, 96)).astype(float),
        sensitive_features=table[group],
    ).by_group
    bounds = [interval(rate, n) for rate, n in zip(frame["rate"], frame["count"])]
    return frame.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])

# %% mistake="one-interval-for-all" replaces="occult" loses={"test-occult": 3}
# The rates are right, but every group gets the interval of the whole cohort, which hides how few the small one has.
def occult_rate(table, group):
    safe = table[table["spo2"].between(92, 96)]
    frame = MetricFrame(
        metrics={"count": count, "rate": mean_prediction},
        y_true=safe["hypoxaemic"],
        y_pred=safe["hypoxaemic"].astype(float),
        sensitive_features=safe[group],
    ).by_group
    low, high = interval(safe["hypoxaemic"].mean(), len(safe))
    return frame.assign(low=low, high=high)

# %% mistake="average-gap" replaces="gap" loses={"test-gap": 2}
# The gap is averaged over all pairs of groups: a small group that is treated badly fades away.
def largest_gap(rates):
    values = list(rates)
    pairs = [abs(a - b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(pairs) / len(pairs)

# %% mistake="dark-minus-light" replaces="gap" loses={"test-gap": 2}
# Which groups are furthest apart is taken for granted.
def largest_gap(rates):
    return rates["dark"] - rates["light"]

# %% mistake="patients-on-both-sides" replaces="split" loses={"test-split": 2}
# Rows are shuffled without regard to the patient, so the model is tested on people it has met.
def split_by_patient(table, seed=0):
    shuffled = table.sample(frac=1, random_state=seed)
    cut = int(0.7 * len(table))
    return shuffled.iloc[:cut], shuffled.iloc[cut:]


train, test = split_by_patient(readings)

# %% mistake="seed-ignored" replaces="split" loses={"test-split": 2}
# A number stands where the seed should, so that every seed gives the same split.
def split_by_patient(table, seed=0):
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
    train_rows, test_rows = next(splitter.split(table, groups=table["patient_id"]))
    return table.iloc[train_rows], table.iloc[test_rows]


train, test = split_by_patient(readings)

# %% mistake="predicts-the-opposite" replaces="train" loses={"test-train": 2}
# The label is turned round: the model learns who is well.
def train_model(table):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(table[FEATURES], ~table["hypoxaemic"])


model = train_model(train)

# %% mistake="one-minus-specificity" replaces="error-rates" loses={"test-error-rates": 3}
# The false negative rate is taken as one minus specificity, which is the false positive rate.
def error_rates(hypoxaemic, alert, groups):
    metrics = {
        "false_negative_rate": false_positive_rate,
        "false_positive_rate": false_positive_rate,
        "selection_rate": selection_rate,
        "count": count,
    }
    return MetricFrame(metrics=metrics, y_true=hypoxaemic, y_pred=alert, sensitive_features=groups).by_group

# %% mistake="measured-on-training-patients" replaces="held-out" loses={"test-held-out": 2}
# The error rates are measured on the patients from whom the model learnt.
ALERT = 0.15
risk = model.predict_proba(train[FEATURES])[:, 1]
held_out = error_rates(train["hypoxaemic"], risk >= ALERT, train["tone_band"])
held_out.reindex(BANDS).round(3)

# %% mistake="explains-unscaled-inputs" replaces="shap" loses={"test-shap": 2}
# The model is explained with raw numbers, although it was fitted on scaled ones.
def spo2_attribution(pipeline, background, table):
    explainer = shap.LinearExplainer(pipeline[-1], background[FEATURES].to_numpy(float))
    return explainer(table[FEATURES].to_numpy(float)).values[:, FEATURES.index("spo2")]

# %% mistake="unscaled-background" replaces="shap" loses={"test-shap": 2}
# The table is scaled, the background is not, so that every row is compared with a patient who cannot exist.
def spo2_attribution(pipeline, background, table):
    explainer = shap.LinearExplainer(pipeline[-1], background[FEATURES].to_numpy(float))
    return explainer(pipeline[0].transform(table[FEATURES])).values[:, FEATURES.index("spo2")]

# %% mistake="interpolated-threshold" replaces="thresholds" loses={"test-thresholds": 2}
# A quantile that interpolates lies between two patients, and misses one more than was allowed.
def group_thresholds(hypoxaemic, risk, groups, most_missed=0.2):
    table = pd.DataFrame({"risk": np.asarray(risk), "group": np.asarray(groups)})[np.asarray(hypoxaemic)]
    return {group: np.quantile(rows["risk"], most_missed) for group, rows in table.groupby("group")}

# %% mistake="threshold-of-all-readings" replaces="thresholds" loses={"test-thresholds": 2}
# The readings without low oxygen are counted as well, so that the threshold is far too low.
def group_thresholds(hypoxaemic, risk, groups, most_missed=0.2):
    table = pd.DataFrame({"risk": np.asarray(risk), "group": np.asarray(groups)})
    return {group: np.quantile(rows["risk"], most_missed, method="lower") for group, rows in table.groupby("group")}

# %% mistake="one-threshold-for-all" replaces="thresholds" loses={"test-thresholds": 2}
# One threshold is found over all groups together and given to each.
def group_thresholds(hypoxaemic, risk, groups, most_missed=0.2):
    ill = np.asarray(risk)[np.asarray(hypoxaemic)]
    threshold = np.quantile(ill, most_missed, method="lower")
    return {group: threshold for group in np.unique(np.asarray(groups))}

# %% mistake="rewards-silence" replaces="optimizer" loses={"test-optimizer": 1}
# Plain accuracy is the objective. Low oxygen is rare, so few alerts score well, and everyone is missed alike.
def balanced_alerts(fitted, known, new):
    optimizer = ThresholdOptimizer(
        estimator=fitted,
        constraints="false_negative_rate_parity",
        objective="accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
    optimizer.fit(known[FEATURES], known["hypoxaemic"], sensitive_features=known["tone_band"])
    return optimizer.predict(new[FEATURES], sensitive_features=new["tone_band"], random_state=0)

# %% mistake="equal-false-alarms" replaces="optimizer" loses={"test-optimizer": 1}
# The false alarms are made equal instead of the misses.
def balanced_alerts(fitted, known, new):
    optimizer = ThresholdOptimizer(
        estimator=fitted,
        constraints="false_positive_rate_parity",
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
    optimizer.fit(known[FEATURES], known["hypoxaemic"], sensitive_features=known["tone_band"])
    return optimizer.predict(new[FEATURES], sensitive_features=new["tone_band"], random_state=0)

# %% mistake="one-correction-for-all" replaces="recalibrate" loses={"test-recalibrate": 2}
# One line is fitted for everyone, so the correction fits the majority.
def corrected_spo2(known, new):
    line = LinearRegression().fit(known[["spo2"]], known["sao2"])
    return pd.Series(line.predict(new[["spo2"]]), index=new.index)

# %% mistake="band-by-band" replaces="recalibrate" loses={"test-recalibrate": 2}
# The values of the bands are put one below the other, and stay in this order.
def corrected_spo2(known, new):
    parts = []
    for band, rows in new.groupby("tone_band"):
        learnt = known[known["tone_band"] == band]
        line = LinearRegression().fit(learnt[["spo2"]], learnt["sao2"])
        parts.append(pd.Series(line.predict(rows[["spo2"]]), index=rows.index))
    return pd.concat(parts)
