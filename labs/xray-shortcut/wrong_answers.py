# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="percent-for-share" replaces="predict" loses={"test-predict": 1}
# The guesses are written as percentages.
prediction = {"internal": 90, "external": 85}

# %% mistake="shares-of-the-judged" replaces="hospital" loses={"test-hospital": 2}
# The shares come from the very films on which the score is judged: the answer is looked up.
def hospital_only(learnt, judged):
    share = judged.groupby("site")["pneumonia"].mean()
    return roc_auc_score(judged["pneumonia"], judged["site"].map(share))

# %% mistake="share-for-everyone" replaces="hospital" loses={"test-hospital": 2}
# One share for all films: the hospital is never used, and the AUROC is a coin.
def hospital_only(learnt, judged):
    share = pd.Series(learnt["pneumonia"].mean(), index=learnt["site"].unique())
    return roc_auc_score(judged["pneumonia"], judged["site"].map(share))

# %% mistake="unscaled" replaces="train" loses={"test-train": 2}
# The grey levels are not scaled, so that the penalty weighs bright and dark patches differently.
def train(some_films, target):
    return make_pipeline(StandardScaler(with_std=False), LogisticRegression(C=0.01, max_iter=1000)).fit(patches(some_films), target)


def score(model, some_films):
    return model.decision_function(patches(some_films))


model = train(films[known.index], known["pneumonia"])

# %% mistake="target-ignored" replaces="train" loses={"test-train": 2}
# The target is written into the function as the pneumonia of the known films, whatever films and target are given: a
# probe trained with it learns nothing about hospitals.
def train(some_films, target):
    ill = np.resize(known["pneumonia"].to_numpy(), len(some_films))
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(patches(some_films), ill)


def score(model, some_films):
    return model.decision_function(patches(some_films))


model = train(films[known.index], known["pneumonia"])

# %% mistake="mean-of-the-two" replaces="sites" loses={"test-sites": 3}
# The mean of the AUROCs of A and B, instead of the AUROC of their films together: the pairs from different hospitals are lost.
def at_home_and_away(t, scores):
    rows = {}
    for name in ("A", "B", "C"):
        chosen = (t["site"] == name).to_numpy()
        truth = t["pneumonia"].to_numpy()[chosen]
        auroc, ill = roc_auc_score(truth, scores[chosen]), truth.sum()
        low, high = auroc_interval(auroc, ill, len(truth) - ill)
        rows[name] = {"films": len(truth), "ill": ill, "auroc": auroc, "low": low, "high": high}
    both = pd.DataFrame(rows).T.loc[["A", "B"]]
    pooled = both.mean().to_dict() | both[["films", "ill"]].sum().to_dict()
    return pd.DataFrame({"A + B": pooled} | rows).T

# %% mistake="interval-from-all-films" replaces="sites" loses={"test-sites": 3}
# All films are passed as well, so that every interval is too narrow.
def at_home_and_away(t, scores):
    rows = {}
    for name, sites in (("A + B", ["A", "B"]), ("A", ["A"]), ("B", ["B"]), ("C", ["C"])):
        chosen = t["site"].isin(sites).to_numpy()
        truth = t["pneumonia"].to_numpy()[chosen]
        auroc, ill = roc_auc_score(truth, scores[chosen]), truth.sum()
        low, high = auroc_interval(auroc, ill, len(truth))
        rows[name] = {"films": len(truth), "ill": ill, "auroc": auroc, "low": low, "high": high}
    return pd.DataFrame.from_dict(rows, orient="index")

# %% mistake="probe-judged-at-school" replaces="probe" loses={"test-probe": 3}
# The probe is judged on the films from which it has learnt.
def recognised(learnt_films, learnt_sites, judged_films, judged_sites):
    probe = train(learnt_films, learnt_sites == "A")
    return (probe.predict(patches(learnt_films)) == (learnt_sites == "A")).mean()

# %% mistake="probe-trained-on-the-judged" replaces="probe" loses={"test-probe": 3}
# The probe learns from the very films on which it is judged.
def recognised(learnt_films, learnt_sites, judged_films, judged_sites):
    probe = train(judged_films, judged_sites == "A")
    return (probe.predict(patches(judged_films)) == (judged_sites == "A")).mean()

