/**
 * What Kiln's own CLI sends before the archive in the body of `POST /build`: JSON of the length that the header tells.
 * BuildKit's clients hand the same over in their sessions.
 */

export const PREAMBLE_HEADER = "x-kiln-preamble-bytes";

/** Contents as base64. */
export interface BuildPreamble {
  /** By id. */
  readonly secrets: Readonly<Record<string, string>>;
  /** A Dockerfile that is not in the archive. */
  readonly dockerfile?: { readonly name: string; readonly contents: string };
}
