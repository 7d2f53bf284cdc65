# %% [markdown]
# One mistake for each task. Together they make the all-wrong notebook in which every attack is handed in.
# ruff: noqa: F821

# %% mistake="guess" replaces="mean" loses={"test-mean": 1}
# A guess instead of the mean.
mean_severity = 0.5

# %% mistake="counts" replaces="rates" loses={"test-rates": 2}
# Counts instead of shares.
rates = patients.groupby("group")["harmed"].agg(patients="size", rate="sum")


# %% mistake="signed-gap" replaces="gap" loses={"test-gap": 3}
# First minus last depends on the order of the values.
def largest_gap(shares):
    return shares.iloc[0] - shares.iloc[-1]


# %% mistake="opposite" replaces="model" loses={"test-model": 2}
# The label is turned round.
model = LinearRegression().fit(patients[["severity"]], 1 - patients["harmed"].astype(float))


# %% mistake="all-patients" replaces="count" loses={"test-count": 2}
# Every patient is counted.
def patients_above(limit):
    return len(pd.read_csv("data/target.csv"))
