// What every interactive part of a page is made of: elements, controls, a live region, a table, and words in the page's language.
//
// A part is a custom element. The page brings its data as JSON inside the element, and works without the part: no JavaScript, no loss.

// English text in the language of the page, with {name} filled in from `values`. A page in another language brings its
// catalogue; what is missing there stays English.
export function t(text, values = {}) {
  const known = catalogue()[text] ?? text;
  return known.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

let loaded;
function catalogue() {
  const island = globalThis.document?.getElementById("equipoise-words");
  return (loaded ??= island ? JSON.parse(island.textContent) : {});
}

export function data(part) {
  return JSON.parse(part.querySelector("script[type='application/json']").textContent);
}

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function button(text, then) {
  const made = element("button", { type: "button", class: "eq-button" }, text);
  made.addEventListener("click", then);
  return made;
}

// A labelled slider which shows its value in words; `say(value)` gives them, to eyes and to screen readers.
export function slider(label, { min, max, step, value, say, then }) {
  const shown = element("output", { "aria-hidden": "true" }, say(value));
  const input = element("input", { type: "range", min, max, step, value, "aria-valuetext": say(value) });
  input.addEventListener("input", () => {
    const now = Number(input.value);
    shown.textContent = say(now);
    input.setAttribute("aria-valuetext", say(now));
    then(now);
  });
  return element("label", { class: "eq-control" }, element("span", {}, label), input, shown);
}

// One of several, as radio buttons. `options` are [value, text] pairs.
export function choice(legend, options, chosen, then) {
  const name = `eq-${(choice.count = (choice.count ?? 0) + 1)}`;
  const labels = options.map(([value, text]) => {
    const input = element("input", { type: "radio", name, value });
    input.checked = value === chosen;
    input.addEventListener("change", () => then(value));
    return element("label", { class: "eq-choice" }, input, " ", text);
  });
  return element("fieldset", { class: "eq-control" }, element("legend", {}, legend), ...labels);
}

// A table whose first column names its rows: the figure in numbers, for those who cannot see it and those who can.
export function table(caption, heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map(([name, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, cell))),
  );
  const whole = element("table", {}, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "eq-table", tabindex: "0", role: "region", "aria-label": caption }, whole);
}

// A polite live region that speaks once the reader has paused: a slider that is dragged must not chatter.
export function status() {
  const region = element("p", { class: "eq-status", role: "status" });
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (region.textContent = text), 600);
  };
  return { region, say };
}

// With a space that does not break, so that a number is not parted from its sign.
export const percent = (share, digits = 0) => (share === null || Number.isNaN(share) ? "–" : `${(100 * share).toFixed(digits)}\u00a0%`);

// As English writes it, in every language.
export const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
