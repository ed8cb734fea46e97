/**
 * Which values are looked for. A store also holds what is no secret: user names, host names, `true`, `80`. Looked for
 * everywhere they would turn up everywhere, and the one finding that counts would drown. So:
 *
 * - A value of eight characters or more whose name says secret (`password`, `token`, `…_key`) is looked for, unless it is
 *   trivial or an address without a password.
 * - Under another name a value of a SecureString or a secret is looked for when it looks made, not named: letters with
 *   digits or signs, and no host name, path, ARN, number or words with hyphens. A parameter of type String never is.
 * - One of four to seven characters whose name says secret is looked for as a whole word in image configs, histories and
 *   exported variables only.
 * - Shorter ones never are. What is left out for its shape although its name says secret is told by name.
 */
import type { GivenSecret, SecretOrigin } from "./given-secret.ts";
import { MIN_FORM_BYTES } from "./secret-forms.ts";
import { isLocator, isTrivial, looksMade } from "./value-shape.ts";

export type Worth =
  /** `values`: what is looked for, one or several. */
  | { readonly search: "everywhere"; readonly values: readonly string[] }
  | { readonly search: "settings"; readonly values: readonly string[] }
  | { readonly search: "nowhere"; readonly reason?: string };

const MIN_WORD_LENGTH = 4;

const SECRET_NAME =
  /pass(word|wd|phrase)?|pwd|secret|token|credential|api_?-?key|private|signing|(access|auth|encryption|deploy|license|client|ssh|gpg|pgp)_?-?key|_key$|auth(orization)?$|bearer|cookie|salt|pin$|webhook|dsn|connection_?-?string|[^a-z]pat$|^pat$/i;
export function worthOf({ origin, value, variables }: GivenSecret): Worth {
  const text = value.trim();
  if (text === "") return { search: "nowhere" };
  if (isMade(origin)) return { search: "everywhere", values: [text] };
  const isNamedSecret = namesIn(origin, variables).some((name) => SECRET_NAME.test(name));
  if (origin.kind === "parameter" && origin.type !== "SecureString" && !isNamedSecret) return { search: "nowhere" };
  const password = passwordInUrl(text);
  if (password !== undefined) {
    // The address itself may stand anywhere; with its password it may not.
    const values = [text, password].filter((one) => Buffer.byteLength(one) >= MIN_FORM_BYTES);
    return { search: "everywhere", values };
  }
  if (isTrivial(text)) return nowhere(isNamedSecret, "its value is a placeholder");
  if (isLocator(text)) return nowhere(isNamedSecret, "its value is an address or a path");
  if (Buffer.byteLength(text) >= MIN_FORM_BYTES) {
    if (!isNamedSecret && !looksMade(text)) return { search: "nowhere" };
    if (/^\d+$/.test(text) && text.length < 12) return nowhere(isNamedSecret, "its value is a short number");
    return { search: "everywhere", values: [text] };
  }
  if (!isNamedSecret) return { search: "nowhere" };
  if (text.length < MIN_WORD_LENGTH) return nowhere(true, `its value is shorter than ${MIN_WORD_LENGTH} characters`);
  if (/^\d+$/.test(text)) return nowhere(true, "its value is a short number");
  return { search: "settings", values: [text] };
}

const nowhere = (isNamedSecret: boolean, reason: string): Worth => ({
  search: "nowhere",
  ...(isNamedSecret ? { reason } : {}),
});

/** By a machine: random whatever it is called. */
const isMade = ({ kind }: SecretOrigin): boolean =>
  kind === "credentials" ||
  kind === "credentials-token" ||
  kind === "registry-password" ||
  kind === "source-credential";

/** Of a path the last two parts: `/prod/password-service/url` is no password. */
function namesIn(origin: SecretOrigin, variables: readonly string[]): string[] {
  if (origin.kind !== "parameter" && origin.kind !== "secret") return [...variables];
  // A member by its key: its variable has the whole object.
  if (origin.jsonKey !== undefined) return [origin.jsonKey];
  return [...variables, ...lastPart(origin.kind === "parameter" ? origin.name : origin.secretId)];
}

const lastPart = (name: string): string[] => [
  name
    .replace(/-[A-Za-z0-9]{6}$/, "")
    .split(/[/:.]/)
    .at(-1) ?? "",
];

/** `scheme://user:password@host` */
function passwordInUrl(text: string): string | undefined {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@[^\s/]/i.exec(text)?.[1];
  return password === undefined || password.length < MIN_WORD_LENGTH ? undefined : password;
}
