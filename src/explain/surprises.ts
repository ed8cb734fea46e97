/**
 * What no phase fails of and people look for all the same: a failure inside a command that a later one hid (R26), runtimes
 * that the image does not select (T27), a password in a command or in clear (P11, P12), a role that may far more than the
 * build needs (P08), a status that the provider is not told (T06, T07), a branch filter of old (T05).
 */
import { isSecretName } from "../check/knowledge/secret-looks.ts";
import type { BuildFacts } from "./build-facts.ts";
import { bareParameterName, parameterUses, placeOfCommand } from "./buildspec-places.ts";
import { hiddenFailures } from "./causes/docker-push.ts";
import { at } from "./causes/finding-parts.ts";
import { fieldOf } from "./causes/source-parts.ts";
import { updateProject } from "./causes/update-project.ts";
import { policyFix, scopeOf, serviceRoleName } from "./denial.ts";
import type { SideFinding } from "./diagnosis.ts";

/** In the order of the build; each code about one thing once. */
export function surprises(facts: BuildFacts): SideFinding[] {
  return [
    ...runtimesSkipped(facts),
    ...failuresHidden(facts),
    ...passwordsOnCommandLine(facts),
    ...secretsInClear(facts),
    ...rolesTooBroad(facts),
    ...providerStatus(facts),
    ...branchFilter(facts),
  ];
}

function runtimesSkipped({ events, build, buildspec }: BuildFacts): SideFinding[] {
  const line = events.find(
    (event) =>
      event.type === "log" &&
      /^Skip(?:ping)? install of runtimes\. Runtime version selection is not supported/.test(event.text),
  );
  if (line?.type !== "log") return [];
  const located = buildspec?.phases.flatMap((phase) => phase.runtimeVersions)[0];
  return [
    {
      code: "runtime/not-supported-by-image",
      cause:
        "`runtime-versions` of the buildspec does nothing: the build's image is not one of CodeBuild's, so its own tools count",
      ...at(buildspec?.file, located?.runtime.span.line),
      ...fieldOf("environment.image", build.environment?.image),
      evidence: [line.text],
      next: "take `runtime-versions` out, and bring the tools with the image; or use an image of CodeBuild's",
    },
  ];
}

function failuresHidden(facts: BuildFacts): SideFinding[] {
  return hiddenFailures(facts).map(({ line, command }) => ({
    code: "commands/failure-hidden",
    cause: `\`docker\` failed in a command that ended with status 0, so the build went on: \`${command.text.split("\n", 1)[0]}\``,
    ...placeOfCommand(facts, command),
    evidence: [line],
    next: "only the last program's status counts: put `set -e` on the command's first line, or join its parts with `&&`, or make each a command of its own",
  }));
}

function passwordsOnCommandLine(facts: BuildFacts): SideFinding[] {
  let command = { text: "", line: 0, exitStatus: 0, workingDirectory: "" };
  for (const event of facts.events) {
    if (event.type === "command-started") command = { ...command, text: event.command, line: event.line };
    if (
      event.type !== "log" ||
      !/WARNING! Using (?:--password|-p|--password via the CLI)\b.*insecure/i.test(event.text)
    )
      continue;
    return [
      {
        code: "docker/password-on-command-line",
        cause:
          "the password of `docker login` stands on the command line, where every process of the machine can read it",
        ...placeOfCommand(facts, command),
        evidence: [event.text.trim()],
        next: 'give it on standard input: `echo "$PASSWORD" | docker login --username "$USERNAME" --password-stdin REGISTRY`',
      },
    ];
  }
  return [];
}

function secretsInClear(facts: BuildFacts): SideFinding[] {
  const typed = parameterUses(facts).flatMap((use): SideFinding[] => {
    const parameter = facts.parameters.find(
      ({ name }) => bareParameterName(name) === bareParameterName(use.parameterName),
    );
    if (parameter?.type !== "String" || !isSecretName(use.variableName)) return [];
    return [
      {
        code: "ssm/secret-not-encrypted",
        cause: `the parameter \`${parameter.name}\` of \`${use.variableName}\` is a String: who may read it sees it in clear, in the console, too`,
        ...at(facts.buildspec?.file, use.line),
        evidence: [`parameter \`${parameter.name}\`: type String, version ${parameter.version}`],
        fix: {
          kind: "command",
          title: "store it as SecureString",
          commands: [
            `aws ssm put-parameter --name "${parameter.name}" --value "VALUE" --type SecureString --overwrite`,
          ],
        },
      },
    ];
  });
  const plain = (facts.build.environment?.environmentVariables ?? []).flatMap(
    ({ name = "", type = "PLAINTEXT" }): SideFinding[] =>
      type === "PLAINTEXT" && isSecretName(name)
        ? [
            {
              code: "project/secret-in-plaintext",
              cause: `the variable \`${name}\` of the project is PLAINTEXT: the console and the API show it, and logs do not hide it`,
              ...fieldOf(`environment.environmentVariables[${name}]`, undefined),
              evidence: [],
              next: "keep the value as a SecureString and give the variable the type PARAMETER_STORE, with the parameter's name as its value",
            },
          ]
        : [],
  );
  return [...typed, ...plain];
}

