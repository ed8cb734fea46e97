/** GetParametersByPath: the parameters under a path, not the one at the path itself. */
import type { Entry, Key } from "../../store/store.ts";
import { operation } from "../service.ts";
import { invalidNextToken, validationFailure } from "./errors.ts";
import { livePageOf } from "./expiration.ts";
import { filterErrors, labelFilterOf, parseFilters, selectedBy } from "./filters.ts";
import { findVersion } from "./find-parameter.ts";
import { rangeOf, sourceOf } from "./pages.ts";
import { anyResource } from "./parameter-access.ts";
import { parameterAnswer } from "./parameter-answer.ts";
import { isWellFormed, parameterArn, parseReference, requirePath } from "./parameter-name.ts";
import { isPublic, publicEntries } from "./public-parameters.ts";
import { type ParameterRecord, parametersIn } from "./records.ts";
import { secureStringErrors } from "./secure-string.ts";
import type { GetParametersByPathRequest, GetParametersByPathResult, Parameter } from "./shapes.gen.ts";

const PAGE_SIZE = 10;

export const getParametersByPath = operation<GetParametersByPathRequest, GetParametersByPathResult>({
  name: "GetParametersByPath",
  support: "partial",
  gaps: ["of the public parameters under /aws/service only the regions, and those of a file"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html",
  // AWS: permission on the path, trailing slash as sent, covers everything below it.
  authorize({ Path: path, Recursive = false }, { scope }) {
    const conditions = { "ssm:Recursive": String(Recursive) };
    if (path !== "/" && !isWellFormed(path.replace(/\/$/, ""))) {
      return [anyResource(scope, "ssm:GetParametersByPath", conditions)];
    }
    const resource = parameterArn(parseReference(scope, `${path}/`).scope, path);
    return [{ action: "ssm:GetParametersByPath", resource, context: conditions }];
  },
  errors: [validationFailure, ...filterErrors, invalidNextToken, ...secureStringErrors],
  async run(input, context) {
    requirePath(input.Path);
    const filters = parseFilters(input.ParameterFilters ?? [], "GetParametersByPath");
    const labels = labelFilterOf(filters);
    const { scope } = parseReference(context.scope, `${input.Path}/`);
    const account: Key = [context.scope.accountId, scope.region];
    const path: Key = [...account, ...input.Path.split("/").filter(Boolean)];
    const isBelow = ({ key }: Entry<unknown>): boolean => path.every((part, index) => key[index] === part);
    const page = await livePageOf(context, scope, {
      mark: "path",
      scope: account,
      source: isPublic(scope)
        ? sourceOf(publicEntries(context).filter(isBelow))
        : rangeOf(parametersIn(context.store), path),
      pick({ key, value: record }) {
        const depth = key.length - path.length;
        if (depth > 1 && !input.Recursive) return behindChild(key, path.length);
        return depth > 0 && selectedBy(filters, record);
      },
      nextToken: input.NextToken,
      pageSize: input.MaxResults ?? PAGE_SIZE,
    });
    const parameters: Parameter[] = [];
    for (const { value: record } of page.items) {
      const asked = { name: record.name, selector: "", scope, withDecryption: input.WithDecryption ?? false };
      const version = findVersion(context, record, versionNumber(record, labels));
      if (version) parameters.push(await parameterAnswer(context, { record, version }, asked));
    }
    return { Parameters: parameters, ...page.token };
  },
});

/** The key behind everything under the child of the path to which `key` belongs: no part holds U+0001. */
const behindChild = (key: Key, pathLength: number): Key => [...key.slice(0, pathLength), `${key[pathLength]}\u0001`];

/** With a Label filter the labelled version is answered, else the latest. */
function versionNumber(record: ParameterRecord, labels: readonly string[]): number {
  const label = labels.find((candidate) => Object.hasOwn(record.labels, candidate));
  return (label === undefined ? undefined : record.labels[label]) ?? record.latest.version;
}
