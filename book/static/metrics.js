// What the explorers count. Pure functions, apart from the page, so that Node can hold them against fairlearn and scikit-learn.
//
// A group is {cases, others}: two histograms of a score, for those who have the condition and those who have not. Bin i counts
// the scores from thresholds[i - 1] up to, but not including, thresholds[i], so there is one bin more than thresholds, and at a
// threshold nothing is approximated. A share of nobody is null: there is no such share, and 0 would be a claim.

// The histogram of `scores` over ascending `thresholds`.
export function histogram(scores, thresholds) {
  const bins = new Array(thresholds.length + 1).fill(0);
  for (const score of scores) bins[thresholds.filter((threshold) => threshold <= score).length] += 1;
  return bins;
}

// True and false positives and negatives if everyone is acted on whose score is "above" (at or over) or "below" (strictly
// under) the threshold of index `at`.
export function confusion({ cases, others }, at, act = "above") {
  const [casesUnder, casesOver] = split(cases, at);
  const [othersUnder, othersOver] = split(others, at);
  return act === "above"
    ? { tp: casesOver, fn: casesUnder, fp: othersOver, tn: othersUnder }
    : { tp: casesUnder, fn: casesOver, fp: othersUnder, tn: othersOver };
}

const split = (bins, at) => [sum(bins.slice(0, at + 1)), sum(bins.slice(at + 1))];
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// The counts of several groups together.
export function pooled(counts) {
  const total = { tp: 0, fn: 0, fp: 0, tn: 0 };
  for (const group of counts) for (const name of Object.keys(total)) total[name] += group[name];
  return total;
}

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

// Wilson's 95 % interval for a share, as [low, high].
export function interval(part, whole) {
  if (!whole) return null;
  const z = 1.959963984540054;
  const middle = part + (z * z) / 2;
  const half = z * Math.sqrt((part * (whole - part)) / whole + (z * z) / 4);
  return [middle - half, middle + half].map((edge) => Math.min(1, Math.max(0, edge / (whole + z * z))));
}
