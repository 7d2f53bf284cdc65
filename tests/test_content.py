"""The content model: every slip of an author becomes a finding that says where it is and how to mend it."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from equipoise.content import (
    COURSE_VARIABLE,
    ContentError,
    Course,
    Finding,
    Level,
    find_root,
    load_course,
    load_dataset,
    read_course,
)

GONE = object()  # put(..., GONE) removes the key
NOBODY = "nobody2099"  # cited, but in no bibliography
NOWHERE = "no-such-folder"
CONTENT_FOLDERS = ("book", "cases", "labs", "datasets", "grading")
CASE_FILES = ("case/case.md", "case/quiz.yml", "case/teaching.md")
LAB_FILES = ("lab/lab.py", "lab/wrong_answers.py", "lab/rubric.yml")
DATASET_FILES = ("dataset/datasheet.md", "dataset/calibration.yml", "dataset/generate.py")
FOLDER_FILES = (*CASE_FILES, *LAB_FILES, *DATASET_FILES)
KEYED_FILES = tuple(file for file in FOLDER_FILES if not file.endswith(("teaching.md", "answers.py", "generate.py")))


@dataclass(frozen=True)
class Copy:
    """A copy of the course that a test may break, and the folders of its first case."""

    root: Path
    case: Path
    lab: Path
    dataset: Path

    def path(self, file: str) -> Path:
        """Where ``case/quiz.yml`` and the like are; any other name is relative to the course."""
        kind, _, name = file.partition("/")
        return getattr(self, kind) / name if kind in ("case", "lab", "dataset") else self.root / file

    def named(self, file: str) -> str:
        """What a finding calls that file."""
        return self.path(file).relative_to(self.root).as_posix()

    def findings(self) -> list[Finding]:
        return read_course(self.root)[1]


@pytest.fixture
def copy(course: Course, course_copy: Path) -> Copy:
    case = course.cases["pulse-oximetry"]
    lab, dataset = course.lab(case.facts.lab), course.dataset(case.facts.datasets[0])
    return Copy(course_copy, *(course_copy / part.folder.relative_to(course.root) for part in (case, lab, dataset)))


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace the first match of ``pattern``, which must be there."""
    text, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"), count=1, flags=re.M)
    assert count, f"{path} holds no {pattern}"
    path.write_text(text, encoding="utf-8")


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def put(path: Path, key: str, value: object) -> None:
    """Set a dotted key of a YAML file or of a front matter; a function is given the old value."""
    text, fence = path.read_text(encoding="utf-8"), {".md": "---\n", ".py": "# ---\n"}.get(path.suffix)
    keys, body = text.split(fence, 2)[1:] if fence else (text, "")
    comment = path.suffix == ".py"
    top = yaml.safe_load(re.sub("^# ?", "", keys, flags=re.M) if comment else keys)
    values = top
    *way, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    for part in way:
        values = values[part]
    if value is GONE:
        del values[last]
    else:
        values[last] = value(values[last]) if callable(value) else value
    keys = yaml.safe_dump(top, allow_unicode=True, sort_keys=False)
    keys = re.sub("^", "# ", keys.rstrip("\n"), flags=re.M) + "\n" if comment else keys
    path.write_text(f"{fence}{keys}{fence}{body}" if fence else keys, encoding="utf-8")


def says(finding: Finding, file: str, where: str, problem: str = "") -> None:
    """Check that a finding names the right place, the trouble and a way out."""
    assert (finding.file, finding.where) == (file, where)
    assert problem in finding.problem and finding.problem
    assert finding.repair.strip()


def five_items(items: list) -> list:
    return items[:5]


def all_wrong(options: list) -> list:
    return [option | {"correct": False} for option in options]


def with_column(**column):
    return lambda columns: columns | {"odd": {"description": "A column"} | column}


def test_the_course_has_no_findings(course_root):
    course, findings = read_course(course_root)
    assert findings == []
    assert course.cases and course.labs and course.datasets and course.pages
    assert load_course(course_root) == course


