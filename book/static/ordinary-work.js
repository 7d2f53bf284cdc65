// What chosen films say about a hospital's ordinary work, in which fewer patients are ill. Pure, so that it can be tested alone.

// Of 1,000 ordinary films, how many are flagged, how many of these show the illness, and how many do in all. `stands` says how many
// ordinary films each chosen one stands for, ill and well.
export function ofThousandOrdinary({ tp, fn, fp, tn }, stands) {
  const all = stands.ill * (tp + fn) + stands.well * (fp + tn);
  const part = (weighted) => (1000 * weighted) / all;
  return { flagged: part(stands.ill * tp + stands.well * fp), found: part(stands.ill * tp), ill: part(stands.ill * (tp + fn)) };
}
