/** What `kiln registry show|rm|gc|export|import` do. */
import type { Kiln } from "../../app.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { CommandContext } from "../command-context.ts";
import { plural } from "../plural.ts";
import { absolute } from "../settings.ts";
import { shortDurationMs } from "../short-duration.ts";
import { withSignals } from "../signals.ts";
import { table } from "../table.ts";
import { exportLayout, importLayout } from "./registry-layout.ts";

export interface RegistryValues {
  readonly passwordStdin?: boolean;
  readonly force?: boolean;
  readonly grace?: string;
  readonly dryRun?: boolean;
  readonly as?: string;
}

type Args = readonly string[];
type Reference = NonNullable<ReturnType<Kiln["registry"]["reference"]>>;
type Found = NonNullable<ReturnType<Kiln["registry"]["images"]["find"]>>;

/** Sizes as people read them: decimal units, as docker prints them. */
function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

export async function showImage(context: CommandContext, kiln: Kiln, [text = ""]: Args): Promise<number> {
  const { address, found } = findImage(kiln, text);
  const { images } = kiln.registry;
  const json = JSON.parse((await images.content(found.digest)).toString("utf8")) as ManifestJson;
  const referrers = images.referrers(address, found.digest).map(({ digest, record }) => ({
    digest,
    mediaType: record.mediaType,
    artifactType: record.artifactType ?? record.configMediaType,
  }));
  const shown = {
    repository: address.fullName,
    digest: found.digest,
    mediaType: found.record.mediaType,
    tags: images.tagsOf(address, found.digest),
    pushedAt: new Date(found.record.pushedAtMs).toISOString(),
    sizeBytes: (found.record.manifests ?? []).reduce(
      (sum, digest) => sum + (images.find(address, digest)?.record.contentBytes ?? 0),
      found.record.contentBytes,
    ),
    ...(found.record.subject !== undefined && { subject: found.record.subject }),
    ...(json.layers && { layers: json.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })) }),
    ...(json.manifests && {
      manifests: json.manifests.map(({ digest, platform }) => ({
        digest,
        ...(platform && { platform: platformText(platform) }),
        isHere: images.find(address, digest) !== undefined,
      })),
    }),
    referrers,
    listedBy: images.listedBy(address, found.digest),
  };
  if (context.settings.output === "json") {
    context.printJson(shown);
    return 0;
  }
  context.print(`${shown.repository}@${shown.digest}`);
  const rows = [
    ["tags", shown.tags.join(", ") || "none"],
    ["type", shown.mediaType],
    ["pushed", shown.pushedAt.slice(0, 19).replace("T", " ")],
    ["size", sizeText(shown.sizeBytes)],
    ...(shown.layers ?? []).map((layer) => ["layer", `${layer.digest}  ${sizeText(layer.size)}`]),
    ...(shown.manifests ?? []).map((each) => [
      "image",
      `${each.digest}  ${each.platform ?? ""}${each.isHere ? "" : "  not here"}`.trimEnd(),
    ]),
    ...(shown.subject === undefined ? [] : [["refers to", shown.subject]]),
    ...referrers.map((each) => ["referrer", `${each.digest}  ${each.artifactType ?? each.mediaType}`]),
    ...shown.listedBy.map((digest) => ["listed by", digest]),
  ];
  context.print(table(rows.map((row) => ["", ...row])));
  return 0;
}

interface ManifestJson {
  readonly layers?: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform?: Platform }[];
}

interface Platform {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
}

const platformText = ({ os = "", architecture = "", variant }: Platform): string =>
  [os, architecture, variant].filter(Boolean).join("/");

