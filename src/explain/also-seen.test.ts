/** What failed no phase and is named all the same: caches, retries, secondary artifacts, discovered reports. */
import { describe, expect, it } from "vitest";
import { denialMessage, factsOf } from "../../test/support/build-facts.ts";
import { make, s3Denial } from "../../test/support/explain-cases.ts";
import type { BuildEvent } from "../build/run/events.ts";
import { explainBuild, factsFromLog, renderDiagnosis } from "./index.ts";

const SPEC = `version: 0.2
phases:
  build:
    on-failure: RETRY
    commands:
      - make all
artifacts:
  files: [a]
  secondary-artifacts:
    docs: { files: [b] }
cache:
  paths: [node_modules/**/*]
`;
const base = { buildId: "b", atMs: 0 };
const line = (text: string): BuildEvent => ({ ...base, type: "log", kind: "container", text });
const warning = (text: string): BuildEvent => ({ ...base, type: "notice", level: "warning", text });
const succeeded = (events: readonly BuildEvent[]) =>
  explainBuild(
    factsOf({
      phase: "BUILD",
      phaseStatus: "SUCCEEDED",
      buildspec: SPEC,
      build: { buildStatus: "SUCCEEDED", cache: { type: "S3", location: "cache-bucket/app" } },
      events,
    }),
  );
const one = (event: BuildEvent) => succeeded([event]).alsoSeen[0];

describe("beside a build that succeeded", () => {
  const download = s3Denial("s3:ListBucket", "arn:aws:s3:::cache-bucket");
  const upload = s3Denial("s3:PutObject", "arn:aws:s3:::cache-bucket/app/kiln-cache/x/y/project.tar.gz");
  const diagnosis = succeeded([
    line(`Unable to download cache: ${download}`),
    line(`Unable to upload cache: ${upload}`),
  ]);

  it("a denied cache is named once, with all permissions it needs", () => {
    expect(diagnosis).toMatchObject({
      outcome: "no-problem",
      cause: "the build succeeded; one thing beside it did not work",
    });
    expect(diagnosis.alsoSeen).toHaveLength(1);
    expect(diagnosis.alsoSeen[0]).toMatchObject({
      code: "s3/cache-denied",
      cause:
        "the cache was not restored and not saved: the service role `CodeBuildServiceRole` lacks a permission; no policy allows `s3:ListBucket` on `arn:aws:s3:::cache-bucket`",
      file: "buildspec.yml",
      line: 11,
      field: { path: "cache.location", value: "cache-bucket/app" },
      fix: {
        policy: {
          Statement: [
            { Action: ["s3:GetObject", "s3:PutObject"], Resource: ["arn:aws:s3:::cache-bucket/app/*"] },
            { Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::cache-bucket"] },
          ],
        },
      },
    });
    expect(renderDiagnosis(diagnosis)).toMatch(
      /^no problem: the build succeeded; one thing beside it did not work\nalso: the cache was not restored and not saved: [^\n]*\n {2}at buildspec.yml:11\n {2}in the project: cache.location {3}cache-bucket\/app\n {2}evidence:\n {4}\| AccessDenied: /,
    );
  });

  it("an empty cache is nothing", () => {
    expect(one(line("Unable to download cache: NoSuchKey: The specified key does not exist."))).toBeUndefined();
    expect(one(line("Unable to initialize cache download: no paths specified to be cached"))).toBeUndefined();
  });

  it.each([
    [
      "Unable to upload cache: NoSuchBucket: The specified bucket does not exist",
      "s3/cache-bucket-missing",
      "the cache was not saved: the bucket `cache-bucket` does not exist",
    ],
    [
      "Unable to download cache: RequestError: Send request failed caused by: x509: Failed to load system roots and no roots provided",
      "cache/no-root-certificates",
      "the cache was not restored: the build's image has no root certificates to trust S3 with",
    ],
    ["Unable to upload cache: disk full", "cache/not-used", "the cache was not saved: disk full"],
  ])("%s", (text, code, cause) => {
    expect(one(line(text))).toMatchObject({ code, cause, next: expect.any(String) });
  });

  it("secondary artifacts without a counterpart are named, whichever side lacks it", () => {
    expect(
      one(warning("the secondary artifacts `docs` are not collected: the project has `doc`, `site`")),
    ).toMatchObject({
      code: "artifacts/secondary-unmatched",
      line: 10,
      cause: "the secondary artifacts `docs` of the buildspec are not collected: the project has only `doc`, `site`",
      field: { path: "secondaryArtifacts[].artifactIdentifier", value: "doc, site" },
    });
    expect(one(warning("the project's secondary artifacts `site` have no counterpart in the buildspec"))).toMatchObject(
      {
        cause: "the project waits for the secondary artifacts `site`, which the buildspec does not have",
        next: "add `site` under `artifacts.secondary-artifacts`, or take it out of the project",
      },
    );
  });

  it("a discovered report that was not made is named with the policy and the switch", () => {
    const denied = denialMessage(
      "codebuild:CreateReportGroup",
      "arn:aws:codebuild:us-east-1:000000000000:report-group/x",
    );
    const found = one(
      warning(
        `the discovered report \`JUNITXML-AutoDiscovered\` was not made: error creating report group: ${denied.replace("\n\t", ", ")}; \`CODEBUILD_CONFIG_AUTO_DISCOVER=false\` turns the discovery off`,
      ),
    );
    expect(found).toMatchObject({
      code: "reports/discovered-not-made",
      cause: "report files were found, and the report `JUNITXML-AutoDiscovered` was not made of them",
      next: "not wanted? The variable `CODEBUILD_CONFIG_AUTO_DISCOVER=false` turns the search off",
      fix: { policy: { Statement: [{ Resource: ["arn:aws:codebuild:us-east-1:000000000000:report-group/flask-*"] }] } },
    });
  });
});

it("says why a failed build was not started again, beside its cause", () => {
  const denied = denialMessage("codebuild:RetryBuild", "arn:aws:codebuild:us-east-1:000000000000:project/flask");
  const diagnosis = explainBuild(
    factsOf({
      ...make,
      buildspec: SPEC,
      exitStatus: 3,
      output: ["boom"],
      events: [warning(`the build is not started again: ${denied}; allow \`codebuild:RetryBuild\` on the project`)],
    }),
  );
  expect(diagnosis.code).toBe("commands/exit-status");
  expect(diagnosis.alsoSeen).toMatchObject([
    {
      code: "iam/retry-denied",
      line: 4,
      cause:
        "the failed build was not started again: the service role `CodeBuildServiceRole` may not retry builds; no policy allows `codebuild:RetryBuild` on `arn:aws:codebuild:us-east-1:000000000000:project/flask`",
      fix: {
        policy: {
          Statement: [
            {
              Action: ["codebuild:RetryBuild"],
              Resource: ["arn:aws:codebuild:us-east-1:000000000000:project/flask"],
            },
          ],
        },
      },
    },
  ]);
});

it("reads a saved log for it, too", () => {
  const at = "[Container] 2026/01/02 03:04:05.000000";
  const facts = factsFromLog(
    `${at} Unable to download cache: ${s3Denial("s3:ListBucket", "arn:aws:s3:::b")}\n${at} Phase complete: BUILD State: SUCCEEDED\n`,
  );
  expect(explainBuild(facts).alsoSeen).toMatchObject([{ code: "s3/cache-denied" }]);
});
