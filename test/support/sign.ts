/** Signs requests by hand, for requests that no client can make: forged, late, incomplete. */
import { createHmac } from "node:crypto";
import { basicDate, canonicalRequest, deriveSigningKey, sha256Hex, stringToSign } from "../../src/endpoint/sigv4.ts";

export interface RequestToSign {
  readonly url: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly service: string;
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly atMs: number;
}

/** The headers of a correctly signed request, `Authorization` and `Host` included. */
export function signedHeaders(request: RequestToSign): Record<string, string> {
  const { method = "POST", body = "", region = "us-east-1" } = request;
  const date = basicDate(request.atMs);
  const headers: Record<string, string> = {
    ...request.headers,
    host: new URL(request.url).host,
    "x-amz-date": date,
    ...(request.sessionToken !== undefined && { "x-amz-security-token": request.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const scope = { date: date.slice(0, 8), region, service: request.service };
  const [path = "/", query = ""] = (request.path ?? "/").split("?");
  const canonical = canonicalRequest({
    method,
    path,
    query,
    signedHeaders: names,
    header: (name) => headers[name] ?? "",
    payloadHash: sha256Hex(body),
  });
  const key = deriveSigningKey(request.secretAccessKey ?? "test", scope);
  const signature = createHmac("sha256", key)
    .update(stringToSign(date, scope, canonical))
    .digest("hex");
  const credential = `${request.accessKeyId ?? "test"}/${scope.date}/${region}/${request.service}/aws4_request`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}
