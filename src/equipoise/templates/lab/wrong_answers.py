# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names.

# %% mistake="overall-share" replaces="rates" loses={"test-rates": 2}
# TODO: replace these four by the mistakes that your students make.
def rates(rows):
    return pd.Series(rows["harmed"].mean(), index=sorted(rows["group"].unique()))

# %% mistake="counts" replaces="rates" loses={"test-rates": 2}
# Counts instead of shares.
def rates(rows):
    return rows.groupby("group")["harmed"].sum()

# %% mistake="average-gap" replaces="gap" loses={"test-gap": 2}
# The distance from the average hides the group that fares worst.
def largest_gap(shares):
    return (shares - shares.mean()).abs().mean()

# %% mistake="signed-gap" replaces="gap" loses={"test-gap": 2}
# First minus last depends on the order of the groups.
def largest_gap(shares):
    return shares.iloc[0] - shares.iloc[-1]
