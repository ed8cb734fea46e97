/**
 * Artifacts were made and cannot be stored: the role, the key or the bucket refuses them (R32), the bucket is elsewhere
 * (T16, T18), or their names do not work out. Also what else goes to S3: the log, and report files.
 */
import { shellWord } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { decisionEvidence, findDenial, serviceRoleName } from "../denial.ts";
import type { ProjectField } from "../diagnosis.ts";
import type { Failure } from "../failures.ts";
import { whyDenied } from "../remedy.ts";
import { at, firstLine } from "./finding-parts.ts";
import { allow, bucketOf, bucketPath, fieldOf } from "./source-parts.ts";

const ARTIFACTS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html";
const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";

/** What was being written, where the project says so, and AWS's answer. */
interface Refused {
  readonly what: "the artifacts" | "the log in S3";
  readonly error: string;
  readonly location: string | undefined;
  readonly field: string;
  readonly policyName: string;
  readonly sid: string;
}

function refusedIn({ message, phaseType }: Failure, { build }: BuildFacts): Refused | undefined {
  // A report's failure has brackets.
  const error = /^Error in (?:UPLOAD_ARTIFACTS|FINALIZING) phase: (?!\[)([\s\S]*)$/.exec(message)?.[1];
  if (error === undefined) return undefined;
  if (phaseType === "FINALIZING") {
    const location = build.logs?.s3Logs?.location;
    return {
      what: "the log in S3",
      error,
      location,
      field: "logsConfig.s3Logs.location",
      policyName: "kiln-write-s3-log",
      sid: "WriteLogToS3",
    };
  }
  const location = artifactsOf(build, findDenial(error)?.resource)?.location;
  return {
    what: "the artifacts",
    error,
    location,
    field: fieldPath(build, location),
    policyName: "kiln-write-artifacts",
    sid: "WriteArtifacts",
  };
}

/** The primary or the secondary artifacts whose place a denied object lies in; else those of the project. */
function artifactsOf(build: BuildFacts["build"], resource: string | undefined) {
  const all = [build.artifacts, ...(build.secondaryArtifacts ?? [])].flatMap((one) => one ?? []);
  const inBucket = all.filter(({ location = "" }) => location.startsWith("arn:"));
  return inBucket.find(({ location = "" }) => resource?.startsWith(location)) ?? inBucket[0];
}

function fieldPath(build: BuildFacts["build"], location: string | undefined): string {
  const secondary = build.secondaryArtifacts?.find((one) => one.location === location);
  return build.artifacts?.location === location || !secondary
    ? "artifacts.location"
    : `secondaryArtifacts[${secondary.artifactIdentifier ?? ""}].location`;
}

const placeOf = (location: string | undefined): string =>
  location === undefined ? "" : ` in \`s3://${bucketPath(location)}\``;

const field = ({ field: path, location }: Refused): { readonly field: ProjectField } =>
  fieldOf(path, location && bucketOf(location));

export const artifactsDenied: Cause = {
  id: "s3/write-denied",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html", TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const refused = refusedIn(failure, facts);
    const denial = refused && findDenial(refused.error);
    if (!refused || !denial) return undefined;
    const role = serviceRoleName(facts, denial);
    const { what, location, policyName, sid } = refused;
    const isKey = denial.action.startsWith("kms:");
    const isAcl = denial.action === "s3:PutBucketAcl";
    const found = {
      ...(isKey ? fieldOf("encryptionKey", facts.build.encryptionKey) : field(refused)),
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      confidence: "certain" as const,
    };
    if (isKey) {
      return {
        ...found,
        cause: `the service role \`${role}\` may not encrypt ${what} with the project's key: ${whyDenied(denial)}`,
        why: "objects are encrypted with the project's `encryptionKey`; a customer managed key needs a permission of its own",
        ...allow(facts, denial, {
          title: `allow \`${denial.action}\` on this key, only through S3`,
          role,
          policyName: "kiln-encrypt-artifacts",
          sid: "EncryptArtifacts",
        }),
      };
    }
    return {
      ...found,
      ...(isAcl ? fieldOf("artifacts.bucketOwnerAccess", undefined) : {}),
      cause: `the service role \`${role}\` may not write ${what}${isAcl ? " for the bucket's owner" : placeOf(location)}: ${whyDenied(denial)}`,
      ...(isAcl ? { why: "`bucketOwnerAccess` other than NONE needs `s3:PutBucketAcl`" } : {}),
      ...allow(facts, denial, {
        title: `allow writing ${what}, and nothing else`,
        role,
        policyName,
        sid,
        resources: [isAcl ? denial.resource : objectsOf(denial.resource, location, what)],
      }),
    };
  },
};

/** A denied object stands for all below the place they go to: the next file would be denied as well. */
function objectsOf(resource: string, location: string | undefined, what: Refused["what"]): string {
  if (what === "the log in S3") return `${resource.slice(0, resource.lastIndexOf("/"))}/*`;
  if (location === undefined || resource === location) return resource;
  return resource.startsWith(`${location}/`) ? `${location}/*` : resource;
}

