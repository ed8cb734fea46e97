/**
 * What the service role needs in S3 for a plan in a project: sources, buildspec, artifacts, cache, logs. Pure.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html and, for what each part of
 * a build calls, API_ProjectArtifacts.html (bucketOwnerAccess), caching-s3.html.
 * Gap: names that commands of the build make (`$(date)`) are left open as `*`.
 */
import { type AwsScope, arnIn } from "../../core/arn.ts";
import type { BuildPlan, PlannedArtifacts } from "./build-plan.ts";
import { expandPlaintext } from "./expand-plaintext.ts";
import type { RequiredPermission } from "./required-permissions.ts";

/** What of a project decides about S3; the members are CreateProject's. */
export interface S3Settings {
  readonly source?: S3Source | undefined;
  readonly secondarySources?: readonly S3Source[] | undefined;
  /** The primary source's. */
  readonly sourceVersion?: string | undefined;
  readonly artifacts?: S3Artifacts | undefined;
  readonly secondaryArtifacts?: readonly S3Artifacts[] | undefined;
  readonly cache?: { readonly type: string; readonly location?: string | undefined } | undefined;
  readonly s3Logs?: S3Place | undefined;
  /** `environment.certificate` */
  readonly certificate?: string | undefined;
  readonly encryptionKey?: string | undefined;
}

interface S3Source {
  readonly type: string;
  readonly location?: string | undefined;
  readonly buildspec?: string | undefined;
}

interface S3Place {
  readonly location?: string | undefined;
  readonly encryptionDisabled?: boolean | undefined;
  readonly bucketOwnerAccess?: string | undefined;
}

interface S3Artifacts extends S3Place {
  readonly type: string;
  readonly path?: string | undefined;
  readonly namespaceType?: string | undefined;
  readonly name?: string | undefined;
  readonly packaging?: string | undefined;
  readonly overrideArtifactName?: boolean | undefined;
  readonly artifactIdentifier?: string | undefined;
}

export function s3Permissions(
  plan: BuildPlan,
  scope: AwsScope,
  projectName: string,
  settings: S3Settings,
): RequiredPermission[] {
  return [
    ...certificate(scope, settings),
    ...sources(scope, settings),
    ...artifacts(plan, scope, projectName, settings),
    ...cache(plan, scope, settings),
    ...logs(scope, settings),
  ];
}

const arnOf = (scope: AwsScope, path: string): string => `arn:${scope.partition}:s3:::${path}`;
const trim = (path: string): string => path.replace(/^\/+|\/+$/g, "");

function certificate(scope: AwsScope, { certificate: location = "" }: S3Settings): RequiredPermission[] {
  if (location === "") return [];
  const resource = arnOf(scope, location.replace(/^arn:[^:]*:s3:::/, ""));
  return [{ action: "s3:GetObject", resource, why: "the certificate for git servers" }];
}

function sources(scope: AwsScope, settings: S3Settings): RequiredPermission[] {
  const { source, secondarySources = [], sourceVersion } = settings;
  const all = [...(source ? [source] : []), ...secondarySources].flatMap(({ type, location = "" }) => {
    if (type !== "S3" || location === "" || location.startsWith("file:")) return [];
    const path = location.replace(/^arn:[^:]*:s3:::/, "");
    const why = "the source in S3";
    const object = arnOf(scope, path.endsWith("/") ? `${path}*` : path);
    return [
      { action: "s3:GetObject", resource: object, why },
      ...(sourceVersion ? [{ action: "s3:GetObjectVersion", resource: object, why }] : []),
      ...(path.endsWith("/") ? [{ action: "s3:ListBucket", resource: arnOf(scope, bucketOf(path)), why }] : []),
    ];
  });
  const buildspec = source?.buildspec ?? "";
  if (!/^arn:[^:]*:s3:::\S+$/.test(buildspec)) return all;
  return [...all, { action: "s3:GetObject", resource: buildspec, why: "the buildspec in S3" }];
}

