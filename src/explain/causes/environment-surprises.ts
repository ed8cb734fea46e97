/**
 * What the build's environment is not, although people expect it: its locale (T03), Maven's settings (T01), the image's
 * user (T02), a state that `version: 0.1` does not keep (T09), a `.git` folder (T30), a place to install GPU tools (T33).
 */
import type { BuildFacts } from "../build-facts.ts";
import { locateCommand, placeOfCommand, variablesIn } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { Failure } from "../failures.ts";
import { findLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";
const SPEC = "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html";

const LOCALE =
  /UnicodeEncodeError: '(?:ascii|latin-1)' codec can't encode|UnicodeDecodeError: 'ascii' codec can't decode|Malformed input or input contains unmappable characters|unmappable character \(0x[0-9A-F]+\) for encoding (?:US-)?ASCII|invalid byte sequence in US-ASCII|"\\x[0-9A-F]{2}" (?:on|from) (?:US-)?ASCII|cannot convert .* to .*(?:locale|character set)|Cannot (?:set|change) LC_ALL|(?:Pathname|Linkname) can't be converted from UTF-8 to current locale|Invalid or incomplete multibyte or wide character/;

export const localeMissing: Cause = {
  id: "env/locale-not-utf8",
  sources: [`${TROUBLESHOOTING}#troubleshooting-utf-8-file-names`],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, LOCALE);
    if (line === undefined || !failure.command) return undefined;
    const isAmazon = /amazonlinux/.test(facts.build.environment?.image ?? "");
    return {
      cause: "the command met a character that is not ASCII, and the build's locale is POSIX",
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "the images set no UTF-8 locale, so tools read and write file names and files as ASCII",
      fix: {
        kind: "command",
        title: "set one in pre_build, before the commands that need it",
        commands: isAmazon
          ? ['export LC_ALL="en_US.utf8"']
          : [
              'export LC_ALL="en_US.UTF-8"',
              "locale-gen en_US en_US.UTF-8",
              "dpkg-reconfigure -f noninteractive locales",
            ],
      },
      next: "where the tool takes it, `LC_ALL=C.UTF-8` needs no installation",
      prove: "the command `locale charmap` in the build prints UTF-8",
      confidence: "likely",
    };
  },
};

const MAVEN_MISSING =
  /Could not (?:find artifact|resolve dependencies|transfer artifact)[\s\S]*?\bin (securecentral|central) \(|Downloading(?: from (?:securecentral|central))?: https:\/\/repo\.maven\.apache\.org/;

export const mavenSettings: Cause = {
  id: "maven/settings-of-the-image",
  sources: [`${TROUBLESHOOTING}#troubleshooting-maven-repos`],
  match(failure, facts): Finding | undefined {
    const line =
      failure.output.find((text) => /ERROR/.test(text) && MAVEN_MISSING.test(text)) ??
      findLine(failure.output, /\bin securecentral \(/);
    const pom = facts.workspace?.readText("pom.xml");
    // Only where the project names a repository of its own, or the image's own profile is named.
    const own = /<(?:repository|mirror)>[\s\S]*?<url>([^<]+)<\/url>/.exec(pom ?? "")?.[1];
    if (line === undefined || !failure.command || (!line.includes("securecentral") && own === undefined))
      return undefined;
    return {
      cause: `Maven looked in Maven Central and not in ${own === undefined ? "the repository of `pom.xml`" : `\`${own}\`, which \`pom.xml\` names`}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line.trim()],
      why: "the image brings a `/root/.m2/settings.xml` whose profile `securecentral` is always active",
      fix: {
        kind: "command",
        title: "commit a `settings.xml` of your own and put it in place in the install phase",
        commands: ["cp ./settings.xml /root/.m2/settings.xml"],
      },
      next: "or name it in the command: `mvn -s settings.xml …`",
      prove:
        "`mvn help:effective-settings` in the build shows your settings, and the log `Downloading from` your repository",
      confidence: own === undefined ? "possible" : "likely",
    };
  },
};

const NOT_AS_ROOT =
  /(?:cannot|can't|must not|should not|may not|not allowed to|refus\w+ to) (?:be )?(?:run|start\w*|execut\w*) (?:as|by|with) (?:the )?["'`]?root\b|Running as root without --no-sandbox is not supported|"root" execution of the PostgreSQL server is not permitted|can not run elasticsearch as root|Do not run this (?:script )?as root/i;

export const rootRefused: Cause = {
  id: "run-as/root-refused",
  sources: [`${TROUBLESHOOTING}#troubleshooting-root-build-commands`, `${SPEC}#build-spec.run-as`],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, NOT_AS_ROOT);
    const phase = facts.buildspec?.phases.find(({ name }) => name.toUpperCase() === failure.phaseType);
    const user = (phase?.runAs ?? facts.buildspec?.runAs)?.value;
    if (line === undefined || !failure.command || (user !== undefined && user !== "root")) return undefined;
    const image = facts.build.environment?.image;
    const isCurated = image?.startsWith("aws/codebuild/") ?? false;
    const wanted = isCurated ? "codebuild-user" : "USER";
    const at =
      phase && facts.buildspec
        ? runAsEdit(facts.buildspec.text, facts.buildspec.file, phase.span.startOffset, wanted)
        : undefined;
    return {
      cause: "the tool refuses to run as root, and CodeBuild runs commands as root, whatever `USER` the image names",
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "only `run-as` of the buildspec changes the user; the Dockerfile's `USER` does not",
      ...(at && isCurated ? { fix: at } : {}),
      next: `put \`run-as: ${wanted}\` under the phase (a user of the image), or tell the tool that root is meant, where it has such a flag`,
      prove: "the command `id -un` in that phase prints the user",
      confidence: "certain",
    };
  },
};

