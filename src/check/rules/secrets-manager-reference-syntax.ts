/** `secret-id[:json-key[:version-stage[:version-id]]]`: references that cannot be read, or read as something else. */
import { parseSecretReference } from "../../build/plan/secret-reference.ts";
import { parseArn } from "../../core/arn.ts";
import type { Fix } from "../../core/diagnostics.ts";
import {
  isComputed,
  parameterReferences,
  type StoreReference,
  secretReferences,
} from "../knowledge/store-references.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const secretsManagerReferenceSyntax: Rule = {
  id: "secrets-manager/reference-syntax",
  severity: "error",
  title: "a reference to a secret that cannot be read as it is meant",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager",
  *run(context) {
    for (const reference of secretReferences(context)) {
      const found = findingFor(context, reference);
      if (found) yield { ...(reference.span && { span: reference.span }), ...found };
    }
    for (const { variable, written, span } of parameterReferences(context)) {
      if (parseArn(written)?.service !== "secretsmanager") continue;
      yield {
        message: `\`${variable}\` under parameter-store is the ARN of a secret, expected under secrets-manager`,
        ...(span && { span }),
        why: "Parameter Store is asked for a parameter of that name: `Decrypted Variables Error`",
      };
    }
  },
};

const FORM = "expected `secret-id[:json-key[:version-stage[:version-id]]]`";
const WHY = "CodeBuild stops in DOWNLOAD_SOURCE with `Secrets Manager Error`";
const VERSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const STAGE = /^AWS(?:CURRENT|PREVIOUS|PENDING)$/;

function findingFor(context: CheckContext, reference: StoreReference): Finding | undefined {
  const { variable, written } = reference;
  const isArn = written.startsWith("arn:");
  if (isArn) {
    const arn = parseArn(written);
    if (arn?.service !== "secretsmanager" || !arn.resource.startsWith("secret:")) {
      return {
        message: `\`${variable}\` under secrets-manager is ${arn?.service === "ssm" ? "the ARN of a parameter, expected under parameter-store" : "no ARN of a secret, expected `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf`"}`,
        why: WHY,
      };
    }
  }
  const fields = written.split(":").slice(isArn ? 7 : 1);
  // A name that is put together in the build is left alone; its fields are as they are.
  if (fields.some(isComputed)) return undefined;
  const { secretId, jsonKey, versionStage, versionId } = parseSecretReference(written);
  if (secretId === "" || secretId.endsWith(":")) {
    return { message: `the reference of \`${variable}\` has no secret id; ${FORM}`, why: WHY };
  }
  if (fields.length > 3) {
    return {
      message: `the reference of \`${variable}\` has ${fields.length + 1} fields, expected at most 4: \`secret-id:json-key:version-stage:version-id\``,
      why: `the fields are separated by colons; what follows the fourth means nothing: ${WHY}`,
    };
  }
  const rewritten = (...next: string[]): Fix | undefined =>
    edit(context, reference, [secretId, ...next].join(":").replace(/:+$/, ""));
  if (versionStage !== undefined && versionId !== undefined) {
    return {
      message: `the reference of \`${variable}\` names a version stage and a version id`,
      why: "CodeBuild takes one of them",
    };
  }
  if (versionStage !== undefined && VERSION_ID.test(versionStage)) {
    return withFix(rewritten(jsonKey ?? "", "", versionStage), `write \`::\` before the version id`, {
      message: `\`${versionStage}\` of \`${variable}\` stands where the version stage is, and is a version id`,
      why: `no version has that stage: ${WHY}`,
    });
  }
  if (versionId !== undefined && STAGE.test(versionId)) {
    return withFix(rewritten(jsonKey ?? "", versionId), "take away one colon", {
      message: `\`${versionId}\` of \`${variable}\` stands where the version id is, and is a version stage`,
      why: `no version has that id: ${WHY}`,
    });
  }
  if (jsonKey !== undefined && STAGE.test(jsonKey) && versionStage === undefined && versionId === undefined) {
    return withFix(rewritten("", jsonKey), "write two colons before the version stage", {
      message: `\`${jsonKey}\` of \`${variable}\` stands where the JSON key is, and is a version stage`,
      why: `CodeBuild looks for a JSON member of that name: ${WHY}`,
    });
  }
  return undefined;
}

const withFix = (fix: Fix | undefined, title: string, finding: Finding): Finding =>
  fix ? { ...finding, fix: { ...fix, title } as Fix } : finding;

function edit({ file, text }: CheckContext, { span, written }: StoreReference, to: string): Fix | undefined {
  const at = span ? text.slice(span.startOffset, span.endOffset).indexOf(written) : -1;
  if (!span || at === -1) return undefined;
  const startOffset = span.startOffset + at;
  return {
    kind: "edit",
    title: `write \`${to}\``,
    edits: [{ file, startOffset, endOffset: startOffset + written.length, newText: to }],
  };
}
