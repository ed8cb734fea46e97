/** A minimal SigV4 signer for load generators: one fixed request, signed once, valid for five minutes; calls of IAM. */
import { createHash, createHmac } from "node:crypto";
import { request } from "node:http";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Headers of a signed POST to `/`: awsJson 1.1 with a `target`, the query protocol without. */
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
  const headers = {
    "content-type": target === undefined ? "application/x-www-form-urlencoded" : "application/x-amz-json-1.1",
    host,
    "x-amz-date": date,
    ...(target !== undefined && { "x-amz-target": target }),
  };
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

/** The answer of an operation of IAM, called as root: XML. */
export async function callIam(url, operation, input = {}) {
  const body = new URLSearchParams({ Action: operation, Version: "2010-05-08", ...input }).toString();
  const { status, text } = await post(url, signedHeaders({ host: new URL(url).host, service: "iam", body }), body);
  if (status !== 200) throw new Error(`${operation} answered ${status}: ${text}`);
  return text;
}

/** One request on a connection of its own. */
export function post(url, headers, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers, agent: false }, (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (chunk) => {
          text += chunk;
        })
        .on("end", () => resolve({ status: response.statusCode, text }));
    });
    outgoing.on("error", reject).end(body);
  });
}
