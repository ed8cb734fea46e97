/** What the control API refuses, with the HTTP status that says so; the library throws the same errors. */
import { KilnError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";

export class ControlError extends KilnError {
  readonly status: number;

  constructor(status: number, code: `KILN_E_CONTROL_${string}`, message: string, ...fix: string[]) {
    super({ code, message, fix, exitCode: 2 });
    this.status = status;
  }
}

/** A value that the caller gave and that cannot be used. */
export const wrongInput = (message: string, ...fix: string[]): ControlError =>
  new ControlError(400, "KILN_E_CONTROL_INPUT", message, ...fix);

export const notFound = (message: string, ...fix: string[]): ControlError =>
  new ControlError(404, "KILN_E_CONTROL_NOT_FOUND", message, ...fix);

/** What a fix may list; nobody reads more. */
const MAX_LISTED = 60;

/** `did you mean …` where a name is near enough, else all of them; nothing where that helps nobody. */
export function meant(given: string, names: readonly string[]): readonly string[] {
  const near = nearest(given, names);
  if (near !== undefined) return [`did you mean \`${near}\`?`];
  return names.length === 0 || names.length > MAX_LISTED ? [] : [`one of: ${names.join(", ")}`];
}
