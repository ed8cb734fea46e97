/** GetParameterHistory: every kept version, oldest first, with its labels. */
import { operation } from "../service.ts";
import { invalidNextToken, parameterNotFound, validationFailure } from "./errors.ts";
import { findParameter, isReachable } from "./find-parameter.ts";
import { pageOf, rangeOf } from "./pages.ts";
import { accessTo } from "./parameter-access.ts";
import { readValue } from "./parameter-answer.ts";
import { parseReference, requireReadableName, requireUnselected } from "./parameter-name.ts";
import { policiesAnswer } from "./parameter-policies.ts";
import { isPublic } from "./public-parameters.ts";
import { type ParameterVersion, versionKey, versionsIn, versionsKey } from "./records.ts";
import { secureStringErrors } from "./secure-string.ts";
import type { GetParameterHistoryRequest, GetParameterHistoryResult, ParameterHistory } from "./shapes.gen.ts";
import { versionMetadata } from "./version-metadata.ts";

const PAGE_SIZE = 50;

export const getParameterHistory = operation<GetParameterHistoryRequest, GetParameterHistoryResult>({
  name: "GetParameterHistory",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html",
  authorize: (input, context) => accessTo(context, "ssm:GetParameterHistory", input.Name),
  errors: [parameterNotFound, validationFailure, invalidNextToken, ...secureStringErrors],
  async run(input, context) {
    const reference = parseReference(context.scope, input.Name);
    requireUnselected(reference);
    const { name, scope } = reference;
    requireReadableName(name);
    const record = isReachable(context, scope) && !isPublic(scope) ? findParameter(context, scope, name) : undefined;
    if (!record) throw parameterNotFound();
    const versions = versionsIn(context.store);
    const page = pageOf<ParameterVersion>({
      mark: "history",
      scope: versionsKey(scope, name),
      source: rangeOf(versions, versionsKey(scope, name)),
      pick: () => true,
      nextToken: input.NextToken,
      pageSize: input.MaxResults ?? PAGE_SIZE,
    });
    const history: ParameterHistory[] = [];
    for (const { value: version } of page.items) {
      // Policies of a version that was followed by another did nothing from then on.
      const next = versions.get(versionKey(scope, name, version.version + 1));
      history.push({
        Name: name,
        ...versionMetadata(version),
        Value: await readValue(context, version, { name, scope, withDecryption: input.WithDecryption ?? false }),
        Labels: Object.keys(record.labels)
          .filter((label) => record.labels[label] === version.version)
          .sort(),
        Policies: policiesAnswer(version, next?.lastModifiedMs ?? context.clock.nowMs()),
      });
    }
    return { Parameters: history, ...page.token };
  },
});
