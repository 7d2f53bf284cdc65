// What a reader writes down on a case: a vote, guesses, a surprise, a second vote; and a file of them for the memo.
//
// The page marks the places with <case-notes data-part="…">. What may be voted for, and what is to be guessed, is the list
// above such a place, so a case stays plain text.

import { button, element, status, svg, t } from "./elements.js";
import { KEY, forget, keep, keeps, notes } from "./notes-kept.js";
import { day, difference, ends, fileName, memoFile, moved, readNumber, readShare, sure } from "./votes.js";

const LANGUAGE = document.documentElement.lang || "en";
const NUMBER_NEEDED = () => t("Write a number, such as 12 or 0.8.");
const PARTS = { "first-vote": firstVote, predictions, surprise, memo, "second-vote": secondVote };

class CaseNotes extends HTMLElement {
  connectedCallback() {
    this.classList.add("eq-notes");
    this.draw();
  }

  draw(edit = false) {
    this.replaceChildren(...PARTS[this.dataset.part](this, edit));
  }

  // Keep what was committed here, and show it; the keyboard goes to what has just appeared.
  commit(change) {
    keep(change);
    this.draw();
    drawOthers();
    this.querySelector(".notes-kept").focus();
  }
}

const places = () => [...document.querySelectorAll("case-notes")];
const place = (part) => document.querySelector(`case-notes[data-part="${part}"]`);

// A form that is being filled in is left alone.
function drawOthers() {
  for (const one of places()) if (!one.querySelector("form")) one.draw();
}

addEventListener("storage", (event) => event.key === KEY && drawOthers());

// --- the five places -------------------------------------------------------------------------------------------------

function firstVote(part, edit) {
  const { first, second } = notes();
  const open = edit || !first;
  part.previousElementSibling.classList.toggle("notes-asked", open);
  if (!open) return [keptVote(t("Your first vote"), first, second ? [] : [change(part)])];
  const named = { "aria-labelledby": identified(question(), "eq-voted") };
  return [voteForm({ named, why: t("Why? (optional)"), before: first, then: (vote) => part.commit({ first: vote }) }), whereKept()];
}

function secondVote(part) {
  const { first, second } = notes();
  if (!second) {
    const legend = element("legend", {}, ...copies(question()));
    const why = t("What moved you, or which argument came closest? (optional)");
    return [voteForm({ legend, why, then: (vote) => part.commit({ second: vote }) })];
  }
  const movement = first ? moved(first, second) : t("There is no first vote on this device to compare it with.");
  const votes = [...(first ? [keptVote(t("First vote"), first)] : []), keptVote(t("Second vote"), second)];
  const lead = element("p", { class: "notes-lead notes-kept", tabindex: "-1" }, movement);
  return [lead, element("div", { class: "notes-votes" }, ...votes), ...actions()];
}

function predictions(part, edit) {
  const { guesses } = notes();
  const list = part.previousElementSibling;
  list.hidden = true;
  if (!guesses || edit) return [guessForm(part, [...list.children], edit ? guesses.list : []), whereKept()];
  const unmeasured = guesses.list.every((one) => one.measured === null);
  return [keptGuesses(guesses, unmeasured ? [change(part)] : [])];
}

function surprise() {
  const { guesses, surprise: written = "" } = notes();
  const said = status();
  const area = element("textarea", { rows: "2" });
  const printed = element("p", { class: "notes-printed" }, written);
  area.value = written;
  area.addEventListener("input", () => {
    keep({ surprise: area.value });
    printed.textContent = area.value;
    place("memo").draw();
    said.say(keeps ? t("Kept on this device.") : t("Kept until you leave this page."));
  });
  const sentence = labelled(t("What surprised you, in one sentence"), area);
  const none = small(t("Commit your guesses above: they appear here, beside what you measure."));
  return [sentence, printed, said.region, ...(guesses ? comparison(guesses) : [none])];
}

function memo() {
  if (Object.keys(notes()).length === 0) return [small(t("What you note on this page can be saved here, as a file for the memo."))];
  return [element("p", { class: "notes-lead" }, t("Take your notes along into the memo.")), ...actions()];
}

// --- a vote ----------------------------------------------------------------------------------------------------------

