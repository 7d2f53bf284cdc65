// What a quiz counts, apart from the page: an answer is right if it chooses all right options and no other.

// `right` and `chosen` hold a boolean for each option.
export function judge(right, chosen) {
  const found = chosen.filter((yes, n) => yes && right[n]).length;
  const astray = chosen.filter((yes, n) => yes && !right[n]).length;
  const all = right.filter(Boolean).length;
  return { right: found === all && astray === 0, found, all, astray };
}

// `first` holds for each question whether its first try was right, or null if it was not tried.
export function tally(first) {
  const answered = first.filter((one) => one !== null).length;
  return { answered, right: first.filter((one) => one === true).length, all: first.length };
}
