/** `MaxResults` and `NextToken`: the token is opaque, and says after which item the next page starts. */
import { invalidNextToken } from "./errors.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly token: { readonly NextToken?: string };
}

/** `idOf` must be unique among `items`. A token whose item is gone goes on at the first item sorted behind it. */
export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  request: { readonly NextToken?: string | undefined },
  pageSize: number,
): Page<T> {
  const start = request.NextToken === undefined ? 0 : startAfter(items.map(idOf), decode(request.NextToken));
  const page = items.slice(start, start + pageSize);
  const last = page.at(-1);
  if (last === undefined || start + page.length >= items.length) return { items: page, token: {} };
  return { items: page, token: { NextToken: encode(start + page.length, idOf(last)) } };
}

function startAfter(ids: readonly string[], { position, id }: Position): number {
  const index = ids.indexOf(id);
  return index < 0 ? Math.min(position, ids.length) : index + 1;
}

interface Position {
  readonly position: number;
  readonly id: string;
}

const encode = (position: number, id: string): string =>
  Buffer.from(JSON.stringify(["kiln-1", position, id])).toString("base64");

function decode(token: string): Position {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, "base64").toString());
  } catch {
    throw invalidNextToken();
  }
  if (!Array.isArray(parts)) throw invalidNextToken();
  const [mark, position, id] = parts as unknown[];
  if (mark !== "kiln-1" || typeof position !== "number" || typeof id !== "string") throw invalidNextToken();
  return { position, id };
}