@pytest.mark.parametrize("file", KEYED_FILES)
def test_rewriting_keys_alone_breaks_nothing(copy, file):
    """The tests below would prove little if ``put`` itself did damage."""
    put(copy.path(file), "spare", 1)
    put(copy.path(file), "spare", GONE)
    assert copy.findings() == []


@pytest.mark.parametrize(
    ("file", "key", "value", "where", "problem"),
    [
        ("case/case.md", "colour", "red", "colour", "not a known key"),
        ("case/case.md", "harm.colour", "red", "harm.colour", "not a known key"),
        ("case/case.md", "title", GONE, "title", "is missing"),
        ("case/case.md", "harm", GONE, "harm", "is missing"),
        ("case/case.md", "harm.verified", GONE, "harm.verified", "is missing"),
        ("case/case.md", "title", "", "title", "at least 1"),
        ("case/case.md", "title", 7, "title", "string"),
        ("case/case.md", "minutes", "soon", "minutes", "integer"),
        ("case/case.md", "minutes", 0, "minutes", "greater than 0"),
        ("case/case.md", "specialty", "nursing", "specialty", "tuple"),
        ("case/case.md", "stakeholders", [], "stakeholders", "at least 1"),
        ("case/case.md", "levels", ["wizard"], "levels.0", "postgraduate"),
        ("case/case.md", "competencies", ["R2", "R9"], "competencies.1", "R6"),
        ("case/case.md", "principles", ["mercy"], "principles.0", "justice"),
        ("case/case.md", "prerequisites", None, "prerequisites", "tuple"),
        ("case/quiz.yml", "items", five_items, "items", "at least 6"),
        ("case/quiz.yml", "items.0.options.1.feedback", GONE, "items.0.options.1.feedback", "is missing"),
        ("case/quiz.yml", "items.0.options.1.feedback", "", "items.0.options.1.feedback", "at least 1"),
        ("case/quiz.yml", "items.2.options", all_wrong, "items.2", "no option is correct"),
        ("case/quiz.yml", "items.2.options", lambda options: options[:1], "items.2.options", "at least 2"),
        ("case/quiz.yml", "items.3.competency", "R0", "items.3.competency", "R1"),
        ("lab/lab.py", "colour", "red", "colour", "not a known key"),
        ("lab/lab.py", "minutes", GONE, "minutes", "is missing"),
        ("lab/lab.py", "minutes", "long", "minutes", "integer"),
        ("lab/lab.py", "datasets", [], "datasets", "at least 1"),
        ("lab/rubric.yml", "dimensions.issue", GONE, "file", "no row for issue"),
        ("lab/rubric.yml", "dimensions.issue.levels", lambda levels: levels[:3], "dimensions.issue.levels", "4"),
        ("lab/rubric.yml", "dimensions.issue.levels", lambda levels: levels * 2, "dimensions.issue.levels", "4"),
        ("lab/rubric.yml", "dimensions.issue.title", GONE, "dimensions.issue.title", "is missing"),
        ("dataset/datasheet.md", "licence", GONE, "licence", "is missing"),
        ("dataset/datasheet.md", "seed", "any", "seed", "integer"),
        ("dataset/datasheet.md", "columns", with_column(), "columns.odd", "no range"),
        ("dataset/datasheet.md", "columns", with_column(low=1), "columns.odd", "no range"),
        ("dataset/datasheet.md", "columns", with_column(longest=0), "columns.odd.longest", "greater than 0"),
        ("dataset/datasheet.md", "columns", with_column(values="many"), "columns.odd.values", "tuple"),
        ("dataset/calibration.yml", "size", 49_999, "size", "50000"),
        ("dataset/calibration.yml", "targets", [], "targets", "at least 1"),
        ("dataset/calibration.yml", "targets.0.citation", GONE, "targets.0.citation", "is missing"),
        ("dataset/calibration.yml", "targets.0.tolerance", 0, "targets.0.tolerance", "greater than 0"),
        ("dataset/calibration.yml", "targets.0.verified", "hearsay", "targets.0.verified", "primary"),
    ],
)
def test_a_malformed_key_is_one_finding(copy, file, key, value, where, problem):
    put(copy.path(file), key, value)
    (finding,) = copy.findings()
    says(finding, copy.named(file), where, problem)


