/** `kiln explain` on what somebody saved: files in any form, standard errors for what is none, no state folder. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-saved-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stamp = "[Container] 2026/01/02 03:04:05.123456";
const LOG = `${stamp} Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED
${stamp} Phase context status code:  Message: 
${stamp} Entering phase BUILD
${stamp} Running command make all
/codebuild/output/tmp/script.sh: 4: make: not found

${stamp} Command did not exit successfully make all exit status 127
${stamp} Phase complete: BUILD State: FAILED
${stamp} Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: make all. Reason: exit status 127
`;
const SPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - make all\n";
const BUILD = {
  id: "shop:1",
  arn: "arn:aws:codebuild:eu-west-1:111122223333:build/shop:1",
  projectName: "shop",
  buildStatus: "FAILED",
};
const DENIED = {
  ...BUILD,
  phases: [
    {
      phaseType: "PROVISIONING",
      phaseStatus: "FAILED",
      contexts: [{ statusCode: "VPC_CLIENT_ERROR", message: "Unexpected EC2 error: UnauthorizedOperation" }],
    },
  ],
};
const file = (name: string, content: string | Buffer): string => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), content);
  return name;
};

async function explain(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo({ cwd: folder });
  const code = await runCli(["explain", ...words], io);
  expect(existsSync(join(folder, ".kiln"))).toBe(false);
  return { code, out: io.written(), err: io.complained() };
}

describe("kiln explain with files", () => {
  it.each([
    ["as text", () => file("a.log", LOG)],
    ["gzipped, as S3 keeps it", () => file("a.gz", gzipSync(LOG))],
    ["in UTF-16, as PowerShell writes it", () => file("a16.log", Buffer.from(`\uFEFF${LOG}`, "utf16le"))],
  ])("reads a log %s, with and without the flag", async (_, make) => {
    const name = make();
    for (const words of [["--log", name], [name]]) {
      const { code, out } = await explain(...words);
      expect(code).toBe(0);
      expect(out).toContain("cause: the command `make` is not installed where the build runs\n");
    }
  });

  it("finds the line in the buildspec that is named, by file or folder, and in the one here when it is the log's", async () => {
    file("a.log", LOG);
    file("repo/buildspec.yml", SPEC);
    file("repo/ci.yml", `# one more line\n${SPEC}`);
    expect((await explain("--log", "a.log")).out).not.toContain("  at ");
    expect((await explain("--log", "a.log", "--buildspec", "repo")).out).toContain(
      "  at buildspec.yml:5   - make all\n",
    );
    expect((await explain("--log", "a.log", "--buildspec", "repo/ci.yml")).out).toContain(
      "  at repo/ci.yml:6   - make all\n",
    );
    file("buildspec.yml", SPEC);
    expect((await explain("--log", "a.log")).out).toContain("  at buildspec.yml:5   - make all\n");
    file("buildspec.yml", SPEC.replace("make all", "npm ci"));
    expect((await explain("--log", "a.log")).out).not.toContain("  at ");
  });

  it("keeps the shape of the JSON, with how to prove it", async () => {
    const { out } = await explain("--build", file("b.json", JSON.stringify({ builds: [DENIED] })), "-o", "json");
    expect(JSON.parse(out)).toMatchObject({
      buildId: "shop:1",
      diagnosis: {
        outcome: "problem",
        cause: expect.stringContaining("may not make the network interface"),
        code: "vpc/ec2-denied",
        evidence: ["Unexpected EC2 error: UnauthorizedOperation"],
        fix: { kind: "policy" },
        consequences: [],
        prove: expect.stringContaining("aws iam simulate-principal-policy"),
      },
    });
  });

  it("explains each failed build of a file with several, and says how many there are", async () => {
    const { out, err } = await explain("--log", file("two.log", `${LOG}${LOG.replaceAll("make", "gmake")}`));
    expect(err).toContain("2 builds in it, 2 of them failed\n");
    expect(out.match(/^cause: .*/gm)).toEqual([
      "cause: the command `make` is not installed where the build runs",
      "cause: the command `gmake` is not installed where the build runs",
    ]);
    const json = JSON.parse((await explain("--log", "two.log", "-o", "json")).out) as object;
    expect(json).toMatchObject({
      diagnosis: { cause: expect.stringContaining("gmake") },
      earlier: [{ diagnosis: { code: "commands/not-found" } }],
    });
  });

  it("joins a log and a record of one build", async () => {
    const record = {
      ...BUILD,
      serviceRole: "arn:aws:iam::111122223333:role/r",
      phases: [{ phaseType: "BUILD", phaseStatus: "FAILED", contexts: [] }],
    };
    const { out } = await explain(
      "--log",
      file("a.log", LOG),
      "--build",
      file("c.json", JSON.stringify(record)),
      "-o",
      "json",
    );
    expect(JSON.parse(out)).toMatchObject({
      buildId: "shop:1",
      diagnosis: { code: "commands/not-found", phase: "BUILD" },
    });
  });
});

