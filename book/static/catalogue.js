// Filters for the catalogue. Codes and words come from the cards: a card's classes hold the codes, which no translation changes, and
// its lists the words, in the same order. What is chosen stands in the address, so that a link can be shared.
import { button, element, status, t } from "./elements.js";

const FACETS = { level: t("Level"), specialty: t("Field"), principle: t("Principle"), competency: t("Competency"), region: t("Region") };

// What a card is about: {facet: Map(code → words)}.
export function facetsOf(classes, words) {
  const coded = (facet) => classes.filter((name) => name.startsWith(`${facet}-`)).map((name) => name.slice(facet.length + 1));
  return Object.fromEntries(
    Object.keys(FACETS).map((facet) => [facet, new Map(coded(facet).map((code, place) => [code, words[facet][place]]))]),
  );
}

// Whether a card fits every choice; a facet without a choice lets everything through.
export function fits(facets, chosen) {
  return Object.entries(chosen).every(([facet, code]) => !code || facets[facet].has(code));
}

// How many cards would be left for each code of a facet, the other choices standing: {code: number}.
export function left(cards, chosen, facet) {
  const others = { ...chosen, [facet]: "" };
  const codes = new Set(cards.flatMap((card) => [...card[facet].keys()]));
  return Object.fromEntries([...codes].map((code) => [code, cards.filter((card) => fits(card, { ...others, [facet]: code })).length]));
}

// The choices in an address's query; what the catalogue does not know is left out.
export function choicesIn(query, cards) {
  const asked = new URLSearchParams(query);
  const known = (facet, code) => (cards.some((card) => card[facet].has(code)) ? code : "");
  return Object.fromEntries(Object.keys(FACETS).map((facet) => [facet, known(facet, asked.get(facet) ?? "")]));
}

// The query for choices, "" if there is none.
export function queryOf(chosen) {
  const query = new URLSearchParams(Object.entries(chosen).filter(([, code]) => code)).toString();
  return query && `?${query}`;
}

function read(card) {
  const words = (facet) => [...card.querySelectorAll(`.eq-tags.${facet} li`)].map((item) => item.textContent.trim());
  return facetsOf([...card.classList], Object.fromEntries(Object.keys(FACETS).map((facet) => [facet, words(facet)])));
}

function wordsByCode(cards, facet) {
  const pairs = cards.flatMap((card) => [...card[facet]]);
  return facet === "level" || facet === "competency" ? [...new Map(pairs)] : [...new Map(pairs)].sort((a, b) => a[1].localeCompare(b[1]));
}

function select(facet, cards, choose) {
  const options = wordsByCode(cards, facet).map(([value, words]) => element("option", { value, "data-words": words }, words));
  const list = element("select", { name: facet }, element("option", { value: "" }, t("Any")), ...options);
  list.addEventListener("change", () => choose(facet, list.value));
  return element("label", {}, element("span", {}, FACETS[facet]), list);
}

function start(grid) {
  const places = [...grid.querySelectorAll(".eq-case")];
  const cards = places.map(read);
  const chosen = choicesIn(location.search, cards);
  const { region, say } = status();
  const lists = Object.keys(FACETS).map((facet) => select(facet, cards, choose));
  const clear = button(t("Show all"), () => {
    for (const facet of Object.keys(FACETS)) chosen[facet] = "";
    show();
    lists[0].querySelector("select").focus();
  });
  const form = element("form", { class: "eq-filter", role: "search", "aria-label": t("Filter the cases") }, ...lists);
  form.append(element("div", { class: "eq-found" }, region, clear));
  form.addEventListener("submit", (event) => event.preventDefault());

  function choose(facet, code) {
    chosen[facet] = code;
    show();
  }

  function show() {
    const found = cards.map((card) => fits(card, chosen));
    places.forEach((place, number) => (place.hidden = !found[number]));
    for (const label of lists) fill(label.querySelector("select"));
    const some = queryOf(chosen);
    clear.hidden = !some;
    history.replaceState(history.state, "", `${location.pathname}${some}${location.hash}`);
    const number = found.filter(Boolean).length;
    say(number ? t("{number} of {all} cases", { number, all: cards.length }) : t("No case fits all of these."));
  }

  function fill(list) {
    const numbers = left(cards, chosen, list.name);
    list.value = chosen[list.name];
    for (const option of list.querySelectorAll("option[data-words]")) {
      option.textContent = `${option.dataset.words} (${numbers[option.value]})`;
      option.disabled = !numbers[option.value] && option.value !== list.value;
    }
  }

  grid.before(form);
  show();
}

const grid = globalThis.document?.querySelector(".eq-catalogue");
if (grid) start(grid);
