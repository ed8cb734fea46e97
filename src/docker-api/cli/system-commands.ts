/** `docker version` and `docker info`. */
import type { CliCommand } from "./cli-command.ts";

export async function version(command: CliCommand): Promise<number> {
  command.stdout.write("Client: Kiln\n Version:           28.0.0-kiln\n API version:       1.43\n");
  const server = await command.api.json<{
    Platform?: { Name?: string };
    Version?: string;
    ApiVersion?: string;
    Os?: string;
    Arch?: string;
  }>("GET", "/version");
  command.stdout.write(
    `\nServer: ${server.Platform?.Name ?? ""}\n Engine:\n  Version:          ${server.Version}\n  API version:      ${server.ApiVersion}\n  OS/Arch:          ${server.Os}/${server.Arch}\n`,
  );
  return 0;
}

export async function info(command: CliCommand): Promise<number> {
  const found = await command.api.json<Record<string, unknown>>("GET", "/info");
  command.stdout.write("Client: Kiln\n Version:    28.0.0-kiln\n\nServer:\n");
  for (const [label, key] of [
    ["Containers", "Containers"],
    ["Images", "Images"],
    ["Server Version", "ServerVersion"],
    ["Storage Driver", "Driver"],
    ["Operating System", "OperatingSystem"],
    ["OSType", "OSType"],
    ["Architecture", "Architecture"],
    ["CPUs", "NCPU"],
    ["Name", "Name"],
  ] as const) {
    command.stdout.write(` ${label}: ${String(found[key] ?? "")}\n`);
  }
  return 0;
}
