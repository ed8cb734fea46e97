/** The certificate for git servers cannot be had or used (T23); the ACL of a bucket cannot be read (T15, in AWS's logs only). */
import type { Cause, Finding } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, serviceRoleName } from "../denial.ts";
import { whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";
import { allow, bucketOf, bucketPath, fieldOf } from "./source-parts.ts";

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
    const certificate = facts.build.environment?.certificate;
    if (/^AccessDenied\b/.test(reason) && certificate) {
      const resource = `arn:aws:s3:::${bucketPath(certificate)}`;
      const refused = {
        principalArn: "",
        action: "s3:GetObject",
        resource,
        isExplicit: false,
        policyType: "identity",
        sentence: reason,
      } as const;
      return {
        ...base,
        cause: `the service role \`${role}\` may not read the certificate of the project \`s3://${bucketPath(certificate)}\`, or it is not there`,
        evidence: [...base.evidence, ...decisionEvidence(facts.decisions, refused)],
        ...allow(facts, refused, {
          title: "allow reading this certificate, and nothing else",
          role,
          policyName: "kiln-read-certificate",
          sid: "ReadCertificate",
        }),
        next: `see whether bucket and key are right: \`aws s3 ls s3://${bucketPath(certificate)}\`; S3 denies what is not there to those who may not list the bucket`,
        confidence: "likely",
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
    const lines = facts.events.flatMap((event) =>
      event.type === "log" && event.kind === "container" ? [event.text] : [],
    );
    const said = [failure.message, ...failure.output, ...lines].find((line) =>
      line.includes("Error calling GetBucketAcl"),
    );
    if (said === undefined) return undefined;
    const bucket =
      bucketOf(
        facts.build.source?.type === "S3"
          ? (facts.build.source.location ?? "")
          : (facts.build.artifacts?.location ?? ""),
      ) || "BUCKET";
    return {
      ...fieldOf("source.location", facts.build.source?.type === "S3" ? facts.build.source.location : undefined),
      fix: policyFix(
        "allow looking whom this bucket belongs to, and nothing else",
        serviceRoleName(facts),
        "kiln-see-bucket",
        [
          {
            Sid: "SeeBucketOwner",
            Effect: "Allow",
            Action: ["s3:GetBucketAcl", "s3:GetBucketLocation"],
            Resource: [`arn:aws:s3:::${bucket}`],
          },
        ],
      ),
      cause: `the service role \`${serviceRoleName(facts)}\` may not look whom the bucket belongs to, or its owner has changed`,
      evidence: [firstLine(said)],
      why: "CodeBuild compares the bucket's owner with the one it knew when the project was made",
      next: "if the role has that already, the bucket's owner has changed: verify it, then save the project again",
      confidence: "likely",
    };
  },
};
