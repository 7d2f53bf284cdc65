// What the reading station counts. Pure functions of a list of reads, apart from the page so that they can be tested alone.
//
// A read is {film, truth, advice, first, firstSure, second, secondSure}: truth and answers are 1 (pneumonia) or 0 (none),
// confidence is 50 to 100 (%). `first` is given before the advice is seen, `second` after.

export const COLUMNS = ["film", "truth", "advice", "first", "first_sure", "second", "second_sure"];

// Shares are null where there is nothing to take a share of.
export function score(reads) {
  const conflicts = reads.filter((read) => read.first !== read.advice);
  const switches = conflicts.filter((read) => read.second === read.advice);
  // Of two different answers to yes or no, one is right: a switch helps where the advice is right, and harms where not.
  const adviceWasRight = (read) => read.advice === read.truth;
  const harmful = switches.filter((read) => !adviceWasRight(read));
  return {
    reads: reads.length,
    alone: share(reads.filter((read) => read.first === read.truth), reads),
    withAdvice: share(reads.filter((read) => read.second === read.truth), reads),
    conflicts: conflicts.length,
    switches: switches.length,
    switchRate: share(switches, conflicts),
    adviceRight: conflicts.filter(adviceWasRight).length,
    helpful: switches.length - harmful.length,
    adviceWrong: conflicts.length - conflicts.filter(adviceWasRight).length,
    harmful: harmful.length,
    harmfulShare: share(harmful, switches),
    againstAgreement: reads.filter((read) => read.first === read.advice && read.second !== read.first).length,
  };
}

// The reads as the text of a CSV file, which the lab can load.
export function toCsv(reads) {
  const rows = reads.map((read) =>
    [read.film, read.truth, read.advice, read.first, read.firstSure, read.second, read.secondSure].join(","),
  );
  return [COLUMNS.join(","), ...rows].join("\n") + "\n";
}

function share(part, whole) {
  return whole.length ? part.length / whole.length : null;
}
