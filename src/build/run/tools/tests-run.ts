/**
 * `codebuild-tests-run --test-command C --files-search S [--sharding-strategy X]`: finds the test files, runs the command
 * on those of this build's shard. Outside a fan-out that is all of them.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test-tests-run.html
 * Chosen where AWS says nothing: a search that finds no file is a failure; a shard without files runs nothing and is
 * none. File names are handed over one an argument, so that blanks in them do no harm.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { filesOfShard, SHARDING_STRATEGIES, type ShardingStrategy, shardFrom } from "./test-shards.ts";

export interface ToolIo {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  say(line: string): void;
  /** Runs a shell text; its output goes where the tool's goes unless it is captured. */
  run(call: ShellCall): Promise<{ readonly exitCode: number; readonly output: string }>;
}

export interface ShellCall {
  readonly text: string;
  /** `$1`, `$2`… */
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly capture: boolean;
}

/** The longest value Linux takes for one variable, with room for its name. */
export const MAX_VARIABLE_BYTES = 128 * 1024 - 64;
const OPTIONS = ["--test-command", "--files-search", "--sharding-strategy"] as const;

/** Answers the exit status. */
export async function runTests(argv: readonly string[], io: ToolIo): Promise<number> {
  const options = parseOptions(argv);
  if (typeof options === "string") {
    io.say(options);
    return 2;
  }
  const search = await io.run({ text: options.filesSearch, words: [], variables: {}, capture: true });
  if (search.exitCode !== 0) {
    io.say(`the files search ended with exit status ${search.exitCode}: ${options.filesSearch}`);
    return search.exitCode;
  }
  const found = search.output.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (found.length === 0) {
    io.say(`the files search found no file: ${options.filesSearch}`);
    return 1;
  }
  const shard = shardFrom(io.variables);
  const files = filesOfShard(found, shard, options.strategy);
  const total = new Set(found).size;
  io.say(`shard ${shard.index + 1} of ${shard.count}: ${files.length} of ${total} files (${options.strategy})`);
  if (files.length === 0) return 0;
  const list = files.join("\n");
  const fits = Buffer.byteLength(list) <= MAX_VARIABLE_BYTES;
  if (!fits) io.say("CODEBUILD_CURRENT_SHARD_FILES is not set: the list is longer than a variable may be");
  const { exitCode } = await io.run({
    text: `${options.testCommand} "$@"`,
    words: files,
    variables: fits ? { CODEBUILD_CURRENT_SHARD_FILES: list } : {},
    capture: false,
  });
  return exitCode;
}

interface Options {
  readonly testCommand: string;
  readonly filesSearch: string;
  readonly strategy: ShardingStrategy;
}

/** The options, or what is wrong with them. */
function parseOptions(argv: readonly string[]): Options | string {
  const values = new Map<string, string>();
  for (let at = 0; at < argv.length; at++) {
    const [name = "", inline] = splitOnce(argv[at] ?? "");
    if (!(OPTIONS as readonly string[]).includes(name))
      return `unknown argument ${name}, expected ${OPTIONS.join(", ")}`;
    const value = inline ?? argv[++at];
    if (value === undefined) return `${name} needs a value`;
    values.set(name, value);
  }
  const testCommand = values.get("--test-command")?.trim();
  const filesSearch = values.get("--files-search")?.trim();
  const strategy = values.get("--sharding-strategy") ?? "equal-distribution";
  if (!testCommand) return "--test-command is missing";
  if (!filesSearch) return "--files-search is missing";
  if (!(SHARDING_STRATEGIES as readonly string[]).includes(strategy)) {
    return `--sharding-strategy is ${strategy}, expected ${SHARDING_STRATEGIES.join(" or ")}`;
  }
  return { testCommand, filesSearch, strategy: strategy as ShardingStrategy };
}

function splitOnce(word: string): readonly [string, string | undefined] {
  const at = word.indexOf("=");
  return word.startsWith("--") && at !== -1 ? [word.slice(0, at), word.slice(at + 1)] : [word, undefined];
}

/** The build's variables: the script that starts the tool keeps NODE_OPTIONS from it, not from what it runs. */
function ownVariables(): NodeJS.ProcessEnv {
  const { KILN_NODE_OPTIONS: nodeOptions, NODE_OPTIONS: _own, ...rest } = process.env;
  return nodeOptions === undefined || nodeOptions === "" ? rest : { ...rest, NODE_OPTIONS: nodeOptions };
}

/** The tool's surroundings in a build. */
export const processIo = (): ToolIo => ({
  variables: process.env,
  cwd: process.cwd(),
  say: (line) => void process.stderr.write(`codebuild-tests-run: ${line}\n`),
  run: ({ text, words, variables, capture }) =>
    new Promise((resolve) => {
      let output = "";
      const child = spawn("sh", ["-c", text, "sh", ...words], {
        env: { ...ownVariables(), ...variables },
        stdio: ["inherit", capture ? "pipe" : "inherit", "inherit"],
      });
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
      child.on("error", (error) => {
        process.stderr.write(`codebuild-tests-run: ${error.message}\n`);
        resolve({ exitCode: 126, output });
      });
      child.on("close", (code, signal) =>
        resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), output }),
      );
    }),
});
