import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { removeEndpoint, writeEndpoint } from "./endpoint-file.ts";
import { shellFrom, whyAwsFunction } from "./env.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const temporary = mkdtempSync(join(tmpdir(), "kiln-env-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const folder = () => mkdtempSync(join(temporary, "folder-"));

async function env(stateDir: string, ...given: (string | Record<string, string>)[]) {
  const argv = given.filter((item) => typeof item === "string");
  const variables = given.find((item) => typeof item !== "string");
  const io = memoryIo({ cwd: stateDir, ...(variables && { env: variables }) });
  expect(await runCli(["env", "--state-dir", stateDir, ...argv], io)).toBe(0);
  return io.written();
}

describe("kiln env", () => {
  it("prints the default address when nothing runs, and says how to start it", async () => {
    expect(await env(folder())).toBe(`unset AWS_PROFILE
unset AWS_SESSION_TOKEN
export AWS_ENDPOINT_URL='http://127.0.0.1:4566'
export AWS_ACCESS_KEY_ID='test'
export AWS_SECRET_ACCESS_KEY='test'
export AWS_DEFAULT_REGION='us-east-1'
export AWS_REGION='us-east-1'
# no endpoint is running on this state folder: start one with \`kiln start --detach\`
# aws CLI v1 fetches a --value that starts with https:// ; switch that off with \`aws configure set cli_follow_urlparam false\`
`);
  });

  it("prints the address of the endpoint that runs", async () => {
    const stateDir = folder();
    const file = {
      pid: process.pid,
      url: "http://127.0.0.1:9999",
      region: "eu-west-1",
      accountId: "000000000000",
      startedMs: 0,
    };
    writeEndpoint(stateDir, file);
    const out = await env(stateDir);
    expect(out).toContain("export AWS_ENDPOINT_URL='http://127.0.0.1:9999'\n");
    expect(out).toContain("export AWS_REGION='eu-west-1'\n");
    expect(out).not.toContain("no endpoint is running");
    removeEndpoint(stateDir);
    expect(await env(stateDir)).toContain("no endpoint is running");
  });

  it("takes a file of a process that is gone for none", async () => {
    const stateDir = folder();
    writeEndpoint(stateDir, { pid: 2 ** 22 + 1, url: "http://x", region: "r", accountId: "a", startedMs: 0 });
    expect(await env(stateDir)).toContain("'http://127.0.0.1:4566'");
  });

  it("speaks fish and powershell", async () => {
    expect(await env(folder(), "--shell", "fish")).toContain("set -e AWS_PROFILE;\n");
    expect(await env(folder(), "--shell", "fish")).toContain("set -gx AWS_ENDPOINT_URL 'http://127.0.0.1:4566';\n");
    expect(await env(folder(), "--shell", "powershell")).toContain("$Env:AWS_REGION = 'us-east-1'\n");
  });

  it("takes everything back", async () => {
    expect(await env(folder(), "--unset")).toBe(
      "unset AWS_ENDPOINT_URL\nunset AWS_ACCESS_KEY_ID\nunset AWS_SECRET_ACCESS_KEY\nunset AWS_DEFAULT_REGION\nunset AWS_REGION\n",
    );
  });

  it.each([
    ["aws-cli/2.9.19 Python/3.11.2", true],
    ["aws-cli/1.28.9 Python/3.11.2", true],
    ["aws-cli/2.13.0 Python/3.11.2", false],
    ["aws-cli/1.45.1 Python/3.11.2", false],
    ["something else", false],
  ])("makes `aws` a function where the CLI does not know the variable: %s", async (version, isOld) => {
    const bin = folder();
    writeFileSync(join(bin, "aws"), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
    const set = await env(bin, { PATH: bin });
    const functionLine = `\naws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }\n`;
    expect(set.includes(functionLine)).toBe(isOld);
    if (isOld) {
      const number = version.split(/[ /]/)[1];
      expect(set).toContain(
        `# aws CLI ${number} does not know AWS_ENDPOINT_URL, so \`aws\` is a function of this shell now; scripts need --endpoint-url\n`,
      );
    }
    expect((await env(bin, { PATH: bin }, "--unset")).endsWith("\nunset -f aws\n")).toBe(isOld);
    expect((await env(bin, { PATH: bin }, "--shell", "fish")).includes("function aws; command aws ")).toBe(isOld);
  });

  it("makes `aws` a function where the CLI does not say in time what it knows", () => {
    const bin = folder();
    writeFileSync(join(bin, "aws"), "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
    expect(whyAwsFunction(bin, 100)).toBe(
      "`aws --version` did not answer in 0.1 s, and this aws CLI may not know AWS_ENDPOINT_URL",
    );
  });

  it("finds the shell", () => {
    expect([
      shellFrom("/usr/bin/zsh"),
      shellFrom("/usr/bin/fish"),
      shellFrom("/opt/pwsh"),
      shellFrom("/bin/dash"),
      shellFrom(undefined),
    ]).toEqual(["zsh", "fish", "powershell", "sh", "sh"]);
  });
});
