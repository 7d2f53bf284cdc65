// The reading station: a reader reads films without advice, then with it, and sees what the advice did to them.
//
// The page brings everything: films as one picture, and truth, advice and a description in words for each as JSON inside the
// element. Without JavaScript the element shows its films and answers as they are. Nothing is stored or sent.

import { button, element } from "./elements.js";
import { score, toCsv } from "./reading-score.js";

const NAMES = ["No pneumonia", "Pneumonia"];

class ReadingStation extends HTMLElement {
  connectedCallback() {
    this.films = JSON.parse(this.querySelector("script[type='application/json']").textContent);
    this.reads = [];
    this.live = element("div", { class: "rs-live" });
    this.append(this.live);
    this.welcome();
  }

  show(title, ...parts) {
    const heading = element("h4", { tabindex: "-1", class: "rs-heading" }, title);
    this.live.replaceChildren(heading, ...parts);
    return heading;
  }

  welcome() {
    this.show(
      `${this.films.length} films, each read twice`,
      element("p", {}, "First you read without advice. Then you see what the model says, and read again. Then you see the truth."),
      button("Begin", () => this.first()),
    );
  }

  get film() {
    return this.films[this.reads.length];
  }

  title(what) {
    return `Film ${this.reads.length + 1} of ${this.films.length}: ${what}`;
  }

  first() {
    const form = question("Your read, without advice", (answer, sure) => this.second(answer, sure));
    this.show(this.title("without advice"), picture(this.film, this.reads.length), form).focus();
  }

  second(first, firstSure) {
    const advice = element("p", { class: "rs-advice" }, "The model says: ", element("strong", {}, NAMES[this.film.advice]));
    const before = element("p", {}, `You said: ${NAMES[first]} (${firstSure} % sure).`);
    const form = question("Your read, now that you know", (second, secondSure) => this.feedback({ first, firstSure, second, secondSure }));
    this.show(this.title(`the model says ${NAMES[this.film.advice].toLowerCase()}`), picture(this.film, this.reads.length), advice, before, form).focus();
  }

  feedback(answers) {
    const { film } = this;
    const number = this.reads.length;
    const title = this.title(film.truth ? "there is pneumonia" : "there is no pneumonia");
    this.reads.push({ film: number + 1, truth: film.truth, advice: film.advice, ...answers });
    const last = this.reads.length === this.films.length;
    const verdicts = element(
      "ul",
      {},
      element("li", {}, `Without advice you were ${rightOrWrong(answers.first, film)}.`),
      element("li", {}, `The model was ${rightOrWrong(film.advice, film)}.`),
      element("li", {}, `With advice you were ${rightOrWrong(answers.second, film)}.`),
    );
    const next = button(last ? "See what the advice did" : "Next film", () => (last ? this.result() : this.first()));
    this.show(title, picture(film, number, true), element("p", {}, film.answer), verdicts, next).focus();
  }

  result() {
    const found = score(this.reads);
    const rows = [
      ["Right without advice", percent(found.alone)],
      ["Right with advice", percent(found.withAdvice)],
      ["You and the model differed", `${found.conflicts} of ${found.reads} films`],
      ["Your switch rate: of these, you followed the model in", fraction(found.switches, found.conflicts)],
      ["Helpful switches: the model was right where you differed, and you followed", fraction(found.helpful, found.adviceRight)],
      ["Harmful switches: the model was wrong where you differed, and you followed", fraction(found.harmful, found.adviceWrong)],
    ];
    const table = element(
      "table",
      { class: "rs-result" },
      element("tbody", {}, ...rows.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)))),
    );
    const meaning = element(
      "p",
      {},
      "Relying well means a high share in the fifth row and a low one in the sixth. Twelve reads are few: one read more or less ",
      "moves these shares by a lot. You knew that the advice is sometimes wrong, and learnt the truth after each film. On a ward you may know neither.",
    );
    const file = element("a", { class: "eq-button", download: "reads.csv", href: "data:text/csv;charset=utf-8," + encodeURIComponent(toCsv(this.reads)) }, "Save reads.csv for the lab");
    const again = button("Start again", () => {
      this.reads = [];
      this.first();
    });
    this.show("What the advice did", table, meaning, element("p", { class: "rs-row" }, file, again)).focus();
  }
}

// A film, its description in words, and, if `told`, an outline around the opacity.
function picture(film, number, told = false) {
  const id = `rs-words-${number}`;
  const label = `Phantom chest film ${number + 1}${told ? `. ${film.answer}` : ""}`;
  const frame = element("div", { class: "rs-film", role: "img", "aria-label": label, "aria-describedby": id, style: `--film: ${number}` });
  if (told && film.truth) frame.append(outline(film.lesion));
  const words = element("details", {}, element("summary", {}, "This film in words"), element("p", { id }, film.words));
  return element("div", { class: "rs-picture" }, frame, words);
}

function outline({ x, y, across, down }) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 64 64");
  drawing.setAttribute("aria-hidden", "true");
  for (const kind of ["rs-under", "rs-over"]) {
    const ellipse = document.createElementNS("http://www.w3.org/2000/svg", "ellipse");
    for (const [name, value] of Object.entries({ cx: x, cy: y, rx: across, ry: down, class: kind })) ellipse.setAttribute(name, value);
    drawing.append(ellipse);
  }
  return drawing;
}

function question(legend, then) {
  const choices = [1, 0].map((value) =>
    element("label", { class: "rs-choice" }, element("input", { type: "radio", name: "rs-answer", value: String(value), required: "" }), " ", NAMES[value]),
  );
  const shown = element("output", {}, "50 %");
  const sure = element("input", { type: "range", min: "50", max: "100", step: "10", value: "50", name: "rs-sure" });
  sure.addEventListener("input", () => (shown.textContent = `${sure.value} %`));
  const form = element(
    "form",
    { class: "rs-form" },
    element("fieldset", {}, element("legend", {}, legend), ...choices),
    element("label", {}, "How sure are you? 50 % is a guess. ", sure),
    shown,
    element("button", { class: "eq-button" }, "Commit"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    then(Number(new FormData(form).get("rs-answer")), Number(sure.value));
  });
  return form;
}

const rightOrWrong = (answer, film) => (answer === film.truth ? "right" : "wrong");
const percent = (share) => `${Math.round(100 * share)} %`;
const fraction = (part, whole) => (whole ? `${part} of ${whole} (${percent(part / whole)})` : "never possible: 0 of 0");

customElements.define("reading-station", ReadingStation);
