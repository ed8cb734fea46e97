/**
 * Names of private ECR registries and of images in them.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html (FIPS: https://docs.aws.amazon.com/general/latest/gr/ecr.html)
 */

const HOST = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** A private registry's host, of any account and region. */
export const isEcrHost = (host: string): boolean => HOST.test(host);

export interface EcrImage {
  /** Without tag and digest. */
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** `000000000000.dkr.ecr.eu-west-1.amazonaws.com/app:1` in its parts; undefined for images of other registries. */
export function parseEcrImage(image: string): EcrImage | undefined {
  const [, name = "", host = "", repository = "", tag, digest] =
    /^(([^/]+)\/([^:@]+))(?::([^@]+))?(?:@(.+))?$/.exec(image) ?? [];
  const [, accountId, region] = HOST.exec(host) ?? [];
  if (accountId === undefined || region === undefined) return undefined;
  return { name, accountId, region, repository, ...(tag && { tag }), ...(digest && { digest }) };
}
