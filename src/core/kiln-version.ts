import { readFileSync } from "node:fs";

/** This package's version, from its package.json. */
export function kilnVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
