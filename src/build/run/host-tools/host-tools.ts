/**
 * Language tools on engines that use this machine's own: `runtime-versions`, a Python environment and an npm prefix of
 * the build's own, so that nothing a command installs stays on the machine.
 */
import { mkdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { ok, type Result } from "../../../core/result.ts";
import type { BuildPlan, RuntimeSelection } from "../../plan/index.ts";
import type { BuildLog } from "../build-log.ts";
import type { PhaseContext } from "../events.ts";
import { prepareAwsTool } from "./aws-tool.ts";
import { createPythonEnvironment } from "./python-environment.ts";
import { findRuntime } from "./runtime-versions.ts";

export interface HostTools {
  readonly pathPrefix: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

const PYTHON_WORDS = /(?:^|[\s;&|(/])(?:python[\d.]*|pip[\d.]*|pytest|tox|nox|poetry|pipenv)(?=$|[\s;&|)])/m;
const NPM_WORDS = /(?:^|[\s;&|(])(?:npm|npx|yarn|pnpm|corepack)(?=$|[\s;&|)])/m;
const NVM_WORD = /\bnvm\b/;

export async function prepareHostTools(input: {
  readonly plan: BuildPlan;
  readonly selection: RuntimeSelection;
  readonly workDir: string;
  readonly machine: Readonly<Record<string, string | undefined>>;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
}): Promise<Result<HostTools, PhaseContext>> {
  const { plan, workDir, machine, log } = input;
  const pathPrefix: string[] = [];
  let python: string | undefined;
  const selected = input.selection.kind === "selected" ? input.selection.runtimes : [];
  for (const { runtime, version } of selected) {
    const found = await findRuntime(runtime, version, machine);
    if (!found.ok) return found;
    const { path, bin, exact } = found.value;
    if (exact) log.notice("info", `${runtime} ${found.value.version} of this machine: ${path}`);
    else {
      log.notice(
        "warning",
        `${runtime} ${version} is not on this machine; the build uses ${runtime} ${found.value.version} (${path}), which may behave differently`,
      );
    }
    if (runtime === "python") python = path;
    else pathPrefix.push(...(await programFolder(path, bin, workDir)));
  }

  const texts = plan.phases.flatMap((phase) => [...phase.commands, ...phase.finally].map((command) => command.text));
  const mentions = (words: RegExp): boolean => texts.some((text) => words.test(text));
  const variables: Record<string, string> = { GOPATH: join(workDir, "go") };
  if (python === undefined && mentions(PYTHON_WORDS)) {
    const found = await findRuntime("python", "latest", machine);
    if (found.ok) python = found.value.path;
  }
  const made =
    python === undefined ? undefined : await createPythonEnvironment(python, join(workDir, "python"), input.signal);
  if (made && "failure" in made) log.notice("warning", `no Python environment of the build's own: ${made.failure}`);
  if (made && "bin" in made) pathPrefix.unshift(made.bin);
  else {
    // pip called from a script of the repository, or without an environment: it installs into the build's folder, too.
    Object.assign(variables, {
      PYTHONUSERBASE: join(workDir, "python-user"),
      PIP_USER: "1",
      PIP_BREAK_SYSTEM_PACKAGES: "1",
    });
    pathPrefix.push(join(workDir, "python-user", "bin"));
  }
  // nvm refuses to work beside a prefix.
  if (mentions(NPM_WORDS) && !mentions(NVM_WORD)) {
    variables["NPM_CONFIG_PREFIX"] = join(workDir, "npm");
    pathPrefix.push(join(workDir, "npm", "bin"));
  }
  pathPrefix.push(...(await prepareAwsTool(workDir, machine["PATH"])));
  return ok({ pathPrefix, variables });
}

/** A folder that leads to a program under its plain name: its own, or one with a link when the name carries a version. */
async function programFolder(path: string, bin: string | undefined, workDir: string): Promise<string[]> {
  if (bin !== undefined) return [bin];
  const name = basename(path);
  const plain = /^(node|go|ruby|php)-?[\d.]+$/.exec(name)?.[1];
  if (plain === undefined) return [];
  const folder = join(workDir, "runtimes", "bin");
  await mkdir(folder, { recursive: true });
  await symlink(path, join(folder, plain));
  return [folder];
}
