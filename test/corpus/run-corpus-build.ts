/** Runs one buildspec of the corpus on the host engine with stand-in tools, and tells what was called, where, with what. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { parseBuildspec } from "../../src/build/buildspec/index.ts";
import { systemClock } from "../../src/core/clock.ts";
import { systemIds } from "../../src/core/ids.ts";
import { createHostEngine } from "../../src/engines/index.ts";
import { testBuild } from "../support/run-test-build.ts";
import type { CorpusFile } from "./corpus.ts";
import { makeStandIns, parseCalls, scriptStandIn, type ToolCall } from "./stand-in-tools.ts";

const MAX_TREE = 4000;

/** Phases with their ends, and under each command its calls: directory, changed variables, tool and arguments. */
export async function runCorpusBuild(file: CorpusFile): Promise<string> {
  // Realpath-free and short: it stands in the expectations as ROOT.
  const root = mkdtempSync(join(tmpdir(), "kiln-corpus-"));
  try {
    const calls = join(root, "calls");
    writeFileSync(calls, "");
    const { buildspec } = parseBuildspec(file.text, file.path);
    if (!buildspec) throw new Error(`${file.number} does not parse`);
    const watched = watchedVariables(file.text, buildspec);
    const tools = join(root, "tools");
    makeStandIns(tools, file.text, { calls, buildRoot: root, watched, versions: versionsOf(buildspec) });
    const source = join(root, "source");
    makeTree(source, file, { calls, watched });
    const lines: string[] = [];
    let before: Readonly<Record<string, string>> = {};
    let read = 0;
    const takeCalls = (srcDir: string): void => {
      const bytes = readFileSync(calls);
      for (const call of parseCalls(bytes.subarray(read))) {
        lines.push(...callLines(call, before, srcDir, root));
        before = call.variables;
      }
      read = bytes.length;
    };
    let srcDir = "";
    const { result } = await testBuild({
      engine: createHostEngine({ clock: systemClock, ids: systemIds, machine: { PATH: tools } }),
      role: {
        GetParameters: ({ Names }: { Names: string[] }) => ({
          Parameters: Names.map((name) => ({ Name: name, Type: "SecureString", Value: `parameter(${name})` })),
          InvalidParameters: [],
        }),
        GetSecretValue: ({ SecretId }: { SecretId: string }) => ({
          SecretString: JSON.stringify(
            Object.fromEntries(secretKeys(buildspec, SecretId).map((key) => [key, `secret(${SecretId}:${key})`])),
          ),
        }),
      },
      request: {
        source: { type: "S3", location: pathToFileURL(source).href, buildspec: file.path },
        timeoutMs: 60_000,
        privilegedMode: true,
      },
      dependencies: { machine: { PATH: tools } },
      onEvent(event) {
        if (event.type === "log" && event.text.startsWith("CODEBUILD_SRC_DIR=")) srcDir = event.text.slice(18);
        // What Kiln itself calls before a command, to find runtimes, is not the buildspec's.
        if (event.type === "command-started") read = statSync(calls).size;
        if (event.type === "command-finished") {
          lines.push(`  line ${event.line}${event.exitStatus === 0 ? "" : `, exit status ${event.exitStatus}`}`);
          takeCalls(srcDir);
        }
        if (event.type === "phase-finished") {
          const { phaseType, phaseStatus, contexts } = event.phase;
          const context = contexts?.find(({ statusCode }) => statusCode !== "");
          lines.push(
            `${phaseType} ${phaseStatus}${context ? ` ${context.statusCode}: ${firstLine(context.message)}` : ""}`,
          );
        }
      },
    });
    const text = [...lines, `build ${result.buildStatus}`, ""].join("\n");
    return text
      .replaceAll(srcDir, "SRC")
      .replaceAll(root, "ROOT")
      .replaceAll(/\S*\/kiln-run-\w+/g, "WORK");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function callLines(call: ToolCall, before: Readonly<Record<string, string>>, srcDir: string, root: string): string[] {
  const place = relative(srcDir, call.directory) || ".";
  const changed = Object.entries(call.variables).filter(([name, value]) => before[name] !== value);
  const gone = Object.keys(before).filter((name) => call.variables[name] === undefined);
  return [
    ...changed.map(([name, value]) => `      ${name}=${oneLine(value)}`),
    ...gone.map((name) => `      ${name} is gone`),
    `    ${place.startsWith("..") ? call.directory.replace(root, "ROOT") : place}: ${[call.name, ...withoutEndpoint(call.args)].map(quoted).join(" ")}`,
  ];
}

/** Kiln's own part of an `aws` call. */
const withoutEndpoint = (args: readonly string[]): readonly string[] =>
  args[0] === "--endpoint-url" ? args.slice(2) : args;

const oneLine = (text: string): string => text.replaceAll("\n", "\\n");
const firstLine = (text: string): string => (text.split("\n")[0] ?? "").replaceAll(/\s+/g, " ");
const quoted = (text: string): string => {
  const line = oneLine(text);
  const short = line.length > 160 ? `${line.slice(0, 160)}… (${line.length} characters)` : line;
  return /^[\w@%+=:,./-]+$/.test(short) ? short : `'${short}'`;
};

/** What the buildspec declares or assigns: those a reader wants to see change. */
function watchedVariables(
  text: string,
  buildspec: NonNullable<ReturnType<typeof parseBuildspec>["buildspec"]>,
): string[] {
  const { variables, parameterStore, secretsManager } = buildspec.env;
  const declared = [...variables, ...parameterStore, ...secretsManager].map(({ name }) => name.value);
  const assigned = [...text.matchAll(/(?:^|[\s;&"'(])(?:export\s+)?([A-Z_][A-Z0-9_]*)=/gm)].map(
    (match) => match[1] ?? "",
  );
  return [...new Set([...declared, ...assigned, "CODEBUILD_BUILD_SUCCEEDING"])]
    .filter((name) => /^[A-Za-z_]\w*$/.test(name) && !["PATH", "HOME", "IFS", "PWD"].includes(name))
    .sort();
}

function versionsOf(buildspec: NonNullable<ReturnType<typeof parseBuildspec>["buildspec"]>): Record<string, string> {
  const versions: Record<string, string> = { python3: "Python 3.11.2", python: "Python 3.11.2", node: "v18.19.0" };
  for (const phase of buildspec.phases) {
    for (const { runtime, version } of phase.runtimeVersions) {
      const full = version.value
        .replace(/^latest$/, "99.0.0")
        .replace(/\.x$/, "")
        .replace(/^(\d+)$/, "$1.0")
        .replace(/^(\d+\.\d+)$/, "$1.0");
      if (runtime.value === "python") {
        versions["python3"] = `Python ${full}`;
        versions["python"] = `Python ${full}`;
      }
      if (runtime.value === "nodejs") versions["node"] = `v${full}`;
      if (runtime.value === "golang") versions["go"] = `go version go${full} linux/amd64`;
      if (runtime.value === "java") versions["java"] = `openjdk version "${full.replace(/^\D+/, "")}"`;
      if (runtime.value === "ruby" || runtime.value === "php" || runtime.value === "dotnet") {
        versions[runtime.value] = `${runtime.value} ${full}`;
      }
    }
  }
  return versions;
}

const secretKeys = (buildspec: NonNullable<ReturnType<typeof parseBuildspec>["buildspec"]>, id: string): string[] =>
  buildspec.env.secretsManager
    .filter(({ value }) => value.value.startsWith(id))
    .map(({ value }) => value.value.slice(id.length + 1).split(":")[0] ?? "")
    .filter((key) => key !== "");

/** The repository's folders and files, empty; what may be executed or looks like a script is a stand-in. */
function makeTree(
  source: string,
  file: CorpusFile,
  how: { readonly calls: string; readonly watched: readonly string[] },
): void {
  const paths = file.tree.length > MAX_TREE ? file.tree.filter((path) => isNamedIn(file.text, path)) : file.tree;
  mkdirSync(source, { recursive: true });
  for (const path of paths) {
    const target = join(source, path);
    mkdirSync(dirname(target), { recursive: true });
    const isScript = file.executables.has(path) || path.endsWith(".sh");
    writeFileSync(target, isScript ? scriptStandIn(path, how) : "");
    if (isScript) chmodSync(target, 0o755);
  }
  const target = join(source, file.path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, file.text);
}

const isNamedIn = (text: string, path: string): boolean =>
  text.includes(path.split("/").at(-1) ?? path) ||
  path.split("/").some((part) => part.length > 3 && text.includes(part));