def test_an_unknown_key_is_answered_with_the_known_ones(copy):
    put(copy.path("case/case.md"), "colour", "red")
    (finding,) = copy.findings()
    assert "title" in finding.repair and "out_of_scope" in finding.repair


def test_a_finding_is_short_enough_to_read(copy):
    put(copy.path("case/quiz.yml"), "items", five_items)
    (finding,) = copy.findings()
    assert len(str(finding)) < 500


@pytest.mark.parametrize("file", KEYED_FILES)
def test_a_yaml_error_is_found_on_its_line(copy, file):
    path = copy.path(file)
    edit(path, r"^(?=(# )?(title|items|dimensions|size):)", "# a: b: c\n" if path.suffix == ".py" else "a: b: c\n")
    line = path.read_text(encoding="utf-8").splitlines().index("# a: b: c" if path.suffix == ".py" else "a: b: c")
    (finding,) = copy.findings()
    says(finding, copy.named(file), f"line {line + 1}", "not valid YAML")


@pytest.mark.parametrize("file", KEYED_FILES)
@pytest.mark.parametrize("keys", ["", "- one\n- two\n", "only words\n"])
def test_yaml_without_keys_is_a_finding(copy, file, keys):
    fence, start = {".md": ("---\n", ""), ".py": ("# ---\n", "# ")}.get(copy.path(file).suffix, ("", ""))
    keys = "".join(f"{start}{line}\n" for line in keys.splitlines())
    body = copy.path(file).read_text(encoding="utf-8").split(fence, 2)[2] if fence else ""
    copy.path(file).write_text(f"{fence}{keys}{fence}{body}", encoding="utf-8")
    (finding,) = copy.findings()
    if copy.path(file).read_text(encoding="utf-8"):
        says(finding, copy.named(file), "YAML", "keys and values")
    else:
        says(finding, copy.named(file), "file", "is empty")


@pytest.mark.parametrize("file", ["case/case.md", "lab/lab.py", "dataset/datasheet.md"])
def test_a_missing_front_matter_is_a_finding(copy, file):
    edit(copy.path(file), r"\A(# )?---\n", "")
    (finding,) = copy.findings()
    says(finding, copy.named(file), "front matter", "is missing")


@pytest.mark.parametrize("file", FOLDER_FILES)
def test_a_missing_file_is_a_finding(copy, file):
    copy.path(file).unlink()
    (finding,) = (f for f in copy.findings() if f.file != "_toc.yml")  # which may name it as a page
    says(finding, copy.named(file), "file", "is missing")


@pytest.mark.parametrize("file", FOLDER_FILES)
def test_an_empty_file_is_a_finding(copy, file):
    copy.path(file).write_text("", encoding="utf-8")
    (finding,) = copy.findings()
    assert finding.file == copy.named(file)
    assert finding.where and finding.problem and finding.repair


@pytest.mark.parametrize("file", FOLDER_FILES)
def test_a_file_that_is_not_utf8_is_a_finding(copy, file):
    text = copy.path(file).read_bytes()
    copy.path(file).write_bytes(text + "é".encode("latin-1"))
    (finding,) = copy.findings()
    says(finding, copy.named(file), f"byte {len(text)}", "not UTF-8")


@pytest.mark.parametrize("file", FOLDER_FILES)
def test_a_todo_is_a_finding(copy, file):
    line = len(copy.path(file).read_text(encoding="utf-8").splitlines()) + 1
    append(copy.path(file), "#### TODO: write more\n")
    (finding,) = copy.findings()
    says(finding, copy.named(file), f"line {line}", "TODO: write more")


