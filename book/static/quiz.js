// The quiz of a case. The page brings questions whose answers open one by one; here they become forms that can be checked.
//
// The page's own words are moved, never copied or built again, so that terms, citations and formulas stay what they are.
// Nothing is stored or sent.

import { button, element, status, t } from "./elements.js";
import { judge, tally } from "./quiz-score.js";

class CaseQuiz extends HTMLElement {
  connectedCallback() {
    if (this.questions) return;
    this.questions = [...this.querySelectorAll(".quiz-question")].map((block) => new Question(block, () => this.count()));
    this.score = element("p", { class: "quiz-score" });
    this.again = button(t("Start the quiz again"), () => this.restart());
    this.append(element("div", { class: "quiz-end" }, this.score, this.again));
    this.count();
  }

  // The count so far, in words. It is returned once every question has been tried.
  count() {
    const { answered, right, all } = tally(this.questions.map((question) => question.first));
    const done = answered === all;
    const words = done
      ? t("{right} of {all} at the first try.", { right, all })
      : t("Answered: {answered} of {all}. At the first try: {right}.", { answered, all, right });
    this.score.replaceChildren(element("strong", {}, words), " ", t("This count is neither stored nor sent."));
    this.again.hidden = !answered;
    return done ? words : "";
  }

  restart() {
    for (const question of this.questions) question.restart();
    this.count();
    this.questions[0].options[0].input.focus();
  }
}

class Question {
  constructor(block, count) {
    const answers = [...block.querySelectorAll("details")];
    const several = answers.filter(isRight).length > 1;
    this.count = count;
    this.options = answers.map((answer, n) => new Option(answer, several, `quiz-${block.dataset.number}`, n));
    this.verdict = element("p", { class: "quiz-verdict" });
    this.status = status();
    this.status.region.classList.add("visually-hidden");
    this.check = element("button", { class: "eq-button" });
    this.form = element(
      "form",
      {},
      element("fieldset", {}, legend(block), ...this.options.map((option) => option.row)),
      this.verdict,
      this.status.region,
      this.check,
    );
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.form.addEventListener("change", () => this.say(""));
    block.replaceChildren(this.form);
    this.restart();
  }

  restart() {
    this.tries = 0;
    this.first = null;
    this.reset();
  }

  // Empty again for another go; what the first try was stays counted.
  reset() {
    this.form.reset();
    this.solved = false;
    this.check.textContent = t("Check");
    for (const option of this.options) option.reset();
    this.say("");
  }

  submit(event) {
    event.preventDefault();
    if (this.solved) return this.reset();
    const chosen = this.options.filter((option) => option.input.checked);
    if (chosen.length === 0) return this.say(t("Choose an answer first."));
    this.tries += 1;
    const found = judge(
      this.options.map((option) => option.right),
      this.options.map((option) => option.input.checked),
    );
    this.first ??= found.right;
    for (const option of chosen) option.tell();
    if (found.right) this.solve();
    this.say(verdict(found, this.tries), ...chosen.map((option) => option.feedback.textContent), this.count());
  }

  solve() {
    this.solved = true;
    this.check.textContent = t("Try this question again");
    for (const option of this.options) if (!option.told) option.offer();
  }

  // The verdict for eyes, and with it everything that has just appeared for those who listen.
  say(words, ...more) {
    this.verdict.textContent = words;
    this.status.say([words, ...more].map(tidy).filter(Boolean).join(" "));
  }
}

// An answer and what is said about it. The latter stays in the page while it is hidden, so that its formulas are set.
class Option {
  constructor(answer, several, name, n) {
    this.right = isRight(answer);
    this.input = element("input", { type: several ? "checkbox" : "radio", name });
    this.feedback = element("div", { class: `quiz-feedback ${this.right ? "quiz-right" : "quiz-wrong"}`, id: `${name}-feedback-${n}` });
    this.feedback.append(...answer.querySelector(".sd-summary-content").childNodes);
    this.other = element("details", { class: "quiz-other" }, element("summary", {}, t("Why not this one?")));
    const text = element("span", {}, ...answer.querySelector(".sd-summary-text").childNodes);
    this.row = element("div", { class: "quiz-answer" }, element("label", {}, this.input, text), this.other);
  }

  reset() {
    this.told = false;
    this.input.removeAttribute("aria-describedby");
    this.other.open = false;
    this.place(this.row, false);
  }

  tell() {
    this.told = true;
    this.input.setAttribute("aria-describedby", this.feedback.id);
    this.place(this.row, true);
  }

  // What is said about an answer that was not chosen, for whoever wants to know.
  offer() {
    this.place(this.other, true);
  }

  place(where, shown) {
    where.append(this.feedback);
    this.feedback.hidden = !shown;
    this.other.hidden = where !== this.other;
  }
}

// The question, and a word on how many answers: all that stands above the answers.
function legend(block) {
  const parts = [...block.children].filter((child) => child.matches("p"));
  const lines = parts.map((part, n) => element("span", { class: n ? "quiz-hint" : "quiz-text" }, ...part.childNodes));
  lines[0].prepend(`${block.dataset.number}. `);
  return element("legend", {}, ...lines);
}

function verdict({ right, found, all, astray }, tries) {
  if (right) return tries === 1 ? t("Right, at the first try.") : t("Right, at try {tries}.", { tries });
  if (all === 1) return t("Not quite. Choose another answer, and check again.");
  return t("Not quite. Right answers found: {found} of {all}. Chosen but not right: {astray}. Change your choice, and check again.", {
    found,
    all,
    astray,
  });
}

const isRight = (answer) => answer.classList.contains("quiz-right");
const tidy = (text) => text.replace(/\s+/g, " ").trim();

customElements.define("case-quiz", CaseQuiz);
