/**
 * What a command is for, where that can be told: it builds, tests, pushes or deploys. Rules about order and about lost
 * failures speak only of these.
 */
import { dockerCommand } from "../docker/docker-commands.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export interface BuildStep {
  readonly kind: "build" | "test" | "push" | "deploy";
  /** For messages, e.g. `docker build`. */
  readonly title: string;
}

const first = (command: ShellCommand): string => command.args.find(({ source }) => !source.startsWith("-"))?.text ?? "";

/** Words that are no options, one space between. */
const operands = (command: ShellCommand): string =>
  command.args
    .filter(({ source }) => !source.startsWith("-"))
    .map(({ text, source }) => text ?? source)
    .join(" ");

/** Programs that are a step by their name alone. */
const byName: Readonly<Record<string, BuildStep["kind"]>> = {
  pytest: "test",
  tox: "test",
  nox: "test",
  jest: "test",
  vitest: "test",
  mocha: "test",
  rspec: "test",
  phpunit: "test",
  ctest: "test",
  eslint: "test",
  flake8: "test",
  pylint: "test",
  mypy: "test",
  shellcheck: "test",
  "cfn-lint": "test",
  "golangci-lint": "test",
  tsc: "build",
  make: "build",
  webpack: "build",
  hugo: "build",
};

/** Programs whose first word decides. */
const byVerb: Readonly<Record<string, Readonly<Partial<Record<BuildStep["kind"], RegExp>>>>> = {
  go: { build: /^(build|install)$/, test: /^(test|vet)$/ },
  cargo: { build: /^build$/, test: /^(test|clippy|nextest)$/, push: /^publish$/ },
  dotnet: { build: /^(build|publish|pack)$/, test: /^test$/ },
  npm: { test: /^(test|t)$/, push: /^publish$/ },
  yarn: { test: /^test$/, build: /^build$/ },
  pnpm: { test: /^test$/, build: /^build$/, push: /^publish$/ },
  ng: { build: /^build$/, test: /^(test|e2e)$/ },
  terraform: { deploy: /^(apply|destroy)$/, test: /^validate$/ },
  tofu: { deploy: /^(apply|destroy)$/, test: /^validate$/ },
  terragrunt: { deploy: /^(apply|destroy|run-all)$/ },
  cdk: { deploy: /^(deploy|destroy)$/, build: /^(synth|synthesize)$/ },
  sam: { deploy: /^deploy$/, build: /^(build|package)$/, test: /^validate$/ },
  sls: { deploy: /^(deploy|remove)$/ },
  serverless: { deploy: /^(deploy|remove)$/ },
  helm: { deploy: /^(upgrade|install|uninstall)$/, push: /^push$/, test: /^lint$/ },
  kubectl: { deploy: /^(apply|create|replace|set|patch)$/ },
  eb: { deploy: /^deploy$/ },
  copilot: { deploy: /^deploy$/ },
  twine: { push: /^upload$/ },
  "ecs-deploy": { deploy: /./ },
};

const awsDeploys =
  /^(cloudformation (deploy|create-stack|update-stack|create-change-set|execute-change-set)|s3 sync|s3 cp|lambda (update-function-code|publish-version|update-alias)|ecs (update-service|register-task-definition|run-task)|deploy (create-deployment|push)|elasticbeanstalk (create-application-version|update-environment)|apprunner start-deployment|amplify start-(job|deployment)|eks update-nodegroup-version|stepfunctions update-state-machine|apigateway create-deployment)/;

