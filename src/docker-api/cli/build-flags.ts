/** The flags of `docker build`: read, or refused by name where Kiln's builder has no such thing. */

import { ramBytes } from "../../dockerfile/ram-bytes.ts";
import { InvalidReference, parseReference } from "../../images/reference.ts";
import { type FlagSpec, flagOf, isSet, listOf, type ParsedFlags, UsageError } from "./flags.ts";

export const BUILD_FLAGS: readonly FlagSpec[] = [
  { name: "tag", short: "t", kind: "list" },
  { name: "file", short: "f", kind: "string" },
  { name: "build-arg", kind: "list" },
  { name: "label", kind: "list" },
  { name: "target", kind: "string" },
  { name: "network", kind: "string" },
  { name: "platform", kind: "list" },
  { name: "progress", kind: "string" },
  { name: "cache-from", kind: "list" },
  { name: "cache-to", kind: "list" },
  { name: "add-host", kind: "list" },
  { name: "ulimit", kind: "list" },
  { name: "shm-size", kind: "string" },
  { name: "secret", kind: "list" },
  { name: "ssh", kind: "list" },
  { name: "output", short: "o", kind: "list" },
  { name: "iidfile", kind: "string" },
  { name: "metadata-file", kind: "string" },
  { name: "builder", kind: "string" },
  { name: "build-context", kind: "list" },
  { name: "no-cache-filter", kind: "list" },
  { name: "provenance", kind: "string" },
  { name: "sbom", kind: "string" },
  { name: "attest", kind: "list" },
  { name: "annotation", kind: "list" },
  { name: "allow", kind: "list" },
  { name: "call", kind: "string" },
  { name: "cgroup-parent", kind: "string" },
  { name: "check", kind: "bool" },
  { name: "debug", short: "D", kind: "bool" },
  { name: "no-cache", kind: "bool" },
  { name: "pull", kind: "bool" },
  { name: "rm", kind: "bool" },
  { name: "force-rm", kind: "bool" },
  { name: "load", kind: "bool" },
  { name: "push", kind: "bool" },
  { name: "quiet", short: "q", kind: "bool" },
];

/** Flags that only BuildKit has. */
const BUILDKIT_ONLY =
  "secret ssh output metadata-file builder build-context no-cache-filter provenance sbom attest annotation allow call check push load cache-to";

const refused = (what: string): Error =>
  new Error(`kiln's docker does not do ${what}; the docker CLI with buildx does more`);

/** Throws for flags that would be left out. */
export function checkBuildFlags(flags: ParsedFlags, isBuildKit: boolean): void {
  const given = (name: string): readonly string[] => listOf(flags, name);
  if (!isBuildKit)
    for (const name of BUILDKIT_ONLY.split(" "))
      if (flags.flags.has(name))
        throw new Error(
          `the --${name} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
        );
  for (const name of ["ssh", "build-context", "annotation", "cgroup-parent"])
    if (given(name).length > 0) throw refused(`--${name}`);
  for (const name of ["provenance", "sbom"])
    if (!["", "false", "0"].includes(flagOf(flags, name) ?? "")) throw refused(`--${name}`);
  for (const text of given("attest")) if (!/(^|,)disabled=(true|1)(,|$)/.test(text)) throw refused(`--attest ${text}`);
  if (isSet(flags, "check") || !["", "build"].includes(flagOf(flags, "call") ?? ""))
    throw refused("--check and --call");
  for (const text of given("allow")) if (text !== "network.host") throw refused(`--allow ${text}`);
  if (!["", "default"].includes(flagOf(flags, "builder") ?? ""))
    throw new Error(`no builder "${flagOf(flags, "builder")}" found`);
  for (const text of given("cache-to"))
    if (!/^type=inline(,|$)/.test(text)) throw refused(`--cache-to ${text} (type=inline only)`);
  for (const text of given("output"))
    if (!/^(type=(image|docker|registry)(,(push=(true|false)|name=[^,]*))*)$/.test(text))
      throw refused(`--output ${text} (images only)`);
  const progress = flagOf(flags, "progress") ?? "auto";
  if (!["auto", "plain", "tty", "quiet"].includes(progress)) throw refused(`--progress ${progress}`);
}

/** Names from `--tag`, and from `--output type=image,name=…`. */
export function buildTags(flags: ParsedFlags, isBuildKit: boolean): string[] {
  const named = listOf(flags, "output").flatMap((text) => /(?:^|,)name=([^,]*)/.exec(text)?.[1] ?? []);
  const tags = [...listOf(flags, "tag"), ...named];
  for (const text of tags) {
    try {
      parseReference(text);
    } catch (error) {
      if (!(error instanceof InvalidReference)) throw error;
      if (isBuildKit) throw new Error(`invalid tag "${text}": ${error.message}`);
      throw new UsageError(`invalid argument "${text}" for "-t, --tag" flag: ${error.message}`);
    }
  }
  return tags;
}

export const isPush = (flags: ParsedFlags): boolean =>
  isSet(flags, "push") || listOf(flags, "output").some((text) => /(^type=registry|(^|,)push=true)(,|$)/.test(text));

/** The reference of a `--cache-from`, as a name or as `type=registry,ref=name`. */
export function cacheReferences(flags: ParsedFlags): string[] {
  return listOf(flags, "cache-from").map((text) => {
    if (!text.includes("=")) return text;
    const fields = new Map(
      text.split(",").map((part): [string, string] => [part.split("=")[0] ?? "", part.slice(part.indexOf("=") + 1)]),
    );
    const ref = fields.get("ref");
    if (fields.get("type") !== "registry" || ref === undefined)
      throw refused(`--cache-from ${text} (type=registry only)`);
    return ref;
  });
}

/** `64m`, `1g`, `1024`. */
export function bytesOfSize(text: string): number {
  const bytes = ramBytes(text);
  if (bytes === undefined)
    throw new UsageError(`invalid argument "${text}" for "--shm-size" flag: invalid size: '${text}'`);
  return bytes;
}

/** `name=soft[:hard]` as the API has it. */
export function ulimitOf(text: string): { Name: string; Soft: number; Hard: number } {
  const [, name = "", soft = "", hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === "")
    throw new UsageError(`invalid argument "${text}" for "--ulimit" flag: invalid ulimit argument: ${text}`);
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

/** `NAME=value`, or `NAME` for the variable of that name. */
export function argumentsOf(given: readonly string[], environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    given.flatMap((text): [string, string][] => {
      const at = text.indexOf("=");
      if (at >= 0) return [[text.slice(0, at), text.slice(at + 1)]];
      const value = environment[text];
      return value === undefined ? [] : [[text, value]];
    }),
  );
}
