/** Whether two patterns with `*` and `?` have a text in common: what a policy allows, and what a build may ask for. */

/** True when some text matches both. Linear in the product of the lengths; case-sensitive. */
export function globsOverlap(a: string, b: string): boolean {
  // reach[j]: the part of `a` read so far and the first j characters of `b` can stand for one text.
  let reach = firstRow(b);
  for (const ofA of a) {
    const next: boolean[] = [ofA === "*" && reach[0] === true];
    for (let j = 1; j <= b.length; j++) {
      const ofB = b[j - 1];
      next[j] =
        ofA === "*" || ofB === "*"
          ? (ofA === "*" && (reach[j] === true || next[j - 1] === true)) ||
            (ofB === "*" && (next[j - 1] === true || reach[j] === true)) ||
            reach[j - 1] === true
          : reach[j - 1] === true && (ofA === "?" || ofB === "?" || ofA === ofB);
    }
    reach = next;
  }
  return reach[b.length] === true;
}

function firstRow(b: string): boolean[] {
  const row = [true];
  for (let j = 1; j <= b.length; j++) row[j] = row[j - 1] === true && b[j - 1] === "*";
  return row;
}

/** ARNs are compared part by part: `*` stays within one of the first five. A lone `*` is everything. */
export function arnsOverlap(a: string, b: string): boolean {
  if (a === "*" || b === "*") return true;
  const [ofA, ofB] = [arnParts(a), arnParts(b)];
  return ofA.length === ofB.length && ofA.every((part, index) => globsOverlap(part, ofB[index] ?? ""));
}

function arnParts(arn: string): string[] {
  const parts = arn.split(":");
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
}
