// Prompt swap: the reader asks a small language model about two patients who differ in one word, as often as wanted, and counts.
//
// The data: what a prompt may say (`ages`, `races`, `sexes`, `complaints`); the words for `causes` and `tests`; which of these each of
// the `outcomes` counts; and the model's `chances` by complaint, recorded race and sex. The model does not read numbers, such as an age.

import { ask, count, inTheLongRun } from "./answers.js";
import { button, choice, data, element, number, percent, slider, status, t, table } from "./elements.js";
import { differenceInterval, interval } from "./intervals.js";
import { lanes } from "./lanes.js";

const SIZES = [5, 10, 20, 40, 80, 160, 320];
const FIELDS = { age: "ages", race: "races", sex: "sexes", complaint: "complaints" };

class PromptExplorer extends HTMLElement {
  connectedCallback() {
    this.facts = data(this);
    this.patient = { age: 0, race: 1, sex: 0, complaint: 0 };
    Object.assign(this, { changed: "sex", other: 1, outcome: 0, size: 2, temperature: 1, knows: 0, seed: 1 });
    this.second = element("p");
    this.figure = element("div");
    this.said = status();
    const anew = element(
      "p",
      {},
      button(t("Ask anew"), () => this.askAnew(1)),
      button(t("Ask anew, 20 times"), () => this.askAnew(20)),
    );
    this.append(
      element("div", { class: "prompts", lang: "en" }, this.firstPrompt(), this.second),
      ...this.controls(),
      anew,
      this.said.region,
      this.figure,
    );
    this.writeSecond();
    this.begin();
    this.said.region.textContent = this.summary();
  }

  controls() {
    const change = (name) => (value) => {
      this[name] = value;
      this.begin();
    };
    const words = [
      ["sex", t("the sex")],
      ["race", t("the recorded race")],
      ["age", t("the age")],
      ["", t("nothing: the same prompt twice")],
    ];
    const looks = [
      [0, t("the answers, as in any audit")],
      [1, t("also the chances from which this model draws them")],
    ];
    const heat = { min: 0.1, max: 1.5, step: 0.1, value: this.temperature, say: (value) => number(value, 1), then: change("temperature") };
    const size = { min: 0, max: SIZES.length - 1, step: 1, value: this.size, say: (at) => number(SIZES[at]), then: change("size") };
    return [
      choice(t("In the second prompt, change"), words, this.changed, (name) => this.change(name)),
      choice(
        t("Count the answers that"),
        this.facts.outcomes.map(({ label }, at) => [at, t(label)]),
        this.outcome,
        change("outcome"),
      ),
      element("div", { class: "eq-sliders" }, slider(t("Answers to each prompt"), size), slider(t("Temperature"), heat)),
      choice(t("What you may look at"), looks, this.knows, change("knows")),
    ];
  }

  // The first prompt, whose words can be chosen.
  firstPrompt() {
    const chooser = (field) =>
      chooserOf(t("{field}, first prompt", { field: t(field) }), this.options(field), this.patient[field], (value) => {
        this.patient[field] = value;
        this.change(this.changed);
      });
    return element(
      "p",
      {},
      "A ",
      chooser("age"),
      "-year-old ",
      chooser("race"),
      " ",
      chooser("sex"),
      " has ",
      chooser("complaint"),
      ENDING,
    );
  }

  // The second is the first with one word changed, which is marked.
  writeSecond() {
    const word = (field) => (field === this.changed ? this.changedWord(field) : String(this.options(field)[this.patient[field]]));
    this.second.replaceChildren("A ", word("age"), "-year-old ", word("race"), " ", word("sex"), " has ", word("complaint"), ENDING);
  }

  changedWord(field) {
    const others = this.others(field);
    if (others.length === 1) return element("mark", {}, String(this.options(field)[this.other]));
    return chooserOf(
      t("{field}, second prompt", { field: t(field) }),
      others.map((at) => this.options(field)[at]),
      others.indexOf(this.other),
      (value) => {
        this.other = others[value];
        this.begin();
      },
    );
  }

