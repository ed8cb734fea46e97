/** Limits on what the registry keeps, as flags of `kiln start` and as variables for every command that opens Kiln. */
import type { KilnOptions } from "../../app.ts";
import { usageError } from "../../core/errors.ts";

export interface QuotaValues {
  readonly registryQuota?: number;
  readonly repositoryQuota?: number;
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** `500MB`, `20GiB`, `1000000`. */
export function byteSize(text: string): number {
  const match = /^(\d{1,12})(?: ?([kmgt]i?)?b?)?$/i.exec(text.trim());
  const unitBytes = UNIT_BYTES[(match?.[2] ?? "").toLowerCase()];
  const bytes = Number(match?.[1]) * (unitBytes ?? Number.NaN);
  if (match && Number.isSafeInteger(bytes)) return bytes;
  throw usageError(`\`${text}\` is not a size in bytes`, ["write it like `500MB` or `20GiB`"]);
}

export const quotaOptions = ({ registryQuota, repositoryQuota }: QuotaValues): Pick<KilnOptions, "registryQuota"> =>
  registryQuota === undefined && repositoryQuota === undefined
    ? {}
    : {
        registryQuota: {
          ...(registryQuota !== undefined && { totalBytes: registryQuota }),
          ...(repositoryQuota !== undefined && { repositoryBytes: repositoryQuota }),
        },
      };

/** The same from `KILN_REGISTRY_QUOTA` and `KILN_REPOSITORY_QUOTA`. */
export function quotaOfEnvironment(env: NodeJS.ProcessEnv): Pick<KilnOptions, "registryQuota"> {
  const { KILN_REGISTRY_QUOTA: registry, KILN_REPOSITORY_QUOTA: repository } = env;
  return quotaOptions({
    ...(registry ? { registryQuota: byteSize(registry) } : {}),
    ...(repository ? { repositoryQuota: byteSize(repository) } : {}),
  });
}
