/**
 * Reads what callers give, from JSON or from JavaScript: members by name, each of its type. A member that nobody knows is
 * refused by name, so that a slip of the pen is not taken for "nothing said".
 */
import { shownText, shownValue } from "../core/shown-value.ts";
import { meant, wrongInput } from "./control-error.ts";

export type Members = Readonly<Record<string, unknown>>;

/** The members of an object; `what` names it in messages. */
export function membersOf(value: unknown, what: string, known: readonly string[]): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongInput(
      `${what} must be an object, not ${shownValue(value)}`,
      ...(known.length === 0 ? [] : [`its members: ${known.join(", ")}`]),
    );
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw wrongInput(`${what} has no member \`${shownText(unknown)}\``, ...meant(unknown, known));
  return value as Members;
}

/** A text, not empty. */
export function textIn(members: Members, name: string): string | undefined {
  const value = valueIn(members, name);
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrongInput(`\`${name}\` must be a text, not ${shownValue(value)}`);
}

/** A whole number within bounds. */
export function integerIn(members: Members, name: string, least: number, most: number): number | undefined {
  const value = valueIn(members, name);
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrongInput(`\`${name}\` must be a whole number from ${least} to ${most}, not ${shownValue(value)}`);
}

export function flagIn(members: Members, name: string): boolean | undefined {
  const value = valueIn(members, name);
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongInput(`\`${name}\` must be true or false, not ${shownValue(value)}`);
}

/** One of the names; a wrong one is answered with the nearest. */
export function choiceIn<T extends string>(members: Members, name: string, choices: readonly T[]): T | undefined {
  const value = textIn(members, name);
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  throw wrongInput(`\`${name}\` cannot be \`${shownText(value)}\``, ...meant(value, choices));
}

/** The member's own value; `undefined` of JavaScript says nothing. */
export const valueIn = (members: Members, name: string): unknown =>
  Object.hasOwn(members, name) ? members[name] : undefined;
