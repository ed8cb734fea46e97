/** A git source that cannot be had: not allowed, no credentials, not there (R13-R16), or git itself failed (T17). */
import { shellWord } from "../../core/shell-word.ts";
import type { BuildFacts, SourceRecord } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf, type NamedSource, nameOf, recordOf, sourceField, sourceIn } from "./source-parts.ts";
import { updateEnvironment } from "./update-project.ts";

const TOKENS = "https://docs.aws.amazon.com/codebuild/latest/userguide/access-tokens.html";
const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";

interface Refused {
  readonly source: NamedSource;
  readonly record: SourceRecord | undefined;
  readonly evidence: readonly string[];
}

/** A failure of the form `<words> for primary source and source version …`. */
function refused(failure: Failure, facts: BuildFacts, words: string): Refused | undefined {
  if (failure.phaseType !== "DOWNLOAD_SOURCE" || !failure.message.startsWith(`${words} for `)) return undefined;
  const source = sourceIn(failure.message);
  return source && { source, record: recordOf(facts, source), evidence: [failure.message] };
}

export const sourceAuthorizationFailed: Cause = {
  id: "source/authorization-failed",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/connections.html"],
  match(failure, facts): Finding | undefined {
    const found = refused(failure, facts, "authorization failed");
    if (!found) return undefined;
    const { source, record, evidence } = found;
    const role = serviceRoleName(facts);
    const base = { evidence, confidence: "certain" as const };
    const codeCommit = /git-codecommit[^.]*\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/v1\/repos\/([\w.-]+)/.exec(
      record?.location ?? "",
    );
    if (codeCommit) {
      const [, region = "", name = ""] = codeCommit;
      return {
        ...base,
        ...sourceField(facts, source),
        cause: `the service role \`${role}\` may not pull ${nameOf(source)} from CodeCommit: no policy allows \`codecommit:GitPull\` on \`${name}\``,
        fix: policyFix("allow pulling this repository, and nothing else", role, "kiln-pull-source", [
          {
            Sid: "PullSource",
            Effect: "Allow",
            Action: ["codecommit:GitPull"],
            Resource: [`arn:aws:codecommit:${region}:${scopeOf(facts).accountId}:${name}`],
          },
        ]),
      };
    }
    // AWS: with a token the words are others; a log alone does not name the connection.
    if (record?.auth?.type === "CODECONNECTIONS" || (facts.isSaved && record?.auth === undefined)) {
      const { region, accountId } = scopeOf(facts);
      const connection =
        record?.auth?.resource ??
        (facts.build.arn === undefined
          ? "arn:aws:codeconnections:REGION:ACCOUNT:connection/ID"
          : `arn:aws:codeconnections:${region}:${accountId}:connection/*`);
      return {
        ...base,
        ...sourceField(facts, source, "auth"),
        cause:
          record?.auth === undefined
            ? `the service role \`${role}\` may not use the connection that ${nameOf(source)} is taken over, or its app may not read the repository`
            : `${nameOf(source)} is taken over the connection \`${connection}\`, which cannot be used`,
        why: facts.isSaved
          ? "the role lacks `codeconnections:UseConnection` (older connections: `codestar-connections:UseConnection`), or the app is not installed on the repository"
          : "Kiln has no connections; on AWS the role lacks `codeconnections:UseConnection`, or the app is not installed on the repository",
        fix: policyFix("on AWS: let the role use the connection", role, "kiln-use-connection", [
          {
            Sid: "UseConnection",
            Effect: "Allow",
            Action: [
              "codeconnections:GetConnection",
              "codeconnections:GetConnectionToken",
              "codeconnections:UseConnection",
            ],
            Resource: [connection],
          },
        ]),
        alternatives: facts.isSaved
          ? []
          : [
              importCredentials(
                record,
                "here: use a token of your provider instead (and take `auth` out of the source)",
              ),
            ],
      };
    }
    return {
      ...base,
      ...sourceField(facts, source),
      cause: `the server knows the credentials of ${nameOf(source)} and does not let them read \`${record?.location ?? "the repository"}\``,
      why: "the token lacks the scope, or its user may not read this repository",
      fix: importCredentials(record, "import a token that may read it"),
      next: "on AWS also: the app of the connection must be installed on the repository, and the role needs `codeconnections:UseConnection`",
    };
  },
};

