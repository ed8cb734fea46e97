/** References to secrets, read, and the secrets that they mean. */
import { parseSecretReference, type SecretReference } from "../../build/plan/index.ts";
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";
import type { KnownSecret } from "./knowledge.ts";
import { isComputed, type StoreReference, secretReferences } from "./store-references.ts";

interface ReadSecretReference {
  readonly reference: StoreReference;
  readonly parsed: SecretReference;
}

/** Those that are not put together in the build. */
export const readSecretReferences = (context: CheckContext): ReadSecretReference[] =>
  secretReferences(context)
    .filter(({ written }) => !isComputed(written))
    .map((reference) => ({ reference, parsed: parseSecretReference(reference.written) }));

/** By name, by ARN, and by an ARN without the six characters, which AWS takes too. */
export const findSecret = (secrets: readonly KnownSecret[] | undefined, id: string): KnownSecret | undefined =>
  secrets?.find(({ name, arn }) => name === id || arn === id || arn.replace(/-[A-Za-z0-9]{6}$/, "") === id);

/** The edit of one field of a reference; none for a variable of the project. */
export function replaceIn(
  { file, text }: CheckContext,
  { span, written }: StoreReference,
  from: string,
  to: string,
): Fix | undefined {
  const source = span ? text.slice(span.startOffset, span.endOffset) : "";
  const inside = source.indexOf(written);
  const at = inside === -1 ? -1 : inside + written.lastIndexOf(from);
  if (!span || at < 0) return undefined;
  const startOffset = span.startOffset + at;
  return {
    kind: "edit",
    title: `use \`${to}\``,
    edits: [{ file, startOffset, endOffset: startOffset + from.length, newText: to }],
  };
}