  options(field) {
    return this.facts[FIELDS[field]];
  }

  others(field) {
    return this.options(field)
      .map((_, at) => at)
      .filter((at) => at !== this.patient[field]);
  }

  change(field) {
    this.changed = field;
    if (field && !this.others(field).includes(this.other)) [this.other] = this.others(field);
    this.writeSecond();
    this.begin();
  }

  get patients() {
    return [this.patient, this.changed ? { ...this.patient, [this.changed]: this.other } : this.patient];
  }

  chances({ complaint, race, sex }) {
    return this.facts.chances[complaint][race][sex];
  }

  // One audit: both prompts, asked as often as wanted.
  audit() {
    const { place, wanted } = this.facts.outcomes[this.outcome];
    const answers = this.patients.map((patient, second) => {
      const { complaint, race, sex, age } = patient;
      const stream = [complaint, race, sex, age, second].reduce((code, part) => 4 * code + part, this.seed);
      return ask(this.chances(patient), SIZES[this.size], this.temperature, stream);
    });
    const counts = answers.map((told) => count(told, place, wanted));
    const [[part, whole], [otherPart, otherWhole]] = counts;
    const bounds = differenceInterval(part, whole, otherPart, otherWhole);
    return { answers, counts, bounds, difference: bounds && part / whole - otherPart / otherWhole };
  }

  begin() {
    this.audits = [this.audit()];
    this.show();
  }

  askAnew(times) {
    for (let time = 0; time < times; time += 1) {
      this.seed += 1;
      this.audits.push(this.audit());
    }
    this.show();
  }

  show() {
    const summary = this.summary();
    const names = this.names();
    const heads = [t("Of {n} answers to each prompt", { n: number(SIZES[this.size]) }), ...names];
    this.figure.replaceChildren(this.shares(names), this.differences(), table(t("What was answered"), heads, this.rows()));
    this.said.say(summary);
  }

  // What to call the two prompts: by the word that differs.
  names() {
    if (!this.changed) return [t("first time"), t("second time")];
    return this.patients.map((patient) => String(this.options(this.changed)[patient[this.changed]]));
  }

  get latest() {
    return this.audits.at(-1);
  }

  get longRun() {
    const { place, wanted } = this.facts.outcomes[this.outcome];
    return this.patients.map((patient) => inTheLongRun(this.chances(patient), place, wanted, this.temperature));
  }

  get noteworthy() {
    return this.audits.filter(({ bounds }) => leavesOutZero(bounds)).length;
  }

  shares(names) {
    const { counts } = this.latest;
    const { label } = this.facts.outcomes[this.outcome];
    const rows = counts.map(([part, whole], at) => {
      const bounds = interval(part, whole);
      const marks = whole ? [{ at: (100 * part) / whole, shape: "circle" }] : [];
      if (this.knows) marks.push({ at: 100 * this.longRun[at], shape: "diamond", hollow: true });
      return {
        name: names[at],
        value: t("{part} of {whole}", { part, whole }),
        marks,
        bar: bounds && { low: 100 * bounds[0], high: 100 * bounds[1] },
        tone: 1 + at,
      };
    });
    const scale = { to: 100, ticks: [0, 20, 40, 60, 80, 100], unit: t("% of answers with advice") + this.legend() };
    return lanes(this.summary(), scale, [[t("Answers that {outcome}", { outcome: t(label) }), rows]]);
  }

  differences() {
    const { difference, bounds } = this.latest;
    const marks = difference === null ? [] : [{ at: 100 * difference, shape: "circle" }];
    const [one, other] = this.longRun;
    if (this.knows) marks.push({ at: 100 * (one - other), shape: "diamond", hollow: true });
    const now = {
      name: t("this audit"),
      value: signed(difference),
      marks,
      bar: bounds && { low: 100 * bounds[0], high: 100 * bounds[1] },
      tone: 3,
    };
    const all = {
      name: t("all audits; filled: the interval leaves out 0"),
      value: t("{part} of {whole}", { part: this.noteworthy, whole: this.audits.length }),
      marks: piled(this.audits),
      tone: 3,
      tall: true,
    };
    const scale = { from: -100, to: 100, ticks: [-100, -50, 0, 50, 100], unit: t("points of 100, first minus second") + this.legend() };
    return lanes(this.summary(), scale, [[t("Difference"), [now, all]]]);
  }

