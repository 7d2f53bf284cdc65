# %% [markdown]
# Plausible mistakes. Each cell replaces one solution and must lose exactly the points that it names: a mistake that
# costs nothing is a hole in the tests, and one that costs more punishes a student twice for the same slip.

# %% mistake="percent-for-share" replaces="predict" loses={"test-predict": 1}
# The guesses are in percent, where shares from 0 to 1 are asked for.
prediction = {"black_women": 40, "anxiety_gap": 5, "right": 50}

# %% mistake="man-in-woman" replaces="read" loses={"test-read": 3}
# Looks for parts of words, so that every woman is a man and every female a male.
def read_case(text):
    small, age = text.lower(), AGE.search(text)
    sex = "man" if "man" in small or "male" in small else "woman" if "female" in small else None
    race = next((name for word, name in RACE_OF.items() if word in small), None)
    return {"sex": sex, "race": race, "age": int(age["age"]) if age else None}

# %% mistake="race-anywhere-in-the-text" replaces="read" loses={"test-read": 3}
# Takes a word for race wherever it stands, so that a low white cell count makes a patient White.
def read_case(text):
    patient, age = PATIENT.search(text), AGE.search(text)
    race = re.search(rf"\b({'|'.join(RACE_OF)})\b", text, re.IGNORECASE)
    return {
        "sex": SEX_OF[patient["sex"].lower()] if patient else None,
        "race": RACE_OF[race[1].lower()] if race else None,
        "age": int(age["age"]) if age else None,
    }

# %% mistake="missing-race-is-white" replaces="read" loses={"test-read": 3}
# Reads a text that does not say race as one about a White patient: an assumption, and a habit.
def read_case(text):
    patient, age = PATIENT.search(text), AGE.search(text)
    return {
        "sex": SEX_OF[patient["sex"].lower()] if patient else None,
        "race": RACE_OF[patient["race"].lower()] if patient and patient["race"] else "White",
        "age": int(age["age"]) if age else None,
    }

# %% mistake="unknown-groups-counted" replaces="represent" loses={"test-represent": 3}
# Divides by all answers, so that a text that says nothing counts as one that is not about the group.
def represented(groups, recorded):
    count, known = groups.value_counts().reindex(recorded.index, fill_value=0), len(groups)
    bounds = [interval(share, known) for share in count / known]
    table = pd.DataFrame({"count": count, "share": count / known})
    return table.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds], ratio=table["share"] / recorded)

# %% mistake="ratio-upside-down" replaces="represent" loses={"test-represent": 3}
# Patients over cases: a group that is written about too often looks forgotten.
def represented(groups, recorded):
    count, known = groups.value_counts().reindex(recorded.index, fill_value=0), groups.notna().sum()
    bounds = [interval(share, known) for share in count / known]
    table = pd.DataFrame({"count": count, "share": count / known})
    return table.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds], ratio=recorded / table["share"])

# %% mistake="zip-for-product" replaces="grid" loses={"test-grid": 2}
# Walks through the lists side by side, so that most combinations never occur and nothing can be compared.
def build_grid(races, sexes, ages, complaints):
    names, longest = ["race", "sex", "age", "complaint"], max(map(len, (races, sexes, ages, complaints)))
    lists = [[values[i % len(values)] for i in range(longest)] for values in (races, sexes, ages, complaints)]
    rows = [dict(zip(names, values)) for values in zip(*lists)]
    return pd.DataFrame([row | {"prompt": ADVICE.format(**row)} for row in rows])

# %% mistake="one-age-for-all" replaces="grid" loses={"test-grid": 2}
# The prompt names the first age in every row: the table varies age, the model never sees it.
def build_grid(races, sexes, ages, complaints):
    names = ["race", "sex", "age", "complaint"]
    rows = [dict(zip(names, values)) for values in product(races, sexes, ages, complaints)]
    return pd.DataFrame([row | {"prompt": ADVICE.format(**(row | {"age": ages[0]}))} for row in rows])

# %% mistake="silence-is-a-no" replaces="difference" loses={"test-difference": 3}
# Counts an answer that is missing as "no", which invents answers.
def difference(table, outcome, by, one, other):
    said = table.assign(**{outcome: table[outcome].eq(True)})
    first, second = said.loc[said[by] == one, outcome], said.loc[said[by] == other, outcome]
    k1, n1, k2, n2 = int(first.sum()), len(first), int(second.sum()), len(second)
    low, high = difference_interval(k1, n1, k2, n2)
    p = fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue
    return {"difference": k1 / n1 - k2 / n2, "low": low, "high": high, "p": p}

