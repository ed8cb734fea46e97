/** The outside world of one run, for build/run: the same for a build and for a sandbox. */
import { chooseEngine, noEngineText, type RunDependencies } from "../../../build/run/index.ts";
import { err, ok } from "../../../core/result.ts";
import { isSourceBuild, loadBatchspec } from "../batches/batchspec.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { importedCredential } from "../projects/source-credentials.ts";
import type { BuildRecord } from "../records.ts";
import { buildReportSink } from "../reports/index.ts";
import { imageSupply } from "./image-supply.ts";
import type { RoleSession } from "./role-session.ts";
import { loadPlan, planOf } from "./run-request.ts";

/** What differs from run to run. */
export interface RunParts
  extends Pick<
    RunDependencies,
    | "artifactsDir"
    | "emit"
    | "signal"
    | "onLogStreamReady"
    | "queueTimedOut"
    | "cacheDir"
    | "storeLog"
    | "onPrepared"
    | "onOutput"
  > {
  readonly record: BuildRecord;
  readonly session: RoleSession;
  /** Of the container-credentials route. */
  readonly token: string;
  /** Told the secret parts of the role's credentials, beside the log that hides them. */
  onRoleSecrets?(values: readonly string[]): void;
}

export async function runDependencies(outside: CodeBuildDependencies, parts: RunParts): Promise<RunDependencies> {
  const { clock, ids, engines, engine, openDocker, machine, strict = false } = outside;
  const { record, session, token, onRoleSecrets, ...given } = parts;
  const { image } = record.settings.environment;
  const chosen = await chooseEngine(
    engines,
    { requested: engine ?? "auto", image, isMapped: outside.images?.mapped(image) !== undefined },
    parts.signal,
  );
  return {
    engine: chosen.ok ? ok(chosen.value.engine) : err(noEngineText(chosen.error)),
    ...(chosen.ok && chosen.value.notice !== undefined ? { engineNotice: chosen.value.notice } : {}),
    ...(outside.images ? { images: (request) => imageSupply(request, outside, session.caller) } : {}),
    role: session.caller,
    onRoleSecrets: (listener) =>
      session.onSecrets((values) => {
        onRoleSecrets?.(values);
        listener(values);
      }),
    authorizeAsRole: (requests, about) => session.authorize(requests, { ...about, requestId: ids.uuid() }),
    clock,
    ids,
    loadPlan: (text, file) =>
      isSourceBuild(record)
        ? loadBatchspec(outside.store, record, text, file, (buildspec) => planOf(record, buildspec, strict))
        : loadPlan(record, text, file, strict),
    ...(openDocker ? { openDocker: (asked) => openDocker({ ...asked, scope: record.scope }) } : {}),
    workDir: record.workDir,
    privateDir: record.privateDir,
    credentials: { uri: `${outside.endpointUrl()}/_kiln/credentials/${record.uuid}`, token },
    endpointUrl: outside.endpointUrl(),
    ...(machine ? { machine } : {}),
    ...(outside.stateDir === undefined ? {} : { stateDir: outside.stateDir }),
    sourceCredentials: (source) =>
      importedCredential(source, { store: outside.store, scope: record.scope, role: session.caller }),
    reports: buildReportSink(outside, record, session),
    ...given,
  };
}
