import assert from "node:assert/strict";
import test from "node:test";

import { choicesIn, facetsOf, fits, left, queryOf } from "../../book/static/catalogue.js";

const words = (level, specialty) => ({ level, specialty, principle: [], competency: [], region: [] });
const CARDS = [
  facetsOf(["eq-case", "level-first", "specialty-general-practice"], words(["First"], ["General practice"])),
  facetsOf(["level-first", "level-second", "specialty-nursing"], words(["First", "Second"], ["Nursing"])),
  facetsOf(["level-second", "specialty-nursing"], words(["Second"], ["Nursing"])),
];

test("a card's codes meet its words in order, also where a code holds a hyphen", () => {
  assert.deepEqual([...CARDS[1].level], [["first", "First"], ["second", "Second"]]);
  assert.deepEqual([...CARDS[0].specialty], [["general-practice", "General practice"]]);
});

test("a card fits if it fits every choice", () => {
  const fitting = (chosen) => CARDS.map((card) => fits(card, chosen));
  assert.deepEqual(fitting({ level: "", specialty: "" }), [true, true, true]);
  assert.deepEqual(fitting({ level: "second", specialty: "nursing" }), [false, true, true]);
  assert.deepEqual(fitting({ level: "first", specialty: "nursing" }), [false, true, false]);
});

test("numbers count what a choice would leave, the other choices standing", () => {
  assert.deepEqual(left(CARDS, { level: "first", specialty: "" }, "specialty"), { "general-practice": 1, nursing: 1 });
  assert.deepEqual(left(CARDS, { level: "first", specialty: "nursing" }, "level"), { first: 1, second: 2 });
});

test("choices go into the address and come back; unknown ones do not", () => {
  const chosen = choicesIn("?level=second&specialty=nursing&region=mars&colour=red", CARDS);
  assert.deepEqual(chosen, { level: "second", specialty: "nursing", principle: "", competency: "", region: "" });
  assert.equal(queryOf(chosen), "?level=second&specialty=nursing");
  assert.equal(queryOf(choicesIn("", CARDS)), "");
});