export const sourceAuthenticationRequired: Cause = {
  id: "source/authentication-required",
  sources: [TOKENS],
  match(failure, facts): Finding | undefined {
    const found = refused(failure, facts, "authentication required");
    if (!found) return undefined;
    return {
      cause:
        `${nameOf(found.source)} \`${found.record?.location ?? ""}\` needs credentials, and CodeBuild has none that the server accepts`.replace(
          " ``",
          "",
        ),
      ...sourceField(facts, found.source),
      evidence: found.evidence,
      why: "nobody imported a token for this provider, or it has expired; a repository that does not exist is often answered in the same way",
      fix: importCredentials(found.record, "import a token"),
      next: "`aws codebuild list-source-credentials` shows what there is",
      confidence: "certain",
    };
  },
};

export const sourceRepositoryNotFound: Cause = {
  id: "source/repository-not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html"],
  match(failure, facts): Finding | undefined {
    const found = refused(failure, facts, "repository not found");
    if (!found) return undefined;
    const { source, record, evidence } = found;
    const location = record?.location ?? "";
    const isFolder = location.startsWith("file:");
    return {
      cause: `there is no ${isFolder ? "folder" : "repository"}${location === "" ? "" : ` \`${location}\``}, which is ${nameOf(source)}`,
      ...sourceField(facts, source),
      evidence,
      why: isFolder
        ? "the folder was moved or removed after the project was made"
        : "the URL is wrong, its source type is another provider's, or the credentials do not see the repository",
      next: isFolder
        ? "name the folder again: `kiln run FOLDER`, or the project's `source.location`"
        : `try it by hand: \`git ls-remote ${location || "URL"}\``,
      confidence: "certain",
    };
  },
};

export const sourceReferenceNotFound: Cause = {
  id: "source/reference-not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/sample-source-version.html"],
  match(failure, facts): Finding | undefined {
    const found = refused(failure, facts, "reference not found");
    if (!found) return undefined;
    const { source, record, evidence } = found;
    const isPrimary = source.identifier === undefined;
    const url = record?.location !== undefined && !record.location.startsWith("file:") ? record.location : undefined;
    return {
      cause: `${nameOf(source)} has no branch, tag or commit \`${source.version}\``,
      ...fieldOf(isPrimary ? "sourceVersion" : `secondarySourceVersions[${source.identifier}]`, source.version),
      evidence,
      why: "a branch that was renamed (`master`, `main`) or not pushed, or a commit of another clone",
      fix: {
        kind: "command",
        title: "see what there is",
        commands: url === undefined ? ["git branch --all", "git tag --list"] : [`git ls-remote ${shellWord(url)}`],
      },
      next: isPrimary
        ? "then name one of them: `kiln run --source REV`, or the project's `sourceVersion`"
        : "then name one of them in the project's `secondarySourceVersions`",
      confidence: "certain",
    };
  },
};

export const gitFailed: Cause = {
  id: "source/git-failed",
  sources: [TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const reason = /^Git (?:clone|checkout) failed: (.*)/.exec(failure.message)?.[1];
    if (reason === undefined) return undefined;
    const base = { ...sourceField(facts, { version: "" }), evidence: [firstLine(failure.message)] };
    if (/SSL certificate problem/i.test(reason)) {
      return {
        ...base,
        cause: "the repository's server has a certificate that the build does not trust",
        ...fieldOf("environment.certificate", undefined),
        why: "a self-signed certificate has to be named: `environment.certificate` of the project; in Kiln your own git settings count",
        fix: facts.isSaved
          ? {
              kind: "command",
              title: "put the server's certificate into S3 and name it in the project",
              commands: [
                "aws s3 cp CERTIFICATE.pem s3://BUCKET/certificate.pem",
                updateEnvironment(facts, { certificate: "BUCKET/certificate.pem" }),
              ],
            }
          : {
              kind: "command",
              title: "here: tell git about the certificate",
              commands: ["git config --global http.sslCAInfo CERTIFICATE.pem"],
            },
        next: "`source.insecureSsl` turns the check off; use it for tests only",
        confidence: "certain",
      };
    }
    return {
      ...base,
      cause: `git could not take the source: ${reason}`,
      next: `try it by hand: \`git ls-remote ${facts.build.source?.location ?? "URL"}\``,
      confidence: "likely",
    };
  },
};

