/** A git repository in a temporary folder, and projects that build it, for tests of webhooks, events and badges. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Kiln } from "../../src/app.ts";
import { CODEBUILD_TRUST } from "./policy-documents.ts";
import { ACCOUNT } from "./start-endpoint.ts";

export const ROLE = `arn:aws:iam::${ACCOUNT}:role/CodeBuildServiceRole`;

const WEBHOOK_VARIABLES = ["ACTOR_ACCOUNT_ID", "BASE_REF", "EVENT", "HEAD_REF", "PREV_COMMIT", "TRIGGER"].map(
  (name) => `CODEBUILD_WEBHOOK_${name}`,
);

export interface TestRepository {
  readonly dir: string;
  readonly head: string;
  git(...args: string[]): string;
  remove(): void;
}

/** One commit on `main` with a buildspec of these commands, which exports what its webhook brings. */
export function makeRepository(...commands: string[]): TestRepository {
  const dir = mkdtempSync(join(tmpdir(), "kiln-webhook-"));
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  git("init", "--quiet", "--initial-branch=main");
  mkdirSync(join(dir, "src"));
  writeFileSync(join(dir, "src/app.txt"), "1\n");
  writeFileSync(
    join(dir, "buildspec.yml"),
    JSON.stringify({
      version: "0.2",
      env: { "exported-variables": WEBHOOK_VARIABLES },
      phases: { build: { commands } },
    }),
  );
  git("add", ".");
  git("commit", "--quiet", "-m", "first [CodeBuild]");
  return {
    dir,
    head: git("rev-parse", "HEAD"),
    git,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** The role that builds run under; CodeBuild may assume it. */
export async function makeServiceRole({ root }: Kiln): Promise<void> {
  await root.call("iam", "CreateRole", {
    RoleName: "CodeBuildServiceRole",
    AssumeRolePolicyDocument: CODEBUILD_TRUST,
  });
}

/** A project without logs; its source is the repository's folder. */
export const projectInput = (name: string, dir: string, type = "GITHUB") => ({
  name,
  source: { type, location: pathToFileURL(dir).href },
  artifacts: { type: "NO_ARTIFACTS" as const },
  environment: {
    type: "LINUX_CONTAINER" as const,
    image: "aws/codebuild/standard:7.0",
    computeType: "BUILD_GENERAL1_SMALL" as const,
  },
  serviceRole: ROLE,
  logsConfig: { cloudWatchLogs: { status: "DISABLED" as const } },
});
