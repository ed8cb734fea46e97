/**
 * Filters of ListSecrets and BatchGetSecretValue: filters are AND, the values of one are OR, `!` in front negates.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
 */
import { invalidParameter } from "./errors.ts";
import type { SecretRecord } from "./records.ts";
import type { Filter } from "./shapes.gen.ts";

type FilterKey = NonNullable<Filter["Key"]>;
type Matcher = (record: SecretRecord, value: string) => boolean;

export function selectedBy(filters: readonly Filter[] = []): (record: SecretRecord) => boolean {
  const tests = filters.map(({ Key, Values }) => {
    if (Key === undefined) throw invalidParameter("Invalid filter key");
    if (Values === undefined) throw invalidParameter(`Invalid filter values for key: ${Key}`);
    const matches = MATCHERS[Key];
    return (record: SecretRecord): boolean =>
      Values.some((value) => (value.startsWith("!") ? !matches(record, value.slice(1)) : matches(record, value)));
  });
  return (record) => tests.every((test) => test(record));
}

/** The beginning of one of the texts, with regard to case. */
const prefixOf =
  (texts: (record: SecretRecord) => readonly string[]): Matcher =>
  (record, value) =>
    texts(record).some((text) => text.startsWith(value));

/** Every word of the value begins a word of the texts, without regard to case. */
const wordsIn =
  (texts: (record: SecretRecord) => readonly string[]): Matcher =>
  (record, value) => {
    const wanted = wordsOf(value);
    const present = texts(record).flatMap(wordsOf);
    return wanted.length > 0 && wanted.every((word) => present.some((other) => other.startsWith(word)));
  };

const description = (record: SecretRecord): string[] => (record.description === undefined ? [] : [record.description]);

const MATCHERS: Readonly<Record<FilterKey, Matcher>> = {
  name: prefixOf((record) => [record.name]),
  "tag-key": prefixOf((record) => Object.keys(record.tags ?? {})),
  "tag-value": prefixOf((record) => Object.values(record.tags ?? {})),
  // No secret here is replicated or managed by another service.
  "primary-region": () => false,
  "owning-service": () => false,
  description: wordsIn(description),
  all: wordsIn((record) => [record.name, ...description(record), ...Object.entries(record.tags ?? {}).flat()]),
};

/** AWS: words end where case rises, where letters meet digits, and at everything else. In lower case. */
const wordsOf = (text: string): string[] =>
  (text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g) ?? []).map((word) => word.toLowerCase());
