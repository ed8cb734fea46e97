/** Parts of the causes about sources and buckets: which source a text speaks of, and how a permission is given. */
import type { PolicyFix } from "../../core/diagnostics.ts";
import type { BuildFacts, SourceRecord } from "../build-facts.ts";
import { type Denial, policyFix, type Statement, scopeOf } from "../denial.ts";
import type { ProjectField } from "../diagnosis.ts";
import { KEY_POLICY_ADVICE, remedy } from "../remedy.ts";

/** The source that a failure names at its end. */
export interface NamedSource {
  /** Undefined for the primary source. */
  readonly identifier?: string;
  /** Empty: the newest. */
  readonly version: string;
}

/** `… for primary source and source version main` */
export function sourceIn(message: string): NamedSource | undefined {
  const match = /for (?:primary source|secondary source (\S+)) and source version ?(.*)$/m.exec(message);
  if (!match) return undefined;
  const [, identifier, version = ""] = match;
  return { ...(identifier === undefined ? {} : { identifier }), version: version.trim() };
}

/** `the source`, `the secondary source `lib``. */
export const nameOf = ({ identifier }: NamedSource): string =>
  identifier === undefined ? "the source" : `the secondary source \`${identifier}\``;

export function recordOf({ build }: BuildFacts, { identifier }: NamedSource): SourceRecord | undefined {
  if (identifier === undefined) return build.source;
  return build.secondarySources?.find(({ sourceIdentifier }) => sourceIdentifier === identifier);
}

/** `source.location`, or `secondarySources[lib].location`, with its value. */
export function sourceField(facts: BuildFacts, source: NamedSource, member: "location" | "auth" = "location") {
  const at = source.identifier === undefined ? "source" : `secondarySources[${source.identifier}]`;
  const record = recordOf(facts, source);
  return fieldOf(`${at}.${member}`, member === "location" ? record?.location : record?.auth?.resource);
}

export const fieldOf = (path: string, value: string | undefined): { readonly field: ProjectField } => ({
  field: { path, ...(value ? { value } : {}) },
});

/** `bucket/key` of an ARN of S3, or of a location as projects write it. */
export const bucketPath = (location: string): string => location.replace(/^arn:[^:]*:s3:::/, "");
export const bucketOf = (location: string): string => bucketPath(location).split("/")[0] ?? "";

/** A policy for S3 or for a key that S3 uses, where that helps. */
export function allow(
  facts: BuildFacts,
  denial: Denial,
  about: {
    readonly title: string;
    readonly role: string;
    readonly policyName: string;
    readonly sid: string;
    readonly actions?: readonly string[];
    readonly resources?: readonly string[];
  },
): { readonly fix?: PolicyFix; readonly next?: string } {
  const isKey = denial.action.startsWith("kms:");
  const statement: Statement = {
    Sid: about.sid,
    Effect: "Allow",
    Action: isKey ? [denial.action] : (about.actions ?? [denial.action]),
    Resource: isKey ? [denial.resource] : (about.resources ?? [denial.resource]),
    ...(isKey
      ? { Condition: { StringEquals: { "kms:ViaService": `s3.${scopeOf(facts).region}.amazonaws.com` } } }
      : {}),
  };
  return {
    ...(isKey && !denial.isExplicit ? { next: KEY_POLICY_ADVICE } : {}),
    ...remedy(facts, denial, policyFix(about.title, about.role, about.policyName, [statement])),
  };
}
