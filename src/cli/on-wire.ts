/**
 * What CodeBuild's operations answer inside Kiln, as JSON on the wire has it: times are epoch seconds with a fraction, where
 * Kiln has milliseconds. The one conversion of what commands print with `-o json`.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
 */

/** Members of type Timestamp in CodeBuild's API; no member of another type has one of these names. */
export const TIME_MEMBERS: ReadonlySet<string> = new Set([
  "created",
  "endTime",
  "expired",
  "lastModified",
  "lastModifiedSecret",
  "requestTime",
  "requestedOn",
  "startTime",
  "submitTime",
]);

/** A build, batch, report or sandbox, or a list of them, with its times in seconds. */
export const onWire = <T>(value: T): T => inSeconds(value) as T;

function inSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSeconds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      typeof member === "number" && TIME_MEMBERS.has(name) ? member / 1000 : inSeconds(member),
    ]),
  );
}
