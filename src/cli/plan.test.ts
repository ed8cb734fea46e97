/** `kiln plan`: where a variable's value comes from and what it wins over; never the value. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const BUILDSPEC = `version: 0.2
env:
  variables:
    STAGE: dev-value
    TOKEN: dev-token
  parameter-store:
    TOKEN: /app/token
phases:
  build:
    environment:
      variables:
        STAGE: phase-value
        TOKEN: "ssm:/app/other"
    commands: [make]
`;

describe("the variables of a plan", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "kiln-plan-"));
    writeFileSync(join(dir, "buildspec.yml"), BUILDSPEC);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function plan(...argv: string[]): Promise<string> {
    const io = memoryIo({ cwd: dir });
    expect(await runCli(["plan", ...argv], io)).toBe(0);
    return io.written();
  }
  const variablesIn = (text: string): string[] =>
    (/\nvariables\n((?: {2}.*\n)+)/.exec(text)?.[1] ?? "").trimEnd().split("\n");

  it("name each place of a value, the winning one first", async () => {
    expect(variablesIn(await plan("-e", "STAGE=prod-value"))).toEqual([
      "  STAGE  plain text            from StartBuild; overrides buildspec, line 4",
      "  TOKEN  parameter /app/token  from buildspec, line 7; overrides buildspec, line 5",
      "  TOKEN  parameter /app/other  from buildspec, line 13, phase build; overrides buildspec, line 7; buildspec, line 5",
    ]);
  });

  it("are never printed with plain-text values, in JSON neither", async () => {
    const out = await plan("-e", "STAGE=prod-value", "-o", "json");
    expect(out).not.toMatch(/(?:prod|dev|phase)-(?:value|token)/);
    const { plan: planned } = JSON.parse(out) as { plan: { variables: unknown[] } };
    expect(planned.variables[0]).toEqual({
      name: "STAGE",
      type: "PLAINTEXT",
      source: "start-build",
      overrides: [{ source: "buildspec", line: 4 }],
    });
  });
});
