import assert from "node:assert/strict";
import test from "node:test";

import { score, toCsv } from "../../book/static/reading-score.js";

// Three conflicts, of which two are switches, one of them harmful.
const READS = [
  { truth: 1, advice: 1, first: 0, second: 1 },
  { truth: 0, advice: 1, first: 0, second: 1 },
  { truth: 1, advice: 0, first: 1, second: 1 },
  { truth: 0, advice: 0, first: 0, second: 1 },
];

test("sums of four reads, counted by hand", () => {
  assert.deepEqual(score(READS), {
    reads: 4,
    alone: 0.75,
    withAdvice: 0.5,
    conflicts: 3,
    switches: 2,
    switchRate: 2 / 3,
    adviceRight: 1,
    helpful: 1,
    adviceWrong: 2,
    harmful: 1,
    harmfulShare: 0.5,
    againstAgreement: 1,
  });
});

test("of no reads there is no share", () => {
  const none = score([]);
  assert.equal(none.reads, 0);
  assert.equal(none.switchRate, null);
  assert.equal(none.harmfulShare, null);
});

test("the file that a lab loads has a row for each read", () => {
  const read = { film: 1, truth: 1, advice: 0, first: 1, firstSure: 60, second: 0, secondSure: 90 };
  assert.equal(toCsv([read]), "film,truth,advice,first,first_sure,second,second_sure\n1,1,0,1,60,0,90\n");
});
