// Who is acted on at a threshold, counted from histograms. Pure functions, so that Node can hold them against fairlearn.
//
// A group is {cases, others}: two histograms of a score, for those who have the condition and those who have not. Bin i counts
// the scores from thresholds[i - 1] up to, but not including, thresholds[i], so there is one bin more than thresholds, and
// nothing is approximated.

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
