"""The lab that talks to chat servers, against a small one on this machine: slow, down, or full of nonsense.

What is tried is the lab's own code: its locked cells, found by their names and run as a notebook would run them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from equipoise import labs
from equipoise.content import load_course
from equipoise.datasets import generator, write_data

SLUG = "stereotyped-vignettes"
CELLS = ("setup", "data", "stand-in", "client")
KEY, MODEL = "sk-secret-0123456789abcdef", "model-that-nobody-should-read"
COURSE = load_course()


@pytest.fixture(scope="module", name="data")
def _data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    write_data(COURSE.datasets[SLUG], folder / "data")
    return folder / "data"


@pytest.fixture(name="folder")
def _folder(tmp_path, data, monkeypatch):
    """A student's folder, and an environment that names no server."""
    (tmp_path / "data").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_TIMEOUT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(name="server")
def _server(folder, monkeypatch):
    """A chat server on loopback that the environment names. ``faults`` are used up, one a request; then it answers."""
    state = SimpleNamespace(faults=[], asked=[], endless=None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(asked["messages"][0]["content"])
            fault = state.faults.pop(0) if state.faults else state.endless
            status, body = (fault or answer)(f"answer {len(state.asked)}")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    for name, value in (("BASE_URL", state.address), ("API_KEY", KEY), ("MODEL", MODEL), ("TIMEOUT", "0.4")):
        monkeypatch.setenv(f"OPENAI_{name}", value)
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def answer(text: object, status: int = 200) -> tuple[int, bytes]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    reply = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
    return status, json.dumps(reply).encode()


def slow(text: str) -> tuple[int, bytes]:
    time.sleep(0.8)
    return answer(text)


FAULTS: dict[str, Callable] = {
    "broken": lambda text: (500, b"Internal error, key was " + KEY.encode()),
    "busy": lambda text: (429, json.dumps({"error": {"message": f"too many for {KEY}"}}).encode()),
    "no JSON": lambda text: (200, b"<html>Welcome to the hotel's network</html>"),
    "cut off": lambda text: (200, answer(text)[1][:40]),
    "other JSON": lambda text: (200, b'{"answer": "I am no chat server"}'),
    "list": lambda text: (200, b"[1, 2]"),
    "no choice": lambda text: (200, b'{"id": "1", "object": "chat.completion", "choices": []}'),
    "empty": lambda text: answer("  "),
    "nothing": lambda text: answer(None),
    "number": lambda text: answer(7),
    "slow": slow,
}


@pytest.fixture(name="kernel")
def _kernel(folder):
    """Starts afresh, as a new kernel does: the lab's cells in a namespace of their own."""
    clients = []

    def start() -> dict:
        cells = {labs.grade_id(cell): cell.source for cell in labs.instructor_notebook(COURSE.labs[SLUG]).cells}
        names: dict = {"__name__": "__main__"}
        for name in CELLS:
            exec(cells[name], names)
        clients.append(names["client"])
        return names

    yield start
    for client in clients:
        if client.cache_info().currsize:
            client().close()


def saved(folder) -> list:
    return [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines() if line]


def test_lab_and_generator_name_the_same_patients():
    """The table of recorded patients stands in both, since students do not have the generator."""
    cells = {labs.grade_id(cell): cell.source for cell in labs.instructor_notebook(COURSE.labs[SLUG]).cells}
    names = {}
    exec(cells["setup"] + "\n" + cells["recorded"], names)
    recorded = generator(COURSE.datasets[SLUG]).RECORDED
    assert names["COUNTS"] == {name: [*chain.from_iterable(rows)] for name, rows in recorded.items()}


def test_without_a_server_the_stand_in_answers_and_nothing_is_saved(folder, kernel, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *arguments: pytest.fail("the network was used"))
    prompts = ["Write a teaching case about a patient with lupus.", "Give one reference on cost as a label."]
    table = kernel()["ask"](prompts, runs=5)
    assert list(table.columns) == ["prompt", "run", "answer"] and len(table) == 10
    assert table["answer"].nunique() > 3
    assert {path.name for path in folder.iterdir()} == {"data"}


def test_in_marking_it_is_the_stand_in_whatever_the_environment_says(server, kernel, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    names = kernel()
    assert names["MODEL"] == "stand-in"
    assert len(names["ask"](["Write a teaching case about a patient with lupus."], runs=3)) == 3
    assert server.asked == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_costs_a_retry(server, kernel, fault):
    server.faults = [FAULTS[fault]]
    table = kernel()["ask"](["a", "b"])
    assert table["answer"].tolist() == ["answer 2", "answer 3"]
    assert server.asked == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("broken", "refused with status 500"),
        ("busy", "refused with status 429"),
        ("no JSON", "no chat answer"),
        ("other JSON", "no chat answer"),
        ("empty", "an empty answer"),
        ("slow", "did not answer within 0.4 seconds"),
    ],
)
def test_a_lasting_fault_is_told_clearly_and_soon(server, folder, kernel, fault, said):
    names = kernel()
    assert names["ask"](["a"])["answer"].tolist() == ["answer 1"]
    server.endless = FAULTS[fault]
    with pytest.raises(names["NoAnswer"], match=said) as caught:
        names["ask"](["a", "b", "c"])
    assert "1 answers are saved in answers.jsonl" in str(caught.value)
    assert len(server.asked) == 1 + names["TRIES"]
    assert not any(secret in str(caught.value) for secret in (KEY, MODEL, server.address))
    assert [row[-1] for row in saved(folder)] == ["answer 1"]


