import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { removeEndpoint, writeEndpoint } from "./endpoint-file.ts";
import { shellFrom } from "./env.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = () => mkdtempSync(join(tmpdir(), "kiln-env-"));

async function env(stateDir: string, ...argv: string[]) {
  const io = memoryIo({ cwd: stateDir });
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
# aws CLI before 1.29 and 2.13 does not know AWS_ENDPOINT_URL: use \`kiln aws …\`, or --endpoint-url
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
