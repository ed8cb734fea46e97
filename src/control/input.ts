/**
 * Reads what callers give, from JSON or from JavaScript: members by name, each of its type. A member that nobody knows is
 * refused by name, so that a slip of the pen is not taken for "nothing said".
 */
import { meant, wrongInput } from "./control-error.ts";

export type Members = Readonly<Record<string, unknown>>;

/** The members of an object; `what` names it in messages. */
export function membersOf(value: unknown, what: string, known: readonly string[]): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongInput(`${what} must be an object, not ${kindOf(value)}`, `its members: ${known.join(", ")}`);
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrongInput(`${what} has no member \`${shown(unknown)}\``, meant(unknown, known));
  return value as Members;
}

/** A text, not empty. */
export function textIn(members: Members, name: string): string | undefined {
  const value = valueIn(members, name);
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrongInput(`\`${name}\` must be a text, not ${kindOf(value)}`);
}

/** A whole number within bounds. */
export function integerIn(members: Members, name: string, least: number, most: number): number | undefined {
  const value = valueIn(members, name);
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrongInput(`\`${name}\` must be a whole number from ${least} to ${most}, not ${kindOf(value)}`);
}

export function flagIn(members: Members, name: string): boolean | undefined {
  const value = valueIn(members, name);
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongInput(`\`${name}\` must be true or false, not ${kindOf(value)}`);
}

/** One of the names; a wrong one is answered with the nearest. */
export function choiceIn<T extends string>(members: Members, name: string, choices: readonly T[]): T | undefined {
  const value = textIn(members, name);
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  throw wrongInput(`\`${name}\` cannot be \`${shown(value)}\``, meant(value, choices));
}

/** The member's own value; `undefined` of JavaScript says nothing. */
export const valueIn = (members: Members, name: string): unknown =>
  Object.hasOwn(members, name) ? members[name] : undefined;

/** A value in a message: no longer than a line. */
export const shown = (text: string): string => {
  const line = text.replace(/[\p{Cc}`]/gu, "?");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
};

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value === "") return "an empty text";
  if (typeof value === "string") return `\`${shown(value)}\``;
  return typeof value === "object" ? "an object" : `\`${String(value)}\``;
}
