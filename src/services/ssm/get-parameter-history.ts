/** GetParameterHistory: every kept version, oldest first, with its labels. */
import { operation } from "../service.ts";
import { invalidNextToken, parameterNotFound, validationFailure } from "./errors.ts";
import { findParameter, isReachable } from "./find-parameter.ts";
import { pageOf } from "./pages.ts";
import { parameterAccess } from "./parameter-access.ts";
import { readValue } from "./parameter-answer.ts";
import { parseReference, requireReadableName } from "./parameter-name.ts";
import { policiesAnswer } from "./parameter-policies.ts";
import { versionsIn, versionsKey } from "./records.ts";
import { secureStringErrors } from "./secure-string.ts";
import type { GetParameterHistoryRequest, GetParameterHistoryResult, ParameterHistory } from "./shapes.gen.ts";
import { versionMetadata } from "./version-metadata.ts";

const PAGE_SIZE = 50;

export const getParameterHistory = operation<GetParameterHistoryRequest, GetParameterHistoryResult>({
  name: "GetParameterHistory",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html",
  authorize: (input, context) => [parameterAccess(context, "ssm:GetParameterHistory", input.Name)],
  errors: [parameterNotFound, validationFailure, invalidNextToken, ...secureStringErrors],
  async run(input, context) {
    const { name, scope } = parseReference(context.scope, input.Name);
    requireReadableName(name);
    const record = isReachable(context, scope) ? findParameter(context, scope, name) : undefined;
    if (!record) throw parameterNotFound();
    const versions = versionsIn(context.store)
      .list(versionsKey(scope, name))
      .map((entry) => entry.value);
    const page = pageOf(versions, (version) => String(version.version), input, input.MaxResults ?? PAGE_SIZE);
    const history: ParameterHistory[] = [];
    for (const version of page.items) {
      history.push({
        Name: name,
        ...versionMetadata(version),
        Value: await readValue(context, { name, scope, withDecryption: input.WithDecryption ?? false }, version),
        Labels: Object.keys(record.labels)
          .filter((label) => record.labels[label] === version.version)
          .sort(),
        Policies: policiesAnswer(version).Policies ?? [],
      });
    }
    return { Parameters: history, ...page.token };
  },
});
