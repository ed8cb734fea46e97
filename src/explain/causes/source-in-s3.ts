/** A source in S3 that cannot be read (R11, R12), is not there, or is no source; and a buildspec in S3. */
import { shellWord } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { type Denial, decisionEvidence, findDenial, serviceRoleName } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";
import {
  allow,
  bucketOf,
  bucketPath,
  fieldOf,
  type NamedSource,
  nameOf,
  recordOf,
  sourceField,
  sourceIn,
} from "./source-parts.ts";

const SOURCE = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html";
const ROLE = "https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html";

/** What was asked of S3, and for what. Without a source it was the buildspec. */
interface Download {
  readonly key: string;
  readonly error: string;
  readonly source: NamedSource | undefined;
  /** `s3://bucket/key`, as far as it is known. */
  readonly place: string;
  readonly bucket: string | undefined;
  readonly what: string;
}

function downloadIn(failure: Failure, facts: BuildFacts): Download | undefined {
  const match = /^error while downloading key (.*?), error: ([\s\S]*)$/.exec(failure.message);
  if (!match || failure.phaseType !== "DOWNLOAD_SOURCE") return undefined;
  const [, key = "", error = ""] = match;
  const source = sourceIn(error);
  const location = source ? recordOf(facts, source)?.location : facts.build.source?.buildspec;
  const named = location && !location.startsWith("file:") ? location : findDenial(error)?.resource;
  const bucket = named === undefined ? undefined : bucketOf(named);
  return {
    key,
    error,
    source,
    bucket,
    place: bucket === undefined ? key : `${shellWord(`s3://${bucket}/${key}`)}`,
    what: source ? nameOf(source) : "the buildspec in S3",
  };
}

