/**
 * The one place where errors of commands become text and an exit code: KilnError with why and fix, AwsError in the
 * aws CLI's words, a wrong command line, and bugs (a report to paste, no stack unless KILN_DEBUG).
 */
import { CommanderError } from "commander";
import { AwsError, KilnError, usageError } from "../core/errors.ts";
import { kilnVersion } from "../core/kiln-version.ts";
import { visibleText } from "../core/visible-text.ts";
import type { CliIo } from "./io.ts";

export interface RenderedError {
  readonly text: string;
  readonly json: {
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly why?: string;
      readonly fix: readonly string[];
    };
  };
  readonly exitCode: number;
}

export function renderError(error: unknown, argv: readonly string[], env: CliIo["env"]): RenderedError {
  if (error instanceof KilnError) return fromKilnError(error);
  // The state could not be read or written: said as what it is, not as the answer an AWS client gets.
  if (error instanceof AwsError && error.cause instanceof KilnError) return fromKilnError(error.cause);
  if (error instanceof AwsError) return fromAwsError(error);
  if (error instanceof CommanderError) return fromKilnError(fromCommander(error));
  return fromBug(error, argv, env);
}

function fromKilnError(error: KilnError): RenderedError {
  const lines = [`error: ${error.message}`];
  if (error.why !== undefined) lines.push(`  why: ${error.why}`);
  for (const fix of error.fix) lines.push(`  fix: ${fix}`);
  const { code, message, why, fix, exitCode } = error;
  return {
    text: visibleText(lines.join("\n")),
    json: { error: { code, message, ...(why === undefined ? {} : { why }), fix } },
    exitCode,
  };
}

function fromAwsError(error: AwsError): RenderedError {
  const request =
    error.requestId === undefined ? [] : [`see each policy that was asked: kiln explain ${error.requestId}`];
  // Other denials (a reserved name, a key that is disabled) asked no policy: there is nothing to see.
  const isDenied = error.code.startsWith("AccessDenied") && error.message.includes("is not authorized to perform");
  const lines = [`error: an AWS call failed (${error.code}): ${error.message}`];
  if (isDenied) for (const fix of request) lines.push(`  fix: ${fix}`);
  return {
    text: lines.join("\n"),
    json: { error: { code: error.code, message: error.message, fix: isDenied ? request : [] } },
    exitCode: 1,
  };
}

/** Commands that are announced and not written: refused by name. */
const NOT_YET: ReadonlySet<string> = new Set(["init", "open"]);

/** Commander's complaint in our form: `error: unknown option '--x'` + `(Did you mean --y?)`. */
function fromCommander(error: CommanderError): KilnError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const later = /^unknown command '(\S+)'/.exec(first)?.[1];
  if (later !== undefined && NOT_YET.has(later)) {
    return usageError(`\`${later}\` is not in this version of Kiln yet`, ["`kiln help` lists the commands there are"]);
  }
  const suggestion = /Did you mean (?:one of )?(.+)\?\)/.exec(rest.join(" "))?.[1];
  const fix = [
    ...(suggestion === undefined
      ? []
      : [
          `did you mean ${suggestion
            .split(/,\s*/)
            .map((text) => `\`${text}\``)
            .join(" or ")}?`,
        ]),
    "`kiln help` lists the commands, `kiln help COMMAND` its options",
  ];
  return usageError(first.replace(/'([^']*)'/g, "`$1`").replace(/\.$/, ""), fix);
}

function fromBug(error: unknown, argv: readonly string[], env: CliIo["env"]): RenderedError {
  const known = systemError(error);
  if (known) return fromKilnError(known);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : message;
  // Arguments may hold values (`-p NAME=VALUE`): the report names the command only.
  const command = argv.find((arg) => !arg.startsWith("-")) ?? "";
  const lines = [
    `error: this is a bug in Kiln: ${message}`,
    "  please report it with these lines:",
    `    kiln ${kilnVersion()} · command \`${command}\` · Node ${process.version} · ${process.platform} ${process.arch}`,
    ...(env["KILN_DEBUG"]
      ? stack.split("\n").map((line) => `    ${line}`)
      : ["    run it again with KILN_DEBUG=* for the stack"]),
  ];
  return { text: lines.join("\n"), json: { error: { code: "KILN_E_BUG", message, fix: [] } }, exitCode: 70 };
}

/** Failures of the machine rather than of Kiln: no space, a read-only folder, no rights. */
function systemError(error: unknown): KilnError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? "" : ` \`${path}\``;
  const known: Readonly<Record<string, { message: string; fix: string }>> = {
    ENOSPC: {
      message: `no space left on the disk${where}`,
      fix: "free some space, or choose another folder with --state-dir",
    },
    EROFS: { message: `the file system is read-only${where}`, fix: "choose a folder you may write with --state-dir" },
    EACCES: {
      message: `no permission for${where || " a file"}`,
      fix: "choose a folder you may write with --state-dir",
    },
    EMFILE: { message: "too many open files", fix: "raise the limit: `ulimit -n 4096`" },
  };
  const found = code === undefined ? undefined : known[code];
  return (
    found &&
    new KilnError({ code: `KILN_E_${code}`, message: found.message, fix: [found.fix], exitCode: 4, cause: error })
  );
}
