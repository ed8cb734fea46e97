/**
 * A referenced parameter that does not exist: CodeBuild stops in DOWNLOAD_SOURCE. At the root `name` and `/name` are one
 * parameter (recorded on AWS), so that spelling is only a warning.
 * Needs the list of parameters; without it the rule is silent.
 */
import type { Fix, Span } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import { phaseEnvironmentEdits } from "../phase-environment-edits.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { findParameter, parameterNameOf } from "../variables.ts";

interface Reference {
  readonly variable: string;
  readonly written: string;
  readonly span: Span;
  readonly isExtension: boolean;
}

export const ssmParameterNotFound: Rule = {
  id: "ssm/parameter-not-found",
  severity: "error",
  title: "a parameter that does not exist",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store",
  *run(context) {
    if (!context.parameters) return;
    if (context.parameters.length === 0) {
      yield* storeEmpty(context);
      return;
    }
    for (const reference of references(context)) {
      const { variable, written, span } = reference;
      if (!isPlainName(written)) continue;
      if (findParameter(context.parameters, written)) continue;
      const name = parameterNameOf(written);
      const other = name.startsWith("/") ? name.slice(1) : `/${name}`;
      const names = context.parameters.map((parameter) => parameter.name);
      if (names.includes(other)) {
        yield otherSpelling(context, reference, name, other);
        continue;
      }
      const guess = nearest(name, names);
      yield {
        message: `parameter \`${name}\` of \`${variable}\` does not exist${guess === undefined ? "" : `; the nearest is \`${guess}\``}`,
        span,
        why: `CodeBuild stops in DOWNLOAD_SOURCE with \`Decrypted Variables Error: parameter does not exist: ${name}\``,
        fix: fixFor(context, reference, name, guess),
      };
    }
  },
};

/** The same parameter with and without the slash in front: it is found, but one spelling everywhere is less to trip over. */
const otherSpelling = (context: CheckContext, reference: Reference, name: string, stored: string): Finding => ({
  severity: "warning",
  message: `parameter \`${name}\` of \`${reference.variable}\` is stored as \`${stored}\`: the leading slash differs`,
  span: reference.span,
  why: "Parameter Store takes both as one parameter at the root; scripts and policies that compare names as text do not",
  fix: fixFor(context, reference, name, stored),
});

/**
 * A store that holds nothing is most often one that nobody has filled yet: a warning for each parameter, as it may well
 * exist in the AWS account.
 */
function* storeEmpty(context: CheckContext): Iterable<Finding> {
  const reported = new Set<string>();
  for (const { variable, written, span } of references(context)) {
    const name = parameterNameOf(written);
    if (!isPlainName(written) || reported.has(name)) continue;
    reported.add(name);
    yield {
      severity: "warning",
      message: `parameter \`${name}\` of \`${variable}\` is not in Kiln's Parameter Store, which is empty`,
      span,
      why: "`kiln run` asks for it on a terminal and stops before the build without one; on AWS it must exist in the account",
      fix: { kind: "command", title: "store it", commands: [`kiln params put ${name}`] },
    };
  }
}

/** Not made of variables, and not an ARN of something else. */
const isPlainName = (written: string): boolean =>
  !/[$`]/.test(written) && (!written.startsWith("arn:") || written.includes(":parameter/"));

function references({ buildspec }: CheckContext): Reference[] {
  return [
    ...buildspec.env.parameterStore.map(({ name, value }) => ({
      variable: name.value,
      written: value.value,
      span: value.span,
      isExtension: false,
    })),
    ...buildspec.ssmReferences.map(({ variable, parameterName }) => ({
      variable: variable.name.value,
      written: parameterName,
      span: variable.value.span,
      isExtension: true,
    })),
  ].filter(({ written }) => !written.startsWith("ssm:"));
}

function fixFor(context: CheckContext, reference: Reference, name: string, guess: string | undefined): Fix {
  if (guess === undefined) {
    return {
      kind: "command",
      title: "store it",
      commands: [`aws ssm put-parameter --name "${name}" --type SecureString --value VALUE`],
    };
  }
  const title = `use \`${guess}\``;
  const edits = reference.isExtension ? phaseEnvironmentEdits(context) : undefined;
  if (edits) return { kind: "edit", title, edits };
  const { span } = reference;
  const at = context.text.slice(span.startOffset, span.endOffset).indexOf(name);
  if (at === -1) return { kind: "command", title, commands: [] };
  const startOffset = span.startOffset + at;
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset, endOffset: startOffset + name.length, newText: guess }],
  };
}
