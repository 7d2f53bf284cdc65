import assert from "node:assert/strict";
import test from "node:test";

import { FIELDS, ofThousand, sums } from "../../book/static/sent-home.js";

// Three bins: patients, died, icu, predicted, adjusted as treated and at home, true as treated and at home.
const BINS = [
  [10, 0, 4, 0.5, 0.25, 1, 0.5, 0.75],
  [20, 1, 6, 1.5, 0.75, 2, 1.5, 2.25],
  [30, 4, 9, 3, 2, 5, 2, 6],
];

test("two bins of three, added by hand", () => {
  const home = sums(BINS.slice(0, 2));
  assert.deepEqual(Object.keys(home), FIELDS);
  assert.deepEqual(Object.values(home), [30, 1, 10, 2, 1, 3, 2, 3]);
});

test("nobody is sent home by no bin, and of nobody there is no rate", () => {
  const nobody = sums([]);
  assert.equal(nobody.patients, 0);
  assert.equal(ofThousand(nobody.died, nobody.patients), null);
});

test("a rate is of 1,000", () => {
  assert.equal(ofThousand(3, 30), 100);
});
