/**
 * The two error classes that travel as exceptions.
 * `AwsError`: an answer AWS would give; thrown by operations, rendered by the protocol encoders.
 * `KilnError`: the tool cannot do what was asked; rendered by the CLI with why, fix and exit code.
 * Findings about the user's files are `Diagnostic`s (diagnostics.ts) and are returned, never thrown.
 */

export interface AwsErrorDefinition<A extends readonly unknown[]> {
  /** Code on the wire, e.g. `ParameterNotFound`. */
  readonly code: string;
  /** HTTP status, e.g. 400. */
  readonly status: number;
  readonly fault: "client" | "server";
  /** Documentation URL, or where the text was recorded. */
  readonly source: string;
  /** True until the message text has been seen on real AWS. */
  readonly unverified?: boolean;
  /** Name of the JSON member that carries the text; `none` for errors AWS sends without a text. Default `message`. */
  readonly messageMember?: "message" | "Message" | "none";
  readonly message: (...args: A) => string;
  /** Further members of the error body, e.g. S3's `Key`. */
  readonly extra?: (...args: A) => Readonly<Record<string, unknown>>;
}

/** An AWS answer that is an error. Build them with {@link awsError} only. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly code: string;
  readonly status: number;
  readonly fault: "client" | "server";
  readonly messageMember: "message" | "Message" | "none";
  readonly extra: Readonly<Record<string, unknown>>;
  /** Request id of the call that failed; set by the dispatcher. */
  requestId: string | undefined;
  /** Set by the dispatcher where a fault was injected into the call (control/): which, e.g. `throttle fault-1`. */
  injectedFault: string | undefined;
  /** The client gets no answer at all: an injected fault. */
  isDropped: boolean | undefined;

  constructor(definition: AwsErrorDefinition<readonly never[]>, message: string, extra: Record<string, unknown> = {}) {
    super(message);
    this.code = definition.code;
    this.status = definition.status;
    this.fault = definition.fault;
    this.messageMember = definition.messageMember ?? "message";
    this.extra = extra;
  }
}

/** A constructor of one kind of {@link AwsError}; it carries its own facts for tests and docs. */
export interface AwsErrorType<A extends readonly unknown[] = readonly never[]> {
  (...args: A): AwsError;
  readonly definition: AwsErrorDefinition<A>;
}

/** Declares one error an operation can answer. */
export function awsError<A extends readonly unknown[]>(definition: AwsErrorDefinition<A>): AwsErrorType<A> {
  const create = (...args: A): AwsError =>
    new AwsError(
      definition as unknown as AwsErrorDefinition<readonly never[]>,
      definition.message(...args),
      definition.extra?.(...args) as Record<string, unknown> | undefined,
    );
  return Object.assign(create, { definition });
}

/** {@link awsError} for many errors of one service that are the client's fault and share a source. */
export function clientErrorsFrom(source: string) {
  return <A extends readonly unknown[]>(
    code: string,
    status: number,
    message: (...args: A) => string,
    extra: Pick<AwsErrorDefinition<A>, "unverified"> = {},
  ): AwsErrorType<A> => awsError<A>({ code, status, fault: "client", source, message, ...extra });
}

export interface KilnErrorInit {
  /** `KILN_E_…`, stable and documented in docs/errors.md. */
  readonly code: `KILN_E_${string}`;
  /** One line, lower-case start, user values in backticks. */
  readonly message: string;
  readonly why?: string;
  /** What the user can do; one line a step. */
  readonly fix?: readonly string[];
  readonly exitCode: ExitCode;
  readonly cause?: unknown;
}

/** Exit codes of the tool (docs/errors.md); 70 is a bug. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 70 | 124 | 130;

export class KilnError extends Error {
  override readonly name = "KilnError";
  readonly code: string;
  readonly why: string | undefined;
  readonly fix: readonly string[];
  readonly exitCode: ExitCode;

  constructor(init: KilnErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.why = init.why;
    this.fix = init.fix ?? [];
    this.exitCode = init.exitCode;
  }
}

/** What was asked for cannot be meant so: a flag, a name, an argument. */
export const usageError = (message: string, fix: readonly string[] = [], why?: string): KilnError =>
  new KilnError({ code: "KILN_E_USAGE", message, fix, ...(why !== undefined && { why }), exitCode: 2 });
