/**
 * Who sends a request while keys are taken leniently (control API): whoever it says, as root. Neither key, signature, date
 * nor session token is looked at; what is not a signed request at all is refused as ever. The region still counts, and S3's
 * bodies still come out of their envelope, without anybody checking the signatures of their chunks.
 */
import { type AwsScope, isRegionName } from "../core/arn.ts";
import type { Principal } from "../core/aws.ts";
import { percentDecoded } from "../core/percent-decoded.ts";
import { isQueryService } from "../services/index.ts";
import { faultOf, missingToken } from "./errors.ts";
import type { Caller, Exchange } from "./exchange.ts";
import { accessDenied } from "./s3-errors.ts";

const CREDENTIAL = /Credential=([^,&\s]+)/i;
/** Signature Version 2: a key without a scope. */
const KEY_ALONE = /(?:^AWS ([^:\s]+):|AWSAccessKeyId=([^&]+))/i;
/** AWS: of an access key's id. */
const MAX_KEY_LENGTH = 128;

/** Throws for a request without a key. */
export function lenientCaller(
  exchange: Exchange,
  root: Principal,
  scopeOf: (region: string) => AwsScope,
  defaults: { readonly scope: AwsScope },
): Caller {
  const { headers } = exchange.request;
  const signedBy = headers.authorization ?? exchange.query;
  const credential = percentDecoded(CREDENTIAL.exec(signedBy)?.[1] ?? "").split("/");
  const alone = KEY_ALONE.exec(signedBy);
  // It is shown in terminals (`kiln requests`) and kept: nobody has checked what it is.
  const accessKeyId = (credential[0] || percentDecoded(alone?.[1] ?? alone?.[2] ?? ""))
    .replace(/[^!-~]/g, "?")
    .slice(0, MAX_KEY_LENGTH);
  const isS3 = exchange.target?.service === "s3";
  if (accessKeyId === "") {
    const isQuery = isQueryService(exchange.target?.service ?? "");
    throw isS3 ? accessDenied() : faultOf(missingToken, isQuery, "Request is missing Authentication Token");
  }
  const region = isRegionName(credential[2] ?? "") ? (credential[2] as string) : defaults.scope.region;
  const caller = { principal: root, accessKeyId, scope: scopeOf(region), isLenient: true };
  if (!isS3) return caller;
  const contentHash = String(headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD");
  return {
    ...caller,
    s3: {
      contentHash: contentHash.replace(/^STREAMING-AWS4-[A-Z0-9-]*?-PAYLOAD/, "STREAMING-UNSIGNED-PAYLOAD"),
      signing: undefined,
      conditionKeys: {},
    },
  };
}