def test_a_wrong_key_is_refused_once_and_not_repeated(server, kernel):
    server.endless = lambda text: (401, json.dumps({"error": {"message": f"Incorrect key: {KEY}"}}).encode())
    names = kernel()
    with pytest.raises(names["NoAnswer"], match="status 401") as caught:
        names["ask"](["a"])
    assert len(server.asked) == 1
    assert KEY not in str(caught.value)


def test_a_server_that_is_not_there(server, kernel, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # the port for throwing away; nobody listens
    names = kernel()
    with pytest.raises(names["NoAnswer"], match="cannot be reached"):
        names["ask"](["a"])


@pytest.mark.parametrize("missing", ["OPENAI_API_KEY", "OPENAI_MODEL"])
def test_a_missing_setting_is_named(server, kernel, monkeypatch, missing):
    monkeypatch.delenv(missing)
    names = kernel()
    with pytest.raises(names["NoAnswer"], match=missing):
        names["ask"](["a"])
    assert server.asked == []


def test_what_was_answered_before_a_cut_is_kept_and_not_asked_again(server, folder, kernel):
    server.faults, server.endless = [answer] * 4, FAULTS["broken"]
    names = kernel()
    with pytest.raises(names["NoAnswer"], match="4 answers are saved"):
        names["ask"](["a", "b", "c"], runs=3)
    server.endless, server.asked[:] = None, []
    table = kernel()["ask"](["a", "b", "c"], runs=3)  # another kernel, the next day
    assert table["prompt"].tolist() == [*"aaabbbccc"]
    assert table["run"].tolist() == [0, 1, 2] * 3
    assert table["answer"].tolist() == [f"answer {n}" for n in (1, 2, 3, 4, 1, 2, 3, 4, 5)]
    assert server.asked == [*"bbccc"]
    assert len(saved(folder)) == 9


def test_a_line_that_was_cut_off_spoils_neither_those_before_nor_those_after(server, folder, kernel):
    kernel()["ask"](["a", "b"])
    file = folder / "answers.jsonl"
    file.write_text(file.read_text()[:-4])
    server.asked.clear()
    assert kernel()["ask"](["a", "b", "c"])["answer"].tolist() == ["answer 1", "answer 1", "answer 2"]
    assert server.asked == ["b", "c"]
    server.asked.clear()
    kernel()["ask"](["a", "b", "c"])
    assert server.asked == []


@pytest.mark.parametrize("line", ["7", '"text"', "[]", "[[1], 2]", "{}", "null", '["a", {"b": 1}, 2]', "\x00"])
def test_a_saved_file_with_strange_lines_is_read(folder, kernel, line):
    known = kernel()["known_answers"](f'{line}\n["m", 1.0, "p", 0, "text"]\n')
    assert known["m", 1.0, "p", 0] == "text"


def test_another_model_or_temperature_is_asked_anew(server, kernel, monkeypatch):
    kernel()["ask"](["a"])
    kernel()["ask"](["a"], temperature=0.5)
    monkeypatch.setenv("OPENAI_MODEL", "another")
    kernel()["ask"](["a"])
    assert len(server.asked) == 3


@pytest.mark.parametrize("fault", [None, "broken"])
def test_key_server_and_model_are_nowhere_in_the_executed_notebook(server, folder, fault):
    server.endless = FAULTS.get(fault)
    notebook = labs.instructor_notebook(COURSE.labs[SLUG])
    last = next(n for n, cell in enumerate(notebook.cells) if labs.grade_id(cell) == "meet")
    notebook.cells = notebook.cells[: last + 1]
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    if fault:
        with pytest.raises(CellExecutionError, match="NoAnswer"):
            client.execute()
    else:
        client.execute()
    written = nbformat.writes(notebook)
    assert ("refused with status 500" if fault else "answer 9") in written
    for secret in (KEY, MODEL, server.address, server.address.split("//")[1].split("/")[0]):
        assert secret not in written
    if not fault:
        assert KEY not in (folder / "answers.jsonl").read_text()
