import { logs } from "../../src/services/logs/index.ts";
import { describeConditionKeys, type KeyedCall } from "./describe-condition-keys.ts";

const REQUEST: KeyedCall["keys"] = [
  ["aws:RequestTag/class", "open", "secret"],
  ["aws:TagKeys", "class", "team"],
];
const RESOURCE: KeyedCall["keys"] = [
  ["aws:ResourceTag/team", "blue", "red"],
  ["aws:ResourceAccount", "{account}", "444455556666"],
];
const ARN = "arn:aws:logs:us-east-1:{account}:log-group:/app";
const tags = { class: "open" };

const onGroup = (operation: string, input: object = {}, keys: KeyedCall["keys"] = []): KeyedCall => ({
  action: `logs:${operation}`,
  operation,
  input: { logGroupName: "/app", ...input },
  keys: [...RESOURCE, ...keys],
});

describeConditionKeys({
  service: "logs",
  services: () => [logs],
  preparations: [
    { service: "logs", operation: "CreateLogGroup", input: { logGroupName: "/app", tags: { team: "blue" } } },
    { service: "logs", operation: "CreateLogStream", input: { logGroupName: "/app", logStreamName: "s" } },
  ],
  calls: [
    ...["logs:CreateLogGroup", "logs:TagResource"].map((action) => ({
      action,
      operation: "CreateLogGroup",
      input: { logGroupName: "/new", tags },
      keys: REQUEST,
    })),
    onGroup("PutRetentionPolicy", { retentionInDays: 1 }),
    onGroup("DeleteRetentionPolicy"),
    onGroup("CreateLogStream", { logStreamName: "s" }),
    onGroup("PutLogEvents", { logStreamName: "s", logEvents: [{ timestamp: 0, message: "x" }] }),
    onGroup("GetLogEvents", { logStreamName: "s" }),
    onGroup("FilterLogEvents"),
    onGroup("DescribeLogStreams"),
    onGroup("TagLogGroup", { tags }, REQUEST),
    onGroup("UntagLogGroup", { tags: ["class"] }, [["aws:TagKeys", "class", "team"]]),
    onGroup("TagResource", { logGroupName: undefined, resourceArn: ARN, tags }, REQUEST),
    onGroup("UntagResource", { logGroupName: undefined, resourceArn: ARN, tagKeys: ["class"] }, [
      ["aws:TagKeys", "class", "team"],
    ]),
    onGroup("ListTagsForResource", { logGroupName: undefined, resourceArn: ARN }),
  ],
});
