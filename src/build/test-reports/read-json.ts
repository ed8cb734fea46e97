/** JSON of unknown shape, read without trusting it: what is not of the kind asked for is absent. */
import { err, ok, type Result } from "../../core/result.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function readJson(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch (error) {
    return err(`JSON syntax error: ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`);
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const valueIn = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** The objects of a list; empty where there is none. */
export function objectsIn(object: JsonObject, name: string): readonly JsonObject[] {
  const value = valueIn(object, name);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textIn(object: JsonObject, name: string): string | undefined {
  const value = valueIn(object, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberIn(object: JsonObject, name: string): number {
  const value = valueIn(object, name);
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
