// A figure made of lanes: each has a name, its value in words, and marks on a scale that all lanes share.
//
// Places across are percentages and names are text of the page, so the figure fills a phone or a screen, and letters keep their size.

import { element, number, svg } from "./elements.js";

const SHAPES = {
  circle: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
  diamond: "M0-6.5L6.5 0L0 6.5L-6.5 0z",
  triangle: "M0-6.5L6.5 5.5H-6.5z",
  square: "M-5-5H5V5H-5z",
};

// `groups` are [title, lanes] pairs. A lane is {name, value, marks, bar, behind, tone, tall}:
// - marks are {at, shape, hollow, up}, where `up` counts the marks below in a tall lane;
// - a bar is {low, high, dashed}: an interval, or a way;
// - `behind(place)` draws what lies behind the marks; `place` turns a value into a percentage.
// A `rule` is a value at which a dashed line runs through all lanes.
export function lanes(label, { from = 0, to, ticks, unit, rule }, groups) {
  const place = (value) => `${(2 + (96 * (Math.min(Math.max(value, from), to) - from)) / (to - from)).toFixed(2)}%`;
  const grid = () => [
    ...ticks.map((tick) => upright(place(tick), tick || rule !== undefined ? "lane-grid" : "lane-grid lane-zero")),
    ...(rule === undefined ? [] : [upright(place(rule), "lane-rule")]),
  ];
  const rows = groups.flatMap(([title, members]) => [
    ...(title ? [element("p", { class: "lane-title" }, title)] : []),
    ...members.map((member) => lane(member, place, grid())),
  ]);
  return element("div", { class: "lanes", role: "img", "aria-label": label }, ...rows, scale(place, ticks, unit));
}

const upright = (x, kind) => svg("line", { x1: x, x2: x, y2: "100%", class: kind });

function lane({ name, value, marks = [], bar, behind, tone = 1, tall = false }, place, grid) {
  const drawing = svg("svg", { class: `lane-marks lane-tone-${tone} ${tall ? "lane-tall" : ""}`, width: "100%" });
  if (behind) drawing.append(...behind(place));
  drawing.append(...grid);
  if (bar)
    drawing.append(
      svg("line", {
        x1: place(bar.low),
        x2: place(bar.high),
        y1: "50%",
        y2: "50%",
        class: bar.dashed ? "lane-bar lane-dashed" : "lane-bar",
      }),
    );
  const step = Math.min(9, 80 / Math.max(1, ...marks.map(({ up }) => up ?? 0)));
  for (const { at, shape, hollow, up } of marks) {
    const y = tall ? 90 - step * up : "50%";
    drawing.append(
      svg("svg", { x: place(at), y, class: hollow ? "lane-mark lane-hollow" : "lane-mark" }, svg("path", { d: SHAPES[shape] })),
    );
  }
  return element(
    "div",
    { class: "lane" },
    element("span", { class: "lane-name" }, name),
    element("span", { class: "lane-value" }, value),
    drawing,
  );
}

function scale(place, ticks, unit) {
  const numbers = ticks.map((tick) => svg("text", { x: place(tick), y: 14, "text-anchor": "middle" }, number(tick).replace("-", "−")));
  const drawing = svg("svg", { class: "lane-marks", width: "100%" }, ...numbers);
  return element("div", { class: "lane lane-scale" }, element("span", { class: "lane-name" }, unit), element("span", {}), drawing);
}
