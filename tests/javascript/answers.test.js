import assert from "node:assert/strict";
import test from "node:test";

import { ask, cooled, count, inTheLongRun } from "../../book/static/answers.js";
import { differenceInterval } from "../../book/static/intervals.js";

// First word (the second leads to no advice), causes, tests.
const PROMPT = [
  [0.9, 0.1],
  [0.5, 0.3, 0.2],
  [0.25, 0.75],
];

const close = (found, expected, by = 1e-12) => assert.ok(Math.abs(found - expected) <= by, `${found}, expected ${expected}`);

test("a temperature of 1 leaves the chances as they are, a low one keeps to the likeliest word", () => {
  cooled(PROMPT[1], 1).forEach((chance, at) => close(chance, PROMPT[1][at]));
  close(cooled(PROMPT[1], 0.05)[0], 1, 1e-4);
  // At 0.5 chances are squared: 0.25, 0.09 and 0.04 of 0.38.
  cooled(PROMPT[1], 0.5).forEach((chance, at) => close(chance, [0.25, 0.09, 0.04][at] / 0.38));
});

test("words are drawn as often as their chances say", () => {
  const answers = ask(PROMPT, 40_000, 1, 7);
  close(answers.filter((answer) => !answer).length / 40_000, 0.1, 0.01);
  for (const [place, chances] of [
    [0, PROMPT[1]],
    [1, PROMPT[2]],
  ]) {
    chances.forEach((chance, word) => {
      const [part, whole] = count(answers, place, [word]);
      close(part / whole, chance, 0.012);
    });
  }
});

test("cause and test are drawn apart", () => {
  const advice = ask(PROMPT, 40_000, 1, 11).filter(Boolean);
  close(advice.filter(([cause, next]) => cause === 0 && next === 0).length / advice.length, 0.125, 0.01);
});

test("the same seed gives the same answers, and more of them begin with the same", () => {
  assert.deepEqual(ask(PROMPT, 40, 0.8, 3).slice(0, 20), ask(PROMPT, 20, 0.8, 3));
  assert.notDeepEqual(ask(PROMPT, 20, 1, 3), ask(PROMPT, 20, 1, 4));
});

test("only advice is counted", () => {
  assert.deepEqual(count([[0, 1], null, [2, 1], [0, 0]], 0, [0]), [2, 3]);
  assert.deepEqual(count([[0, 1], null, [2, 1], [0, 0]], 1, [0, 1]), [3, 3]);
});

test("endless asking leads to the chances, cooled", () => {
  close(inTheLongRun(PROMPT, 0, [1, 2], 1), 0.5);
  close(inTheLongRun(PROMPT, 1, [1], 0.5), 0.5625 / 0.625);
});

// By the lab's difference_interval, which takes Wilson's intervals from scipy.
test("the interval of a difference is the lab's", () => {
  const [low, high] = differenceInterval(6, 10, 2, 8);
  close(low, -0.095701239609, 1e-9);
  close(high, 0.642591918916, 1e-9);
  assert.equal(differenceInterval(0, 0, 2, 8), null);
});
