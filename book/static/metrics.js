// What the explorers say of counts. Pure functions, apart from the page, so that Node can hold them against fairlearn and scikit-learn.
//
// A share of nobody is null: there is no such share, and 0 would be a claim.

export { confusion, histogram, pooled } from "./counts.js";
export { interval } from "./intervals.js";

export const size = ({ tp, fn, fp, tn }) => tp + fn + fp + tn;
export const positives = ({ tp, fn }) => tp + fn;
export const selected = ({ tp, fp }) => tp + fp;

export const share = (part, whole) => (whole ? part / whole : null);
export const selectionRate = (counts) => share(selected(counts), size(counts));
export const sensitivity = ({ tp, fn }) => share(tp, tp + fn); // fairlearn's true_positive_rate
export const falseNegativeRate = ({ tp, fn }) => share(fn, tp + fn);
export const falsePositiveRate = ({ fp, tn }) => share(fp, fp + tn);
export const ppv = ({ tp, fp }) => share(tp, tp + fp); // scikit-learn's precision

// The largest difference, and the smallest ratio, between any two groups; groups without a share are left out.
export function difference(shares) {
  const known = shares.filter((one) => one !== null);
  return known.length ? Math.max(...known) - Math.min(...known) : null;
}

export function ratio(shares) {
  const known = shares.filter((one) => one !== null);
  return known.length ? share(Math.min(...known), Math.max(...known)) : null;
}

// True positives for each person, less false positives weighed by the odds of the risk at which acting is just worth it.
export function netBenefit(counts, risk) {
  return size(counts) ? (counts.tp - (counts.fp * risk) / (1 - risk)) / size(counts) : null;
}