// The confidence is a field, not a slider: a slider begins somewhere, and where it begins pulls the answer.
function voteForm({ legend = "", named = {}, why, before, then }) {
  const options = [...place("first-vote").previousElementSibling.children];
  const name = `vote-${(voteForm.count = (voteForm.count ?? 0) + 1)}`;
  const radios = options.map(() => element("input", { type: "radio", name }));
  const labels = options.map((option, n) => element("label", { class: "notes-option" }, radios[n], element("span", {}, ...copies(option))));
  const confidence = field(t("How sure are you, from 0 to 100?"), "%");
  const reason = element("textarea", { rows: "2" });
  if (before) {
    for (const [n, option] of options.entries()) radios[n].checked = words(option) === before.option;
    confidence.input.value = before.sure;
    reason.value = before.why;
  }
  const fields = [element("fieldset", named, legend, ...labels), confidence.label, labelled(why, reason)];
  return form(fields, () => {
    const chosen = options[radios.findIndex((radio) => radio.checked)];
    const share = readShare(confidence.input.value);
    if (!chosen) return [radios[0], t("Choose an answer first.")];
    if (share === null) return [confidence.input, t("Say how sure you are: a number from 0 to 100.")];
    then({ option: words(chosen), name: shortName(chosen), sure: share, why: reason.value.trim(), at: Date.now() });
  });
}

function keptVote(heading, vote, more = []) {
  const lead = element("p", { class: "notes-lead" }, vote.name);
  const bar = element("span", { class: "notes-bar", "aria-hidden": "true", style: `--sure: ${vote.sure}` });
  const why = vote.why ? [element("p", { class: "notes-why" }, vote.why)] : [];
  return kept(heading, vote.at, lead, element("p", {}, bar, sure(vote)), ...why, ...more);
}

// --- guesses ---------------------------------------------------------------------------------------------------------

function guessForm(part, entries, before) {
  const about = part.previousElementSibling.previousElementSibling;
  const fields = entries.map((entry) => field(copies(entry)));
  for (const [n, one] of before.entries()) if (fields[n]) fields[n].input.value = one.guess;
  const labels = fields.map((one) => one.label);
  return form([element("fieldset", { "aria-labelledby": identified(about, "eq-guessed") }, ...labels)], () => {
    const numbers = fields.map((one) => readNumber(one.input.value));
    const open = numbers.indexOf(null);
    if (open >= 0) return [fields[open].input, NUMBER_NEEDED()];
    const list = entries.map((entry, n) => ({ question: words(entry), guess: numbers[n], measured: null }));
    part.commit({ guesses: { about: words(about), list, at: Date.now() } });
  });
}

function keptGuesses(guesses, more) {
  const rows = guesses.list.map(({ question, guess }) =>
    element("li", {}, element("span", {}, question), " ", element("strong", {}, String(guess))),
  );
  return kept(t("Your guesses"), guesses.at, element("ul", { class: "notes-guesses" }, ...rows), ...more);
}

function comparison(guesses) {
  const said = status();
  said.region.classList.add("visually-hidden"); // it says what its row shows
  const rows = guesses.list.map((one, n) =>
    compared(one, (value, unreadable) => {
      measure(n, value);
      show();
      said.say(unreadable ? NUMBER_NEEDED() : value === null ? "" : difference(one.guess, value));
    }),
  );
  const show = () => {
    const list = notes().guesses?.list ?? [];
    const scales = ends(list.map(({ guess, measured }) => [guess, measured ?? guess]));
    for (const [n, one] of list.entries()) rows[n].answer.replaceChildren(...(one.measured === null ? [] : shown(one, scales[n])));
  };
  show();
  const legend = element("legend", {}, t("Your guesses beside what you measured"));
  const all = element("fieldset", { class: "notes-compare" }, legend, element("p", {}, guesses.about), ...rows.map((row) => row.whole));
  const key = t("What you measure in the lab goes into the fields. On the line, the ring is your guess, the diamond what you measured.");
  return [all, said.region, small(key)];
}

// A guess and a field for what was measured; `then` is told the number, or null and whether something unreadable is there.
function compared({ question, guess, measured }, then) {
  const { input, label } = field(t("Measured"));
  const answer = element("div", { class: "notes-difference" });
  input.value = measured ?? "";
  input.setAttribute("aria-label", t("Measured: {question}", { question }));
  input.addEventListener("input", () => {
    const value = readNumber(input.value);
    const unreadable = value === null && input.value.trim() !== "";
    input.setAttribute("aria-invalid", unreadable);
    then(value, unreadable);
  });
  const guessed = element("p", {}, t("Guessed"), " ", element("strong", {}, String(guess)));
  const pair = element("div", { class: "notes-pair" }, guessed, label);
  return { whole: element("div", { class: "notes-row" }, element("p", {}, question), pair, answer), answer };
}

function measure(n, value) {
  const { guesses } = notes();
  if (!guesses?.list[n]) return;
  guesses.list[n].measured = value;
  keep({ guesses });
  if (!place("predictions").querySelector("form")) place("predictions").draw();
}

const shown = ({ guess, measured }, scale) => [line(guess, measured, scale), element("span", {}, difference(guess, measured))];

