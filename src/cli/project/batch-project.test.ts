/** What the generated role of a project's batches needs. */
import { expect, it } from "vitest";
import { parseBuildspec } from "../../build/buildspec/index.ts";
import { requiredPermissions } from "../../build/plan/index.ts";
import { batchOf, planOfAll } from "./batch-project.ts";
import type { ProjectFiles } from "./project-files.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "111122223333" };
const SETTINGS = { name: "app", image: "aws/codebuild/standard:7.0", isPrivileged: false, timeoutMinutes: 60 };

it("names the report groups of a fan-out's builds beside the buildspec's", () => {
  const own = "arn:aws:codebuild:us-east-1:111122223333:report-group/own";
  const text = `version: 0.2
batch: {build-fanout: {parallelism: 2}}
phases: {build: {commands: [x]}}
reports: {unit: {files: [a]}, '${own}': {files: [b]}}
`;
  const { buildspec } = parseBuildspec(text, "buildspec.yml");
  const batch = batchOf({ buildspec, buildspecFile: "buildspec.yml" } as ProjectFiles);
  const plan = batch && planOfAll(batch, SETTINGS, { strict: false });
  if (!plan) throw new Error("no plan");
  const groupsFor = (action: string): string[] =>
    requiredPermissions(plan, SCOPE, "app", {}).flatMap((one) =>
      one.action === `codebuild:${action}` ? [one.resource.replace(/^.*\//, "")] : [],
    );
  const shards = (name: string): string[] => [`${name}BuildFanoutShard1`, `${name}BuildFanoutShard2`];
  expect(groupsFor("CreateReport")).toEqual(["app-unit", ...shards("app-unit"), "own", ...shards("own")]);
  expect(groupsFor("CreateReportGroup")).toEqual(["app-unit", ...shards("app-unit"), ...shards("own")]);
});
