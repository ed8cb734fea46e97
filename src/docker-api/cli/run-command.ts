/** `docker run`, without a terminal: create, attach, wait, start; the exit code is the container's. */
import { DaemonError } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { type FlagSpec, flagOf, isSet, listOf, parseFlags, UsageError } from "./flags.ts";
import { pullImage } from "./image-commands.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "rm", kind: "bool" },
  { name: "interactive", short: "i", kind: "bool" },
  { name: "tty", short: "t", kind: "bool" },
  { name: "detach", short: "d", kind: "bool" },
  { name: "privileged", kind: "bool" },
  { name: "env", short: "e", kind: "list" },
  { name: "volume", short: "v", kind: "list" },
  { name: "workdir", short: "w", kind: "string" },
  { name: "user", short: "u", kind: "string" },
  { name: "entrypoint", kind: "string" },
  { name: "name", kind: "string" },
  { name: "network", kind: "string" },
  { name: "label", short: "l", kind: "list" },
];

export async function run(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, FLAGS, false);
  const [image, ...args] = parsed.rest;
  if (image === undefined) throw new UsageError("docker: 'docker run' requires at least 1 argument");
  if (isSet(parsed, "tty")) throw new Error("the input device is not a TTY");
  const isInteractive = isSet(parsed, "interactive");
  const entrypoint = flagOf(parsed, "entrypoint");
  const body = {
    Image: image,
    Cmd: args.length > 0 ? args : null,
    Entrypoint: entrypoint === undefined ? null : entrypoint === "" ? [""] : [entrypoint],
    Env: listOf(parsed, "env").map((entry) =>
      entry.includes("=") ? entry : `${entry}=${command.environment[entry] ?? ""}`,
    ),
    WorkingDir: flagOf(parsed, "workdir") ?? "",
    User: flagOf(parsed, "user") ?? "",
    Labels: Object.fromEntries(
      listOf(parsed, "label").map((label) => [label.split("=")[0] ?? "", label.split("=").slice(1).join("=")]),
    ),
    OpenStdin: isInteractive,
    StdinOnce: isInteractive,
    AttachStdin: isInteractive,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      AutoRemove: isSet(parsed, "rm"),
      Privileged: isSet(parsed, "privileged"),
      NetworkMode: flagOf(parsed, "network") ?? "default",
      Binds: [...listOf(parsed, "volume")],
    },
  };
  const name = flagOf(parsed, "name");
  const path = `/containers/create${name === undefined ? "" : `?name=${encodeURIComponent(name)}`}`;
  const create = (): Promise<{ Id: string }> => command.api.json<{ Id: string }>("POST", path, body);
  const { Id: id } = await create().catch(async (error: unknown) => {
    if (!(error instanceof DaemonError) || error.status !== 404) throw prefixed(error);
    command.stderr.write(`Unable to find image '${image.includes(":") ? image : `${image}:latest`}' locally\n`);
    await pullImage({ ...command, stdout: command.stderr }, image, false).catch((failure: unknown) => {
      throw prefixed(failure);
    });
    return create();
  });
  if (isSet(parsed, "detach")) {
    await command.api.json("POST", `/containers/${id}/start`);
    command.stdout.write(`${id}\n`);
    return 0;
  }
  const socket = await command.api.hijack(
    `/containers/${id}/attach?stream=1&stdout=1&stderr=1&stdin=${isInteractive ? 1 : 0}`,
  );
  const output = demultiplex(socket, command);
  if (isInteractive) command.stdin.pipe(socket);
  const waiting = await command.api.send("POST", `/containers/${id}/wait?condition=next-exit`, {
    headers: { "content-length": "0" },
  });
  await command.api.json("POST", `/containers/${id}/start`).catch((error: unknown) => {
    socket.destroy();
    throw prefixed(error);
  });
  await output;
  if (isInteractive) command.stdin.unpipe(socket);
  socket.destroy();
  let text = "";
  for await (const chunk of waiting) text += String(chunk);
  return (JSON.parse(text) as { StatusCode: number }).StatusCode;
}

function prefixed(error: unknown): unknown {
  if (!(error instanceof DaemonError)) return error;
  return new Error(
    `docker: Error response from daemon: ${error.message}\n\nRun 'docker run --help' for more information`,
  );
}

/** Frames of 8 bytes header `{stream,0,0,0,length}` and payload. */
async function demultiplex(source: AsyncIterable<Buffer>, command: CliCommand): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const length = rest.readUInt32BE(4);
      (rest[0] === 2 ? command.stderr : command.stdout).write(rest.subarray(8, 8 + length));
      rest = rest.subarray(8 + length);
    }
  }
}
