# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="percent-for-share" replaces="predict" loses={"test-predict": 1}
# Percentages are written where shares were asked for.
prediction = {"asthma": 14, "others": 11, "asthma_without_icu": 16}

# %% mistake="share-of-all-deaths" replaces="deaths" loses={"test-deaths": 3}
# The deaths in a row are divided by all patients, so that a small group always looks safe.
def deaths_by(table, column):
    found = table.groupby(column)["died"].agg(["size", "sum"]).rename(columns={"size": "patients"})
    found["died"] = found["sum"] / len(table)
    bounds = [interval(share, n) for share, n in zip(found["died"], found["patients"])]
    return found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])

# %% mistake="one-interval-for-all" replaces="deaths" loses={"test-deaths": 3}
# The interval is computed from the whole table, as if every group were as large as all of them.
def deaths_by(table, column):
    found = table.groupby(column)["died"].agg(["size", "mean"]).rename(columns={"size": "patients", "mean": "died"})
    bounds = [interval(share, len(table)) for share in found["died"]]
    return found.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])

# %% mistake="interval-by-rule-of-thumb" replaces="deaths" loses={"test-deaths": 3}
# Share plus or minus 1.96 standard errors: too narrow for small groups, and below zero for the smallest.
def deaths_by(table, column):
    found = table.groupby(column)["died"].agg(["size", "mean"]).rename(columns={"size": "patients", "mean": "died"})
    half = 1.96 * np.sqrt(found["died"] * (1 - found["died"]) / found["patients"])
    return found.assign(low=found["died"] - half, high=found["died"] + half)

# %% mistake="learns-who-was-admitted" replaces="train" loses={"test-train": 2}
# The wrong column is learnt: the model predicts intensive care instead of death.
def train_glass_box(table, inputs):
    return LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["icu"])


glass_box = train_glass_box(train, AT_THE_DOOR)
opaque = train_opaque(train, AT_THE_DOOR)

# %% mistake="pulled-to-zero" replaces="train" loses={"test-train": 2}
# With a strong penalty every push shrinks towards zero, and none can be read.
def train_glass_box(table, inputs):
    return LogisticRegression(C=0.001, solver="newton-cholesky").fit(table[inputs], table["died"])


glass_box = train_glass_box(train, AT_THE_DOOR)
opaque = train_opaque(train, AT_THE_DOOR)

# %% mistake="explains-the-neighbour" replaces="shap" loses={"test-shap": 2}
# Counting from one instead of zero: the push of the inhaler is taken for that of asthma.
def push_of_asthma(model, table):
    values = shap.TreeExplainer(model)(table[AT_THE_DOOR]).values
    return pd.Series(values[:, 2], index=table.index)

# %% mistake="explains-one-model-for-all" replaces="shap" loses={"test-shap": 2}
# The model that is passed in is ignored; the released one is always explained.
def push_of_asthma(model, table):
    values = shap.TreeExplainer(opaque)(table[AT_THE_DOOR]).values
    return pd.Series(values[:, AT_THE_DOOR.index("asthma")], index=table.index)

# %% mistake="asthma-only-through-icu" replaces="arrows" loses={"test-arrows": 2}
# The direct arrow from asthma to death is missing, as if care were all that set these patients apart.
arrows = {
    ("illness", "died"),
    ("age", "died"),
    ("illness", "icu"),
    ("asthma", "icu"),
    ("icu", "died"),
    ("icu", "oxygen_day2"),
    ("illness", "oxygen_day2"),
    ("asthma", "inhaler"),
}

# %% mistake="inhaler-protects" replaces="arrows" loses={"test-arrows": 2}
# What goes together is drawn as cause and effect: nine arrows, of which one is wrong.
arrows = {
    ("illness", "died"),
    ("age", "died"),
    ("asthma", "died"),
    ("illness", "icu"),
    ("asthma", "icu"),
    ("icu", "died"),
    ("icu", "oxygen_day2"),
    ("illness", "oxygen_day2"),
    ("inhaler", "died"),
}

# %% mistake="causes-of-either" replaces="causes" loses={"test-causes": 2}
# Everything that points to one or the other is called a common cause.
def common_causes(arrows, one, other):
    return {cause for cause, effect in arrows if effect in (one, other)}

# %% mistake="where-they-really-went" replaces="risk-if" loses={"test-risk-if": 2}
# The recorded treatment is left as it was, so that the question "if" is never asked.
def risk_if(model, table, icu):
    return model.predict_proba(table[WITH_ICU])[:, 1]


adjusted = train_glass_box(train, WITH_ICU)

