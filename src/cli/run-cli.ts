/**
 * The boundary of the command line: arguments → program → exit code; every error is rendered here and nowhere else.
 */
import { CommanderError } from "commander";
import { commandFirst } from "./command-first.ts";
import type { CliIo } from "./io.ts";
import { buildProgram } from "./program.ts";
import { renderError } from "./render-error.ts";

/** Runs one command line and answers its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const restore = forgetFalseVariables();
  try {
    let exitCode = 0;
    const words = commandFirst(argv);
    const program = await buildProgram(words, io, (code) => {
      exitCode = code;
    });
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { text, json, exitCode } = renderError(error, argv, io.env);
    io.stderr.write(`${wantsJson(argv, io) ? JSON.stringify(json) : text}\n`);
    return exitCode;
  } finally {
    restore();
  }
}

/** The command line may be too wrong to be parsed, so this looks at the words alone. */
function wantsJson(argv: readonly string[], io: CliIo): boolean {
  const index = argv.findIndex((arg) => arg === "-o" || arg === "--output");
  return argv[index + 1] === "json"
    ? index >= 0
    : argv.includes("--output=json") || argv.includes("-ojson") || io.env["KILN_OUTPUT"] === "json";
}

/** `KILN_STRICT=0` must mean off; commander takes any value of a boolean's variable as on. */
function forgetFalseVariables(): () => void {
  const names = Object.keys(process.env).filter(
    (name) => name.startsWith("KILN_") && /^(?:|0|false|no|off)$/i.test(process.env[name] ?? ""),
  );
  const kept = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  return () => {
    for (const [name, value] of kept) process.env[name] = value;
  };
}
