// The label explorer: the reader decides what a score shall predict and how many patients get a place, and sees whom and what
// the places reach, and whom they miss. The page brings histograms of illness for each label (see label-sums.js).

import { lineChart, marker, stroke, swatch, text } from "./chart.js";
import { choice, data, element, number, percent, slider, status, svg, t, table } from "./elements.js";
import { interval } from "./intervals.js";
import * as sums from "./label-sums.js";

class LabelExplorer extends HTMLElement {
  connectedCallback() {
    Object.assign(this, data(this)); // shares, start, severe, groups, marked, patients, totals, labels
    this.everyone = sums.together(this.patients);
    this.chosen = this.labels[0];
    this.step = this.start;
    this.status = status();
    this.live = element("div");
    this.numbers = element("div");
    const controls = element("div", { class: "eq-sliders" }, this.labelChoice(), this.placesSlider());
    const numbers = element("details", {}, element("summary", {}, t("The figures in numbers")), this.numbers);
    this.append(controls, this.status.region, this.live, numbers);
    this.draw();
    this.status.region.textContent = this.summary();
  }

  labelChoice() {
    const options = this.labels.map(({ name, text }) => [name, t(text)]);
    const then = (chosen) => this.change({ chosen: this.labels.find(({ name }) => name === chosen) });
    return choice(t("What shall the score predict?"), options, this.chosen.name, then);
  }

  placesSlider() {
    return slider(t("How many get a place?"), {
      min: 0,
      max: this.shares.length - 1,
      step: 1,
      value: this.step,
      say: (step) => t("{share} of 100 patients", { share: Math.round(100 * this.shares[step]) }),
      then: (step) => this.change({ step }),
    });
  }

  change(what) {
    Object.assign(this, what);
    this.draw();
    this.status.say(this.summary());
  }

  // What follows from a label. Pairs are [part, whole].
  outcome(label) {
    const groups = sums.admitted(label, this.step);
    const places = sums.together(groups);
    const reach = { conditions: sums.conditions(places) / sums.conditions(this.everyone) };
    for (const [name, total] of Object.entries(this.totals)) reach[name] = sums.reached(label[name], this.step, total);
    const marked = [sums.count(groups[this.marked]), sums.count(places)];
    return { groups, places, reach, marked, missed: this.missed(this.everyone, places) };
  }

  missed(patients, places) {
    const severe = sums.atLeast(patients, this.severe);
    return [severe - sums.atLeast(places, this.severe), severe];
  }

  summary() {
    const { groups, places, missed } = this.outcome(this.chosen);
    const each = groups.map((group, index) =>
      t("{group}: {places}, with {mean} conditions on average.", {
        group: t(this.groups[index]),
        places: number(sums.count(group)),
        mean: digit(sums.mean(group)),
      }),
    );
    const policy = { label: t(this.chosen.text), places: number(sums.count(places)) };
    return [
      t("The score predicts {label}, and {places} patients get a place.", policy),
      ...each,
      t("Of {severe} severely ill patients, {without} get none.", { severe: number(missed[1]), without: number(missed[0]) }),
    ].join(" ");
  }

  draw() {
    const now = this.outcome(this.chosen);
    const row = rowsFor(now, this.outcome(this.labels[0]));
    const left = element("div", {}, this.chances(now), strips(t("Whom the places miss"), [this.missedRow(row)]));
    this.live.replaceChildren(this.legend(), element("div", { class: "eq-figures" }, left, this.reach(row)), this.peopleTable(now));
    this.numbers.replaceChildren(this.chancesTable(now), this.reachTable(now));
  }

  legend() {
    const entry = (sample, text) => element("span", { class: "eq-named" }, sample, text);
    const groups = this.groups.map((group, style) => entry(swatch(style), t("{group}, as recorded", { group: t(group) })));
    const before = svg("svg", { viewBox: "0 0 44 18", class: "eq-swatch", "aria-hidden": "true" }, ring(22, 9));
    const first = t("if the score predicts {label}", { label: t(this.labels[0].text) });
    return element("p", { class: "eq-legend" }, ...groups, entry(before, first));
  }

  // For each group and number of conditions, [with a place, patients].
  byIllness({ groups }) {
    return groups.map((group, index) => sums.byIllness(group, this.patients[index], this.severe));
  }

  illness(conditions) {
    return conditions < this.severe ? `${conditions}` : `${conditions}+`;
  }

  chances(now) {
    const label = t("A place, at the same illness");
    const lines = this.byIllness(now).map((pairs) => ({
      points: pairs.map((pair) => sums.share(...pair)),
      band: pairs.map((pair) => interval(...pair)),
      at: this.severe,
    }));
    const values = lines[0].points.map((_, at) => at);
    const x = { values, title: t("active chronic conditions, as recorded"), say: (at) => this.illness(at) };
    return figure(label, t("% of patients; shaded: 95 % interval"), lineChart({ label, x, lines }));
  }

  missedRow(row) {
    const name = t("severely ill ({severe} or more), without a place", this);
    const at = ({ missed }) => sums.share(...missed);
    return row(name, { style: 3, high: 1, say: percent, at, band: ({ missed }) => interval(...missed) });
  }

