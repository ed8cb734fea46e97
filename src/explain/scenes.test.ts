/** The five scenes of the main job, with the exact words a person reads. */
import { describe, expect, it } from "vitest";
import { BUILD_ID, denialMessage, FLASK_BUILDSPEC, factsOf } from "../../test/support/build-facts.ts";
import { applyFixes } from "../check/index.ts";
import type { Fix } from "../core/diagnostics.ts";
import { explainBuild, renderDiagnosis } from "./index.ts";

const ARN = "arn:aws:ssm:us-east-1:000000000000:parameter/";

const apply = (text: string, fix: Fix | undefined): string =>
  applyFixes(text, [{ code: "x/y", severity: "error", message: "", source: "", ...(fix ? { fix } : {}) }]).text;

describe("a role without a policy", () => {
  const facts = factsOf({
    buildspec: FLASK_BUILDSPEC,
    phase: "DOWNLOAD_SOURCE",
    statusCode: "Decrypted Variables Error",
    message: denialMessage("ssm:GetParameters", `${ARN}my_app_Docker_registry_URL`),
  });
  const diagnosis = explainBuild(facts);

  it("names the role, the parameter, the missing action, the ARN and the line", () => {
    expect(diagnosis).toMatchObject({
      outcome: "problem",
      code: "iam/parameter-read-denied",
      phase: "DOWNLOAD_SOURCE",
      file: "buildspec.yml",
      line: 5,
      confidence: "certain",
      cause: `the service role \`CodeBuildServiceRole\` may not read the parameter \`my_app_Docker_registry_URL\`: no policy allows \`ssm:GetParameters\` on \`${ARN}my_app_Docker_registry_URL\``,
    });
  });

  it("gives the smallest policy for all parameters of the build and the command that attaches it", () => {
    const policy = {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "ReadBuildParameters",
          Effect: "Allow",
          Action: ["ssm:GetParameters"],
          Resource: [
            `${ARN}my_app_Docker_credentials_password`,
            `${ARN}my_app_Docker_credentials_username`,
            `${ARN}my_app_Docker_registry_URL`,
          ],
        },
      ],
    };
    expect(diagnosis.fix).toEqual({
      kind: "policy",
      title: "allow `ssm:GetParameters` on the 3 parameters this build reads, and nothing else",
      policy,
      commands: [
        `aws iam put-role-policy --role-name CodeBuildServiceRole --policy-name kiln-read-parameters --policy-document '${JSON.stringify(policy)}'`,
      ],
    });
  });

  it("offers the documents' managed policy as the broader way", () => {
    expect(diagnosis.alternatives).toEqual([
      {
        kind: "command",
        title: "broader: AmazonSSMReadOnlyAccess lets the role read every parameter of the account",
        commands: [
          "aws iam attach-role-policy --role-name CodeBuildServiceRole --policy-arn arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
        ],
      },
    ]);
  });

  it("marks each line of evidence that has several", () => {
    const text = renderDiagnosis({ ...diagnosis, evidence: ["NoSuchBucket: no\n\tstatus code: 404"] });
    expect(text).toContain("  evidence:\n    | NoSuchBucket: no\n    | \tstatus code: 404\n");
  });

  it("prints cause, place, evidence and fix in that order", () => {
    const lines = renderDiagnosis(diagnosis, () => FLASK_BUILDSPEC).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      `cause: ${diagnosis.cause}`,
      "  at buildspec.yml:5   DOCKER_REGISTRY_URL: my_app_Docker_registry_URL",
      "  why: the variable `DOCKER_REGISTRY_URL` takes its value from this parameter, so no command of the build ran",
      "  evidence:",
    ]);
  });

  it("does not advise an Allow against an explicit deny", () => {
    const message = facts.build.phases?.[0]?.contexts?.[0]?.message?.replace(
      "because no identity-based policy allows the ssm:GetParameters action",
      "with an explicit deny in an identity-based policy",
    );
    const denied = explainBuild({
      ...facts,
      build: {
        ...facts.build,
        phases: [
          {
            phaseType: "DOWNLOAD_SOURCE",
            phaseStatus: "FAILED",
            contexts: [{ statusCode: "Decrypted Variables Error", message: message ?? "" }],
          },
        ],
      },
    });
    expect(denied.fix).toBeUndefined();
    expect(denied.cause).toBe(
      "a policy denies `ssm:GetParameters` on the parameter `my_app_Docker_registry_URL` to the service role `CodeBuildServiceRole`",
    );
    expect(denied.next).toBe("remove the Deny, or narrow it: an Allow does not outweigh it");
  });

  it("shows the statements that came near", () => {
    const record = {
      requestId: "r",
      atMs: 0,
      service: "ssm",
      operation: "GetParameters",
      principalArn: "p",
      decisions: [
        {
          effect: "implicitDeny" as const,
          action: "ssm:GetParameters",
          resource: `${ARN}my_app_Docker_registry_URL`,
          policyType: "identity" as const,
          message: "",
          trace: [
            {
              policyName: "inline policy read of role CodeBuildServiceRole",
              policyType: "identity" as const,
              index: 0,
              effect: "Allow" as const,
              matched: false,
              failed: "Action" as const,
              detail: "`ssm:GetParameter` is not `ssm:GetParameters`",
            },
          ],
        },
      ],
    };
    expect(explainBuild({ ...facts, decisions: [record] }).evidence[1]).toBe(
      "statement 1 of inline policy read of role CodeBuildServiceRole does not match: `ssm:GetParameter` is not `ssm:GetParameters`",
    );
  });
});

