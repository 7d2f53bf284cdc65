// Treat or not: the reader decides how many go home, by which risk, and sees what the records, an estimate and the program say of it.
//
// The data: `bins` of patients in the order of each risk, with asthma and without; `all` says how many patients there are in each group.

import { choice, data, element, number, percent, slider, status, t, table } from "./elements.js";
import { interval } from "./intervals.js";
import { lanes } from "./lanes.js";
import { ofThousand, sums } from "./sent-home.js";

const FIRST = 5; // % of patients in the lowest bin
const STEP = 2.5; // % in each of the others

class TreatmentExplorer extends HTMLElement {
  connectedCallback() {
    this.facts = data(this);
    this.share = 30;
    this.risk = 0;
    this.knows = 0;
    this.figure = element("div");
    this.said = status();
    this.append(...this.controls(), this.said.region, this.figure);
    this.show();
    this.said.region.textContent = this.summary();
  }

  controls() {
    const change = (name) => (value) => {
      this[name] = value;
      this.show();
      this.said.say(this.summary());
    };
    return [
      slider(t("Send home, of all patients"), {
        min: FIRST,
        max: 60,
        step: STEP,
        value: this.share,
        say: (value) => `${value} %`,
        then: change("share"),
      }),
      choice(
        t("Those with the lowest …"),
        this.facts.risks.map(({ name }, at) => [at, t(name)]),
        this.risk,
        change("risk"),
      ),
      choice(
        t("What you may look at"),
        [
          [0, t("what the hospital has: its records, and its model")],
          [1, t("also an estimate by adjustment")],
          [2, t("also what only the program knows that drew these patients")],
        ],
        this.knows,
        change("knows"),
      ),
    ];
  }

  // The patients who go home: with asthma, without, and both.
  home() {
    const count = (this.share - FIRST) / STEP + 1;
    const [asthma, others] = this.facts.risks[this.risk].bins.map((bins) => bins.slice(0, count));
    return [asthma, others, [...asthma, ...others]].map(sums);
  }

  show() {
    const [asthma, others] = this.home();
    const groups = [
      [t("With asthma: {n} of {all} go home", { n: number(asthma.patients), all: number(this.facts.all[0]) }), asthma],
      [t("Without asthma: {n} of {all} go home", { n: number(others.patients), all: number(this.facts.all[1]) }), others],
    ];
    this.figure.replaceChildren(
      lanes(
        this.summary(),
        scale(),
        groups.map(([title, group]) => [title, this.lanes(group)]),
      ),
      table(
        t("The figure in numbers"),
        [t("Deaths of 1,000 sent home"), t("With asthma"), t("Without asthma")],
        this.rows([asthma, others]),
      ),
    );
  }

  // What the reader may look at: the name of a lane, and what its marks stand for.
  sources() {
    const known = [
      { name: t("died, in the records"), treated: "died", shape: "circle" },
      { name: t("die, says the model"), treated: "predicted", shape: "square" },
      { name: t("adjustment: treated → at home"), treated: "adjustedTreated", home: "adjustedHome", shape: "diamond" },
      { name: t("program: treated → at home"), treated: "trueTreated", home: "trueHome", shape: "triangle" },
    ];
    return known.slice(0, 2 + this.knows);
  }

  lanes(group) {
    return this.sources().map(({ name, treated, home, shape }) => {
      const at = ofThousand(group[treated], group.patients);
      const mark = { at, shape, hollow: true };
      if (!home) return { name, value: rate(at), marks: [mark], bar: treated === "died" ? died(group) : null };
      const atHome = ofThousand(group[home], group.patients);
      const marks = [mark, { at: atHome, shape }];
      return { name, value: `${rate(at)} → ${rate(atHome)}`, marks, bar: { low: at, high: atHome, dashed: true }, tone: 2 };
    });
  }

  rows(groups) {
    const perGroup = (say) => groups.map((group) => say(group));
    const expected = ([name, field]) => [name, ...perGroup((group) => rate(ofThousand(group[field], group.patients)))];
    const counted = (group) => {
      const { low, high } = died(group);
      const words = { rate: rate(ofThousand(group.died, group.patients)), low: rate(low), high: rate(high), n: group.died };
      return t("{rate} ({low} to {high}; {n} deaths)", words);
    };
    return [
      [t("Patients sent home"), ...perGroup((group) => number(group.patients))],
      [t("Of these, went to intensive care in the records"), ...perGroup((group) => percent(group.icu / group.patients))],
      [t("Died, in the records"), ...perGroup(counted)],
      ...[
        [t("Die, says the model that ranks them"), "predicted"],
        [t("By adjustment, as they were treated"), "adjustedTreated"],
        [t("By adjustment, at home"), "adjustedHome"],
        [t("By the program, as they were treated"), "trueTreated"],
        [t("By the program, at home"), "trueHome"],
      ]
        .slice(0, 1 + 2 * this.knows)
        .map(expected),
    ];
  }

  summary() {
    const [asthma, , all] = this.home();
    const patients = this.facts.all[0] + this.facts.all[1];
    const sent = t("You send home {n} of {all} patients. {share} of these have asthma; of all patients, {usual} do.", {
      n: number(all.patients),
      all: number(patients),
      share: percent(asthma.patients / all.patients),
      usual: percent(this.facts.all[0] / patients),
    });
    return [sent, ...this.costs(all)].join(" ");
  }

  costs(all) {
    const cost = (home, treated) => rate(all[home] - all[treated]);
    return [
      t("By adjustment, this adds {n} deaths.", { n: cost("adjustedHome", "adjustedTreated") }),
      t("The program that drew the patients knows of {n}.", { n: cost("trueHome", "trueTreated") }),
    ].slice(0, this.knows);
  }
}

// The 95 % interval of the recorded deaths of 1,000.
function died(group) {
  const [low, high] = interval(group.died, group.patients);
  return { low: 1000 * low, high: 1000 * high };
}

const scale = () => ({ to: 100, ticks: [0, 20, 40, 60, 80, 100], unit: t("deaths of 1,000; open marks: as they were treated") });
const rate = (value) => number(value, value < 9.95 ? 1 : 0);

customElements.define("treatment-explorer", TreatmentExplorer);