/** A tag; with the last tag, or by digest, the image. ECR's repositories go through its API, so its rules hold. */
export async function removeImage(
  context: CommandContext,
  kiln: Kiln,
  [text = ""]: Args,
  values: RegistryValues,
): Promise<number> {
  const { address, reference, found } = findImage(kiln, text);
  const { images } = kiln.registry;
  const isTag = !reference.includes(":");
  const isLast = !isTag || images.tagsOf(address, found.digest).length === 1;
  if (address.ecr) await removeFromEcr(kiln, text, address.ecr, address.name, reference);
  else if (!isLast) await images.deleteTag(address, reference);
  else {
    const lists = images.listedBy(address, found.digest);
    if (lists.length > 0 && !values.force) {
      throw new KilnError({
        code: "KILN_E_IMAGE_LISTED",
        message: `\`${text}\` is part of ${plural(lists.length, "image")} of several platforms: ${lists.map((digest) => `\`${digest}\``).join(", ")}`,
        fix: ["remove those first", "or remove it all the same with `--force`"],
        exitCode: 1,
      });
    }
    await images.deleteManifest(address, found.digest);
  }
  const removed = { repository: address.fullName, digest: found.digest, ...(isTag && { tag: reference }) };
  const isImageGone = images.find(address, found.digest) === undefined;
  if (context.settings.output === "json") context.printJson({ removed, isImageGone });
  else if (isImageGone) context.note(`removed ${text}; \`kiln registry gc\` frees its space`);
  else context.note(`removed the tag ${text}`);
  return 0;
}

async function removeFromEcr(
  kiln: Kiln,
  text: string,
  scope: NonNullable<Reference["address"]["ecr"]>,
  repositoryName: string,
  reference: string,
): Promise<void> {
  if (scope.region !== kiln.scope.region) {
    throw new KilnError({
      code: "KILN_E_OTHER_REGION",
      message: `\`${text}\` is in ${scope.region}, this command works in ${kiln.scope.region}`,
      fix: [`add \`--region ${scope.region}\``],
      exitCode: 2,
    });
  }
  const { failures = [] } = await kiln.root.call<{ failures?: { failureReason?: string }[] }>(
    "ecr",
    "BatchDeleteImage",
    {
      registryId: scope.accountId,
      repositoryName,
      imageIds: [reference.includes(":") ? { imageDigest: reference } : { imageTag: reference }],
    },
  );
  const reason = failures[0]?.failureReason;
  if (reason !== undefined) {
    throw new KilnError({ code: "KILN_E_NOT_REMOVED", message: `\`${text}\` stays: ${reason}`, exitCode: 1 });
  }
}

export async function collectGarbage(
  context: CommandContext,
  kiln: Kiln,
  _args: Args,
  values: RegistryValues,
): Promise<number> {
  const graceMs = requireDuration(values.grace ?? "1h");
  const isDryRun = values.dryRun === true;
  const report = await withSignals(({ first }) => kiln.registry.garbage.collect({ graceMs, isDryRun, signal: first }));
  if (context.settings.output === "json") {
    context.printJson({ ...report, isDryRun });
    return 0;
  }
  const verb = isDryRun ? "would free" : "freed";
  context.print(
    `${verb} ${sizeText(report.freedBytes)}: ${plural(report.blobs, "blob")}, ${plural(report.uploads, "unfinished upload")}`,
  );
  if (report.waitingBytes > 0) {
    context.note(
      `${sizeText(report.waitingBytes)} more have not been unneeded for ${values.grace ?? "1h"} yet, or are being pushed; \`--grace 0s\` takes what nobody is pushing`,
    );
  }
  return 0;
}

function requireDuration(text: string): number {
  const durationMs = shortDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  throw usageError(`\`${text}\` is not a duration`, ["write it like `30m`, `1h` or `0s`"]);
}

export async function exportImages(context: CommandContext, kiln: Kiln, args: Args): Promise<number> {
  const [given = "", ...names] = args;
  const path = absolute(given, context.io.cwd);
  const images = names.map((name) => {
    const { address, reference, found } = findImage(kiln, name);
    const root = { mediaType: found.record.mediaType, digest: found.digest, size: found.record.sizeBytes };
    // The name as it will be imported again; one that was asked for by digest keeps no tag.
    const isTag = !reference.includes(":");
    const tag = isTag ? reference : (kiln.registry.images.tagsOf(address, found.digest)[0] ?? "latest");
    return { name: `${address.fullName}:${tag}`, address, root };
  });
  const blobs = await withSignals(({ first }) =>
    exportLayout(kiln, images, path, first).catch((error: NodeJS.ErrnoException) => {
      // A full disk has its own words.
      throw error.path?.startsWith(path) !== true || error.code === "ENOSPC"
        ? error
        : new KilnError({
            code: "KILN_E_NOT_EXPORTED",
            message: `cannot write to \`${path}\``,
            why: error.message,
            fix: ["give a folder, or a file that ends in `.tar`, where you may write"],
            exitCode: 1,
            cause: error,
          });
    }),
  );
  if (context.settings.output === "json") context.printJson({ path, images: images.map(({ name }) => name), blobs });
  else context.note(`wrote ${plural(images.length, "image")}, ${plural(blobs, "blob")}, to ${path}`);
  return 0;
}

export async function importImages(
  context: CommandContext,
  kiln: Kiln,
  [path = ""]: Args,
  values: RegistryValues,
): Promise<number> {
  const imported = await withSignals(({ first }) =>
    importLayout(kiln, absolute(path, context.io.cwd), values.as, first).catch((error: unknown) => {
      throw isRefusal(error)
        ? new KilnError({
            code: "KILN_E_NOT_IMPORTED",
            message: `the registry refuses what is in \`${path}\`: ${error.message}`,
            exitCode: 1,
            cause: error,
          })
        : error;
    }),
  );
  if (context.settings.output === "json") context.printJson({ images: imported });
  else context.print(table(imported.map(({ name, digest }) => [name, digest])));
  return 0;
}

/** An answer of the registry or of the blob store about what was to be put. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && ["RegistryError", "DigestMismatch"].includes(error.name);

/** The image a name means, or an error with the nearest name there is. */
function findImage(kiln: Kiln, text: string): Reference & { readonly found: Found } {
  const { registry } = kiln;
  const reference = registry.reference(text);
  const found = reference && registry.images.find(reference.address, reference.reference);
  if (reference && found) return { ...reference, found };
  const known = registry
    .repositories()
    .flatMap(({ name }) => registry.imagesOf(name).flatMap(({ tags }) => tags.map((tag) => `${name}:${tag}`)));
  const wanted = /[:@]/.test(text.slice(text.lastIndexOf("/") + 1)) ? text : `${text}:latest`;
  // `python:3` as docker shortens it is below docker.io/library here; a repository of ECR below its host.
  const longer = known.find((name) => name.endsWith(`/${wanted}`)) ?? known.find((name) => name.includes(`/${text}:`));
  const suggestion = longer ?? nearest(wanted, known);
  throw new KilnError({
    code: "KILN_E_NO_IMAGE",
    message: `there is no image \`${text}\`${suggestion === undefined ? "" : `; the nearest is \`${suggestion}\``}`,
    fix: ["see them with `kiln registry ls`"],
    exitCode: 1,
  });
}
