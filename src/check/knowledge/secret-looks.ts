/**
 * Names and values that look like secrets; for plaintext variables, where nothing else can tell. Names are judged more
 * widely where a store gave the value, which says already that it may be one: rules/env-secret-in-command.ts,
 * leak-guard/worth-searching.ts.
 */
import { hardCodedSecrets } from "../../leak-guard/hard-coded-secrets.ts";

const NAME =
  /(?:^|[_.-])(?:pass(?:word|wd|phrase|code)?|pwd|tokens?|secrets?|api[_-]?keys?|apikey|private[_-]?key|access[_-]?key|secret[_-]?key|credentials?[_-]password|client[_-]secret|auth[_-]?token|webhook[_-]secret)s?$|(?:password|passwd|apikey|secretkey)s?$/i;
/** Names of things that lead to a secret, or say something about one. */
const ABOUT =
  /(?:_(?:arn|id|name|path|file|url|uri|type|version|length|expiry|ttl|manager|store|parameter|ref)s?|^(?:use|has|enable|no)_.*)$/i;

/** A name that says its value is one. `DOCKER_PASSWORD`, `apiKey`, not `SECRET_ARN`. */
export function isSecretName(name: string): boolean {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return NAME.test(spaced) && !ABOUT.test(spaced);
}

/** What the patterns for files leave out: a URL may be a test's own there, and an access key's id is no secret alone. */
const VALUES: readonly (readonly [string, RegExp])[] = [
  ["an AWS access key", /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/],
  ["a JSON web token", /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ["a password in a URL", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@$]+:[^\s/:@$]{3,}@/i],
];

/** What the value looks like; undefined for one that looks like nothing in particular. */
export const secretLookOf = (value: string): string | undefined =>
  VALUES.find(([, pattern]) => pattern.test(value))?.[0] ?? hardCodedSecrets(value, "variable")[0]?.kind;

/** Stands for a value, and is none: `$NAME`, `changeme`, `<token>`, `***`. `12345678` is none of these: it may be somebody's password. */
export const isPlaceholder = (value: string): boolean =>
  value === "" ||
  /^(?:\$|<|\{\{|\*+$|x+$|change|todo|none$|null$|true$|false$|dummy|example|placeholder|your)/i.test(value);
