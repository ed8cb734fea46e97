/** yarn 1, yarn 2 and later (berry), pnpm. Sources: https://yarnpkg.com/advanced/error-codes, https://pnpm.io/errors */
import { command } from "../command-fix.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { type LineForm, lineReader } from "../line-reader.ts";
import type { ToolFailureKind } from "../tool-failure.ts";

const refresh = (file: string, install: string) =>
  command("refresh the lock file and commit it", install, `git add ${file}`);
const kindOf = (text: string | undefined, other: ToolFailureKind): ToolFailureKind =>
  knownTrouble(text ?? "")?.kind ?? other;

const CLASSIC: readonly LineForm[] = [
  {
    mark: "Your lockfile needs to be updated",
    pattern: /^error Your lockfile needs to be updated/,
    kind: "lock-out-of-date",
    say: () => "yarn.lock does not fit package.json",
    fix: () => refresh("yarn.lock", "yarn install"),
  },
  {
    mark: "Couldn't find package",
    pattern:
      /^error (?:An unexpected error occurred: ")?Couldn't find package "([^"]+)"(?: required by "([^"]+)")? on the "npm" registry/,
    kind: "dependency-not-found",
    say: ([, name]) => `yarn finds no package ${quote(name)}`,
    next: "is the name right? a private package needs its registry and a token in `.npmrc`",
  },
  {
    mark: "Couldn't find any versions for",
    pattern: /^error Couldn't find any versions for "([^"]+)" that matches "([^"]+)"/,
    kind: "dependency-not-found",
    say: ([, name, version]) => `yarn finds no version ${quote(`${name}@${version}`)}`,
    next: ([, name]) => `see which there are: \`npm view ${name} versions\``,
  },
  {
    mark: "is incompatible with this module",
    pattern:
      /^error (\S+): The engine "(\w+)" is incompatible with this module\. Expected version "([^"]+)"\. Got "([^"]+)"/,
    kind: "version-mismatch",
    say: ([, who, engine, wanted, got]) => `${quote(who)} wants ${engine} ${quote(wanted)}, and this is ${quote(got)}`,
    next: "choose the version under `phases.install.runtime-versions.nodejs`",
  },
  {
    mark: "error Command ",
    pattern: /^error Command "([^"]+)" not found\.(?: Did you mean "([^"]+)"\?)?/,
    kind: "configuration",
    say: ([, name, meant]) =>
      `package.json has no script or command ${quote(name)}${meant === undefined ? "" : `; did you mean ${quote(meant)}?`}`,
  },
  {
    mark: "error Couldn't find a package.json file",
    pattern: /^error Couldn't find a package\.json file in "([^"]+)"/,
    kind: "file-not-found",
    say: ([, folder]) => `there is no package.json in ${quote(folder)}`,
    next: "change to the folder of package.json first (`cd`, or `yarn --cwd FOLDER`)",
  },
  {
    mark: "error An unexpected error occurred",
    pattern: /^error An unexpected error occurred: "(.+?)"?\.?$/,
    kind: ([, text]) => kindOf(text, "runtime-error"),
    say: ([, text]) => `yarn failed: ${knownTrouble(text ?? "")?.what ?? short(text)}`,
  },
  {
    mark: "error Command failed with exit code",
    pattern: /^error Command failed with exit code (\d+)/,
    rank: "wrapper",
    kind: "runtime-error",
    say: ([, code]) => `a yarn script ended with exit status ${code}`,
    within: () => "a yarn script",
  },
];

const BERRY: readonly LineForm[] = [
  {
    mark: "YN0028",
    pattern:
      /YN0028: .*The lockfile would have been (?:modified|created) by this install, which is explicitly forbidden/,
    kind: "lock-out-of-date",
    say: () => "yarn.lock does not fit package.json",
    fix: () => refresh("yarn.lock", "yarn install"),
  },
  {
    mark: "YN0035",
    pattern: /YN0035: │ ([^:]+(?::[^:]+)?): (.+)$/,
    kind: ([, , text]) => (/not found/i.test(text ?? "") ? "dependency-not-found" : kindOf(text, "network")),
    say: ([, name, text]) => `yarn cannot get the package ${quote(name)}: ${short(text)}`,
    below: /YN0035: │ {3}(?:Response Code|Request URL)/,
  },
  {
    mark: "YN0082",
    pattern: /YN0082: │ ([^:]+:?[^:]*): (.+)$/,
    kind: "dependency-not-found",
    say: ([, name, text]) => `yarn finds no version ${quote(name)}: ${short(text)}`,
  },
  {
    mark: "YN0041",
    pattern: /YN0041: (?:│ )?(.+)$/,
    kind: "authentication",
    say: ([, text]) => `the registry wants a login: ${short(text)}`,
    next: "set `npmAuthToken` in `.yarnrc.yml`, with the value from Secrets Manager",
  },
  {
    mark: "YN0001",
    pattern: /YN0001: (?:│ )?(?:\S*Error: )?(.+)$/,
    kind: ([, text]) => kindOf(text, "runtime-error"),
    say: ([, text]) => `yarn failed: ${short(text)}`,
  },
  {
    mark: "YN0009",
    pattern: /YN0009: (?:│ )?(\S+) couldn't be built successfully/,
    kind: "compile-error",
    say: ([, name]) => `yarn could not build ${quote(name)}`,
    next: "its log is named in the line: print it with `cat`",
  },
  {
    mark: "YN0018",
    pattern: /YN0018: (?:│ )?(\S+): The remote archive doesn't match the expected checksum/,
    kind: "lock-out-of-date",
    say: ([, name]) => `the checksum of ${quote(name)} is not the one in yarn.lock`,
  },
  {
    mark: "Usage Error: ",
    pattern: /^Usage Error: (.+)$/,
    kind: "usage",
    say: ([, text]) => `yarn refuses: ${short(text)}`,
  },
  {
    mark: "doesn't seem to be present in your lockfile",
    pattern: /^(?:Internal Error|Usage Error): (\S+?): This package doesn't seem to be present in your lockfile/,
    kind: "lock-out-of-date",
    say: ([, name]) => `${quote(name)} is not in yarn.lock: nothing was installed, or the lock is old`,
    fix: () => refresh("yarn.lock", "yarn install"),
  },
];

export const yarn = lineReader("yarn", [...CLASSIC, ...BERRY]);

export const pnpm = lineReader("pnpm", [
  {
    mark: "ERR_PNPM_OUTDATED_LOCKFILE",
    pattern: /ERR_PNPM_OUTDATED_LOCKFILE/,
    kind: "lock-out-of-date",
    say: () => "pnpm-lock.yaml does not fit package.json",
    below: /specifiers in the lockfile|^\* \d+ dependenc/,
    fix: () => refresh("pnpm-lock.yaml", "pnpm install"),
  },
  {
    mark: "ERR_PNPM_NO_LOCKFILE",
    pattern: /ERR_PNPM_NO_LOCKFILE/,
    kind: "lock-out-of-date",
    say: () => "`pnpm install --frozen-lockfile` needs a pnpm-lock.yaml, and there is none",
    fix: () => refresh("pnpm-lock.yaml", "pnpm install"),
  },
  {
    mark: "ERR_PNPM_LOCKFILE_BREAKING_CHANGE",
    pattern: /ERR_PNPM_LOCKFILE_BREAKING_CHANGE/,
    kind: "version-mismatch",
    say: () => "pnpm-lock.yaml was written by another generation of pnpm",
    next: "use the same pnpm as at home: `packageManager` in package.json with `corepack enable`",
  },
  {
    mark: "ERR_PNPM_FETCH_404",
    pattern: /ERR_PNPM_FETCH_404\s+GET (\S+?): /,
    kind: "dependency-not-found",
    say: ([, url]) => `pnpm finds no package ${quote(url?.split("/").slice(3).join("/"))}`,
    below: /is not in the npm registry|No authorization header/,
    next: "is the name right? a private package needs its registry and a token in `.npmrc`",
  },
  {
    mark: "ERR_PNPM_FETCH_40",
    pattern: /ERR_PNPM_FETCH_(401|403)\s+(.+)$/,
    kind: ([, code]) => (code === "401" ? "authentication" : "permission"),
    say: ([, , text]) => `the registry refuses: ${short(text)}`,
    next: "write the token into `.npmrc`, with the value from Secrets Manager",
  },
  {
    mark: "ERR_PNPM_NO_MATCHING_VERSION",
    pattern: /ERR_PNPM_NO_MATCHING_VERSION(?:_INSIDE_WORKSPACE)?\s+No matching version found for (\S+)/,
    kind: "dependency-not-found",
    say: ([, name]) => `pnpm finds no version ${quote(name)}`,
    below: /^The latest release of/,
  },
  {
    mark: "ERR_PNPM_NO_SCRIPT",
    pattern: /ERR_PNPM_NO_SCRIPT(?:_OR_SERVER)?\s+Missing script:? ?(.*)$/,
    kind: "configuration",
    say: ([, name]) => `package.json has no script ${quote(name)}`,
    below: /Did you mean/,
  },
  {
    mark: "ERR_PNPM_UNSUPPORTED_ENGINE",
    pattern: /ERR_PNPM_UNSUPPORTED_ENGINE/,
    kind: "version-mismatch",
    say: () => "a package wants another node or pnpm than this",
    below: /Expected version|Got:/,
  },
  {
    mark: "ERR_PNPM_PEER_DEP_ISSUES",
    pattern: /ERR_PNPM_PEER_DEP_ISSUES/,
    kind: "dependency-conflict",
    say: () => "pnpm: peer dependencies are missing or do not fit",
    below: /✕/,
  },
  {
    mark: "ERR_PNPM_NO_PKG_MANIFEST",
    pattern: /ERR_PNPM_NO_PKG_MANIFEST\s+No package\.json found in (.+)$/,
    kind: "file-not-found",
    say: ([, folder]) => `there is no package.json in ${quote(folder)}`,
  },
  {
    mark: "ERR_PNPM_RECURSIVE",
    pattern: /ERR_PNPM_RECURSIVE_(?:RUN_FIRST_FAIL|EXEC_FIRST_FAIL|FAIL)\s+(.+?)(?: |: )(?:\w+: `(.+)`)?/,
    rank: "wrapper",
    kind: "runtime-error",
    say: ([, who]) => `a script of ${quote(who)} failed`,
    within: ([, who]) => `script of ${quote(who)}`,
  },
  {
    mark: "ELIFECYCLE",
    pattern: /^\s*ELIFECYCLE\s+(.+)$/,
    rank: "wrapper",
    kind: "runtime-error",
    say: ([, text]) => `a pnpm script failed: ${short(text)}`,
    within: () => "a pnpm script",
  },
  {
    mark: "ERR_PNPM_",
    pattern: /(ERR_PNPM_\w+)\s+(.+)$/,
    kind: ([, , text]) => kindOf(text, "runtime-error"),
    say: ([, code, text]) => `pnpm failed: ${short(text)} (${code})`,
  },
]);
