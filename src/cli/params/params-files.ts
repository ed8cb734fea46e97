/** `kiln params import|export|exec`: parameters from and to files, and as variables of a command. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import type { Kiln } from "../../app.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { type Assignment, parseEnvText } from "../env-file.ts";
import type { ParamsValues } from "../params.ts";
import { plural } from "../plural.ts";
import { readAll } from "../prompt.ts";
import { absolute } from "../settings.ts";
import { withSignals } from "../signals.ts";
import { listParameters, unlessCode } from "./parameters.ts";
import { readValues } from "./params-actions.ts";

type Args = readonly string[];

export async function importParameters(
  context: CommandContext,
  kiln: Kiln,
  [file = "-"]: Args,
  values: ParamsValues,
): Promise<number> {
  const text = file === "-" ? await readAll(context.io) : readInput(absolute(file, context.io.cwd), file);
  const assignments = parseAssignments(text, values.format ?? formatOf(file), file);
  let stored = 0;
  const kept: string[] = [];
  for (const { name, value } of assignments) {
    const put = kiln.root.call("ssm", "PutParameter", {
      Name: `${values.prefix ?? ""}${name}`,
      Value: value,
      Type: values.plain ? "String" : "SecureString",
      Overwrite: values.overwrite === true,
    });
    if (await unlessCode(["ParameterAlreadyExists"], put)) stored++;
    else kept.push(`${values.prefix ?? ""}${name}`);
  }
  if (context.settings.output === "json") context.printJson({ stored, kept });
  else
    context.note(
      `stored ${plural(stored, "parameter")}${kept.length === 0 ? "" : `; kept, because they exist (--overwrite replaces them): ${kept.join(", ")}`}`,
    );
  return 0;
}

function readInput(path: string, file: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the file \`${file}\`: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`,
      exitCode: 2,
      cause: error,
    });
  }
}

const formatOf = (file: string): string => (/\.json$/.test(file) ? "json" : /\.ya?ml$/.test(file) ? "yaml" : "env");

/** Nested mappings become paths: `{a: {b: 1}}` is `a/b`. */
export function parseAssignments(text: string, format: string, file: string): Assignment[] {
  if (format === "env") return parseEnvText(text, file);
  if (format !== "json" && format !== "yaml") {
    throw usageError(`\`${format}\` is not a format: expected env, json or yaml`);
  }
  let value: unknown;
  try {
    value = format === "json" ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_BAD_FILE",
      message: `\`${file}\` is not ${format === "json" ? "JSON" : "YAML"}`,
      exitCode: 2,
      cause: error,
    });
  }
  return flatten(value, "", file);
}

function flatten(value: unknown, path: string, file: string): Assignment[] {
  if (Array.isArray(value)) return [{ name: path, value: value.join(",") }];
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) =>
      flatten(inner, path === "" ? name : `${path.replace(/\/$/, "")}/${name.replace(/^\//, "")}`, file),
    );
  }
  if (path === "" || value === null || value === undefined) {
    throw new KilnError({
      code: "KILN_E_BAD_FILE",
      message: `\`${file}\` is not a mapping of names to values${path === "" ? "" : `: \`${path}\` has no value`}`,
      exitCode: 2,
    });
  }
  return [{ name: path, value: String(value) }];
}

async function valuesUnder(kiln: Kiln, path = "/"): Promise<[string, string][]> {
  const names = (await listParameters(kiln.root)).map((parameter) => parameter.name);
  const prefix = path.endsWith("/") ? path : `${path}/`;
  const wanted = names.filter((name) => path === "/" || name === path || name.startsWith(prefix));
  return [...(await readValues(kiln, wanted))].sort(([a], [b]) => (a < b ? -1 : 1));
}

export async function exportParameters(
  context: CommandContext,
  kiln: Kiln,
  [path]: Args,
  values: ParamsValues,
): Promise<number> {
  const entries = await valuesUnder(kiln, path);
  const format = values.format ?? (context.settings.output === "json" ? "json" : "env");
  if (format === "json") context.printJson(Object.fromEntries(entries));
  else if (format === "yaml") context.io.stdout.write(stringify(Object.fromEntries(entries)));
  else if (format === "env")
    for (const [name, value] of entries) context.print(`${variableName(name, path)}=${quote(value)}`);
  else throw usageError(`\`${format}\` is not a format: expected env, json or yaml`);
  return 0;
}

/** `/my-app/db/url` under `/my-app` as a variable: `db_url`. */
export function variableName(name: string, path: string | undefined): string {
  const relative =
    path !== undefined && path !== "/" && name.startsWith(path) && name !== path ? name.slice(path.length) : name;
  return relative
    .replace(/^\/+/, "")
    .replace(/[^A-Za-z0-9_]/g, "_")
    .replace(/^(?=\d)/, "_");
}

const quote = (value: string): string =>
  /^[A-Za-z0-9_./:@%+,-]*$/.test(value) ? value : `"${value.replace(/([\\"$`])/g, "\\$1").replaceAll("\n", "\\n")}"`;

export async function execWithParameters(
  context: CommandContext,
  kiln: Kiln,
  args: Args,
  values: ParamsValues,
): Promise<number> {
  const [path = "/", ...rest] = args;
  const [command, ...commandArgs] = rest[0] === "--" ? rest.slice(1) : rest;
  if (command === undefined) {
    throw usageError("there is no command to run", ["kiln params exec PATH -- COMMAND"]);
  }
  const variables = Object.fromEntries(
    (await valuesUnder(kiln, path)).map(([name, value]) => {
      const variable = variableName(name, path);
      return [values.upper ? variable.toUpperCase() : variable, value];
    }),
  );
  if (Object.keys(variables).length === 0) context.note(`there is no parameter under \`${path}\``);
  return withSignals(
    ({ first }) =>
      new Promise((resolve, reject) => {
        const child = spawn(command, commandArgs, {
          stdio: "inherit",
          env: { ...context.io.env, ...variables },
          cwd: context.io.cwd,
        });
        // A terminal's Ctrl-C reaches the child by itself; a SIGTERM sent to this process alone is passed on.
        first.addEventListener("abort", () => child.kill(first.reason === "SIGINT" ? "SIGINT" : "SIGTERM"), {
          once: true,
        });
        child.on("error", (error: NodeJS.ErrnoException) =>
          reject(
            error.code === "ENOENT"
              ? new KilnError({
                  code: "KILN_E_NO_COMMAND",
                  message: `there is no command \`${command}\``,
                  exitCode: 4,
                  cause: error,
                })
              : error,
          ),
        );
        child.on("exit", (code, signal) => resolve(signal === "SIGINT" ? 130 : (code ?? 1)));
      }),
  );
}