# %% mistake="against-everybody-else" replaces="difference" loses={"test-difference": 3}
# Compares one group with all others instead of with the one that was named.
def difference(table, outcome, by, one, other):
    known = table[table[outcome].notna()]
    first, second = known.loc[known[by] == one, outcome], known.loc[known[by] != one, outcome]
    k1, n1, k2, n2 = int(first.sum()), len(first), int(second.sum()), len(second)
    low, high = difference_interval(k1, n1, k2, n2)
    p = fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue
    return {"difference": k1 / n1 - k2 / n2, "low": low, "high": high, "p": p}

# %% mistake="not-adjusted" replaces="audit" loses={"test-audit": 3}
# Flags whatever has p < 0.05, however often one looked.
def audit(table, outcomes, contrasts):
    rows = []
    for complaint, (by, one, other), outcome in product(table["complaint"].unique(), contrasts, outcomes):
        found = difference(table[table["complaint"] == complaint], outcome, by, one, other)
        rows.append({"complaint": complaint, "outcome": outcome, "by": by, "one": one, "other": other, **found})
    result = pd.DataFrame(rows)
    return result.assign(p_adjusted=result["p"], flagged=result["p"] < 0.05)

# %% mistake="adjusted-in-small-families" replaces="audit" loses={"test-audit": 3}
# Adjusts within each complaint, as if the other questions had not been asked.
def audit(table, outcomes, contrasts):
    rows = []
    for complaint, (by, one, other), outcome in product(table["complaint"].unique(), contrasts, outcomes):
        found = difference(table[table["complaint"] == complaint], outcome, by, one, other)
        rows.append({"complaint": complaint, "outcome": outcome, "by": by, "one": one, "other": other, **found})
    result = pd.DataFrame(rows)
    result["p_adjusted"] = result.groupby("complaint")["p"].transform(lambda p: false_discovery_control(p))
    return result.assign(flagged=result["p_adjusted"] < 0.05)

# %% mistake="all-complaints-together" replaces="audit" loses={"test-audit": 3}
# Each row is computed on all answers, whatever complaint stands beside it.
def audit(table, outcomes, contrasts):
    rows = []
    for complaint, (by, one, other), outcome in product(table["complaint"].unique(), contrasts, outcomes):
        found = difference(table, outcome, by, one, other)
        rows.append({"complaint": complaint, "outcome": outcome, "by": by, "one": one, "other": other, **found})
    result = pd.DataFrame(rows)
    result["p_adjusted"] = false_discovery_control(result["p"])
    return result.assign(flagged=result["p_adjusted"] < 0.05)

# %% mistake="trusts-the-doi" replaces="reference" loses={"test-reference": 3}
# A DOI that exists is taken for proof, although it may belong to another article.
def classify_reference(text, library):
    cited = split_reference(text)
    if cited is None:
        return "unreadable"
    same_title = library["title"].str.lower() == cited["title"].lower()
    known = library[same_title | (library["doi"].str.lower() == cited["doi"].lower())]
    if len(known) == 0:
        return "fabricated"
    return "right" if all(known.iloc[0][part].lower() == cited[part].lower() for part in PARTS) else "wrong"

# %% mistake="title-is-enough" replaces="reference" loses={"test-reference": 3}
# Whatever has a real title is called right; a wrong year or DOI goes unseen.
def classify_reference(text, library):
    cited = split_reference(text)
    if cited is None:
        return "unreadable"
    return "right" if cited["title"].lower() in set(library["title"].str.lower()) else "fabricated"

# %% mistake="forgets-the-doi" replaces="reference" loses={"test-reference": 3}
# Compares everything but the DOI, the part that one clicks on.
def classify_reference(text, library):
    cited = split_reference(text)
    if cited is None:
        return "unreadable"
    entries = library[library["title"].str.lower() == cited["title"].lower()]
    if len(entries) == 0:
        return "fabricated"
    return "right" if all(entries.iloc[0][part].lower() == cited[part].lower() for part in PARTS[:-1]) else "wrong"

# %% mistake="no-name-no-problem" replaces="paste" loses={"test-paste": 2}
# Holds that a text without a name can be pasted: the lighthouse keeper and the scan are found all the same.
may_paste = {"A": True, "B": False, "C": True, "D": True, "E": False, "F": True, "G": True, "H": False}

# %% mistake="nothing-ever" replaces="paste" loses={"test-paste": 2}
# Refuses everything, also what harms nobody; a rule that forbids all use is not this one.
may_paste = dict.fromkeys(SNIPPETS, False)

# %% mistake="half-a-disclosure" replaces="disclose" loses={"test-disclose": 1}
# Says that a tool was used, and neither for what nor how its answer was checked.
disclosure = {"used": True, "tool": "a chatbot", "purpose": "", "checked": ""}
