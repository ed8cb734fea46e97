/** `docker buildx ls`, `inspect`, `version`, `du`, `use`, `create`: there is one builder, Kiln's own, named `default`. */
import type { CliCommand } from "./cli-command.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { CLIENT_VERSION } from "./system-commands.ts";

const NAME = "default";

interface Builder {
  readonly version: string;
  readonly platform: string;
}

async function builderOf({ api }: CliCommand): Promise<Builder> {
  const {
    Version = "",
    Os = "",
    Arch = "",
  } = await api.json<Record<"Version" | "Os" | "Arch", string>>("GET", "/version");
  return { version: Version, platform: `${Os}/${Arch}` };
}

export async function buildxList(command: CliCommand): Promise<number> {
  parseFlags(command.args, [{ name: "no-trunc", kind: "bool" }]);
  const { version, platform } = await builderOf(command);
  const rows = [
    ["NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS"],
    [`${NAME}*`, "docker", "", "", ""],
    [` \\_ ${NAME}`, ` \\_ ${NAME}`, "running", version, platform],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    command.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd()}\n`,
    );
  return 0;
}

export async function buildxInspect(command: CliCommand): Promise<number> {
  const { rest } = parseFlags(command.args, [
    { name: "bootstrap", kind: "bool" },
    { name: "builder", kind: "string" },
  ]);
  checkBuilder(rest);
  const { version, platform } = await builderOf(command);
  command.stdout.write(
    `Name:   ${NAME}\nDriver: docker\n\nNodes:\nName:             ${NAME}\nEndpoint:         ${NAME}\nStatus:           running\nBuildKit version: ${version}\nPlatforms:        ${platform}\n`,
  );
  return 0;
}

export async function buildxVersion(command: CliCommand): Promise<number> {
  command.stdout.write(`github.com/docker/buildx ${CLIENT_VERSION} kiln\n`);
  return 0;
}

export async function buildxUse(command: CliCommand): Promise<number> {
  checkBuilder(parseFlags(command.args, [{ name: "default", kind: "bool" }]).rest);
  return 0;
}

export async function buildxCreate(): Promise<number> {
  throw new Error(
    "ERROR: kiln's docker has one builder, `default`, and makes no other; leave out `docker buildx create`",
  );
}

function checkBuilder(rest: readonly string[]): void {
  if (rest.length > 1) throw new UsageError("docker: at most one builder is expected");
  const [name = NAME] = rest;
  if (name !== NAME) throw new Error(`ERROR: no builder "${name}" found`);
}
