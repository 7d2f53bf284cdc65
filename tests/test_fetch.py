"""Real data over a real connection: a server on this machine that can send, cut off, change, forget and lie."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from pydantic import ValidationError
from support import BIN, ROOT
from typer.testing import CliRunner

from equipoise.cli import app
from equipoise.content import Column, Source, load_course, load_dataset, read_course
from equipoise.fetch import Fetched, FetchError, fetch

SLUG = "readmission"
ROWS = 5000
HEAD = """% a comment
@RELATION stays
@ATTRIBUTE site {north,'far south'}
@ATTRIBUTE "days" NUMERIC
@attribute a1c STRING
"""
LINES = "\n".join(
    f"{'north' if n % 3 else repr('far south')}, {n % 14 + 1},{'None' if n % 2 else '>7'}" for n in range(ROWS)
)
ARFF = f"{HEAD}@DATA\n{LINES}\n".encode()


@dataclass
class Server:
    """What the server holds, how it behaves, and what it was asked for."""

    content: bytes = ARFF
    tag: str | None = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # of each answer with content, after how many bytes it breaks off
    status: int = 200
    promised: str | None = None  # an md5 that the description names, instead of the true one
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range
    address: str = ""

    def description(self) -> bytes:
        sum_of_it = self.promised or hashlib.md5(self.content).hexdigest()
        described = {"url": f"{self.address}/file.arff", "md5_checksum": sum_of_it, "licence": "Public"}
        return json.dumps({"data_set_description": described}).encode()


def handler(server: Server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            if self.path == "/description":
                return self.answer(200, server.description())
            if server.status != 200:
                return self.answer(server.status, b"no")
            begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
            if begin and begin >= len(server.content):
                return self.answer(416, b"")
            same = self.headers.get("If-Range") == server.tag
            if server.ranges and wanted and same:
                return self.answer(206, server.content[begin:], begin)
            return self.answer(200, server.content)

        def answer(self, status: int, body: bytes, begin: int = 0):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if server.tag:
                self.send_header("ETag", server.tag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {begin}-{begin + len(body) - 1}/{len(server.content)}")
            self.end_headers()
            cut = server.cuts.pop(0) if server.cuts and self.path == "/file.arff" else None
            self.wfile.write(body[:cut])
            if cut is not None:
                self.close_connection = True

        def log_message(self, *args):
            pass

    return Handler


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    state = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(state)) as listening:
        state.address = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield state
        listening.shutdown()
        thread.join()


@pytest.fixture
def dataset(server):
    """A dataset of three columns whose real table the server holds; one column is called otherwise there."""
    dataset = load_dataset(ROOT, SLUG)
    columns = {
        "site": Column(description="where", values=("north", "far south")),
        "time_in_hospital": Column(description="days", low=1, high=14),
        "a1c": Column(description="test", longest=4),
    }
    source = {
        "title": "Stays",
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "citation": "strack2014",
        "rows": ROWS,
        "format": "arff",
        "description": f"{server.address}/description",
        "columns": {"time_in_hospital": "days"},
    }
    facts = dataset.facts.model_copy(update={"columns": columns})
    return dataset.model_copy(update={"facts": facts, "source": Source(**source)})


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "equipoise" / SLUG


def with_source(dataset, **changes):
    return dataset.model_copy(update={"source": dataset.source.model_copy(update=changes)})


def asked_for_file(server: Server) -> list[str | None]:
    return [wanted for path, wanted in server.asked if path == "/file.arff"]


def refusal(dataset) -> str:
    with pytest.raises(FetchError) as error:
        fetch(dataset)
    assert "\n" not in str(error.value)
    return str(error.value)


def is_right(fetched: Fetched) -> bool:
    table = pd.read_csv(fetched.path, keep_default_na=False)
    assert list(table) == ["site", "time_in_hospital", "a1c"]
    assert table.iloc[:2].to_numpy().tolist() == [["far south", 1, ">7"], ["north", 2, "None"]]
    return len(table) == fetched.rows == ROWS


def test_table_arrives_whole_with_our_columns(server, dataset, cache):
    news = []
    fetched = fetch(dataset, report=news.append)
    assert is_right(fetched)
    assert fetched.path == cache / f"{SLUG}.csv" and fetched.surprises == ()
    assert fetched.file.checksum == f"md5:{hashlib.md5(ARFF).hexdigest()}"
    assert asked_for_file(server) == [None]
    assert sorted(path.name for path in cache.iterdir()) == ["file.json", "original.arff", f"{SLUG}.csv"]


def test_second_time_asks_nobody(server, dataset, tmp_path):
    fetch(dataset)
    server.asked.clear()
    fetched = fetch(dataset, tmp_path / "lab" / "data")
    assert is_right(fetched) and fetched.path.parent == tmp_path / "lab" / "data"
    assert server.asked == []


def test_spoilt_cache_is_noticed_and_fetched_again(server, dataset, cache):
    fetch(dataset)
    (cache / "original.arff").write_bytes(ARFF[:-1])
    assert is_right(fetch(dataset))
    assert asked_for_file(server) == [None, None]


def test_a_cut_is_mended_by_asking_for_the_rest(server, dataset):
    server.cuts = [20_000, 10_000]
    assert is_right(fetch(dataset))
    assert asked_for_file(server) == [None, "bytes=20000-", "bytes=30000-"]


def test_next_run_goes_on_where_the_last_one_gave_up(server, dataset, cache):
    server.cuts = [10_000] * 3
    said = refusal(dataset)
    assert "127.0.0.1" in said and "what has arrived is kept" in said
    assert (cache / "original.arff.part").stat().st_size == 30_000
    assert not (cache / "original.arff").exists()
    assert is_right(fetch(dataset))
    assert asked_for_file(server) == [None, "bytes=10000-", "bytes=20000-", "bytes=30000-"]


@pytest.mark.parametrize("change", ["no ranges", "another file", "no tag"])
def test_what_cannot_go_on_starts_again(server, dataset, change):
    server.cuts = [10_000] * 3
    refusal(dataset)
    match change:
        case "no ranges":
            server.ranges = False
        case "another file":
            server.content, server.tag = ARFF.replace(b", 1,", b", 2,").replace(b", 2,", b", 1,", 1), '"two"'
        case "no tag":
            server.tag = None
    server.asked.clear()
    assert len(pd.read_csv(fetch(dataset).path)) == ROWS
    assert asked_for_file(server) == ["bytes=30000-"]


def test_without_a_tag_the_rest_is_never_asked_for(server, dataset):
    server.tag, server.cuts = None, [10_000]
    assert is_right(fetch(dataset))
    assert asked_for_file(server) == [None, None]


def test_spoilt_part_is_thrown_away(server, dataset, cache):
    server.cuts = [10_000] * 3
    refusal(dataset)
    (cache / "original.arff.part").write_bytes(b"x" * 30_000)
    assert is_right(fetch(dataset))
    assert asked_for_file(server)[-2:] == ["bytes=30000-", None]


def test_part_that_is_longer_than_the_file_is_thrown_away(server, dataset, cache):
    server.cuts = [10_000] * 3
    refusal(dataset)
    (cache / "original.arff.part").write_bytes(b"x" * (len(ARFF) + 1))
    assert is_right(fetch(dataset))


def test_wrong_checksum_is_refused_with_both_sums(server, dataset, cache):
    server.promised = "0" * 32
    said = refusal(dataset)
    assert f"md5:{'0' * 32}" in said and f"md5:{hashlib.md5(ARFF).hexdigest()}" in said
    assert list(cache.iterdir()) == []


def test_checksum_in_the_course_needs_no_description(server, dataset):
    checksum = f"sha256:{hashlib.sha256(ARFF).hexdigest()}"
    pinned = with_source(dataset, description=None, url=f"{server.address}/file.arff", checksum=checksum)
    assert is_right(fetch(pinned))
    assert server.asked == [("/file.arff", None)]


def test_later_fetches_are_held_to_the_first_sum(server, dataset, cache):
    fetch(dataset)
    (cache / "original.arff").unlink()
    first, server.content = hashlib.md5(ARFF).hexdigest(), ARFF + b"north,1,None\n"
    said = refusal(dataset)
    assert first in said and hashlib.md5(server.content).hexdigest() in said and str(cache / "file.json") in said
    assert asked_for_file(server) == [None]


@pytest.mark.parametrize("status", [404, 503])
def test_refusal_of_the_server_is_told(server, dataset, cache, status):
    server.status = status
    said = refusal(dataset)
    assert str(status) in said and "/file.arff" in said
    assert list(cache.iterdir()) == []


def test_nobody_there(server, dataset):
    said = refusal(with_source(dataset, description="http://127.0.0.1:9/description"))
    assert "127.0.0.1 cannot be reached" in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<html>Down for maintenance</html>", "it has no line @data"),
        (b"\xff\xfe\x00", "did not arrive as a table"),
        (HEAD.encode() + b"@DATA\nnorth,1\n", "names 3 columns and has 2"),
        (HEAD.replace("days", "nights").encode() + b"@DATA\nnorth,1,None\n", "has no column days"),
        (HEAD.encode() + b"@DATA\nnorth,1,None\n", "has 1 rows, source.yml says 5,000"),
        (b"", "did not arrive as a table"),
    ],
)
def test_what_is_no_such_table_is_refused_and_not_kept(server, dataset, cache, content, expected):
    server.content = content
    assert expected in refusal(dataset)
    assert not any(path.suffix in (".arff", ".csv", ".part") for path in cache.iterdir())


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b"nonsense", b'{"data_set_description": {"url": "", "md5_checksum": 7}}']
)
def test_what_is_no_description_is_refused(server, dataset, monkeypatch, answer):
    monkeypatch.setattr(Server, "description", lambda self: answer)
    assert "/description" in refusal(dataset)


def test_values_that_the_datasheet_does_not_know_are_told(server, dataset):
    server.content = ARFF.replace(b"\nnorth", b"\neast", 1).replace(b", 2,", b", 99,", 1).replace(b">7", b"above 7", 2)
    told = fetch(dataset).surprises
    assert len(told) == 3 and "a1c: 2 values" in told[2] and "site: 1 values" in told[0] and "'99'" in told[1]


def test_csv_is_read_too(server, dataset):
    server.content = b"a1c,days,site\n" + b"None,2,north\n" * ROWS
    assert len(pd.read_csv(fetch(with_source(dataset, format="csv")).path)) == ROWS


def test_dataset_without_a_source_says_so(course):
    assert "has no real data" in refusal(course.datasets["pulse-oximetry"])


@pytest.fixture
def served(server, course_copy):
    """A course whose real table is the synthetic one, as the server sends it."""
    dataset = load_course(course_copy).datasets[SLUG]
    from equipoise.datasets import draw

    table = draw(dataset, 200, 1).observed
    spec = "\n".join(f"@ATTRIBUTE {name} STRING" for name in table)
    body = table.map(lambda value: f"'{value}'" if " " in str(value) else value).to_csv(
        index=False, header=False, quotechar="\x01"
    )
    server.content = f"@RELATION real\n{spec}\n@DATA\n{body}".encode()
    source = course_copy / "datasets" / SLUG / "source.yml"
    text = re.sub("description: .*", f"description: {server.address}/description", source.read_text())
    source.write_text(text.replace("rows: 101766", "rows: 200"))
    return course_copy, table


def run(*words, **options):
    return CliRunner().invoke(app, ["fetch", *map(str, words)], **options)


def test_command_shows_the_licence_and_fetches(served, tmp_path):
    course, table = served
    done = run(SLUG, "--course", course, "--to", tmp_path / "data", input="y\n")
    assert done.exit_code == 0, done.output
    assert done.output.index("CC BY 4.0") < done.output.index("agree") < done.output.index("200 rows: ")
    written = pd.read_csv(tmp_path / "data" / f"{SLUG}.csv", keep_default_na=False)
    assert written.astype(str).equals(table.astype(str))
    assert "not in the datasheet" not in done.output


def test_command_without_agreement_asks_no_server(served, server):
    done = run(SLUG, "--course", served[0], input="n\n")
    assert done.exit_code == 1 and "Nothing was fetched." in done.output
    assert server.asked == []


def test_command_for_scripts_shows_the_licence_all_the_same(served):
    done = run(SLUG, "--yes", "--course", served[0])
    assert done.exit_code == 0 and "creativecommons.org/licenses/by/4.0" in done.output and "md5:" in done.output


def test_full_disk_is_one_sentence(served, tmp_path):
    """A limit on the size of files stands for a disk that is full: the system refuses to write on."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))  # noqa: E731
    command = [BIN / "equipoise", "fetch", SLUG, "--yes", "--course", served[0]]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr and "make room" in done.stderr
    assert not (tmp_path / "cache" / "equipoise" / SLUG / "original.arff").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": None}, "does not say which file it is"),
        ({"url": "https://a.example/b"}, "does not say which file it is"),
        ({"description": "http://openml.org/x"}, "no secure address"),
        ({"description": None, "url": "https://a.example/b", "checksum": "md5:12"}, "no checksum"),
        ({"format": "xlsx"}, "arff"),
    ],
)
def test_source_must_say_which_file_it_is(dataset, changes, expected):
    with pytest.raises(ValidationError, match=expected):
        Source(**(dataset.source.model_dump() | changes))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("citation: strack2014", "citation: nobody2099", "source.yml: citation: there is no citation 'nobody2099'"),
        ("rows: 101766", "rows: many", "source.yml: rows: "),
        ("format: arff", "format: arff\ncolumns: {colour: color}", "columns.colour: is no column of the datasheet"),
        ("format: arff", "format: arff\nlicense: CC0", "license: is not a known key"),
        ("description: https:", "description: http:", "description: is no secure address. Begin it with https://"),
    ],
)
def test_slip_in_source_is_a_finding(course_copy, old, new, expected):
    source = course_copy / "datasets" / SLUG / "source.yml"
    source.write_text(source.read_text().replace(old, new))
    findings = [str(finding) for finding in read_course(course_copy)[1]]
    assert any(expected in finding for finding in findings), findings
