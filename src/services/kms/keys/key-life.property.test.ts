import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { importInput } from "../../../../test/support/key-import.ts";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { kms } from "../index.ts";

const WINDOW_DAYS = 7;

/** What AWS's documents say of a key, in as few facts as decide who may decrypt. */
interface Model {
  state: "Enabled" | "Disabled" | "PendingDeletion" | "PendingImport" | "gone";
  deletionAtMs: number;
  hasMaterial: boolean;
  expiresAtMs: number;
  isExternal: boolean;
}

type Step =
  | { readonly kind: "call"; readonly operation: string; readonly input?: object }
  | { readonly kind: "import"; readonly days?: number }
  | { readonly kind: "wait"; readonly days: number };

const called = (operation: string, input: object = {}): Step => ({ kind: "call", operation, input });
const wait = fc.integer({ min: 1, max: 12 }).map((days): Step => ({ kind: "wait", days }));
const steps = [
  ...["EnableKey", "DisableKey", "CancelKeyDeletion", "RotateKeyOnDemand", "DisableKeyRotation", "Encrypt"].map(
    (name) => fc.constant(called(name, name === "Encrypt" ? { Plaintext: Buffer.from("x") } : {})),
  ),
  fc.constant(called("EnableKeyRotation", { RotationPeriodInDays: 90 })),
  fc.constant(called("ScheduleKeyDeletion", { PendingWindowInDays: WINDOW_DAYS })),
  wait,
];
const longWait = fc.integer({ min: 80, max: 400 }).map((days): Step => ({ kind: "wait", days }));
const imports = [
  fc.constant<Step>({ kind: "import" }),
  fc.constant<Step>({ kind: "import", days: 5 }),
  fc.constant(called("DeleteImportedKeyMaterial")),
];

function passTime(model: Model, nowMs: number): void {
  if (model.hasMaterial && model.expiresAtMs <= nowMs) loseMaterial(model);
  if (model.state === "PendingDeletion" && model.deletionAtMs <= nowMs) model.state = "gone";
}

function loseMaterial(model: Model): void {
  model.hasMaterial = false;
  if (model.state === "Enabled" || model.state === "Disabled") model.state = "PendingImport";
}

/** What a step that AWS accepts in this state does to it. */
function apply(model: Model, step: Step, nowMs: number): void {
  const isUsable = model.state === "Enabled" || model.state === "Disabled";
  if (step.kind === "import") {
    if (!isUsable && model.state !== "PendingImport") return;
    if (model.state === "PendingImport") model.state = "Enabled";
    model.hasMaterial = true;
    model.expiresAtMs = step.days === undefined ? Number.POSITIVE_INFINITY : nowMs + step.days * DAY_MS;
  } else if (step.kind === "call") {
    if (step.operation === "EnableKey" && isUsable) model.state = "Enabled";
    if (step.operation === "DisableKey" && isUsable) model.state = "Disabled";
    if (step.operation === "DeleteImportedKeyMaterial" && model.hasMaterial && model.state !== "gone") {
      loseMaterial(model);
    }
    if (step.operation === "ScheduleKeyDeletion" && (isUsable || model.state === "PendingImport")) {
      model.state = "PendingDeletion";
      model.deletionAtMs = nowMs + WINDOW_DAYS * DAY_MS;
    }
    if (step.operation === "CancelKeyDeletion" && model.state === "PendingDeletion") {
      model.state = model.hasMaterial ? "Disabled" : "PendingImport";
    }
  }
}

const EXPECTED: Readonly<Record<Model["state"], RegExp>> = {
  Enabled: /^decrypted$/,
  Disabled: /^DisabledException: .* is disabled\.$/,
  PendingDeletion: /^KMSInvalidStateException: .* is pending deletion\.$/,
  PendingImport: /^KMSInvalidStateException: .* is pending import\.$/,
  gone: /^AccessDeniedException: /,
};

async function follow(services: ServicesFixture, model: Model, sequence: readonly Step[]): Promise<void> {
  const { root, clock } = services;
  const input = model.isExternal ? { Origin: "EXTERNAL" } : {};
  const { KeyMetadata } = await root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", input);
  const { KeyId } = KeyMetadata;
  const material = randomBytes(32);
  const blobs: Uint8Array[] = [];
  const done = async (step: Step): Promise<void> => {
    if (step.kind === "wait") return clock.advance(step.days * DAY_MS);
    const wanted =
      step.kind === "call"
        ? { operation: step.operation, input: { KeyId, ...step.input } }
        : {
            operation: "ImportKeyMaterial",
            input: await importInput(root, KeyId, material, {
              ...(step.days !== undefined && {
                ExpirationModel: "KEY_MATERIAL_EXPIRES",
                ValidTo: clock.nowMs() + step.days * DAY_MS,
              }),
            }),
          };
    const answer = await root.call<{ CiphertextBlob?: Uint8Array }>("kms", wanted.operation, wanted.input);
    if (answer.CiphertextBlob) blobs.push(answer.CiphertextBlob);
  };
  for (const step of sequence) {
    // What AWS refuses changes nothing.
    await done(step).catch(() => {});
    passTime(model, clock.nowMs());
    apply(model, step, clock.nowMs());
    const outcomes = blobs.map((CiphertextBlob) =>
      root.call<{ Plaintext: Uint8Array }>("kms", "Decrypt", { CiphertextBlob }).then(
        ({ Plaintext }) => (Buffer.from(Plaintext).toString() === "x" ? "decrypted" : "other bytes"),
        (error: unknown) => failureOf(Promise.reject(error)),
      ),
    );
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatch(EXPECTED[model.state]);
  }
}

async function check(isExternal: boolean, choices: readonly fc.Arbitrary<Step>[], numRuns: number): Promise<void> {
  const sequences = fc.array(fc.oneof(...choices), { minLength: 1, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const services = await openServices([kms]);
      try {
        const state = isExternal ? "PendingImport" : "Enabled";
        const model: Model = {
          ...{ state, isExternal, hasMaterial: !isExternal },
          ...{ deletionAtMs: 0, expiresAtMs: Number.POSITIVE_INFINITY },
        };
        await follow(services, model, sequence);
      } finally {
        await services.close();
      }
    }),
    { numRuns },
  );
}

describe("whatever happened to a key, what it once encrypted decrypts exactly in the states in which AWS decrypts", () => {
  it("with material of AWS", () => check(false, [...steps, longWait], 60), 60_000);
  it("with imported material", () => check(true, [...imports, ...imports, ...steps], 8), 60_000);
});
