/**
 * The boundary of the command line: arguments → program → exit code; every error is rendered here and nowhere else.
 */
import { type Command, CommanderError } from "commander";
import { KilnError } from "../core/errors.ts";
import { commandFirst } from "./command-first.ts";
import type { CliIo } from "./io.ts";
import { buildProgram } from "./program.ts";
import { renderError } from "./render-error.ts";

/** Runs one command line and answers its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const restore = forgetFalseVariables();
  const words = helpAsFlag(commandFirst(argv));
  let program: Command | undefined;
  try {
    let exitCode = 0;
    program = await buildProgram(words, io, (code) => {
      exitCode = code;
    });
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { text, json, exitCode } = renderError(helpWanted(error, words, program) ?? error, argv, io.env);
    io.stderr.write(`${wantsJson(argv, io) ? JSON.stringify(json) : text}\n`);
    return exitCode;
  } finally {
    restore();
  }
}

/** `kiln help iam can` as `kiln iam can --help`: commander's own `help` knows one level only. */
const helpAsFlag = (words: readonly string[]): readonly string[] =>
  words[0] === "help" && words.length > 2 ? [...words.slice(1), "--help"] : words;

/** Commander asks for help where a command is missing: `kiln params`, `kiln help nope`. Said as what it is. */
function helpWanted(error: unknown, words: readonly string[], program: Command | undefined): KilnError | undefined {
  if (!(error instanceof CommanderError) || error.code !== "commander.help") return undefined;
  const isHelp = words[0] === "help";
  const name = isHelp ? words[1] : words[0];
  const group = program?.commands.find((command) => command.name() === name);
  if (isHelp || !group) {
    return new KilnError({
      code: "KILN_E_USAGE",
      message: `unknown command \`${words.slice(isHelp ? 1 : 0).join(" ")}\``,
      fix: ["`kiln help` lists the commands"],
      exitCode: 2,
    });
  }
  return new KilnError({
    code: "KILN_E_USAGE",
    message: `\`kiln ${name}\` needs one of its commands: ${group.commands.map((command) => `\`${command.name()}\``).join(", ")}`,
    fix: [`\`kiln help ${name}\` says what each does`],
    exitCode: 2,
  });
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
    // KILN_PORT=0 is a value: any free port.
    (name) =>
      name.startsWith("KILN_") && name !== "KILN_PORT" && /^(?:|0|false|no|off)$/i.test(process.env[name] ?? ""),
  );
  const kept = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  return () => {
    for (const [name, value] of kept) process.env[name] = value;
  };
}
