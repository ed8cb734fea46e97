/**
 * What a build leaves behind: the `artifacts`, `cache` and `reports` sections.
 * Source: build-spec-ref.html#build-spec.artifacts.files, #build-spec.cache, #build-spec.reports.
 * `files: one-name` (a text, not a list) and `files: []` are accepted in practice.
 */
import type { Artifacts, Cache, Report } from "./buildspec.ts";
import type { Entry, SectionReader } from "./section-reader.ts";

const artifactKeys = [
  "files",
  "name",
  "discard-paths",
  "base-directory",
  "exclude-paths",
  "enable-symlinks",
  "s3-prefix",
] as const;

export function readArtifacts(
  reader: SectionReader,
  entry: Entry | undefined,
  { section = "artifacts", is01 = false }: { readonly section?: string; readonly is01?: boolean } = {},
): Artifacts | undefined {
  if (!entry || reader.isEmpty(entry.node)) return undefined;
  const at = entry.key.span;
  // AWS: version 0.1 has `type: zip`; since 0.2 it is an unknown key.
  const known = [...artifactKeys, "secondary-artifacts", ...(is01 ? (["type"] as const) : [])] as const;
  const found = reader.section(entry.node, section, at, known);
  const name = reader.text(found.name, `${section}.name`);
  const discardPaths = reader.boolean(found["discard-paths"], `${section}.discard-paths`);
  const baseDirectory = reader.text(found["base-directory"], `${section}.base-directory`);
  const enableSymlinks = reader.boolean(found["enable-symlinks"], `${section}.enable-symlinks`);
  const s3Prefix = reader.text(found["s3-prefix"], `${section}.s3-prefix`);
  const secondary = found["secondary-artifacts"];
  return {
    span: reader.spanning(at, reader.spanOf(entry.node, at)),
    files: reader.list(found.files, `${section}.files`),
    ...(name && { name }),
    ...(discardPaths && { discardPaths }),
    ...(baseDirectory && { baseDirectory }),
    excludePaths: reader.list(found["exclude-paths"], `${section}.exclude-paths`),
    ...(enableSymlinks && { enableSymlinks }),
    ...(s3Prefix && { s3Prefix }),
    secondary: secondary
      ? reader.entries(secondary.node, `${section}.secondary-artifacts`, secondary.key.span).flatMap((item) => {
          const artifacts = readArtifacts(reader, item, {
            section: `${section}.secondary-artifacts.${item.key.value}`,
            is01,
          });
          return artifacts ? [{ identifier: item.key, artifacts }] : [];
        })
      : [],
  };
}

export function readCache(reader: SectionReader, entry: Entry | undefined): Cache | undefined {
  if (!entry || reader.isEmpty(entry.node)) return undefined;
  const at = entry.key.span;
  const found = reader.section(entry.node, "cache", at, ["paths", "key", "fallback-keys", "action"]);
  const key = reader.text(found.key, "cache.key");
  const action = reader.text(found.action, "cache.action");
  return {
    span: reader.spanning(at, reader.spanOf(entry.node, at)),
    paths: reader.list(found.paths, "cache.paths"),
    ...(key && { key }),
    fallbackKeys: reader.list(found["fallback-keys"], "cache.fallback-keys"),
    ...(action && { action }),
  };
}

export function readReports(reader: SectionReader, entry: Entry | undefined): Report[] {
  if (!entry) return [];
  return reader.entries(entry.node, "reports", entry.key.span).map((item) => {
    const section = `reports.${item.key.value}`;
    const found = reader.section(item.node, section, item.key.span, [
      "files",
      "file-format",
      "base-directory",
      "discard-paths",
    ]);
    const fileFormat = reader.text(found["file-format"], `${section}.file-format`);
    const baseDirectory = reader.text(found["base-directory"], `${section}.base-directory`);
    const discardPaths = reader.boolean(found["discard-paths"], `${section}.discard-paths`);
    return {
      group: item.key,
      files: reader.list(found.files, `${section}.files`),
      ...(fileFormat && { fileFormat }),
      ...(baseDirectory && { baseDirectory }),
      ...(discardPaths && { discardPaths }),
    };
  });
}