/** As the first member of the phase, indented like the ones that follow. */
function runAsEdit(text: string, file: string, phaseOffset: number, user: string) {
  const rest = text.slice(phaseOffset);
  const member = /(?:^|\n)([ ]+)(?:commands|runtime-versions|finally|on-failure):/.exec(rest);
  const indent = member?.[1];
  if (!member || indent === undefined) return undefined;
  const offset = phaseOffset + member.index + (member[0].startsWith("\n") ? 1 : 0);
  // The span may begin at the member itself, behind its blanks.
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return {
    kind: "edit" as const,
    title: `run this phase as \`${user}\``,
    edits: [{ file, startOffset: start, endOffset: start, newText: `${indent}run-as: ${user}\n` }],
  };
}

export const stateNotKept: Cause = {
  id: "buildspec/version-0-1",
  sources: [`${SPEC}#build-spec-ref-versions`, TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const { buildspec } = facts;
    if (buildspec?.version?.value !== "0.1" || !failure.command) return undefined;
    const earlier = earlierCommands(facts, failure);
    const used = new Set(variablesIn(failure.command.text));
    const lost = earlier.find(
      (text) => /(?:^|[;&|]\s*)(?:cd|pushd|source|\.)\s+\S/.test(text) || assigned(text).some((name) => used.has(name)),
    );
    if (lost === undefined) return undefined;
    const { startOffset, endOffset, line } = buildspec.version.span;
    return {
      cause: `\`version: 0.1\` runs each command in a new shell: what \`${lost.split("\n", 1)[0]}\` did is gone for the next command`,
      file: buildspec.file,
      line,
      evidence: [...failure.output.slice(-2), `the command: ${failure.command.text.split("\n", 1)[0]}`],
      fix: {
        kind: "edit",
        title: "use version 0.2, which keeps directory and variables",
        edits: [{ file: buildspec.file, startOffset, endOffset, newText: "0.2" }],
      },
      next: "in 0.2 variables stand under `env.variables`; or join the commands with `&&`, or put them into one script",
      confidence: "likely",
    };
  },
};

function earlierCommands({ buildspec }: BuildFacts, { command }: Failure): string[] {
  const failed = command && locateCommand(buildspec, command);
  const all = buildspec?.phases.flatMap((phase) => phase.commands) ?? [];
  return all
    .filter(({ span }) => failed !== undefined && span.startOffset < failed.span.startOffset)
    .map(({ value }) => value);
}

const assigned = (command: string): string[] =>
  [...command.matchAll(/(?:^|[;&]\s*|export\s+)([A-Za-z_]\w*)=/g)].map(([, name = ""]) => name);

const NOT_A_FOLDER =
  /(?:cd|stat|cat|ls|open|cannot (?:open|access)|ENOTDIR)[^\n]*['"`(/ ]?\.git(?:\/\S*)?['"`)]?\s*:? .*Not a directory|ENOTDIR: not a directory[^\n]*\.git\b|\.git(?:\/\S*)?['"]?: Not a directory|NotADirectoryError: [^\n]*\.git\b/i;

export const gitFolderIsFile: Cause = {
  id: "source/git-folder-is-a-file",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-caching.html", TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, NOT_A_FOLDER);
    if (line === undefined || !failure.command) return undefined;
    return {
      cause: "the command takes `.git` for a folder; with a local source cache it is a text file that names the folder",
      ...placeOfCommand(facts, failure.command),
      ...fieldOf("cache.modes", "LOCAL_SOURCE_CACHE"),
      evidence: [line],
      why: "with the cache the sources are a worktree of the cached repository, whose `.git` is a gitlink",
      fix: { kind: "command", title: "ask git where the folder is", commands: ["git rev-parse --git-dir"] },
      next: "use what it prints in place of `.git`, e.g. `$(git rev-parse --git-dir)/HEAD`; or take `LOCAL_SOURCE_CACHE` out of the project's cache",
      prove: "the command with `$(git rev-parse --git-dir)` in place of `.git` ends with status 0",
      confidence: "likely",
    };
  },
};

export const gpuToolkitPresent: Cause = {
  id: "gpu/toolkit-in-image",
  sources: [`${TROUBLESHOOTING}#troubleshooting-gpu`],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, /gpg: Sorry, no terminal at all requested|gpg: cannot open '\/dev\/tty'/);
    const text = `${failure.command?.text ?? ""}\n${failure.output.join("\n")}`;
    if (line === undefined || !failure.command || !/nvidia|libnvidia-container/i.test(text)) return undefined;
    const consequence = findLine(failure.output, /curl: \(23\)/);
    return {
      cause: "the NVIDIA container toolkit, which this command installs, is in the GPU image already",
      ...placeOfCommand(facts, failure.command),
      ...fieldOf("environment.image", facts.build.environment?.image),
      evidence: [line],
      why: "its key's file exists, so `gpg --dearmor` asks whether to overwrite it, and a build has no terminal",
      next: "take the installation steps (`curl … | gpg --dearmor …`, `apt-get install nvidia-container-toolkit`) out of the buildspec",
      ...(consequence === undefined
        ? {}
        : { consequences: [`\`${consequence}\` follows: gpg ended before it had read the key`] }),
      prove: "the command `nvidia-ctk --version` in the build prints a version without the step",
      confidence: "certain",
    };
  },
};