# %% mistake="yes-or-no-for-risk" replaces="risk-if" loses={"test-risk-if": 2}
# The model is asked for its verdict, dead or alive, instead of the risk.
def risk_if(model, table, icu):
    return model.predict(table.assign(icu=icu)[WITH_ICU])


adjusted = train_glass_box(train, WITH_ICU)

# %% mistake="crude-difference" replaces="effect" loses={"test-effect": 4}
# Those who went are compared with those who did not, though they were far more ill.
def effect_of_icu(table):
    died = table.groupby("icu")["died"].mean()
    return {"with_icu": died[1], "without_icu": died[0], "difference": died[1] - died[0]}

# %% mistake="mean-over-those-who-went" replaces="effect" loses={"test-effect": 4}
# Each mean is taken over the patients who had that treatment: the model is adjusted, the comparison is not.
def effect_of_icu(table):
    model = train_glass_box(table, WITH_ICU)
    went = table["icu"] == 1
    with_icu, without = risk_if(model, table[went], 1).mean(), risk_if(model, table[~went], 0).mean()
    return {"with_icu": with_icu, "without_icu": without, "difference": with_icu - without}

# %% mistake="adjusts-for-the-next-morning" replaces="effect" loses={"test-effect": 4}
# The oxygen next morning is held equal too, which takes away part of what intensive care does.
def effect_of_icu(table):
    inputs = [*WITH_ICU, "oxygen_day2"]
    model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["died"])
    with_icu = model.predict_proba(table.assign(icu=1)[inputs])[:, 1].mean()
    without = model.predict_proba(table.assign(icu=0)[inputs])[:, 1].mean()
    return {"with_icu": with_icu, "without_icu": without, "difference": with_icu - without}

# %% mistake="adjusts-for-age-alone" replaces="effect" loses={"test-effect": 4}
# How ill the patients were is left out, which is what sent most of them to intensive care.
def effect_of_icu(table):
    inputs = ["age", "asthma", "icu"]
    model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(table[inputs], table["died"])
    with_icu = model.predict_proba(table.assign(icu=1)[inputs])[:, 1].mean()
    without = model.predict_proba(table.assign(icu=0)[inputs])[:, 1].mean()
    return {"with_icu": with_icu, "without_icu": without, "difference": with_icu - without}

# %% mistake="asks-the-model-of-another-table" replaces="effect" loses={"test-effect": 4}
# The model was trained elsewhere, once: whatever happened to the patients of this table, the answer stays the same.
def effect_of_icu(table):
    with_icu, without = risk_if(adjusted, table, 1).mean(), risk_if(adjusted, table, 0).mean()
    return {"with_icu": with_icu, "without_icu": without, "difference": with_icu - without}

# %% mistake="edits-the-original" replaces="edit" loses={"test-edit": 2}
# No copy is made: the model that everybody else uses has changed without a trace.
def edit(model, name, value):
    model.coef_[0, list(model.feature_names_in_).index(name)] = value
    return model

# %% mistake="adds-instead-of-sets" replaces="edit" loses={"test-edit": 2}
# The value is added to what the model had learnt, instead of replacing it.
def edit(model, name, value):
    edited = deepcopy(model)
    edited.coef_[0, list(model.feature_names_in_).index(name)] += value
    return edited

# %% mistake="place-in-another-list" replaces="edit" loses={"test-edit": 2}
# The place is looked up in the list of one model, whichever model is passed in.
def edit(model, name, value):
    edited = deepcopy(model)
    edited.coef_[0, AT_THE_DOOR.index(name)] = value
    return edited

# %% mistake="risk-below-the-share" replaces="home" loses={"test-home": 1}
# Everyone whose risk is below 30 % goes home, which is nearly everybody.
def send_home(risk, share=HOME):
    return risk < share

# %% mistake="counts-all-deaths-at-home" replaces="excess" loses={"test-excess": 3}
# All deaths expected at home are counted, also those that would have happened anyway.
def excess_deaths(model, table, home):
    return risk_if(model, table, 0)[home].sum()

# %% mistake="as-if-all-had-been-treated" replaces="excess" loses={"test-excess": 3}
# Everyone is credited with intensive care, also those who never went.
def excess_deaths(model, table, home):
    return (risk_if(model, table, 0) - risk_if(model, table, 1))[home].sum()

# %% mistake="mean-for-sum" replaces="excess" loses={"test-excess": 3}
# The mean additional risk is returned instead of the number of deaths.
def excess_deaths(model, table, home):
    without = risk_if(model, table, 0)
    as_treated = np.where(table["icu"] == 1, risk_if(model, table, 1), without)
    return (without - as_treated)[home].mean()