export const sourceSettingsWrong: Cause = {
  id: "source/settings-wrong",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html"],
  match(failure, facts): Finding | undefined {
    if (failure.phaseType !== "DOWNLOAD_SOURCE") return undefined;
    for (const { pattern, path, cause, next } of SETTINGS) {
      const match = pattern.exec(failure.message);
      if (!match) continue;
      const value = path === "source.location" ? facts.build.source?.location : undefined;
      return {
        cause: cause(...match.slice(1)),
        ...fieldOf(path, value),
        evidence: [failure.message],
        next,
        confidence: "certain",
      };
    }
    return undefined;
  },
};

const IDENTIFIERS = "give each secondary source an identifier of its own, of letters, digits and underscores";
const SETTINGS: readonly {
  readonly pattern: RegExp;
  readonly path: string;
  readonly cause: (...parts: string[]) => string;
  readonly next: string;
}[] = [
  {
    pattern: /^there are (\d+) secondary sources; (\d+) is the limit$/,
    path: "secondarySources",
    cause: (count, limit) => `the project has ${count} secondary sources, and ${limit} is the limit`,
    next: "take some of them as git submodules, or clone them in a command",
  },
  {
    pattern: /^the secondary source identifier `(.*)` is not made of letters, digits and underscores$/,
    path: "secondarySources[].sourceIdentifier",
    cause: (name) =>
      `\`${name}\` cannot be a secondary source's identifier: it becomes the end of \`CODEBUILD_SRC_DIR_…\``,
    next: IDENTIFIERS,
  },
  {
    pattern: /^two secondary sources have the identifier `(.*)`$/,
    path: "secondarySources[].sourceIdentifier",
    cause: (name) => `two secondary sources are called \`${name}\`, so \`CODEBUILD_SRC_DIR_${name}\` would mean both`,
    next: IDENTIFIERS,
  },
  {
    pattern: /^the S3 location `(.*)` is not/,
    path: "source.location",
    cause: (location) => `\`${location}\` names no object in S3`,
    next: "name a ZIP file, `bucket/key.zip`, or a folder, `bucket/folder/`",
  },
  {
    pattern: /^Source version should be empty for S3 folder source location$/,
    path: "sourceVersion",
    cause: () => "a folder in S3 has no version, and the build asks for one",
    next: "leave the source version away, or make the source a ZIP file of a bucket with versioning",
  },
  {
    pattern: /^the object key `(.*)` leads outside the source$/,
    path: "source.location",
    cause: (key) => `the folder in S3 holds the key \`${key}\`, whose path leads out of the source`,
    next: "remove or rename that object",
  },
  {
    pattern: /^there is no input artifact: Kiln has no pipelines/,
    path: "source.location",
    cause: () => "the source's type is CODEPIPELINE, and nothing says where the pipeline's artifact is",
    next: "run it with `kiln run --as-pipeline`, or name the artifact: `--source-version arn:aws:s3:::BUCKET/KEY`",
  },
  {
    pattern: /^the secret `(.*)` has no member `Token`/,
    path: "source.auth.resource",
    cause: (secret) => `the secret \`${secret}\` of the source's credentials has no member \`Token\``,
    next: 'store it as JSON: {"ServerType": "GITHUB", "AuthType": "PERSONAL_ACCESS_TOKEN", "Token": "…"}',
  },
  {
    pattern: /^the source's credentials hold a line end/,
    path: "source.auth",
    cause: () => "the source's user name or token holds a line end, which git cannot be given",
    next: "import the token again without it: `printf %s TOKEN`, not `echo TOKEN`",
  },
  {
    pattern: /^the source type (\S+) is not one of CodeBuild's$/,
    path: "source.type",
    cause: (type) => `\`${type}\` is no type of source`,
    next: "use BITBUCKET, CODECOMMIT, CODEPIPELINE, GITHUB, GITHUB_ENTERPRISE, GITLAB, GITLAB_SELF_MANAGED, NO_SOURCE or S3",
  },
];

function importCredentials(record: SourceRecord | undefined, title: string) {
  const server = record?.type !== undefined && /^(GITHUB|GITLAB|BITBUCKET)/.test(record.type) ? record.type : "GITHUB";
  const isBasic = server === "BITBUCKET";
  return {
    kind: "command" as const,
    title,
    commands: [
      `aws codebuild import-source-credentials --server-type ${server} --auth-type ${isBasic ? "BASIC_AUTH --username USER" : "PERSONAL_ACCESS_TOKEN"} --token TOKEN`,
    ],
  };
}
