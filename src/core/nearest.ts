/** What was probably meant: the name nearest to one that does not exist. For suggestions in messages. */

/** The candidate with the fewest edits, if near enough (a third of the length, at least 2); else undefined. */
export const nearest = (text: string, candidates: Iterable<string>): string | undefined =>
  nearestOnes(text, candidates, 1)[0];

/** Up to `count` candidates that are near enough, nearest first; equally near ones stay in their order. */
export function nearestOnes(text: string, candidates: Iterable<string>, count: number): string[] {
  const limit = Math.max(2, Math.floor(text.length / 3));
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - text.length) > limit) continue;
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit) near.push({ candidate, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance: insertions, deletions and replacements. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
