/**
 * A referenced parameter that does not exist, or not with that version or label: CodeBuild stops in DOWNLOAD_SOURCE. At the
 * root `name` and `/name` are one parameter (recorded on AWS), so that spelling is only a warning.
 * Needs the list of parameters; without it the rule is silent.
 */

import { parseArn } from "../../core/arn.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import { shellText, shellWord } from "../../core/shell-word.ts";
import { phaseEnvironmentEdits } from "../edits/phase-environment-edits.ts";
import type { KnownParameter } from "../knowledge/knowledge.ts";
import { isComputed, parameterReferences, type StoreReference } from "../knowledge/store-references.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { findParameter, parameterNameOf } from "../shell/variables.ts";

export const ssmParameterNotFound: Rule = {
  id: "ssm/parameter-not-found",
  severity: "error",
  title: "a parameter that does not exist",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store",
  *run(context) {
    const { parameters } = context;
    if (!parameters) return;
    const references = parameterReferences(context).filter(({ written }) => isPlainName(written));
    if (parameters.length === 0) {
      yield* storeEmpty(references);
      return;
    }
    for (const reference of references) {
      const found = findingFor(context, parameters, reference);
      if (found) yield found;
    }
  },
};

function findingFor(
  context: CheckContext,
  parameters: readonly KnownParameter[],
  reference: StoreReference,
): Finding | undefined {
  const { variable, written } = reference;
  const elsewhere = otherPlace(context, reference);
  if (elsewhere !== undefined) return elsewhere;
  const parameter = findParameter(parameters, written);
  if (parameter) return selectorFinding(context, reference, parameter);
  const name = parameterNameOf(written);
  const other = name.startsWith("/") ? name.slice(1) : `/${name}`;
  const names = parameters.map((one) => one.name);
  if (names.includes(other)) return otherSpelling(context, reference, name, other);
  const guess = nearest(name, names);
  return {
    message: `parameter \`${name}\` of \`${variable}\` does not exist${guess === undefined ? "" : `; the nearest is \`${guess}\``}`,
    ...at(reference),
    why: stops(reference, name),
    fix: fixFor(context, reference, name, guess),
  };
}

const at = ({ span }: StoreReference) => (span ? { span } : {});
const stops = ({ isExtension }: StoreReference, name: string): string =>
  `${isExtension ? "once the name stands under `env.parameter-store`, " : ""}CodeBuild stops in DOWNLOAD_SOURCE with \`Decrypted Variables Error: parameter does not exist: ${name}\``;

/** The same parameter with and without the slash in front: it is found, but one spelling everywhere is less to trip over. */
const otherSpelling = (context: CheckContext, reference: StoreReference, name: string, stored: string): Finding => {
  // AWS: only at the root are `x` and `/x` one parameter; a path without its first slash is no name.
  const isPath = name.includes("/", 1) && !name.startsWith("/");
  return {
    severity: isPath ? "error" : "warning",
    message: `parameter \`${name}\` of \`${reference.variable}\` is stored as \`${stored}\`: the leading slash differs`,
    ...at(reference),
    why: isPath
      ? "a name with `/` in it must begin with one; Parameter Store answers `ValidationException`, and CodeBuild stops in DOWNLOAD_SOURCE"
      : "Parameter Store takes both as one parameter at the root; scripts and policies that compare names as text do not",
    fix: fixFor(context, reference, name, stored),
  };
};

/** An ARN of another region or account, which this store says nothing about. */
function otherPlace({ known }: CheckContext, reference: StoreReference): Finding | undefined {
  const arn = parseArn(reference.written);
  const { region, accountId } = known.scope ?? {};
  if (arn?.service !== "ssm") return undefined;
  if (region !== undefined && arn.region !== region) {
    return {
      severity: "warning",
      message: `the parameter of \`${reference.variable}\` is in region \`${arn.region}\`, and the build runs in \`${region}\``,
      ...at(reference),
      why: "Parameter Store answers for the parameters of its own region only; a command can read the other one with `aws ssm get-parameter --region`",
    };
  }
  if (accountId !== undefined && arn.accountId !== accountId) {
    return {
      severity: "info",
      message: `the parameter of \`${reference.variable}\` is of account \`${arn.accountId}\`, and the build of \`${accountId}\``,
      ...at(reference),
      why: "it must be shared with this account (advanced tier, Resource Access Manager), and the role must allow it by that ARN",
    };
  }
  return undefined;
}

/** `name:3`, `name:label`. */
function selectorFinding(
  context: CheckContext,
  reference: StoreReference,
  { name, version, versions, labels }: KnownParameter,
): Finding | undefined {
  const selector = /:([^:/]+)$/.exec(reference.written.replace(/^arn:(?:[^:]*:){4}/, ""))?.[1];
  if (selector === undefined || selector === name) return undefined;
  const base = { ...at(reference), why: stops(reference, reference.written) };
  if (/^\d+$/.test(selector)) {
    const wanted = Number(selector);
    const isThere = versions?.includes(wanted) ?? (version === undefined || (wanted >= 1 && wanted <= version));
    if (isThere) return undefined;
    return {
      ...base,
      message: `parameter \`${name}\` has no version ${selector}${version === undefined ? "" : `; the newest is ${version}`}`,
    };
  }
  if (!labels || labels.includes(selector)) return undefined;
  const guess = nearest(selector, labels);
  return {
    ...base,
    message: `parameter \`${name}\` has no label \`${selector}\`${
      guess === undefined
        ? labels.length === 0
          ? "; it has none"
          : `; it has ${labels.map((label) => `\`${label}\``).join(", ")}`
        : `; did you mean \`${guess}\`?`
    }`,
    ...(guess !== undefined && { fix: fixFor(context, reference, selector, guess) }),
  };
}

/**
 * A store that holds nothing is most often one that nobody has filled yet: a warning for each parameter, as it may well
 * exist in the AWS account.
 */
function* storeEmpty(references: readonly StoreReference[]): Iterable<Finding> {
  const reported = new Set<string>();
  for (const reference of references) {
    const name = parameterNameOf(reference.written);
    if (reported.has(name)) continue;
    reported.add(name);
    yield {
      severity: "warning",
      message: `parameter \`${name}\` of \`${reference.variable}\` is not in Kiln's Parameter Store, which is empty`,
      ...at(reference),
      why: "`kiln run` asks for it on a terminal and stops before the build without one; on AWS it must exist in the account",
      fix: { kind: "command", title: "store it", commands: [`kiln params put ${shellWord(name)}`] },
    };
  }
}

/** Not made of variables, and not an ARN of something else. */
const isPlainName = (written: string): boolean =>
  !isComputed(written) && (!written.startsWith("arn:") || written.includes(":parameter/"));

function fixFor(context: CheckContext, reference: StoreReference, name: string, guess: string | undefined): Fix {
  if (guess === undefined) {
    return {
      kind: "command",
      title: "store it",
      commands: [`aws ssm put-parameter --name ${shellText(name)} --type SecureString --value VALUE`],
    };
  }
  const title = `use \`${guess}\``;
  const edits = reference.isExtension ? phaseEnvironmentEdits(context) : undefined;
  if (edits) return { kind: "edit", title, edits };
  const { span } = reference;
  const offset = span ? context.text.slice(span.startOffset, span.endOffset).lastIndexOf(name) : -1;
  if (!span || offset === -1) return { kind: "command", title, commands: [] };
  const startOffset = span.startOffset + offset;
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset, endOffset: startOffset + name.length, newText: guess }],
  };
}
