"""A dataset's page: its datasheet, with who uses it, its columns, and what it gives beside each published figure."""

from __future__ import annotations

import math

from equipoise.book.calibrated import Calibrations
from equipoise.book.case_page import to_case
from equipoise.book.markup import SEEN, below_title, block, facts_list, link_if_there, listed, table
from equipoise.content import FRONT_MATTER, Column, Course, Dataset
from equipoise.datasets import Measurement


def dataset_page(dataset: Dataset, course: Course, text: str, calibrations: Calibrations) -> str:
    front_matter = FRONT_MATTER.match(text)[0]
    body = below_title(text[len(front_matter) :], _header(dataset, course, calibrations.unit(dataset)))
    return "\n\n".join([front_matter + body.rstrip(), _columns(dataset), _figures(dataset, calibrations(dataset))])


def _header(dataset: Dataset, course: Course, unit: str | None) -> str:
    facts, here, source = dataset.facts, f"datasets/{dataset.slug}/datasheet", dataset.source
    cases = [case for case in course.in_order() if dataset.slug in case.facts.datasets]
    labs = [lab for lab in course.labs.values() if dataset.slug in lab.facts.datasets]
    glance = {
        "Size": f"{facts.size:,} {f'units, told apart by `{unit}`' if unit else 'rows'}",
        "Pictures": facts.images or "",
        "Case": listed(to_case(case, here) for case in cases),
        "Lab": listed(link_if_there(course, lab.facts.title, here, f"labs/{lab.slug}/lab") for lab in labs),
        "Licence": facts.licence,
        "Stands in for": f"{source.title}, {source.licence} {{cite:p}}`{source.citation}`" if source else "",
        "On this page": "[columns](#columns), [published figures](#published-figures)",
    }
    return block("div", block("div", facts_list(glance), argument="eq-facts"), argument="eq-glance")


def _columns(dataset: Dataset) -> str:
    rows = [[f"`{name}`", column.description, _range(column)] for name, column in dataset.facts.columns.items()]
    protected = [f"`{name}`" for name, column in dataset.facts.columns.items() if column.protected]
    told = f"Protected attributes: {', '.join(protected)}." if protected else "No column is a protected attribute."
    return f"## Columns\n\n{told}\n\n{table('Columns', ['Column', 'What it holds', 'Values'], rows, 'eq-wide')}"


def _range(column: Column) -> str:
    """The values that a column may have, in words."""
    if column.values is not None:
        return ", ".join(f"`{value}`" for value in column.values)
    if column.longest is not None:
        return f"text of at most {column.longest:,} characters"
    return f"{column.low:,.10g} to {column.high:,.10g} {column.unit or ''}".rstrip()


def _figures(dataset: Dataset, measured: list[Measurement]) -> str:
    plan, inside = dataset.calibration, sum(row.within for row in measured)
    told = (
        f"Here the generator drew {plan.size:,} units, more than students get, so that chance moves little. "
        f"{inside} of {len(measured)} figures lie within their tolerance of the target. Shares are fractions of 1."
    )
    heads = ["Figure", "Target", "Tolerance", "This dataset", "Source"]
    rows = [_figure(row) for row in measured]
    figures = table("Published figures and what the generator gives", heads, rows, "eq-wide")
    notes = [f"- *{row.target.label}:* {row.target.note}." for row in measured if row.target.note]
    return "\n\n".join(filter(None, ["## Published figures", told, plan.note or "", figures, "\n".join(notes)]))


def _figure(row: Measurement) -> list[str]:
    target = row.target
    shown = f"{row.measured:,.{_decimals(target.tolerance)}f}"
    source = f"{{cite:t}}`{target.citation}`, {SEEN[target.verified]}"
    outside = "" if row.within else " **outside**"
    return [target.label, f"{target.target:,.10g}", f"± {target.tolerance:,.10g}", shown + outside, source]


def _decimals(tolerance: float) -> int:
    """As many as show two digits of the tolerance."""
    return max(0, 1 - math.floor(math.log10(tolerance)))
