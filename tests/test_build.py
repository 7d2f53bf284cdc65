"""A build is whole or not at all, says what is wrong, and executes what has changed and nothing else."""

from __future__ import annotations

import copy
import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
import yaml
from jupyter_cache import get_cache
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.errors import ExtensionError
from support import copy_course, shell

from equipoise.book import build, uses
from equipoise.book.editions import with_teaching
from equipoise.book.execute import Execution
from equipoise.book.lines import common
from equipoise.content import Course, load_course

SWITCH = r'<div class="header-article-item">\s*<ul class="languages">.*?</ul>\s*</div>'


@pytest.fixture(scope="module", name="small")
def _small(tmp_path_factory) -> Path:
    """A course with its first two cases only, built."""
    root = only_first_cases(copy_course(tmp_path_factory.mktemp("small") / "course"))
    built = shell("equipoise", "book", cwd=root)
    assert built.returncode == 0, built.stderr
    return root


def only_first_cases(root: Path) -> Path:
    course = load_course(root)
    cases = course.in_order()[:2]
    kept = {
        "cases": [case.slug for case in cases],
        "labs": [case.facts.lab for case in cases],
        "datasets": [slug for case in cases for slug in case.facts.datasets],
    }
    for kind, names in kept.items():
        for slug in set(getattr(course, kind)) - set(names):
            shutil.rmtree(root / kind / slug)
    contents = root / "_toc.yml"
    contents.write_text(yaml.safe_dump(pruned(yaml.safe_load(contents.read_text()), root), sort_keys=False))
    return root


def pruned(entry, root: Path):
    """A table of contents without the pages that are gone."""
    if isinstance(entry, dict):
        return {key: pruned(value, root) for key, value in entry.items()}
    if isinstance(entry, list):
        return [pruned(e, root) for e in entry if "file" not in e or list(root.glob(f"{e['file']}.*"))]
    return entry


def site(root: Path) -> dict[str, bytes]:
    folder = root / "_build" / "book"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- failing --------------------------------------------------------------------------------------------------------


def test_page_with_a_mistake_fails_every_build_and_leaves_the_site_alone(small):
    page = small / "cases" / load_course(small).in_order()[0].slug / "case.md"
    original, before = page.read_text(), site(small)
    page.write_text(original + "\n{no-such-role}`x`\n")
    line = len(original.splitlines()) + 2  # of the file: Sphinx read a page with a header and a quiz more
    try:
        for _ in range(2):  # Sphinx itself would be content the second time
            built = shell("equipoise", "book", cwd=small)
            assert built.returncode == 1
            assert f'{page.relative_to(small)}:{line}: Unknown interpreted text role "no-such-role"' in built.stderr
            assert len(built.stderr.strip().splitlines()) <= 4, built.stderr
        assert site(small) == before
    finally:
        page.write_text(original)


def test_failing_cell_is_named_by_its_line(small):
    page = small / "cases" / load_course(small).in_order()[0].slug / "case.md"
    original = page.read_text()
    page.write_text(original.replace("import matplotlib.pyplot as plt", "1 / 0", 1))
    line = page.read_text().splitlines().index("1 / 0") + 1
    try:
        built = shell("equipoise", "book", cwd=small)
    finally:
        page.write_text(original)
    assert built.returncode == 1
    assert f"{page.relative_to(small)}:{line}: ZeroDivisionError: division by zero" in built.stderr


def test_course_with_findings_is_not_built(small):
    page = small / "cases" / load_course(small).in_order()[0].slug / "case.md"
    original = page.read_text()
    page.write_text(original.replace("minutes:", "minuts:", 1))
    try:
        for command in (("equipoise", "book"), ("jupyter-book", "build", ".")):
            built = shell(*command, cwd=small)
            assert built.returncode != 0
            assert "minuts: is not a known key" in built.stdout + built.stderr
    finally:
        page.write_text(original)


