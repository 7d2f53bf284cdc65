"""Every content check in one pass: texts and links, datasets against their sources, labs against themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from equipoise import datasets, labs, proof
from equipoise.content import ContentError, Course, Finding, Lab, folder_names, read_course


@dataclass
class Checked:
    """What was looked at, what is wrong, and what each lab cost as solved."""

    folders: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    costs: dict[str, proof.Run] = field(default_factory=dict)


def check(root: Path, slugs: Collection[str], report: Callable[[str], None]) -> Checked:
    """Check the course at ``root``, or only the folders called one of ``slugs``.

    Raises ContentError if a slug names no folder.
    """
    course, findings = read_course(root)
    checked = Checked(folders=_folders(root, slugs))
    checked.findings += [f for f in findings if not slugs or _concerns(f, slugs)]
    sound = set()
    for slug, dataset in course.datasets.items():
        report(f"datasets/{slug}: calibration and columns")
        problems = datasets.check(dataset)
        if not problems:
            sound.add(slug)
        if not slugs or slug in slugs:
            checked.findings += problems
    for slug, lab in course.labs.items():
        if not slugs or slug in slugs:
            report(f"labs/{slug}: solution, untouched notebook and every planted mistake")
            _check_lab(checked, lab, course, runs=sound.issuperset(lab.facts.datasets))
    return checked


def _check_lab(checked: Checked, lab: Lab, course: Course, runs: bool) -> None:
    findings = labs.check(lab)
    if runs and not findings:
        result = proof.prove(lab, course)
        findings, checked.costs[lab.slug] = result.findings, result.solved
    checked.findings += findings


def _folders(root: Path, slugs: Collection[str]) -> list[str]:
    kinds = ("cases", "labs", "datasets")
    there = [f"{kind}/{name}" for kind in kinds for name in folder_names(root, kind)]
    known = {folder.split("/")[1] for folder in there}
    unknown = [slug for slug in slugs if slug not in known]
    if unknown:
        repair = f"There are: {', '.join(sorted(known))}"
        raise ContentError(
            [Finding(file=str(root), where=slug, problem="no such folder", repair=repair) for slug in unknown]
        )
    return [folder for folder in there if not slugs or folder.split("/")[1] in slugs]


def _concerns(finding: Finding, slugs: Collection[str]) -> bool:
    """Whether a finding is about one of these folders, or about the bibliography that all of them share."""
    if finding.file.endswith(".bib"):
        return True
    return any(slug in f"{finding.file}/{finding.where}".split("/") for slug in slugs)
