"""Real data, fetched once by whoever wants it: a download that may be cut off, is checked, and is then kept.

The course works without a network: its data are synthetic. Beside a dataset, ``source.yml`` may name the real table
that the synthetic one stands in for. It is never shipped. It is downloaded into a cache of its own, held against its
checksum, and turned into a CSV with exactly the synthetic table's columns.

Whatever goes wrong ends in one sentence, a FetchError, and leaves nothing in the cache that could be taken for the real
thing: an unfinished download is called ``.part`` and goes on where it stopped, if the server still has the same file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import httpx
import pandas as pd
import platformdirs

from equipoise.content import CHECKSUM, Dataset, Source
from equipoise.datasets import allows
from equipoise.files import write_whole

ATTEMPTS = 3  # in one run, when a connection breaks
TIMEOUT = 30  # seconds without a byte
LEAST_NEWS = 1_000_000  # bytes between two reports
BROKEN = (httpx.RequestError, httpx.InvalidURL)
ATTRIBUTE = re.compile(r"""@attribute\s+('[^']*'|"[^"]*"|\S+)""", re.IGNORECASE)


class FetchError(Exception):
    """The real table cannot be had. The message is one sentence that says why, and what to do."""


@dataclass(frozen=True)
class File:
    """A file on a server, and the checksum that it must have, such as ``md5:0123...``."""

    url: str
    checksum: str


@dataclass(frozen=True)
class Fetched:
    """The real table as a CSV, with the columns of the synthetic one."""

    path: Path
    rows: int
    file: File
    surprises: tuple[str, ...]  # columns whose values the datasheet does not allow


def fetch(dataset: Dataset, to: Path | None = None, report: Callable[[str], None] = lambda text: None) -> Fetched:
    """The real table behind ``dataset``, from the cache or else from its server. Raises FetchError.

    A file in the cache is checked again, and then used without a request. The table is written into the folder ``to``
    under the name of the synthetic one, or else beside the file in the cache.
    """
    if dataset.source is None:
        raise FetchError(f"{dataset.slug} has no real data to fetch: there is no datasets/{dataset.slug}/source.yml.")
    folder = cache_folder() / dataset.slug
    original = folder / f"original.{dataset.source.format}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _fetch(dataset, original, to or folder, report)
    except OSError as error:
        what = f"{error.filename or folder} cannot be written ({error.strerror})"
        raise FetchError(f"{what}: make room or choose another cache, and fetch again.") from error


def cache_folder() -> Path:
    """Where fetched data is kept: the user's cache, as the operating system has it."""
    return platformdirs.user_cache_path("equipoise")


def _fetch(dataset: Dataset, original: Path, to: Path, report: Callable[[str], None]) -> Fetched:
    file = _kept(dataset.source, original)
    if file is None:
        file = _promised(dataset.source, original)
        _download(file, original, report)
        write_whole(_record(original), json.dumps(asdict(file)))
    report("Reading the table")
    try:
        table = _read(original, dataset)
    except FetchError:
        original.unlink()
        raise
    path = to / f"{dataset.slug}.csv"
    write_whole(path, table.to_csv(index=False))
    return Fetched(path, len(table), file, tuple(_surprises(table, dataset)))


def _record(original: Path) -> Path:
    """Where it is written which file was fetched; later fetches are held to its checksum."""
    return original.with_name("file.json")


def _recorded(original: Path) -> File | None:
    record = _record(original)
    return File(**json.loads(record.read_text(encoding="utf-8"))) if record.is_file() else None


def _kept(source: Source, original: Path) -> File | None:
    """The file in the cache, if it is there, unchanged, and the one that source.yml asks for."""
    file = _recorded(original)
    if not (file and original.is_file() and source.checksum in (None, file.checksum)):
        return None
    return file if _sum(original, file) == file.checksum else None


def _promised(source: Source, original: Path) -> File:
    """Which file it must be: as source.yml says, or as OpenML describes it, if that is still the one fetched before."""
    if source.checksum:
        return File(source.url, source.checksum)
    file, before = _described(source.description), _recorded(original)
    if before and before.checksum != file.checksum:
        raise FetchError(
            f"{source.description} now names another file: its checksum is {file.checksum}, expected {before.checksum};"
            f" remove {_record(original)} if you mean to take the new one."
        )
    return file


def _described(address: str) -> File:
    """The file of a dataset on OpenML, from its description."""
    try:
        response = httpx.get(address, follow_redirects=True, timeout=TIMEOUT)
        _refuse_errors(response)
        described = response.json()["data_set_description"]
        file = File(described["url"], f"md5:{described['md5_checksum']}")
    except BROKEN as error:
        raise _unreachable(address, error) from error
    except (ValueError, LookupError, TypeError) as error:
        raise FetchError(f"{address} answers with something that describes no dataset.") from error
    if not CHECKSUM.fullmatch(file.checksum) or response.url.scheme != httpx.URL(address).scheme:
        raise FetchError(f"{address} names no file with a checksum, or not over a secure connection.")
    return file


def _download(file: File, target: Path, report: Callable[[str], None]) -> None:
    """Put the file at ``target``, whole and checked, or raise FetchError."""
    part = target.with_name(f"{target.name}.part")
    resumed = _receive_patiently(file.url, part, report)
    if resumed and _sum(part, file) != file.checksum:  # perhaps the part was spoilt: once more, from the beginning
        part.unlink()
        _receive_patiently(file.url, part, report)
    found = _sum(part, file)
    if found != file.checksum:
        _forget(part)
        sums = f"its checksum is {found}, expected {file.checksum}"
        raise FetchError(f"What {file.url} sent is another file: {sums}; nothing was kept.")
    part.replace(target)
    _forget(part)


