// What a reader notes on a case, apart from the page: numbers as people write them, notes as they were kept, and the file for the memo.

import { t } from "./elements.js";

// "12", "12 %", "0.8" or "0,8" as a number; anything else is null. "1,000" is refused: it is 1 to some readers and 1000 to others.
export function readNumber(text) {
  const written = text.replace(/[\s%]/g, "").replace("−", "-");
  if (!/^-?\d+([.,]\d+)?$/.test(written) || /^-?[1-9]\d{0,2},\d{3}$/.test(written)) return null;
  return Number(written.replace(",", "."));
}

// A confidence in percent; null if it is none.
export function readShare(text) {
  const number = readNumber(text);
  return number !== null && number >= 0 && number <= 100 ? number : null;
}

// How far `guess` was from `measured`, in words.
export function difference(guess, measured) {
  const by = distance(guess, measured);
  if (by === 0) return t("Your guess was exact.");
  return guess < measured ? t("Your guess was {by} too low.", { by }) : t("Your guess was {by} too high.", { by });
}

// Without the digits that binary arithmetic adds: 3.6 - 3 is 0.6.
const distance = (one, other) => Number(Math.abs(one - other).toPrecision(12));

// The ends of the line for each pair of guess and measurement: from 0 to a round number, below zero only if a number is. Pairs of
// shares (no number above 1) have a line from 0 to 1; all others have the same line, so that they can be compared.
export function ends(pairs) {
  const isShare = (pair) => pair.every((number) => Math.abs(number) <= 1);
  const others = around(pairs.filter((pair) => !isShare(pair)).flat());
  return pairs.map((pair) => (isShare(pair) ? around(pair) : others));
}

function around(numbers) {
  const size = Math.max(1, ...numbers.map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(size));
  const top = power * [1, 2, 5, 10].find((step) => step * power >= size);
  return [Math.min(0, ...numbers) < 0 ? -top : 0, top];
}

// How the vote moved, in words: where to, and how sure.
export function moved(first, second) {
  const stayed = first.option === second.option;
  const where = stayed
    ? t("You kept your vote: {name}.", { name: second.name })
    : t("You moved from “{from}” to “{to}”.", { from: first.name, to: second.name });
  return `${where} ${surer(first.sure, second.sure)}`;
}

function surer(before, now) {
  const by = distance(before, now);
  if (by === 0) return t("You are as sure as before: {now} %.", { now });
  const values = { by, before, now };
  return now > before
    ? t("You are surer by {by} percentage points: {before} % then, {now} % now.", values)
    : t("You are less sure by {by} percentage points: {before} % then, {now} % now.", values);
}

// Notes from the text that was kept. Whatever in it is not a note is left out: a browser may hand back anything.
export function notesFrom(text) {
  const kept = parsed(text);
  const notes = {};
  for (const key of ["first", "second"]) if (isVote(kept[key])) notes[key] = kept[key];
  if (areGuesses(kept.guesses)) notes.guesses = kept.guesses;
  if (isText(kept.surprise) && kept.surprise.trim()) notes.surprise = kept.surprise;
  return notes;
}

function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

const isText = (value) => typeof value === "string";
const isTime = (value) => Number.isInteger(value) && Math.abs(value) < 8e15;
const isNumber = (value) => Number.isFinite(value);
const isVote = (vote) =>
  [vote?.option, vote?.name, vote?.why].every(isText) && isNumber(vote.sure) && vote.sure >= 0 && vote.sure <= 100 && isTime(vote.at);
const isGuess = (one) => isText(one?.question) && isNumber(one.guess) && (one.measured === null || isNumber(one.measured));
const areGuesses = (guesses) =>
  isText(guesses?.about) && isTime(guesses.at) && Array.isArray(guesses.list) && guesses.list.length > 0 && guesses.list.every(isGuess);

export function day(at, language = "en") {
  const tongue = language === "en" ? "en-GB" : language.replace("_", "-");
  return new Date(at).toLocaleDateString(tongue, { dateStyle: "long" });
}

// The notes as a small Markdown file, from which a memo can be written.
export function memoFile({ title, address, question, notes, at, language }) {
  const date = (when) => day(when, language);
  const vote = (heading, one) =>
    one ? [`## ${heading}`, question, `**${one.option}**`, `${sure(one)}, ${date(one.at)}.`, ...quoted(one.why)] : [];
  const guesses = notes.guesses
    ? [`## ${t("Predictions")}`, notes.guesses.about, notes.guesses.list.map(guessed).join("\n"), `${date(notes.guesses.at)}.`]
    : [];
  const both = notes.first && notes.second ? [`## ${t("How the vote moved")}`, moved(notes.first, notes.second)] : [];
  const parts = [
    "# " + t("Notes on the case “{title}”", { title }),
    t("Saved on {date}.", { date: date(at) }) + ` ${address}`,
    ...vote(t("First vote"), notes.first),
    ...guesses,
    ...(notes.surprise ? [`## ${t("What surprised me")}`, ...quoted(notes.surprise)] : []),
    ...vote(t("Second vote"), notes.second),
    ...both,
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

export const sure = (vote) => t("{sure} % sure", { sure: vote.sure });

function guessed({ question, guess, measured }) {
  const words = t("{question} Guess: {guess}.", { question, guess });
  if (measured === null) return `- ${words}`;
  const found = t("Measured: {measured}.", { measured });
  return `- ${words} ${found} ${difference(guess, measured)}`;
}

const quoted = (text) => (text.trim() ? [text.trim().replace(/^/gm, "> ")] : []);

// A file's name from the case's title, in any script.
export function fileName(title) {
  return `${title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}-notes.md`;
}
