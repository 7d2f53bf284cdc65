// The picture of a ward: for each bed a row of hours, each a bar as high as the score. Above the bars stand the alarms, below
// them what happened. Width, fill and shape tell the marks apart, so that no reader needs the colour.

import { element, svg, t } from "./elements.js";
import { alarms } from "./ward-sums.js";

export const DAY = 24;
export const SHIFT = 12;
const STARTS = 7; // o'clock
const LEFT = 26;
const HOUR = 13;
const ROW = 36;
const BARS = 17; // height of the highest bar, and the score in % that it stands for
const FULL = 30;
const FLOOR = 26; // where a bar stands, from the top of its row
const BELOW = FLOOR + 5;
const across = (hour) => LEFT + HOUR * hour;
const high = (score) => 1 + (Math.min(score, FULL) / FULL) * (BARS - 1);
const path = (d, kind) => svg("path", { d, class: kind });
const at = (x, y, ...marks) => svg("g", { transform: `translate(${x} ${y})` }, ...marks);

export const time = (hour) => `${String((STARTS + hour) % DAY).padStart(2, "0")}:00`;

// `beds` are lists of stays, each with `from`, the hour in which it begins; `first` is the number of the first bed.
export function timeline(beds, first, policy, now, label) {
  const height = ROW * beds.length;
  const words = (text, x, y, anchor) => svg("text", { x, y, "text-anchor": anchor }, `${text}`);
  const night = svg("rect", { x: across(SHIFT), width: HOUR * SHIFT, height, class: "we-night" });
  const number = (row) => words(first + row, LEFT - 6, FLOOR, "end");
  const rows = beds.map((stays, row) => at(0, ROW * row, number(row), ...stays.flatMap((stay) => drawn(stay, policy))));
  const hours = [0, 6, 12, 18, 24].map((hour) => words(time(hour), across(hour), height + 17, { 0: "start", 24: "end" }[hour] ?? "middle"));
  const hand = path(`M${across(now)} 0V${height}`, "eq-rule");
  const size = `0 0 ${across(DAY) + 2} ${height + 22}`;
  return svg("svg", { viewBox: size, role: "img", "aria-label": label, class: "eq-chart" }, night, ...rows, hand, ...hours);
}

function drawn(stay, policy) {
  const { scores, onset, culture, from } = stay;
  const { rung, silenced } = alarms(stay, policy);
  const middle = (hour) => across(from + hour + 0.5);
  const [start, end] = [across(from) + 1.5, across(from + scores.length) - 2];
  const marks = [path(`M${start} ${FLOOR - 4}v4.5H${end}`, "we-stay")];
  if (policy.threshold <= FULL) marks.push(path(`M${start} ${FLOOR - high(policy.threshold)}H${end}`, "we-line"));
  marks.push(...scores.map((score, hour) => at(middle(hour), FLOOR, bar(score, score >= policy.threshold))));
  marks.push(...rung.map((hour) => at(middle(hour), 0, alarm("we-rung"))));
  marks.push(...silenced.map((hour) => at(middle(hour), 0, alarm("we-silenced"))));
  if (onset !== null) marks.push(at(across(from + onset), BELOW, sepsis(end - across(from + onset))));
  if (culture !== null) marks.push(at(middle(culture), BELOW, ring()));
  return marks;
}

function bar(score, up) {
  const width = up ? HOUR - 2 : 4;
  return svg("rect", { x: -width / 2, width, y: -high(score), height: high(score), class: up ? "we-up" : "we-score" });
}

const alarm = (kind) => path("M-4.5 0.5H4.5L0 7.5Z", kind);
const ring = () => svg("circle", { r: 3.4, class: "we-culture" });
const sepsis = (length) => svg("g", {}, path(`M0 0H${length}`, "we-septic"), path("M-4.5 0l4.5 -4.5l4.5 4.5l-4.5 4.5Z", "we-onset"));

export function legend() {
  const bars = (up) => [5, 12, 20].map((score, hour) => at(5 + hour * 10, 16, bar(score, up)));
  const entries = [
    [bars(false), t("score, hour by hour")],
    [bars(true), t("high enough for an alarm")],
    [[at(15, 5, alarm("we-rung"))], t("alarm")],
    [[at(15, 5, alarm("we-silenced"))], t("alarm kept silent")],
    [[at(15, 9, ring())], t("first culture ordered")],
    [[at(6, 9, sepsis(23))], t("sepsis, from the recorded onset")],
  ];
  const sample = (marks) => svg("svg", { viewBox: "0 0 30 18", class: "eq-swatch", "aria-hidden": "true" }, ...marks);
  const named = ([marks, text]) => element("span", { class: "eq-named" }, sample(marks), text);
  return element("p", { class: "eq-legend" }, ...entries.map(named));
}