@pytest.mark.parametrize("file", ["_toc.yml", "book/references.bib"])
def test_one_slip_in_a_shared_file_is_one_finding(copy, file):
    """Whoever forgot a bracket must not be sent to every page that cites something."""
    append(copy.path(file), "\n@article{half,\n" if file.endswith(".bib") else "\na: b: c\n")
    (finding,) = copy.findings()
    assert finding.file == file


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param("@article{half,\n", id="not closed"),
        pytest.param("@article{twice, title={One}}\n@article{twice, title={Two}}\n", id="a key twice"),
    ],
)
def test_a_broken_bibliography_is_a_finding(copy, mistake):
    append(copy.path("book/references.bib"), f"\n{mistake}")
    finding = next(f for f in copy.findings() if f.file == "book/references.bib")
    says(finding, "book/references.bib", "BibTeX", "cannot be read")


def test_a_missing_bibliography_is_a_finding(copy):
    copy.path("book/references.bib").unlink()
    finding = next(f for f in copy.findings() if f.file == "book/references.bib")
    says(finding, "book/references.bib", "file", "is missing")


@pytest.mark.parametrize(
    ("file", "key", "value", "where", "missing"),
    [
        ("case/case.md", "lab", NOWHERE, "lab", f"labs/{NOWHERE}"),
        ("case/case.md", "datasets", [NOWHERE], "datasets", f"datasets/{NOWHERE}"),
        ("case/case.md", "prerequisites", [NOWHERE], "prerequisites", f"cases/{NOWHERE}"),
        ("lab/lab.py", "datasets", [NOWHERE], "datasets", f"datasets/{NOWHERE}"),
        ("case/case.md", "harm.citation", NOBODY, "harm.citation", NOBODY),
    ],
)
def test_a_link_that_leads_nowhere_is_a_finding(copy, file, key, value, where, missing):
    put(copy.path(file), key, value)
    (finding,) = (f for f in copy.findings() if missing in f.problem)
    says(finding, copy.named(file), where, "there is no")


def test_an_unknown_citation_in_a_calibration_names_its_statistic(copy):
    path = copy.path("dataset/calibration.yml")
    put(path, "targets.0.citation", NOBODY)
    statistic = yaml.safe_load(path.read_text(encoding="utf-8"))["targets"][0]["statistic"]
    (finding,) = copy.findings()
    says(finding, copy.named("dataset/calibration.yml"), statistic, NOBODY)


@pytest.mark.parametrize("role", ["cite", "cite:p", "cite:t"])
@pytest.mark.parametrize("keys", ["{bad}", "{good},{bad}", "{bad}, {good}", "{good},\n{bad}"])
def test_an_unknown_citation_in_a_text_is_a_finding(copy, course, role, keys):
    good = re.search(r"@\w+\{(\w+),", (course.root / "book" / "references.bib").read_text(encoding="utf-8"))[1]
    append(copy.path("case/case.md"), f"\nAs shown {{{role}}}`{keys.format(good=good, bad=NOBODY)}`.\n")
    (finding,) = copy.findings()
    says(finding, copy.named("case/case.md"), "text", NOBODY)


def test_every_unknown_key_of_one_role_is_a_finding(copy):
    append(copy.path("case/case.md"), "\nAs shown {cite:p}`nobody2098, nobody2099`.\n")
    assert [re.findall(r"nobody\d+", f.problem) for f in copy.findings()] == [["nobody2098"], ["nobody2099"]]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_circle_among_prerequisites_is_a_finding(copy, size):
    slugs = [copy.case.name, *(f"copy-{number}" for number in range(1, size))]
    for slug in slugs[1:]:
        shutil.copytree(copy.case, copy.case.with_name(slug))
    for slug, after in zip(slugs, [*slugs[1:], slugs[0]], strict=True):
        put(copy.case.with_name(slug) / "case.md", "prerequisites", [after])
    (finding,) = (f for f in copy.findings() if f.where == "prerequisites")
    assert all(slug in finding.problem for slug in slugs)
    says(finding, finding.file, "prerequisites", "circle")
    assert finding.file in {f"cases/{slug}/case.md" for slug in slugs}


