/** The aws CLIs of this machine (and boto3 where there is one) inside a build: the service role's rights, nothing else's. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAwsClis } from "../support/aws-cli.ts";
import { isBuilt, kiln, temporaryFolder } from "./kiln-process.ts";

const clis = findAwsClis();

/** A Python that has boto3, if there is one. */
const python = ((): string | undefined => {
  try {
    const script = "import boto3, sys; print(sys.executable)";
    return execFileSync("python3", ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
})();

/** The user's own settings must not get in. */
const USERS_OWN = {
  AWS_ACCESS_KEY_ID: "AKIAUSERSOWN00000000",
  AWS_SECRET_ACCESS_KEY: "users-own",
  AWS_PROFILE: "users-own",
  AWS_ENDPOINT_URL: "http://127.0.0.1:1",
};

const spec = (commands: readonly string[]): string =>
  `version: 0.2\nenv:\n  parameter-store:\n    ALLOWED: /app/allowed\nphases:\n  build:\n    commands:\n${commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("")}`;

describe.skipIf(!isBuilt)("AWS calls in a build", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(async () => {
    folder = temporaryFolder();
    for (const name of ["/app/allowed", "/app/other"]) {
      const put = await kiln(folder.path, ["params", "put", name, "--secure"], `value-of-${name}`);
      expect(put.exitCode).toBe(0);
    }
  });
  afterEach(() => folder.remove());

  it.skipIf(clis.length === 0).each(clis)("are those of the service role with $version", async ({ path, version }) => {
    writeFileSync(
      join(folder.path, "buildspec.yml"),
      spec([
        "aws --version",
        "aws sts get-caller-identity --query Arn --output text",
        "aws ssm get-parameters --with-decryption --names /app/allowed --query Parameters[0].Name --output text",
        "aws ssm get-parameters --names /app/other",
      ]),
    );
    const PATH = `${dirname(path)}:${process.env["PATH"]}`;
    const { exitCode, out } = await kiln(folder.path, ["run", "--format", "aws"], "", { ...USERS_OWN, PATH });
    expect(exitCode).toBe(1);
    expect(out).toContain(`\n${version} `);
    const session = /^arn:aws:sts::000000000000:assumed-role\/\S+-service-role\/AWSCodeBuild-[0-9a-f-]{36}$/m.exec(out);
    expect(session, out).not.toBeNull();
    expect(out).toContain("\n/app/allowed\n");
    expect(out).toContain(
      `An error occurred (AccessDeniedException) when calling the GetParameters operation: User: ${session?.[0]} is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:000000000000:parameter/app/other because no identity-based policy allows the ssm:GetParameters action`,
    );
  });

  it.skipIf(python === undefined)("are those of the service role with boto3", async () => {
    const script = [
      "import boto3, os",
      // Those before 1.28, such as Debian 12's, do not read the variable.
      "endpoint = os.environ['AWS_ENDPOINT_URL']",
      "print(boto3.client('sts', endpoint_url=endpoint).get_caller_identity()['Arn'])",
      "ssm = boto3.client('ssm', endpoint_url=endpoint)",
      "print(len(ssm.get_parameters(Names=['/app/allowed'], WithDecryption=True)['Parameters']), 'allowed')",
      "try:",
      "    ssm.get_parameters(Names=['/app/other'])",
      "except ssm.exceptions.ClientError as error:",
      "    print(error.response['Error']['Code'])",
    ];
    writeFileSync(join(folder.path, "calls.py"), `${script.join("\n")}\n`);
    writeFileSync(join(folder.path, "buildspec.yml"), spec([`${python} calls.py`]));
    const { exitCode, out } = await kiln(folder.path, ["run", "--format", "aws"], "", USERS_OWN);
    expect(exitCode, out).toBe(0);
    expect(out).toMatch(
      /^arn:aws:sts::000000000000:assumed-role\/\S+\/AWSCodeBuild-\S+\n1 allowed\nAccessDeniedException$/m,
    );
  });
});
