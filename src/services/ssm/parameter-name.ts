/**
 * Names: their rules, their ARN, and the forms a caller may use (name, ARN, each with `:version` or `:label`).
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html and the texts of
 * real refusals.
 */
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { hierarchyLevelLimitExceeded, oversizedName, reservedName, validationFailure } from "./errors.ts";
import { PUBLIC_PREFIX } from "./public-parameters.ts";
import { withoutLeadingSlash } from "./records.ts";

const MAX_LEVELS = 15;
const SELECTOR = /^:[a-zA-Z0-9_.-]{1,100}$/;
const MAX_ARN = 1011;
const SEGMENTS = /^\/?[a-zA-Z0-9_.-]+(?:\/[a-zA-Z0-9_.-]+)*$/;

const BAD_NAME =
  'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths ' +
  "divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_";

/** AWS: with both spaces. Also for ARNs of other services, which are a name and a selector to Parameter Store. */
const BAD_SELECTOR =
  "Invalid parameter name. Please use correct syntax for referencing a version/label  <name>:<version/label>";

// AWS: the backslashes are in the text that is sent.
const BAD_PATH =
  "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash " +
  '"/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive). It must use only letters, numbers, or ' +
  "the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, " +
  'if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.';

/** What a caller wrote as the name of a parameter to read. */
export interface ParameterReference {
  /** As written, spaces around it removed. */
  readonly text: string;
  /** Without selector; `/a/b` or `a`. */
  readonly name: string;
  /** With its colon: `:3`, `:label`; empty when there is none. */
  readonly selector: string;
  /** Of the ARN, or the caller's own. */
  readonly scope: AwsScope;
}

/** Never fails: {@link requireReadable} and its like check the result. */
export function parseReference(own: AwsScope, written: string): ParameterReference {
  const text = written.trim();
  const arn = text.startsWith("arn:") ? parseArn(text) : undefined;
  const isParameterArn = arn?.service === "ssm" && arn.resource.startsWith("parameter/");
  const path = isParameterArn ? arn.resource.slice("parameter/".length) : text;
  const colon = path.indexOf(":");
  const bare = colon < 0 ? path : path.slice(0, colon);
  const name = isParameterArn && bare.includes("/") ? `/${bare}` : bare;
  const scope = isParameterArn ? { partition: arn.partition, region: arn.region, accountId: arn.accountId } : own;
  return {
    text,
    name,
    selector: colon < 0 ? "" : path.slice(colon),
    // AWS: the ARN of a public parameter has no account.
    scope: name.startsWith(PUBLIC_PREFIX) ? { ...scope, accountId: "" } : scope,
  };
}

/** `/a/b` → `…:parameter/a/b`, `x` → `…:parameter/x`. */
export const parameterArn = (scope: AwsScope, name: string): string =>
  arnIn(scope, "ssm", `parameter/${withoutLeadingSlash(name)}`);

/** True when the name can be part of an ARN; otherwise permission is asked on `*`. */
export const isWellFormed = (name: string): boolean => SEGMENTS.test(name);

/** For reading: GetParameter and its relatives. */
export function requireReadable(own: AwsScope, written: string): ParameterReference {
  const reference = parseReference(own, written);
  requireReadableName(reference.name);
  if (reference.selector !== "" && !SELECTOR.test(reference.selector)) throw validationFailure(BAD_SELECTOR);
  return reference;
}

/** For operations that take an ARN, but no selector. */
export function requireUnselected({ selector }: ParameterReference): void {
  if (selector !== "") throw validationFailure(BAD_NAME);
}

/** For operations that take a name and no selector. */
export function requireReadableName(name: string): void {
  if (!isWellFormed(name) || isPrefixed(name, "ssm") || isRelativePath(name)) throw validationFailure(BAD_NAME);
}

/** For PutParameter. */
export function requireWritableName({ scope, principal }: OperationContext, name: string): void {
  requireUnreserved(name);
  if (name.endsWith("/")) throw validationFailure("Parameter name must not end with slash.");
  if (isWellFormed(name) && isRelativePath(name)) {
    throw validationFailure("Parameter name must be a fully qualified name.");
  }
  if (!isWellFormed(name) || isPrefixed(name, "ssm")) throw validationFailure(BAD_NAME);
  const arn = parameterArn(scope, name);
  if (arn.length > MAX_ARN) throw oversizedName(principal.arn, arn);
  if (withoutLeadingSlash(name).split("/").length > MAX_LEVELS) throw hierarchyLevelLimitExceeded();
}

/** Put and Delete refuse AWS's own names, whoever asks. */
export function requireUnreserved(name: string): void {
  if (isPrefixed(name, "aws")) throw reservedName(withoutLeadingSlash(name));
}

/** For the `Path` of GetParametersByPath and of filters. */
export function requirePath(path: string): void {
  const isPath = path === "/" || (path.startsWith("/") && isWellFormed(path.replace(/\/$/, "")));
  if (!isPath || isReservedPath(path)) throw validationFailure(BAD_PATH);
}

/** AWS's own names, but for those of public parameters. */
export const isReservedPath = (path: string): boolean =>
  isPrefixed(path, "ssm") || (isPrefixed(path, "aws") && !`${path}/`.startsWith(PUBLIC_PREFIX));

const isPrefixed = (name: string, prefix: string): boolean =>
  withoutLeadingSlash(name).toLowerCase().startsWith(prefix);

const isRelativePath = (name: string): boolean => !name.startsWith("/") && name.includes("/");
