"""Pages that find a case for a reader: by level, in teaching order."""

from __future__ import annotations

from equipoise.content import Course, Level


def pathways(course: Course) -> str:
    """A section for each level: its cases in teaching order."""
    return "".join(_pathway(course, level) for level in Level)


def _pathway(course: Course, level: Level) -> str:
    """A section of the page of pathways: the cases for ``level`` in teaching order."""
    lines = [f"\n\n## {level.capitalize()} training\n"]
    for number, case in enumerate(course.pathway(level), 1):
        facts, lab = case.facts, course.lab(case.facts.lab).facts
        lines.append(f"{number}. [{facts.title}](../cases/{case.slug}/case): {facts.harm.summary}.\\")
        lines.append(f"   *{', '.join(facts.specialty)}. Case {facts.minutes} minutes, lab {lab.minutes} minutes.*")
    return "\n".join(lines) if len(lines) > 1 else f"{lines[0]}\nNo case yet."