def _receive_patiently(url: str, part: Path, report: Callable[[str], None]) -> bool:
    """Download to ``part``, going on when the connection breaks; whether anything was there to go on from."""
    resumed = False
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _receive(url, part, report) or resumed
        except BROKEN as error:
            resumed = True
            if attempt == ATTEMPTS:
                raise _unreachable(url, error) from error
    raise AssertionError("unreachable")


def _receive(url: str, part: Path, report: Callable[[str], None]) -> bool:
    """One request for the file, or for the rest of it; whether the server sent only the rest."""
    note = part.with_name(f"{part.name}.json")
    headers = {"Accept-Encoding": "identity", **_rest(url, part, note)}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # no more to come, or another file
            _forget(part)
            raise httpx.ReadError("the part does not fit the file")
        _refuse_errors(response)
        rest = response.status_code == httpx.codes.PARTIAL_CONTENT
        if not rest:
            part.write_bytes(b"")
            write_whole(note, json.dumps({"url": url, "version": _version(response)}))
        with part.open("ab") as out:
            told = 0
            for chunk in response.iter_bytes():
                out.write(chunk)
                if out.tell() - told >= LEAST_NEWS:
                    told = out.tell()
                    report(f"{told / 1e6:.0f} MB have arrived")
    return rest


def _rest(url: str, part: Path, note: Path) -> dict[str, str]:
    """The headers that ask for the rest of a file, if it is still the one that was begun (RFC 9110, If-Range)."""
    if not (part.is_file() and note.is_file()):
        return {}
    begun, arrived = json.loads(note.read_text(encoding="utf-8")), part.stat().st_size
    if not (arrived and begun["version"] and begun["url"] == url):
        return {}
    return {"Range": f"bytes={arrived}-", "If-Range": begun["version"]}


def _version(response: httpx.Response) -> str | None:
    """What tells one state of a file from another; None if the server does not say, or packs what it sends."""
    if "content-encoding" in response.headers:
        return None
    tag = response.headers.get("etag", "")
    return tag if tag.startswith('"') else response.headers.get("last-modified")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.json").unlink(missing_ok=True)


def _refuse_errors(response: httpx.Response) -> None:
    if not response.is_success:
        status = f"{response.status_code} {response.reason_phrase}"
        raise FetchError(f"{response.url} answers {status}: try later, or correct the address in source.yml.")


def _unreachable(url: str, error: Exception) -> FetchError:
    why = str(error) or type(error).__name__
    what = f"{httpx.URL(url).host} cannot be reached, or broke off ({why})"
    return FetchError(f"{what}: check the connection and fetch again; what has arrived is kept.")


def _sum(path: Path, file: File) -> str:
    algorithm = file.checksum.partition(":")[0]
    with path.open("rb") as content:
        return f"{algorithm}:{hashlib.file_digest(content, algorithm).hexdigest()}"


def _read(path: Path, dataset: Dataset) -> pd.DataFrame:
    """The file as text, with the datasheet's columns in its order. Raises FetchError if it is no such table."""
    source = dataset.source
    try:
        text = path.read_text(encoding="utf-8")
        table = _arff(text) if source.format == "arff" else _csv(text)
    except ValueError as error:  # pandas' and Unicode's errors are among them
        raise FetchError(f"{source.title} did not arrive as a table in {source.format.upper()}: {error}.") from error
    theirs = {name: source.columns.get(name, name) for name in dataset.facts.columns}
    if missing := sorted(set(theirs.values()) - set(table)):
        raise FetchError(f"{source.title} has no column {', '.join(missing)}: compare source.yml with it.")
    if len(table) != source.rows:
        raise FetchError(f"{source.title} has {len(table):,} rows, source.yml says {source.rows:,}.")
    return table[list(theirs.values())].set_axis(list(theirs), axis=1)


def _csv(text: str, **options) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), dtype=str, na_filter=False, skipinitialspace=True, **options)


def _arff(text: str) -> pd.DataFrame:
    """A dense ARFF file: names of columns, a line ``@data``, then lines of values, which may be in either quotes."""
    head, data, body = (*re.split(r"(^@data\s*$)", text, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE), "", "")[:3]
    if not data:
        raise ValueError("it has no line @data")
    names = [name.strip("'\"") for name in ATTRIBUTE.findall(head)]
    table = _csv(body, header=None, quotechar="'", escapechar="\\", comment="%")
    if len(table.columns) != len(names):
        raise ValueError(f"it names {len(names)} columns and has {len(table.columns)}")
    return table.set_axis(names, axis=1).apply(lambda values: values.str.strip(' "'))


def _surprises(table: pd.DataFrame, dataset: Dataset) -> Iterator[str]:
    """Columns in which the real table holds what the datasheet does not allow. They are told, not refused."""
    for name, column in dataset.facts.columns.items():
        values = pd.to_numeric(table[name], errors="coerce") if column.low is not None else table[name]
        odd = table.loc[~allows(column, values), name]
        if len(odd):
            yield f"{name}: {len(odd):,} values are not in the datasheet, such as {odd.iloc[0]!r}"
