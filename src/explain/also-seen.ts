/**
 * What went wrong in a build and failed no phase: a cache that could not be read or written (R33, T10), a build that was
 * not started again, secondary artifacts without a counterpart, reports that were found and not made. Read from the
 * lines of the log and Kiln's warnings; asked for builds that succeeded, too.
 */
import type { BuildFacts } from "./build-facts.ts";
import { at, firstLine } from "./causes/finding-parts.ts";
import { allow, bucketPath, fieldOf } from "./causes/source-parts.ts";
import { type Denial, decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "./denial.ts";
import type { SideFinding } from "./diagnosis.ts";
import { remedy, whyDenied } from "./remedy.ts";
import { surprises } from "./surprises.ts";

/** In the order they were seen, each code about one thing once. */
export function alsoSeen(facts: BuildFacts): SideFinding[] {
  const found: SideFinding[] = [...cache(facts)];
  for (const event of facts.events) {
    if (event.type !== "notice" || event.level !== "warning") continue;
    const finding = inNotice(event.text, facts);
    if (finding && !found.some(({ cause }) => cause === finding.cause)) found.push(finding);
  }
  return [...found, ...surprises(facts)];
}

const inNotice = (text: string, facts: BuildFacts): SideFinding | undefined =>
  retryDenied(text, facts) ?? secondaryArtifacts(text, facts) ?? discoveredReport(text, facts);

const CACHE_LINE = /^Unable to (?:(download|upload) cache|initialize cache download): ([\s\S]*)$/;

function cache(facts: BuildFacts): SideFinding[] {
  const lines = facts.events.flatMap((event) => {
    const match = event.type === "log" && event.kind === "container" ? CACHE_LINE.exec(event.text) : null;
    return match ? [{ isUpload: match[1] === "upload", error: match[2] ?? "" }] : [];
  });
  const denied = lines.flatMap(({ isUpload, error }) => {
    const denial = findDenial(error);
    return denial ? [{ isUpload, error, denial }] : [];
  });
  const [first] = denied;
  const place = facts.build.cache?.location;
  const where = {
    ...at(facts.buildspec?.file, facts.buildspec?.cache?.span.line),
    ...fieldOf("cache.location", place),
  };
  if (first) {
    const { denial } = first;
    const role = serviceRoleName(facts, denial);
    const done = [...new Set(denied.map(({ isUpload }) => (isUpload ? "saved" : "restored")))].join(" and not ");
    return [
      {
        code: "s3/cache-denied",
        cause: `the cache was not ${done}: the service role \`${role}\` lacks a permission; ${whyDenied(denial)}`,
        ...where,
        evidence: [
          ...new Set(denied.flatMap((one) => [firstLine(one.error), ...decisionEvidence(facts.decisions, one.denial)])),
        ],
        ...remedy(facts, denial, cachePolicy(role, denial, place)),
      },
    ];
  }
  return lines.flatMap(({ error, isUpload }) => {
    const finding = otherCacheTrouble(error, isUpload, place);
    return finding ? [{ ...finding, ...where, evidence: [firstLine(error)] }] : [];
  });
}

function otherCacheTrouble(error: string, isUpload: boolean, place: string | undefined) {
  if (/^NoSuchBucket\b/.test(error)) {
    const bucket = bucketPath(place ?? "BUCKET").split("/")[0];
    return {
      code: "s3/cache-bucket-missing",
      cause: `the cache was not ${isUpload ? "saved" : "restored"}: the bucket \`${bucket}\` does not exist`,
      next: `create it: \`aws s3 mb s3://${bucket}\`, or name another in the project's \`cache.location\``,
    };
  }
  if (/^(?:AccessDenied|Access Denied|Forbidden)\b/i.test(error)) {
    return {
      code: "s3/cache-denied",
      cause: `the cache was not ${isUpload ? "saved" : "restored"}: S3 denied it`,
      next: "normal in the first build, or after the cache was invalidated; if it stays, the service role lacks `s3:GetObject`, `s3:PutObject` or `s3:ListBucket` on the place in `cache.location`",
    };
  }
  if (/x509: Failed to load system roots/i.test(error)) {
    return {
      code: "cache/no-root-certificates",
      cause: "the cache was not restored: the build's image has no root certificates to trust S3 with",
      next: "update the image's certificates (`ca-certificates`), or use a newer image",
    };
  }
  // A first build finds nothing: that is no trouble.
  if (/^(NoSuchKey|no paths specified)/.test(error)) return undefined;
  return {
    code: "cache/not-used",
    cause: `the cache was not ${isUpload ? "saved" : "restored"}: ${firstLine(error)}`,
    next: "see `cache` of the buildspec and of the project; the build itself does not need it",
  };
}

/** Everything the cache needs at once: fixing one denial at a time would meet the next. */
function cachePolicy(role: string, denial: Denial, place: string | undefined) {
  const denied = bucketPath(denial.resource);
  const path = place === undefined ? (denied.split("/")[0] ?? denied) : bucketPath(place).replace(/\/+$/, "");
  const bucket = path.split("/")[0] ?? path;
  return policyFix("allow reading and writing this cache, and nothing else", role, "kiln-use-cache", [
    {
      Sid: "UseCache",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: [`arn:aws:s3:::${path}/*`],
    },
    { Sid: "FindCache", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [`arn:aws:s3:::${bucket}`] },
  ]);
}

function retryDenied(text: string, facts: BuildFacts): SideFinding | undefined {
  const reason = /^the build is not started again: (AccessDenied[\s\S]*)$/.exec(text)?.[1];
  const denial = reason === undefined ? undefined : findDenial(reason);
  if (!denial) return undefined;
  const role = serviceRoleName(facts, denial);
  const { region, accountId } = scopeOf(facts);
  const project = `arn:aws:codebuild:${region}:${accountId}:project/${facts.build.projectName ?? "PROJECT"}`;
  const phase = facts.buildspec?.phases.find(({ onFailure }) => onFailure?.value.startsWith("RETRY"));
  return {
    code: "iam/retry-denied",
    cause: `the failed build was not started again: the service role \`${role}\` may not retry builds; ${whyDenied(denial)}`,
    ...at(facts.buildspec?.file, phase?.onFailure?.span.line),
    ...(phase ? {} : fieldOf("autoRetryLimit", undefined)),
    evidence: decisionEvidence(facts.decisions, denial),
    ...allow(facts, denial, {
      title: "allow retrying the builds of this project, and nothing else",
      role,
      policyName: "kiln-retry-builds",
      sid: "RetryBuilds",
      resources: [project],
    }),
  };
}

function secondaryArtifacts(text: string, facts: BuildFacts): SideFinding | undefined {
  const notCollected = /^the secondary artifacts `(.+?)` are not collected: the project has (.*)$/.exec(text);
  if (notCollected) {
    const [, identifier = "", known = ""] = notCollected;
    const located = facts.buildspec?.artifacts?.secondary.find((one) => one.identifier.value === identifier);
    return {
      code: "artifacts/secondary-unmatched",
      cause: `the secondary artifacts \`${identifier}\` of the buildspec are not collected: the project has ${known === "none" ? "none" : `only ${known}`}`,
      ...at(facts.buildspec?.file, located?.identifier.span.line),
      ...fieldOf("secondaryArtifacts[].artifactIdentifier", known === "none" ? undefined : known.replaceAll("`", "")),
      evidence: [],
      next: `give the project \`secondaryArtifacts\` with the identifier \`${identifier}\`, or rename one of the two`,
    };
  }
  const waiting = /^the project's secondary artifacts `(.+?)` have no counterpart in the buildspec$/.exec(text)?.[1];
  if (waiting === undefined) return undefined;
  return {
    code: "artifacts/secondary-unmatched",
    cause: `the project waits for the secondary artifacts \`${waiting}\`, which the buildspec does not have`,
    ...at(facts.buildspec?.file, facts.buildspec?.artifacts?.span.line),
    ...fieldOf(`secondaryArtifacts[${waiting}]`, undefined),
    evidence: [],
    next: `add \`${waiting}\` under \`artifacts.secondary-artifacts\`, or take it out of the project`,
  };
}

function discoveredReport(text: string, facts: BuildFacts): SideFinding | undefined {
  const group = /^the discovered report `(.+?)` was not made: /.exec(text)?.[1];
  if (group === undefined) return undefined;
  const denial = findDenial(text);
  const { region, accountId } = scopeOf(facts);
  const groups = `arn:aws:codebuild:${region}:${accountId}:report-group/${facts.build.projectName ?? "PROJECT"}-*`;
  const base = {
    code: "reports/discovered-not-made",
    cause: `report files were found, and the report \`${group}\` was not made of them`,
    evidence: [text.replace(/; `CODEBUILD_CONFIG_AUTO_DISCOVER=.*$/, "")],
    next: "not wanted? The variable `CODEBUILD_CONFIG_AUTO_DISCOVER=false` turns the search off",
  };
  if (!denial || denial.isExplicit) return base;
  const fix = policyFix(
    "allow making reports in this project's report groups",
    serviceRoleName(facts, denial),
    "kiln-make-reports",
    [
      {
        Sid: "MakeReports",
        Effect: "Allow",
        Action: [
          "codebuild:CreateReportGroup",
          "codebuild:CreateReport",
          "codebuild:UpdateReport",
          "codebuild:BatchPutTestCases",
          "codebuild:BatchPutCodeCoverages",
        ],
        Resource: [groups],
      },
    ],
  );
  return { ...base, ...remedy(facts, denial, fix) };
}
