// 95 % intervals, as the labs calculate them. Pure functions, apart from the page, so that they can be held against SciPy.

// Wilson's 95 % interval for a share, as [low, high].
export function interval(part, whole) {
  if (!whole) return null;
  const z = 1.959963984540054;
  const middle = part + (z * z) / 2;
  const half = z * Math.sqrt((part * (whole - part)) / whole + (z * z) / 4);
  return [middle - half, middle + half].map((edge) => Math.min(1, Math.max(0, edge / (whole + z * z))));
}

// Newcombe's interval for part / whole - otherPart / otherWhole, made of the two Wilson intervals: [low, high], or null.
export function differenceInterval(part, whole, otherPart, otherWhole) {
  if (!whole || !otherWhole) return null;
  const [one, other] = [part / whole, otherPart / otherWhole];
  const [[low, high], [otherLow, otherHigh]] = [interval(part, whole), interval(otherPart, otherWhole)];
  return [one - other - Math.hypot(one - low, otherHigh - other), one - other + Math.hypot(high - one, other - otherLow)];
}