def test_two_builds_at_once_are_one_too_many(small):
    before = site(small)
    with build.hold(small):
        for command in (("equipoise", "book"), ("equipoise", "book", "--instructor"), ("jupyter-book", "build", ".")):
            second = shell(*command, cwd=small)
            assert second.returncode != 0
            assert "This book is being built by another process" in second.stdout + second.stderr
    assert site(small) == before
    assert not (small / "_build" / "html" / "index.html").exists()


def test_work_goes_on_only_after_a_build_that_ended_well(tmp_path):
    work = tmp_path / "work"
    for shape, fails, kept in (("a", False, False), ("a", True, True), ("a", False, False), ("b", False, False)):
        left = (work / "page").exists()
        try:
            with build._continued(work, shape):
                assert (work / "page").exists() == kept, (shape, left)
                work.mkdir(exist_ok=True)
                (work / "page").write_text("made")
                if fails:
                    raise build.BuildError
        except build.BuildError:
            assert fails


def test_site_is_replaced_whole_and_without_hidden_files(tmp_path):
    made, site = tmp_path / "made", tmp_path / "book"
    for number in range(3):
        made.mkdir()
        (made / f"page{number}.html").write_text("x")
        (made / ".buildinfo").write_text("x")
        build._publish({"": made, "es": made}, site)
        for folder in (site, site / "es"):
            assert [path.name for path in folder.glob("*.*")] == [f"page{number}.html"]
        shutil.rmtree(made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book"]


def test_message_lists_pages_and_reasons_once_and_not_without_end(tmp_path):
    log = tmp_path / "book.log"
    lines = [f"\x1b[91m{tmp_path}/cases/x/case.md:{number % 30}: WARNING: odd\x1b[39;49;00m" for number in range(60)]
    log.write_text("[IPKernelApp] WARNING | Kernel is running\n" + "\n".join(lines) + "\nWARNING: no page of its own\n")
    lines = tmp_path / "lines.json"
    lines.write_text(
        json.dumps({"cases/x/case.md": common("title\nheader\nheader\n" + "a\n" * 40, "title\n" + "a\n" * 40)})
    )
    message = build._message(tmp_path, log, lines).splitlines()
    assert message[1:6] == [f"cases/x/case.md{line}: odd" for line in ("", ":1", ":2", ":3", ":4")]
    assert message[-2:] == ["and 19 more", f"All that was said: {log}"]


# ---- executing ------------------------------------------------------------------------------------------------------


def notebook(*cells: str) -> nbformat.NotebookNode:
    kernel = {"name": "python3", "display_name": "python3"}
    made = [nbformat.v4.new_code_cell(cell, id=f"cell-{number}") for number, cell in enumerate(cells)]
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})


EVERY_KIND = notebook(
    "import sys\nimport pandas as pd\nimport matplotlib.pyplot as plt\nfrom IPython.display import HTML, display",
    "print('first')\ndisplay(HTML('<p>second</p>'))\nprint('third')\nprint('fourth', file=sys.stderr)",
    "figure, axis = plt.subplots(figsize=(2, 2))\naxis.plot([1, 2])",
    "plt.plot([2, 1])\nplt.show()\nprint('after')",
    "pd.DataFrame({'a': [1, 2]})",
    "await __import__('asyncio').sleep(0)\n'a value'",
    "%pwd",
)


def test_page_shows_what_it_shows_under_jupyter_book(tmp_path):
    """Stock execution is nbclient with a kernel of its own; memory addresses differ."""
    stock = copy.deepcopy(EVERY_KIND)
    assert single_nb_execution(stock, cwd=str(tmp_path), timeout=60, allow_errors=False).err is None
    with closing(executing(tmp_path, page=copy.deepcopy(EVERY_KIND))) as execution:
        execution.keep("page")
    ours = execution.notebooks["page"]
    assert ours.metadata.language_info == stock.metadata.language_info
    for mine, theirs in zip(ours.cells, stock.cells, strict=True):
        assert mine.execution_count == theirs.execution_count
        assert steady(mine.outputs) == steady(theirs.outputs), mine.source
    _, shown = execution.cache.merge_match_into_notebook(copy.deepcopy(EVERY_KIND))
    assert [cell.outputs for cell in shown.cells] == [cell.outputs for cell in ours.cells]


