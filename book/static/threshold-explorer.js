// The threshold explorer: the reader sets the bar at which somebody acts, one for all or one for each group, and sees who is
// missed and what it costs.
//
// The page brings two histograms of a score for each group (see metrics.js), the thresholds, on which side of them one acts,
// and all words. Nothing is stored or sent.

import { lineChart, swatch } from "./chart.js";
import { choice, data, element, number, percent, slider, status, t, table } from "./elements.js";
import * as metrics from "./metrics.js";

// The shares in the table's columns after the bar, in their order.
const SHARES = [metrics.falseNegativeRate, metrics.sensitivity, metrics.selectionRate, metrics.ppv];
const HEADS = ["group", "bar", "missed", "sensitivity", "selected", "ppv"];

class ThresholdExplorer extends HTMLElement {
  connectedCallback() {
    const { act, thresholds, start, groups, words, capacity } = data(this);
    Object.assign(this, { thresholds, groups, words, capacity });
    this.along = groups.map((group) => thresholds.map((_, at) => metrics.confusion(group, at, act)));
    this.digits = thresholds.every(Number.isInteger) ? 0 : 1;
    this.together = start;
    this.apart = groups.map(() => start);
    this.controls = element("div", { class: "eq-sliders" });
    this.status = status();
    this.live = element("div");
    const policies = [true, false].map((linked) => [linked, this.say(linked ? "together" : "apart")]);
    this.append(choice(this.say("question"), policies, true, (linked) => this.link(linked)), this.controls, this.status.region, this.live);
    this.link(true);
    this.status.region.textContent = this.summary();
  }

  say(name, values) {
    return t(this.words[name], values);
  }

  // The bars of both policies are kept, so that the reader can go from one to the other and back.
  link(linked) {
    this.linked = linked;
    this.controls.replaceChildren(...(linked ? this.oneSlider() : this.groups.map((group, index) => this.groupSlider(group, index))));
    this.changed();
  }

  oneSlider() {
    const legend = element("p", { class: "eq-legend" }, ...this.groups.map(named));
    return [this.slider(this.say("everyone"), this.together, (at) => (this.together = at)), legend];
  }

  groupSlider(group, index) {
    const made = this.slider(named(group, index), this.apart[index], (at) => (this.apart[index] = at), group);
    made.style.setProperty("--eq-series", `var(--eq-series-${index})`);
    return made;
  }

  slider(label, value, keep, group) {
    return slider(label, {
      min: 0,
      max: this.thresholds.length - 1,
      step: 1,
      value,
      say: (at) => this.say("bar", { bar: this.bar(at) }),
      then: (at) => {
        keep(at);
        this.changed(group);
      },
    });
  }

  changed(group) {
    this.draw();
    this.status.say(this.summary(group));
  }

  bar(at) {
    return number(this.thresholds[at], this.digits);
  }

  get bars() {
    return this.linked ? this.groups.map(() => this.together) : this.apart;
  }

  get counts() {
    return this.along.map((counts, index) => counts[this.bars[index]]);
  }

  // In words: whom the group that was moved, or each of them, misses, and what it takes in all.
  summary(moved) {
    const outcomes = this.groups.flatMap((group, index) => {
      const { fn, tp } = this.counts[index];
      const values = { group: t(group.label), missed: number(fn), cases: number(fn + tp) };
      return moved && moved !== group ? [] : [t("{group} {missed} of {cases}", values)];
    });
    const all = metrics.pooled(this.counts);
    const hundred = number(100 * metrics.selectionRate(all), 1);
    const total = { selected: number(metrics.selected(all)), all: number(metrics.size(all)), hundred };
    return `${this.say("outcomes", { outcomes: outcomes.join("; ") })} ${this.say("total", total)}`;
  }

  draw() {
    const charts = element(
      "div",
      { class: "eq-figures" },
      this.chart("missed", metrics.falseNegativeRate, ({ fn, tp }) => metrics.interval(fn, fn + tp)),
      this.chart("selected", metrics.selectionRate),
    );
    this.live.replaceChildren(charts, ...this.load(), this.table());
  }

  chart(name, metric, band) {
    const lines = this.along.map((counts, index) => ({ points: counts.map(metric), band: band && counts.map(band), at: this.bars[index] }));
    const x = { values: this.thresholds, title: this.say("axis"), say: String };
    const title = element("figcaption", {}, element("strong", {}, this.say(name)), element("br"), this.say(`${name}Of`));
    const label = t("{title}; the numbers are in the table below", { title: this.say(name) });
    return element("figure", {}, title, lineChart({ label, x, lines, rule: this.linked ? this.together : null }));
  }

  // What it takes against what there is time for, if the page knows the latter. The table and the status say it in numbers.
  load() {
    if (!this.capacity) return [];
    const taken = element("span", { style: `width: ${100 * metrics.selectionRate(metrics.pooled(this.counts))}%` });
    const mark = element("i", { style: `left: ${100 * this.capacity}%` });
    const words = element("p", {}, this.say("capacity", { hundred: number(100 * this.capacity) }));
    return [words, element("div", { class: "eq-load", "aria-hidden": "true" }, taken, mark)];
  }

  table() {
    const { counts } = this;
    const rows = this.groups.map(({ label }, index) => [t(label), this.bar(this.bars[index]), ...cells(counts[index])]);
    const all = [t("All together"), "", ...cells(metrics.pooled(counts))];
    const gaps = [t("Largest gap (points)"), "", ...SHARES.map((metric) => points(metrics.difference(counts.map(metric))))];
    return table(this.say("caption"), HEADS.map((name) => this.say(`${name}Head`)), [...rows, all, gaps]);
  }
}

function named({ label }, index) {
  return element("span", { class: "eq-named" }, swatch(index), t(label));
}

function cells(counts) {
  const [missed, sensitivity, selected, ppv] = SHARES.map((metric) => percent(metric(counts)));
  return [
    fraction(counts.fn, metrics.positives(counts), missed),
    sensitivity,
    fraction(metrics.selected(counts), metrics.size(counts), selected),
    ppv,
  ];
}

// Spaces that do not break keep the two numbers in one line.
function fraction(part, whole, share) {
  return t("{part}\u00a0of\u00a0{whole} ({share})", { part: number(part), whole: number(whole), share });
}

const points = (gap) => (gap === null ? "–" : number(100 * gap, 0));

customElements.define("threshold-explorer", ThresholdExplorer);
