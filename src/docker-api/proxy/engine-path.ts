/**
 * The path of a call as the engine's router reads it. That undoes percent-encoding and takes any number for a version
 * (`/v1.41.0/…`), so a path that is looked at as it was sent could be another one there.
 */

/** Without `/v1.43`; undefined for a target that docker's clients do not send. */
export function enginePath(target: string): string | undefined {
  const [sent = ""] = target.split("?", 1);
  // What clients encode in names: slash, colon, at.
  if (!sent.startsWith("/") || /%(?!2f|3a|40)/i.test(sent)) return undefined;
  const path = decodeURIComponent(sent).replace(/^\/v[0-9.]+(?=\/)/, "");
  const segments = path.split("/").slice(1);
  return segments.some((segment) => ["", ".", ".."].includes(segment)) ? undefined : path;
}
