/**
 * The boundary of the command line: arguments → program → exit code; every error is rendered here and nowhere else.
 */
import { type Command, CommanderError } from "commander";
import { type KilnError, usageError } from "../core/errors.ts";
import { commandFirst } from "./command-first.ts";
import { type CliIo, outputFailure } from "./io.ts";
import { buildProgram } from "./program.ts";
import { renderError } from "./render-error.ts";

/** Runs one command line and answers its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let restore = (): void => {};
  const words = helpAsFlag(commandFirst(argv));
  let program: Command | undefined;
  try {
    let exitCode = 0;
    program = await buildProgram(words, io, (code) => {
      exitCode = code;
    });
    restore = settleVariables(program, words);
    await program.parseAsync(words, { from: "user" });
    const failure = exitCode === 0 ? outputFailure(io) : undefined;
    if (failure) throw failure;
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
  const named = program && !isHelp ? commandsNamed(program, words) : [];
  const group = named.at(-1);
  if (!group) {
    return usageError(`unknown command \`${words.slice(isHelp ? 1 : 0).join(" ")}\``, [
      "`kiln help` lists the commands",
    ]);
  }
  const name = named.map((command) => command.name()).join(" ");
  return usageError(
    `\`kiln ${name}\` needs one of its commands: ${group.commands.map((command) => `\`${command.name()}\``).join(", ")}`,
    [`\`kiln help ${name}\` says what each does`],
  );
}

/** The command that the words begin with, after the groups it is in. */
function commandsNamed(program: Command, words: readonly string[]): readonly Command[] {
  const named: Command[] = [];
  for (const word of words) {
    const next = (named.at(-1) ?? program).commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (!next) break;
    named.push(next);
  }
  return named;
}

/** The command line may be too wrong to be parsed, so this looks at the words alone. */
function wantsJson(argv: readonly string[], io: CliIo): boolean {
  const index = argv.findIndex((arg) => arg === "-o" || arg === "--output");
  return argv[index + 1] === "json"
    ? index >= 0
    : argv.includes("--output=json") || argv.includes("-ojson") || io.env["KILN_OUTPUT"] === "json";
}

const ON = /^(?:1|true|yes|on)$/i;
const OFF = /^(?:|0|false|no|off)$/i;

/**
 * `KILN_STRICT=0` must mean off; commander takes any value of a switch's variable as on. What is neither is refused: it is not
 * for Kiln to guess whether `KILN_CONTROL=flase` opens the control API. An empty variable is as none. Answers how to undo it.
 */
function settleVariables(program: Command, words: readonly string[]): () => void {
  const kept = new Map<string, string>();
  for (const { envVar = "", required, optional } of commandsNamed(program, words).flatMap(
    (command) => command.options,
  )) {
    const value = process.env[envVar];
    if (value === undefined) continue;
    const isSwitch = !required && !optional;
    if (isSwitch ? OFF.test(value) : value === "") {
      kept.set(envVar, value);
      delete process.env[envVar];
    } else if (isSwitch && !ON.test(value)) {
      throw usageError(`the variable \`${envVar}\` is \`${value}\``, ["set it to 1 or 0, or unset it"]);
    }
  }
  return () => {
    for (const [name, value] of kept) process.env[name] = value;
  };
}
