/** `docker login` and `docker logout`. */

import type { CliCommand } from "./cli-command.ts";
import { configPath, registryKey, writeLogin } from "./credentials.ts";
import { flagOf, isSet, parseFlags, UsageError } from "./flags.ts";

export async function login(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "username", short: "u", kind: "string" },
    { name: "password", short: "p", kind: "string" },
    { name: "password-stdin", kind: "bool" },
  ]);
  if (parsed.rest.length > 1) throw new UsageError("docker: 'docker login' requires at most 1 argument");
  const username = flagOf(parsed, "username") ?? "";
  let password = flagOf(parsed, "password") ?? "";
  if (password !== "") {
    command.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (isSet(parsed, "password-stdin")) throw new Error("--password and --password-stdin are mutually exclusive");
  }
  if (isSet(parsed, "password-stdin")) {
    if (username === "") throw new Error("Must provide --username with --password-stdin");
    const chunks: Buffer[] = [];
    for await (const chunk of command.stdin) chunks.push(Buffer.from(chunk));
    password = Buffer.concat(chunks)
      .toString("utf8")
      .replace(/\r?\n$/, "");
  }
  if (username === "" || password === "")
    throw new Error("Error: Cannot perform an interactive login from a non TTY device");
  const key = registryKey(parsed.rest[0]);
  const answer = await command.api.json<{ Status?: string }>("POST", "/auth", {
    username,
    password,
    serveraddress: key,
  });
  const path = configPath(command.environment);
  await writeLogin(path, key, { username, password });
  command.stderr.write(
    `\nWARNING! Your credentials are stored unencrypted in '${path}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
  );
  command.stdout.write(`${answer.Status ?? "Login Succeeded"}\n`);
  return 0;
}

export async function logout(command: CliCommand): Promise<number> {
  const { rest } = parseFlags(command.args, []);
  if (rest.length > 1) throw new UsageError("docker: 'docker logout' requires at most 1 argument");
  const key = registryKey(rest[0]);
  const shown = rest[0] === undefined ? "https://index.docker.io/v1/" : key;
  const wasKnown = await writeLogin(configPath(command.environment), key, undefined);
  command.stdout.write(wasKnown ? `Removing login credentials for ${shown}\n` : `Not logged in to ${shown}\n`);
  return 0;
}
