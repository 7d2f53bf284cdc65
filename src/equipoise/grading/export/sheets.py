"""Tables as learning platforms write and read them, which spreadsheets open in between.

A download is kept as it came: its encoding, separator, quotes and line ends are found out, and used again.

**Formulas.** A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@`` or a tab for a formula (OWASP, CSV
Injection), and one that was told the wrong separator begins a cell behind each comma or semicolon. A name is what a
student says it is, so an apostrophe goes in front of what would be one, there and at the beginning of every line. Two
rules make that harmless to everything else:

- it is done only where no platform reads: names are for people, and an id says who a row is. An id cannot be changed;
  where one would be a formula, its student is reported instead of exported (``canvas.py``, ``moodle.py``).
- it can be undone: exactly one apostrophe was added, also to a name that had one there before.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from equipoise.grading.submissions import FORMULA

_SIGN = f"[{re.escape(''.join(FORMULA))}]"
_FIRST = re.compile(rf"'*(?:\s*{_SIGN}|[\t\r\n])")
_LATER = re.compile(rf"(?<=[,;\t\r\n])(?='*{_SIGN})")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NO_TABLES = ((b"PK\x03\x04", "a workbook"), (b"\xd0\xcf\x11\xe0", "a workbook"), (b"<", "a web page"))


class ExportError(Exception):
    """Nothing was exported; the message names file and place, and says what to do."""


@dataclass(frozen=True)
class Sheet:
    """A table and how it is written. Every row has as many cells as the first, which names the columns."""

    rows: list[list[str]]
    encoding: str = "utf-8"
    mark: bytes = b""  # of the byte order, at the beginning of the file
    separator: str = ","
    line_end: str = "\r\n"
    quotes_all: bool = False
    path: Path | None = None  # where it was read

    @property
    def header(self) -> list[str]:
        return self.rows[0]

    def at(self, row: int) -> str:
        """How errors name a row; the header is row 1, as in a spreadsheet."""
        return f"{self.path}, row {row + 1}"

    def with_rows(self, rows: list[list[str]]) -> Sheet:
        return replace(self, rows=rows)

    def content(self) -> bytes:
        """The file. Raises ExportError if its encoding has no place for what was added."""
        text = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL
        writer = csv.writer(text, delimiter=self.separator, lineterminator=self.line_end, quoting=quoting)
        writer.writerows(self.rows)
        try:
            return self.mark + text.getvalue().encode(self.encoding)
        except UnicodeEncodeError as error:
            letter = error.object[error.start]
            raise ExportError(f"{self.path} is not in Unicode and cannot hold {letter!r}. Save it as UTF-8.") from error


def guarded(text: str) -> str:
    """A text of somebody else's, in which no spreadsheet finds a formula; see above."""
    text = _LATER.sub("'", text)
    return f"'{text}" if _FIRST.match(text) else text


def is_harmless(text: str) -> bool:
    return guarded(text) == text


def amount(cell: str) -> float | None:
    """The number that a cell holds, with a decimal point or comma; None: it holds none."""
    return float(cell.strip().replace(",", ".")) if _NUMBER.fullmatch(cell.strip()) else None


def number(value: float | None, decimal: str = ".") -> str:
    """A number with at most two decimals, as many as any of the platforms shows; empty for None."""
    if value is None:
        return ""
    return f"{round(value, 2) + 0:.2f}".rstrip("0").rstrip(".").replace(".", decimal)


def decimal_of(cells: Iterable[str]) -> str:
    """The decimal sign that numbers have among ``cells``."""
    return "," if any(_NUMBER.fullmatch(cell.strip()) and "," in cell for cell in cells) else "."


def read(path: Path, known: Collection[str] = ()) -> Sheet:
    """Read a downloaded table, in which columns of the names ``known`` are expected. Raises ExportError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}") from error
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", _encoding(data)))
    if kind := next((kind for start, kind in _NO_TABLES if data.lstrip().startswith(start)), None):
        raise ExportError(f"{path} is {kind}, not a table in text. Download the grades as CSV or tab-delimited text.")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise ExportError(f"{path} is damaged at byte {len(mark) + error.start}. Download it again.") from error
    if not text.strip() or "\0" in text:
        raise ExportError(f"{path} is {'damaged' if text.strip() else 'empty'}. Download it again.")
    separator, rows = _rows(path, text, known)
    ends = "\r\n" if "\r\n" in text else "\n"
    return Sheet(rows, encoding, mark, separator, ends, text.startswith('"'), path)


def _encoding(data: bytes) -> str:
    """Of a file without a mark. Latin-1 gives every byte back as it was, whatever it stood for."""
    if data[1:2] == b"\0":
        return "utf-16-le"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _rows(path: Path, text: str, known: Collection[str]) -> tuple[str, list[list[str]]]:
    """The separator with which the header has most known columns, or most at all; and the rows, of equal length."""
    headers = {separator: _header(text, separator) for separator in ("\t", ";", ",")}
    separator = max(headers, key=lambda one: (sum(name.strip() in known for name in headers[one]), len(headers[one])))
    first = len(headers[separator])
    if first < 2:
        raise ExportError(f"{path} has one column only. Download the grades as CSV or tab-delimited text.")
    reader, rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), []
    try:
        for row in reader:
            if len(row) > first:
                cells = f"{len(row)} cells, and the header has {first}"
                raise ExportError(
                    f"{path}, row {len(rows) + 1} (line {reader.line_num}) has {cells}. Download it again."
                )
            if row:
                rows.append(row + [""] * (first - len(row)))
    except csv.Error as error:
        raise ExportError(f"{path}, line {reader.line_num}: {error}. Download it again.") from error
    return separator, rows


def _header(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []
