"""What the attack suite achieves against stock nbgrader and against our engine, as a table.

Run: python benchmarks/attacks.py. It needs bubblewrap, and an hour or two, nearly all of it for stock nbgrader, which
is started anew for every attack. What was measured is kept in _build/attacks.json; a run that was interrupted
goes on from there, and ``--again`` begins anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from attacks import ours, stock  # noqa: E402
from attacks.attack import Attack, load_attacks  # noqa: E402
from attacks.evidence import Outcome  # noqa: E402

TABLE, KEPT = HERE / "attacks.md", HERE.parent / "_build" / "attacks.json"
SIDES = {"stock": stock, "ours": ours}
COLUMNS = ("points forged", "secrets", "result lost", "class stopped", "left behind")
Outcomes = dict[str, dict[str, Outcome]]  # by side and attack
INTRODUCTION = """\
# What {attacks} attacks achieve

Written by `python benchmarks/attacks.py`; each attack is a file in `tests/attacks/submissions`, handed in for a lab of
10 points by a student whose own answers are all wrong, or, where the name is in *italics*, by one whose answers are
right and who had an accident. *Result lost*: tests without a recorded score, or points that a right answer earned and
did not get. *Class stopped*: marking died, hung, or did not mark an honest student after it. *Left behind*: processes,
or more than 20 MB stored for one submission. Empty is good.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="measure everything anew")
    parser.add_argument("--side", choices=SIDES, help="measure only this side")
    chosen = parser.parse_args()
    attacks = load_attacks()
    kept = {} if chosen.again else _read()
    for side in [chosen.side] if chosen.side else SIDES:
        for name, outcome in _measure(side, attacks, kept.setdefault(side, {})):
            print(f"{side}: {name}: {'; '.join(filter(None, _cells(outcome))) or 'nothing'}", flush=True)
            kept[side][name] = outcome
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps({side: {n: asdict(o) for n, o in rows.items()} for side, rows in kept.items()}))
    TABLE.write_text(table(attacks, kept))
    print(f"Written: {TABLE}")


def _read() -> Outcomes:
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    return {side: {name: _outcome(values) for name, values in rows.items()} for side, rows in kept.items()}


def _outcome(values: dict) -> Outcome:
    return Outcome(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _measure(side: str, attacks: list[Attack], known: dict[str, Outcome]) -> Iterator[tuple[str, Outcome]]:
    """What is not known yet; for our engine, which marks all attackers as one class, all or nothing."""
    missing = [attack for attack in attacks if attack.name not in known]
    if missing:
        with tempfile.TemporaryDirectory(prefix="attacks-") as root:
            Path(root).chmod(0o755)  # stock is marked by a user without rights
            for attack, outcome in SIDES[side].mark(Path(root), attacks if side == "ours" else missing):
                yield attack.name, outcome


def table(attacks: list[Attack], outcomes: Outcomes) -> str:
    """The table as Markdown, with one row for each attack and one for the totals."""
    usual = _usual(list(outcomes.get("stock", {}).values()))
    header = ["attack", *(f"{side}: {column}" for side in SIDES for column in COLUMNS)]
    lines = [INTRODUCTION.format(attacks=len(attacks))]
    if usual:
        lines.append(f"*Usual* stands for what stock shows to nearly every student: {', '.join(usual)}.\n")
    lines += [_row(header), _row(["---"] * len(header))]
    for attack in attacks:
        name = f"*{attack.name}*" if attack.honest else attack.name
        found = [outcomes.get(side, {}).get(attack.name) for side in SIDES]
        lines.append(_row([name, *(cell for outcome in found for cell in _cells(outcome, usual))]))
    totals = [_totals(list(outcomes.get(side, {}).values()), usual) for side in SIDES]
    lines.append(_row(["**attacks that succeed**", *(cell for total in totals for cell in total)]))
    return "\n".join(lines) + "\n"


def _usual(stock_outcomes: list[Outcome]) -> list[str]:
    """The secrets that more than half of all submissions get to see, whatever they try."""
    counts = Counter(secret for outcome in stock_outcomes for secret in outcome.secrets)
    return sorted(secret for secret, count in counts.items() if count > len(stock_outcomes) / 2)


def _cells(outcome: Outcome | None, usual: list[str] = ()) -> list[str]:
    if outcome is None:
        return ["not measured"] * len(COLUMNS)
    lost = [f"{len(outcome.lost)} tests"] if outcome.lost else []
    lost += [f"{outcome.denied:g} points"] if outcome.denied and not outcome.lost else []
    return [
        f"{outcome.forged:g}" if outcome.forged else "",
        ", ".join(dict.fromkeys("usual" if secret in usual else secret for secret in outcome.secrets)),
        ", ".join(lost),
        "yes" if outcome.stopped else "",
        ", ".join(outcome.left),
    ]


def _totals(outcomes: list[Outcome], usual: list[str]) -> list[str]:
    """How many attacks have something in each column."""
    if not outcomes:
        return ["not measured"] * len(COLUMNS)
    rows = [_cells(outcome, usual) for outcome in outcomes]
    return [f"**{sum(bool(cell) for cell in column)}**" for column in zip(*rows, strict=True)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
