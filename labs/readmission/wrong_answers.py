# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="share-of-all-returns" replaces="returns" loses={"test-returns": 3}
# Of all who returned, how many are in this row: turned around, so that a large group always looks ill.
def returns_by(table, column):
    found = table.groupby(column)["returned"].agg(n="size", share="sum")
    found["share"] = found["share"] / table["returned"].sum()
    bounds = [interval(share, n) for share, n in zip(found["share"], found["n"])]
    return found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])

# %% mistake="one-n-for-all" replaces="returns" loses={"test-returns": 3}
# Every row gets the interval of the whole table, so that the smallest group looks as certain as the largest.
def returns_by(table, column):
    found = table.groupby(column)["returned"].agg(n="size", share="mean")
    bounds = [interval(share, len(table)) for share in found["share"]]
    return found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])

# %% mistake="a-pair-for-low" replaces="returns" loses={"test-returns": 3}
# Both ends of the interval are put into each column: the table looks right and can be drawn by nobody.
def returns_by(table, column):
    found = table.groupby(column)["returned"].agg(n="size", share="mean")
    bounds = [interval(share, n) for share, n in zip(found["share"], found["n"])]
    return found.assign(low=bounds, high=bounds)

# %% mistake="sees-the-future" replaces="fit" loses={"test-fit": 2}
# The column readmitted stays among the inputs: the model reads the answer, and its AUROC is perfect.
def fit_model(table):
    inputs = encode(table.drop(columns=["readmit_30_days", "readmit_binary", "returned", "race", "gender", "group"]))
    return LogisticRegression(solver="liblinear").fit(inputs, table["returned"])


model = fit_model(train)

# %% mistake="race-among-the-inputs" replaces="fit" loses={"test-fit": 2}
# Only the outcomes are dropped, so that the model sees what the hospital has excluded.
def fit_model(table):
    inputs = encode(table.drop(columns=[*OUTCOMES, "returned", "group"]))
    return LogisticRegression(solver="liblinear").fit(inputs, table["returned"])


model = fit_model(train)

# %% mistake="any-return-at-all" replaces="fit" loses={"test-fit": 2}
# The model learns any return, however late, which is four times as common as an early one.
def fit_model(table):
    inputs = encode(table.drop(columns=[*OUTCOMES, "returned", "race", "gender", "group"]))
    return LogisticRegression(solver="liblinear").fit(inputs, table["readmit_binary"] == 1)


model = fit_model(train)

# %% mistake="lowest-risks-first" replaces="calls" loses={"test-calls": 2}
# argsort goes upwards: without the minus sign the healthiest are called.
def call_list(risk, calls):
    chosen = np.zeros(len(risk), dtype=bool)
    chosen[np.argsort(risk)[:calls]] = True
    return chosen

# %% mistake="ties-are-all-called" replaces="calls" loses={"test-calls": 2}
# Everybody at the cut-off or above it: with equal risks that is more than there are calls.
def call_list(risk, calls):
    return risk >= np.sort(risk)[::-1][calls - 1]

# %% mistake="truth-and-choice-swapped" replaces="audit" loses={"test-audit": 3}
# What happened and who was called change places, so misses are counted among the called.
def audit(table, chosen, by="group"):
    metrics = {"count": count, "selection_rate": selection_rate, "false_negative_rate": false_negative_rate}
    metrics["precision"] = precision_score
    return MetricFrame(metrics=metrics, y_true=chosen, y_pred=table["returned"], sensitive_features=table[by]).by_group

# %% mistake="always-the-same-groups" replaces="audit" loses={"test-audit": 3}
# The groups are written into the function, so an audit by age is an audit by group.
def audit(table, chosen, by="group"):
    metrics = {"count": count, "selection_rate": selection_rate, "false_negative_rate": false_negative_rate}
    metrics["precision"] = precision_score
    return MetricFrame(
        metrics=metrics, y_true=table["returned"], y_pred=chosen, sensitive_features=table["group"]
    ).by_group

# %% mistake="accuracy-for-an-objective" replaces="lines" loses={"test-lines": 2}
# When a return is rare, plain accuracy is highest if nobody is called: all groups are then missed alike.
def fit_lines(model, table):
    lines = ThresholdOptimizer(
        estimator=model,
        constraints="false_negative_rate_parity",
        objective="accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
    return lines.fit(seen_by(model, table), table["returned"], sensitive_features=table["group"])


lines = fit_lines(model, train)

# %% mistake="equal-calls-instead-of-equal-misses" replaces="lines" loses={"test-lines": 2}
# Demographic parity: as many calls in each group, whoever returns.
def fit_lines(model, table):
    lines = ThresholdOptimizer(
        estimator=model,
        constraints="demographic_parity",
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
    return lines.fit(seen_by(model, table), table["returned"], sensitive_features=table["group"])


lines = fit_lines(model, train)

# %% mistake="costs-the-wrong-way-round" replaces="promise" loses={"test-promise": 2}
# A call in vain costs seven times a missed return, so that nearly nobody is called.
def fit_with_promise(model, table):
    promise = ExponentiatedGradient(
        LogisticRegression(solver="liblinear"),
        TruePositiveRateParity(difference_bound=0.02),
        objective=ErrorRate(costs={"fp": 0.87, "fn": 0.13}),
        max_iter=5,
    )
    promise.fit(seen_by(model, table), table["returned"], sensitive_features=table["group"])
    return promise


promise = fit_with_promise(model, train)

# %% mistake="no-objective" replaces="promise" loses={"test-promise": 2}
# Without costs, plain errors are counted. A return is rare, so nobody is called, and all groups are missed alike.
def fit_with_promise(model, table):
    parity = TruePositiveRateParity(difference_bound=0.02)
    promise = ExponentiatedGradient(LogisticRegression(solver="liblinear"), parity, max_iter=5)
    promise.fit(seen_by(model, table), table["returned"], sensitive_features=table["group"])
    return promise


promise = fit_with_promise(model, train)

# %% mistake="counts-calls-for-returns" replaces="prevented" loses={"test-prevented": 4}
# Everybody who was called is counted, as if every one of them would have come back.
def prevented(table, chosen, reach, effect=EFFECT):
    found = table[chosen].groupby("group").size().reindex(reach.index, fill_value=0)
    spared = found * reach * effect
    size = table.groupby("group").size().reindex(reach.index)
    return pd.DataFrame({"found": found, "prevented": spared, "per_1000": 1000 * spared / size})

# %% mistake="per-thousand-of-the-called" replaces="prevented" loses={"test-prevented": 4}
# The rate is taken among those who were called, so that a group in which few are called looks well served.
def prevented(table, chosen, reach, effect=EFFECT):
    found = table[chosen & table["returned"]].groupby("group").size().reindex(reach.index, fill_value=0)
    spared = found * reach * effect
    called = table[chosen].groupby("group").size().reindex(reach.index, fill_value=1)
    return pd.DataFrame({"found": found, "prevented": spared, "per_1000": 1000 * spared / called})

# %% mistake="effect-written-in" replaces="prevented" loses={"test-prevented": 4}
# The effect that is passed is ignored, so that asking "and if it were smaller?" gets the same answer.
def prevented(table, chosen, reach, effect=EFFECT):
    found = table[chosen & table["returned"]].groupby("group").size().reindex(reach.index, fill_value=0)
    spared = found * reach * EFFECT
    size = table.groupby("group").size().reindex(reach.index)
    return pd.DataFrame({"found": found, "prevented": spared, "per_1000": 1000 * spared / size})
