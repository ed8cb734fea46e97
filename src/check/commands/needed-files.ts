/**
 * Programs that read a file nobody names on the command line: `go build` a go.mod, `sam build` a template. A table: which
 * commands, which files will do, and whether a folder above may have them.
 */

import { ownValue } from "../../core/own-value.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { hasOption, names, readArguments } from "./command-arguments.ts";

export interface NeededFile {
  /** What reads it, as people say it. */
  readonly user: string;
  /** One of these, as glob patterns of one folder. */
  readonly files: readonly string[];
  /** Folders above count too. */
  readonly isAboveToo: boolean;
  /** What the program answers. */
  readonly answer: string;
}

interface Program {
  readonly verbs: RegExp;
  readonly files: readonly string[];
  readonly answer: string;
  readonly isAboveToo?: true;
  /** Options with which the file is looked for elsewhere. */
  readonly elsewhere?: readonly string[];
  /** Files that may say where it is. */
  readonly settings?: readonly string[];
  /** An operand with which no such file is needed. */
  readonly without?: RegExp;
}

const programs: Readonly<Record<string, Program>> = {
  go: {
    verbs: /^(build|test|vet|generate)$/,
    files: ["go.mod", "go.work"],
    isAboveToo: true,
    answer: "go: go.mod file not found in current directory or any parent directory",
    elsewhere: ["-C", "-mod", "-modfile"],
    without: /\.go$|@|^(std|cmd)$|^[a-z0-9-]+(\.[a-z0-9-]+)+\//,
  },
  mvn: {
    verbs: /^(clean|validate|compile|test|package|verify|install|deploy|site)$/,
    files: ["pom.xml"],
    answer: "The goal you specified requires a project to execute but there is no POM in this directory",
    elsewhere: ["-f", "--file"],
    settings: [".mvn/maven.config"],
  },
  gradle: {
    verbs: /^(:?[\w:-]*:)?(build|test|check|assemble|clean|jar|bootJar|publish|run)$/,
    files: ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"],
    isAboveToo: true,
    answer: "Directory does not contain a Gradle build",
    elsewhere: ["-p", "--project-dir", "-b", "--build-file", "-c", "--settings-file", "-I", "--init-script"],
  },
  cargo: {
    verbs: /^(build|b|test|t|check|c|clippy|fmt|doc|run|r|bench|publish|package)$/,
    files: ["Cargo.toml"],
    isAboveToo: true,
    answer: "error: could not find Cargo.toml",
    elsewhere: ["--manifest-path", "-C"],
  },
  terraform: {
    verbs: /^(plan|apply|validate|refresh)$/,
    files: ["*.tf", "*.tf.json"],
    answer: "Error: No configuration files",
    elsewhere: ["-chdir"],
    without: /./,
  },
  sam: {
    verbs: /^(build|validate)$/,
    files: ["template.yaml", "template.yml", "template.json"],
    answer: "Error: Template file not found",
    elsewhere: ["-t", "--template", "--template-file", "--config-file"],
    settings: ["samconfig.toml", "samconfig.yaml", "samconfig.yml"],
  },
  cdk: {
    verbs: /^(synth|synthesize|deploy|diff|list|ls|destroy)$/,
    files: ["cdk.json"],
    answer: "--app is required either in command-line, in cdk.json or in ~/.cdk.json",
    elsewhere: ["-a", "--app"],
  },
  serverless: {
    verbs: /^(deploy|package|remove|print|info)$/,
    files: ["serverless.yml", "serverless.yaml", "serverless.json", "serverless.js", "serverless.ts"],
    answer: "No serverless file found",
    elsewhere: ["-c", "--config"],
  },
  bundle: {
    verbs: /^(install|exec|check|update|package|cache)$/,
    files: ["Gemfile", "gems.rb"],
    isAboveToo: true,
    answer: "Could not locate Gemfile",
    elsewhere: ["--gemfile"],
  },
  composer: {
    verbs: /^(install|i|validate)$/,
    files: ["composer.json"],
    answer: "Composer could not find a composer.json file",
    elsewhere: ["-d", "--working-dir"],
  },
  poetry: {
    verbs: /^(install|build|run|publish|check|lock|export)$/,
    files: ["pyproject.toml"],
    isAboveToo: true,
    answer: "Poetry could not find a pyproject.toml file",
    elsewhere: ["-C", "--directory", "-P", "--project"],
  },
  dotnet: {
    verbs: /^(build|restore|publish|test|pack)$/,
    files: ["*.sln", "*.slnx", "*.slnf", "*.csproj", "*.fsproj", "*.vbproj", "*.proj"],
    answer: "MSBUILD : error MSB1003: Specify a project or solution file",
    without: /./,
  },
  make: {
    verbs: /./,
    files: ["Makefile", "makefile", "GNUmakefile"],
    answer: "make: *** No targets specified and no makefile found.  Stop.",
    elsewhere: ["-C", "--directory", "-f", "--file", "--makefile"],
  },
  "docker-compose": {
    verbs: /^(build|up|pull|push|run|config|create|start)$/,
    files: ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"],
    isAboveToo: true,
    answer: "no configuration file provided: not found",
    elsewhere: ["-f", "--file", "--project-directory", "-p", "--project-name"],
  },
};

