// What the ward explorer counts. Pure functions, apart from the page, so that Node can hold them against pandas.
//
// A stay is {scores, onset, culture}: the score of each hour, in whole percent; the hour, from 0, in which the hospital's
// definition of sepsis is met, and that of the first culture; null if there is none. A policy is {threshold, silence}: an alarm
// rings when the score gets to the threshold, unless one has rung for this patient in the `silence` hours before. A threshold of
// Infinity switches alarms off.

export function decode([text, onset, culture]) {
  return { scores: [...text].map((digit) => parseInt(digit, 36)), onset, culture };
}

// The stay as far as it is known after `hours`.
export function seen({ scores, onset, culture }, hours) {
  const known = (hour) => (hour !== null && hour < hours ? hour : null);
  return { scores: scores.slice(0, Math.max(0, hours)), onset: known(onset), culture: known(culture) };
}

// The hours in which an alarm rings, and those in which it would have but for the silence.
export function alarms({ scores }, { threshold, silence }) {
  const rung = [];
  const silenced = [];
  scores.forEach((score, hour) => {
    if (score < threshold || (hour && scores[hour - 1] >= threshold)) return;
    (rung.length && hour - rung.at(-1) <= silence ? silenced : rung).push(hour);
  });
  return { rung, silenced };
}

// A stay's alarms; with sepsis, whether the first came "in time" (before the onset), "late" or "never", whether it was news (no
// culture yet), and how many hours from the onset on passed without alarm or culture.
export function fate(stay, policy) {
  const { rung, silenced } = alarms(stay, policy);
  const first = rung[0] ?? null;
  if (stay.onset === null) return { rung, silenced, first, found: null };
  const found = first === null ? "never" : first < stay.onset ? "in time" : "late";
  const news = found === "in time" && !(stay.culture !== null && stay.culture <= first);
  const noticed = Math.min(first ?? Infinity, stay.culture ?? Infinity, stay.scores.length);
  return { rung, silenced, first, found, news, unnoticed: noticed >= stay.onset, waited: Math.max(0, noticed - stay.onset) };
}

// Sums over stays. `vain` counts stays without sepsis that had an alarm.
export function tally(stays, policy) {
  const total = { stays: stays.length, hours: 0, alarms: 0, silenced: 0, septic: 0, vain: 0 };
  Object.assign(total, { inTime: 0, news: 0, late: 0, never: 0, unnoticed: 0, waited: 0 });
  for (const stay of stays) {
    const { rung, silenced, found, news, unnoticed, waited } = fate(stay, policy);
    total.hours += stay.scores.length;
    total.alarms += rung.length;
    total.silenced += silenced.length;
    if (found === null) {
      total.vain += rung.length > 0;
      continue;
    }
    total.septic += 1;
    total.inTime += found === "in time";
    total.late += found === "late";
    total.never += found === "never";
    total.news += news;
    total.unnoticed += unnoticed;
    total.waited += waited;
  }
  return total;
}

export const perNurseShift = ({ alarms, hours }, patients, shift) => (hours ? (alarms / hours) * patients * shift : null);
