/**
 * Image references as docker reads them, over symbols: `${REG}/app:${TAG}` is split where a known value would be.
 * Source: https://github.com/distribution/reference (grammar of a reference).
 */

export interface ImageReference {
  /** Registry: `docker.io` when none is written; undefined when the first part is a variable that may hold it. */
  readonly host: string | undefined;
  /** Everything before the tag. */
  readonly name: string;
  /** `latest` when none is written; undefined when the last part is a variable that may hold one. */
  readonly tag: string | undefined;
}

/** The parts of a symbol outside `${…}` and `$(…)`, with those as single characters, so that `:` and `/` in them do not count. */
function flat(symbol: string): { text: string; restore: (text: string) => string } {
  const gaps: string[] = [];
  let text = "";
  for (let at = 0; at < symbol.length; ) {
    const end = gapEnd(symbol, at);
    if (end === at) text += symbol[at++];
    else {
      text += String.fromCharCode(0xe000 + gaps.push(symbol.slice(at, end)) - 1);
      at = end;
    }
  }
  return { text, restore: (part) => part.replace(GAP, (gap) => gaps[gap.charCodeAt(0) - 0xe000] ?? gap) };
}

const GAP = /[\ue000-\uf8ff]/g;
const isGap = (text: string): boolean => /^[\ue000-\uf8ff]+$/.test(text);
const hasGap = (text: string): boolean => /[\ue000-\uf8ff]/.test(text);

/** Where the `${…}`, `$(…)` or `` `…` `` at `start` ends; `start` when there is none. */
function gapEnd(symbol: string, start: number): number {
  if (symbol[start] === "`") {
    const end = symbol.indexOf("`", start + 1);
    return end === -1 ? start : end + 1;
  }
  if (symbol[start] !== "$" || !/[{(]/.test(symbol[start + 1] ?? "")) return start;
  let depth = 0;
  for (let at = start + 1; at < symbol.length; at++) {
    if (/[{(]/.test(symbol[at] ?? "")) depth++;
    if (/[})]/.test(symbol[at] ?? "") && --depth === 0) return at + 1;
  }
  return start;
}

export function imageReference(symbol: string): ImageReference {
  const { text, restore } = flat(symbol.replace(/@sha256:[0-9a-f]+$/, ""));
  const slash = text.indexOf("/");
  const first = slash === -1 ? "" : text.slice(0, slash);
  const last = text.slice(text.lastIndexOf("/") + 1);
  const colon = last.lastIndexOf(":");
  const name = colon === -1 ? text : text.slice(0, text.length - last.length + colon);
  const tag = colon === -1 ? (isGap(last.slice(-1)) ? undefined : "latest") : restore(last.slice(colon + 1));
  return { host: hostOf(first, text, restore), name: restore(name), tag };
}

function hostOf(first: string, text: string, restore: (text: string) => string): string | undefined {
  // `:tag` of a variable that is empty here, `$` of a value that nobody expanded: another value is meant.
  if (/^:|\$/.test(text)) return undefined;
  if (first === "") return isGap(text.slice(0, 1)) ? undefined : "docker.io";
  if (/[.:]/.test(first) || first === "localhost") return restore(first).replace(/^index\.docker\.io$/, "docker.io");
  return hasGap(first) ? undefined : "docker.io";
}

/** Does the symbol hold a variable or a command whose value nobody knows? */
export const isOpen = (symbol: string): boolean => hasGap(flat(symbol).text);

/** The registry that a `docker login HOST` is for. Without a word it is Docker Hub. */
export function registryOf(symbol: string | undefined): string {
  if (symbol === undefined) return "docker.io";
  const host = symbol.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return /^(index\.|registry-1\.|registry\.hub\.)?docker\.(io|com)$/.test(host) ? "docker.io" : host;
}

export type RegistryKind = "hub" | "ecr" | "ecr-public" | "quay" | "ghcr" | "gcr" | "gitlab" | "other";

/** Which product a registry is; undefined when a variable hides it. */
export function registryKind(host: string | undefined): RegistryKind | undefined {
  if (host === undefined) return undefined;
  if (host === "docker.io") return "hub";
  if (/^public\.ecr\.aws$/.test(host)) return "ecr-public";
  if (/\.dkr[.-]ecr/.test(host)) return "ecr";
  if (host === "quay.io") return "quay";
  if (host === "ghcr.io") return "ghcr";
  if (/(^|\.)gcr\.io$|\.pkg\.dev$/.test(host)) return "gcr";
  if (host === "registry.gitlab.com") return "gitlab";
  return isOpen(host) ? undefined : "other";
}
