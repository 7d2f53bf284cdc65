"""A generator that breaks its promises is found out, and a table is written whole or not at all."""

import pytest

from equipoise import datasets, scaffold
from equipoise.content import ContentError, load_dataset


@pytest.fixture(name="check")
def _check(course_copy):
    scaffold.new(course_copy, scaffold.Kind.DATASET, "small")
    folder = course_copy / "datasets" / "small"
    for file in folder.iterdir():
        file.write_text(file.read_text().replace("TODO", "done"))

    def check(file: str, old: str, new: str) -> list[str]:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        return [str(finding) for finding in datasets.check(load_dataset(course_copy, "small"))]

    return check


def test_sound_dataset_passes(check):
    assert check("generate.py", "DELAY = 0.2", "DELAY = 0.2") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("generate.py", "DELAY = 0.2", "DELAY = 0.6", "calibration.yml: harmed_b: is 0."),
        ("calibration.yml", "target: 0.30", "target: 0.50", "published 0.5 ± 0.02"),
        ("calibration.yml", "statistic: harmed_a", "statistic: harmed_z", "the generator fails: 'harmed_z'"),
        ("generate.py", '"severity": severity', '"severeness": severity', "columns.severity: is not drawn"),
        ("generate.py", '"severity": severity', '"severeness": severity', "columns.severeness: is not in the data"),
        ("datasheet.md", "high: 10\n", "high: 1\n", "values are outside what the datasheet allows"),
        ("generate.py", '"latent_poor_access"', '"harmed"', "columns in both frames: harmed"),
        ("generate.py", "np.arange(1, n + 1)", "np.arange(1, n)", "the generator fails"),
        ("generate.py", "return observed, truth", "return observed[1:], truth", "asked for"),
    ],
)
def test_broken_promise_is_named(check, file, old, new, expected):
    findings = check(file, old, new)
    assert any(expected in finding for finding in findings), findings


def test_dataset_without_a_datasheet_does_not_load(course_copy):
    folder = next((course_copy / "datasets").iterdir())
    (folder / "datasheet.md").unlink()
    with pytest.raises(ContentError, match=r"datasheet\.md: file: is missing"):
        load_dataset(course_copy, folder.name)


def test_interrupted_write_leaves_the_old_table(course, tmp_path, monkeypatch):
    dataset = next(iter(course.datasets.values()))
    path = datasets.write_csv(dataset, tmp_path)
    before = path.read_bytes()

    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.write_csv(dataset, tmp_path)
    assert path.read_bytes() == before


def test_fingerprint_changes_with_content_and_name_only(tmp_path):
    (tmp_path / "a").write_text("1")
    first = datasets.fingerprint(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x").write_text("noise")
    assert datasets.fingerprint(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = datasets.fingerprint(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, renamed, datasets.fingerprint(tmp_path)}) == 3
