/**
 * What happens to an AWS request, in order. Each step fills in one part of the exchange or throws an `AwsError`, which
 * is encoded here and nowhere else. `KILN_DEBUG=endpoint` prints each step.
 *
 * S3 alone is resolved and authenticated before its body is read: a body may be gigabytes.
 *
 * AWS's order in a JSON service (recorded): body parses → target known → signature → types → constraints →
 * permission → behaviour. Constraints, permission and behaviour are the dispatcher's.
 * Source of the encodings: https://smithy.io/2.0/aws/protocols/
 */
import type { RequestContext } from "../authorize/index.ts";
import { clientContext } from "../core/client-context.ts";
import { AwsError } from "../core/errors.ts";
import { debug } from "../core/log.ts";
import { type Call, type Dispatcher, internalFailure } from "../services/index.ts";
import { type AuthenticatorOptions, createAuthenticator } from "./authenticate.ts";
import type { Answer, Caller, Exchange, Target } from "./exchange.ts";
import { inflateBody, isCompressed } from "./inflate-body.ts";
import { awsJson } from "./protocols/aws-json.ts";
import { awsQuery } from "./protocols/aws-query.ts";
import { createResolve, refuseUnknown, refuseUnsigned } from "./resolve.ts";
import { nameScope } from "./scope-notice.ts";

/** Names the fault of the control API that an answer comes from. */
const FAULT_HEADER = "x-kiln-fault";

export interface PipelineDependencies extends AuthenticatorOptions {
  readonly dispatcher: Pick<Dispatcher, "services" | "invoke">;
  /** Takes in the body of a request whose signature is good (S3). */
  readonly receive: (exchange: Exchange) => void | Promise<void>;
}

export interface Step {
  readonly name: "inflate" | "resolve" | "authenticate" | "receive" | "decode" | "dispatch" | "encode";
  run(exchange: Exchange): void | Promise<void>;
}

/** The steps in their order. */
export function createSteps(dependencies: PipelineDependencies): readonly Step[] {
  const { dispatcher, receive } = dependencies;
  const resolve = createResolve(dispatcher.services);
  const authenticate = createAuthenticator(dependencies);
  return [
    {
      name: "inflate",
      run(exchange) {
        if (isCompressed(exchange.request)) return inflateBody(exchange);
      },
    },
    {
      name: "resolve",
      run(exchange) {
        exchange.target = resolve(exchange);
        if (exchange.target.service === "s3") return;
        exchange.protocol = exchange.target.serviceModel.targetPrefix === undefined ? awsQuery : awsJson;
        refuseUnknown(exchange.target);
        refuseUnsigned(exchange.target);
      },
    },
    {
      name: "authenticate",
      run(exchange) {
        exchange.caller = authenticate(exchange);
      },
    },
    {
      name: "receive",
      run(exchange) {
        // Others' bodies were read before anything else: they are part of what is signed.
        if (exchange.target?.service === "s3") return receive(exchange);
      },
    },
    {
      name: "decode",
      run(exchange) {
        // Operations without a model are refused by the dispatcher, by name.
        exchange.input = exchange.target?.model ? exchange.protocol.decode(exchange) : {};
      },
    },
    {
      name: "dispatch",
      run(exchange) {
        const { service, operation } = exchange.target as Target;
        const { principal, accessKeyId, scope, isLenient } = exchange.caller as Caller;
        const { requestId, input = {} } = exchange;
        const context = requestContext(exchange);
        const call: Call = { service, operation, input, principal, accessKeyId, scope, requestId, context };
        const asked = isLenient === true ? { ...call, isLenient } : call;
        return dispatcher.invoke(asked).then((output) => {
          exchange.output = output;
          exchange.injectedFault = asked.injectedFault;
        });
      },
    },
    {
      name: "encode",
      run(exchange) {
        exchange.answer = exchange.protocol.encode(exchange, exchange.output ?? {});
        if (exchange.injectedFault !== undefined) exchange.answer.headers[FAULT_HEADER] = exchange.injectedFault;
      },
    },
  ];
}

/** Runs the steps. Never rejects: what goes wrong is an answer too. */
export async function answerTo(
  exchange: Exchange,
  steps: readonly Step[],
  services: readonly string[],
): Promise<Answer> {
  try {
    for (const step of steps) {
      debug("endpoint", () => `${exchange.requestId} ${step.name} ${describe(exchange)}`);
      const pending = step.run(exchange);
      if (pending) await pending;
    }
    return exchange.answer as Answer;
  } catch (thrown) {
    return errorAnswer(exchange, thrown, services);
  }
}

/** The answer for whatever a step threw; `services` are those that a refusal names. */
export function errorAnswer(exchange: Exchange, thrown: unknown, services: readonly string[]): Answer {
  const error = thrown instanceof AwsError ? thrown : internalFailure();
  debug("endpoint", () => `${exchange.requestId} answers ${error.status} ${error.code}: ${error.message}`);
  if (thrown !== error) debug("endpoint", () => String((thrown as Error | undefined)?.stack ?? thrown));
  error.requestId ??= exchange.requestId;
  const answer = exchange.protocol.encodeError(exchange, error);
  if (error.fault === "client") nameScope(exchange, error, answer, services);
  if (error.injectedFault !== undefined) answer.headers[FAULT_HEADER] = error.injectedFault;
  return error.isDropped === true ? { ...answer, isDropped: true } : answer;
}

const describe = ({ method, path, target }: Exchange): string =>
  target ? `${target.service}:${target.operation}` : `${method} ${path}`;

/** Condition keys of the HTTP request. */
function requestContext({ request, caller }: Exchange): RequestContext {
  const general = clientContext(request);
  if (!caller?.s3) return general;
  // What counts as encrypted here (`aws:SecureTransport`) counts as of today's version.
  const tls = general["aws:SecureTransport"] === "true" ? { "s3:TlsVersion": "1.3" } : {};
  return { ...general, ...caller.s3.conditionKeys, ...tls };
}
