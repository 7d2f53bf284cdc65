import assert from "node:assert/strict";
import test from "node:test";

import { day, difference, ends, fileName, memoFile, moved, notesFrom, readNumber, readShare } from "../../book/static/votes.js";

const AT = Date.UTC(2026, 10, 26, 12);
const FIRST = { option: "Raise it: for everyone.", name: "Raise it", sure: 70, why: "Tonight.\nNot tomorrow.", at: AT };
const SECOND = { option: "Keep it: and buy.", name: "Keep it", sure: 55, why: "", at: AT };
const GUESSES = {
  about: "Of 100 readings, how many",
  at: AT,
  list: [
    { question: "in light skin?", guess: 3, measured: 3.6 },
    { question: "in dark skin?", guess: 10, measured: null },
  ],
};

test("numbers are read as people write them", () => {
  const read = { "12": 12, " 12 % ": 12, "0.8": 0.8, "0,8": 0.8, "0,125": 0.125, "-3": -3, "−3": -3, "1000": 1000, "1 000": 1000 };
  for (const [text, number] of Object.entries(read)) assert.equal(readNumber(text), number, text);
});

test("what is no number, or two numbers at once, is refused", () => {
  const refused = ["", " ", "many", "1,000", "12,345", "1.2.3", "1e3", "0x10", "Infinity", "3-4", "."];
  for (const text of refused) assert.equal(readNumber(text), null, text);
});

test("a confidence lies between 0 and 100", () => {
  assert.deepEqual(["0", "100", "62,5", "101", "-1", "sure"].map(readShare), [0, 100, 62.5, null, null, null]);
});

test("a difference has a direction and no invented digits", () => {
  assert.equal(difference(3, 3.6), "Your guess was 0.6 too low.");
  assert.equal(difference(0.8, 0.62), "Your guess was 0.18 too high.");
  assert.equal(difference(0.3, 0.3), "Your guess was exact.");
  assert.equal(difference(-2, 4), "Your guess was 6 too low.");
  assert.equal(difference(1e-7, 0), "Your guess was 1e-7 too high.");
});

test("shares have a line of their own, all other numbers have the same", () => {
  assert.deepEqual(ends([[0.8, 0.62], [30, 34.5], [3, 12]]), [[0, 1], [0, 50], [0, 50]]);
  assert.deepEqual(ends([[5, 10]]), [[0, 10]]);
  assert.deepEqual(ends([[-3, 16], [100, 101]]), [[-200, 200], [-200, 200]]);
  assert.deepEqual(ends([[0, 0]]), [[0, 1]]);
});

test("the movement is told without a verdict", () => {
  const told = [moved(FIRST, SECOND), moved(FIRST, { ...FIRST, sure: 72.5 })];
  assert.equal(told[0], "You moved from “Raise it” to “Keep it”. You are less sure by 15 percentage points: 70 % then, 55 % now.");
  assert.equal(told[1], "You kept your vote: Raise it. You are surer by 2.5 percentage points: 70 % then, 72.5 % now.");
  assert.match(moved(FIRST, FIRST), /as sure as before: 70 %/);
});

test("whole notes come back as they were kept", () => {
  const notes = { first: FIRST, second: SECOND, guesses: GUESSES, surprise: "The gap." };
  assert.deepEqual(notesFrom(JSON.stringify(notes)), notes);
});

test("what is not a note is left out, and the rest stays", () => {
  const nothing = [null, "", "{", "null", "7", '"first"', "[]", "[[]]", '{"first":null}', '{"first":[]}', '{"first":7}'];
  for (const text of nothing) assert.deepEqual(notesFrom(text), {}, text);
  const odd = [
    { first: { ...FIRST, sure: 170 } },
    { first: { ...FIRST, sure: "70" } },
    { first: { ...FIRST, at: 1e20 } },
    { first: { ...FIRST, why: { toString: 1 } } },
    { guesses: { ...GUESSES, list: [] } },
    { guesses: { ...GUESSES, list: [null] } },
    { guesses: { ...GUESSES, list: [{ question: "?", guess: "3", measured: null }] } },
    { guesses: { ...GUESSES, list: { length: 1 } } },
    { surprise: 7 },
    { surprise: "  " },
  ];
  for (const notes of odd) assert.deepEqual(notesFrom(JSON.stringify({ ...notes, second: SECOND })), { second: SECOND });
});

test("the file holds every note, and says nothing of those that are not there", () => {
  const frame = { title: "The number", address: "http://127.0.0.1/case.html", question: "What now?", at: AT, language: "en" };
  const whole = memoFile({ ...frame, notes: { first: FIRST, second: SECOND, guesses: GUESSES, surprise: "The gap." } });
  assert.equal(
    whole,
    `# Notes on the case “The number”

Saved on 26 November 2026. http://127.0.0.1/case.html

## First vote

What now?

**Raise it: for everyone.**

70 % sure, 26 November 2026.

> Tonight.
> Not tomorrow.

## Predictions

Of 100 readings, how many

- in light skin? Guess: 3. Measured: 3.6. Your guess was 0.6 too low.
- in dark skin? Guess: 10.

26 November 2026.

## What surprised me

> The gap.

## Second vote

What now?

**Keep it: and buy.**

55 % sure, 26 November 2026.

## How the vote moved

You moved from “Raise it” to “Keep it”. You are less sure by 15 percentage points: 70 % then, 55 % now.
`,
  );
  const none = memoFile({ ...frame, notes: {} });
  assert.equal(none, "# Notes on the case “The number”\n\nSaved on 26 November 2026. http://127.0.0.1/case.html\n");
});

test("dates and file names follow the page's language", () => {
  assert.equal(day(AT), "26 November 2026");
  assert.equal(day(AT, "es"), "26 de noviembre de 2026");
  assert.match(day(AT, "zh_CN"), /2026/);
  assert.equal(fileName("The number on the finger"), "the-number-on-the-finger-notes.md");
  assert.equal(fileName("¿Quién decide, y cuándo?"), "quién-decide-y-cuándo-notes.md");
});
