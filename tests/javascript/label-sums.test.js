// What the label explorer counts, by hand and against what pandas and fairlearn find in the course's own data.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as sums from "../../book/static/label-sums.js";

const { labels } = JSON.parse(readFileSync(process.env.EQUIPOISE_REFERENCE));

function same(found, expected, where) {
  assert.ok(Math.abs(found - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${where}: ${found}, expected ${expected}`);
}

for (const { name, placed, at, ...reached } of labels.labels) {
  test(`${name}: at every number of places, each group's figures are fairlearn's and pandas'`, () => {
    assert.equal(at.length, labels.shares.length);
    for (const [step, expected] of at.entries()) {
      const groups = sums.admitted({ placed }, step);
      for (const [index, group] of groups.entries()) {
        const where = `${labels.groups[index]} at ${labels.shares[step]}`;
        const severe = sums.atLeast(labels.patients[index], labels.severe);
        const { count, selection_rate: rate, false_negative_rate: missed, mean, low, high } = expected.groups[index];
        assert.equal(sums.count(labels.patients[index]), count, where);
        same(sums.count(group) / count, rate, `selection rate, ${where}`);
        same((severe - sums.atLeast(group, labels.severe)) / severe, missed, `false negative rate, ${where}`);
        same(sums.mean(group), mean, `mean conditions, ${where}`);
        sums.meanInterval(group).forEach((edge, end) => same(edge, [low, high][end], `interval, ${where}`));
      }
      const everyone = sums.conditions(sums.together(labels.patients));
      same(sums.conditions(sums.together(groups)) / everyone, expected.reach.conditions, `conditions reached, step ${step}`);
      for (const money of ["cost", "avoidable_cost"]) {
        same(sums.reached(reached[money], step, labels.totals[money]), expected.reach[money], `${money} reached, step ${step}`);
      }
    }
  });
}

// Four patients with 0, 1, 1 and 3 conditions, of whom the last gets the first place and one with 1 condition the second.
const EVERYONE = [1, 2, 0, 1];
const LABEL = { placed: [[[0, 0, 0, 1], [0, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 0, 0]]] };

test("places add up step by step, in each group", () => {
  assert.deepEqual(sums.admitted(LABEL, 0), [[0, 0, 0, 1], [0, 0, 0, 0]]);
  assert.deepEqual(sums.admitted(LABEL, 1), [[0, 1, 0, 1], [0, 0, 0, 0]]);
  assert.equal(sums.mean(sums.admitted(LABEL, 1)[0]), 2);
  assert.equal(sums.reached([300, 100, 500], 1, 1000), 0.4);
});

test("at the same illness, places are counted among all who are as ill, the last for so many or more", () => {
  assert.deepEqual(sums.byIllness([0, 1, 0, 1], EVERYONE, 2), [[0, 1], [1, 2], [1, 1]]);
});

test("nobody has a mean, and one patient no interval", () => {
  assert.equal(sums.mean([0, 0, 0, 0]), null);
  assert.equal(sums.meanInterval([0, 0, 0, 1]), null);
  assert.deepEqual(sums.meanInterval([0, 2, 0, 0]), [1, 1]);
});
