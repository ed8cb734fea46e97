/** GetParametersByPath: the parameters under a path, not the one at the path itself. */
import { operation } from "../service.ts";
import {
  invalidFilterKey,
  invalidFilterOption,
  invalidFilterValue,
  invalidNextToken,
  validationFailure,
} from "./errors.ts";
import { labelFilterOf, parseFilters, selectedBy } from "./filters.ts";
import { findVersion, isLive } from "./find-parameter.ts";
import { pageOf } from "./pages.ts";
import { anyResource } from "./parameter-access.ts";
import { parameterAnswer } from "./parameter-answer.ts";
import { isWellFormed, parameterArn, requirePath } from "./parameter-name.ts";
import { type ParameterRecord, parametersIn } from "./records.ts";
import { secureStringErrors } from "./secure-string.ts";
import type { GetParametersByPathRequest, GetParametersByPathResult, Parameter } from "./shapes.gen.ts";

const PAGE_SIZE = 10;

export const getParametersByPath = operation<GetParametersByPathRequest, GetParametersByPathResult>({
  name: "GetParametersByPath",
  support: "partial",
  gaps: ["no public parameters under /aws/service: they are never found"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html",
  // AWS: permission on the path, trailing slash as sent, covers everything below it.
  authorize({ Path: path, Recursive = false }, { scope }) {
    const conditions = { "ssm:Recursive": String(Recursive) };
    if (path !== "/" && !isWellFormed(path.replace(/\/$/, ""))) {
      return [anyResource(scope, "ssm:GetParametersByPath", conditions)];
    }
    return [{ action: "ssm:GetParametersByPath", resource: parameterArn(scope, path), context: conditions }];
  },
  errors: [
    validationFailure,
    invalidFilterKey,
    invalidFilterOption,
    invalidFilterValue,
    invalidNextToken,
    ...secureStringErrors,
  ],
  async run(input, context) {
    requirePath(input.Path);
    const filters = parseFilters(input.ParameterFilters ?? [], "GetParametersByPath");
    const labels = labelFilterOf(filters);
    const segments = input.Path.split("/").filter(Boolean);
    const below = parametersIn(context.store)
      .list([context.scope.accountId, context.scope.region, ...segments])
      .filter(({ key, value }) => {
        const depth = key.length - 2 - segments.length;
        return (input.Recursive ? depth >= 1 : depth === 1) && isLive(context, value) && selectedBy(filters, value);
      })
      .map((entry) => entry.value);
    const page = pageOf(below, (record) => record.name, input, input.MaxResults ?? PAGE_SIZE);
    const parameters: Parameter[] = [];
    for (const record of page.items) {
      const { scope } = context;
      const asked = { name: record.name, selector: "", scope, withDecryption: input.WithDecryption ?? false };
      const version = findVersion(context, record, versionNumber(record, labels));
      if (version) parameters.push(await parameterAnswer(context, { record, version }, asked));
    }
    return { Parameters: parameters, ...page.token };
  },
});

/** With a Label filter the labelled version is answered, else the latest. */
function versionNumber(record: ParameterRecord, labels: readonly string[]): number {
  const label = labels.find((candidate) => Object.hasOwn(record.labels, candidate));
  return (label === undefined ? undefined : record.labels[label]) ?? record.latest.version;
}
