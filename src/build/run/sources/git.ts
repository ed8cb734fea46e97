/**
 * Runs git for the sources of a build. It never asks for a password (no terminal, no askpass), runs no hook, template or
 * file-system monitor of anybody, speaks only the transports named here, and is killed with its helpers when the build
 * ends. Arguments never hold a secret: credentials travel through credential-files.ts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { BUILD_MARK } from "../../../engines/process-sweep.ts";

export type GitOutcome =
  /** `bytes`: standard output as it was; `warnings`: standard error. */
  | { readonly ok: true; readonly text: string; readonly bytes: Buffer; readonly warnings: string }
  /** `missing`: there is no git on this machine. */
  | { readonly ok: false; readonly missing: boolean; readonly message: string };

interface GitOptions {
  /** `name=value` settings for this call. */
  readonly config?: readonly string[];
  readonly input?: string;
}

/** One git command in a directory. Rejects only when the build ends. */
export type Git = (directory: string, args: readonly string[], options?: GitOptions) => Promise<GitOutcome>;

const SETTINGS: readonly string[] = [
  "safe.directory=*",
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "init.templateDir=",
  "advice.detachedHead=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "protocol.allow=never",
  "protocol.https.allow=always",
  "protocol.http.allow=always",
  "protocol.ssh.allow=always",
  "protocol.git.allow=always",
  // Only where the user named the folder; never because a repository says so.
  "protocol.file.allow=user",
];
const MAX_OUTPUT_BYTES = 2 ** 30;
const MAX_MESSAGE_BYTES = 2 ** 16;

/** `caBundle`: file of the certificates that servers are checked against, instead of the machine's. */
export function createGit(context: {
  readonly signal: AbortSignal;
  readonly buildId?: string;
  readonly caBundle?: string | undefined;
}): Git {
  const { signal } = context;
  return async (directory, args, options = {}) => {
    signal.throwIfAborted();
    const child = spawn("git", [...[...SETTINGS, ...(options.config ?? [])].flatMap((line) => ["-c", line]), ...args], {
      cwd: directory,
      env: environmentOf(context),
      // A group of its own: transports and index-pack die with it, and no terminal is there to be asked.
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const kill = (): void => killGroup(child);
    signal.addEventListener("abort", kill, { once: true });
    try {
      child.stdin?.on("error", () => {});
      child.stdin?.end(options.input);
      const outcome = await outcomeOf(child);
      signal.throwIfAborted();
      return outcome;
    } finally {
      signal.removeEventListener("abort", kill);
    }
  };
}

function outcomeOf(child: ChildProcess): Promise<GitOutcome> {
  return new Promise((resolve) => {
    const output: Buffer[] = [];
    let outputBytes = 0;
    let messages = Buffer.alloc(0);
    child.stdout?.on("data", (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes > MAX_OUTPUT_BYTES) killGroup(child);
      else output.push(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      messages = Buffer.concat([messages, chunk]).subarray(-MAX_MESSAGE_BYTES);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      resolve({ ok: false, missing, message: missing ? "there is no `git` on PATH" : error.message });
    });
    child.on("close", (code, killedBy) => {
      const warnings = messages.toString().trim();
      if (code === 0) {
        const bytes = Buffer.concat(output);
        resolve({ ok: true, text: bytes.toString(), bytes, warnings });
      } else {
        resolve({ ok: false, missing: false, message: warnings || `git ended with ${killedBy ?? `status ${code}`}` });
      }
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/**
 * The user's environment without what a surrounding git command, hook or editor put there: it would point git at another
 * repository or open a dialog.
 */
function environmentOf({ buildId, caBundle }: Parameters<typeof createGit>[0]): NodeJS.ProcessEnv {
  const variables = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|QUARANTINE_PATH|TEMPLATE_DIR|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|CONFIG_PARAMETERS|TRACE.*|CURL_VERBOSE|EDITOR)$/.test(
          name,
        ),
    ),
  );
  return {
    ...variables,
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    LC_ALL: "C",
    ...(caBundle === undefined ? {} : { GIT_SSL_CAINFO: caBundle }),
    ...(buildId === undefined ? {} : { [BUILD_MARK]: buildId }),
  };
}
