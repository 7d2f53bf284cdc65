// The 95 % interval of a difference, as the labs calculate it. Pure, apart from the page, so that it can be tested alone.

import { interval } from "./metrics.js";

// Newcombe's interval for part / whole - otherPart / otherWhole, made of the two Wilson intervals: [low, high], or null.
export function differenceInterval(part, whole, otherPart, otherWhole) {
  if (!whole || !otherWhole) return null;
  const [one, other] = [part / whole, otherPart / otherWhole];
  const [[low, high], [otherLow, otherHigh]] = [interval(part, whole), interval(otherPart, otherWhole)];
  return [one - other - Math.hypot(one - low, otherHigh - other), one - other + Math.hypot(high - one, other - otherLow)];
}
