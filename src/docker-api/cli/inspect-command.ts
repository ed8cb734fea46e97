/** `docker inspect` and the `inspect` of each kind of object, whole or through `--format`. */
import { DaemonError } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { requireArguments } from "./container-commands.ts";
import { flagOf, isSet, parseFlags } from "./flags.ts";
import { renderTemplate } from "./go-template.ts";

type Kind = "container" | "image" | "network" | "volume";

/** In docker's order of looking. */
const PATHS: Readonly<Record<Kind, (name: string) => string>> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
};

const inspecting =
  (kind: Kind | undefined) =>
  async (command: CliCommand): Promise<number> => {
    const parsed = parseFlags(command.args, [
      { name: "format", short: "f", kind: "string" },
      { name: "type", kind: "string" },
      { name: "size", short: "s", kind: "bool" },
      { name: "verbose", short: "v", kind: "bool" },
      { name: "platform", kind: "string" },
    ]);
    requireArguments(parsed, kind === undefined ? "inspect" : `${kind} inspect`, 1);
    const asked = kind ?? flagOf(parsed, "type") ?? "";
    if (asked !== "" && !(asked in PATHS)) throw new Error(`${JSON.stringify(asked)} is not a valid value for --type`);
    const kinds = asked === "" ? (Object.keys(PATHS) as Kind[]) : [asked as Kind];
    const format = flagOf(parsed, "format");
    const found: unknown[] = [];
    const missing: string[] = [];
    for (const name of parsed.rest) {
      const object = await lookUp(command, kinds, name, isSet(parsed, "size"));
      if (object.value !== undefined) found.push(object.value);
      // Asked for one kind, docker shows what the daemon said.
      else
        missing.push(asked === "" ? `Error: No such object: ${name}` : `Error response from daemon: ${object.problem}`);
    }
    if (format === undefined) command.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
    else
      for (const object of found)
        command.stdout.write(`${format === "json" ? JSON.stringify(object) : renderTemplate(format, object)}\n`);
    for (const line of missing) command.stderr.write(`${line}\n`);
    return missing.length > 0 ? 1 : 0;
  };

async function lookUp(
  command: CliCommand,
  kinds: readonly Kind[],
  name: string,
  withSize: boolean,
): Promise<{ value?: unknown; problem: string }> {
  let problem = "";
  for (const kind of kinds) {
    try {
      const path = PATHS[kind](encodeURIComponent(name));
      return {
        value: await command.api.json("GET", `${path}${withSize && kind === "container" ? "?size=1" : ""}`),
        problem,
      };
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      problem = error.message;
    }
  }
  return { problem };
}

export const inspect = inspecting(undefined);
export const containerInspect = inspecting("container");
export const imageInspect = inspecting("image");
export const networkInspect = inspecting("network");
export const volumeInspect = inspecting("volume");