const TOO_BROAD = /\b(AmazonSSMFullAccess)\b/;

function rolesTooBroad(facts: BuildFacts): SideFinding[] {
  const used = facts.decisions.flatMap(({ decisions }) => decisions).filter(({ effect }) => effect === "allowed");
  const name = used
    .flatMap(({ trace }) =>
      trace.filter(({ matched }) => matched).map(({ policyName }) => TOO_BROAD.exec(policyName)?.[1]),
    )
    .find((found) => found !== undefined);
  if (name === undefined) return [];
  const asked = used.filter(({ action }) => action.startsWith("ssm:"));
  const role = serviceRoleName(facts);
  const { region, accountId } = scopeOf(facts);
  const resources = [...new Set(asked.map(({ resource }) => resource))].sort();
  return [
    {
      code: "iam/role-too-broad",
      cause: `the service role \`${role}\` has \`${name}\`, which lets a build write and delete every parameter; it reads ${resources.length === 1 ? "one" : resources.length}`,
      ...fieldOf("serviceRole", facts.build.serviceRole),
      evidence: asked.slice(0, 3).map(({ action, resource }) => `\`${action}\` on \`${resource}\``),
      fix: {
        ...policyFix("allow what this build reads, then take the managed policy away", role, "kiln-read-parameters", [
          {
            Sid: "ReadBuildParameters",
            Effect: "Allow",
            Action: [...new Set(asked.map(({ action }) => action))].sort(),
            Resource: resources.length > 0 ? resources : [`arn:aws:ssm:${region}:${accountId}:parameter/NAME`],
          },
        ]),
      },
      next: `then: \`aws iam detach-role-policy --role-name ${role} --policy-arn arn:aws:iam::aws:policy/${name}\``,
    },
  ];
}

const PROVIDERS = new Set(["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"]);

/** AWS: builds that a webhook starts always report. */
function providerStatus(facts: BuildFacts): SideFinding[] {
  const { source, initiator = "", projectName = "PROJECT", buildStatus } = facts.build;
  if (!facts.isSaved || !PROVIDERS.has(source?.type ?? "") || /Hookshot|webhook/i.test(initiator)) return [];
  if (source?.reportBuildStatus === true && buildStatus === undefined) {
    return [
      {
        code: "source/status-needs-write-access",
        cause:
          "the project reports its builds to the provider; where no status is seen, the token's user may not write to the repository",
        ...fieldOf("source.reportBuildStatus", "true"),
        evidence: [],
        next: `give that user write access, or import a token of one who has it: \`aws codebuild import-source-credentials --server-type ${source.type} --auth-type PERSONAL_ACCESS_TOKEN --token TOKEN\``,
      },
    ];
  }
  if (source?.reportBuildStatus !== false) return [];
  const record = `{"type":"${source.type}","location":"${source.location ?? "URL"}","reportBuildStatus":true}`;
  return [
    {
      code: "source/status-not-reported",
      cause: "success or failure of this build is not shown at the provider: `reportBuildStatus` of the source is off",
      ...fieldOf("source.reportBuildStatus", "false"),
      evidence: [],
      fix: {
        kind: "command",
        title: "report each build, those that are retried included",
        commands: [updateProject({ ...facts, build: { ...facts.build, projectName } }, `--source '${record}'`)],
      },
    },
  ];
}

function branchFilter({ build }: BuildFacts): SideFinding[] {
  const pattern = build.webhook?.branchFilter;
  if (!pattern) return [];
  const groups = JSON.stringify([
    [
      { type: "EVENT", pattern: "PUSH" },
      { type: "HEAD_REF", pattern: `^refs/heads/${pattern.replace(/^\^|\$$/g, "")}$` },
    ],
  ]);
  return [
    {
      code: "webhook/branch-filter-deprecated",
      cause: `the webhook has a \`branchFilter\` (\`${pattern}\`), which the console no longer shows: it is deprecated`,
      ...fieldOf("webhook.branchFilter", pattern),
      evidence: [],
      fix: {
        kind: "command",
        title: "write it as a filter group",
        commands: [
          `aws codebuild update-webhook --project-name ${build.projectName ?? "PROJECT"} --filter-groups '${groups}'`,
        ],
      },
    },
  ];
}
