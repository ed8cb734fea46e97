/**
 * Runs unmodified aws CLIs: those in `KILN_TEST_AWS_CLIS` (paths, joined with `:`), else the one on the PATH, else none.
 * Their configuration files are switched off and retries too.
 */
import { execFile, execFileSync } from "node:child_process";
import { devNull } from "node:os";

export interface AwsCli {
  readonly path: string;
  readonly version: string;
  /** 1 or 2. */
  readonly major: number;
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function findAwsClis(): AwsCli[] {
  const named = process.env["KILN_TEST_AWS_CLIS"];
  const paths = named ? named.split(":").filter(Boolean) : ["aws"];
  const found = paths.flatMap((path) => versionOf(path));
  if (found.length === 0) process.stderr.write(`skipped: aws CLI tests, none of \`${paths.join("`, `")}\` runs here\n`);
  return found;
}

function versionOf(path: string): AwsCli[] {
  try {
    const version = execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const major = Number(/aws-cli\/(\d+)/.exec(version)?.[1] ?? 0);
    return [{ path, version: version.split(" ")[0] ?? path, major }];
  } catch {
    return [];
  }
}

/** Runs one command as root unless `env` has other credentials. Never rejects for a failing command. */
export function runAws(
  cli: AwsCli,
  url: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CliResult> {
  const settings = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: "true",
    // v2 would add `(reached max retries: 0)` to every error; it does not retry client errors anyway.
    ...(cli.major === 1 && { AWS_MAX_ATTEMPTS: "1" }),
    AWS_PAGER: "",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    ...env,
  };
  return new Promise((resolve) => {
    const words = ["--endpoint-url", url, ...args];
    execFile(cli.path, words, { env: settings, encoding: "utf8", timeout: 170_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
  });
}
