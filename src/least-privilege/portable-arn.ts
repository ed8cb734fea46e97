/** ARNs with the account's own parts taken out, so that a template holds in any account and region. */
import type { AwsScope } from "../core/arn.ts";

/** Texts, and between them the parts that the account itself gives. */
export type PortableText = readonly (string | { readonly scope: "partition" | "region" | "accountId" })[];

/** `arn:aws:ssm:us-east-1:111122223333:parameter/x` of that account and region; anything else, also `*`, as it is. */
export function inScope(text: string, scope: AwsScope): PortableText {
  const arn = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):([\s\S]*)$/.exec(text);
  if (!arn) return viaService(text, scope);
  const [, partition = "", service = "", region = "", accountId = "", resource = ""] = arn;
  return joined([
    "arn:",
    partition === scope.partition ? { scope: "partition" } : partition,
    `:${service}:`,
    region === scope.region ? { scope: "region" } : region,
    ":",
    accountId === scope.accountId ? { scope: "accountId" } : accountId,
    `:${resource}`,
  ]);
}

/** `ssm.us-east-1.amazonaws.com`, the value of `kms:ViaService`. */
function viaService(text: string, scope: AwsScope): PortableText {
  const [service, ...rest] = text.split(`.${scope.region}.`);
  return rest.length === 1 && rest[0]?.startsWith("amazonaws.com")
    ? [`${service}.`, { scope: "region" }, `.${rest[0]}`]
    : [text];
}

const joined = (parts: PortableText): PortableText =>
  parts.reduce<(string | { readonly scope: "partition" | "region" | "accountId" })[]>((all, part) => {
    const last = all.at(-1);
    if (typeof part === "string" && typeof last === "string") all[all.length - 1] = last + part;
    else all.push(part);
    return all;
  }, []);
