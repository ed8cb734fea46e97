/** A policy as a file: the document itself, or the answer of an aws command that holds one. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { NamedPolicy } from "../../authorize/decision.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { percentDecoded } from "../../core/percent-decoded.ts";
import { whyUnreadable } from "../project/template.ts";
import { absolute } from "../settings.ts";

/** The document of `--role-policy FILE`, named after the file. Nothing is checked but that it is an object with statements. */
export function readPolicyFile(file: string, cwd: string): NamedPolicy {
  let text: string;
  try {
    text = readFileSync(absolute(file, cwd), "utf8");
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the policy \`${file}\``,
      why: whyUnreadable(error),
      fix: ["name a file with the policy's JSON: `aws iam get-role-policy …`, or what you attach with put-role-policy"],
      exitCode: 2,
      cause: error,
    });
  }
  const document = documentIn(parse(text));
  if (document) return { name: basename(file), document };
  throw usageError(`\`${file}\` is not a policy document`, [
    'expected JSON with a `Statement`: {"Version": "2012-10-17", "Statement": […]}',
  ]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The document itself, that of get-role-policy (`PolicyDocument`), or that of get-policy-version. */
function documentIn(value: unknown): PolicyDocument | undefined {
  if (typeof value === "string") return documentIn(parse(decoded(value)));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  if ("Statement" in value) return value as PolicyDocument;
  const { PolicyDocument, PolicyVersion, Document } = value as Record<string, unknown>;
  return documentIn(PolicyDocument ?? PolicyVersion ?? Document);
}

const decoded = (text: string): string => (text.startsWith("%") ? percentDecoded(text) : text);
