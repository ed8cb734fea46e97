/** What was probably meant: the name nearest to one that does not exist. For suggestions in messages. */

/** The candidate with the fewest edits, if near enough (a third of the length, at least 2); else undefined. */
export const nearest = (text: string, candidates: Iterable<string>): string | undefined =>
  nearestOnes(text, candidates, 1)[0];

/** What is longer is no name that somebody mistyped, and costs the square of its length. */
const MAX_LENGTH = 300;

/** Up to `count` candidates that are near enough, nearest first; equally near ones stay in their order. */
export function nearestOnes(text: string, candidates: Iterable<string>, count: number): string[] {
  if (text.length > MAX_LENGTH) return [];
  const limit = Math.max(2, Math.floor(text.length / 3));
  const wanted = text.toLowerCase();
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    // Before its letters are looked at: of a whole tree's paths few are of that length.
    if (Math.abs(candidate.length - text.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase(), limit);
    if (distance <= limit) near.push({ candidate, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance: insertions, deletions and replacements. Above `limit` it is only known to be above. */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY;
  // What both begin and end with changes nothing: of two paths that is most.
  let start = 0;
  while (start < a.length && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a.charCodeAt(endA - 1) === b.charCodeAt(endB - 1)) {
    endA--;
    endB--;
  }
  return distanceOf(a.slice(start, endA), b.slice(start, endB), limit);
}

function distanceOf(a: string, b: string, limit: number): number {
  // One row, overwritten from left to right: `diagonal` is what stood left of the place in the row before.
  const row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const letter = a.charCodeAt(i - 1);
    let diagonal = i - 1;
    let left = i;
    let least = i;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      left = Math.min(diagonal + (letter === b.charCodeAt(j - 1) ? 0 : 1), above + 1, left + 1);
      diagonal = above;
      row[j] = left;
      if (left < least) least = left;
    }
    if (least > limit) return Number.POSITIVE_INFINITY;
  }
  return row[b.length] ?? 0;
}
