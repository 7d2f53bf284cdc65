import assert from "node:assert/strict";
import test from "node:test";

import { judge, tally } from "../../book/static/quiz-score.js";

test("of several right answers, all must be chosen and no other", () => {
  const right = [true, false, true, false];
  assert.deepEqual(judge(right, [true, false, true, false]), { right: true, found: 2, all: 2, astray: 0 });
  assert.deepEqual(judge(right, [true, false, false, false]), { right: false, found: 1, all: 2, astray: 0 });
  assert.deepEqual(judge(right, [true, true, true, false]), { right: false, found: 2, all: 2, astray: 1 });
  assert.deepEqual(judge(right, [false, true, false, true]), { right: false, found: 0, all: 2, astray: 2 });
});

test("what was not tried counts neither as right nor as answered", () => {
  assert.deepEqual(tally([null, true, false, true, null]), { answered: 3, right: 2, all: 5 });
  assert.deepEqual(tally([null]), { answered: 0, right: 0, all: 1 });
});
