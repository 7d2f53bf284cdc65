// Marker on or off: the reader exchanges or covers the letter on films, moves the threshold, and sees what the model then says where.
//
// The data, for each of the `letters` (as they are, exchanged, covered): AUROCs, thresholds, and for each room two histograms of the
// score over these thresholds (see counts.js) and two over even steps, to draw. `films` are a few, all in one picture, with a score
// for each letter.

import { confusion, pooled } from "./counts.js";
import { choice, data, element, number, percent, slider, status, svg, t, table } from "./elements.js";
import { interval } from "./intervals.js";
import { lanes } from "./lanes.js";
import { ofThousandOrdinary } from "./ordinary-work.js";

const SHARES = { min: 50, max: 95, step: 2.5 }; // % of the ill that are found at home; a threshold for each, the lowest finds most
const EXCHANGED = 1;
const COVERED = 2;
const LOWEST = -9; // where the histograms begin, on the scale of the score
const WIDTH = 0.75; // of their columns

class MarkerExplorer extends HTMLElement {
  connectedCallback() {
    Object.assign(this, { facts: data(this), film: 0, letter: 0, share: 80 });
    this.style.setProperty("--sprite", `url("${this.facts.sprite}")`);
    this.style.setProperty("--films", this.facts.films.length);
    this.picture = element("div");
    this.figure = element("div");
    this.said = status();
    const [letters, threshold, films] = this.controls();
    this.append(
      element("div", { class: "marker-view" }, this.picture, element("div", {}, films, letters)),
      threshold,
      this.said.region,
      this.figure,
    );
    this.show();
    this.said.region.textContent = this.summary();
  }

  controls() {
    const change = (name) => (value) => {
      this[name] = value;
      this.show();
      this.said.say(this.summary());
    };
    const films = this.facts.films.map((film, at) => [at, this.called(film, at)]);
    const share = {
      ...SHARES,
      value: this.share,
      say: (value) => t("finds {share} % of the ill at home", { share: value }),
      then: change("share"),
    };
    return [
      choice(
        t("The letters in C"),
        this.facts.letters.map(({ label }, at) => [at, t(label)]),
        this.letter,
        change("letter"),
      ),
      slider(t("Threshold"), share),
      choice(t("A film from C"), films, this.film, change("film")),
    ];
  }

  called({ room, ill }, at) {
    const words = { n: at + 1, room };
    return ill ? t("film {n}: room {room}, pneumonia", words) : t("film {n}: room {room}, no pneumonia", words);
  }

  get now() {
    return this.facts.letters[this.letter];
  }

  get at() {
    return (SHARES.max - this.share) / SHARES.step;
  }

  get threshold() {
    return this.now.thresholds[this.at];
  }

  // True and false positives and negatives in each room.
  get counts() {
    return this.now.rooms.map((room) => confusion(room, this.at));
  }

  // The letter that lies on a film of a room, R or L.
  lies(room) {
    if (this.letter === COVERED) return t("no letter");
    return (room === 1) === (this.letter !== EXCHANGED) ? "R" : "L";
  }

  show() {
    const heads = [t("Films of C"), ...[1, 2].map((room) => t("Room {room} ({letter})", { room, letter: this.lies(room) }))];
    this.picture.replaceChildren(this.drawnFilm());
    this.figure.replaceChildren(this.scores(), table(t("At this threshold"), heads, this.rows()));
  }

  drawnFilm() {
    const film = this.facts.films[this.film];
    const label = t("Phantom chest film {n}. In the upper corners: {letter}.", { n: this.film + 1, letter: this.lies(film.room) });
    const over = { [EXCHANGED]: ["marker-edge"], [COVERED]: ["marker-cover", "marker-cover"] }[this.letter] ?? [];
    const parts = over.map((kind) => element("div", { class: kind }));
    return element("div", { class: "marker-film", role: "img", "aria-label": label, style: `--film: ${this.film}` }, ...parts);
  }

  scores() {
    const film = this.facts.films[this.film];
    const score = film.scores[this.letter];
    const name = this.called(film, this.film);
    const value = score >= this.threshold ? t("likely") : t("unlikely");
    const one = { name, value, marks: [{ at: score, shape: "diamond" }], tone: 3 };
    if (this.letter === EXCHANGED) {
      one.bar = { low: film.scores[0], high: score, dashed: true };
      one.marks.unshift({ at: film.scores[0], shape: "diamond", hollow: true });
    }
    const rooms = this.now.rooms.map((room, at) => [
      t("Room {room} ({letter})", { room: at + 1, letter: this.lies(at + 1) }),
      [
        { name: t("ill, and found"), value: this.shareOf("tp", "fn", at), behind: this.columns(room.drawn[0]), tone: 2 },
        { name: t("well, and flagged"), value: this.shareOf("fp", "tn", at), behind: this.columns(room.drawn[1]), tone: 1 },
      ],
    ]);
    const scale = {
      from: LOWEST,
      to: -LOWEST,
      ticks: [-8, -4, 0, 4, 8],
      rule: this.threshold,
      unit: t("score; right of the dashed line: pneumonia likely"),
    };
    return lanes(this.summary(), scale, [[t("What the model says"), [one]], ...rooms]);
  }

  // A histogram. The highest column fills its lane; columns before the threshold are pale.
  columns(counts) {
    const most = Math.max(...counts);
    return (place) =>
      counts.map((count, at) => {
        const [left, right] = [at, at + 1].map((edge) => LOWEST + edge * WIDTH);
        const height = (92 * count) / most;
        const width = `${parseFloat(place(right)) - parseFloat(place(left))}%`;
        const kind = (left + right) / 2 < this.threshold ? "marker-column marker-pale" : "marker-column";
        return svg("rect", { x: place(left), width, y: `${100 - height}%`, height: `${height}%`, class: kind });
      });
  }

  shareOf(flagged, passed, room) {
    const counts = this.counts[room];
    return percent(counts[flagged] / (counts[flagged] + counts[passed]));
  }

  rows() {
    const cell =
      (part, rest) =>
      ({ [part]: found, [rest]: left }) => {
        const [low, high] = interval(found, found + left).map((bound) => percent(bound));
        return t("{part} of {whole}: {share} ({low} to {high})", {
          part: number(found),
          whole: number(found + left),
          share: percent(found / (found + left)),
          low,
          high,
        });
      };
    return [
      [t("Ill, and found"), ...this.counts.map(cell("tp", "fn"))],
      [t("Well, and flagged"), ...this.counts.map(cell("fp", "tn"))],
      [t("AUROC within the room"), ...this.now.rooms.map(({ auroc }) => number(auroc, 2))],
    ];
  }

  summary() {
    const { flagged, found, ill } = ofThousandOrdinary(pooled(this.counts), this.facts.stands);
    const [one, two] = [0, 1].map((room) => this.shareOf("tp", "fn", room));
    const { home, away } = this.now.auroc;
    return [
      t("AUROC {away} in C, {home} at home.", { away: number(away, 2), home: number(home, 2) }),
      t("Of the ill in C, {one} are found in room 1 and {two} in room 2.", { one, two }),
      t("Of 1,000 ordinary films {n} are flagged, among them {found} of the {ill} ill.", {
        n: number(flagged),
        found: number(found, 1),
        ill: number(ill, 1),
      }),
    ].join(" ");
  }
}

customElements.define("marker-explorer", MarkerExplorer);
