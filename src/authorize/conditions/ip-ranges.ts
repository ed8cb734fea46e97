/** Addresses and CIDR ranges of the IpAddress operators. IPv4 and IPv6 never match each other. */

export interface IpRange {
  readonly bits: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;
}

/** `203.0.113.0/24`, `2001:db8::/32`; without a prefix one address. Undefined when the text is neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const [host = "", prefix, ...rest] = text.split("/");
  if (rest.length > 0) return undefined;
  const bits = host.includes(":") ? 128 : 32;
  const address = bits === 32 ? parseIpv4(host) : parseIpv6(host);
  if (address === undefined) return undefined;
  if (prefix === undefined) return { bits, address, prefix: bits };
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return undefined;
  return { bits, address, prefix: Number(prefix) };
}

/** True when `address`, or all of it when it is a range itself, lies in `range`. */
export function isInRange(address: IpRange, range: IpRange): boolean {
  if (address.bits !== range.bits || address.prefix < range.prefix) return false;
  const shift = BigInt(range.bits - range.prefix);
  return address.address >> shift === range.address >> shift;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

const IPV6_GROUPS = 8;

function parseIpv6(text: string): bigint | undefined {
  // The last two groups may be written as an IPv4 address.
  const lastColon = text.lastIndexOf(":");
  const embedded = text.includes(".") ? parseIpv4(text.slice(lastColon + 1)) : 0n;
  if (embedded === undefined) return undefined;
  const groupsText = text.includes(".") ? `${text.slice(0, lastColon + 1)}0:0` : text;
  const halves = groupsText.split("::");
  if (halves.length > 2) return undefined;
  const [before = [], after = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = IPV6_GROUPS - before.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n) + embedded;
}
