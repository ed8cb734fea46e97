/**
 * Says what Kiln's scope is where a request falls outside it: in headers beside AWS's own error or this tool's refusal, and
 * once an operation in a line for whoever runs the endpoint. Clients show a code and a text; the line is what a person sees.
 */
import type { AwsError } from "../core/errors.ts";
import { notOffered, unknownOperation } from "../services/index.ts";
import { noSuchCall } from "./errors.ts";
import type { Answer, Exchange } from "./exchange.ts";

/** More names than anybody's mistakes are. */
const MAX_NOTICES = 1_000;
const MAX_NAME = 200;

const UNKNOWN = new Set([
  unknownOperation("ssm", "", "").code,
  unknownOperation("iam", "", "").code,
  noSuchCall().code,
]);

/** Adds the headers to an answer that is an error. */
export function nameScope(exchange: Exchange, error: AwsError, answer: Answer, services: readonly string[]): void {
  const { target } = exchange;
  const isRefused =
    error.code === notOffered.definition.code || target?.serviceModel.outsideScope.has(target.operation) === true;
  // An operation that is known was asked for in a version that is not.
  if (!isRefused && (!UNKNOWN.has(error.code) || target?.model)) return;
  if (isRefused) answer.headers["x-kiln-not-offered"] = nameOf(exchange);
  else answer.headers["x-kiln-unknown-operation"] = nameOf(exchange);
  const { operations, outsideScope } = target?.serviceModel ?? {};
  answer.headers["x-kiln-scope"] =
    target && operations && outsideScope
      ? `${target.service}: ${operations.size} of ${operations.size + outsideScope.size} operations (docs/coverage.md)`
      : `services ${services.join(", ")} (docs/coverage.md)`;
}

/** A listener of answers that gives `say` one line for each name that was refused. */
export function createScopeNotices(say: ((line: string) => void) | undefined): (answer: Answer) => void {
  const said = new Set<string>();
  return ({ headers }) => {
    const scope = headers["x-kiln-scope"];
    if (scope === undefined || say === undefined) return;
    const refused = headers["x-kiln-not-offered"];
    const name = String(refused ?? headers["x-kiln-unknown-operation"]);
    if (said.has(name) || said.size >= MAX_NOTICES) return;
    said.add(name);
    const what = refused === undefined ? "is no operation of AWS" : "is not offered";
    say(`\`${name}\` ${what}; in scope: ${scope}`);
  };
}

function nameOf({ target, request, method, path }: Exchange): string {
  const name = target
    ? `${target.service}:${target.operation}`
    : (request.headers["x-amz-target"] ?? `${method} ${path}`);
  return String(name)
    .slice(0, MAX_NAME)
    .replace(/[^\x20-\x7e]/g, "?");
}
