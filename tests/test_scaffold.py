"""A new folder passes every check but for what its author has to write."""

import shutil
from pathlib import Path

import pytest
import yaml

from equipoise import scaffold
from equipoise.checks import check
from equipoise.content import load_course, read_course
from equipoise.scaffold import Kind, ScaffoldError, new

SLUG = "brand-new-2"
BAD_SLUGS = ("", "Has Space", "../x", "a--b", "a/b", "-a", "a-", "a_b", "Large", "größe", "a\n", ".")
FOLDERS = {
    Kind.CASE: ["cases", "labs", "datasets"],
    Kind.LAB: ["labs", "datasets"],
    Kind.DATASET: ["datasets"],
}


def everything(root: Path) -> dict[Path, bytes | None]:
    """Every file with its content, and every folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


def first_case(root: Path) -> Path:
    return load_course(root).cases["pulse-oximetry"].folder


@pytest.mark.parametrize("kind", Kind)
def test_a_new_folder_lacks_only_what_its_author_must_write(course_copy, kind):
    made = new(course_copy, kind, SLUG)
    assert made == [course_copy / folder / SLUG for folder in FOLDERS[kind]]
    checked = check(course_copy, [SLUG], lambda text: None)
    assert checked.folders == [f"{folder}/{SLUG}" for folder in FOLDERS[kind]]
    assert {f.file.split("/")[0] for f in checked.findings} == set(FOLDERS[kind])
    assert [str(f) for f in checked.findings if "TODO" not in f.problem] == []
    assert set(checked.costs) == ({SLUG} if "labs" in FOLDERS[kind] else set())


@pytest.mark.parametrize("kind", Kind)
def test_a_new_folder_breaks_nothing_else(course_copy, kind):
    new(course_copy, kind, SLUG)
    findings = read_course(course_copy)[1]
    assert [str(f) for f in findings if "TODO" not in f.problem or f.file.split("/")[1] != SLUG] == []


def test_nothing_of_a_template_keeps_its_old_name(course_copy):
    for folder in new(course_copy, Kind.CASE, SLUG):
        assert [path for path in folder.iterdir() if "new-slug" in path.read_text(encoding="utf-8")] == []


def test_what_an_installation_compiled_is_not_copied(course_copy, tmp_path, monkeypatch):
    templates = shutil.copytree(scaffold.TEMPLATES, tmp_path / "templates")
    (templates / "lab" / "__pycache__").mkdir(exist_ok=True)
    monkeypatch.setattr(scaffold, "TEMPLATES", templates)
    assert all(path.is_file() for folder in new(course_copy, Kind.LAB, SLUG) for path in folder.iterdir())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_a_bad_slug_is_refused(course_copy, kind, slug):
    before = everything(course_copy)
    with pytest.raises(ScaffoldError, match="no slug"):
        new(course_copy, kind, slug)
    assert everything(course_copy) == before


@pytest.mark.parametrize("kind", Kind)
def test_a_folder_that_exists_is_refused(course_copy, kind):
    slug = next(iter(getattr(load_course(course_copy), f"{kind}s")))
    before = everything(course_copy)
    with pytest.raises(ScaffoldError, match="exists"):
        new(course_copy, kind, slug)
    assert everything(course_copy) == before


def test_a_lab_that_exists_is_left_as_it_is(course_copy):
    new(course_copy, Kind.LAB, SLUG)
    before = everything(course_copy / "labs") | everything(course_copy / "datasets")
    assert new(course_copy, Kind.CASE, SLUG) == [course_copy / "cases" / SLUG]
    assert everything(course_copy / "labs") | everything(course_copy / "datasets") == before


def test_a_new_case_beside_a_lab_with_another_dataset_has_no_broken_link(course_copy):
    lab = load_course(course_copy).lab("pulse-oximetry").folder
    shutil.copytree(lab, lab.with_name(SLUG))
    new(course_copy, Kind.CASE, SLUG)
    assert [str(f) for f in read_course(course_copy)[1] if "TODO" not in f.problem] == []


def chapters(root: Path) -> list[dict]:
    """The chapters of that part of the contents which lists the cases."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    (found,) = (part["chapters"] for part in parts if any(c["file"].startswith("cases/") for c in part["chapters"]))
    return found


def test_a_new_case_follows_the_last_one_in_the_contents(course_copy):
    before = chapters(course_copy)
    new(course_copy, Kind.CASE, SLUG)
    entry = {"file": f"cases/{SLUG}/case", "sections": [{"file": f"labs/{SLUG}/lab"}]}
    assert chapters(course_copy) == [*before, entry]
    new(course_copy, Kind.CASE, "one-more")
    assert [c["file"] for c in chapters(course_copy)[len(before) :]] == [f"cases/{SLUG}/case", "cases/one-more/case"]


def test_comments_in_the_contents_survive(course_copy):
    contents, case = course_copy / "_toc.yml", first_case(course_copy).name
    marked = contents.read_text(encoding="utf-8").replace(f"cases/{case}/case\n", f"cases/{case}/case  # the first\n")
    before = ["# Mind the order.", *marked.splitlines(), "# The end."]
    contents.write_text("\n".join(before) + "\n", encoding="utf-8")
    new(course_copy, Kind.CASE, SLUG)
    after = contents.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(after) if SLUG in line)
    assert after[:start] + after[start + 3 :] == before


@pytest.mark.parametrize("kind", [Kind.LAB, Kind.DATASET])
def test_only_a_case_changes_the_contents(course_copy, kind):
    before = (course_copy / "_toc.yml").read_bytes()
    new(course_copy, kind, SLUG)
    assert (course_copy / "_toc.yml").read_bytes() == before


def test_a_first_case_is_made_or_refused_but_not_half_made(course_copy):
    """Whoever starts a course of their own has a table of contents without a case."""
    shutil.rmtree(course_copy / "cases")
    (course_copy / "cases").mkdir()
    (course_copy / "_toc.yml").write_text("format: jb-book\nroot: book/welcome\n", encoding="utf-8")
    before = everything(course_copy)
    try:
        new(course_copy, Kind.CASE, SLUG)
    except ScaffoldError:
        assert everything(course_copy) == before
    else:
        assert f"cases/{SLUG}/case" in read_course(course_copy)[0].pages