def test_a_case_before_its_prerequisite_is_a_finding(copy):
    first, second = (case.slug for case in read_course(copy.root)[0].in_order()[:2])
    put(copy.root / "cases" / first / "case.md", "prerequisites", [second])
    (finding,) = copy.findings()
    says(finding, "_toc.yml", f"cases/{first}/case", f"before its prerequisite '{second}'")


def test_a_pathway_holds_the_cases_for_a_level_in_the_order_of_the_book(copy):
    slugs = [case.slug for case in read_course(copy.root)[0].in_order()]
    put(copy.root / "cases" / slugs[0] / "case.md", "levels", ["undergraduate"])
    put(copy.root / "cases" / slugs[1] / "case.md", "levels", ["undergraduate", "specialty"])
    course, _ = read_course(copy.root)
    assert [case.slug for case in course.pathway(Level.UNDERGRADUATE)][:2] == slugs[:2]
    assert slugs[0] not in [case.slug for case in course.pathway(Level.SPECIALTY)]
    contents = copy.root / "_toc.yml"
    swap = {slugs[0]: slugs[1], slugs[1]: slugs[0]}
    contents.write_text(re.sub("|".join(swap), lambda found: swap[found[0]], contents.read_text()))
    assert [case.slug for case in read_course(copy.root)[0].pathway(Level.UNDERGRADUATE)][:2] == slugs[1::-1]


def test_prerequisites_in_a_row_are_no_circle(copy):
    shutil.copytree(copy.case, copy.case.with_name("copy-1"))
    put(copy.case.with_name("copy-1") / "case.md", "prerequisites", [copy.case.name])
    assert [f for f in copy.findings() if f.where == "prerequisites"] == []


def test_a_lab_in_no_case_is_a_finding(copy):
    shutil.copytree(copy.lab, copy.lab.with_name("spare"))
    (finding,) = copy.findings()
    says(finding, "labs/spare", "folder", "no case")


@pytest.mark.parametrize("file", ["case/case.md", "case/teaching.md", "dataset/datasheet.md"])
def test_a_missing_heading_is_named(copy, file):
    heading = re.search(r"^## (.+)$", copy.path(file).read_text(encoding="utf-8"), re.M)[1]
    edit(copy.path(file), rf"^## {re.escape(heading)}$", heading)
    (finding,) = copy.findings()
    says(finding, copy.named(file), "## headings", heading)
    assert heading in finding.repair


@pytest.mark.parametrize("file", ["case/case.md", "case/teaching.md", "dataset/datasheet.md"])
def test_an_unknown_heading_is_named(copy, file):
    append(copy.path(file), "\n## Anything else\n")
    (finding,) = copy.findings()
    says(finding, copy.named(file), "## headings", "Anything else")


@pytest.mark.parametrize("file", ["case/case.md", "case/teaching.md", "dataset/datasheet.md"])
def test_headings_in_another_order_are_a_finding(copy, file):
    first, second = re.findall(r"^## .+$", copy.path(file).read_text(encoding="utf-8"), re.M)[:2]
    edit(copy.path(file), rf"^{re.escape(first)}$", "## swapped")
    edit(copy.path(file), rf"^{re.escape(second)}$", first)
    edit(copy.path(file), r"^## swapped$", second)
    (finding,) = copy.findings()
    says(finding, copy.named(file), "## headings", "another order")