  reach(row) {
    const marked = row(t("places with patients recorded as {group}", { group: t(this.groups[this.marked]) }), {
      style: this.marked,
      high: 0.4,
      say: percent,
      at: (outcome) => sums.share(...outcome.marked),
      band: (outcome) => interval(...outcome.marked),
    });
    const illness = this.groups.map((group, style) =>
      row(t("their mean conditions, if recorded as {group}", { group: t(group) }), {
        style,
        high: 10,
        say: digit,
        at: ({ groups }) => sums.mean(groups[style]),
        band: ({ groups }) => sums.meanInterval(groups[style]),
      }),
    );
    const reach = this.labels.map(({ name, text }) =>
      row(t("share of {measure}", { measure: t(text) }), { style: 2, high: 0.5, say: percent, at: (outcome) => outcome.reach[name] }),
    );
    const title = t("Whom and what the places reach");
    const rows = [{ ...marked, rules: this.yardsticks() }, ...illness, ...reach];
    return figure(title, t("lines through marks: 95 % interval"), strips(title, rows));
  }

  // Of all patients, and of the severely ill, the share who belong to the group that is marked.
  yardsticks() {
    const of = (counted) => sums.share(counted(this.patients[this.marked]), counted(this.everyone));
    const severe = of((histogram) => sums.atLeast(histogram, this.severe));
    return [
      { at: of(sums.count), say: t("{share} of all patients", { share: percent(of(sums.count)) }) },
      { at: severe, say: t("{share} of the severely ill", { share: percent(severe) }) },
    ];
  }

  peopleTable({ groups, places }) {
    const heads = [
      t("As recorded"),
      t("Patients with a place"),
      t("Their mean conditions (95 % interval)"),
      t("Severely ill ({severe} or more) without a place", this),
    ];
    const row = (name, patients, some) => {
      const range = sums.meanInterval(some)?.map(digit).join(t(" to ")) ?? "–";
      return [name, of(sums.count(some), sums.count(patients)), `${digit(sums.mean(some))} (${range})`, of(...this.missed(patients, some))];
    };
    const rows = this.groups.map((group, index) => row(t(group), this.patients[index], groups[index]));
    const caption = t("Places, if the score predicts {label}", { label: t(this.chosen.text) });
    return table(caption, heads, [...rows, row(t("All together"), this.everyone, places)]);
  }

  chancesTable(now) {
    const columns = this.byIllness(now);
    const rows = columns[0].map((_, at) => [this.illness(at), ...columns.map((pairs) => of(...pairs[at]))]);
    return table(t("Places, at the same illness"), [t("Conditions"), ...this.groups.map((group) => t(group))], rows);
  }

  reachTable({ reach }) {
    const before = this.outcome(this.labels[0]).reach;
    const scores = [this.chosen, this.labels[0]].map(({ text }) => t("if the score predicts {label}", { label: t(text) }));
    const rows = this.labels.map(({ name, text }) => [t(text), percent(reach[name], 1), percent(before[name], 1)]);
    return table(t("What the places reach"), [t("Share of"), ...scores], rows);
  }
}

const digit = (value) => (value === null ? "–" : value.toFixed(1));

function of(part, whole) {
  return t("{part} of {whole} ({share})", { part: number(part), whole: number(whole), share: percent(sums.share(part, whole), 1) });
}

function figure(title, subtitle, picture) {
  return element("figure", {}, element("figcaption", {}, element("strong", {}, title), element("br"), subtitle), picture);
}

function rowsFor(now, before) {
  return (name, { style, high, say, at, band = () => null }) => ({
    name,
    value: say(at(now)),
    high,
    ends: say === digit ? [0, high] : [say(0), say(high)],
    marks: [{ at: at(before) }, { at: at(now), band: band(now), style }],
  });
}

// Rows of marks, each over an axis from 0 to `high`, with words at its ends or at `rules` across it.
const WIDTH = 340;
const AXIS = 32;

function strips(label, rows) {
  let height = 0;
  const drawn = rows.map((row) => {
    const group = svg("g", { transform: `translate(0 ${height})` }, ...strip(row));
    height += row.rules ? 80 : 60;
    return group;
  });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label, class: "eq-chart" }, ...drawn);
}

function strip({ name, value, high, ends, marks, rules }) {
  const place = (at) => 9 + (at / high) * (WIDTH - 18);
  const scale = rules
    ? rules.flatMap(({ at, say }, index) => [
        stroke("eq-rule", [place(at), AXIS - 10], [place(at), 42 + 15 * index]),
        text(say, place(at), 54 + 15 * index, "middle"),
      ])
    : ends.map((say, end) => text(say, place(end * high), 52, end ? "end" : "start"));
  const mark = ({ at, band, style }) => {
    if (at === null) return [];
    if (style === undefined) return [ring(place(at), AXIS)];
    const [low, top] = band ?? [at, at];
    const range = stroke("eq-line", [place(Math.max(0, low)), AXIS], [place(top), AXIS]);
    range.style.setProperty("--eq-series", `var(--eq-series-${style})`);
    return [range, marker(style, [place(at), AXIS])];
  };
  const axis = stroke("eq-axis", [place(0), AXIS], [place(high), AXIS]);
  return [text(name, 0, 14, "start"), text(value, WIDTH, 14, "end"), axis, ...scale, ...marks.flatMap(mark)];
}

function ring(cx, cy) {
  return svg("circle", { cx, cy, r: 7.5, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-dasharray": "3 2" });
}

customElements.define("label-explorer", LabelExplorer);