export const artifactsRefused: Cause = {
  id: "s3/write-refused",
  sources: [ARTIFACTS],
  match(failure, facts): Finding | undefined {
    const refused = refusedIn(failure, facts);
    const code = refused && /^([A-Za-z][A-Za-z0-9.]+): /.exec(refused.error)?.[1];
    if (!refused || code === undefined) return undefined;
    const bucket = refused.location === undefined ? undefined : bucketOf(refused.location);
    const base = { ...field(refused), evidence: [firstLine(failure.message)], confidence: "certain" as const };
    if (code === "NoSuchBucket") {
      return {
        ...base,
        cause: `the bucket ${bucket === undefined ? "" : `\`${bucket}\` `}for ${refused.what} does not exist`,
        fix: {
          kind: "command",
          title: "create it, or name another in the project",
          commands: [`aws s3 mb ${shellWord(`s3://${bucket ?? "BUCKET"}`)}`],
        },
      };
    }
    if (/^KMS\.|^(NotFound|Disabled|KMSInvalidState|InvalidKeyUsage)/.test(code)) {
      return {
        ...base,
        ...fieldOf("encryptionKey", facts.build.encryptionKey),
        cause: `the project's key cannot be used for ${refused.what}: ${firstLine(refused.error)}`,
        next: `see the key: \`aws kms describe-key --key-id ${facts.build.encryptionKey ?? "KEY"}\``,
      };
    }
    return {
      ...base,
      cause: `S3 did not take ${refused.what}: ${firstLine(refused.error)}`,
      next: `see the bucket: \`aws s3api get-bucket-policy --bucket ${bucket ?? "BUCKET"}\` and \`aws s3api get-bucket-encryption --bucket ${bucket ?? "BUCKET"}\``,
      confidence: code === "AccessDenied" ? "likely" : "certain",
    };
  },
};

export const otherRegion: Cause = {
  id: "s3/other-region",
  sources: [TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const isUpload = failure.message === "Failed to upload artifacts: Invalid arn";
    if (!isUpload && !failure.message.startsWith("The bucket you are attempting to access must be addressed")) {
      return undefined;
    }
    const location = isUpload ? artifactsOf(facts.build, undefined)?.location : facts.build.source?.location;
    const bucket = location === undefined ? undefined : bucketOf(location);
    const what = isUpload ? "the artifacts' bucket" : "the source's bucket";
    return {
      cause: `${what}${bucket === undefined ? "" : ` \`${bucket}\``} is in another region than the build`,
      ...fieldOf(isUpload ? fieldPath(facts.build, location) : "source.location", bucket),
      evidence: [failure.message],
      why: "CodeBuild reads and writes buckets of its own region only",
      fix: {
        kind: "command",
        title: "see where it is, then use a bucket of the project's region",
        commands: [`aws s3api get-bucket-location --bucket ${shellWord(bucket ?? "BUCKET")}`],
      },
      confidence: "certain",
    };
  },
};

export const artifactsNames: Cause = {
  id: "artifacts/names-collide",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.discard-paths",
  ],
  match(failure, facts): Finding | undefined {
    const match =
      /^(discard-paths|base-directory): two files (?:are named|would be stored as) (.+?): (.+) and (.+)$/.exec(
        failure.message,
      );
    if (!match || failure.phaseType !== "UPLOAD_ARTIFACTS") return undefined;
    const [, key = "", name = ""] = match;
    const { artifacts, file } = facts.buildspec ?? {};
    const sections = [artifacts, ...(artifacts?.secondary ?? []).map((one) => one.artifacts)];
    const located = sections
      .map((one) => (key === "discard-paths" ? one?.discardPaths : one?.baseDirectory))
      .find((one) => one !== undefined);
    return {
      cause: `two of the artifacts' files would be stored as \`${name}\``,
      ...at(file, located?.span.line),
      evidence: [failure.message],
      why:
        key === "discard-paths"
          ? "`discard-paths: yes` stores every file under its bare name"
          : "a `base-directory` with a wildcard takes away the folder that told the two apart",
      next: `leave one of them out with \`exclude-paths\`, or ${key === "discard-paths" ? "keep the paths" : "name one folder"}`,
      confidence: "certain",
    };
  },
};

export const artifactsNameless: Cause = {
  id: "artifacts/name-unusable",
  sources: [ARTIFACTS],
  match(failure): Finding | undefined {
    const outside = /^the artifacts' name `(.*)` leads out of/.exec(failure.message)?.[1];
    if (outside === undefined && failure.message !== "artifacts packed as ZIP need a name other than `/`") {
      return undefined;
    }
    return {
      cause:
        outside === undefined
          ? "the artifacts are one ZIP file and have no name to be stored under"
          : `the artifacts' name \`${outside}\` leads out of the folder they go to`,
      ...fieldOf("artifacts.name", outside ?? "/"),
      evidence: [failure.message],
      next: "give `artifacts.name` of the project a file name, e.g. `app.zip`",
      confidence: "certain",
    };
  },
};