describe("a wrong path", () => {
  const command = "pip install -r day_14/simple_python_app/requirements.txt";
  const diagnosis = explainBuild(
    factsOf({
      buildspec: FLASK_BUILDSPEC,
      phase: "INSTALL",
      command,
      output: [
        "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'day_14/simple_python_app/requirements.txt'",
      ],
      files: ["Dockerfile", "app.py", "buildspec.yml", "requirements.txt"],
    }),
  );

  it("names the line and the nearest existing path", () => {
    expect(diagnosis).toMatchObject({
      code: "files/not-found",
      file: "buildspec.yml",
      line: 12,
      cause:
        "the file `day_14/simple_python_app/requirements.txt` is not in the root of the source, where the command runs; the nearest path is `requirements.txt`",
    });
  });

  it("fixes the buildspec", () => {
    expect(apply(FLASK_BUILDSPEC, diagnosis.fix)).toBe(
      FLASK_BUILDSPEC.replace("day_14/simple_python_app/requirements.txt", "requirements.txt"),
    );
    expect(renderDiagnosis(diagnosis, () => FLASK_BUILDSPEC)).toContain(
      [
        "  fix: use `requirements.txt` instead of `day_14/simple_python_app/requirements.txt`",
        "    -       - pip install -r day_14/simple_python_app/requirements.txt",
        "    +       - pip install -r requirements.txt",
      ].join("\n"),
    );
  });
});

describe("a wrong password", () => {
  const parameter = {
    name: "my_app_Docker_credentials_password",
    version: 2,
    type: "SecureString",
    lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    history: [{ version: 1, lastModifiedMs: Date.UTC(2026, 0, 1) }],
  };
  const input = {
    buildspec: FLASK_BUILDSPEC,
    phase: "PRE_BUILD" as const,
    command:
      'echo "$DOCKER_PASSWORD" | docker login --username "$DOCKER_USERNAME" --password-stdin "$DOCKER_REGISTRY_URL"',
    output: ['Error response from daemon: Get "https://***/v2/": unauthorized: incorrect username or password'],
    parameters: [parameter],
  };

  it("names the variable, the parameter and its version", () => {
    const diagnosis = explainBuild(factsOf(input));
    expect(diagnosis).toMatchObject({
      code: "docker/login-refused",
      line: 15,
      cause:
        "the registry refused the password: `DOCKER_PASSWORD` is the parameter `my_app_Docker_credentials_password`, version 2",
      next: expect.stringMatching(
        /^if the password is right, check the user name: `DOCKER_USERNAME` is the parameter `my_app_Docker_credentials_username`; Kiln cannot/,
      ),
    });
    expect(diagnosis.evidence).toContain(
      "parameter `my_app_Docker_credentials_password`: version 2, changed 2026-01-02 03:04:05 UTC",
    );
    expect(diagnosis.fix).toMatchObject({
      commands: [
        'aws ssm put-parameter --name "my_app_Docker_credentials_password" --value "PASSWORD" --type "SecureString" --overwrite',
      ],
    });
  });

  it("says that the version before was accepted", () => {
    const lastSuccess = { buildId: BUILD_ID, startMs: Date.UTC(2026, 0, 1, 12) };
    const diagnosis = explainBuild(factsOf({ ...input, lastSuccess }));
    expect(diagnosis.evidence.at(-1)).toBe(`version 1 was accepted in the build ${BUILD_ID}`);
    expect(diagnosis.why).toBe("the password was changed after version 1 had been accepted");
  });
});

describe("a registry URL with a scheme", () => {
  const parameter = {
    name: "my_app_Docker_registry_URL",
    version: 3,
    type: "String",
    lastModifiedMs: 0,
  };
  const command = "docker build -t $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest .";
  const diagnosis = explainBuild(
    factsOf({
      buildspec: FLASK_BUILDSPEC,
      phase: "BUILD",
      command,
      exitStatus: 125,
      output: [
        'invalid argument "***/***/sample-python-flask-app:latest" for "-t, --tag" flag: invalid reference format',
      ],
      parameters: [parameter],
    }),
  );

  it("names the parameter although its value is masked", () => {
    expect(diagnosis).toMatchObject({
      code: "docker/invalid-reference",
      line: 18,
      confidence: "likely",
      cause:
        "`DOCKER_REGISTRY_URL`, which comes from the parameter `my_app_Docker_registry_URL` (version 3), is not a registry host: most often it starts with `https://`, or ends in `/`, or holds a blank",
    });
    expect(diagnosis.fix).toMatchObject({
      commands: [
        'aws ssm put-parameter --name "my_app_Docker_registry_URL" --value "docker.io" --type "String" --overwrite',
      ],
    });
  });

  it("can strip the scheme in the buildspec before the first use", () => {
    expect(apply(FLASK_BUILDSPEC, diagnosis.alternatives[0])).toContain(
      `    commands:\n      - DOCKER_REGISTRY_URL="\${DOCKER_REGISTRY_URL#*://}"\n      - echo "$DOCKER_PASSWORD"`,
    );
  });
});

describe("privileged mode off", () => {
  it("names the project's setting and the command that changes it", () => {
    const diagnosis = explainBuild(
      factsOf({
        buildspec: FLASK_BUILDSPEC,
        phase: "BUILD",
        command: "docker build -t $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest .",
        output: ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"],
        privilegedMode: false,
      }),
    );
    expect(diagnosis).toMatchObject({
      code: "docker/privileged-mode-off",
      cause: "the project's privileged mode is off, so there is no Docker daemon for this build",
      line: 18,
      fix: {
        commands: [
          'aws codebuild update-project --name flask --environment "type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,computeType=BUILD_GENERAL1_SMALL,privilegedMode=true"',
        ],
      },
    });
  });
});
