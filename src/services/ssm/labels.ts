/** LabelParameterVersion and UnlabelParameterVersion. A label is on one version of a parameter at a time. */
import { type OperationContext, operation } from "../service.ts";
import { labelLimitExceeded, parameterNotFound, parameterVersionNotFound, validationFailure } from "./errors.ts";
import { findParameter, findVersion } from "./find-parameter.ts";
import { accessTo } from "./parameter-access.ts";
import { requireReadableName } from "./parameter-name.ts";
import { type ParameterRecord, parameterKey, parametersIn } from "./records.ts";
import type {
  LabelParameterVersionRequest,
  LabelParameterVersionResult,
  UnlabelParameterVersionRequest,
  UnlabelParameterVersionResult,
} from "./shapes.gen.ts";

const MAX_LABELS = 10;
const errors = [parameterNotFound, parameterVersionNotFound, validationFailure];

export const labelParameterVersion = operation<LabelParameterVersionRequest, LabelParameterVersionResult>({
  name: "LabelParameterVersion",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html",
  authorize: (input, context) => accessTo(context, "ssm:LabelParameterVersion", input.Name),
  errors: [...errors, labelLimitExceeded],
  async run(input, context) {
    return changeLabels(context, input.Name, input.ParameterVersion, (old, version) => {
      // AWS: labels that break the rules are listed in the answer, the others are set.
      const valid = input.Labels.filter(isLabel);
      const labels = { ...old, ...Object.fromEntries(valid.map((label) => [label, version])) };
      if (Object.values(labels).filter((on) => on === version).length > MAX_LABELS) throw labelLimitExceeded();
      const invalid = input.Labels.filter((label) => !isLabel(label));
      return { labels, answer: { InvalidLabels: invalid, ParameterVersion: version } };
    });
  },
});

export const unlabelParameterVersion = operation<UnlabelParameterVersionRequest, UnlabelParameterVersionResult>({
  name: "UnlabelParameterVersion",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html",
  authorize: (input, context) => accessTo(context, "ssm:UnlabelParameterVersion", input.Name),
  errors,
  async run(input, context) {
    return changeLabels(context, input.Name, input.ParameterVersion, (old, version) => {
      const removed = input.Labels.filter((label) => old[label] === version);
      const labels = Object.fromEntries(Object.entries(old).filter(([label]) => !removed.includes(label)));
      const invalid = input.Labels.filter((label) => !removed.includes(label));
      return { labels, answer: { RemovedLabels: removed, InvalidLabels: invalid } };
    });
  },
});

const isLabel = (label: string): boolean =>
  /^[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}$/.test(label) && !/^(?:aws|ssm)/i.test(label);

type Labels = ParameterRecord["labels"];

/** Changes the labels on one version, the newest where none is named; the answer is the operation's. */
async function changeLabels<A>(
  context: OperationContext,
  givenName: string,
  asked: number | undefined,
  change: (old: Labels, version: number) => { readonly labels: Labels; readonly answer: A },
): Promise<A> {
  const name = givenName.trim();
  requireReadableName(name);
  return context.store.write(() => {
    const record = requireParameter(context, name);
    const version = requireKept(context, record, name, asked ?? record.latest.version);
    const { labels, answer } = change(record.labels, version);
    parametersIn(context.store).put(parameterKey(context.scope, name), { ...record, labels });
    return answer;
  });
}

function requireParameter(context: OperationContext, name: string): ParameterRecord {
  const record = findParameter(context, context.scope, name);
  if (!record) throw parameterNotFound();
  return record;
}

function requireKept(context: OperationContext, record: ParameterRecord, name: string, version: number): number {
  if (!findVersion(context, record, version)) throw parameterVersionNotFound("version", String(version), name);
  return version;
}
