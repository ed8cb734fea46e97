/** `docker push` and `docker pull` beside a build: what a registry answers. Source: https://docs.docker.com/reference/cli/docker/image/push/ */
import { lineReader } from "../line-reader.ts";

export const dockerPush = lineReader("docker", [
  {
    mark: "no basic auth credentials",
    pattern: /^(?:Error response from daemon: .*)?no basic auth credentials$/,
    kind: "authentication",
    say: () => "docker has no login for the registry of the image",
    next: "log in before, to exactly the host that the image's name begins with: `aws ecr get-login-password | docker login --username AWS --password-stdin ACCOUNT.dkr.ecr.REGION.amazonaws.com`",
  },
  {
    mark: "requested access to the resource is denied",
    pattern: /^(?:denied: )?requested access to the resource is denied$/,
    kind: "authentication",
    say: () =>
      "the registry refuses the push: nobody is logged in there, or the account may not write to this repository",
    next: "log in before the push; on Docker Hub the name must begin with the account's own (`USER/NAME`)",
  },
  {
    // AWS: ECR ends the connection after docker's retries where the role may not push, or the repository is not there.
    mark: "EOF",
    pattern: /^EOF$/,
    rank: "symptom",
    kind: "service-error",
    say: () => "the registry ended the connection while the image was pushed, after several tries",
    next: "does the repository exist in this account and region (`aws ecr describe-repositories`), and may the role push (`ecr:InitiateLayerUpload`, `ecr:UploadLayerPart`, `ecr:CompleteLayerUpload`, `ecr:PutImage`)? else a proxy or the network ends it",
  },
]);
