/**
 * Access key ids carry their account: behind the four letters, 16 base32 characters are 80 bits, of which bits 1 to 40
 * are the account id. Bit 0 is set in ids made since 2019; older ids carry nothing.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html (AWS answers from the id); the
 * layout itself is public knowledge, from ids of known accounts.
 */
import { BASE32, type Ids } from "../core/ids.ts";

const KEY_ID = /^[A-Z]{4}([A-Z2-7]{16})$/;
const ACCOUNT_BITS = 40n;
/** Bits behind the account. */
const RANDOM_BITS = 39n;
const RANDOM_BYTES = 5;
const NEW_LAYOUT = 1n << (ACCOUNT_BITS + RANDOM_BITS);
const MAX_ACCOUNT = 999_999_999_999n;

/** `AKIA…` for a user's long-term key, `ASIA…` for temporary credentials. */
export function newAccessKeyId(ids: Ids, prefix: "AKIA" | "ASIA", accountId: string): string {
  const random = BigInt(`0x${ids.bytes(RANDOM_BYTES).toString("hex")}`) & ((1n << RANDOM_BITS) - 1n);
  let bits = NEW_LAYOUT | (BigInt(accountId) << RANDOM_BITS) | random;
  let text = "";
  for (let i = 0; i < 16; i++) {
    text = BASE32.charAt(Number(bits & 31n)) + text;
    bits >>= 5n;
  }
  return prefix + text;
}

/** The account that an access key id carries; undefined for ids of the old layout and for what is no id. */
export function accountOfAccessKeyId(accessKeyId: string): string | undefined {
  const [, text] = KEY_ID.exec(accessKeyId) ?? [];
  if (text === undefined) return undefined;
  let bits = 0n;
  for (const character of text) bits = (bits << 5n) | BigInt(BASE32.indexOf(character));
  if ((bits & NEW_LAYOUT) === 0n) return undefined;
  const account = (bits ^ NEW_LAYOUT) >> RANDOM_BITS;
  return account > MAX_ACCOUNT ? undefined : String(account).padStart(12, "0");
}
