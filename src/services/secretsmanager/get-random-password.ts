/** GetRandomPassword: every character equally likely among those that the request leaves. */
import type { Ids } from "../../core/ids.ts";
import { operation } from "../service.ts";
import { allExcluded, passwordTooShort, reference, typeExcluded } from "./errors.ts";
import { anySecret } from "./secret-access.ts";
import type { GetRandomPasswordRequest, GetRandomPasswordResponse } from "./shapes.gen.ts";

const DEFAULT_LENGTH = 32;
const LOWERCASE = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE = LOWERCASE.toUpperCase();
const NUMBERS = "0123456789";
const PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

export const getRandomPassword = operation<GetRandomPasswordRequest, GetRandomPasswordResponse>({
  name: "GetRandomPassword",
  support: "supported",
  source: reference("GetRandomPassword"),
  authorize: () => [anySecret("secretsmanager:GetRandomPassword")],
  errors: [passwordTooShort, typeExcluded, allExcluded],
  run(input, { ids }) {
    const length = input.PasswordLength ?? DEFAULT_LENGTH;
    const types = typesOf(input);
    const all = types.join("");
    const required = (input.RequireEachIncludedType ?? true) ? types : [];
    if (required.includes("")) throw typeExcluded();
    if (all === "") throw allExcluded();
    if (length < required.length) throw passwordTooShort();
    const characters = required.map((type) => pick(ids, type));
    while (characters.length < length) characters.push(pick(ids, all));
    return { RandomPassword: shuffled(ids, characters).join("") };
  },
});

/** The types of characters, with those that are left of each. */
function typesOf(input: GetRandomPasswordRequest): string[] {
  const included = [
    ...(input.ExcludeLowercase ? [] : [LOWERCASE]),
    ...(input.ExcludeUppercase ? [] : [UPPERCASE]),
    ...(input.ExcludeNumbers ? [] : [NUMBERS]),
    ...(input.ExcludePunctuation ? [] : [PUNCTUATION]),
    ...(input.IncludeSpace ? [" "] : []),
  ];
  const excluded = new Set(input.ExcludeCharacters ?? "");
  return included.map((type) => [...type].filter((one) => !excluded.has(one)).join(""));
}

const pick = (ids: Ids, characters: string): string => characters.charAt(below(ids, characters.length));

const UINT32_VALUES = 2 ** 32;

/** A number below `limit`; the last values of the range are thrown away so that none is likelier. */
function below(ids: Ids, limit: number): number {
  const fair = UINT32_VALUES - (UINT32_VALUES % limit);
  for (;;) {
    const value = ids.bytes(4).readUInt32BE(0);
    if (value < fair) return value % limit;
  }
}

function shuffled(ids: Ids, items: readonly string[]): string[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = below(ids, last + 1);
    [result[last], result[other]] = [result[other] as string, result[last] as string];
  }
  return result;
}
