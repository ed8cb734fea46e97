import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { type PlanProject, planBuild, requiredPermissions, type StartBuildOverrides } from "./index.ts";

const scope = { partition: "aws", region: "us-east-1", accountId: "111122223333" };
const project: PlanProject = {
  name: "app",
  environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
};

function plan(
  text: string,
  given: Partial<PlanProject["environment"]> = {},
  overrides?: StartBuildOverrides,
  strict = false,
) {
  const { buildspec } = parseBuildspec(text, "buildspec.yml");
  if (!buildspec) throw new Error("the test's buildspec does not parse");
  return planBuild({
    buildspec,
    project: { ...project, environment: { ...project.environment, ...given } },
    overrides,
    strict,
  });
}

const variablesText = `version: 0.2
env:
  variables: { A: buildspec, B: buildspec, C: buildspec, S: "ssm:/name" }
  parameter-store: { P: /p, C: /c }
  secrets-manager: { X: "id:key" }
phases:
  build:
    environment:
      variables:
        D: "ssm:/d"
        E: plain
        B: hidden
    commands: [x]
`;

describe("variables", () => {
  it("take StartBuild over the project over the buildspec, with their source", () => {
    const { plan: planned } = plan(
      variablesText,
      {
        environmentVariables: [
          { name: "A", value: "project" },
          { name: "B", value: "project" },
        ],
      },
      { environmentVariablesOverride: [{ name: "A", value: "/start", type: "PARAMETER_STORE" }] },
    );
    expect(planned.variables).toEqual([
      {
        name: "A",
        type: "PARAMETER_STORE",
        value: "/start",
        source: "start-build",
        overrides: [{ source: "project" }, { source: "buildspec", line: 3 }],
      },
      {
        name: "B",
        type: "PLAINTEXT",
        value: "project",
        source: "project",
        overrides: [{ source: "buildspec", line: 3 }],
      },
      {
        name: "C",
        type: "PARAMETER_STORE",
        value: "/c",
        source: "buildspec",
        line: 4,
        overrides: [{ source: "buildspec", line: 3 }],
      },
      { name: "S", type: "PARAMETER_STORE", value: "/name", source: "buildspec", line: 3, extension: "ssm-reference" },
      { name: "P", type: "PARAMETER_STORE", value: "/p", source: "buildspec", line: 4 },
      { name: "X", type: "SECRETS_MANAGER", value: "id:key", source: "buildspec", line: 5 },
    ]);
    expect(planned.phaseVariables.map((v) => [v.phase, v.name, v.type, v.value, v.source])).toEqual([
      ["build", "D", "PARAMETER_STORE", "/d", "phase"],
      ["build", "E", "PLAINTEXT", "plain", "phase"],
    ]);
  });

  it("warn about each ssm:/name that AWS would not resolve", () => {
    expect(plan(variablesText).diagnostics.map((d) => [d.code, d.severity, d.message])).toEqual([
      [
        "env/ssm-reference-outside-parameter-store",
        "warning",
        "`S` is read from parameter `/name` here; CodeBuild would leave the text `ssm:/name` as it is",
      ],
      [
        "env/ssm-reference-outside-parameter-store",
        "warning",
        "`D` is read from parameter `/d` here; CodeBuild ignores `environment` under a phase",
      ],
    ]);
  });

  it("follow AWS when strict: literal text, nothing from the phase, the unknown key kept", () => {
    const { plan: planned, diagnostics } = plan(variablesText, {}, undefined, true);
    expect(planned.variables.find((v) => v.name === "S")).toEqual({
      name: "S",
      type: "PLAINTEXT",
      value: "ssm:/name",
      source: "buildspec",
      line: 3,
    });
    expect(planned.phaseVariables).toEqual([]);
    expect(diagnostics).toEqual([]);
    expect(planned.unknownKeys).toEqual([{ section: "phases.build", keys: ["environment"] }]);
  });
});

describe("the rest of the plan", () => {
  it("puts phases in CodeBuild's order, with shell, image and timeout", () => {
    const { plan: planned } = plan(
      "version: 0.2\nrun-as: someone\nenv:\n  shell: bash\nphases:\n  build:\n    commands: [b]\n    finally: [f]\n  install:\n    runtime-versions: { python: 3.10 }\n",
      { privilegedMode: true },
      { imageOverride: "other:1", timeoutInMinutesOverride: 5 },
    );
    expect(planned).toMatchObject({
      shell: "bash",
      image: "other:1",
      privilegedMode: true,
      timeoutMs: 300_000,
      runtimeVersions: [{ runtime: "python", version: "3.10", line: 10 }],
      phases: [
        { name: "install", phaseType: "INSTALL", commands: [], finally: [], runAs: "someone" },
        { name: "build", phaseType: "BUILD", commands: [{ text: "b", line: 7 }], finally: [{ text: "f", line: 8 }] },
      ],
      notDone: [],
    });
  });

  it("leaves nothing of a buildspec undone", () => {
    const { plan: planned } = plan(
      "version: 0.2\nbatch: {}\ncache:\n  paths: [x]\nreports:\n  a:\n    files: [x]\nartifacts:\n  files: [x]\n  secondary-artifacts:\n    s:\n      files: [y]\nproxy:\n  logs: yes\nphases:\n  build:\n    on-failure: RETRY-3\n    commands: [x]\n",
    );
    expect(planned.notDone).toEqual([]);
  });

  it("refuses an on-failure that says nothing known", () => {
    const { diagnostics } = plan("version: 0.2\nphases:\n  build:\n    on-failure: abort\n    commands: [x]\n");
    expect(diagnostics.map((d) => [d.code, d.severity, d.message, d.span?.line])).toEqual([
      [
        "phases/on-failure-unknown",
        "error",
        "`on-failure` is `abort`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>",
        4,
      ],
    ]);
  });

  it("refuses Windows shells", () => {
    const { diagnostics } = plan("version: 0.2\nenv:\n  shell: powershell.exe\nphases: {}\n");
    expect(diagnostics[0]).toMatchObject({
      severity: "error",
      message: "`env.shell` is `powershell.exe`, expected `bash` or `/bin/sh`",
    });
  });
});

