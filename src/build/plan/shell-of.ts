/**
 * The shell that runs the commands of a buildspec.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell
 */
import type { Diagnostic } from "../../core/diagnostics.ts";
import type { Buildspec } from "../buildspec/index.ts";

/** The shell of the commands, and an error where Kiln cannot run it. */
export function shellOf(buildspec: Buildspec): { shell: "sh" | "bash"; diagnostics: Diagnostic[] } {
  const shell = buildspec.env.shell;
  if (!shell || /^(\/bin\/|\/usr\/bin\/)?sh$/.test(shell.value)) return { shell: "sh", diagnostics: [] };
  if (/^(\/bin\/|\/usr\/bin\/)?bash$/.test(shell.value)) return { shell: "bash", diagnostics: [] };
  const isWindows = /^(powershell|pwsh|cmd)(\.exe)?$/i.test(shell.value);
  return {
    shell: "sh",
    diagnostics: [
      {
        code: "env/shell-not-supported",
        severity: "error",
        message: `\`env.shell\` is \`${shell.value}\`, expected \`bash\` or \`/bin/sh\``,
        span: shell.span,
        why: isWindows
          ? "it is a shell of CodeBuild's Windows images; Kiln runs Linux builds only"
          : "CodeBuild knows `bash` and `/bin/sh` on Linux, `powershell.exe` and `cmd.exe` on Windows",
        source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell",
      },
    ],
  };
}
