/**
 * `RUN --mount=…` as written: type, where from, where to, rights. Pure; run-binds.ts makes mounts of them.
 * Source: https://docs.docker.com/reference/dockerfile/#run---mount . Gap: `type=ssh` is refused by name.
 */

import { didYouMean } from "./go-text.ts";
import { DockerfileError, type Lines, parseError } from "./instruction.ts";
import { ramBytes } from "./ram-bytes.ts";

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";

export interface RunMount {
  readonly type: MountType;
  /** A stage, an image or a named context. */
  readonly from: string | undefined;
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  readonly isRequired: boolean;
  /** Of a secret: the variable that holds it. */
  readonly env: string | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Of a tmpfs. */
  readonly sizeBytes: number | undefined;
}

const TYPES: readonly MountType[] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARINGS = ["shared", "private", "locked"] as const;
const KEYS = [
  ...["type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode", "uid", "gid"],
  ...["src", "dst", "destination", "ro", "rw", "readwrite", "env"],
];

/** Throws BuildKit's text for what it would not take. */
export function parseMount(text: string, at: Lines): RunMount {
  const fail = (message: string): never => {
    throw parseError(at, message);
  };
  const given = new Map<string, string | undefined>();
  for (const field of csvFields(text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    if (equals < 0 && !["readonly", "ro", "readwrite", "rw", "required"].includes(key))
      fail(`invalid field '${field}' must be a key=value pair`);
    if (!KEYS.includes(key)) fail(`unexpected key '${key}' in '${field}'${didYouMean(key, KEYS, true)}`);
    given.set(key, equals < 0 ? undefined : field.slice(equals + 1));
  }
  const value = (...names: string[]): string | undefined => {
    for (const name of names) if (given.has(name)) return given.get(name);
    return undefined;
  };
  const isOn = (name: string): boolean | undefined => {
    if (!given.has(name)) return undefined;
    const word = given.get(name);
    if (word === undefined || /^(1|t|true)$/i.test(word)) return true;
    if (/^(0|f|false)$/i.test(word)) return false;
    return fail(`invalid value for ${name}: ${word}`);
  };
  const number = (name: string, radix: 8 | 10): number | undefined => {
    const word = value(name);
    if (word === undefined) return undefined;
    if (!(radix === 8 ? /^[0-7]+$/ : /^\d+$/).test(word)) fail(`invalid value ${word} for ${name}`);
    return Number.parseInt(word, radix);
  };
  const type = (value("type") ?? "bind").toLowerCase() as MountType;
  if (!TYPES.includes(type)) fail(`unsupported mount type ${JSON.stringify(type)}${didYouMean(type, TYPES, true)}`);
  if (type === "ssh") throw new DockerfileError("kiln's embedded builder does not do RUN --mount=type=ssh", at);
  for (const key of ["required", "env"])
    if (given.has(key) && type !== "secret") fail(`unexpected key '${key}' for mount type '${type}'`);
  if (given.has("size") && type !== "tmpfs") fail(`unexpected key 'size' for mount type '${type}'`);
  for (const key of ["mode", "uid", "gid"])
    if (given.has(key) && type !== "secret" && type !== "cache") fail(`${key} not allowed for "${type}" type mounts`);
  const sharing = (value("sharing") ?? "shared").toLowerCase() as RunMount["sharing"];
  if (!SHARINGS.includes(sharing))
    fail(`unsupported sharing value ${JSON.stringify(sharing)}${didYouMean(sharing, SHARINGS, true)}`);
  if (given.has("sharing") && type !== "cache")
    fail(type === "secret" ? "secret mount should not define sharing" : `invalid cache sharing set for ${type} mount`);
  const source = value("source", "src") ?? "";
  const target = value("target", "dst", "destination") ?? "";
  const id = value("id");
  if (type === "secret") {
    if (given.has("from")) fail("secret mount should not have a from");
    if (source === "" && target === "" && id === undefined && !given.has("env"))
      fail("invalid secret mount. one of source, target required");
    if (source !== "" && id !== undefined) fail("both source and id can't be set");
  }
  const size = value("size") ?? "";
  const writes = isOn("rw") ?? isOn("readwrite");
  return {
    ...{ type, from: value("from"), source, target, sharing },
    isReadOnly:
      isOn("ro") ?? isOn("readonly") ?? (writes === undefined ? type === "bind" || type === "secret" : !writes),
    id: id || (type === "secret" ? source || target.slice(target.lastIndexOf("/") + 1) : target),
    isRequired: isOn("required") ?? false,
    env: value("env"),
    ...{ mode: number("mode", 8), uid: number("uid", 10), gid: number("gid", 10) },
    sizeBytes: given.has("size") ? (ramBytes(size) ?? fail(`invalid value for size: ${size}`)) : undefined,
  };
}

/** One line of comma-separated values; a quoted field may hold commas. */
function csvFields(text: string): string[] {
  const fields: string[] = [];
  for (const match of text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
  return fields;
}
