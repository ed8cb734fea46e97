/** A minimal SigV4 signer for load generators: one fixed awsJson request, signed once, valid for five minutes. */
import { createHash, createHmac } from "node:crypto";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Headers of a signed awsJson 1.1 POST to `/`. */
export function signedHeaders({
  host,
  service,
  target,
  body,
  accessKeyId = "test",
  secretAccessKey = "test",
  region = "us-east-1",
}) {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const headers = { "content-type": "application/x-amz-json-1.1", host, "x-amz-date": date, "x-amz-target": target };
  const names = Object.keys(headers).sort();
  const canonical = [
    "POST",
    "/",
    "",
    ...names.map((n) => `${n}:${headers[n]}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const key = [date.slice(0, 8), region, service, "aws4_request"].reduce(hmac, `AWS4${secretAccessKey}`);
  const signature = createHmac("sha256", key)
    .update(["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n"))
    .digest("hex");
  return {
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}
