/**
 * What leads to this machine and to no other: for whoever listens, calls or trusts on this machine only. Also for texts of
 * strangers (a Host header, a URL in a state folder): a name that only begins like an address is none.
 * Sources: https://www.rfc-editor.org/rfc/rfc6890#section-2.2.2, https://www.rfc-editor.org/rfc/rfc6761#section-6.3
 */

const IPV4 = /^127(?:\.\d{1,3}){3}$/;

/** How a socket that takes both kinds of addresses shows one of IPv4. */
const MAPPED = "::ffff:";

/** An IPv4 address as such; any other as it is. */
export const unmappedAddress = (address: string): string =>
  address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;

/** Of an IP address without brackets, as sockets give it. */
export const isLoopbackAddress = (address: string): boolean => address === "::1" || IPV4.test(unmappedAddress(address));

/**
 * Of a host as in a URL: lower case, without a port, IPv6 with or without brackets. Names below `localhost` are left out:
 * who resolves them may ask a DNS server.
 */
export const isLoopbackHost = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || isLoopbackAddress(host);

/** Of a host to listen on: below `localhost`, too, there is nothing that another machine reaches. */
export const isLoopbackListener = (host: string): boolean => isLoopbackHost(host) || host.endsWith(".localhost");
