// What the label explorer counts, apart from the page, so that Node can hold it against pandas and fairlearn.
//
// A histogram counts patients by recorded conditions: histogram[3] patients have three. A label brings `placed[step][group]`, a
// histogram of those who get a place when the number of places grows by that step.

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const add = (one, other) => one.map((number, index) => number + other[index]);

// Those with a place after `step`, a histogram for each group.
export function admitted({ placed }, step) {
  return placed.slice(0, step + 1).reduce((before, more) => before.map((group, index) => add(group, more[index])));
}

// A share of nobody is null.
export const share = (part, whole) => (whole ? part / whole : null);

// The share of `total` that falls on those with a place; `steps` says what each step adds.
export const reached = (steps, step, total) => share(sum(steps.slice(0, step + 1)), total);

export const together = (histograms) => histograms.reduce(add);
export const count = (histogram) => sum(histogram);
export const conditions = (histogram) => sum(histogram.map((patients, illness) => patients * illness));
export const atLeast = (histogram, illness) => sum(histogram.slice(illness));

// Mean conditions, and 1.96 standard errors to either side; null for too few.
export function mean(histogram) {
  return share(conditions(histogram), count(histogram));
}

export function meanInterval(histogram) {
  const patients = count(histogram);
  if (patients < 2) return null;
  const middle = mean(histogram);
  const spread = sum(histogram.map((some, illness) => some * (illness - middle) ** 2)) / (patients - 1);
  const half = 1.96 * Math.sqrt(spread / patients);
  return [middle - half, middle + half];
}

// [with a place, patients] by number of conditions from 0 to `severe`, the last for that many or more.
export function byIllness(withPlace, everyone, severe) {
  const cut = (histogram) => [...histogram.slice(0, severe), atLeast(histogram, severe)];
  const all = cut(everyone);
  return cut(withPlace).map((places, illness) => [places, all[illness]]);
}
