// The ward explorer: the reader sets from which score an alarm rings and how long it then keeps quiet, lets a day on a simulated
// ward pass, and sees whom the nurses are called to, whom the alarm finds in time, and whom nobody notices.
//
// The page brings a few days, drawn by lot, and for each policy sums over the whole hospital (see ward-sums.js).

import { button, data, element, number, percent, slider, status, t, table } from "./elements.js";
import { alarms, decode, fate, perNurseShift, seen, tally } from "./ward-sums.js";
import { DAY, SHIFT, legend, time, timeline } from "./ward-timeline.js";

const PACE = 700; // milliseconds for an hour

class WardExplorer extends HTMLElement {
  connectedCallback() {
    Object.assign(this, data(this), { day: 0, hour: DAY, quiet: 0 }); // lowest, highest, threshold, silences, days, hospital
    this.status = status();
    this.ward = element("div", { class: "eq-figures" });
    this.tables = element("div");
    this.play = button("", () => this.toggle());
    const step = button(t("One hour on"), () => this.step());
    const other = button(t("Another day"), () => this.change({ day: (this.day + 1) % this.days.length }));
    const controls = element("div", { class: "eq-sliders" }, this.thresholdSlider(), this.silenceSlider(), this.clock());
    this.append(controls, this.play, step, other, this.status.region, legend(), this.ward, this.tables);
    this.draw();
    this.status.region.textContent = this.summary();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  // Beyond the highest threshold alarms are off.
  thresholdSlider() {
    const say = (threshold) => (threshold > this.highest ? t("never: it is switched off") : `${threshold} %`);
    return this.slider("threshold", t("Alarm from a score of"), this.lowest, this.highest + 1, say);
  }

  silenceSlider() {
    const say = (quiet) => (quiet ? t("{hours} hours, same patient", { hours: this.silences[quiet] }) : t("none: each rise rings"));
    return this.slider("quiet", t("Silence after an alarm"), 0, this.silences.length - 1, say);
  }

  clock() {
    const made = this.slider("hour", t("Time"), 0, DAY, (hour) => t("{time} ({hour} of 24 hours)", { time: time(hour), hour }));
    this.hand = made.querySelector("input");
    return made;
  }

  slider(what, label, min, max, say) {
    return slider(label, { min, max, step: 1, value: this[what], say, then: (value) => this.change({ [what]: value }) });
  }

  // Moves the clock as a reader's hand would.
  to(hour) {
    this.hand.value = hour;
    this.hand.dispatchEvent(new Event("input"));
  }

  // Whoever asks for less motion gets the end of the day, or its start, at once.
  toggle() {
    if (this.timer) return this.pause();
    if (still()) return this.to(this.hour < DAY ? DAY : 0);
    this.status.region.setAttribute("aria-live", "off"); // read aloud hour by hour, it would never stop
    this.timer = setInterval(() => this.tick(), PACE);
    this.to(this.hour < DAY ? this.hour : 0);
  }

  tick() {
    this.to(this.hour + 1);
    if (this.hour === DAY) this.pause();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.status.region.removeAttribute("aria-live");
    this.change({});
  }

  step() {
    if (this.timer) this.pause();
    this.to(this.hour < DAY ? this.hour + 1 : 0);
  }

  change(what) {
    Object.assign(this, what);
    this.draw();
    if (this.timer) this.status.region.textContent = this.summary();
    else this.status.say(this.summary());
  }

  get policy() {
    return { threshold: this.threshold > this.highest ? Infinity : this.threshold, silence: this.silences[this.quiet] };
  }

  // For each nurse the beds, each with its stays as far as the clock has come.
  get nurses() {
    let bed = 0;
    return this.days[this.day].map((beds) => beds.map((stays) => placed(stays.map(decode), ++bed, this.hour)));
  }

  draw() {
    const { nurses } = this;
    const stays = nurses.flat(2);
    this.ward.replaceChildren(...nurses.map((beds, index) => this.nurse(beds, index)));
    this.tables.replaceChildren(this.patientTable(stays), this.policyTable(tally(stays, this.policy)));
    const jump = this.hour < DAY ? t("To the end of the day") : t("To the start of the day");
    this.play.textContent = this.timer ? t("Pause") : still() ? jump : t("Play");
  }

  nurse(beds, index) {
    const rung = beds.flat().flatMap((stay) => alarms(stay, this.policy).rung.map((hour) => stay.from + hour));
    const day = rung.filter((hour) => hour < SHIFT).length;
    const first = beds.length * index + 1;
    const title = t("Beds {first} to {last}", { first, last: first + beds.length - 1 });
    const caption = t("Alarms for their nurse: {day} by day, {night} by night", { day, night: rung.length - day });
    const heading = element("figcaption", {}, element("strong", {}, title), element("br"), caption);
    return element("figure", {}, heading, timeline(beds, first, this.policy, this.hour, title));
  }

  summary() {
    const total = tally(this.nurses.flat(2), this.policy);
    const rate = digit(perNurseShift(total, this.hospital.patients, SHIFT));
    const when = { day: this.day + 1, days: this.days.length, time: time(this.hour) };
    return [
      t("Day {day} of {days}, {time}: {alarms} alarms so far, {rate} for one nurse in one shift.", { ...when, ...total, rate }),
      t("Patients with sepsis: {septic}. The alarm came in time for {inTime}, late for {late}, never for {never}.", total),
    ].join(" ");
  }

  // Whoever has sepsis stands first.
  patientTable(stays) {
    const heads = [t("Bed"), t("Alarms (kept silent)"), t("First culture"), t("Onset of sepsis"), t("First alarm came")];
    const fates = stays.map((stay) => ({ ...stay, ...fate(stay, this.policy) }));
    const septic = fates.filter(({ found }) => found);
    const others = fates.filter(({ found, first }) => !found && first !== null);
    const caption = t("Patients with sepsis or with an alarm, until {time}", { time: time(this.hour) });
    return table(caption, heads, [...septic, ...others].map(patient));
  }

  policyTable(ward) {
    const { hospital, quiet } = this;
    const level = this.threshold - this.lowest;
    const all = Object.fromEntries(Object.entries(hospital.found).map(([name, sums]) => [name, sums[level]]));
    const rung = hospital.alarms.map((levels) => levels[level]);
    const never = hospital.septic - all.inTime - all.late;
    Object.assign(all, hospital, { never, alarms: rung[quiet], silenced: rung[0] - rung[quiet] });
    const heads = [t("What this policy does"), t("this ward so far"), t(hospital.name, { stays: number(hospital.stays) })];
    const rows = measures(hospital.patients).map(([name, say]) => [name, say(ward, few), say(all, many)]);
    return table(t("One day, and two years"), heads, rows);
  }
}

// The rows of the table of the policy. Of a few patients only numbers are told, of many also a share.
function measures(patients) {
  return [
    [t("alarms for one nurse in one shift"), (sums) => digit(perNurseShift(sums, patients, SHIFT))],
    [t("alarms kept silent"), ({ silenced }) => number(silenced)],
    [t("patients without sepsis who had an alarm"), ({ vain, stays, septic }, of) => of(vain, stays - septic)],
    [t("patients with an alarm before any onset: those with sepsis (PPV)"), ({ inTime, vain }, of) => of(inTime, inTime + vain)],
    [t("patients with sepsis: alarm before the onset (sensitivity)"), ({ inTime, septic }, of) => of(inTime, septic)],
    [t("… of these, before anyone ordered a culture"), ({ news, inTime }, of) => of(news, inTime)],
    [t("… alarm only after the onset"), ({ late, septic }, of) => of(late, septic)],
    [t("… no alarm"), ({ never, septic }, of) => of(never, septic)],
    [t("… neither alarm nor culture before the onset"), ({ unnoticed, septic }, of) => of(unnoticed, septic)],
    [t("hours with sepsis until an alarm or a culture came"), ({ waited }) => number(waited)],
  ];
}

const few = (part, whole) => t("{part} of {whole}", { part: number(part), whole: number(whole) });
const many = (part, whole) => (whole ? `${percent(part / whole, 1)} (${few(part, whole)})` : "–");
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const digit = (value) => (value === null ? "–" : value.toFixed(1));

// A row of the table of patients.
function patient({ bed, from, rung, silenced, culture, onset, first, found, news }) {
  const at = (hour) => (hour === null ? "–" : time(from + hour));
  const hours = Math.abs(first - onset);
  const early = news ? t("{hours} h early, before any culture", { hours }) : t("{hours} h early, not before a culture", { hours });
  const words = { "in time": early, late: t("{hours} h late", { hours }), never: t("never") };
  const rang = [...rung.map(at), ...silenced.map((hour) => `(${at(hour)})`)].join(" ") || "–";
  return [`${bed}`, rang, at(culture), at(onset), words[found] ?? t("no sepsis recorded")];
}

// The stays of one bed, one after the other, those left out that have not begun.
function placed(stays, bed, now) {
  let from = 0;
  return stays.flatMap((stay) => {
    const here = { ...seen(stay, now - from), bed, from };
    from += stay.scores.length;
    return here.scores.length ? [here] : [];
  });
}

customElements.define("ward-explorer", WardExplorer);