/** AWS: where S3 gives no reason, the log has only this, and for which source it was. */
export const s3SourceRefused: Cause = {
  id: "s3/source-refused",
  sources: [ROLE],
  match(failure, facts): Finding | undefined {
    if (failure.phaseType !== "DOWNLOAD_SOURCE" || !/\bAccessDenied: Access Denied\b/.test(failure.message))
      return undefined;
    const source = sourceIn(failure.message);
    const key = /error while downloading key (.*?), error: /.exec(failure.message)?.[1];
    const location = source ? recordOf(facts, source)?.location : undefined;
    const bucket = location === undefined ? undefined : bucketOf(location);
    const place =
      bucket === undefined
        ? (key ?? location)
        : `s3://${bucket}/${key ?? location?.split("/").slice(1).join("/") ?? ""}`;
    return {
      ...(source ? sourceField(facts, source) : {}),
      cause: `S3 refused ${source ? nameOf(source) : "what the build downloads first"}${place === undefined ? "" : ` \`${place}\``} to the service role \`${serviceRoleName(facts)}\`, without a reason`,
      evidence: [firstLine(failure.message)],
      why: "S3 answers so, too, when the object is not there and the role may not list the bucket",
      next: `does the object exist, and may the role read it: \`s3:GetObject\` and \`s3:GetObjectVersion\` on \`${bucket === undefined ? "arn:aws:s3:::BUCKET/KEY" : `arn:aws:s3:::${bucket}/*`}\`, \`s3:GetBucketLocation\` and \`s3:ListBucket\` on the bucket; a bucket policy or the object's KMS key may refuse as well`,
      confidence: "likely",
    };
  },
};

const fieldFor = (facts: BuildFacts, { source }: Download) =>
  source ? sourceField(facts, source) : fieldOf("source.buildspec", facts.build.source?.buildspec);

export const s3SourceDenied: Cause = {
  id: "s3/source-denied",
  sources: [ROLE],
  match(failure, facts): Finding | undefined {
    const download = downloadIn(failure, facts);
    const denial = download && findDenial(download.error);
    if (!download || !denial) return undefined;
    const role = serviceRoleName(facts, denial);
    const found = {
      ...fieldFor(facts, download),
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      confidence: "certain" as const,
    };
    if (denial.action === "s3:ListBucket" && !download.key.endsWith("/") && download.key !== "") {
      return { ...found, ...hiddenObject(download, denial, facts, role) };
    }
    const verb = denial.action.startsWith("kms:") ? "may not decrypt" : "may not read";
    return {
      ...found,
      cause: `the service role \`${role}\` ${verb} ${download.what} \`${download.place}\`: ${whyDenied(denial)}`,
      why: `${download.source ? "sources" : "a buildspec"} in S3 ${download.source ? "are" : "is"} read with the service role, before the first command`,
      ...allow(facts, denial, {
        title: `allow reading ${download.what}, and nothing else`,
        role,
        policyName: download.source ? "kiln-read-source" : "kiln-read-buildspec",
        sid: download.source ? "ReadSource" : "ReadBuildspec",
        ...neededFor(download, denial, facts),
      }),
    };
  },
};

/** AWS: a key that is not there is denied under `s3:ListBucket` to those who may not list the bucket. */
function hiddenObject(download: Download, denial: Denial, facts: BuildFacts, role: string) {
  return {
    cause: `${download.what} \`${download.place}\` does not exist: S3 hides that from \`${role}\`, which may not list the bucket`,
    why: "without `s3:ListBucket` an object that is not there is answered like one that is denied",
    next: `see what there is: \`aws s3 ls s3://${bucketOf(denial.resource)}/ --recursive\``,
    alternatives: [
      allow(facts, denial, {
        title: "let the role see what is in the bucket, so that the next answer says `NoSuchKey`",
        role,
        policyName: "kiln-list-source-bucket",
        sid: "ListSourceBucket",
      }).fix,
    ].flatMap((fix) => fix ?? []),
    confidence: "likely" as const,
  };
}

/** One denial names one object; the source needs what else reads it, so that the next build does not fail on that. */
function neededFor(download: Download, { action, resource }: Denial, facts: BuildFacts) {
  if (action === "s3:ListBucket") return { actions: ["s3:ListBucket"], resources: [resource] };
  const { source } = download;
  const record = source && recordOf(facts, source);
  const isVersioned = source !== undefined && (source.version !== "" || record?.type === "CODEPIPELINE");
  const folder = record?.location?.endsWith("/") ? `${bucketPath(record.location)}*` : undefined;
  return {
    actions: isVersioned ? ["s3:GetObject", "s3:GetObjectVersion"] : [action],
    resources: [folder === undefined ? resource : resource.replace(/:::.*$/, `:::${folder}`)],
  };
}

export const s3SourceNotFound: Cause = {
  id: "s3/source-not-found",
  sources: [SOURCE],
  match(failure, facts): Finding | undefined {
    const empty = /^there is no object below s3:\/\/([^/]+)\/(.*)$/.exec(failure.message);
    if (empty) {
      return {
        cause: `the source's folder \`s3://${empty[1]}/${empty[2]}\` is empty: the bucket has no object below it`,
        ...sourceField(facts, { version: "" }),
        evidence: [failure.message],
        next: `see what there is: \`aws s3 ls s3://${empty[1]}/ --recursive\``,
        confidence: "certain",
      };
    }
    const download = downloadIn(failure, facts);
    const code =
      download && /^(NoSuchKey|NoSuchBucket|NoSuchVersion|NotFound|MethodNotAllowed)\b/.exec(download.error)?.[1];
    if (!download || code === undefined) return undefined;
    const { bucket = "BUCKET", key, what, place, source } = download;
    const found = {
      ...fieldFor(facts, download),
      evidence: [firstLine(failure.message)],
      confidence: "certain" as const,
    };
    if (code === "NoSuchBucket") {
      return {
        ...found,
        cause: `the bucket \`${bucket}\` of ${what} does not exist`,
        why: "a bucket is found in its own region only",
        next: "see the buckets with `aws s3 ls`, then name the right one in the project",
      };
    }
    if (code === "NoSuchVersion" || code === "MethodNotAllowed") {
      return {
        ...found,
        cause: `${what} \`${place}\` has no version \`${source?.version}\``,
        next: `see its versions: \`aws s3api list-object-versions --bucket ${bucket} --prefix ${key}\`; then name one with \`--source-version\`, or none for the newest`,
      };
    }
    return {
      ...found,
      cause: `${what} \`${place}\` does not exist: the bucket has no object with that key`,
      next: `see what there is: \`aws s3 ls s3://${bucket}/ --recursive\``,
      ...(source
        ? {
            fix: {
              kind: "command" as const,
              title: "or put the source there (the files, not the folder that holds them)",
              commands: [`zip -qr ../source.zip . && aws s3 cp ../source.zip ${shellWord(`s3://${bucket}/${key}`)}`],
            },
          }
        : {}),
    };
  },
};

export const s3SourceUnreachable: Cause = {
  id: "s3/source-unreachable",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    const download = downloadIn(failure, facts);
    if (!download || !/^RequestError: send request failed/.test(download.error)) return undefined;
    return {
      cause: `S3 cannot be reached from where the build runs, so ${download.what} was not downloaded`,
      ...fieldFor(facts, download),
      evidence: [firstLine(failure.message)],
      why: "a build in a VPC reaches S3 only over a gateway endpoint or a NAT gateway",
      next: "add an S3 gateway endpoint to the route tables of the project's subnets, or a NAT gateway",
      confidence: "likely",
    };
  },
};

export const sourceArchiveUnusable: Cause = {
  id: "source/archive-unusable",
  sources: [SOURCE],
  match(failure, facts): Finding | undefined {
    const match = /^error while extracting (.+?): ([\s\S]*)$/.exec(failure.message);
    if (!match) return undefined;
    const [, name = "", reason = ""] = match;
    return {
      cause: `the source \`${name}\` cannot be unpacked: ${firstLine(reason)}`,
      ...sourceField(facts, { version: "" }),
      evidence: [firstLine(failure.message)],
      why: "a source in S3 is a ZIP file, or a folder when its location ends in `/`",
      fix: {
        kind: "command",
        title: "pack it again, in the folder that holds the buildspec",
        commands: ["zip -qr ../source.zip ."],
      },
      confidence: "certain",
    };
  },
};
