/**
 * Services that have service-linked roles: what the role is called and which of AWS's policies it carries. Those around
 * builds and deployments; the documents of the policies come with all of AWS's policies (identity/).
 * Sources: the page on service-linked roles in each service's guide, listed on
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
 * Gaps: other services; the description that AWS gives a role is known for few.
 */

export interface LinkedService {
  readonly roleName: string;
  /** Name of the managed policy in `/aws-service-role/`. */
  readonly policyName: string;
  readonly description?: string;
  /** True when several roles may be made, told apart by a suffix. */
  readonly takesSuffix?: boolean;
}

const row = (roleName: string, policyName: string, more: Partial<LinkedService> = {}): LinkedService => ({
  roleName: `AWSServiceRoleFor${roleName}`,
  policyName,
  ...more,
});

const scaling = (target: string, policyName: string) =>
  row(`ApplicationAutoScaling_${target}`, `AWSApplicationAutoscaling${policyName}Policy`);

/** By service principal. */
export const LINKED_SERVICES: ReadonlyMap<string, LinkedService> = new Map(
  Object.entries({
    "apprunner.amazonaws.com": row("AppRunner", "AppRunnerServiceRolePolicy"),
    "autoscaling.amazonaws.com": row("AutoScaling", "AutoScalingServiceRolePolicy", {
      description:
        "Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling",
      takesSuffix: true,
    }),
    "batch.amazonaws.com": row("Batch", "BatchServiceRolePolicy"),
    "cks.kms.amazonaws.com": row(
      "KeyManagementServiceCustomKeyStores",
      "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
    ),
    "codeguru-reviewer.amazonaws.com": row("AmazonCodeGuruReviewer", "AmazonCodeGuruReviewerServiceRolePolicy"),
    "codestar-notifications.amazonaws.com": row("CodeStarNotifications", "AWSCodeStarNotificationsServiceRolePolicy"),
    "config.amazonaws.com": row("Config", "AWSConfigServiceRolePolicy"),
    "delivery.logs.amazonaws.com": row("LogDelivery", "AWSServiceRoleForLogDeliveryPolicy"),
    "dynamodb.application-autoscaling.amazonaws.com": scaling("DynamoDBTable", "DynamoDBTable"),
    "ecr.amazonaws.com": row("ECRTemplate", "ECRTemplateServiceRolePolicy"),
    "ecs.amazonaws.com": row("ECS", "AmazonECSServiceRolePolicy", {
      description: "Role to enable Amazon ECS to manage your cluster.",
    }),
    "ecs.application-autoscaling.amazonaws.com": scaling("ECSService", "ECSService"),
    "eks-fargate.amazonaws.com": row("AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    "eks-nodegroup.amazonaws.com": row("AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "eks.amazonaws.com": row("AmazonEKS", "AmazonEKSServiceRolePolicy"),
    "elasticache.amazonaws.com": row("ElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk.amazonaws.com": row("ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "elasticloadbalancing.amazonaws.com": row("ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy", {
      description: "Allows ELB to call AWS services on your behalf.",
    }),
    "events.amazonaws.com": row("CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    "inspector2.amazonaws.com": row("AmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
    "lambda.application-autoscaling.amazonaws.com": scaling("LambdaConcurrency", "LambdaConcurrency"),
    "mrk.kms.amazonaws.com": row(
      "KeyManagementServiceMultiRegionKeys",
      "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
    ),
    "networking.apprunner.amazonaws.com": row("AppRunnerNetworking", "AppRunnerNetworkingServiceRolePolicy"),
    "pullthroughcache.ecr.amazonaws.com": row("ECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy"),
    "rds.amazonaws.com": row("RDS", "AmazonRDSServiceRolePolicy"),
    "rds.application-autoscaling.amazonaws.com": scaling("RDSCluster", "RDSCluster"),
    "replication.ecr.amazonaws.com": row("ECRReplication", "ECRReplicationServiceRolePolicy"),
    "replicator.lambda.amazonaws.com": row("LambdaReplicator", "AWSLambdaReplicator"),
    "spot.amazonaws.com": row("EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    "spotfleet.amazonaws.com": row("EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    "ssm.amazonaws.com": row("AmazonSSM", "AmazonSSMServiceRolePolicy"),
    "support.amazonaws.com": row("Support", "AWSSupportServiceRolePolicy"),
    "trustedadvisor.amazonaws.com": row("TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
  }),
);
