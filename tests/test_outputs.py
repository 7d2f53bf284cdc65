"""What students' code printed reaches people only as what it shows, and takes no time to become so."""

import base64
import time

import pandas as pd
import pytest

from equipoise.grading import outputs

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


def shown(**data: str) -> dict:
    """What is kept of one output of these kinds; in their names _ stands for /."""
    bundle = {kind.replace("_", "/"): value for kind, value in data.items()}
    kept = outputs.clean([{"output_type": "display_data", "data": bundle}])
    return kept[0].data if kept else {}


@pytest.mark.parametrize(
    "markup", ["<div>" * 90_000, "<table><b>x" * 40_000, "<b><p></b>" * 40_000, "<div x='<'>" * 40_000]
)
def test_markup_that_would_keep_a_parser_busy_is_not_parsed(markup):
    start = time.perf_counter()
    assert shown(text_html=markup, text_plain="a table") == {"text/plain": "a table"}
    assert time.perf_counter() - start < 1


def test_table_of_a_data_frame_is_kept_without_its_style():
    html = pd.DataFrame({"SpO2 < 92 %": [1.5]}, index=["A"]).to_html(notebook=True)
    kept = shown(text_html=html)["text/html"]
    assert "<th>SpO2 &lt; 92 %</th>" in kept
    assert "style" not in kept


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("image_png", f"{PNG[:8]}\n{PNG[8:]}\n", {"image/png": PNG}),
        ("image_png", "PHN2Zz4=", {}),
        ("image_png", PNG + '" onload="x', {}),
        ("image_svg+xml", PNG, {}),
    ],
)
def test_only_images_that_begin_like_images_are_kept(kind, value, kept):
    assert shown(**{kind: value}) == kept


def test_characters_that_turn_a_line_round_are_shown_by_their_number():
    assert outputs.plain("a\u202eb\x08c\x1b[31mred") == "a<U+202E>bc\x1b[31mred"
