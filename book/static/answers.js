// Answers of a small language model, drawn word by word from its chances. Pure functions of a seed, apart from the page.
//
// A prompt has three lists of chances, in any unit, for the three places at which the model has a choice: the first word, whose first
// entry begins advice while all others lead to no advice; the cause; the test. Between these places it never has one.

// The chances at a temperature: a low one keeps to the likeliest words.
export function cooled(chances, temperature) {
  const highest = Math.max(...chances);
  const weights = chances.map((chance) => (chance / highest) ** (1 / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

// Numbers from 0 to 1 that follow from the seed (the generator is known as mulberry32).
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// `number` answers, each [cause, test] by their places in the lists, or null for no advice. Whoever asks for more with the same
// seed gets the same answers first.
export function ask(prompt, number, temperature, seed) {
  const [first, causes, tests] = prompt.map((chances) => cooled(chances, temperature));
  const next = random(seed);
  return Array.from({ length: number }, () => {
    const draws = [next(), next(), next()]; // always three, so that answers do not depend on those before
    return pick(first, draws[0]) ? null : [pick(causes, draws[1]), pick(tests, draws[2])];
  });
}

function pick(chances, draw) {
  let sum = 0;
  const at = chances.findIndex((chance) => (sum += chance) > draw);
  return at < 0 ? chances.length - 1 : at;
}

// Of the answers that are advice, how many have, at `place` (0 for the cause, 1 for the test), one of the `wanted`: [part, whole].
export function count(answers, place, wanted) {
  const advice = answers.filter(Boolean);
  return [advice.filter((answer) => wanted.includes(answer[place])).length, advice.length];
}

// The share that endless asking would lead to.
export function inTheLongRun(prompt, place, wanted, temperature) {
  const chances = cooled(prompt[1 + place], temperature);
  return wanted.reduce((sum, word) => sum + chances[word], 0);
}
