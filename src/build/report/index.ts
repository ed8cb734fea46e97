/** Public face of build/report: shows events to people, programs and log stores. */
export { createAwsReporter } from "./aws.ts";
export type { CloudWatchSink } from "./cloud-watch-sink.ts";
export { createJsonReporter } from "./json.ts";
export { createPlainReporter } from "./plain.ts";
export { createQuietReporter } from "./quiet.ts";
export type { Reporter, ReportOptions, ReportOutput } from "./reporter.ts";
export { createTtyReporter } from "./tty.ts";
export { cacheLine } from "./words.ts";
