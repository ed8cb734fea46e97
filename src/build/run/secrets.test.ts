/** Where a build's secrets are not: scripts, arguments, events. And what is hidden besides the variables' values. */
import { expect, it } from "vitest";
import { testBuild } from "../../../test/support/run-test-build.ts";
import { createFakeEngine, createHostEngine } from "../../engines/index.ts";

const BUILDSPEC = `version: 0.2
env:
  exported-variables: [PASSWORD_COPY]
  parameter-store:
    PASSWORD: /password
  secrets-manager:
    WHOLE: database
phases:
  pre_build:
    commands: ['PASSWORD_COPY=$PASSWORD']
  build:
    commands:
      - 'tr "\\0" " " < /proc/$$/cmdline; cat "$0" | head -n 3'
      - 'echo "$PASSWORD $WHOLE"; echo swordfish-inner; echo role-secret-key'
      - 'grep -c "hunter[2]-p" "$0" || true'
      - 'echo hunter2-password > file; exit 3'
`;
const role = {
  GetParameters: () => ({ Parameters: [{ Name: "/password", Value: "hunter2-password" }] }),
  GetSecretValue: () => ({ SecretString: JSON.stringify({ inner: "swordfish-inner" }) }),
};
const dependencies = {
  onRoleSecrets: (listener: (values: readonly string[]) => void) => listener(["role-secret-key"]),
};
const SECRETS = /hunter2-password|swordfish-inner|role-secret-key|token-of-the-tests-build/;

it("are in no event, no script, no argument", async () => {
  const { events, log, result } = await testBuild({
    engine: createHostEngine(),
    buildspec: BUILDSPEC,
    role,
    dependencies,
  });
  expect(JSON.stringify(events)).not.toMatch(SECRETS);
  expect(JSON.stringify(result)).not.toMatch(SECRETS);
  expect(log).toContain("\n*** ***\n***\n***\n");
  expect(log).toContain("\n0\n");
  expect(log).toContain("C Command did not exit successfully echo *** > file; exit 3 exit status 3");
  expect(result.exportedVariables).toEqual([{ name: "PASSWORD_COPY", value: "***" }]);
});

it("are named when they are too short or too plain to be hidden", async () => {
  const { notices } = await testBuild({
    engine: createFakeEngine(),
    buildspec:
      "version: 0.2\nenv:\n  parameter-store:\n    PIN: /pin\n    LINE: /line\nphases:\n  build:\n    commands: ['true']\n",
    role: {
      GetParameters: () => ({
        Parameters: [
          { Name: "/pin", Value: "12" },
          { Name: "/line", Value: "-----" },
        ],
      }),
    },
  });
  expect(notices).toContain("the value of `PIN` is shorter than 3 characters and is not hidden in the log");
  expect(notices).toContain("the value of `LINE` has no letter or digit and is not hidden in the log");
});

it("end the build without being shown when no environment can hold them", async () => {
  const { events, result } = await testBuild({
    engine: createHostEngine(),
    buildspec:
      "version: 0.2\nenv:\n  secrets-manager:\n    BYTES: raw\nphases:\n  build:\n    commands: ['echo ran']\n",
    role: { GetSecretValue: () => ({ SecretBinary: Buffer.from("swordfish\0of-bytes") }) },
  });
  expect(result.buildStatus).toBe("FAILED");
  expect(result.phases.find(({ phaseType }) => phaseType === "DOWNLOAD_SOURCE")?.contexts).toEqual([
    {
      statusCode: "CLIENT_ERROR",
      message: "the value of `BYTES` holds a null character, which no environment variable can hold",
    },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/swordfish|of-bytes|echo ran/);
});