  legend() {
    return this.knows ? t("; diamond: if one asked for ever") : "";
  }

  rows() {
    const { answers, counts } = this.latest;
    const { causes, tests, outcomes } = this.facts;
    const outcome = counts.map(([part, whole]) => this.share(part, whole));
    const told = (place, words, title) =>
      words.flatMap((word, at) => {
        const found = answers.map((some) => count(some, place, [at])[0]);
        const chances = this.patients.map((patient) => inTheLongRun(this.chances(patient), place, [at], this.temperature));
        if (!found.some(Boolean) && !(this.knows && chances.some((chance) => chance >= 0.005))) return [];
        const shown = found.map((part, second) =>
          this.knows ? t("{part} (chance {share})", { part, share: percent(chances[second]) }) : String(part),
        );
        return [[`${title} ${word}`, ...shown]];
      });
    return [
      [t("Answers that {outcome}", { outcome: t(outcomes[this.outcome].label) }), ...outcome],
      ...told(0, causes, t("Cause:")),
      ...told(1, tests, t("Test:")),
      [t("No advice"), ...answers.map((some) => String(some.filter((answer) => !answer).length))],
    ];
  }

  share(part, whole) {
    if (!whole) return "–";
    const [low, high] = interval(part, whole).map((bound) => percent(bound));
    return t("{part} of {whole} (95 % interval {low} to {high})", { part, whole, low, high });
  }

  summary() {
    const { counts, bounds, difference } = this.latest;
    if (!bounds) return t("No answer is advice.");
    const [one, other] = this.names();
    const [first, second] = counts.map(([part, whole]) => t("{part} of {whole}", { part, whole }));
    const [low, high] = bounds.map(signed);
    const label = t(this.facts.outcomes[this.outcome].label);
    const now = t(
      "Answers that {label}: {first} ({one}), {second} ({other}). Difference {difference} points of 100, 95 % interval {low} to {high}.",
      {
        label,
        first,
        one,
        second,
        other,
        difference: signed(difference),
        low,
        high,
      },
    );
    if (this.audits.length === 1) return now;
    return [
      now,
      t("Of {n} such audits, {part} have an interval that leaves out 0.", { n: this.audits.length, part: this.noteworthy }),
    ].join(" ");
  }
}

const ENDING = ". Name the most likely cause and the next test.";

const leavesOutZero = (bounds) => bounds !== null && bounds[0] * bounds[1] > 0;

// A difference in points of 100, with its sign.
function signed(difference) {
  if (difference === null) return "–";
  const points = Math.round(100 * difference);
  return points < 0 ? `−${-points}` : points > 0 ? `+${points}` : "0";
}

// Audits as marks, one upon the other where they differ by less than five points.
function piled(audits) {
  const heights = {};
  return audits
    .filter(({ bounds }) => bounds)
    .map(({ difference, bounds }) => {
      const pile = Math.round(difference * 20);
      heights[pile] = (heights[pile] ?? -1) + 1;
      return { at: 5 * pile, shape: "circle", hollow: !leavesOutZero(bounds), up: heights[pile] };
    });
}

function chooserOf(label, options, chosen, then) {
  const entries = options.map((option, value) =>
    element("option", { value, ...(value === chosen ? { selected: "" } : {}) }, String(option)),
  );
  const chooser = element("select", { "aria-label": label, class: "prompt-word" }, ...entries);
  chooser.addEventListener("change", () => then(Number(chooser.value)));
  return chooser;
}

customElements.define("prompt-explorer", PromptExplorer);