def executing(folder: Path, **notebooks: nbformat.NotebookNode) -> Execution:
    paths = {page: folder / f"{page}.md" for page in notebooks}
    for page, path in paths.items():
        path.write_text("---\n" + "".join(f"{cell.source}\n" for cell in notebooks[page].cells))
    return Execution(get_cache(folder / "cache"), notebooks, paths, kernels=2, seconds=2)


def steady(outputs: list) -> list:
    """Outputs without addresses, and with the parts of a stream joined, as MyST-NB joins them."""
    merged: list = []
    for output in json.loads(json.dumps(outputs)):
        if output["output_type"] == "stream" and merged and merged[-1].get("name") == output["name"]:
            merged[-1]["text"] += output["text"]
        else:
            merged.append(output)
    return json.loads(re.sub(r"0x[0-9a-f]+", "", json.dumps(merged)))


def test_each_page_fails_for_itself(tmp_path):
    pages = {
        "fine": notebook("1 + 1"),
        "endless": notebook("while True:\n    pass"),
        "dead": notebook("import os", "os._exit(3)"),
        "wrong": notebook("def f():\n    return 1 / 0", "f()"),
    }
    messages = {
        "endless": "endless.md: a cell took more than 2 s",
        "dead": "dead.md: its kernel ended with 3",
        "wrong": "wrong.md:4: ZeroDivisionError: division by zero",
    }
    with closing(executing(tmp_path, **pages)) as execution:
        execution.keep("fine")
        for page, message in messages.items():
            with pytest.raises(ExtensionError, match=re.escape(message)):
                execution.keep(page)
    assert [Path(record.uri).name for record in execution.cache.list_cache_records()] == ["fine.md"]


def test_changed_dataset_executes_the_pages_that_use_it_and_prose_none(small):
    case, other = load_course(small).in_order()
    assert not set(case.facts.datasets) & set(other.facts.datasets)
    folder = small / "datasets" / case.facts.datasets[0]
    files = [case.folder / "case.md", other.folder / "case.md", folder / "datasheet.md", folder / "generate.py"]
    originals = {file: file.read_text() for file in files}
    before, shown = executed(small), pictures(small)
    try:
        for file in files[:3]:
            file.write_text(file.read_text() + "\nOne more sentence.\n")
        assert shell("equipoise", "book", cwd=small).returncode == 0
        assert executed(small) == before

        files[2].write_text(re.sub(r"^seed: \d+$", "seed: 99", originals[files[2]], flags=re.MULTILINE))
        assert shell("equipoise", "book", cwd=small).returncode == 0
        after = executed(small)
        assert {after[key] for key in after.keys() - before.keys()} == {str(case.folder / "case.md")}
        assert len(after) == len(before), "an old result was left in the cache"
        assert len(pictures(small) - shown) == len(shown - pictures(small)) == 1
    finally:
        for file, text in originals.items():
            file.write_text(text)


def executed(root: Path) -> dict[str, str]:
    """The page of each result in the cache, by its key and when it was made."""
    records = get_cache(root / "_build" / ".jupyter_cache").list_cache_records()
    return {f"{record.hashkey} {record.created}": record.uri for record in records}


def pictures(root: Path) -> set[str]:
    return {path.name for path in (root / "_build" / "book" / "_images").glob("*.png")}


def test_plain_jupyter_book_makes_the_students_edition_and_executes_nothing_anew(small):
    assert shell("equipoise", "book", cwd=small).returncode == 0
    before = executed(small)
    built = shell("jupyter-book", "build", "-W", "-n", "--keep-going", ".", cwd=small)
    assert built.returncode == 0, built.stderr
    assert executed(small) == before
    plain, ours = (small / "_build" / folder for folder in ("html", "book"))
    html = {name for path in ours.rglob("*.html") if not (name := str(path.relative_to(ours))).startswith("es/")}
    assert html == {str(path.relative_to(plain)) for path in plain.rglob("*.html")}
    for name in html:
        # A style sheet's version is not written again to a page that stayed; only our command knows of other languages.
        one, other = (re.sub(r"\?v=\w+", "", (folder / name).read_text()) for folder in (plain, ours))
        other = re.sub(SWITCH, "", other, flags=re.DOTALL)
        assert one.split() == other.split(), name


