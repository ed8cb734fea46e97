/** apt, yum and dnf, apk: packages of the system. Sources: https://manpages.debian.org/apt-get, https://dnf.readthedocs.io */
import { command } from "../command-fix.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolReader } from "../tool-failure.ts";
import { find } from "../tool-log.ts";

const asRoot = "apt needs root: the build's user is another (`run-as`); without it commands run as root";

export const apt: ToolReader = {
  tool: "apt",
  marks: ["E: ", "Could not get lock"],
  read(log) {
    const reading = forms.read(log);
    if (!reading || !/^(?:apt finds no package|a package file)/.test(reading.headline)) return reading;
    // Lists that were read in the same command are not what is missing.
    const updated =
      find(log, "Reading package lists", /^(?:Get|Hit|Ign):\d+ /) ?? find(log, "Get:", /^(?:Get|Hit):\d+ .* InRelease/);
    const isUpdated = updated !== undefined || /\bapt(?:-get)?\s+(?:-\S+\s+)*update\b/.test(log.command);
    const name = /`([^`]+)`/.exec(reading.headline)?.[1];
    if (isUpdated)
      return {
        ...reading,
        next: `is ${quote(name)} its name in this release? \`apt-cache policy\` says what there is`,
      };
    return {
      ...reading,
      fix: command(
        "fetch the package lists before",
        `apt-get update && ${log.command.startsWith("apt") && log.command.length < 120 ? log.command.split("\n")[0] : "apt-get install …"}`,
      ),
      why: "images come without package lists, or with old ones",
    };
  },
};

const forms = lineReader("apt", [
  {
    mark: "E: Unable to locate package",
    pattern: /^E: Unable to locate package (\S+)/,
    kind: "dependency-not-found",
    say: ([, name]) => `apt finds no package ${quote(name)}`,
  },
  {
    mark: "has no installation candidate",
    pattern: /^E: Package '([^']+)' has no installation candidate/,
    kind: "dependency-not-found",
    say: ([, name]) => `apt finds no package ${quote(name)} to install`,
  },
  {
    mark: "E: Couldn't find any package by",
    pattern: /^E: Couldn't find any package by (?:regex|glob) '([^']+)'/,
    kind: "dependency-not-found",
    say: ([, name]) => `apt finds no package ${quote(name)}`,
  },
  {
    mark: "E: Version ",
    pattern: /^E: Version '([^']+)' for '([^']+)' was not found/,
    kind: "dependency-not-found",
    say: ([, version, name]) => `apt has no version ${quote(version)} of ${quote(name)}`,
    next: ([, , name]) => `see which there are: \`apt-cache policy ${name}\``,
  },
  {
    mark: "are you root",
    pattern: /^E: .*are you root\?/,
    kind: "permission",
    say: () => "apt may not change the system: it does not run as root",
    next: asRoot,
  },
  {
    mark: "Permission denied)",
    pattern: /^E: Could not open lock file (\S+) - open \(13: Permission denied\)/,
    kind: "permission",
    say: () => "apt may not change the system: it does not run as root",
    next: asRoot,
    below: /are you root/,
  },
  {
    mark: "Could not get lock",
    pattern: /^E: Could not get lock (\S+?)\.? (?:- open|It is held by process (\d+)(?: \(([^)]+)\))?)/,
    kind: "permission",
    say: ([, , pid, name]) =>
      `another process holds apt's lock${pid === undefined ? "" : `: ${name === undefined ? pid : quote(name)}`}`,
    next: "wait for it: `apt-get -o DPkg::Lock::Timeout=120 …`",
    below: /^E: Unable to /,
  },
  {
    mark: "E: Failed to fetch",
    pattern: /^E: Failed to fetch (\S+)\s+(.+)$/,
    kind: ([, , text]) =>
      /404/.test(text ?? "") ? "dependency-not-found" : (knownTrouble(text ?? "")?.kind ?? "network"),
    say: ([, url, text]) =>
      /404/.test(text ?? "")
        ? `a package file is no longer there: ${quote(url)}`
        : `apt cannot fetch ${quote(url)}: ${short(text)}`,
    below: /^E: (?:Unable to fetch|Some index files)/,
  },
  {
    mark: "does not have a Release file",
    pattern: /^E: The repository '([^']+)' (?:does not have|no longer has) a Release file/,
    kind: "dependency-not-found",
    say: ([, url]) => `the package source ${quote(url)} is not there, or not for this release`,
  },
  {
    mark: "EXPKEYSIG",
    pattern: /^(?:W|E): (?:An error occurred .*)?GPG error: (\S+) .*EXPKEYSIG (\w+)/,
    kind: "authentication",
    say: ([, url, key]) => `the key ${quote(key)} of the package source ${quote(url)} has expired`,
    below: /^E: The repository .* is not signed/,
    next: "fetch the source's new key before `apt-get update`, or take the source away: `rm /etc/apt/sources.list.d/NAME.list`; a newer image may bring the new key",
  },
  {
    mark: "NO_PUBKEY",
    pattern: /^(?:W|E): (?:An error occurred .*)?GPG error: (\S+) .*NO_PUBKEY (\w+)/,
    kind: "authentication",
    say: ([, url, key]) => `apt has no key ${quote(key)} for the package source ${quote(url)}`,
    below: /^E: The repository .* is not signed/,
    next: "fetch the source's key into `/etc/apt/keyrings` and name it with `signed-by`, or take the source away",
  },
  {
    mark: "At least one invalid signature",
    pattern: /^(?:W|E): (?:An error occurred .*)?GPG error: (\S+) .*At least one invalid signature was encountered/,
    kind: "authentication",
    say: ([, url]) => `apt cannot verify what the package source ${quote(url)} sent`,
    below: /^E: The repository .* is not signed/,
    next: "a full disk of the docker daemon, a clock that is wrong or a damaged image look like this as well: `docker system prune`, and pull the base image again",
  },
  {
    mark: "is not signed",
    pattern: /^(?:E|W): The repository '([^']+)' is not signed/,
    kind: "authentication",
    say: ([, url]) => `the package source ${quote(url)} is not signed with a key that apt knows`,
    next: "fetch the source's key before `apt-get update`, or take the source away",
  },
  {
    mark: "Unable to correct problems",
    pattern: /^E: Unable to correct problems, you have held broken packages/,
    kind: "dependency-conflict",
    say: () => "apt cannot fit the packages together",
  },
  {
    mark: "E: Sub-process",
    pattern: /^E: Sub-process (\S+) returned an error code \((\d+)\)/,
    kind: "runtime-error",
    say: ([, name]) => `a package could not be set up: ${quote(name)} failed`,
  },
  {
    mark: "E: The package lists",
    pattern: /^E: (The package lists or status file could not be parsed.*|dpkg was interrupted.*)$/,
    kind: "runtime-error",
    say: ([, text]) => short(text),
  },
]);

