// What the ward explorer counts, by hand and against what pandas and scikit-learn find in a whole hospital of the course's data.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { alarms, decode, fate, perNurseShift, seen, tally } from "../../book/static/ward-sums.js";

const { ward } = JSON.parse(readFileSync(process.env.EQUIPOISE_REFERENCE));
const HOSPITAL = ward.stays.map(decode);
const SCORES = { scores: [9, 9, 3, 8, 2, 9], onset: null, culture: null };

test("in every stay of the hospital, under every policy, alarms and patients are those that pandas counts", () => {
  assert.ok(ward.at.length >= 30);
  for (const { threshold, silence, sums, sensitivity, ppv, burden } of ward.at) {
    const where = `from ${threshold}, silent for ${silence}`;
    const found = tally(HOSPITAL, { threshold: threshold ?? Infinity, silence });
    for (const [name, expected] of Object.entries(sums)) assert.equal(found[name], expected, `${name} ${where}`);
    assert.equal(found.inTime + found.late + found.never, found.septic, where);
    assert.ok(Math.abs(found.inTime / found.septic - sensitivity) <= 1e-12, `sensitivity ${where}`);
    if (ppv !== null) assert.ok(Math.abs(found.inTime / (found.inTime + found.vain) - ppv) <= 1e-12, `PPV ${where}`);
    assert.ok(Math.abs(perNurseShift(found, 5, 12) - burden) <= 1e-12, `burden ${where}`);
  }
});

test("an alarm rings when the score gets to the threshold, not while it stays there", () => {
  assert.deepEqual(alarms(SCORES, { threshold: 8, silence: 0 }), { rung: [0, 3, 5], silenced: [] });
  assert.deepEqual(alarms(SCORES, { threshold: 10, silence: 0 }), { rung: [], silenced: [] });
});

test("silence keeps back what would ring within its hours after the last alarm, and a silenced one starts no silence", () => {
  assert.deepEqual(alarms(SCORES, { threshold: 8, silence: 2 }), { rung: [0, 3], silenced: [5] });
  assert.deepEqual(alarms(SCORES, { threshold: 8, silence: 4 }), { rung: [0, 5], silenced: [3] });
  assert.deepEqual(alarms(SCORES, { threshold: 8, silence: 12 }), { rung: [0], silenced: [3, 5] });
});

const at8 = { threshold: 8, silence: 0 };
const septic = (scores, onset, culture = null) => ({ scores, onset, culture });

test("in time is before the onset; an alarm in its very hour is late", () => {
  assert.equal(fate(septic([1, 9, 9], 2), at8).found, "in time");
  assert.equal(fate(septic([1, 1, 9], 2), at8).found, "late");
  assert.equal(fate(septic([1, 1, 1], 2), at8).found, "never");
  assert.equal(fate(SCORES, at8).found, null);
});

test("an alarm is news only if it comes before any culture", () => {
  assert.equal(fate(septic([1, 9, 9, 9], 3, 2), at8).news, true);
  assert.equal(fate(septic([1, 9, 9, 9], 3, 1), at8).news, false);
  assert.equal(fate(septic([1, 1, 1, 9], 3, 3), at8).news, false);
});

test("who is noticed by alarm or culture before the onset did not wait; hours are counted until either, or to the end", () => {
  const waited = (stay) => [fate(stay, at8).unnoticed, fate(stay, at8).waited];
  assert.deepEqual(waited(septic([1, 1, 1, 9], 2, 0)), [false, 0]);
  assert.deepEqual(waited(septic([1, 1, 1, 9], 1)), [true, 2]);
  assert.deepEqual(waited(septic([1, 1, 1, 9], 1, 2)), [true, 1]);
  assert.deepEqual(waited(septic([1, 1, 1, 1], 1)), [true, 3]);
});

test("nothing of a stay is known before its hour", () => {
  const stay = septic([1, 2, 9, 9], 3, 2);
  assert.deepEqual(seen(stay, 2), septic([1, 2], null));
  assert.deepEqual(seen(stay, 3), septic([1, 2, 9], null, 2));
  assert.deepEqual(seen(stay, -5), septic([], null));
});

test("no hours, no burden", () => {
  assert.equal(perNurseShift(tally([], at8), 5, 12), null);
});