function artifacts(plan: BuildPlan, scope: AwsScope, projectName: string, settings: S3Settings): RequiredPermission[] {
  const pairs: [PlannedArtifacts | undefined, S3Artifacts | undefined][] = [
    [plan.artifacts?.files.length === 0 ? undefined : plan.artifacts, settings.artifacts],
    ...plan.secondaryArtifacts.map((planned): [PlannedArtifacts, S3Artifacts | undefined] => [
      planned,
      settings.secondaryArtifacts?.find(({ artifactIdentifier }) => artifactIdentifier === planned.identifier),
    ]),
  ];
  return pairs.flatMap(([planned, target]) => {
    const bucket = target?.location ?? "";
    if (!planned || target?.type !== "S3" || bucket === "" || bucket.startsWith("file:")) return [];
    const key = artifactsKey(plan, planned, target, projectName);
    const resource = arnOf(scope, `${bucket}/${target.packaging === "ZIP" ? key : key === "" ? "*" : `${key}/*`}`);
    return put(scope, settings, { ...target, location: bucket }, resource, "the artifacts");
  });
}

function artifactsKey(plan: BuildPlan, planned: PlannedArtifacts, target: S3Artifacts, projectName: string): string {
  const plaintext = new Map(plan.variables.flatMap((v) => (v.type === "PLAINTEXT" ? [[v.name, v.value]] : [])));
  const open = (text: string): string => expandPlaintext(text, plaintext, "*").replace(/`[^`]*`/g, "*");
  const ownName = target.name ?? projectName;
  const name = target.overrideArtifactName === true && planned.name !== undefined ? open(planned.name) : ownName;
  const hasBuildId = target.namespaceType === "BUILD_ID";
  const path = hasBuildId && planned.s3Prefix !== undefined ? open(planned.s3Prefix) : (target.path ?? "");
  return [path, hasBuildId ? "*" : "", name].map(trim).filter(Boolean).join("/");
}

function cache(plan: BuildPlan, scope: AwsScope, { cache: target }: S3Settings): RequiredPermission[] {
  if (target?.type !== "S3" || !plan.cache || plan.cache.paths.length === 0) return [];
  const path = trim((target.location ?? "").replace(/^arn:[^:]*:s3:::/, ""));
  const why = "the cache";
  const objects = arnOf(scope, `${path}/*`);
  return [
    ...(plan.cache.action === "save" ? [] : [{ action: "s3:GetObject", resource: objects, why }]),
    ...(plan.cache.action === "restore" ? [] : [{ action: "s3:PutObject", resource: objects, why }]),
    // AWS: without it a cache that is not there yet looks like one that is denied.
    { action: "s3:ListBucket", resource: arnOf(scope, bucketOf(path)), why },
  ];
}

function logs(scope: AwsScope, settings: S3Settings): RequiredPermission[] {
  const { s3Logs } = settings;
  const path = trim((s3Logs?.location ?? "").replace(/^arn:[^:]*:s3:::/, ""));
  if (!s3Logs || path === "") return [];
  return put(scope, settings, { ...s3Logs, location: path }, arnOf(scope, `${path}/*`), "the log in S3");
}

function put(
  scope: AwsScope,
  { encryptionKey }: S3Settings,
  { location, encryptionDisabled, bucketOwnerAccess = "NONE" }: S3Place & { readonly location: string },
  resource: string,
  why: string,
): RequiredPermission[] {
  const isOwnKey = encryptionKey !== undefined && !/(?:^|:)alias\/aws\//.test(encryptionKey);
  return [
    { action: "s3:PutObject", resource, why },
    ...(bucketOwnerAccess === "NONE"
      ? []
      : [{ action: "s3:PutBucketAcl", resource: arnOf(scope, bucketOf(location)), why }]),
    ...(encryptionDisabled === true || !isOwnKey
      ? []
      : [
          {
            action: "kms:GenerateDataKey",
            resource: keyArn(encryptionKey, scope),
            why: `${why}, encrypted`,
            viaService: `s3.${scope.region}.amazonaws.com`,
          },
        ]),
  ];
}

const bucketOf = (path: string): string => path.split("/")[0] ?? path;

/** Policies name keys, not aliases: which key an alias means is not in the project. */
function keyArn(key: string, scope: AwsScope): string {
  if (/(?:^|:)alias\//.test(key)) return arnIn(scope, "kms", "key/*");
  return key.startsWith("arn:") ? key : arnIn(scope, "kms", `key/${key}`);
}
