/**
 * ParameterFilters and the older Filters of DescribeParameters and GetParametersByPath.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
 */
import { invalidFilterKey, invalidFilterOption, invalidFilterValue, validationFailure } from "./errors.ts";
import { isReservedPath, requirePath } from "./parameter-name.ts";
import { type ParameterRecord, withoutLeadingSlash } from "./records.ts";
import type { ParameterStringFilter, ParametersFilter } from "./shapes.gen.ts";

type FilteringOperation = "DescribeParameters" | "GetParametersByPath";
type Option = "Equals" | "BeginsWith" | "Contains" | "OneLevel" | "Recursive";

/** A filter that passed the checks: parameters match when any value does. */
export interface Filter {
  readonly key: string;
  readonly option: Option;
  readonly values: readonly string[];
}

export const filterErrors = [invalidFilterKey, invalidFilterOption, invalidFilterValue];

/** First option is the default. */
const OPTIONS: Readonly<Record<string, readonly [Option, ...Option[]]>> = {
  Name: ["Equals", "BeginsWith", "Contains"],
  Type: ["Equals", "BeginsWith"],
  KeyId: ["Equals", "BeginsWith"],
  Path: ["OneLevel", "Recursive"],
  Tier: ["Equals"],
  DataType: ["Equals", "BeginsWith"],
  Label: ["Equals"],
};
const TAG_OPTIONS = ["Equals", "BeginsWith"] as const;

/** Keys of each operation, and the list that its refusal prints. */
const KEYS: Readonly<Record<FilteringOperation, { readonly accepted: readonly string[]; readonly printed: string }>> = {
  DescribeParameters: {
    accepted: ["Path", "Name", "Type", "KeyId", "Tier", "DataType"],
    printed: "[Path, Name, Type, KeyId, Tier]",
  },
  GetParametersByPath: { accepted: ["Type", "KeyId", "Label"], printed: "[Type, KeyId]" },
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  Type: ["String", "StringList", "SecureString"],
  Tier: ["Standard", "Advanced", "Intelligent-Tiering"],
};

/** Filters are checked one after another, each: key, values there, not a second time, option, values. */
export function parseFilters(filters: readonly ParameterStringFilter[], name: FilteringOperation): Filter[] {
  const seen = new Set<string>();
  return filters.map((filter) => {
    const { Key: key, Values: values = [] } = filter;
    const isTag = key.startsWith("tag:");
    if (!KEYS[name].accepted.includes(key) && !(isTag && name === "DescribeParameters")) {
      throw invalidFilterKey(
        `The following filter key is not valid: ${key}. Valid filter keys include: ${KEYS[name].printed}.`,
      );
    }
    if (values.length === 0 && !isTag) throw invalidFilterValue(key);
    if (seen.has(key)) {
      throw invalidFilterKey(
        `The following filter is duplicated in the request: ${key}. A request can contain only one occurrence of a ` +
          "specific filter.",
      );
    }
    seen.add(key);
    const parsed: Filter = { key, option: requireOption(filter, isTag ? TAG_OPTIONS : OPTIONS[key]), values };
    requireValues(parsed);
    return parsed;
  });
}

/** The older form: names match by prefix, everything else exactly. */
export const filtersFromOldForm = (filters: readonly ParametersFilter[]): Filter[] =>
  filters.map(({ Key: key, Values: values }) => ({ key, option: key === "Name" ? "BeginsWith" : "Equals", values }));

/** The labels asked for, if any. */
export const labelFilterOf = (filters: readonly Filter[]): readonly string[] =>
  filters.find((filter) => filter.key === "Label")?.values ?? [];

