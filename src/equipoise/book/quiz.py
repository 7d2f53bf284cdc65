"""The quiz of a case, from ``quiz.yml``."""

from __future__ import annotations

from equipoise.content import Case, Question


def quiz(case: Case) -> str:
    intro = "Choose an answer, then open it. Every answer, right or wrong, says why."
    items = [_question(number, item) for number, item in enumerate(case.quiz.items, 1)]
    return "\n\n".join(["\n## Check yourself", intro, *items])


def _question(number: int, item: Question) -> str:
    several = " (more than one is right)" if sum(option.correct for option in item.options) > 1 else ""
    lines = [f"**{number}. {item.question.strip()}**{several}"]
    for option in item.options:
        verdict = "**Right.**" if option.correct else "**Not quite.**"
        lines += [
            f":::{{dropdown}} {' '.join(option.text.split())}",
            ":class-title: quiz-option",
            f"{verdict} {option.feedback.strip()}",
            ":::",
        ]
    return "\n\n".join([lines[0], "\n".join(lines[1:])])
