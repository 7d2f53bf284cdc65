"""The quiz of a case, from ``quiz.yml``: questions whose answers open one by one, which ``quiz.js`` turns into a form.

Every word of it is MyST text of the page, so that it can be read without JavaScript, searched and translated. What the
script needs to know beyond the words stands in attributes: which answers are right, and which competency a question is
about.
"""

from __future__ import annotations

from equipoise.book.markup import html
from equipoise.content import Case, Option, Question

INTRO = "Choose an answer, and see what is said about it. Right or wrong, every answer says why."
SEVERAL = "*More than one answer is right.*"


def quiz(case: Case) -> str:
    questions = [_question(number, item) for number, item in enumerate(case.quiz.items, 1)]
    parts = ["## Check yourself", html("<case-quiz>"), INTRO, *questions, html("</case-quiz>")]
    return "\n" + "\n\n".join(parts) + "\n"


def _question(number: int, item: Question) -> str:
    several = sum(option.correct for option in item.options) > 1
    parts = [
        html(f'<div class="quiz-question" data-number="{number}" data-competency="{item.competency}">'),
        item.question.strip(),
        *([SEVERAL] if several else []),
        *(_option(option) for option in item.options),
        html("</div>"),
    ]
    return "\n\n".join(parts)


def _option(option: Option) -> str:
    kind, verdict = ("quiz-right", "**Right.**") if option.correct else ("quiz-wrong", "**Not quite.**")
    lines = [
        f":::{{dropdown}} {' '.join(option.text.split())}",
        f":class-container: {kind}",
        ":class-title: quiz-option",
        "",
        f"{verdict} {option.feedback.strip()}",
        ":::",
    ]
    return "\n".join(lines)
