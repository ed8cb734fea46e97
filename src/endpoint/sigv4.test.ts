import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemIds } from "../core/ids.ts";
import {
  basicDate,
  canonicalRequest,
  deriveSigningKey,
  parseBasicDate,
  type SignedParts,
  SigningKey,
  SigningKeys,
  sha256Hex,
  stringToSign,
} from "./sigv4.ts";

// AWS's published example: IAM ListUsers in the General Reference and the IAM user guide.
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE = { date: "20150830", region: "us-east-1", service: "iam" };
const LIST_USERS: SignedParts = {
  method: "GET",
  path: "/",
  query: "Action=ListUsers&Version=2010-05-08",
  signedHeaders: ["content-type", "host", "x-amz-date"],
  header: (name) =>
    ({
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      host: "iam.amazonaws.com",
      "x-amz-date": "20150830T123600Z",
    })[name] ?? "",
  payloadHash: sha256Hex(""),
};

const withPath = (path: string): string => canonicalRequest({ ...LIST_USERS, path }).split("\n")[1] ?? "";
const withQuery = (query: string): string => canonicalRequest({ ...LIST_USERS, query }).split("\n")[2] ?? "";

describe("the published example", () => {
  it("gives the published canonical request hash", () => {
    expect(sha256Hex(canonicalRequest(LIST_USERS))).toBe(
      "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
    );
  });

  it("gives the published string to sign", () => {
    expect(stringToSign("20150830T123600Z", SCOPE, canonicalRequest(LIST_USERS))).toBe(
      "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
    );
  });

  it("gives the published signing key", () => {
    expect(deriveSigningKey(SECRET, SCOPE).toString("hex")).toBe(
      "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9",
    );
  });

  it("accepts the published signature and no other", () => {
    const text = stringToSign("20150830T123600Z", SCOPE, canonicalRequest(LIST_USERS));
    const signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    const key = new SigningKey(deriveSigningKey(SECRET, SCOPE));
    expect(key.matches(text, signature)).toBe(true);
    expect(key.matches(text, signature.replace("5", "6"))).toBe(false);
    expect(new SigningKey(deriveSigningKey("other", SCOPE)).matches(text, signature)).toBe(false);
    for (const wrong of ["", `${signature}00`, signature.slice(2), "g".repeat(64), "\u0135".repeat(64)]) {
      expect(key.matches(text, wrong)).toBe(false);
    }
    expect(key.matches(text, signature)).toBe(true);
  });
});

describe("the canonical request", () => {
  it("encodes each path segment once more", () => {
    expect(withPath("/a%20b/c")).toBe("/a%2520b/c");
    expect(withPath("/docs/it's(1)")).toBe("/docs/it%27s%281%29");
  });

  it("drops dots and empty segments and keeps the slash at the end", () => {
    expect(withPath("")).toBe("/");
    expect(withPath("//a/./b/../c/")).toBe("/a/c/");
    expect(withPath("/..")).toBe("/");
  });

  it("sorts parameters by encoded text, completes bare names and leaves out the signature", () => {
    expect(withQuery("b=2&a=2&a=1&uploads&X-Amz-Signature=ab")).toBe("a=1&a=2&b=2&uploads=");
  });

  it("trims header values and collapses inner spaces", () => {
    const parts = { ...LIST_USERS, signedHeaders: ["x-text"], header: () => "  a   b  c " };
    expect(canonicalRequest(parts)).toContain("\nx-text:a b c\n");
  });
});

describe("SigningKeys", () => {
  it("derives again when the secret of an access key changes", () => {
    const keys = new SigningKeys();
    const first = keys.keyFor("AKIA", "one", SCOPE);
    expect(keys.keyFor("AKIA", "one", SCOPE)).toBe(first);
    expect(keys.keyFor("AKIA", "two", SCOPE)).not.toBe(first);
  });
});

describe("dates", () => {
  it("reads back every date it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (second) => {
        expect(parseBasicDate(basicDate(second * 1000))).toBe(second * 1000);
      }),
    );
  });

  it("takes nothing else for a date", () => {
    for (const text of ["", "2015-08-30T12:36:00Z", "20150830", "20150830T123600", "yesterday"]) {
      expect(parseBasicDate(text)).toBeUndefined();
    }
  });
});

describe("SigningKey", () => {
  it("makes the HMAC of Node for texts of any length and alphabet", () => {
    const key = systemIds.bytes(32);
    const verifier = new SigningKey(key);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        expect(verifier.matches(text, createHmac("sha256", key).update(text).digest("hex"))).toBe(true);
      }),
    );
  });
});

describe("any request", () => {
  it("verifies with the key it was signed with, and not once a part has changed", () => {
    const text = fc.string({ maxLength: 30 });
    fc.assert(
      fc.property(text, text, text, (secret, body, value) => {
        const parts = { ...LIST_USERS, header: () => value, payloadHash: sha256Hex(body) };
        const signed = stringToSign("20150830T123600Z", SCOPE, canonicalRequest(parts));
        const key = deriveSigningKey(secret, SCOPE);
        const signature = createHmac("sha256", key).update(signed).digest("hex");
        const changed = { ...parts, payloadHash: sha256Hex(`${body}!`) };
        const verifier = new SigningKey(key);
        expect(verifier.matches(signed, signature)).toBe(true);
        const other = stringToSign("20150830T123600Z", SCOPE, canonicalRequest(changed));
        expect(verifier.matches(other, signature)).toBe(false);
      }),
    );
  });
});
