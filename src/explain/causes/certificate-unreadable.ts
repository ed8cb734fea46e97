/** The certificate for git servers cannot be had or used (T23); the ACL of a bucket cannot be read (T15, in AWS's logs only). */
import type { Cause, Finding } from "../cause.ts";
import { decisionEvidence, findDenial, serviceRoleName } from "../denial.ts";
import { whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";
import { allow, fieldOf } from "./source-parts.ts";

const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";

export const certificateUnreadable: Cause = {
  id: "s3/certificate-unreadable",
  sources: [TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const unusable = /^the certificate `(.*)` cannot be used: (.*)$/.exec(failure.message);
    if (unusable) {
      return {
        cause: failure.message,
        ...fieldOf("environment.certificate", unusable[1]),
        evidence: [failure.message],
        next: "store it in PEM form, alone or in a ZIP file, and name it as `bucket/key`",
        confidence: "certain",
      };
    }
    const reason = /^Unable to download certificate from S3\.\s*([\s\S]*)$/.exec(failure.message)?.[1];
    if (reason === undefined) return undefined;
    const denial = findDenial(reason);
    const role = serviceRoleName(facts, denial);
    const base = {
      ...fieldOf("environment.certificate", facts.build.environment?.certificate),
      evidence: [firstLine(failure.message), ...(denial ? decisionEvidence(facts.decisions, denial) : [])],
    };
    if (denial) {
      return {
        ...base,
        cause: `the service role \`${role}\` may not read the certificate of the project: ${whyDenied(denial)}`,
        ...allow(facts, denial, {
          title: "allow reading this certificate, and nothing else",
          role,
          policyName: "kiln-read-certificate",
          sid: "ReadCertificate",
        }),
        confidence: "certain",
      };
    }
    return {
      ...base,
      cause: `the certificate of the project cannot be had from S3: ${firstLine(reason) || "no reason is given"}`,
      why: "the bucket or the key is wrong, or the role may not read it",
      next: "name it as `bucket/key` in `environment.certificate`, and allow `s3:GetObject` on it to the service role",
      confidence: "likely",
    };
  },
};

export const bucketAclUnreadable: Cause = {
  id: "s3/bucket-acl-unreadable",
  sources: [TROUBLESHOOTING],
  match(failure, facts): Finding | undefined {
    const said = [failure.message, ...failure.output].find((line) => line.includes("Error calling GetBucketAcl"));
    if (said === undefined) return undefined;
    return {
      cause: `the service role \`${serviceRoleName(facts)}\` may not look whom the bucket belongs to, or its owner has changed`,
      evidence: [firstLine(said)],
      why: "CodeBuild compares the bucket's owner with the one it knew when the project was made",
      next: "allow `s3:GetBucketAcl` and `s3:GetBucketLocation` on the bucket to the service role; if the owner changed, save the project again",
      confidence: "likely",
    };
  },
};