export const yum = lineReader("yum", [
  {
    mark: "Unable to find a match",
    pattern: /^Error: Unable to find a match: (.+)$/,
    kind: "dependency-not-found",
    say: ([, name]) => `yum finds no package ${quote(name)}`,
    next: "is it its name on Amazon Linux? some are in `amazon-linux-extras` or EPEL",
  },
  {
    mark: "No package ",
    pattern: /^No package (\S+) available\.?/,
    kind: "dependency-not-found",
    say: ([, name]) => `yum finds no package ${quote(name)}`,
    below: /^Error: Nothing to do/,
  },
  {
    mark: "Cannot find a valid baseurl",
    pattern: /^\s*Cannot find a valid baseurl for repo: (\S+)/,
    kind: "network",
    say: ([, name]) => `yum finds no server for the repository ${quote(name)}`,
    next: "an old release's servers are gone, or the build has no way out: on AWS a VPC needs a NAT gateway",
  },
  {
    mark: "Failed to download metadata for repo",
    pattern: /^Error: Failed to download metadata for repo '([^']+)': (.+)$/,
    kind: ([, , text]) => knownTrouble(text ?? "")?.kind ?? "network",
    say: ([, name, text]) => `yum cannot read the repository ${quote(name)}: ${short(text)}`,
  },
  {
    mark: "Error: This command has to be run",
    pattern: /^Error: This command has to be run (?:with superuser privileges|under the root user)/,
    kind: "permission",
    say: () => "yum does not run as root",
  },
  {
    mark: "conflicting requests",
    pattern: /^ Problem(?: \d+)?: (.+)$/,
    kind: "dependency-conflict",
    say: ([, text]) => `yum cannot fit the packages together: ${short(text)}`,
    below: /^ {2}- /,
  },
]);

export const apk = lineReader("apk", [
  {
    mark: "unable to select packages",
    pattern: /^ERROR: unable to select packages:/,
    kind: "dependency-not-found",
    say: () => "apk cannot install a package",
    below: /^ {2}\S+ \(no such package\)|^ {2,}\S/,
  },
  {
    mark: "temporary error (try again later)",
    pattern: /^(?:WARNING: .*|ERROR: .*): temporary error \(try again later\)/,
    rank: "symptom",
    kind: "network",
    say: () => "apk cannot reach its server",
  },
]);
