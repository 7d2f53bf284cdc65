// The counts behind the explorers, by hand and against what fairlearn and scikit-learn find in the course's own data.
//
// tests/test_javascript.py computes the reference, writes it to a file and names the file in EQUIPOISE_REFERENCE.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as metrics from "../../book/static/metrics.js";

const SHARES = ["selectionRate", "sensitivity", "falseNegativeRate", "falsePositiveRate", "ppv"];
const { audits, intervals } = JSON.parse(readFileSync(process.env.EQUIPOISE_REFERENCE));

function same(found, expected, where) {
  if (expected === null) assert.equal(found, null, where);
  else assert.ok(found !== null && Math.abs(found - expected) <= 1e-12, `${where}: ${found}, expected ${expected}`);
}

for (const { name, act, thresholds, groups, at } of audits) {
  const binned = Object.entries(groups).map(([group, { cases, others }]) => [
    group,
    { cases: metrics.histogram(cases, thresholds), others: metrics.histogram(others, thresholds) },
  ]);

  test(`${name}: every share of every group at every threshold is fairlearn's`, () => {
    assert.equal(at.length, thresholds.length);
    for (const [index, expected] of at.entries()) {
      const counts = binned.map(([group, bins]) => [group, metrics.confusion(bins, index, act)]);
      for (const [group, found] of counts) {
        const where = `${group} at ${thresholds[index]}`;
        assert.deepEqual(found, expected.counts[group], where);
        for (const share of SHARES) same(metrics[share](found), expected.byGroup[group][share], `${share}, ${where}`);
        same(metrics.netBenefit(found, 0.2), expected.byGroup[group].netBenefit, `netBenefit, ${where}`);
      }
      const all = metrics.pooled(counts.map(([, found]) => found));
      for (const share of SHARES) {
        const shares = counts.map(([, found]) => metrics[share](found));
        same(metrics[share](all), expected.overall[share], `${share} of all at ${thresholds[index]}`);
        same(metrics.difference(shares), expected.difference[share], `difference of ${share} at ${thresholds[index]}`);
        same(metrics.ratio(shares), expected.ratio[share], `ratio of ${share} at ${thresholds[index]}`);
      }
    }
  });
}

test("Wilson's interval is SciPy's", () => {
  for (const { part, whole, low, high } of intervals) {
    const [foundLow, foundHigh] = metrics.interval(part, whole);
    same(foundLow, low, `low of ${part} of ${whole}`);
    same(foundHigh, high, `high of ${part} of ${whole}`);
  }
});

test("a score at the threshold is above it, not below", () => {
  const bins = { cases: metrics.histogram([1, 2, 2, 3], [2]), others: metrics.histogram([2], [2]) };
  assert.deepEqual(bins, { cases: [1, 3], others: [0, 1] });
  assert.deepEqual(metrics.confusion(bins, 0, "above"), { tp: 3, fn: 1, fp: 1, tn: 0 });
  assert.deepEqual(metrics.confusion(bins, 0, "below"), { tp: 1, fn: 3, fp: 0, tn: 1 });
});

test("of nobody there is no share", () => {
  const nobody = metrics.confusion({ cases: [0, 0], others: [0, 0] }, 0);
  for (const share of [...SHARES, "netBenefit"]) assert.equal(metrics[share](nobody, 0.2), null, share);
  const well = metrics.confusion({ cases: [0, 0], others: [3, 1] }, 0);
  assert.equal(metrics.sensitivity(well), null);
  assert.equal(metrics.falseNegativeRate(well), null);
  assert.equal(metrics.ppv(well), 0);
  assert.equal(metrics.interval(0, 0), null);
});

test("between groups, those without a share are left out", () => {
  assert.equal(metrics.difference([0.5, null, 0.75]), 0.25);
  assert.equal(metrics.ratio([0.5, null, 0.75]), 2 / 3);
  assert.equal(metrics.difference([null, null]), null);
  assert.equal(metrics.ratio([0, 0]), null);
});
