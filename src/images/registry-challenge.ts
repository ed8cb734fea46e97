/** `WWW-Authenticate` of a registry. Source: https://distribution.github.io/distribution/spec/auth/token/ */

export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads a `WWW-Authenticate` header with one challenge. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const match = /^\s*(basic|bearer)\s+(.*)$/is.exec(header ?? "");
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key = "", quoted, plain] of (match[2] ?? "").matchAll(
    /([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi,
  )) {
    parameters[key.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  }
  return { scheme: match[1]?.toLowerCase() === "basic" ? "basic" : "bearer", parameters };
}
