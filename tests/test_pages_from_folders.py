"""What the folders add to pages: headers, catalogue, pathways, matrix, calibrations and plans."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup, Tag

from equipoise import labs
from equipoise.book import extension
from equipoise.book.calibrated import CalibrationError, Calibrations
from equipoise.book.case_page import complete_case
from equipoise.book.competencies import competencies
from equipoise.book.lab_page import lab_page
from equipoise.book.markup import SEEN, PageError
from equipoise.book.pages import Pages
from equipoise.book.sessions import instructors, steps
from equipoise.content import Competency, Course, Level, load_course, load_dataset
from equipoise.scaffold import Kind, new

CURLY = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"


@pytest.fixture(name="book")
def _book(built_course) -> Path:
    return built_course


def test_case_begins_with_its_facts(book):
    course = load_course(book)
    for case in course.cases.values():
        header = words(soup(book, f"cases/{case.slug}/case").select_one(".eq-glance"))
        facts = case.facts
        told = [facts.harm.summary, f"{facts.minutes} minutes, and {course.lab(facts.lab).facts.minutes} for the lab"]
        told += [*facts.levels, *facts.specialty, *facts.regions, *facts.principles, *facts.stakeholders]
        told += [*facts.out_of_scope, *(competency.meaning for competency in facts.competencies)]
        told += [course.dataset(slug).facts.title for slug in facts.datasets]
        assert [fact for fact in told if words(fact).lower() not in header.lower()] == [], case.slug


def test_case_leads_to_its_lab_and_its_data(book):
    for case in load_course(book).cases.values():
        header = soup(book, f"cases/{case.slug}/case").select_one(".eq-glance")
        wanted = {f"labs/{case.facts.lab}/lab", *(f"datasets/{slug}/datasheet" for slug in case.facts.datasets)}
        linked = {link["href"].partition(".html")[0].removeprefix("../../") for link in header.select("a[href]")}
        assert wanted <= linked, case.slug


def test_prerequisites_are_named_and_linked(course):
    needed, case = course.in_order()[:2]
    facts = case.facts.model_copy(update={"prerequisites": (needed.slug,)})
    text = complete_case(case.model_copy(update={"facts": facts}), course, (case.folder / "case.md").read_text())
    assert f"**First read** [{needed.facts.title}](../{needed.slug}/case)" in text


def test_launch_button_leads_to_the_hub_if_there_is_one(course):
    case = course.in_order()[0]
    source, hub = (case.folder / "case.md").read_text(), "https://hub.example.org"
    lab = f"the lab: {course.lab(case.facts.lab).facts.title}](../../labs/{case.facts.lab}/lab)"
    with_hub, without = complete_case(case, course, source, hub), complete_case(case, course, source)
    start = f"[Start the lab in Jupyter]({hub}/hub/user-redirect/equipoise/open/{case.facts.lab})"
    assert start in with_hub and start in lab_page(course.lab(case.facts.lab), f"{hub}/")
    assert f"[Read {lab}" in with_hub
    page = lab_page(course.lab(case.facts.lab), hub, "https://git.example.org/practice.git")
    assert f"{hub}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgit.example.org%2Fpractice.git&branch=main" in page
    assert f"[Open {lab}" in without and "Jupyter](" not in without.split("## The case")[0]


def test_catalogue_has_a_card_for_every_case(book):
    course = load_course(book)
    cards = soup(book, "book/catalogue").select(".eq-case")
    assert [card.select_one("a")["href"] for card in cards] == [f"../{c}.html" for c in pages_of(course, "cases")]
    for case, card in zip(course.in_order(), cards, strict=True):
        assert words(case.facts.harm.summary) in words(card)
        facets = {"level": case.facts.levels, "specialty": case.facts.specialty, "region": case.facts.regions}
        facets |= {"principle": case.facts.principles, "competency": case.facts.competencies}
        for facet, values in facets.items():
            codes = [name for name in card["class"] if name.startswith(f"{facet}-")]
            assert codes == [f"{facet}-{value.lower().replace(' ', '-')}" for value in values]
            assert len(card.select(f".eq-tags.{facet} li")) == len(values)


def test_pathways_lead_to_every_case_of_a_level(book):
    course, text = load_course(book), soup(book, "book/pathways")
    for level in Level:
        section = text.select_one(f"section#{level}-training")
        linked = [link["href"] for link in section.select("ol > li > p:first-child a")]
        assert linked == [f"../cases/{case.slug}/case.html" for case in course.pathway(level)]
        extended = ["The lab has an extension for this level" in words(step) for step in section.select("ol > li")]
        assert extended == [level in labs.extensions(course.lab(c.facts.lab)) for c in course.pathway(level)]


def test_matrix_says_what_is_taught_and_what_is_not(book):
    course = load_course(book)
    text = soup(book, "book/competencies")
    columns = [head.get_text() for table in text.select("table")[:2] for head in table.select("thead th")[1:]]
    assert [name.split()[0] for name in columns] == [competency.value for competency in Competency]
    rows = [table.select("tbody tr") for table in text.select("table")[:2]]
    for case, left, right in zip(course.in_order(), *(body[:-1] for body in rows), strict=True):
        cells = [words(cell) for row in (left, right) for cell in row.select("td")]
        taught = [cell.startswith("Taught") for cell in cells]
        assert taught == [competency in case.facts.competencies for competency in Competency], case.slug
        assert all(cells), "a cell without words is silent for who cannot see it"
    gaps = [c.meaning for c in Competency if not any(c in case.facts.competencies for case in course.cases.values())]
    said = [words(line) for line in text.select("p") if "No case teaches" in line.get_text()]
    assert all(any(gap in line for line in said) for gap in gaps)
    assert bool(gaps) == bool(said)


def test_a_competency_that_no_case_teaches_is_said(course):
    text = (course.root / "book" / "competencies.md").read_text()
    facts = {slug: case.facts for slug, case in course.cases.items()}
    cases = {
        slug: case.model_copy(update={"facts": facts[slug].model_copy(update={"competencies": (Competency.FAIRNESS,)})})
        for slug, case in course.cases.items()
    }
    assert "No case teaches R1 basic knowledge of AI, " in competencies(
        course.model_copy(update={"cases": cases}), text
    )


def test_dataset_page_shows_each_figure_as_built(book):
    course = load_course(book)
    for dataset in course.datasets.values():
        text = soup(book, f"datasets/{dataset.slug}/datasheet")
        columns, figures = ([*table.select("tbody tr")] for table in text.select("table.eq-wide"))
        assert [words(row.th) for row in columns] == list(dataset.facts.columns)
        for target, row in zip(dataset.calibration.targets, figures, strict=True):
            told, *_, source = cells = [words(cell) for cell in row.select("th, td")]
            wanted, tolerance, measured = (float(cell.replace(",", "").lstrip("± ")) for cell in cells[1:4])
            assert (told, wanted, tolerance) == (words(target.label), target.target, target.tolerance)
            assert abs(measured - wanted) <= tolerance * 1.05  # rounding
            assert SEEN[target.verified] in source
        users = [case for case in course.cases.values() if dataset.slug in case.facts.datasets]
        header = words(text.select_one(".eq-glance"))
        assert users and all(words(case.facts.title) in header for case in users)


def test_instructors_page_has_plans_and_nothing_else_of_the_notes(book):
    course, text = load_course(book), soup(book, "book/instructors")
    plans = text.select("details table")
    assert len(plans) == len(course.cases)
    for case, plan in zip(course.in_order(), plans, strict=True):
        rows = [[words(cell) for cell in row.select("th, td")] for row in plan.select("tbody tr")]
        assert [(int(takes.split()[0]), step) for _, step, takes in rows] == [(n, words(s)) for n, s in steps(case)]
        assert sum(minutes for minutes, _ in steps(case)) == 90
    notes = "".join((case.folder / "teaching.md").read_text() for case in course.cases.values())
    told = re.findall(r"^\|\s*\d+\s*\|[^|]*?\*\*([^|]{12,}?)\|([^|]+)\|", notes, re.MULTILINE)
    assert len(told) > 30
    shown = words(text)
    assert [note for row in told for note in row if words(note).strip() in shown and len(note.strip()) > 25] == []
    weeks = text.select_one("section#a-term table").select("tbody tr")
    assert [row.select_one("td a")["href"] for row in weeks] == [f"../{c}.html" for c in pages_of(course, "cases")]


def test_a_page_without_the_section_that_folders_complete_is_an_error(course):
    with pytest.raises(PageError, match="# For instructors: there is no '## A term'"):
        instructors(course, (course.root / "book" / "instructors.md").read_text().replace("## A term", "## Terms"))


def test_a_calibration_is_computed_once_for_each_state_of_a_dataset(tmp_path, monkeypatch):
    [folder] = new(tmp_path, Kind.DATASET, "brand-new")
    plan = folder / "calibration.yml"
    plan.write_text(plan.read_text().replace("TODO", "to do"))
    dataset, kept = load_dataset(tmp_path, "brand-new"), Calibrations(tmp_path / "kept")
    assert [row.within for row in kept(dataset)] == [True, True]
    first = [path.name for path in kept.folder.iterdir()]
    with monkeypatch.context() as patch:
        patch.setattr(Calibrations, "prepare", None)
        assert [row.target for row in kept(dataset)] == list(dataset.calibration.targets)
    plan.write_text(plan.read_text().replace("seed: 1", "seed: 2"))
    kept(load_dataset(tmp_path, "brand-new"))
    second = [path.name for path in kept.folder.iterdir()]
    assert len(first) == len(second) == 1 and first != second
    plan.write_text(plan.read_text().replace("statistic: harmed_a", "statistic: harmed_z"))
    with pytest.raises(CalibrationError, match="brand-new: the generator fails: 'harmed_z'"):
        kept(load_dataset(tmp_path, "brand-new"))


def test_an_edit_rebuilds_the_pages_that_tell_of_it_and_no_others(built_course):
    course = load_course(built_course)
    kept = built_course / "_build" / ".students" / "_build" / ".doctrees" / "environment.pickle"
    environment = pickle.loads(kept.read_bytes())
    calibrations = Calibrations(built_course / "_build" / ".calibration")

    def outdated(edited: Course) -> set[str]:
        app = SimpleNamespace(equipoise_pages=Pages(edited, calibrations))
        return {*extension._changed_by_folders(app, environment, set(), set(), set())}

    assert outdated(course) == set()
    case = course.in_order()[0]
    lab = course.lab(case.facts.lab)
    facts = lab.facts.model_copy(update={"minutes": lab.facts.minutes + 1})
    labs_then = course.labs | {lab.slug: lab.model_copy(update={"facts": facts})}
    tells_time = {f"cases/{case.slug}/case", "book/catalogue", "book/pathways", "book/instructors"}
    assert outdated(course.model_copy(update={"labs": labs_then})) == tells_time
    facts = case.facts.model_copy(update={"datasets": tuple(course.datasets)})
    cases = course.cases | {case.slug: case.model_copy(update={"facts": facts})}
    others = {f"datasets/{slug}/datasheet" for slug in course.datasets if slug not in case.facts.datasets}
    assert outdated(course.model_copy(update={"cases": cases})) == {f"cases/{case.slug}/case", *others}


def soup(root: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((root / "_build" / "book" / f"{name}.html").read_text(), "html.parser")


def words(text: Tag | str) -> str:
    """Text as it is read: one blank for any white space, and straight quotes."""
    told = text if isinstance(text, str) else text.get_text()
    for curly, straight in (("\N{RIGHT SINGLE QUOTATION MARK}", "'"), *((quote, '"') for quote in CURLY)):
        told = told.replace(curly, straight)
    return " ".join(told.split())


def pages_of(course: Course, kind: str) -> list[str]:
    return [name for name in course.pages if name.startswith(f"{kind}/")]