describe("required permissions", () => {
  const permissionsOf = (text: string) =>
    requiredPermissions(plan(text).plan, scope, "app").map(({ action, resource }) => `${action} ${resource}`);

  it("are the logs, each parameter and each secret", () => {
    expect(
      permissionsOf(
        "version: 0.2\nenv:\n  variables: { STAGE: prod, U: 'ssm:/user' }\n  parameter-store: { A: /a/$STAGE, B: 'plain:3', C: 'arn:aws:ssm:eu-west-1:999999999999:parameter/c' }\n  secrets-manager: { X: 'id:key', Y: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:n-AbCdEf:k' }\nphases: {}\n",
      ),
    ).toEqual([
      "logs:CreateLogGroup arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/app",
      "logs:CreateLogGroup arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/app:*",
      "logs:CreateLogStream arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/app:*",
      "logs:PutLogEvents arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/app:*",
      "ssm:GetParameters arn:aws:ssm:us-east-1:111122223333:parameter/user",
      "ssm:GetParameters arn:aws:ssm:us-east-1:111122223333:parameter/a/prod",
      "ssm:GetParameters arn:aws:ssm:us-east-1:111122223333:parameter/plain",
      "ssm:GetParameters arn:aws:ssm:eu-west-1:999999999999:parameter/c",
      "secretsmanager:GetSecretValue arn:aws:secretsmanager:us-east-1:111122223333:secret:id-??????",
      "secretsmanager:GetSecretValue arn:aws:secretsmanager:us-east-1:111122223333:secret:n-AbCdEf",
    ]);
  });

  it("include RetryBuild where on-failure asks for it", () => {
    const of = (value: string) =>
      permissionsOf(`version: 0.2\nphases:\n  build:\n    on-failure: ${value}\n    commands: [x]\n`).slice(4);
    expect(of("RETRY-2-timed out")).toEqual([
      "codebuild:RetryBuild arn:aws:codebuild:us-east-1:111122223333:project/app",
    ]);
    expect(of("RETRY-0")).toEqual([]);
    expect(of("ABORT")).toEqual([]);
  });

  it("include what each report of the buildspec needs", () => {
    const group = "arn:aws:codebuild:us-east-1:111122223333:report-group";
    expect(
      permissionsOf(
        `version: 0.2\nenv: { variables: { WHO: unit } }\nreports:\n  $WHO: { files: [a] }\n  cov-$LATER: { files: [b], file-format: jacocoxml }\n  ${group}/shared: { files: [c] }\nphases: {}\n`,
      ).slice(4),
    ).toEqual([
      `codebuild:CreateReportGroup ${group}/app-unit`,
      `codebuild:CreateReport ${group}/app-unit`,
      `codebuild:BatchPutTestCases ${group}/app-unit`,
      `codebuild:UpdateReport ${group}/app-unit`,
      `codebuild:CreateReportGroup ${group}/app-cov-*`,
      `codebuild:CreateReport ${group}/app-cov-*`,
      `codebuild:BatchPutCodeCoverages ${group}/app-cov-*`,
      `codebuild:UpdateReport ${group}/app-cov-*`,
      `codebuild:CreateReport ${group}/shared`,
      `codebuild:BatchPutTestCases ${group}/shared`,
      `codebuild:UpdateReport ${group}/shared`,
    ]);
  });

  it("include ECR's push set for the repository that is pushed to", () => {
    const permissions = permissionsOf(
      `version: 0.2
env:
  variables: { ACCOUNT: "222233334444", REPO: team/app }
phases:
  build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin $ACCOUNT.dkr.ecr.$AWS_REGION.amazonaws.com
      - export URI=$ACCOUNT.dkr.ecr.$AWS_REGION.amazonaws.com/$REPO
      - docker build -t $URI:latest .
      - docker push $URI:latest
`,
    ).filter((line) => line.startsWith("ecr:"));
    expect(permissions).toEqual([
      "ecr:GetAuthorizationToken *",
      ...[
        "BatchCheckLayerAvailability",
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "PutImage",
        "BatchGetImage",
        "GetDownloadUrlForLayer",
      ].map((name) => `ecr:${name} arn:aws:ecr:us-east-1:222233334444:repository/team/app`),
    ]);
  });

  it("leave the repository open when its name is only known at run time", () => {
    expect(
      permissionsOf(
        "version: 0.2\nphases:\n  build:\n    commands:\n      - aws ecr get-login-password | docker login --username AWS --password-stdin $HOST\n      - docker push $HOST/$REPO\n",
      ),
    ).toContain("ecr:PutImage arn:aws:ecr:us-east-1:111122223333:repository/*");
  });
});
