import assert from "node:assert/strict";
import test from "node:test";

import { ofThousandOrdinary } from "../../book/static/ordinary-work.js";

test("ten chosen films as ordinary work, counted by hand", () => {
  // Four ill films that stand for half a film each, and six well ones that stand for three: 20 ordinary films, 2 of them ill.
  const found = ofThousandOrdinary({ tp: 3, fn: 1, fp: 2, tn: 4 }, { ill: 0.5, well: 3 });
  assert.deepEqual(found, { flagged: 375, found: 75, ill: 100 });
});
