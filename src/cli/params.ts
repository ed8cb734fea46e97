/** `kiln params …`: Parameter Store for people. Values stay hidden unless asked for; every call goes through the API. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import {
  diffPaths,
  getParameter,
  grepParameters,
  listPath,
  printHistory,
  putParameter,
  removeParameters,
  treeOf,
} from "./params/params-actions.ts";
import { execWithParameters, exportParameters, importParameters } from "./params/params-files.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";

export interface ParamsValues {
  readonly show?: boolean;
  readonly secure?: boolean;
  readonly plain?: boolean;
  readonly list?: boolean;
  readonly description?: string;
  readonly keyId?: string;
  readonly recursive?: boolean;
  readonly yes?: boolean;
  readonly overwrite?: boolean;
  readonly format?: string;
  readonly prefix?: string;
  readonly upper?: boolean;
  readonly version?: string;
  readonly [name: string]: unknown;
}

type Action = (context: CommandContext, kiln: Kiln, args: readonly string[], values: ParamsValues) => Promise<number>;

interface Spec {
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
  readonly options: readonly (readonly [string, string])[];
  readonly example: string;
  readonly act: Action;
}

const SHOW = ["--show", "show values, secret ones too"] as const;

const SPECS: readonly Spec[] = [
  {
    name: "ls",
    text: "parameters under a path",
    args: ["[path]"],
    options: [SHOW],
    example: "ls /my-app",
    act: listPath,
  },
  { name: "tree", text: "parameters as a tree", args: ["[path]"], options: [SHOW], example: "tree", act: treeOf },
  {
    name: "get",
    text: "print one value",
    args: ["<name>"],
    options: [],
    example: "get /my-app/url",
    act: getParameter,
  },
  {
    name: "put",
    text: "store a value; without one it is read from standard input, or asked for",
    args: ["<name>", "[value]"],
    options: [
      ["--secure", "SecureString (the default)"],
      ["--plain", "String"],
      ["--list", "StringList"],
      ["--description <text>", "what it is for"],
      ["--key-id <key>", "KMS key of a SecureString"],
    ],
    example: "put /my-app/url docker.io --plain",
    act: putParameter,
  },
  {
    name: "rm",
    text: "delete parameters",
    args: ["<name...>"],
    options: [
      ["-r, --recursive", "everything under a path"],
      ["-y, --yes", "do not ask"],
    ],
    example: "rm /my-app/url",
    act: removeParameters,
  },
  {
    name: "history",
    text: "versions of a parameter",
    args: ["<name>"],
    options: [SHOW],
    example: "history /my-app/url",
    act: printHistory,
  },
  {
    name: "diff",
    text: "compare two paths",
    args: ["<path>", "<other>"],
    options: [SHOW],
    example: "diff /test /prod",
    act: diffPaths,
  },
  {
    name: "grep",
    text: "find names (and values, with --show) by text",
    args: ["<text>"],
    options: [SHOW],
    example: "grep docker",
    act: grepParameters,
  },
  {
    name: "import",
    text: "store the names and values of a .env, JSON or YAML file (`-` reads standard input)",
    args: ["<file>"],
    options: [
      ["--prefix <path>", "put before each name"],
      ["--plain", "String instead of SecureString"],
      ["--format <format>", "env, json or yaml (default: by the file's name)"],
      ["--overwrite", "replace existing ones"],
    ],
    example: "import .env --prefix /my-app/",
    act: importParameters,
  },
  {
    name: "export",
    text: "print names and values under a path, secret ones too",
    args: ["[path]"],
    options: [["--format <format>", "env, json or yaml (default: env)"]],
    example: "export /my-app --format json",
    act: exportParameters,
  },
  {
    name: "exec",
    text: "run a command with the parameters under a path as variables",
    args: ["<path>", "<command...>"],
    options: [["--upper", "upper-case variable names"]],
    example: "exec /my-app --upper -- ./server",
    act: execWithParameters,
  },
];

export function paramsCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("params")
    .description("list, read and write parameters (Parameter Store)")
    .enablePositionalOptions();
  for (const spec of SPECS) {
    const command = new Command(spec.name).description(spec.text);
    for (const argument of spec.args) command.argument(argument);
    for (const [flags, text] of spec.options) command.addOption(option(flags, text));
    if (spec.name === "exec") command.passThroughOptions();
    addCommonOptions(command);
    command.addHelpText("after", `\nExample:\n  kiln params ${spec.example}`);
    command.action(async (...all: unknown[]) => {
      const values = all[spec.args.length] as ParamsValues;
      const args = all
        .slice(0, spec.args.length)
        .flat()
        .filter((arg) => arg !== undefined) as string[];
      const context = commandContext(io, settingsOf(values, io));
      exit(await withKiln(context, (kiln) => spec.act(context, kiln, args, values)));
    });
    group.addCommand(command);
  }
  return group;
}
