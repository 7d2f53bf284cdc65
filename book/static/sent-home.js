// What becomes of the patients whom a risk would send home: sums over the lowest bins of that risk.
//
// A bin is a list of numbers, in the order of FIELDS: how many patients, and how many deaths among them, counted or expected.

export const FIELDS = [
  "patients",
  "died", // in the records, as they were treated
  "icu", // went to intensive care
  "predicted", // by the risk that ranks them
  "adjustedTreated", // by adjustment, with the treatment that each had
  "adjustedHome", // by adjustment, if none had intensive care
  "trueTreated", // by the program that drew them, with the treatment that each had
  "trueHome", // by the program, if none had intensive care
];

// The sums over the bins, by name.
export function sums(bins) {
  return Object.fromEntries(FIELDS.map((field, at) => [field, bins.reduce((sum, bin) => sum + bin[at], 0)]));
}

// Of 1,000; null of none.
export function ofThousand(part, whole) {
  return whole ? (1000 * part) / whole : null;
}
