/**
 * The `docker` that comes first on a build's PATH, as a shell script in a folder of its own:
 * - without privilegedMode, and where the machine has no docker CLI: Kiln's small docker, started with this Node;
 * - else a guard that starts the machine's CLI, except for what that CLI would send to a real registry by itself, past
 *   the socket: manifests, trust, pushes out of BuildKit. These are refused by name.
 * Observed with docker CLI 28: its other commands talk to the socket only, as long as something answers there; a login
 * without a name asks docker.com only on a terminal, which a build does not have.
 */

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellQuote } from "../../core/shell-quote.ts";

/** Set by the wrapper of a build without docker: no daemon must be reached, by accident or by `-H`. */
export const NO_DAEMON = "KILN_NO_DOCKER_DAEMON";

/** Kiln's small docker. Returns the folder, for PATH. */
export async function writeDockerWrapper(dir: string, hasDaemon: boolean): Promise<string> {
  return writeScript(dir, [...(hasDaemon ? [] : [`export ${NO_DAEMON}=1`]), startSmallDocker()]);
}

function startSmallDocker(): string {
  // Run from its TypeScript sources, Kiln takes the CLI from its last build.
  const isSource = import.meta.url.endsWith(".ts");
  const entry = fileURLToPath(
    new URL(isSource ? "../../../dist/docker-api/cli/main.js" : "./main.js", import.meta.url),
  );
  return `exec ${shellQuote(process.execPath)} ${shellQuote(entry)} "$@"`;
}

export interface GuardOptions {
  /** For what the engine's BuildKit builds. */
  readonly label?: string;
  /** Where a `--push` of a BuildKit build ends; `refused` is the default. */
  readonly pushes?: "refused" | "kiln";
  /** The machine's CLI has no BuildKit client: builds go to Kiln's small docker, unless DOCKER_BUILDKIT=0. */
  readonly buildsWithSmallDocker?: boolean;
  /** For builds that may push to real registries. */
  readonly refusesNothing?: boolean;
}

/** The machine's docker CLI behind the guard. Returns the folder, for PATH. */
export function writeDockerGuard(dir: string, machineCli: string, options: GuardOptions = {}): Promise<string> {
  const { label, pushes = "refused", buildsWithSmallDocker = false, refusesNothing = false } = options;
  // Only where the command is the first word: the small docker knows few of docker's own flags.
  const ownBuilds = [
    'case "$1 $command $sub" in',
    '  "buildx buildx "*) exec_small=1 ;;',
    '  "build build "*|"builder builder build"|"image image build")',
    '    case "${DOCKER_BUILDKIT:-1}" in 0|f|F|false|FALSE|False) exec_small="" ;; *) exec_small=1 ;; esac ;;',
    '  *) exec_small="" ;;',
    "esac",
    `if [ -n "$exec_small" ]; then ${startSmallDocker()}; fi`,
  ];
  const refusals = [
    'case "$command $sub" in',
    '  "manifest "*) refuse manifest "it would ask the real registry; push and pull go to kiln\'s" ;;',
    '  "trust "*) refuse trust "it would ask a real Notary server" ;;',
    '  "buildx imagetools") refuse "buildx imagetools" "it would ask the real registry; push and pull go to kiln\'s" ;;',
    '  build\\ *|buildx\\ *|builder\\ *|image\\ build|compose\\ *) if [ -n "$push" ]; then refuse "$command --push" "BuildKit would push to the real registry; build, then docker push"; fi ;;',
    "esac",
    'case "${DOCKER_CONTENT_TRUST:-0}" in 0|f|F|false|FALSE|False) ;; *) refuse "$command" "DOCKER_CONTENT_TRUST would ask a real Notary server; unset it" ;; esac',
  ];
  const labelling = [
    // Every word goes to the end of the list once; the flag follows the command.
    'case "$command $sub" in build\\ *|buildx\\ build|builder\\ build|image\\ build)',
    '  left=$# found=""',
    '  while [ "$left" -gt 0 ]; do',
    '    word=$1; shift; set -- "$@" "$word"; left=$((left - 1))',
    `    if [ "$word" = build ] && [ -z "$found" ]; then set -- "$@" --label ${shellQuote(label ?? "")}; found=1; fi`,
    "  done ;;",
    "esac",
  ];
  return writeScript(dir, [
    "refuse() {",
    `  printf 'kiln refuses docker %s in a build: %s\\n' "$1" "$2" >&2`,
    "  exit 1",
    "}",
    // The command is the first word that is no global flag and no value of one.
    'command="" sub="" skip="" push=""',
    'for word in "$@"; do',
    '  if [ -n "$skip" ]; then skip=""; continue; fi',
    '  case "$command:$word" in',
    "    :--config|:-c|:--context|:-H|:--host|:-l|:--log-level|:--tlscacert|:--tlscert|:--tlskey) skip=1 ;;",
    "    :-*) ;;",
    "    :*) command=$word ;;",
    '    *) case "$word" in',
    // Before an engine buildx hands a plain --push to the engine, through the socket.
    `      ${label === undefined ? "--push|--push=true|" : ""}type=registry*|*=type=registry*|type=*push=true*|*=type=*push=true*) push=1 ;;`,
    "      -*) ;;",
    '      *) [ -n "$sub" ] || sub=$word ;;',
    "    esac ;;",
    "  esac",
    "done",
    ...(pushes === "kiln" ? ['push=""'] : []),
    ...(refusesNothing ? [] : refusals),
    ...(label === undefined ? [] : labelling),
    ...(buildsWithSmallDocker ? ownBuilds : []),
    `exec ${shellQuote(machineCli)} "$@"`,
  ]);
}

async function writeScript(dir: string, lines: readonly string[]): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, "docker");
  await writeFile(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  await chmod(path, 0o755);
  return dir;
}