/** Where all that pass the filters are: some names, or everything under some first segments of a name. */
export function narrowed(filters: readonly Filter[]): {
  readonly names?: readonly string[];
  readonly segments: readonly string[];
} {
  const name = filters.find((filter) => filter.key === "Name");
  if (name?.option === "Equals") return { names: [...new Set(name.values.map(withoutLeadingSlash))], segments: [] };
  const path = filters.find((filter) => filter.key === "Path");
  const [onlyPath, ...otherPaths] = path?.values ?? [];
  if (onlyPath !== undefined && otherPaths.length === 0) return { segments: onlyPath.split("/").filter(Boolean) };
  const [onlyName, ...otherNames] = name?.option === "BeginsWith" ? name.values : [];
  // The last segment may be the beginning of a longer one.
  if (onlyName !== undefined && otherNames.length === 0) {
    return { segments: withoutLeadingSlash(onlyName).split("/").slice(0, -1) };
  }
  return { segments: [] };
}

/** True when every filter has a value that matches. */
export const selectedBy = (filters: readonly Filter[], record: ParameterRecord): boolean =>
  filters.every((filter) => matches(filter, record));

function matches({ key, option, values }: Filter, record: ParameterRecord): boolean {
  const { latest } = record;
  switch (key) {
    case "Name":
      return values.some((value) => isNamed(option, withoutLeadingSlash(record.name), value));
    case "Path":
      return values.some((path) => isUnder(record.name, path, option === "Recursive"));
    case "Label":
      return values.some((label) => Object.hasOwn(record.labels, label));
    case "Type":
      return values.some((value) => compare(option, latest.type, value));
    case "Tier":
      return values.some((value) => compare(option, latest.tier, value));
    case "DataType":
      return values.some((value) => compare(option, latest.dataType, value));
    case "KeyId":
      return latest.keyId !== undefined && values.some((value) => compare(option, latest.keyId ?? "", value));
    default: {
      const tagKey = key.slice("tag:".length);
      const tag = Object.hasOwn(record.tags, tagKey) ? record.tags[tagKey] : undefined;
      return tag !== undefined && (values.length === 0 || values.some((value) => compare(option, tag, value)));
    }
  }
}

/** AWS: the leading slash makes no difference; within `Contains` one stands for the beginning too: `/x` is in `x1`. */
const isNamed = (option: Option, bareName: string, value: string): boolean =>
  option === "Contains" ? `/${bareName}`.includes(value) : compare(option, bareName, withoutLeadingSlash(value));

function compare(option: Option, actual: string, wanted: string): boolean {
  return option === "BeginsWith" ? actual.startsWith(wanted) : actual === wanted;
}

function isUnder(name: string, path: string, isRecursive: boolean): boolean {
  const prefix = path === "/" ? "" : `${withoutLeadingSlash(path).replace(/\/$/, "")}/`;
  const bare = withoutLeadingSlash(name);
  if (!bare.startsWith(prefix) || bare.length === prefix.length) return false;
  return isRecursive || !bare.slice(prefix.length).includes("/");
}

function requireOption(filter: ParameterStringFilter, options: readonly Option[] = ["Equals"]): Option {
  if (filter.Option === undefined) return options[0] ?? "Equals";
  const option = options.find((candidate) => candidate === filter.Option);
  if (option) return option;
  const printed = [...options].sort((a, b) => PRINTED_ORDER.indexOf(a) - PRINTED_ORDER.indexOf(b));
  throw invalidFilterOption(
    `The following filter option is not valid: ${filter.Option}. Valid options include: [${printed.join(", ")}].`,
  );
}

const PRINTED_ORDER: readonly Option[] = ["BeginsWith", "Contains", "Recursive", "OneLevel", "Equals"];

function requireValues({ key, option, values }: Filter): void {
  const known = VALUES[key];
  const isKnown = (value: string) => known?.some((candidate) => compare(option, candidate, value));
  const unknown = known && values.find((value) => !isKnown(value));
  if (known && unknown !== undefined) {
    throw invalidFilterOption(
      `The following filter value is not valid: ${unknown}. Valid values include: [${known.join(", ")}].`,
    );
  }
  const isName = key === "Name" && option !== "Contains";
  if ((key === "Path" || isName) && values.some(isReservedPath)) {
    throw validationFailure(
      'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global ' +
        "parameters, please specify within a global namespace.",
    );
  }
  if (key === "Path") for (const path of values) requirePath(path);
}
