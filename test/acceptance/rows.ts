/**
 * The acceptance list of `kiln explain`: what AWS's troubleshooting pages (T), real builds' logs (R) and the pitfalls of
 * known documents (P) show, one row each. A row says how it is shown and what the answer must hold.
 */

/** Every id of the list, in order. */
export const ROW_IDS: readonly string[] = [
  ...range("T", 1, 10),
  ...["T11a", "T11b", "T11c", "T11d", "T11e"],
  ...range("T", 12, 39),
  ...range("R", 1, 34),
  ...range("P", 1, 12),
];

function range(letter: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${letter}${String(from + index).padStart(2, "0")}`);
}

export interface Expected {
  readonly id: string;
  readonly code: string;
  /** Found beside a build, or in one that succeeded. */
  readonly isBeside?: true;
  /** Words of the cause. */
  readonly says: string;
  /** 1-based line of the buildspec. */
  readonly line?: number;
  /** Setting of the project, as CreateProject names it. */
  readonly field?: string;
  readonly fix: "edit" | "command" | "policy" | "next";
}

/** A row shown by what somebody saved from AWS. */
export interface SavedRow extends Expected {
  readonly shown: "log" | "build";
  /** Why it cannot happen on Kiln. */
  readonly notReal: string;
  readonly log?: string;
  /** JSON, or the text of a refused call. */
  readonly build?: unknown;
  readonly files?: Readonly<Record<string, string>>;
}

/** What is compared, of `kiln explain -o json`. */
export interface Explained {
  readonly outcome: string;
  readonly code: string;
  readonly cause: string;
  readonly line?: number;
  readonly field?: { readonly path: string };
  readonly fix?: { readonly kind: string };
  readonly next?: string;
  readonly prove?: string;
  readonly sources: readonly string[];
  readonly evidence: readonly string[];
  readonly consequences: readonly string[];
  readonly confidence?: string;
  readonly alsoSeen: readonly Explained[];
}

/** What of a diagnosis a row is about. */
export function foundIn(diagnosis: Explained, row: Expected): Partial<Explained> {
  if (!row.isBeside) return diagnosis;
  return (
    diagnosis.alsoSeen.find(({ code }) => code === row.code) ?? { code: diagnosis.code, alsoSeen: diagnosis.alsoSeen }
  );
}

/** What is right or wrong about an answer, as one object that a test compares. */
export const shortOf = (found: Partial<Explained>) => ({
  code: found.code,
  cause: found.cause,
  ...(found.line === undefined ? {} : { line: found.line }),
  ...(found.field === undefined ? {} : { field: found.field.path }),
  fix: found.fix?.kind ?? (found.next === undefined ? "none" : "next"),
});
