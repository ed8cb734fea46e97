/**
 * What the commands of a buildspec are written for. Windows builds run PowerShell or cmd, whose text a POSIX parser
 * would misread, so nothing of it is.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell
 */
import type { Buildspec } from "../../build/buildspec/index.ts";
import type { CheckProject } from "../knowledge/knowledge.ts";

export function dialectOf(buildspec: Buildspec, project: CheckProject): "posix" | "windows" {
  const shell = buildspec.env.shell?.value;
  if (shell !== undefined) return /^(powershell|pwsh|cmd)(\.exe)?$/i.test(shell) ? "windows" : "posix";
  if (project.type !== undefined) return project.type.startsWith("WINDOWS") ? "windows" : "posix";
  const commands = buildspec.phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
  return commands.some(({ value }) => isForWindows(value)) ? "windows" : "posix";
}

/** Only what cannot be meant for a POSIX shell: `$env:X`, `%X%`, a verb-noun cmdlet or a Windows program in front. */
function isForWindows(command: string): boolean {
  return (
    /\$env:[A-Za-z_]/i.test(command.replace(/'[^']*'/g, "")) ||
    /^\s*(?:powershell|cmd)(?:\.exe)?(?:\s|$)/i.test(command) ||
    /^\s*(?:\$\w+\s*=\s*|&\s*["'$.]|choco\s|Set-\w+|Get-[A-Z]\w*|New-[A-Z]\w*|Remove-[A-Z]\w*|Write-(?:Host|Output)|Invoke-[A-Z]\w*|Import-Module|Install-(?:Module|Package\w*|WindowsFeature)|Expand-Archive|Start-Process|Copy-Item|Move-Item)/.test(
      command,
    ) ||
    /(?:^|[;|{(]\s*|\s)(?:Test-Path|Join-Path|ForEach-Object|Where-Object|Select-Object|Out-(?:File|Null|Host|String)|Convert(?:To|From)-\w+|Write-(?:Error|Verbose|Warning)|Get-(?:ChildItem|Content|Item|Date|Command)|-ErrorAction)(?:\s|$|\))/.test(
      command.replace(/'[^']*'|"[^"]*"/g, ""),
    ) ||
    /^\s*(?:\.\\|[A-Za-z]:\\|@echo\s+off|if\s+(?:not\s+)?exist\s|if\s+errorlevel\s)/i.test(command) ||
    /^\s*[\w.-]+\.(?:exe|bat|cmd|ps1)(?:\s|$)/i.test(command) ||
    /(?:^|[\s=\\])%[A-Z][A-Z0-9_]{2,}%/.test(command.replace(/'[^']*'|"[^"]*"/g, ""))
  );
}