function line(guess, measured, [low, high]) {
  const at = (value) => 8 + (184 * (value - low)) / (high - low);
  const [x, y] = [at(guess), at(measured)];
  return svg(
    "svg",
    { viewBox: "0 0 200 32", class: "notes-line", "aria-hidden": "true" },
    svg("line", { x1: 8, x2: 192, y1: 12, y2: 12, class: "notes-axis" }),
    svg("line", { x1: x, x2: y, y1: 12, y2: 12, class: "notes-between" }),
    svg("path", { d: `M${y} 5.5 l6.5 6.5 -6.5 6.5 -6.5 -6.5 z`, class: "notes-diamond" }),
    svg("circle", { cx: x, cy: 12, r: 5.5, class: "notes-ring" }),
    svg("text", { x: 8, y: 30 }, String(low)),
    svg("text", { x: 192, y: 30, "text-anchor": "end" }, String(high)),
  );
}

// --- the file, and forgetting ----------------------------------------------------------------------------------------

function actions() {
  const row = element("div", { class: "notes-actions" });
  const offer = () => row.replaceChildren(button(t("Save my notes as a file"), save), button(t("Forget what I wrote"), ask));
  const ask = () => {
    const really = element("p", { tabindex: "-1" }, t("Forget everything that you wrote on this page?"));
    row.replaceChildren(really, button(t("Forget it"), forgetAll), button(t("Keep it"), spare));
    really.focus();
  };
  const spare = () => {
    offer();
    row.lastChild.focus();
  };
  offer();
  return [row, keeps ? small(t("On a shared computer, forget your notes before you leave.")) : whereKept()];
}

function forgetAll() {
  forget();
  for (const one of places()) one.draw();
  place("first-vote").querySelector("input").focus();
}

function save() {
  const title = words(document.querySelector("article h1"));
  const address = location.href.split("#")[0];
  const text = memoFile({ title, address, question: words(question()), notes: notes(), at: Date.now(), language: LANGUAGE });
  const href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  element("a", { href, download: fileName(title) }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

// --- what the places share -------------------------------------------------------------------------------------------

// A form whose `check` returns the field that is wrong and why, or commits the answers.
function form(fields, check) {
  const problem = element("p", { class: "notes-problem", role: "alert" });
  const made = element("form", { novalidate: "" }, ...fields, problem, element("button", { class: "eq-button" }, t("Commit")));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const [input, why] = check() ?? [];
    if (!input) return;
    problem.textContent = why;
    input.focus();
  });
  return made;
}

function field(label, unit = "") {
  const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  const name = element("span", {}, ...[label].flat());
  const measure = element("span", { class: "notes-unit" }, input, unit && ` ${unit}`);
  return { input, label: element("label", { class: "notes-number" }, name, measure) };
}

const labelled = (text, area) => element("label", { class: "notes-field" }, element("span", {}, text), area);
const small = (text) => element("p", { class: "notes-small" }, text);

function change(part) {
  return button(t("Change"), () => {
    part.draw(true);
    part.querySelector("input:checked, input").focus();
  });
}

function kept(heading, at, ...parts) {
  const dated = element("p", {}, element("strong", {}, heading), `, ${day(at, LANGUAGE)}`);
  return element("div", { class: "notes-kept", tabindex: "-1" }, dated, ...parts);
}

function whereKept() {
  return small(
    keeps
      ? t("Your notes stay in this browser, on this device; nothing is sent.")
      : t("This browser keeps nothing for this page: your notes are gone when you leave it. Below the decision memo you can save them."),
  );
}

// What is voted on: the first paragraph of its section.
const question = () => place("first-vote").closest("section").querySelector("p");

function identified(node, id) {
  node.id ||= id;
  return node.id;
}

// A node's text on one line, without the sign that links to a heading.
function words(node) {
  const copy = node.cloneNode(true);
  for (const sign of copy.querySelectorAll(".headerlink")) sign.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

// An option's name: what stands in bold, or all of it.
function shortName(option) {
  const bold = option.querySelector("strong");
  return bold ? words(bold).replace(/[.:,;]$/, "") : words(option);
}

// An entry's or a paragraph's contents, to be shown a second time: without its block, and without ids, which are there once.
function copies(node) {
  const inner = [...node.childNodes].flatMap((child) => (child.nodeName === "P" ? [...child.childNodes] : [child]));
  return inner.map((child) => {
    const copy = child.cloneNode(true);
    for (const one of [copy, ...(copy.querySelectorAll?.("[id]") ?? [])]) one.removeAttribute?.("id");
    return copy;
  });
}

customElements.define("case-notes", CaseNotes);
