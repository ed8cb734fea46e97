/** A self-signed certificate for 127.0.0.1, made anew for each test run: no private key lies in the repository. */
import { generateKeyPairSync, sign } from "node:crypto";

export interface TestCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const time = (text: string): Buffer => tlv(0x17, Buffer.from(text));
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tlv(0x04, value));

export function makeSelfSigned(): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const name = sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from("127.0.0.1")))));
  const extensions = sequence(
    extension("551d13", sequence(tlv(0x01, Buffer.from([0xff])))), // basicConstraints: CA
    extension("551d11", sequence(tlv(0x87, Buffer.from([127, 0, 0, 1])))), // subjectAltName: the address
  );
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // version 3
    tlv(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(time("200101000000Z"), time("491231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, extensions),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const der = sequence(body, algorithm, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${der.replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  };
}