const synonyms: Readonly<Record<string, string>> = { sls: "serverless", "./gradlew": "gradle", "./mvnw": "mvn" };
const runners = new Set(["npx", "bunx"]);

/** Options of these programs that take the next word. */
const withValue = names(
  "-f --file -p --project-dir --project-name --project-directory -P -s --settings -D -T -pl -b --build-file -c --config --settings-file -I " +
    "-x -t --template --template-file --config-file --region --profile --stack-name -a --app --stage --manifest-path --features --target " +
    "--package -C --directory --context --output -o --configuration --framework --runtime --verbosity -v --with --without --only --gemfile " +
    "--jobs --working-dir -d --env-file --parameter-overrides --build-dir --base-dir --cache-dir -r --require-approval --toolkit-stack-name",
);

/** What the command reads from the folder it runs in; undefined when nothing certain is known. */
export function neededFile(command: ShellCommand): (NeededFile & { readonly settings: readonly string[] }) | undefined {
  let name = command.name ?? "";
  let args = command.args;
  if (runners.has(name) && args[0]?.text !== undefined) {
    name = args[0].text;
    args = args.slice(1);
  }
  if ((name === "docker" || name === "podman") && args[0]?.text === "compose") {
    name = "docker-compose";
    args = args.slice(1);
  }
  name = ownValue(synonyms, name) ?? name;
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (!program) return undefined;
  const read = readArguments(args, name === "go" ? new Set() : withValue);
  if (read.isUncertain || read.operands.some(({ text }) => text === undefined)) return undefined;
  const oneDash = args.some(({ text }) => program.elsewhere?.some((option) => text?.startsWith(`${option}=`)));
  if (oneDash || hasOption(read, ...(program.elsewhere ?? []), "-h", "--help", "--version", "-version"))
    return undefined;
  const [verb, ...rest] = read.operands.map(({ text }) => text ?? "");
  // Maven and gradle take goals in any order.
  const goals = name === "mvn" || name === "gradle" ? read.operands.map(({ text }) => text ?? "") : [verb ?? ""];
  const isKnown = name === "make" ? true : goals.length > 0 && goals.every((goal) => program.verbs.test(goal));
  if (!isKnown || rest.some((operand) => program.without?.test(operand))) return undefined;
  return {
    user: name === "make" ? "make" : `${name} ${goals[0]}`,
    files: program.files,
    isAboveToo: program.isAboveToo === true,
    answer: program.answer,
    settings: program.settings ?? [],
  };
}