# ---- what a page uses -----------------------------------------------------------------------------------------------


@pytest.fixture
def page(course_copy) -> tuple[Course, nbformat.NotebookNode]:
    course = load_course(course_copy)
    return course, notebook(f"from equipoise.datasets import load\nload('{next(iter(course.datasets))}')")


def test_fingerprint_follows_a_dataset_and_not_another(page):
    course, made = page
    before = uses.fingerprint(course, made)
    mine, other, *_ = course.datasets.values()
    (other.folder / "generate.py").write_text("changed")
    assert uses.fingerprint(course, made) == before
    (mine.folder / "datasheet.md").write_text("prose")
    assert uses.fingerprint(course, made) == before
    (mine.folder / "table.csv").write_text("1,2")
    added = uses.fingerprint(course, made)
    (mine.folder / "generate.py").write_text("changed")
    assert len({before, added, uses.fingerprint(course, made)}) == 3


def test_fingerprint_follows_helpers_however_deep_and_libraries(page, monkeypatch, tmp_path):
    course, made = page
    package = shutil.copytree(uses.PACKAGE, tmp_path / "equipoise")
    monkeypatch.setattr(uses, "PACKAGE", package)
    before = uses.fingerprint(course, made)
    assert {path.name for path in uses.helpers(uses.code(made))} >= {"datasets.py", "content.py", "files.py"}
    (package / "scaffold.py").write_text("changed")
    assert uses.fingerprint(course, made) == before
    (package / "files.py").write_text("changed")
    assert uses.fingerprint(course, made) != before
    uses_only_libraries = notebook("import pandas")
    assert uses.helpers(uses.code(uses_only_libraries)) == []
    before = uses.fingerprint(course, uses_only_libraries)
    monkeypatch.setattr(uses, "libraries", lambda: "others")
    assert uses.fingerprint(course, uses_only_libraries) != before


def test_dataset_that_is_only_declared_counts(page):
    course, _ = page
    made = notebook("1")
    made.metadata["datasets"] = list(course.datasets)[:1]
    assert [dataset.slug for dataset in uses.datasets(course, made)] == made.metadata["datasets"]


@pytest.mark.parametrize("kernel", ["kernelspec:\n  name: python3\n", "kernelspec: {name: python3}\n", ""])
def test_key_moves_no_line(kernel):
    text = f"---\ntitle: A\n{kernel}file_format: mystnb\n---\n# Title\n"
    keyed = uses.with_key(text, "abc")
    metadata = yaml.safe_load(keyed.split("---\n")[1])
    assert metadata == {"title": "A", "file_format": "mystnb", "kernelspec": {"name": "python3", "uses": "abc"}}
    assert keyed.splitlines()[-1] == "# Title"
    if kernel:
        assert len(keyed.splitlines()) == len(text.splitlines())


# ---- the table of contents ------------------------------------------------------------------------------------------


def test_instructors_contents_have_a_page_more_for_each_case_and_lab(course):
    contents = yaml.safe_load((course.root / "_toc.yml").read_text())
    completed = with_teaching(contents)
    added = {f"cases/{slug}/teaching" for slug in course.cases} | {f"labs/{slug}/wrong_answers" for slug in course.labs}
    assert set(files(completed)) == {*files(contents), *added}
    assert contents == yaml.safe_load((course.root / "_toc.yml").read_text())


def files(entry) -> list[str]:
    if isinstance(entry, list):
        return [file for one in entry for file in files(one)]
    if isinstance(entry, dict):
        return [entry[key] for key in ("root", "file") if key in entry] + files(list(entry.values()))
    return []
