"""What people read is spelt as in Britain; the list of words that may be spelt otherwise is in order."""

from __future__ import annotations

import pytest
from gates.checks import expect_none
from gates.spelling import IGNORED, misspellings, prose
from support import ROOT


def test_prose_of_the_sources_is_spelt_well(tmp_path):
    expect_none(misspellings(ROOT, tmp_path))


def test_list_of_ignored_words_is_sorted():
    words = IGNORED.read_text().splitlines()
    assert words == sorted(set(words), key=str.lower)


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("book/page.md", "one\nthey recieve it", "recieve"),
        ("book/page.md", "one\nthe color of skin", "color"),
        ("cases/a/quiz.yml", "items:\n- question: Whose behavior?", "behavior"),
        ("labs/a/lab.py", "# %% [markdown]\n# the paralel\n# %%\nx = 1", "paralel"),
        ("book/static/part.js", 'const color = 1;\nsay(t("The center of {x}"));', "center"),
    ],
)
def test_planted_misspelling_is_found_at_its_line(file, text, word, tmp_path):
    source = tmp_path / "source" / file
    source.parent.mkdir(parents=True)
    source.write_text(text)
    [finding] = misspellings(tmp_path / "source", tmp_path / "scratch")
    assert (finding.page, finding.element) == (f"{file}:2", word)


def test_code_is_not_prose():
    markdown = "Use `color` as in\n```{code-cell} python3\ncolor = 1\n```\n[text](color.md) https://example.org/color"
    assert prose(markdown, ".md").split() == ["Use", "as", "in", "[text"]
    assert prose("# %%\ncolor = 1\n# %% [markdown]\n# colour\n", ".py").split() == ["#", "colour"]