# %% mistake="only-films-of-a" replaces="probe" loses={"test-probe": 3}
# Of the films of A, the share that is recognised: a probe that always says A would be perfect.
def recognised(learnt_films, learnt_sites, judged_films, judged_sites):
    probe = train(learnt_films, learnt_sites == "A")
    return probe.predict(patches(judged_films))[(judged_sites == "A").to_numpy()].mean()

# %% mistake="unscaled-background" replaces="shap" loses={"test-shap": 3}
# The films are scaled, the background is not, so that every film is compared with one that cannot exist.
def explain(pipeline, background_films, some_films):
    explainer = shap.LinearExplainer(pipeline[-1], patches(background_films))
    return explainer(pipeline[0].transform(patches(some_films))).values.reshape(-1, 16, 16)

# %% mistake="rows-for-columns" replaces="shap" loses={"test-shap": 3}
# Each picture is turned over its diagonal: what pushes from the right corner above appears in the left corner below.
def explain(pipeline, background_films, some_films):
    explainer = shap.LinearExplainer(pipeline[-1], pipeline[0].transform(patches(background_films)))
    return explainer(pipeline[0].transform(patches(some_films))).values.reshape(-1, 16, 16).transpose(0, 2, 1)

# %% mistake="paints-the-originals" replaces="cover" loses={"test-cover": 3}
# No copy is made, so that the films that were handed in lose their corners, and every comparison with them is lost.
def cover_corners(some_films):
    some_films[:, :12, :12] = 128
    some_films[:, :12, -12:] = 128
    return some_films


covered_films = cover_corners(films)
originals_kept = not np.array_equal(covered_films, films)

# %% mistake="left-corners" replaces="cover" loses={"test-cover": 3}
# Rows and columns are exchanged: both left corners are covered, and the L stays.
def cover_corners(some_films):
    covered = some_films.copy()
    covered[:, :12, :12] = 128
    covered[:, -12:, :12] = 128
    return covered


covered_films = cover_corners(films)
originals_kept = not np.array_equal(covered_films, films)

# %% mistake="switches-of-all-reads" replaces="reliance" loses={"test-reliance": 3}
# The switch rate is a share of all reads, though nobody can switch where reader and advice agree.
def reliance(reads):
    conflict = reads["first"] != reads["advice"]
    switch = conflict & (reads["second"] == reads["advice"])
    return {
        "alone": (reads["first"] == reads["truth"]).mean(),
        "with_advice": (reads["second"] == reads["truth"]).mean(),
        "conflicts": conflict.sum(),
        "switch_rate": switch.mean(),
        "harmful_share": (reads["advice"] != reads["truth"])[switch].mean(),
    }

# %% mistake="harm-of-all-wrong-advice" replaces="reliance" loses={"test-reliance": 3}
# How often wrong advice was followed, instead of how many of the switches did harm.
def reliance(reads):
    conflict = reads["first"] != reads["advice"]
    switch = conflict & (reads["second"] == reads["advice"])
    wrong = reads["advice"] != reads["truth"]
    return {
        "alone": (reads["first"] == reads["truth"]).mean(),
        "with_advice": (reads["second"] == reads["truth"]).mean(),
        "conflicts": conflict.sum(),
        "switch_rate": switch.sum() / conflict.sum(),
        "harmful_share": switch[conflict & wrong].mean(),
    }

# %% mistake="every-change-of-mind" replaces="reliance" loses={"test-reliance": 3}
# Every change of mind counts as a switch, also one against the advice.
def reliance(reads):
    conflict = reads["first"] != reads["advice"]
    switch = reads["first"] != reads["second"]
    return {
        "alone": (reads["first"] == reads["truth"]).mean(),
        "with_advice": (reads["second"] == reads["truth"]).mean(),
        "conflicts": conflict.sum(),
        "switch_rate": switch.sum() / conflict.sum(),
        "harmful_share": (reads["advice"] != reads["truth"])[switch].mean(),
    }