export function stepOf(command: ShellCommand): BuildStep | undefined {
  const { name } = command;
  if (name === undefined || isQuestion(command)) return undefined;
  const docker = dockerCommand(command);
  if (docker) {
    if (/^(compose )?build$|^bake$/.test(docker.verb)) return { kind: "build", title: `${name} ${docker.verb}` };
    return /^(compose )?push$/.test(docker.verb) ? { kind: "push", title: `${name} ${docker.verb}` } : undefined;
  }
  const named = name.replace(/^.*\//, "");
  if (/^(mvn|mvnw|gradle|gradlew)$/.test(named)) return jvm(command, named);
  if (name === "npx" || name === "bunx") return inner(command);
  if (name === "python" || name === "python3") return python(command, name);
  if (/^(npm|yarn|pnpm)$/.test(name)) {
    const [verb, script = ""] = operands(command).split(" ");
    const runs = verb === "run" || verb === "run-script" ? script : undefined;
    if (runs !== undefined) {
      const kind = /^(test|lint|e2e|check|typecheck|coverage)(:|$)/.test(runs)
        ? "test"
        : /^build(:|$)/.test(runs)
          ? "build"
          : undefined;
      return kind && { kind, title: `${name} run ${runs}` };
    }
  }
  if (name === "aws") {
    const words = operands(command);
    const found = awsDeploys.exec(words)?.[1];
    // Reports and logs are uploaded after a failure on purpose.
    if (found?.startsWith("s3 ") && /report|log|coverage|test|result|cache/i.test(words)) return undefined;
    if (found === "s3 cp" && !isPublication(command, words)) return undefined;
    if (found === undefined) return undefined;
    return { kind: "deploy", title: `aws ${found}` };
  }
  const target =
    named === "make"
      ? command.args.find(({ text }) => /^(unit-?)?tests?$|^(check|lint|verify)$/.test(text ?? ""))
      : undefined;
  if (target) return { kind: "test", title: `make ${target.text}` };
  const kind = byName[named] ?? kindByVerb(named, first(command));
  return kind && { kind, title: byName[named] ? named : `${named} ${first(command)}` };
}

function kindByVerb(name: string, verb: string): BuildStep["kind"] | undefined {
  const kinds = Object.hasOwn(byVerb, name) ? byVerb[name] : undefined;
  return (["build", "test", "push", "deploy"] as const).find((kind) => kinds?.[kind]?.test(verb));
}

/** `--version`, `--help`, `--dry-run`: nothing is built or deployed. */
const isQuestion = (command: ShellCommand): boolean =>
  command.args.some(({ text }) => /^(--version|-version|--help|--dry-?run(=.*)?|--dryrun)$/.test(text ?? "")) ||
  (command.name === "kubectl" && /^rollout (status|history)/.test(operands(command)));

/** `aws s3 cp` of a folder or an archive to a bucket. */
const isPublication = (command: ShellCommand, words: string): boolean =>
  !/^s3 cp s3:/.test(words) &&
  (command.args.some(({ source }) => source === "--recursive") ||
    /^s3 cp \S+\.(zip|jar|war|tgz|tar\.gz)\b/.test(words));

function jvm(command: ShellCommand, name: string): BuildStep | undefined {
  const words = operands(command).split(" ");
  const has = (pattern: RegExp) => words.some((word) => pattern.test(word));
  if (has(/^(deploy|.*[Pp]ublish.*|jib)$/)) return { kind: "push", title: `${name} ${words.at(-1)}` };
  if (has(/^(.*:)?(test|verify|check|integrationTest)$/)) return { kind: "test", title: `${name} ${words.at(-1)}` };
  return has(/^(.*:)?(package|install|build|assemble|compile|bootJar|shadowJar|jar|war)$/)
    ? { kind: "build", title: `${name} ${words.at(-1)}` }
    : undefined;
}

function inner(command: ShellCommand): BuildStep | undefined {
  const at = command.args.findIndex(({ source }) => !source.startsWith("-"));
  const nameWord = command.args[at];
  return nameWord?.text === undefined
    ? undefined
    : stepOf({
        ...command,
        name: nameWord.text.replace(/@[\w.^~-]+$/, ""),
        nameWord,
        args: command.args.slice(at + 1),
      });
}

function python(command: ShellCommand, name: string): BuildStep | undefined {
  const [option, module] = command.args.map(({ text }) => text);
  if (option !== "-m" || module === undefined) return undefined;
  if (/^(pytest|unittest|nose2?|tox)$/.test(module)) return { kind: "test", title: `${name} -m ${module}` };
  return module === "build" ? { kind: "build", title: `${name} -m build` } : undefined;
}