@pytest.mark.parametrize(
    ("heading", "pattern"),
    [
        ("First vote", r"^[123]\. "),
        ("First vote", r"^[23]\. "),
        ("Predict the numbers", r"^- "),
    ],
)
def test_nothing_to_choose_or_to_guess_is_a_finding(copy, heading, pattern):
    """Lines of other sections may look alike: only those below the heading count."""
    path = copy.path("case/case.md")
    before, section, after = re.split(
        rf"(^## {heading}$.*?)(?=^## )", path.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    spoilt, count = re.subn(pattern, "", section, flags=re.M)
    assert count
    path.write_text(before + spoilt + after, encoding="utf-8")
    (finding,) = copy.findings()
    says(finding, copy.named("case/case.md"), f"## {heading}", "has no list")
    assert "begin" in finding.repair


def test_a_list_inside_a_code_cell_is_nothing_to_guess(copy):
    edit(copy.path("case/case.md"), r"^- in patients.*\n- with medium.*\n- with dark.*\n", "```\n- none\n```\n")
    (finding,) = copy.findings()
    says(finding, copy.named("case/case.md"), "## Predict the numbers", "has no list")


@pytest.mark.parametrize("kind", ["case", "lab"])
def test_a_page_left_out_of_the_contents_is_a_finding(copy, kind):
    folder = copy.path(f"{kind}/")
    page = f"{folder.parent.name}/{folder.name}/{kind}"
    edit(copy.path("_toc.yml"), f"file: {page}$", "file: book/welcome")
    (finding,) = copy.findings()
    says(finding, "_toc.yml", page, "not in the table of contents")
    assert page in finding.repair


def test_a_page_that_does_not_exist_is_a_finding(copy):
    append(copy.path("_toc.yml"), "  - caption: More\n    chapters:\n      - file: book/nothing\n")
    (finding,) = copy.findings()
    says(finding, "_toc.yml", "book/nothing", "no such page")


@pytest.mark.parametrize("entry", ["", "12", "[book/welcome]"])
def test_an_entry_of_the_contents_that_is_no_path_is_a_finding(copy, entry):
    append(copy.path("_toc.yml"), f"  - caption: More\n    chapters:\n      - file: {entry}\n")
    (finding,) = copy.findings()
    assert finding.file == "_toc.yml"
    assert finding.where and finding.problem and finding.repair


def break_five_things(copy: Copy) -> set[tuple[str, str]]:
    put(copy.path("case/case.md"), "colour", "red")
    put(copy.path("case/quiz.yml"), "items", five_items)
    edit(copy.path("case/teaching.md"), "^## Plan$", "Plan")
    copy.path("lab/rubric.yml").unlink()
    put(copy.path("dataset/datasheet.md"), "columns", with_column())
    return {
        (copy.named("case/case.md"), "colour"),
        (copy.named("case/quiz.yml"), "items"),
        (copy.named("case/teaching.md"), "## headings"),
        (copy.named("lab/rubric.yml"), "file"),
        (copy.named("dataset/datasheet.md"), "columns.odd"),
    }


def test_all_that_is_wrong_is_reported_at_once(copy):
    broken = break_five_things(copy)
    findings = copy.findings()
    assert {(f.file, f.where) for f in findings} == broken
    assert len(findings) == len(broken) == 5


@pytest.mark.parametrize(
    ("file", "key", "value", "other", "other_key", "other_value", "problem"),
    [
        ("case/quiz.yml", "items", five_items, "case/case.md", "harm.citation", NOBODY, NOBODY),
        ("case/quiz.yml", "items", five_items, "case/case.md", "lab", NOWHERE, NOWHERE),
        ("lab/rubric.yml", "dimensions.issue", GONE, "lab/lab.py", "datasets", [NOWHERE], NOWHERE),
        ("dataset/datasheet.md", "seed", "any", "dataset/calibration.yml", "targets.0.citation", NOBODY, NOBODY),
    ],
)
def test_a_broken_file_hides_no_broken_link_beside_it(copy, file, key, value, other, other_key, other_value, problem):
    put(copy.path(file), key, value)
    put(copy.path(other), other_key, other_value)
    findings = copy.findings()
    assert copy.named(file) in {f.file for f in findings}
    assert any(f.file == copy.named(other) and problem in f.problem for f in findings)


def test_load_course_raises_all_that_is_wrong(copy):
    broken = break_five_things(copy)
    with pytest.raises(ContentError) as raised:
        load_course(copy.root)
    assert {(f.file, f.where) for f in raised.value.findings} == broken
    for finding in raised.value.findings:
        assert f"{finding.file}: {finding.where}: {finding.problem}. {finding.repair}" in str(raised.value)


def test_a_dataset_is_read_alone_when_the_rest_is_broken(copy):
    copy.path("case/case.md").unlink()
    assert load_dataset(copy.root, copy.dataset.name).slug == copy.dataset.name


def test_an_unknown_dataset_raises(copy):
    with pytest.raises(ContentError) as raised:
        load_dataset(copy.root, NOWHERE)
    (finding,) = raised.value.findings
    says(finding, f"datasets/{NOWHERE}", "folder", "no such dataset")


@pytest.mark.parametrize("file", DATASET_FILES)
def test_a_dataset_with_a_missing_file_raises(copy, file):
    copy.path(file).unlink()
    with pytest.raises(ContentError) as raised:
        load_dataset(copy.root, copy.dataset.name)
    (finding,) = raised.value.findings
    says(finding, copy.named(file), "file", "is missing")


@pytest.mark.parametrize("kind", ["lab", "dataset"])
def test_an_unknown_name_is_answered_with_the_known_ones(course, kind):
    with pytest.raises(ContentError) as raised:
        getattr(course, kind)(NOWHERE)
    (finding,) = raised.value.findings
    says(finding, f"{kind}s", NOWHERE, "no such folder")
    assert all(slug in finding.repair for slug in getattr(course, f"{kind}s"))


def test_what_was_read_cannot_be_changed(course):
    case = course.cases["pulse-oximetry"]
    lab, dataset = course.lab(case.facts.lab), course.dataset(case.facts.datasets[0])
    parts = [course, case, case.facts, case.facts.harm, case.quiz, case.quiz.items[0], case.quiz.items[0].options[0]]
    parts += [lab, lab.facts, lab.rubric, dataset, dataset.facts, dataset.calibration, dataset.calibration.targets[0]]
    parts += [Finding(file="a", where="b", problem="c", repair="d")]
    for part in parts:
        name = next(iter(type(part).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, getattr(part, name))


def test_the_root_is_what_the_environment_names(copy, course_root, monkeypatch):
    monkeypatch.setenv(COURSE_VARIABLE, str(copy.root))
    monkeypatch.chdir(course_root)
    assert find_root() == copy.root.resolve()


@pytest.mark.parametrize("inside", [".", "cases", "book"])
def test_else_the_root_is_around_the_working_directory(copy, monkeypatch, inside):
    monkeypatch.delenv(COURSE_VARIABLE, raising=False)
    monkeypatch.chdir(copy.root / inside)
    assert find_root().samefile(copy.root)


def test_else_the_root_is_the_checkout(course_root, tmp_path_factory, monkeypatch):
    monkeypatch.delenv(COURSE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert find_root().samefile(course_root)


@pytest.mark.parametrize("folder", CONTENT_FOLDERS)
def test_content_is_no_package(course_root, folder):
    assert list((course_root / folder).rglob("__init__.py")) == []


def test_the_engine_names_no_part_of_the_course(course, course_root):
    slugs = re.compile("|".join(rf"\b{re.escape(s)}\b" for s in {*course.cases, *course.labs, *course.datasets}))
    sources = list((course_root / "src").rglob("*.py"))
    assert any("templates" in path.parts for path in sources)
    assert {path.name for path in sources if slugs.search(path.read_text(encoding="utf-8"))} == set()
