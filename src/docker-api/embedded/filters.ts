/**
 * The `filters` parameter of lists, prunes and events: `{"label":["a=b"]}`, or the older `{"label":{"a=b":true}}`.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (`filters` of each call).
 */
import { ApiError } from "./api.ts";

export class Filters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  private constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Throws docker's answer for text that is none, and for a name that is not in `allowed`. */
  static of(query: URLSearchParams, allowed: readonly string[]): Filters {
    const text = query.get("filters") ?? "";
    const values = new Map<string, readonly string[]>();
    if (text === "") return new Filters(values);
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (error) {
      throw new ApiError(400, `invalid filter: ${(error as Error).message}`);
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
      throw new ApiError(400, "invalid filter: not an object");
    for (const [name, value] of Object.entries(parsed)) {
      if (!allowed.includes(name)) throw new ApiError(400, `invalid filter '${name}'`);
      if (Array.isArray(value)) values.set(name, value.map(String));
      else if (typeof value === "object" && value !== null) values.set(name, Object.keys(value));
      else throw new ApiError(400, `invalid filter '${name}'`);
    }
    return new Filters(values);
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Whether one of the filter's values matches; also when there is none of that name. */
  some(name: string, matches: (value: string) => boolean): boolean {
    const values = this.values(name);
    return values.length === 0 || values.some(matches);
  }

  /** Docker's rule for labels: every `name` or `name=value` given has to be there, every one of `label!` not. */
  labels(labels: Readonly<Record<string, string>> | undefined): boolean {
    const has = (wanted: string): boolean => {
      const [name = "", ...value] = wanted.split("=");
      return labels !== undefined && name in labels && (value.length === 0 || labels[name] === value.join("="));
    };
    return this.values("label").every(has) && !this.values("label!").some(has);
  }

  /** A filter that is true or false; undefined when it is not given. */
  flag(name: string): boolean | undefined {
    const [value] = this.values(name);
    if (value === undefined) return undefined;
    if (["1", "true", "t"].includes(value.toLowerCase())) return true;
    if (["0", "false", "f"].includes(value.toLowerCase())) return false;
    throw new ApiError(400, `invalid filter '${name}=[${value}]'`);
  }
}

/** Seconds since the epoch with a fraction, or an RFC 3339 time, as clients give `since` and `until`; undefined when absent. */
export function timeParameter(text: string | null | undefined, name: string, nowMs: number): number | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (duration) {
    const [, hours = "0", minutes = "0", seconds = "0"] = duration;
    return nowMs - ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  }
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) throw new ApiError(400, `invalid value for "${name}": ${text}`);
  return parsed;
}
