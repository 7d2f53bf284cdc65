# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="drops-the-sickest" replaces="spending" loses={"test-spending": 3}
# Patients with more than five conditions are left out, so that the row for five or more holds only five.
def spending_by_illness(table):
    few = table[table["conditions"] <= 5]
    return few.groupby(["conditions", "recorded_race"])["cost"].mean().unstack()

# %% mistake="median-for-mean" replaces="spending" loses={"test-spending": 3}
# The median hides the few who cost most, for whom the programme exists.
def spending_by_illness(table):
    illness = table["conditions"].clip(upper=5)
    return table.groupby([illness, "recorded_race"])["cost"].median().unstack()

# %% mistake="last-years-label" replaces="train" loses={"test-train": 2}
# The model learns the year before, which it is also given: it predicts what is known already.
def train_on(table, label):
    return make_pipeline(StandardScaler(), LinearRegression()).fit(table[FEATURES], table[f"{label}_before"])


cost_model = train_on(train, "cost")

# %% mistake="one-label-for-all" replaces="train" loses={"test-train": 2}
# The label is never used: every model predicts cost, and choosing a label seems to change nothing.
def train_on(table, label):
    return make_pipeline(StandardScaler(), LinearRegression()).fit(table[FEATURES], table["cost"])


cost_model = train_on(train, "cost")

# %% mistake="fraction-of-the-highest-score" replaces="select" loses={"test-select": 2}
# The line is drawn at 97 % of the highest score, not at the 97th percentile of patients.
def most_at_risk(score, share=0.03):
    return score >= (1 - share) * np.max(score)

# %% mistake="always-three-percent" replaces="select" loses={"test-select": 2}
# The share is written into the function, so another number of places changes nothing.
def most_at_risk(score, share=0.03):
    return score >= np.quantile(score, 0.97)

# %% mistake="truth-and-choice-swapped" replaces="who" loses={"test-who": 3}
# Illness and choice change places, so the rate starts from those who got a place instead of those who needed one.
def who_is_selected(table, chosen):
    return MetricFrame(
        metrics={"count": count, "selection_rate": selection_rate, "false_negative_rate": false_negative_rate},
        y_true=chosen,
        y_pred=table["conditions"] >= SEVERE,
        sensitive_features=table["recorded_race"],
    ).by_group

# %% mistake="one-condition-too-many" replaces="who" loses={"test-who": 3}
# More than five conditions instead of five or more: patients at the cut are not counted as severely ill.
def who_is_selected(table, chosen):
    return MetricFrame(
        metrics={"count": count, "selection_rate": selection_rate, "false_negative_rate": false_negative_rate},
        y_true=table["conditions"] > SEVERE,
        y_pred=chosen,
        sensitive_features=table["recorded_race"],
    ).by_group

# %% mistake="deciles-within-each-group" replaces="decile" loses={"test-decile": 3}
# Each group is cut into tenths of its own, so that one row no longer means one score.
def by_decile(table, score, column):
    decile = pd.Series(score, index=table.index).groupby(table["recorded_race"]).rank(pct=True)
    decile = np.ceil(10 * decile).astype(int)
    return table.groupby([decile, "recorded_race"])[column].mean().unstack()

# %% mistake="equal-steps-of-score" replaces="decile" loses={"test-decile": 3}
# The range of scores is cut into ten equal steps: nearly everybody lands in the lowest few.
def by_decile(table, score, column):
    decile = pd.cut(score, 10, labels=False) + 1
    return table.groupby([decile, "recorded_race"])[column].mean().unstack()

# %% mistake="explains-unscaled-inputs" replaces="shap" loses={"test-shap": 2}
# The model is explained with raw numbers, although it was fitted on scaled ones.
def explain(pipeline, background, table):
    explainer = shap.LinearExplainer(pipeline[-1], background[FEATURES].to_numpy(float))
    values = explainer(table[FEATURES].to_numpy(float)).values
    return pd.DataFrame(values, index=table.index, columns=FEATURES)

# %% mistake="unscaled-background" replaces="shap" loses={"test-shap": 2}
# The table is scaled, the background is not, so that every patient is compared with one who cannot exist.
def explain(pipeline, background, table):
    explainer = shap.LinearExplainer(pipeline[-1], background[FEATURES].to_numpy(float))
    values = explainer(pipeline[0].transform(table[FEATURES])).values
    return pd.DataFrame(values, index=table.index, columns=FEATURES)

# %% mistake="rate-for-share" replaces="compare" loses={"test-compare": 4}
# The share of Black patients who get a place, instead of the share of places that go to Black patients.
def compare_labels(known, new):
    rows = {}
    for label in LABELS:
        chosen = most_at_risk(train_on(known, label).predict(new[FEATURES]))
        rows[label] = {"black_share": chosen[new["recorded_race"] == "Black"].mean()}
        rows[label] |= {column: new.loc[chosen, column].sum() / new[column].sum() for column in LABELS}
    return pd.DataFrame(rows).T

# %% mistake="judged-on-training-patients" replaces="compare" loses={"test-compare": 4}
# The labels are compared on the patients from whom the models learnt.
def compare_labels(known, new):
    rows = {}
    for label in LABELS:
        chosen = most_at_risk(train_on(known, label).predict(known[FEATURES]))
        rows[label] = {"black_share": (known.loc[chosen, "recorded_race"] == "Black").mean()}
        rows[label] |= {column: known.loc[chosen, column].sum() / known[column].sum() for column in LABELS}
    return pd.DataFrame(rows).T

# %% mistake="mean-for-sum" replaces="compare" loses={"test-compare": 4}
# The mean of the chosen over the mean of all: how ill they are, not how much of all illness the places reach.
def compare_labels(known, new):
    rows = {}
    for label in LABELS:
        chosen = most_at_risk(train_on(known, label).predict(new[FEATURES]))
        rows[label] = {"black_share": (new.loc[chosen, "recorded_race"] == "Black").mean()}
        rows[label] |= {column: new.loc[chosen, column].mean() / new[column].mean() for column in LABELS}
    return pd.DataFrame(rows).T
