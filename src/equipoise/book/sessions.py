"""Plans for teachers: ninety minutes, half a day, a term, from the minutes that cases, labs and teaching notes give.

The page is on the students' site. Of the teaching notes it shows the names of the steps and their minutes, no more.
"""

from __future__ import annotations

import re

from equipoise.book.case_page import to_case, to_lab
from equipoise.book.markup import block, duration, in_section, listed, table
from equipoise.content import Case, Course

PAGE = "book/instructors"
STEP = re.compile(r"^\|\s*(\d+)\s*\|\s*\*\*(.+?)[.,:]?\*\*", re.MULTILINE)
PLAN = re.compile(r"^## Plan\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
MEMO, BREAK = 30, 15  # minutes, of the half day: our allowance


def instructors(course: Course, text: str) -> str:
    """The page with a plan in each of its sections on time."""
    text = in_section(text, "Ninety minutes", "\n\n".join(_session(case) for case in course.in_order()))
    text = in_section(text, "Half a day", _half_days(course))
    return in_section(text, "A term", _term(course))


def steps(case: Case) -> list[tuple[int, str]]:
    """Minutes and name of each step of the plan in the teaching notes; none if it is not a table."""
    plan = PLAN.search((case.folder / "teaching.md").read_text(encoding="utf-8"))
    return [(int(minutes), name) for minutes, name in STEP.findall(plan[1])] if plan else []


def _session(case: Case) -> str:
    """One case's steps with the minute at which each begins, folded away."""
    rows, clock = [], 0
    for minutes, name in steps(case):
        rows.append([f"{clock // 60}:{clock % 60:02}", name, f"{minutes} min"])
        clock += minutes
    plan = table(f"Plan, {clock} minutes in all", ["At", "Step", "Takes"], rows, "eq-plan") if rows else ""
    whose = f"{to_case(case, PAGE)}: {listed(case.facts.levels)} training."
    told = plan or "The plan is in the teaching notes."
    title = f"{case.facts.title}: {clock} minutes" if rows else case.facts.title
    return block("dropdown", whose, told, argument=title)


def _half_days(course: Course) -> str:
    heads = ["Case", "Read, vote, argue", "Lab", "Memo", "Break", "Together"]
    return table("Half a day for each case", heads, [_half_day(case, course) for case in course.in_order()], "eq-plan")


def _half_day(case: Case, course: Course) -> list[str]:
    parts = [case.facts.minutes, course.lab(case.facts.lab).facts.minutes, MEMO, BREAK]
    return [to_case(case, PAGE), *map(duration, parts), f"**{duration(sum(parts))}**"]


def _term(course: Course) -> str:
    weeks = [_week(number, case, course) for number, case in enumerate(course.in_order(), 1)]
    return table("A term, one case a week", ["Week", "Case", "In class", "At home: lab", "For"], weeks, "eq-plan")


def _week(number: int, case: Case, course: Course) -> list[str]:
    taken, lab = sum(minutes for minutes, _ in steps(case)), course.lab(case.facts.lab)
    home = f"{to_lab(case, lab.facts.title, PAGE)}, {duration(lab.facts.minutes + MEMO)} with the memo"
    return [str(number), to_case(case, PAGE), duration(taken or case.facts.minutes), home, listed(case.facts.levels)]
