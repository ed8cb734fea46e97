/**
 * What a build leaves behind: the `artifacts`, `cache` and `reports` sections.
 * Source: build-spec-ref.html#build-spec.artifacts.files, #build-spec.cache, #build-spec.reports.
 * `files: one-name` (a text, not a list) and `files: []` are accepted in practice.
 */
import type { Artifacts, Cache, Report } from "./buildspec.ts";
import { artifactsGrammar, cacheGrammar, reportGrammar, secondaryArtifactsGrammar } from "./buildspec-grammar.ts";
import type { SectionGrammar } from "./grammar.ts";
import type { Entry, SectionReader } from "./section-reader.ts";

export const readArtifacts = (reader: SectionReader, entry: Entry | undefined): Artifacts | undefined =>
  readArtifactsAt(reader, entry, "artifacts", artifactsGrammar);

function readArtifactsAt(
  reader: SectionReader,
  entry: Entry | undefined,
  section: string,
  grammar: SectionGrammar<keyof typeof artifactsGrammar.keys> | typeof secondaryArtifactsGrammar,
): Artifacts | undefined {
  if (!entry || reader.isEmpty(entry.node)) return undefined;
  const at = entry.key.span;
  const found = reader.section(entry.node, section, at, grammar as SectionGrammar<keyof typeof artifactsGrammar.keys>);
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
          const itsSection = `${section}.secondary-artifacts.${item.key.value}`;
          const artifacts = readArtifactsAt(reader, item, itsSection, secondaryArtifactsGrammar);
          return artifacts ? [{ identifier: item.key, artifacts }] : [];
        })
      : [],
  };
}

export function readCache(reader: SectionReader, entry: Entry | undefined): Cache | undefined {
  if (!entry || reader.isEmpty(entry.node)) return undefined;
  const at = entry.key.span;
  const found = reader.section(entry.node, "cache", at, cacheGrammar);
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
    const found = reader.section(item.node, section, item.key.span, reportGrammar);
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
