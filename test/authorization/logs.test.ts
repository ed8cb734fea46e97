import { logs } from "../../src/services/logs/index.ts";
import { describeAuthorization, type Step } from "./describe-authorization.ts";

const GROUP = { logGroupName: "/app" };
const ARN = "arn:aws:logs:us-east-1:{account}:log-group:/app";

/** AWS: group-level actions are asked on the streams of the group, all and none of them. */
const onGroup = (operation: string, input: object = {}, fails?: string): Step => ({
  operation,
  input: { ...GROUP, ...input },
  asks: [`logs:${operation} log-group:/app:log-stream:`],
  ...(fails !== undefined && { fails }),
});

const onStream = (operation: string, input: object = {}): Step => ({
  operation,
  input: { ...GROUP, logStreamName: "s", ...input },
  asks: [`logs:${operation} log-group:/app:log-stream:s`],
});

const onTags = (operation: string, input: object): Step => ({
  operation,
  input,
  asks: [`logs:${operation} log-group:/app`],
});

describeAuthorization({
  service: "logs",
  services: () => [logs],
  steps: [
    onGroup("CreateLogGroup"),
    {
      operation: "CreateLogGroup",
      about: "with tags",
      input: { logGroupName: "/tagged", tags: { team: "blue" } },
      asks: ["logs:CreateLogGroup log-group:/tagged:log-stream:", "logs:TagResource log-group:/tagged"],
    },
    { operation: "DescribeLogGroups", asks: ["logs:DescribeLogGroups log-group::log-stream:"] },
    onGroup("PutRetentionPolicy", { retentionInDays: 1 }),
    onGroup("DeleteRetentionPolicy"),
    onGroup("AssociateKmsKey", { kmsKeyId: "no ARN" }, "InvalidParameterException"),
    onGroup("DisassociateKmsKey"),
    {
      operation: "DisassociateKmsKey",
      about: "by ARN",
      input: { resourceIdentifier: ARN },
      asks: ["logs:DisassociateKmsKey log-group:/app:log-stream:"],
    },
    {
      operation: "PutLogGroupDeletionProtection",
      input: { logGroupIdentifier: ARN, deletionProtectionEnabled: false },
      asks: ["logs:PutLogGroupDeletionProtection log-group:/app:log-stream:"],
    },
    {
      operation: "StartLiveTail",
      about: "of two groups",
      input: { logGroupIdentifiers: [ARN, "arn:aws:logs:us-east-1:{account}:log-group:/tagged"] },
      asks: ["logs:StartLiveTail log-group:/app:log-stream:", "logs:StartLiveTail log-group:/tagged:log-stream:"],
    },
    onStream("CreateLogStream"),
    onStream("PutLogEvents", { logEvents: [{ timestamp: 0, message: "x" }] }),
    onStream("GetLogEvents"),
    {
      operation: "GetLogEvents",
      about: "by ARN",
      input: { logGroupIdentifier: ARN, logStreamName: "s" },
      asks: ["logs:GetLogEvents log-group:/app:log-stream:s"],
    },
    {
      operation: "GetLogEvents",
      about: "of another region",
      input: { logGroupIdentifier: "arn:aws:logs:eu-west-1:{account}:log-group:/app", logStreamName: "s" },
      asks: ["logs:GetLogEvents arn:aws:logs:eu-west-1:{account}:log-group:/app:log-stream:s"],
      fails: "ResourceNotFoundException",
    },
    onGroup("DescribeLogStreams"),
    onGroup("FilterLogEvents"),
    {
      operation: "FilterLogEvents",
      about: "unmasked",
      input: { ...GROUP, unmask: true },
      asks: ["logs:FilterLogEvents log-group:/app:log-stream:", "logs:Unmask log-group:/app:log-stream:"],
    },
    {
      operation: "GetLogEvents",
      about: "unmasked",
      input: { ...GROUP, logStreamName: "s", unmask: true },
      asks: ["logs:GetLogEvents log-group:/app:log-stream:s", "logs:Unmask log-group:/app:log-stream:"],
    },
    onTags("TagResource", { resourceArn: ARN, tags: { team: "blue" } }),
    onTags("ListTagsForResource", { resourceArn: ARN }),
    onTags("UntagResource", { resourceArn: ARN, tagKeys: ["team"] }),
    onGroup("TagLogGroup", { tags: { team: "blue" } }),
    onGroup("ListTagsLogGroup"),
    onGroup("UntagLogGroup", { tags: ["team"] }),
    onStream("DeleteLogStream"),
    onGroup("DeleteLogGroup"),
  ],
  surprises: [
    {
      action: "logs:DescribeLogGroups",
      resource: /:log-group::log-stream:$/,
      why: "listing is asked on a group without a name",
    },
  ],
});
