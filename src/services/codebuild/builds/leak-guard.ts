/**
 * The leak guard of one build: gathers what the build was given and what left it, and has both searched once the commands
 * are over (leak-guard/). Its findings are events of the build; the status of the build is not its business.
 */
import { basename } from "node:path";
import type { BuildEvent, BuildOutput, BuildResult, PreparedBuild } from "../../../build/run/index.ts";
import { type Clock, MINUTE_MS } from "../../../core/clock.ts";
import type { DockerfileText, FoundLeaks, SecretLedger } from "../../../leak-guard/index.ts";
import type { Store } from "../../../store/store.ts";
import type { BuildRecord } from "../records.ts";
import type { RoleSession } from "./role-session.ts";

interface LeakCheckInput {
  readonly store: Store;
  readonly clock: Clock;
  readonly record: BuildRecord;
  readonly session: RoleSession;
  /** Of the container-credentials route. */
  readonly token: string;
  readonly ledger: SecretLedger;
  /** The build's events so far. */
  written(): AsyncIterable<BuildEvent>;
  readonly stop: AbortSignal;
}

/** Longer than this, nobody waits for the end of a build whose commands are over. */
const MAX_DURATION_MS = 10 * MINUTE_MS;
const MAX_DOCKERFILES = 50;

/** Of one build. `prepared`, `left` and `pushed` while it runs, `find` once after it. */
export class LeakGuard {
  readonly #input: LeakCheckInput;
  readonly #outputs: BuildOutput[] = [];
  readonly #images: { readonly reference: string; readonly digest: string }[] = [];
  #build: PreparedBuild | undefined;

  constructor(input: LeakCheckInput) {
    this.#input = input;
  }

  prepared(build: PreparedBuild): void {
    this.#build = build;
    const { ledger } = this.#input;
    for (const { variable, value } of build.variables) {
      if (variable.type === "PARAMETER_STORE") {
        ledger.name(variable.name, value, { kind: "parameter", name: variable.value, type: "SecureString" });
      } else if (variable.type === "SECRETS_MANAGER") {
        ledger.name(variable.name, value, { kind: "secret", secretId: variable.value });
      }
    }
    for (const value of build.sourceCredentials) ledger.add({ kind: "source-credential" }, value);
  }

  /** Also after a renewal. */
  roleSecrets([secretAccessKey = "", sessionToken = ""]: readonly string[]): void {
    const roleName = basename(this.#input.record.settings.serviceRole);
    this.#input.ledger.roleCredentials(roleName, secretAccessKey, sessionToken);
  }

  left(output: BuildOutput): void {
    this.#outputs.push(output);
  }

  pushed(image: { readonly reference: string; readonly digest: string }): void {
    this.#images.push(image);
  }

  /** Undefined for a build that was given no secret: nothing is read then. */
  async find({ exportedVariables }: BuildResult): Promise<FoundLeaks | undefined> {
    const { store, clock, session, token, ledger, written, stop } = this.#input;
    if (session.areCredentialsGiven) ledger.credentialsWereGiven();
    ledger.add({ kind: "credentials-token" }, token);
    const secrets = ledger.secrets();
    if (secrets.length === 0) return undefined;
    const { findLeaks } = await import("../../../leak-guard/index.ts");
    const late = new AbortController();
    const timer = clock.after(MAX_DURATION_MS, () => late.abort("looking for leaks took longer than ten minutes"));
    try {
      return await findLeaks({
        secrets,
        events: written(),
        buildspecFile: this.#build?.buildspecFile ?? "buildspec.yml",
        exportedVariables,
        outputs: this.#outputs,
        images: this.#images,
        async blob(digest) {
          if ((await store.blobs.size(digest)) === undefined) return undefined;
          return store.blobs.read(digest) as AsyncIterable<Uint8Array>;
        },
        dockerfiles: () => this.#dockerfiles(),
        nowMs: () => clock.nowMs(),
        signal: AbortSignal.any([stop, late.signal]),
      });
    } finally {
      timer.cancel();
    }
  }

  async #dockerfiles(): Promise<readonly DockerfileText[]> {
    if (!this.#build) return [];
    const { textsInSource } = await import("../../../build/run/texts-in-source.ts");
    const pattern = "**/{Dockerfile*,*.[Dd]ockerfile,Containerfile*}";
    return textsInSource(this.#build.srcDir, pattern, MAX_DOCKERFILES);
  }
}
