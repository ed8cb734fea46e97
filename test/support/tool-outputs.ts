/**
 * Outputs of failed commands under test/fixtures/tool-output: a head of `# name: value` lines up to `# ---`, then the output
 * as the tool wrote it. `recorded` names tool and version; `written from` the documentation it was written after.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface ToolOutput {
  /** `tool/case`. */
  readonly id: string;
  readonly path: string;
  readonly lines: readonly string[];
  readonly command: string;
  readonly exitStatus: number;
  /** `tool kind`, or `nothing`. */
  readonly reads: string;
  readonly place: string | undefined;
  readonly within: string | undefined;
  /** Part of the line a person would look for. */
  readonly wants: string | undefined;
}

const root = fileURLToPath(new URL("../fixtures/tool-output", import.meta.url));

/** Sorted by id. */
export function toolOutputs(): ToolOutput[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".txt"))
    .sort()
    .map((path) => toolOutput(path.replace(/\.txt$/, "")));
}

export function toolOutput(id: string): ToolOutput {
  const path = join(root, `${id}.txt`);
  const text = readFileSync(path, "utf8");
  const end = text.indexOf("# ---\n");
  const head = text.slice(0, end);
  const value = (name: string): string | undefined => new RegExp(`^# ${name}: (.*)$`, "m").exec(head)?.[1];
  return {
    id,
    path,
    lines: text.slice(end + "# ---\n".length).split("\n"),
    command: (value("command") ?? "").replaceAll("\\n", "\n"),
    exitStatus: Number(value("exit")),
    reads: value("reads") ?? "",
    place: value("place"),
    within: value("within"),
    wants: value("wants"),
  };
}