describe("kiln explain with what is none", () => {
  it("names what it can read", async () => {
    const { code, err } = await explain("--log", file("notes.txt", "buy milk\n"));
    expect(code).toBe(2);
    expect(err).toContain("`notes.txt` is not a CodeBuild log");
    expect(err).toContain("aws logs get-log-events --log-group-name");
    expect(err).toContain("aws codebuild batch-get-builds --ids");
    expect((await explain("notes.txt")).err).toContain("`notes.txt` is not a log or a build of CodeBuild");
    expect((await explain("--build", "notes.txt")).err).toContain("`notes.txt` is not a build of CodeBuild");
    expect((await explain("--build", file("x.json", "{}"))).err).toContain("`x.json` is not a build of CodeBuild");
  });

  it("names the builds of a batch to ask for", async () => {
    const summary = { arn: "arn:aws:codebuild:eu-west-1:111122223333:build/shop:77", buildStatus: "FAILED" };
    const batch = {
      buildBatches: [
        { id: "shop:9", buildBatchStatus: "FAILED", buildGroups: [{ identifier: "a", currentBuildSummary: summary }] },
      ],
    };
    const { code, err } = await explain("--build", file("batch.json", JSON.stringify(batch, undefined, 2)));
    expect(code).toBe(2);
    expect(err).toContain("`batch.json` is a batch, not a build");
    expect(err).toContain("aws codebuild batch-get-builds --ids shop:77 | kiln explain -");
  });

  it("reads of what a record names only what lies in the folder", async () => {
    writeFileSync(join(folder, "..", "kiln-outside.yml"), SPEC.replace("make all", "make secret"));
    try {
      const record = { ...BUILD, phases: [], source: { buildspec: "../kiln-outside.yml" } };
      const { code, out } = await explain("--build", file("outside.json", JSON.stringify(record)), "--buildspec", ".");
      expect(code).toBe(0);
      expect(out).not.toContain("secret");
      for (const buildspec of ["/dev/zero", "..", "a\u0000b", "."]) {
        const odd = JSON.stringify({ ...BUILD, phases: [], source: { buildspec } });
        expect((await explain("--build", file("odd.json", odd), "--buildspec", ".")).code).toBe(0);
      }
    } finally {
      rmSync(join(folder, "..", "kiln-outside.yml"));
    }
  });

  it("does not unpack without end", async () => {
    const bomb = gzipSync(Buffer.alloc(257 * 1024 * 1024), { level: 1 });
    const { code, err } = await explain("--log", file("bomb.gz", bomb));
    expect(code).toBe(2);
    expect(err).toContain("`bomb.gz` is larger than 256 MiB");
  });

  it("says what cannot be read", async () => {
    expect(await explain("--log", "gone.log")).toMatchObject({
      code: 2,
      err: expect.stringContaining("cannot read the log `gone.log`"),
    });
    expect((await explain("--log", file("b.gz", Buffer.from([0x1f, 0x8b, 1, 2])))).err).toContain(
      "`b.gz` cannot be unpacked",
    );
    expect((await explain("--log", "-", "--build", "-")).err).toContain("standard input can be read once");
    expect((await explain("--log", "a.log", "--buildspec", "nowhere")).err).toContain(
      "there is no file or folder `nowhere`",
    );
  });
});
