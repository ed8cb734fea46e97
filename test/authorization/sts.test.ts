import { iam } from "../../src/services/iam/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { trusting } from "../support/policy-documents.ts";
import { describeAuthorization } from "./describe-authorization.ts";

const TRUST = trusting(
  { AWS: "111122223333" },
  { Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] },
);
const SESSION = { RoleArn: "arn:aws:iam::{account}:role/target", RoleSessionName: "session" };

/** AWS: one statement for the three actions of AssumeRole is judged by all that the request says. */
const alsoTold = (action: string, keys: readonly string[]) =>
  keys.map((key) => ({ action, key, why: "trust policies have one statement for the actions of one AssumeRole" }));

describeAuthorization({
  service: "sts",
  services: () => [iam, sts],
  preparations: [
    {
      service: "iam",
      operation: "CreateRole",
      input: { RoleName: "target", AssumeRolePolicyDocument: TRUST, Tags: [{ Key: "team", Value: "blue" }] },
    },
    { service: "iam", operation: "CreateUser", input: { UserName: "ann" } },
    {
      service: "iam",
      operation: "CreateAccessKey",
      input: { UserName: "ann" },
      keep: { key: "AccessKey.AccessKeyId" },
    },
  ],
  steps: [
    { operation: "GetCallerIdentity", asks: [] },
    {
      operation: "AssumeRole",
      input: { ...SESSION, ExternalId: "12" },
      asks: ["sts:AssumeRole arn:aws:iam::{account}:role/target"],
    },
    {
      operation: "AssumeRole",
      about: "with tags and a source identity",
      input: {
        ...{ ...SESSION, Tags: [{ Key: "team", Value: "blue" }], TransitiveTagKeys: ["team"] },
        SourceIdentity: "ann",
      },
      asks: [
        "sts:AssumeRole arn:aws:iam::{account}:role/target",
        "sts:TagSession arn:aws:iam::{account}:role/target",
        "sts:SetSourceIdentity arn:aws:iam::{account}:role/target",
      ],
    },
    { operation: "GetSessionToken", as: "user", asks: [] },
    {
      operation: "GetFederationToken",
      as: "user",
      input: { Name: "bob" },
      asks: ["sts:GetFederationToken arn:aws:sts::{account}:federated-user/bob"],
    },
    {
      operation: "GetFederationToken",
      as: "user",
      about: "with tags",
      input: { Name: "bob", Tags: [{ Key: "team", Value: "blue" }] },
      asks: [
        "sts:GetFederationToken arn:aws:sts::{account}:federated-user/bob",
        "sts:TagSession arn:aws:sts::{account}:federated-user/bob",
      ],
    },
    {
      operation: "GetAccessKeyInfo",
      input: { AccessKeyId: "{key}" },
      asks: ["sts:GetAccessKeyInfo *"],
    },
    {
      operation: "DecodeAuthorizationMessage",
      input: { EncodedMessage: "x" },
      asks: ["sts:DecodeAuthorizationMessage *"],
      fails: "InvalidAuthorizationMessageException",
    },
  ],
  surprises: [
    ...alsoTold("sts:TagSession", ["sts:RoleSessionName", "sts:SourceIdentity"]),
    ...alsoTold("sts:SetSourceIdentity", ["sts:RoleSessionName", "sts:TransitiveTagKeys", "aws:TagKeys"]),
    ...alsoTold("sts:SetSourceIdentity", ["aws:RequestTag/team"]),
    {
      action: "sts:TagSession",
      resource: /^arn:aws:sts::\d+:federated-user\/bob$/,
      why: "the table knows of roles only: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html",
    },
  ],
});
