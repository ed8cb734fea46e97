/**
 * Why a git server's certificate is not trusted, in the words of OpenSSL, which CodeBuild's git has and its failures show.
 * A git with GnuTLS (Debian, Ubuntu) says for every such reason that the verification failed; then the server is asked
 * once more, for its certificate only.
 */
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";

const UNSAID = /server (?:certificate )?verification failed/i;
const TIMEOUT_MS = 5000;
/** Node's codes are OpenSSL's names for the texts that OpenSSL prints. */
const TEXTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "self signed certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "self signed certificate in certificate chain",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unable to get local issuer certificate",
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not yet valid",
};

/** git's message, with OpenSSL's reason where GnuTLS has given none. */
export async function withTlsReason(message: string, url: string, caBundle: string | undefined): Promise<string> {
  const server = UNSAID.test(message) && URL.canParse(url) ? new URL(url) : undefined;
  if (server?.protocol !== "https:") return message;
  const code = await verificationCode(server, caBundle);
  const text = TEXTS[code ?? ""];
  return text === undefined ? message : `fatal: unable to access '${url}': SSL certificate problem: ${text}`;
}

async function verificationCode({ hostname, port }: URL, caBundle: string | undefined): Promise<string | undefined> {
  const ca = caBundle === undefined ? undefined : await readFile(caBundle, "utf8");
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port) || 443,
      ...(ca === undefined ? {} : { ca }),
      // A name of the server, not an address: TLS has no other.
      ...(/[a-z]/i.test(host) && !host.includes(":") ? { servername: host } : {}),
      // Nothing is sent: the answer is looked at and the connection ends.
      rejectUnauthorized: false,
    });
    const end = (code?: string): void => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(TIMEOUT_MS, () => end());
    socket.once("error", () => end());
    socket.once("secureConnect", () => {
      const { authorizationError } = socket as { authorizationError?: Error | string | null };
      const code = authorizationError instanceof Error ? (authorizationError as NodeJS.ErrnoException).code : undefined;
      end(code ?? (typeof authorizationError === "string" ? authorizationError : undefined));
    });
  });
}
