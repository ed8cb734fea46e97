/** Sizes as docker takes them: of a tmpfs in a Dockerfile, of memory on its command line. Source: docker's go-units. */

/** `64m`, `1g`, `1024`: powers of 1024; undefined when it is no size. */
export function ramBytes(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  return Math.floor(Number(amount) * 1024 ** " kmgtp".indexOf(unit.toLowerCase() || " "));
}
