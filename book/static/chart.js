// Lines over one axis, as SVG: dash, marker and colour tell them apart, so that no reader needs the colour.
//
// A chart is a picture with a name. The numbers stand in a table beside it, which whoever draws a chart brings along.

import { percent, svg } from "./elements.js";

const WIDTH = 340;
const HEIGHT = 236;
const EDGE = { left: 52, right: 12, top: 10, bottom: 46 };
const DASHES = ["none", "7 4", "1 5", "9 4 1 4"];
// Markers of about the same area around 0, 0.
const MARKERS = [
  "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0Z",
  "M-5 -5H5V5H-5Z",
  "M0 -6.5L6.2 5H-6.2Z",
  "M0 -7L7 0L0 7L-7 0Z",
];

// `x` is {values, title, say}: what the points of every line stand over. `y` is {high, ticks, say}, shares in percent unless
// told otherwise. A line is {points, band, at}: heights, null where there is none; if wanted, [low, high] around each; and the
// index of the point that is marked. The index `rule` gets a vertical line.
export function lineChart({ label, x, y = {}, lines, rule = null }) {
  const { high = 1, ticks = [0, 0.25, 0.5, 0.75, 1], say = (height) => percent(height) } = y;
  const { values } = x;
  const [first, last] = [values[0], values.at(-1)];
  const across = (value) => EDGE.left + ((value - first) / (last - first)) * (WIDTH - EDGE.left - EDGE.right);
  const up = (height) => HEIGHT - EDGE.bottom - (height / high) * (HEIGHT - EDGE.top - EDGE.bottom);
  const place = (point, index) => [across(values[index]), up(point)];
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "eq-chart" });
  for (const height of ticks) {
    picture.append(stroke("eq-grid", [EDGE.left, up(height)], [WIDTH - EDGE.right, up(height)]));
    picture.append(text(say(height), EDGE.left - 6, up(height) + 4, "end"));
  }
  for (const value of rounds(first, last)) {
    picture.append(stroke("eq-axis", [across(value), up(0)], [across(value), up(0) + 5]));
    picture.append(text(x.say(value), across(value), up(0) + 19, "middle"));
  }
  picture.append(stroke("eq-axis", [EDGE.left, up(0)], [WIDTH - EDGE.right, up(0)]));
  picture.append(text(x.title, (EDGE.left + WIDTH - EDGE.right) / 2, HEIGHT - 6, "middle"));
  if (rule !== null) picture.append(stroke("eq-rule", [across(values[rule]), EDGE.top], [across(values[rule]), up(0)]));
  for (const [style, { band }] of lines.entries()) {
    if (band) picture.append(area(band, place, style));
  }
  for (const [style, { points }] of lines.entries()) picture.append(path(points, place, style));
  for (const [style, { points, at = null }] of lines.entries()) {
    if (at !== null && points[at] !== null) picture.append(marker(style, place(points[at], at)));
  }
  return picture;
}

// A short piece of a line with its marker, for a legend: put it before the line's name.
export function swatch(style) {
  const line = svg("path", { d: "M1 9H43", class: "eq-line", ...look(style) });
  return svg("svg", { viewBox: "0 0 44 18", class: "eq-swatch", "aria-hidden": "true" }, line, marker(style, [22, 9]));
}

const look = (style) => ({ style: `--eq-series: var(--eq-series-${style % 4})`, "stroke-dasharray": DASHES[style % 4] });

export function marker(style, [left, top]) {
  return svg("path", { d: MARKERS[style % 4], class: "eq-marker", ...look(style), transform: `translate(${left} ${top})` });
}

function path(points, place, style) {
  let pen = "M";
  const steps = points.map((point, index) => {
    const step = point === null ? "" : pen + place(point, index).map((at) => at.toFixed(1)).join(" ");
    pen = point === null ? "M" : "L";
    return step;
  });
  return svg("path", { d: steps.join(""), class: "eq-line", ...look(style) });
}

function area(band, place, style) {
  const known = [...band.entries()].filter(([, edges]) => edges);
  const side = (edge) => known.map(([index, edges]) => place(edges[edge], index).map((at) => at.toFixed(1)).join(" "));
  const outline = [...side(0), ...side(1).reverse()].join("L");
  return svg("path", { d: outline ? `M${outline}Z` : "", class: "eq-band", ...look(style) });
}

export function stroke(kind, [left, top], [right, bottom]) {
  return svg("path", { d: `M${left} ${top}L${right} ${bottom}`, class: kind });
}

export function text(words, left, top, anchor) {
  return svg("text", { x: left, y: top, "text-anchor": anchor }, words);
}

// Four to eight round numbers from `first` to `last`, for the ticks of an axis.
export function rounds(first, last) {
  const rough = (last - first) / 7;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find((times) => times * ten >= rough);
  const ticks = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last + step / 1e6; tick += step) ticks.push(Number(tick.toFixed(9)));
  return ticks;
}
